// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/sqlite/sql_filter.h"

#include <errno.h>
#include <stdlib.h>

#include "kfl/kfl.h"
#include "store/sqlite/functions.h"
#include "store/sqlite/sql_emit.h"

int sql_filter_make(const struct kfl *k, struct sql_filter *ret, struct kfl_error *ret_error)
{
	const struct node *root = k ? kfl_root(k) : NULL;
	struct emitter c = { .visitor.ops = &sql_visit_ops, .filter = ret };

	*ret = (struct sql_filter){ 0 };
	/* A query of its own: texts that are made here, and errors at places of that one. */
	if (k)
		ret->memory = kfl_place(k, ret_error);
	if (root)
		emit_condition(&c, root, false);
	else
		emit(&c, "1");
	return c.r || buf_cstr(&ret->sql) ? c.r : -ENOMEM;
}

void sql_filter_free(struct sql_filter *f)
{
	buf_free(&f->sql);
	free(f->parameters);
	query_free(&f->memory);
	*f = (struct sql_filter){ 0 };
}

static int bind_one(const struct sql_parameter *p, sqlite3_stmt *stmt, int i)
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

int sql_filter_bind(const struct sql_filter *f, sqlite3_stmt *stmt)
{
	for (size_t i = 0; i < f->count; i++) {
		int r = bind_one(&f->parameters[i], stmt, (int)i + 1);
		if (r)
			return r == SQLITE_NOMEM ? -ENOMEM : -EINVAL;
	}
	return 0;
}

static int register_all(sqlite3 *db, const struct sql_function *list)
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

int sql_filter_register(sqlite3 *db)
{
	int r = register_all(db, functions_data);

	return r ? r : register_all(db, functions_test);
}
