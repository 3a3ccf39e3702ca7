// SPDX-License-Identifier: GPL-2.0-or-later
/* /api/histogram: how many entries began when, and how they ended. */
#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

#include "api/problem.h"
#include "api/param.h"
#include "api/reply.h"
#include "api/request.h"
#include "api/handlers.h"
#include "api/state.h"
#include "base/json_write.h"
#include "kfl/kfl.h"
#include "kfl/time.h"
#include "outcome.h"
#include "store/store.h"

#define BUCKETS_DEFAULT 120
#define SECOND		1000000LL
#define MINUTE		(60 * SECOND)
#define HOUR		(60 * MINUTE)
#define DAY		(24 * HOUR)
#define TIME_MAX	253402300799999999LL /* the last of the year 9999 */

/* Widths that a reader of a clock or a calendar finds natural; beyond, weeks doubled. */
static const int64_t widths[] = {
	1,	     2,		  5,	       10,	 20,	     50,	 100,
	200,	     500,	  1000,	       2000,	 5000,	     10000,	 20000,
	50000,	     100000,	  200000,      500000,	 SECOND,     2 * SECOND, 5 * SECOND,
	10 * SECOND, 15 * SECOND, 30 * SECOND, MINUTE,	 2 * MINUTE, 5 * MINUTE, 10 * MINUTE,
	15 * MINUTE, 30 * MINUTE, HOUR,	       2 * HOUR, 3 * HOUR,   6 * HOUR,	 12 * HOUR,
	DAY,	     2 * DAY,	  7 * DAY,
};

#define WIDTHS (sizeof(widths) / sizeof(*widths))

static int64_t buckets_between(int64_t from_us, int64_t to_us, int64_t width)
{
	return to_us / width - from_us / width + 1;
}

static int64_t find_width(int64_t from_us, int64_t to_us, int64_t buckets)
{
	int64_t width = widths[WIDTHS - 1];

	for (size_t i = 0; i < WIDTHS; i++)
		if (buckets_between(from_us, to_us, widths[i]) <= buckets)
			return widths[i];
	while (buckets_between(from_us, to_us, width) > buckets)
		width *= 2;
	return width;
}

/* RFC 3339; the "+" of an offset may have been sent as it is, which in a query means a blank. */
static bool parse_time(const char *text, int64_t *ret)
{
	size_t n = strlen(text);
	char copy[64];

	if (n < 6 || n >= sizeof(copy))
		return false;
	memcpy(copy, text, n);
	if (copy[n - 6] == ' ' && copy[n - 3] == ':')
		copy[n - 6] = '+';
	return time_parse_rfc3339(copy, n, ret) && *ret >= 0 && *ret <= TIME_MAX;
}

/* A time as a parameter, `preset` without it. False: the answer is made. */
static bool get_time(struct request *r, const char *name, int64_t preset, int64_t *ret)
{
	const char *text = request_param(r, name);
	char *end;

	*ret = preset;
	if (!text)
		return true;
	if (*text && !text[strspn(text, "0123456789")]) {
		errno = 0;
		*ret = strtoll(text, &end, 10);
		if (!errno && *ret <= TIME_MAX)
			return true;
	} else if (parse_time(text, ret)) {
		return true;
	}
	problem(r, MHD_HTTP_BAD_REQUEST, name,
		"%s is a time from 1970 to 9999: as in RFC 3339, or microseconds since 1970", name);
	return false;
}

/* What is not asked for is where the stored entries begin and end. */
static bool get_span(struct request *r, int64_t *ret_from, int64_t *ret_to)
{
	struct store_stats s = store_stats(r->api->store);

	if (!get_time(r, "from", s.first_us > 0 ? s.first_us : 0, ret_from) ||
	    !get_time(r, "to", s.last_us > 0 ? s.last_us : 0, ret_to))
		return false;
	if (*ret_from <= *ret_to)
		return true;
	if (!request_param(r, "to")) {
		*ret_to = *ret_from;
	} else if (!request_param(r, "from")) {
		*ret_from = *ret_to;
	} else {
		problem(r, MHD_HTTP_BAD_REQUEST, "to", "to is before from");
		return false;
	}
	return true;
}

static int put_answer(struct buf *b, const struct store_histogram *q, uint64_t (*counts)[OUTCOMES],
		      const struct store_counted *c)
{
	struct jw j = jw_begin(b);

	jw_object(&j, NULL);
	jw_int(&j, "start_us", q->start_us);
	jw_int(&j, "bucket_us", q->bucket_us);
	jw_array(&j, "outcomes");
	for (int o = 0; o < OUTCOMES; o++)
		jw_string(&j, NULL, outcome_name(o));
	jw_end_array(&j);
	jw_array(&j, "counts");
	for (size_t i = 0; i < q->buckets; i++) {
		jw_array(&j, NULL);
		for (int o = 0; o < OUTCOMES; o++)
			jw_uint(&j, NULL, counts[i][o]);
		jw_end_array(&j);
	}
	jw_end_array(&j);
	jw_uint(&j, "total", c->total);
	jw_bool(&j, "partial", c->partial);
	jw_int(&j, "counted_from_us", c->whole_from_us);
	jw_end_object(&j);
	return jw_done(&j);
}

static void count(struct request *r, const struct store_histogram *q)
{
	uint64_t(*counts)[OUTCOMES] = calloc(q->buckets, sizeof(*counts));
	struct store_counted counted;
	char error[256] = "";
	int e = -ENOMEM;

	if (counts)
		e = store_count(r->api->store, q, counts, &counted, error, sizeof(error));
	if (e)
		problem_store(r, e, error);
	else
		reply_json(r, put_answer(&r->answer.body, q, counts, &counted));
	free(counts);
}

void histogram_get(struct request *r)
{
	struct store_histogram q = { .time_limit_ms = LIMIT_QUERY_MS };
	int64_t from_us, to_us, buckets;
	struct kfl *filter;

	if (!param_integer(r, "buckets", 1, LIMIT_BUCKETS, BUCKETS_DEFAULT, &buckets) ||
	    !get_span(r, &from_us, &to_us) || !param_filter(r, &filter))
		return;
	q.filter = filter;
	q.bucket_us = find_width(from_us, to_us, buckets);
	q.start_us = from_us / q.bucket_us * q.bucket_us;
	q.buckets = (size_t)buckets_between(from_us, to_us, q.bucket_us);
	count(r, &q);
	kfl_free(filter);
}
