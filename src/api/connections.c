// SPDX-License-Identifier: GPL-2.0-or-later
/* /api/connections: the connections that recent entries came over, and one of them. */
#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <string.h>

#include "api/hide.h"
#include "api/index.h"
#include "api/problem.h"
#include "api/param.h"
#include "api/reply.h"
#include "api/request.h"
#include "api/handlers.h"
#include "api/window.h"
#include "base/json_write.h"
#include "entry.h"
#include "kfl/kfl.h"
#include "outcome.h"

#define LIST_DEFAULT 1000

/* One connection; entries come newest first, so that the first one seen is its last. */
struct row {
	size_t head, head_len; /* what does not change, in rows.heads */
	int64_t first_us, last_us;
	uint64_t entries, errors, request_bytes, response_bytes;
	uint64_t packets, wire_bytes[2]; /* as the wire had it: what the client sent, the server */
	size_t reason, tls_version, sni; /* in rows.heads; 0: none */
	enum lock lock;
	bool of_wire;	     /* the head is of an entry that has no protocol of its own */
	bool client, server; /* the ends that it was read at */
};

struct rows {
	const struct kfl *filter; /* whose redact() is kept; NULL: none */
	struct index index;
	struct buf heads;
	struct buf rows; /* of struct row */
};

/* An object that is not ended. */
static int put_head(struct buf *out, const struct entry *e)
{
	struct jw j = jw_begin(out);

	jw_object(&j, NULL);
	jw_string(&j, "connection", e->connection);
	entry_put_end(&j, "src", &e->src);
	entry_put_end(&j, "dst", &e->dst);
	jw_string(&j, "library", e->library);
	jw_string(&j, "bind", e->bind);
	jw_string(&j, "protocol", e->protocol);
	return jw_done(&j);
}

/* `tcp` and `tlsx` are of the connection itself: they are told apart from what it carried. */
static bool is_wire(const struct entry *e)
{
	return !strcmp(e->protocol, "tcp") || !strcmp(e->protocol, "tlsx");
}

static int set_head(struct rows *rows, struct row *row, const struct entry *e)
{
	size_t at = rows->heads.len;

	if (put_head(&rows->heads, e))
		return -ENOMEM;
	row->head = at;
	row->head_len = rows->heads.len - at;
	row->of_wire = is_wire(e);
	return 0;
}

/* The newest text counts. */
static int take_text(struct rows *rows, size_t *at, const char *text)
{
	if (*at || !*text)
		return 0;
	*at = rows->heads.len;
	return buf_put(&rows->heads, text, strlen(text) + 1);
}

static int add_wire(struct rows *rows, struct row *row, const struct entry *e)
{
	int r = take_text(rows, &row->tls_version, e->tls_version);

	r = r ? r : take_text(rows, &row->sni, e->tls_sni);
	if (row->lock != LOCK_OPEN && e->lock != LOCK_NONE)
		row->lock = e->lock;
	if (strcmp(e->protocol, "tcp") != 0)
		return r;
	if (e->lock == LOCK_CLOSED)
		r = r ? r : take_text(rows, &row->reason, e->reason);
	row->packets = (uint64_t)e->packets;
	row->wire_bytes[0] = (uint64_t)e->request_size;
	row->wire_bytes[1] = (uint64_t)e->response_size;
	return r;
}

static void add_said(struct row *row, const struct entry *e)
{
	row->entries++;
	row->errors += outcome_is_error(entry_outcome(e));
	row->request_bytes += (uint64_t)e->request_size;
	row->response_bytes += (uint64_t)e->response_size;
}

static int start_row(struct rows *rows, const struct entry *e)
{
	struct row row = { .first_us = e->timestamp_us };
	int r = set_head(rows, &row, e);

	return r ? r : buf_put(&rows->rows, &row, sizeof(row));
}

