// SPDX-License-Identifier: GPL-2.0-or-later
/* /api/facets: how often which values occur in recent entries, and the filter of each. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "api/handlers.h"
#include "api/hide.h"
#include "api/index.h"
#include "api/param.h"
#include "api/quote.h"
#include "api/reply.h"
#include "api/request.h"
#include "api/window.h"
#include "base/buf.h"
#include "base/json_write.h"
#include "base/limits.h"
#include "base/writer.h"
#include "entry.h"
#include "kfl/kfl.h"
#include "outcome.h"

enum facet_kind {
	FACET_OUTCOME,
	FACET_STATUS,
	FACET_PROGRAM,
	FACET_HOST,
	FACET_METHOD,
	FACET_TYPE,
	FACETS
};

static const char *const names[FACETS] = {
	[FACET_OUTCOME] = "outcome", [FACET_STATUS] = "status", [FACET_PROGRAM] = "program",
	[FACET_HOST] = "host",	     [FACET_METHOD] = "method", [FACET_TYPE] = "type",
};

struct facet {
	struct index values;
	struct buf counts; /* uint64_t, by number of value */
};

struct facets {
	const struct kfl *filter; /* whose redact() is kept; NULL: none */
	struct facet facet[FACETS];
};

static int count(struct facet *f, const char *value)
{
	const uint64_t none = 0;
	size_t known = f->values.count;
	int64_t n = *value ? index_of(&f->values, value, strlen(value)) : -ENOENT;

	if (n == -ENOENT) /* it has no such value */
		return 0;
	if (n < 0 || (f->values.count > known && buf_put(&f->counts, &none, sizeof(none))))
		return -ENOMEM;
	((uint64_t *)f->counts.data)[n]++;
	return 0;
}

/* "2xx": of a status in three digits. */
static const char *class_of(int32_t status, char room[static 4])
{
	if (status < 100 || status > 599)
		return "";
	memcpy(room, "0xx", 4);
	room[0] = (char)('0' + status / 100);
	return room;
}

static int add(void *ctx, const struct entry *whole)
{
	struct facets *x = ctx;
	const struct entry hidden = hide_columns(whole, x->filter), *e = &hidden;
	char class[4];
	const char *const values[FACETS] = {
		[FACET_OUTCOME] = outcome_name(entry_outcome(whole)),
		[FACET_STATUS] = class_of(e->status_code, class),
		[FACET_PROGRAM] = !strcmp(e->role, "server") ? e->dst.process : e->src.process,
		[FACET_HOST] = e->host,
		[FACET_METHOD] = e->method,
		[FACET_TYPE] = e->protocol,
	};
	int r = 0;

	for (size_t i = 0; !r && i < FACETS; i++)
		r = count(&x->facet[i], values[i]);
	return r;
}

/* outcome.h as filters. */
static const char *outcome_filter(const char *name)
{
	static const char *const filters[OUTCOMES] = {
		[OUTCOME_OK] = "not error",
		[OUTCOME_CLIENT_ERROR] = "(complete or open) and status_code >= 400 and "
					 "status_code < 500",
		[OUTCOME_SERVER_ERROR] = "(complete or open) and (status_code >= 500 or "
					 "(failed and status_code < 400))",
		[OUTCOME_INCOMPLETE] = "not complete and not open",
	};
	enum outcome o = 0;

	while (strcmp(outcome_name(o), name) != 0)
		o++;
	return filters[o];
}

/* What finds the entries that were counted. */
static void put_term(struct writer *w, enum facet_kind kind, const char *value)
{
	static const char *const fields[FACETS] = {
		[FACET_HOST] = "host",
		[FACET_METHOD] = "method",
		[FACET_TYPE] = "protocol",
	};

	if (kind == FACET_STATUS) {
		writer_printf(w, "status_code >= %c00 and status_code < %c00", *value, *value + 1);
	} else if (kind == FACET_PROGRAM) {
		writer_printf(w, "((role == \"server\" and dst.process == ");
		quote_kfl(w, value);
		writer_printf(w, ") or (role != \"server\" and src.process == ");
		quote_kfl(w, value);
		writer_printf(w, "))");
	} else if (kind == FACET_OUTCOME) {
		writer_printf(w, "%s", outcome_filter(value));
	} else {
		writer_printf(w, "%s == ", fields[kind]);
		quote_kfl(w, value);
	}
}

struct counted {
	const char *value;
	uint64_t count;
};

static int by_count(const void *a, const void *b)
{
	const struct counted *x = a, *y = b;

	if (x->count != y->count)
		return x->count > y->count ? -1 : 1;
	return strcmp(x->value, y->value);
}

static void put_value(struct jw *j, enum facet_kind kind, const struct counted *v)
{
	struct buf term = { 0 };
	struct writer w = { .out = &term };

	put_term(&w, kind, v->value);
	jw_fail(j, w.error);
	jw_object(j, NULL);
	jw_string(j, "value", v->value);
	jw_uint(j, "count", v->count);
	jw_text(j, "q", term.data, term.len);
	jw_end_object(j);
	buf_free(&term);
}

static int put_facet(struct jw *j, const struct facet *f, enum facet_kind kind)
{
	size_t count = f->values.count, shown = count < LIMIT_FACET ? count : LIMIT_FACET;
	struct counted *list = calloc(count + 1, sizeof(*list));
	const char *value = f->values.keys.data;

	if (!list)
		return -ENOMEM;
	for (size_t i = 0; i < count; value += strlen(value) + 1, i++)
		list[i] = (struct counted){ value, ((const uint64_t *)f->counts.data)[i] };
	qsort(list, count, sizeof(*list), by_count);
	jw_object(j, NULL);
	jw_string(j, "name", names[kind]);
	jw_array(j, "values");
	for (size_t i = 0; i < shown; i++)
		put_value(j, kind, &list[i]);
	jw_end_array(j);
	jw_uint(j, "omitted", count - shown);
	jw_end_object(j);
	free(list);
	return 0;
}

static int put_facets(struct buf *out, const struct facets *x, const struct window *w)
{
	struct jw j = jw_begin(out);

	jw_object(&j, NULL);
	jw_array(&j, "facets");
	for (size_t i = 0; i < FACETS; i++)
		jw_fail(&j, put_facet(&j, &x->facet[i], i));
	jw_end_array(&j);
	window_put(w, &j);
	jw_end_object(&j);
	return jw_done(&j);
}

void facets_get(struct request *r)
{
	struct facets x = { 0 };
	struct window w = { .add = add, .ctx = &x };
	struct kfl *filter;

	if (!param_filter(r, &filter))
		return;
	x.filter = filter;
	if (window_scan(r, filter, &w))
		reply_json(r, put_facets(&r->answer.body, &x, &w));
	kfl_free(filter);
	for (size_t i = 0; i < FACETS; i++) {
		index_free(&x.facet[i].values);
		buf_free(&x.facet[i].counts);
	}
}
