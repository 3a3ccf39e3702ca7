// SPDX-License-Identifier: GPL-2.0-or-later
/* /api/connections: the connections that recent entries came over, and one of them. */
#include <errno.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>

#include "api/index.h"
#include "api/problem.h"
#include "api/request.h"
#include "api/route.h"
#include "api/window.h"
#include "entry.h"
#include "kfl/kfl.h"

#define LIST_DEFAULT 1000

/* One connection; entries come newest first, so that the first one seen is its last. */
struct row {
	size_t head, head_len; /* what does not change, in rows.heads */
	int64_t first_us, last_us;
	uint64_t entries, errors, request_bytes, response_bytes;
};

struct rows {
	struct index index;
	struct buf heads;
	struct buf rows; /* of struct row */
};

static int put_head(struct buf *out, const struct entry *e)
{
	int r = buf_puts(out, "{\"connection\":");

	r = r ? r : buf_put_json(out, e->connection, strlen(e->connection));
	r = r ? r : entry_put_endpoint(out, "src", &e->src);
	r = r ? r : entry_put_endpoint(out, "dst", &e->dst);
	r = r ? r : buf_put_member(out, "library", e->library);
	r = r ? r : buf_put_member(out, "bind", e->bind);
	return r ? r : buf_put_member(out, "protocol", e->protocol);
}

static int start_row(struct rows *rows, const struct entry *e)
{
	struct row row = { .head = rows->heads.len, .last_us = e->timestamp_us };
	int r = put_head(&rows->heads, e);

	row.head_len = rows->heads.len - row.head;
	return r ? r : buf_put(&rows->rows, &row, sizeof(row));
}

static int add(void *ctx, const struct entry *e)
{
	struct rows *rows = ctx;
	size_t known = rows->index.count;
	int64_t n = index_of(&rows->index, e->connection, strlen(e->connection));
	int r = n < 0 ? (int)n : rows->index.count > known ? start_row(rows, e) : 0;

	if (r)
		return r;
	struct row *row = (struct row *)rows->rows.data + n;
	row->first_us = e->timestamp_us;
	row->entries++;
	row->errors += window_is_error(e);
	row->request_bytes += (uint64_t)e->request_size;
	row->response_bytes += (uint64_t)e->response_size;
	return 0;
}

static int put_row(struct buf *out, const struct rows *rows, size_t n)
{
	const struct row *row = (const struct row *)rows->rows.data + n;
	int e = buf_put(out, rows->heads.data + row->head, row->head_len);

	return e ? e
		 : buf_printf(out,
			      ",\"first_us\":%" PRId64 ",\"last_us\":%" PRId64
			      ",\"entries\":%" PRIu64 ",\"errors\":%" PRIu64
			      ",\"request_bytes\":%" PRIu64 ",\"response_bytes\":%" PRIu64,
			      row->first_us, row->last_us, row->entries, row->errors,
			      row->request_bytes, row->response_bytes);
}

static void rows_free(struct rows *rows)
{
	index_free(&rows->index);
	buf_free(&rows->heads);
	buf_free(&rows->rows);
}

static int put_list(struct buf *out, const struct rows *rows, const struct window *w, size_t limit)
{
	int e = buf_puts(out, "{\"connections\":[");

	for (size_t i = 0; !e && i < rows->index.count && i < limit; i++) {
		e = i ? buf_puts(out, ",\n") : 0;
		e = e ? e : put_row(out, rows, i);
		e = e ? e : buf_putc(out, '}');
	}
	e = e ? e : buf_printf(out, "],\"total\":%zu,", rows->index.count);
	e = e ? e : window_put(w, out);
	return e ? e : buf_puts(out, "}\n");
}

void connections_list(struct request *r)
{
	struct rows rows = { 0 };
	struct window w = { .add = add, .ctx = &rows };
	struct kfl *filter;
	int64_t limit;

	if (!request_integer(r, "limit", 1, LIMIT_WINDOW, LIST_DEFAULT, &limit) ||
	    !request_filter(r, &filter))
		return;
	if (window_scan(r, filter, &w))
		answer_json(r, put_list(&r->answer.body, &rows, &w, (size_t)limit));
	kfl_free(filter);
	rows_free(&rows);
}

/* The filter for one connection; what its name cannot hold gives none. */
static struct kfl *filter_for(const char *id)
{
	static const char usable[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789-._:";
	struct kfl_error error;
	struct kfl *filter = NULL;
	char text[LIMIT_PATH_ID + 32];

	if (id[strspn(id, usable)])
		return NULL;
	int n = snprintf(text, sizeof(text), "connection == \"%s\"", id);
	return kfl_compile(text, (size_t)n, &filter, &error) ? NULL : filter;
}

static int put_one(struct buf *out, const struct rows *rows, const struct window *w)
{
	int e = put_row(out, rows, 0);

	e = e ? e : buf_putc(out, ',');
	e = e ? e : window_put(w, out);
	return e ? e : buf_puts(out, "}\n");
}

void connections_get(struct request *r)
{
	struct rows rows = { 0 };
	struct window w = { .add = add, .ctx = &rows };
	struct kfl *filter = filter_for(r->id);

	if (filter && !window_scan(r, filter, &w)) {
		kfl_free(filter);
		rows_free(&rows);
		return;
	}
	if (rows.index.count)
		answer_json(r, put_one(&r->answer.body, &rows, &w));
	else
		problem(r, MHD_HTTP_NOT_FOUND, "id",
			"there is no entry of a connection %s; see /api/connections", r->id);
	kfl_free(filter);
	rows_free(&rows);
}
