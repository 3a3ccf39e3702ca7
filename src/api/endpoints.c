// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * /api/endpoints: recent entries by what was called: method and path without what varies, SQL
 * without values, gRPC methods, commands of the other protocols.
 */
#include <errno.h>
#include <stdlib.h>

#include "api/endpoint_rows.h"
#include "api/handlers.h"
#include "api/param.h"
#include "api/quote.h"
#include "api/reply.h"
#include "api/request.h"
#include "api/template.h"
#include "api/window.h"
#include "base/json_write.h"
#include "base/limits.h"
#include "base/writer.h"
#include "entry.h"
#include "kfl/kfl.h"

#define SPARK 24 /* parts of the window that calls are counted in */

/* By row, then by time taken; those of unknown time first. */
static int by_row_and_elapsed(const void *a, const void *b)
{
	const struct endpoint_call *x = a, *y = b;

	if (x->row != y->row)
		return x->row < y->row ? -1 : 1;
	return (x->elapsed_us > y->elapsed_us) - (x->elapsed_us < y->elapsed_us);
}

static int by_calls(const void *a, const void *b)
{
	const struct endpoint_row *const *x = a, *const *y = b;

	if ((*x)->calls != (*y)->calls)
		return (*x)->calls > (*y)->calls ? -1 : 1;
	return *x < *y ? -1 : *x > *y;
}

/* The least time that so many of 100 calls do not exceed. */
static void put_percentile(struct jw *j, const char *name, const struct endpoint_row *row,
			   const struct endpoint_call *calls, unsigned percent)
{
	const struct endpoint_call *timed = calls + row->first + (row->calls - row->timed);

	if (!row->timed)
		jw_null(j, name);
	else
		jw_int(j, name, timed[(row->timed * percent + 99) / 100 - 1].elapsed_us);
}

static void put_filter(struct jw *j, const char *key, struct buf *scratch)
{
	const char *template = endpoint_key_part(key, PART_TEMPLATE);
	enum endpoint_form form = endpoint_form_of(key);
	struct buf pattern = { 0 };
	struct writer w = { .out = scratch };

	buf_reset(scratch);
	writer_printf(&w, "protocol == ");
	quote_kfl(&w, key);
	writer_printf(&w, form == FORM_SQL || form == FORM_COMMAND ? " and dst.name == "
								   : " and host == ");
	quote_kfl(&w, endpoint_key_part(key, PART_HOST));
	writer_printf(&w, " and method == ");
	quote_kfl(&w, endpoint_key_part(key, PART_METHOD));
	if (form != FORM_COMMAND && form != FORM_WHOLE) {
		jw_fail(j, template_pattern(template, form == FORM_PATH, &pattern));
		writer_printf(&w,
			      form == FORM_PATH ? " and path.matches(" : " and summary.matches(");
		quote_kfl(&w, buf_cstr(&pattern) ? buf_cstr(&pattern) : "");
		writer_putc(&w, ')');
	} else if (form == FORM_WHOLE) {
		writer_printf(&w, " and summary == ");
		quote_kfl(&w, template);
	}
	jw_fail(j, w.error);
	jw_text(j, "q", scratch->data, scratch->len);
	buf_free(&pattern);
}

static void put_spark(struct jw *j, const struct endpoint_row *row,
		      const struct endpoint_call *calls, const struct window *w)
{
	int64_t span = w->last_us - w->first_us + 1;
	uint64_t counts[SPARK] = { 0 };

	for (size_t i = row->first; i < row->first + row->calls; i++)
		counts[(calls[i].timestamp_us - w->first_us) * SPARK / span]++;
	jw_array(j, "spark");
	for (size_t i = 0; i < SPARK; i++)
		jw_uint(j, NULL, counts[i]);
	jw_end_array(j);
}

static void put_row(struct jw *j, struct endpoints *x, const struct endpoint_row *row,
		    const struct window *w)
{
	const struct endpoint_call *calls = (const struct endpoint_call *)x->calls.data;
	const char *key = endpoint_key(x, row);
	double seconds = (double)(w->last_us - w->first_us) / 1e6;

	jw_object(j, NULL);
	jw_string(j, "protocol", key);
	jw_string(j, "host", endpoint_key_part(key, PART_HOST));
	jw_string(j, "method", endpoint_key_part(key, PART_METHOD));
	jw_string(j, "template", endpoint_key_part(key, PART_TEMPLATE));
	jw_uint(j, "calls", row->calls);
	jw_uint(j, "client_errors", row->client_errors);
	jw_uint(j, "server_errors", row->server_errors);
	jw_uint(j, "incomplete", row->incomplete);
	jw_real(j, "rate", (double)row->calls / (seconds > 1 ? seconds : 1), 3);
	jw_uint(j, "bytes", row->bytes);
	put_percentile(j, "p50_us", row, calls, 50);
	put_percentile(j, "p95_us", row, calls, 95);
	put_percentile(j, "p99_us", row, calls, 99);
	put_percentile(j, "max_us", row, calls, 100);
	put_spark(j, row, calls, w);
	put_filter(j, key, &x->key);
	jw_end_object(j);
}

static int put_endpoints(struct buf *out, struct endpoints *x, const struct window *w)
{
	size_t count = x->keys.count, shown;
	const struct endpoint_row **order = calloc(count + 1, sizeof(*order));
	struct jw j = jw_begin(out);
	int r = order ? 0 : -ENOMEM;

	if (!r && x->calls.len)
		qsort(x->calls.data, x->calls.len / sizeof(struct endpoint_call),
		      sizeof(struct endpoint_call), by_row_and_elapsed);
	for (size_t i = 0, first = 0; !r && i < count; first += endpoint_row_at(x, i++)->calls) {
		endpoint_row_at(x, i)->first = first;
		order[i] = endpoint_row_at(x, i);
	}
	if (!r && count)
		qsort(order, count, sizeof(*order), by_calls);
	shown = count < LIMIT_ENDPOINTS ? count : LIMIT_ENDPOINTS;
	jw_fail(&j, r);
	jw_object(&j, NULL);
	jw_array(&j, "endpoints");
	for (size_t i = 0; !jw_done(&j) && i < shown; i++)
		put_row(&j, x, order[i], w);
	jw_end_array(&j);
	jw_uint(&j, "omitted", count - shown);
	window_put(w, &j);
	jw_end_object(&j);
	free(order);
	return jw_done(&j);
}

static int add(void *ctx, const struct entry *e)
{
	return endpoint_rows_add(ctx, e);
}

void endpoints_get(struct request *r)
{
	struct endpoints x = { 0 };
	struct window w = { .add = add, .ctx = &x };
	struct kfl *filter;

	if (!param_filter(r, &filter))
		return;
	x.filter = filter;
	if (window_scan(r, filter, &w)) {
		int error = endpoint_rows_fold(&x);
		reply_json(r, error ? error : put_endpoints(&r->answer.body, &x, &w));
	}
	kfl_free(filter);
	endpoint_rows_free(&x);
}
