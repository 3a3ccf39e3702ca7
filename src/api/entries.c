// SPDX-License-Identifier: GPL-2.0-or-later
/* /api/entries: pages, newest first, and /api/entries/ID: all that is known of one. */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "api/detail.h"
#include "api/page.h"
#include "api/problem.h"
#include "api/hide.h"
#include "api/param.h"
#include "api/reply.h"
#include "api/request.h"
#include "api/handlers.h"
#include "api/state.h"
#include "base/json_write.h"
#include "base/writer.h"
#include "entry.h"
#include "kfl/kfl.h"
#include "store/store.h"

#define PAGE_DEFAULT 100

struct list {
	struct jw j;
	const struct kfl *filter;
};

static bool put_row(void *ctx, const struct entry *e)
{
	struct list *l = ctx;

	jw_raw(&l->j, NULL, "", 0); /* its text comes by other means */
	if (!jw_done(&l->j))
		jw_fail(&l->j, hide_put_entry(e, l->filter, l->j.out));
	return !jw_done(&l->j);
}

/*
 * What limit(n) leaves for this page, -1 without one. The results of a query with it are the newest
 * n at any time, so a page holds what of them is older than the cursor: those that are not have to
 * be counted, but nothing has to be remembered between pages, nor does the cursor carry more than
 * an id. Counting ends at the time limit; there may then be more pages than there should be.
 */
static bool find_left(struct request *r, const struct store_query *q, int64_t *ret)
{
	uint64_t counts[1][OUTCOMES] = { 0 };
	const struct store_histogram newer = {
		.filter = q->filter,
		.after = q->before - 1,
		.bucket_us = INT64_MAX / 2,
		.buckets = 1,
		.time_limit_ms = LIMIT_QUERY_MS,
	};
	struct store_counted counted = { 0 };
	char error[256] = "";

	*ret = q->filter ? kfl_limit(q->filter) : -1;
	if (*ret <= 0 || !q->before)
		return true;
	int e = store_count(r->api->store, &newer, counts, &counted, error, sizeof(error));
	if (e)
		problem_store(r, e, error);
	*ret -= (int64_t)counted.total;
	return !e;
}

static void put_page(struct request *r, struct store_query *q)
{
	struct list l = { .j = jw_begin(&r->answer.body), .filter = q->filter };
	struct store_page page = { 0 };
	int64_t most;

	if (!find_left(r, q, &most))
		return;
	bool last = most >= 0 && (uint64_t)most <= q->limit;
	if (last)
		q->limit = (size_t)most;
	jw_object(&l.j, NULL);
	jw_array(&l.j, "entries");
	if (q->limit && !page_select(r, q, put_row, &l, &page))
		return;
	jw_end_array(&l.j);
	/* limit(n) is reached with this page, so that nothing follows. */
	if (page.next && !(last && page.count >= q->limit))
		jw_int(&l.j, "next", page.next);
	else
		jw_null(&l.j, "next");
	jw_bool(&l.j, "partial", page.partial);
	jw_end_object(&l.j);
	reply_json(r, jw_done(&l.j));
}

void entries_list(struct request *r)
{
	struct store_query q = { .time_limit_ms = LIMIT_QUERY_MS };
	struct kfl *filter;
	int64_t limit;

	if (!param_integer(r, "limit", 1, LIMIT_PAGE, PAGE_DEFAULT, &limit) ||
	    !param_integer(r, "before", 0, INT64_MAX, 0, &q.before) ||
	    !param_integer(r, "after", 0, INT64_MAX, 0, &q.after) || !param_filter(r, &filter))
		return;
	q.filter = filter;
	q.limit = (size_t)limit;
	put_page(r, &q);
	kfl_free(filter);
}

/* What the addresses of the bodies end with, so that they hide the same. */
static int put_query(const struct request *r, struct buf *out)
{
	const char *q = request_param(r, "q");
	struct writer w = { .out = out };

	if (q && *q)
		writer_puts(&w, "?q=");
	for (; q && *q; q++) {
		if (isalnum((unsigned char)*q))
			writer_putc(&w, *q);
		else
			writer_printf(&w, "%%%02X", (unsigned char)*q);
	}
	return !w.error && !buf_cstr(out) ? -ENOMEM : w.error;
}

void entries_get(struct request *r)
{
	struct buf query = { 0 };
	struct hidden m;
	struct entry *e;

	if (page_masked(r, &e, &m)) {
		int error = m.asked ? put_query(r, &query) : 0;
		if (!error)
			error = detail_put(&m.e, m.detail, query.len ? buf_cstr(&query) : "",
					   &r->answer.body);
		if (!error)
			error = buf_putc(&r->answer.body, '\n');
		reply_tagged(r, "application/json", error);
	}
	buf_free(&query);
	hide_free(&m);
	entry_free(e);
}