static int add(void *ctx, const struct entry *whole)
{
	struct rows *rows = ctx;
	const struct entry hidden = hide_columns(whole, rows->filter), *e = &hidden;
	size_t known = rows->index.count;
	int64_t n = index_of(&rows->index, whole->connection, strlen(whole->connection));
	int r = n < 0 ? (int)n : rows->index.count > known ? start_row(rows, e) : 0;

	if (r)
		return r;
	struct row *row = (struct row *)rows->rows.data + n;
	/* Entries of before there were ends have a role. */
	const char *ends = *e->ends ? e->ends : e->role;
	int64_t last = e->timestamp_us + (is_wire(e) && e->elapsed_us > 0 ? e->elapsed_us : 0);
	if (e->timestamp_us < row->first_us)
		row->first_us = e->timestamp_us;
	if (last > row->last_us)
		row->last_us = last;
	if (!is_wire(e))
		add_said(row, e);
	bool told = strcmp(ends, HIDDEN_TEXT) != 0;
	row->client |= told && strcmp(ends, "server") != 0;
	row->server |= told && strcmp(ends, "client") != 0;
	r = row->of_wire && !is_wire(e) ? set_head(rows, row, e) : 0;
	return r ? r : add_wire(rows, row, e);
}

static void put_known(struct jw *j, const char *name, const struct rows *rows, size_t at)
{
	jw_string(j, name, at ? rows->heads.data + at : "");
}

/* The row of a connection, an object that is not ended. */
static void put_row(struct jw *j, const struct rows *rows, size_t n)
{
	const struct row *row = (const struct row *)rows->rows.data + n;

	jw_raw(j, NULL, rows->heads.data + row->head, row->head_len);
	jw_string(j, "ends",
		  row->server	? row->client ? "both" : "server"
		  : row->client ? "client"
				: "");
	jw_int(j, "first_us", row->first_us);
	jw_int(j, "last_us", row->last_us);
	jw_uint(j, "entries", row->entries);
	jw_uint(j, "errors", row->errors);
	jw_uint(j, "request_bytes", row->request_bytes);
	jw_uint(j, "response_bytes", row->response_bytes);
	entry_put_lock(j, "lock", row->lock);
	put_known(j, "reason", rows, row->lock == LOCK_CLOSED ? row->reason : 0);
	put_known(j, "tls_version", rows, row->tls_version);
	put_known(j, "sni", rows, row->sni);
	jw_uint(j, "packets", row->packets);
	jw_uint(j, "wire_request_bytes", row->wire_bytes[0]);
	jw_uint(j, "wire_response_bytes", row->wire_bytes[1]);
}

static void rows_free(struct rows *rows)
{
	index_free(&rows->index);
	buf_free(&rows->heads);
	buf_free(&rows->rows);
}

static int put_list(struct buf *out, const struct rows *rows, const struct window *w, size_t limit)
{
	struct jw j = jw_begin(out);

	jw_object(&j, NULL);
	jw_array(&j, "connections");
	for (size_t i = 0; i < rows->index.count && i < limit; i++) {
		put_row(&j, rows, i);
		jw_end_object(&j);
	}
	jw_end_array(&j);
	jw_uint(&j, "total", rows->index.count);
	window_put(w, &j);
	jw_end_object(&j);
	return jw_done(&j);
}

void connections_list(struct request *r)
{
	struct rows rows = { 0 };
	struct window w = { .add = add, .ctx = &rows };
	struct kfl *filter;
	int64_t limit;

	if (!param_integer(r, "limit", 1, LIMIT_WINDOW, LIST_DEFAULT, &limit) ||
	    !param_filter(r, &filter))
		return;
	rows.filter = filter;
	if (window_scan(r, filter, &w))
		reply_json(r, put_list(&r->answer.body, &rows, &w, (size_t)limit));
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
	struct jw j = jw_begin(out);

	put_row(&j, rows, 0);
	window_put(w, &j);
	jw_end_object(&j);
	return jw_done(&j);
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
		reply_json(r, put_one(&r->answer.body, &rows, &w));
	else
		problem(r, MHD_HTTP_NOT_FOUND, "id",
			"there is no entry of a connection %s; see /api/connections", r->id);
	kfl_free(filter);
	rows_free(&rows);
}
