/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A compiled query as a condition of SQLite. */
#ifndef CLEARTAP_SQL_FILTER_H
#define CLEARTAP_SQL_FILTER_H

#include <sqlite3.h>

#include "base/buf.h"
#include "kfl/tree.h"

struct sql_parameter {
	enum node_kind kind; /* NODE_INTEGER, NODE_REAL, NODE_STRING */
	struct text text;
	int64_t integer;
	double real;
};

/*
 * The WHERE expression over the columns of an entry_N named `e`; "1" for every entry. What the user
 * wrote is in it as parameters ?1.. only. What kfl_needs_detail() calls functions with the columns
 * of a payload_N named `p`.
 */
struct sql_filter {
	struct buf sql;
	struct sql_parameter *parameters;
	size_t count, room;
	struct query memory; /* of the parameters' texts */
};

/*
 * NULL: every entry. 0, -EINVAL with the error set where it is nested more deeply than SQLite's
 * parser takes, -ENOMEM. sql_filter_free() it in any case.
 */
int sql_filter_make(const struct kfl *k, struct sql_filter *ret, struct kfl_error *ret_error);
void sql_filter_free(struct sql_filter *f);
/* ?1..?count; others of the statement are left alone. 0, -EINVAL, -ENOMEM. */
int sql_filter_bind(const struct sql_filter *f, sqlite3_stmt *stmt);
/* The functions that the condition calls, on a connection. 0 or -errno. */
int sql_filter_register(sqlite3 *db);

/* What a statement fails with when the query is to blame: sqlite3_errmsg() says why. */
#define SQL_FILTER_ERROR 25 /* SQLITE_RANGE, which has no other use here */

#endif
