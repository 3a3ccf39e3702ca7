// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/endpoint_rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/hide.h"
#include "api/template.h"
#include "base/limits.h"
#include "entry.h"
#include "outcome.h"

enum endpoint_form endpoint_form_of(const char *protocol)
{
	static const struct {
		const char *protocol;
		enum endpoint_form form;
	} forms[] = {
		{ "http", FORM_PATH },	 { "http2", FORM_PATH },  { "websocket", FORM_PATH },
		{ "grpc", FORM_WHOLE },	 { "mysql", FORM_SQL },	  { "postgres", FORM_SQL },
		{ "kafka", FORM_WHOLE }, { "mongo", FORM_WHOLE },
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
		if (!strcmp(forms[i].protocol, protocol))
			return forms[i].form;
	return FORM_COMMAND;
}

const char *endpoint_key_part(const char *key, enum endpoint_part part)
{
	for (; part; part--)
		key += strlen(key) + 1;
	return key;
}

static int make_key(struct buf *key, const struct entry *e)
{
	enum endpoint_form form = endpoint_form_of(e->protocol);
	const char *host = form == FORM_SQL || form == FORM_COMMAND ? e->dst.name : e->host;
	int r;

	buf_reset(key);
	r = buf_put(key, e->protocol, strlen(e->protocol) + 1);
	r = r ? r : buf_put(key, host, strlen(host) + 1);
	r = r ? r : buf_put(key, e->method, strlen(e->method) + 1);
	if (r)
		return r;
	if (form == FORM_PATH)
		r = template_path(e->path, key);
	else if (form == FORM_SQL)
		r = template_sql(e->summary, key);
	else if (form == FORM_WHOLE)
		r = buf_puts(key, e->summary);
	return r ? r : buf_putc(key, '\0');
}

struct endpoint_row *endpoint_row_at(const struct endpoints *x, size_t n)
{
	return (struct endpoint_row *)x->rows.data + n;
}

const char *endpoint_key(const struct endpoints *x, const struct endpoint_row *row)
{
	return x->keys.keys.data + row->key;
}

/* The number of a key, with a row of its own. */
static int64_t add_row(struct index *keys, struct buf *rows, const char *key, size_t len)
{
	const struct endpoint_row empty = { .key = keys->keys.len };
	size_t known = keys->count;
	int64_t n = index_of(keys, key, len);

	if (n >= 0 && keys->count > known && buf_put(rows, &empty, sizeof(empty)))
		return -ENOMEM;
	return n;
}

int endpoint_rows_add(struct endpoints *x, const struct entry *whole)
{
	const struct entry hidden = hide_columns(whole, x->filter), *e = &hidden;
	int r = make_key(&x->key, e);
	int64_t n = r ? r : add_row(&x->keys, &x->rows, x->key.data, x->key.len);

	if (n < 0)
		return (int)n;
	struct endpoint_row *row = endpoint_row_at(x, (size_t)n);
	enum outcome outcome = entry_outcome(whole);
	row->calls++;
	row->client_errors += outcome == OUTCOME_CLIENT_ERROR;
	row->server_errors += outcome == OUTCOME_SERVER_ERROR;
	row->incomplete += outcome == OUTCOME_INCOMPLETE;
	row->bytes += (uint64_t)e->request_size + (uint64_t)e->response_size;
	row->timed += e->elapsed_us >= 0;
	const struct endpoint_call call = { (size_t)n, e->elapsed_us, e->timestamp_us };
	return buf_put(&x->calls, &call, sizeof(call));
}

/* The place of segment `n` of a path in its key; false: there is none. */
static bool find_segment(const char *key, size_t n, size_t *ret_from, size_t *ret_len)
{
	const char *path = endpoint_key_part(key, PART_TEMPLATE), *p = path;

	if (endpoint_form_of(key) != FORM_PATH || *p != '/')
		return false;
	while (n-- && (p = strchr(p + 1, '/')))
		;
	if (!p)
		return false;
	*ret_from = (size_t)(p + 1 - key);
	*ret_len = strcspn(p + 1, "/");
	return true;
}

/* How many different texts follow one beginning: numbers of beginnings, and of pairs. */
struct branches {
	struct index begins, pairs;
	struct buf counts; /* size_t, by number of beginning */
};

static int64_t count_branch(struct branches *b, const char *key, size_t from, size_t len)
{
	static const size_t none;
	size_t known = b->begins.count, pairs = b->pairs.count;
	int64_t begin = index_of(&b->begins, key, from);

	if (begin < 0 || (b->begins.count > known && buf_put(&b->counts, &none, sizeof(none))) ||
	    index_of(&b->pairs, key, from + len) < 0)
		return -ENOMEM;
	((size_t *)b->counts.data)[begin] += b->pairs.count > pairs;
	return begin;
}

static int count_branches(const struct endpoints *x, size_t n, struct branches *b)
{
	size_t from, len;

	for (size_t i = 0; i < x->keys.count; i++) {
		const char *key = endpoint_key(x, endpoint_row_at(x, i));
		if (find_segment(key, n, &from, &len) && count_branch(b, key, from, len) < 0)
			return -ENOMEM;
	}
	return 0;
}

/* The key of a row, in which segment `n` stands for many when there are too many. */
static int fold_key(const struct endpoints *x, const struct endpoint_row *row, size_t n,
		    struct branches *b, struct buf *ret)
{
	const char *key = endpoint_key(x, row);
	size_t from, len, whole = (size_t)(endpoint_key_part(key, PARTS) - key);
	int64_t begin = find_segment(key, n, &from, &len) ? index_of(&b->begins, key, from) : -1;

