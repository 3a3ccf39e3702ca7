// SPDX-License-Identifier: GPL-2.0-or-later
#include "kfl/kfl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "kfl/vocabulary.h"
#include "kfl/time_span.h"
#include "kfl/uses.h"
#include "base/limits.h"

struct kfl {
	struct query query; /* memory of the tree and all texts */
	struct node *root;  /* NULL: every entry */
	struct uses uses;
	struct buf normal;
	struct time_span range;
};

static int check_length(struct query *q)
{
	if (q->len <= LIMIT_QUERY_BYTES)
		return 0;
	return query_fail(q, LIMIT_QUERY_BYTES, q->len - LIMIT_QUERY_BYTES,
			  "the query has %zu bytes; the limit is %d", q->len, LIMIT_QUERY_BYTES);
}

static int put_normal(struct kfl *k)
{
	int r = lex_put_normal(&k->query, &k->normal);

	/* Queries of different times are different queries. */
	if (!r && k->query.uses_clock)
		r = buf_printf(&k->normal, " // at %" PRId64, k->query.now_us);
	return r || buf_cstr(&k->normal) ? r : -ENOMEM;
}

static int compile(struct kfl *k)
{
	struct query *q = &k->query;
	int r = parse_query(q, &k->root);

	if (!r && k->root)
		r = check_query(q, k->root);
	if (r)
		return r;
	k->range = k->root ? time_span_of(k->root) : time_span_always;
	if (k->root)
		k->uses = uses_of(k->root);
	return put_normal(k);
}

/* Tree and errors refer to it for as long as the query lives. */
static int copy_text(struct query *q, const char *text, size_t len)
{
	char *copy = query_alloc(q, len + 1);

	if (!copy)
		return -ENOMEM;
	if (len)
		memcpy(copy, text, len);
	q->text = copy;
	q->len = len;
	return 0;
}

int kfl_compile(const char *query, size_t len, struct kfl **ret, struct kfl_error *ret_error)
{
	struct kfl *k = calloc(1, sizeof(*k));

	if (!k)
		return -ENOMEM;
	k->query = (struct query){ .text = query,
				   .len = len,
				   .error = ret_error,
				   .limit = -1,
				   .now_us = clock_us(CLOCK_REALTIME) };
	int r = check_length(&k->query);
	if (!r)
		r = copy_text(&k->query, query, len);
	if (!r)
		r = compile(k);
	/* It is the caller's. */
	k->query.error = NULL;
	if (r) {
		kfl_free(k);
		return r;
	}
	*ret = k;
	return 0;
}

void kfl_free(struct kfl *k)
{
	if (!k)
		return;
	buf_free(&k->normal);
	query_free(&k->query);
	free(k);
}

bool kfl_needs_detail(const struct kfl *k)
{
	return k->uses.detail;
}

const struct kfl_field *kfl_compared(const struct kfl *k, size_t i)
{
	return i < USES_MAX ? k->uses.compared[i] : NULL;
}

const struct node *kfl_root(const struct kfl *k)
{
	return k->root;
}

struct query kfl_place(const struct kfl *k, struct kfl_error *error)
{
	return (struct query){ .text = k->query.text, .len = k->query.len, .error = error };
}

void kfl_time_range(const struct kfl *k, int64_t *ret_from_us, int64_t *ret_to_us)
{
	*ret_from_us = k->range.from_us;
	*ret_to_us = k->range.to_us;
}

int64_t kfl_limit(const struct kfl *k)
{
	return k->query.limit;
}

const struct kfl_redaction *kfl_redacted(const struct kfl *k, size_t i)
{
	const struct redaction *d = k->query.redactions;

	for (; d && i; d = d->next)
		i--;
	return d ? &d->public : NULL;
}

const char *kfl_normal(const struct kfl *k)
{
	return k->normal.data ? k->normal.data : "";
}
