// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/store.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "kfl/kfl.h"
#include "store/store_ops.h"

/* "sqlite:", "clickhouse:", ...: the length with the colon, 0 when it is a path. */
static size_t scheme_length(const char *uri)
{
	size_t n = 0;

	while (isalnum((unsigned char)uri[n]) || (n && strchr("+-.", uri[n]) && uri[n]))
		n++;
	return n && uri[n] == ':' ? n + 1 : 0;
}

static const struct store_ops *find(const char *uri, size_t scheme)
{
	if (!scheme)
		return store_table[0];
	for (const struct store_ops *const *o = store_table; *o; o++)
		if (strlen((*o)->scheme) + 1 == scheme && !memcmp((*o)->scheme, uri, scheme - 1))
			return *o;
	return NULL;
}

static void explain(const char *uri, size_t scheme, char *error, size_t size)
{
	int n = snprintf(error, size, "store %s: no store is called \"%.*s\"; use a path", uri,
			 (int)scheme - 1, uri);

	for (const struct store_ops *const *o = store_table; *o; o++)
		if (n >= 0 && (size_t)n < size)
			n += snprintf(error + n, size - (size_t)n, " or %s", (*o)->usage);
}

int store_open(const struct store_options *options, uid_t uid, gid_t gid, struct store **ret,
	       char *error, size_t error_size)
{
	size_t scheme = scheme_length(options->uri);
	const struct store_ops *ops = find(options->uri, scheme);

	if (error_size)
		error[0] = '\0';
	if (!ops) {
		explain(options->uri, scheme, error, error_size);
		return -EINVAL;
	}
	int r = ops->open(options, options->uri + scheme, uid, gid, ret, error, error_size);
	if (!r)
		(*ret)->ops = ops;
	return r;
}

void store_close(struct store *s)
{
	if (s)
		s->ops->close(s);
}

int store_append(struct store *s, struct entry *const *batch, size_t count)
{
	return s->ops->append(s, batch, count);
}

void store_maintain(struct store *s, int64_t now_us)
{
	s->ops->maintain(s, now_us);
}

int store_check(struct store *s, const struct kfl *filter, struct kfl_error *ret_error)
{
	return s->ops->check(s, filter, ret_error);
}

int store_compile(struct store *s, const char *query, size_t len, struct kfl **ret,
		  struct kfl_error *ret_error)
{
	struct kfl *k;
	int r = kfl_compile(query, len, &k, ret_error);

	if (r)
		return r;
	r = store_check(s, k, ret_error);
	if (r)
		kfl_free(k);
	else
		*ret = k;
	return r;
}

int store_select(struct store *s, const struct store_query *q, store_row_fn *row, void *ctx,
		 struct store_page *ret, char *error, size_t error_size)
{
	return s->ops->select(s, q, row, ctx, ret, error, error_size);
}

int store_get(struct store *s, int64_t id, struct entry **ret)
{
	return s->ops->get(s, id, ret);
}

int store_count(struct store *s, const struct store_histogram *q, uint64_t (*counts)[OUTCOMES],
		struct store_counted *ret, char *error, size_t error_size)
{
	return s->ops->count(s, q, counts, ret, error, error_size);
}

struct store_stats store_stats(struct store *s)
{
	return s->ops->stats(s);
}

const char *store_path(const struct store *s)
{
	return s->ops->path ? s->ops->path(s) : NULL;
}

void store_error(struct store *s, char *out, size_t size)
{
	s->ops->error(s, out, size);
}