	buf_reset(ret);
	if (begin < 0 || ((const size_t *)b->counts.data)[begin] <= LIMIT_ENDPOINT_BRANCHES)
		return buf_put(ret, key, whole);
	int r = buf_put(ret, key, from);
	r = r ? r : buf_puts(ret, TEMPLATE_MANY);
	return r ? r : buf_put(ret, key + from + len, whole - from - len);
}

static void add_sums(struct endpoint_row *sum, const struct endpoint_row *row)
{
	sum->calls += row->calls;
	sum->client_errors += row->client_errors;
	sum->server_errors += row->server_errors;
	sum->incomplete += row->incomplete;
	sum->bytes += row->bytes;
	sum->timed += row->timed;
}

/* Rows by their folded keys; rows that now have the same key are one. */
static int regroup(struct endpoints *x, size_t n, struct branches *b)
{
	struct index keys = { 0 };
	struct buf rows = { 0 };
	size_t *to = calloc(x->keys.count + 1, sizeof(*to));
	int r = to ? 0 : -ENOMEM;

	for (size_t i = 0; !r && i < x->keys.count; i++) {
		const struct endpoint_row *row = endpoint_row_at(x, i);
		r = fold_key(x, row, n, b, &x->key);
		int64_t new = r ? r : add_row(&keys, &rows, x->key.data, x->key.len);
		r = new < 0 ? (int)new : 0;
		if (r)
			break;
		to[i] = (size_t) new;
		add_sums((struct endpoint_row *)rows.data + new, row);
	}
	struct endpoint_call *calls = (struct endpoint_call *)x->calls.data;
	for (size_t i = 0; !r && i < x->calls.len / sizeof(*calls); i++)
		calls[i].row = to[calls[i].row];
	free(to);
	index_free(r ? &keys : &x->keys);
	buf_free(r ? &rows : &x->rows);
	if (!r) {
		x->keys = keys;
		x->rows = rows;
	}
	return r;
}

int endpoint_rows_fold(struct endpoints *x)
{
	int r = 0;

	for (size_t n = 0; !r && n < LIMIT_ENDPOINT_SEGMENTS; n++) {
		struct branches b = { 0 };
		bool many = false;
		r = count_branches(x, n, &b);
		for (size_t i = 0; !r && i < b.begins.count; i++)
			many |= ((const size_t *)b.counts.data)[i] > LIMIT_ENDPOINT_BRANCHES;
		if (!r && many)
			r = regroup(x, n, &b);
		bool deeper = b.begins.count != 0;
		index_free(&b.begins);
		index_free(&b.pairs);
		buf_free(&b.counts);
		if (!deeper)
			break;
	}
	return r;
}

void endpoint_rows_free(struct endpoints *x)
{
	index_free(&x->keys);
	buf_free(&x->rows);
	buf_free(&x->calls);
	buf_free(&x->key);
}
