// SPDX-License-Identifier: GPL-2.0-or-later
#include "kfl/kfl.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "kfl/compile.h"
#include "kfl/fields.h"
#include "kfl/functions.h"
#include "kfl/time_span.h"
#include "base/limits.h"

struct kfl {
	struct query query; /* memory of texts */
	struct program program;
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
	struct node *root = NULL;
	int r = check_length(q);

	r = r ? r : parse_query(q, &root);
	if (!r && root)
		r = check_query(q, root);
	k->range = root && !r ? time_span_of(root) : time_span_always;
	if (!r)
		r = root ? compile_query(q, root, &k->program) : buf_puts(&k->program.sql, "1");
	r = r ? r : put_normal(k);
	return r || buf_cstr(&k->program.sql) ? r : -ENOMEM;
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
	int r = compile(k);
	/* They are the caller's, who may free them. */
	k->query.text = NULL;
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
	program_free(&k->program);
	buf_free(&k->normal);
	query_free(&k->query);
	free(k);
}

const char *kfl_sql(const struct kfl *k)
{
	return k->program.sql.data;
}

bool kfl_needs_payload(const struct kfl *k)
{
	return strstr(k->program.sql.data, "p.detail");
}

int kfl_params(const struct kfl *k)
{
	return (int)k->program.count;
}

static int bind_one(const struct parameter *p, struct sqlite3_stmt *stmt, int i)
{
	switch (p->kind) {
	case NODE_INTEGER:
		return sqlite3_bind_int64(stmt, i, p->integer);
	case NODE_REAL:
		return sqlite3_bind_double(stmt, i, p->real);
	default:
		return sqlite3_bind_text64(stmt, i, p->text.data, p->text.len, SQLITE_TRANSIENT,
					   SQLITE_UTF8);
	}
}

int kfl_bind(const struct kfl *k, struct sqlite3_stmt *stmt)
{
	for (size_t i = 0; i < k->program.count; i++) {
		int r = bind_one(&k->program.parameters[i], stmt, (int)i + 1);
		if (r)
			return r == SQLITE_NOMEM ? -ENOMEM : -EINVAL;
	}
	return 0;
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

static int register_all(struct sqlite3 *db, const struct sql_function *list)
{
	for (const struct sql_function *f = list; f->name; f++) {
		int r = sqlite3_create_function_v2(db, f->name, f->arguments,
						   SQLITE_UTF8 | SQLITE_DETERMINISTIC, NULL, f->run,
						   NULL, NULL, NULL);
		if (r)
			return r == SQLITE_NOMEM ? -ENOMEM : -EINVAL;
	}
	return 0;
}

int kfl_register(struct sqlite3 *db)
{
	int r = register_all(db, functions_data);

	return r ? r : register_all(db, functions_test);
}
