// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/sqlite/field_sql.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "fields.h"
#include "kfl/vocabulary.h"

#define GROUP_SQL 512

#define SQL_ID(column)	    column
#define SQL_TEXT(column)    column
#define SQL_WORD(column)    column
#define SQL_PAIRS(column)   "kfl_query(" column ")"
#define SQL_I64(column)	    column
#define SQL_I32(column)	    column
#define SQL_U16(column)	    column
#define SQL_ELAPSED(column) "max(" column ",0)"
#define SQL_TIME(column)    column
#define SQL_BOOL(column)    column " = 1"
#define SQL_LOCK(column)    "CASE " column " WHEN 1 THEN 'open' WHEN 2 THEN 'closed' ELSE 'none' END"

/* What nothing writes is nil. */
#define NIL_FLAG   "0"
#define NIL_TEXT   "''"
#define NIL_NUMBER "0"
#define NIL_LIST   "'[]'"
#define NIL_MAP	   "'[]'"

/* Where a row does not say it. */
static const char *const sql_of_kind[] = {
#define FIELD(kind, place, member, column, ...) SQL_##kind("e." column),
#define END(kind, member, ...)			SQL_##kind("e." SIDE_NAME "_" #member),
#define DERIVED(...)				NULL,
#define LATER(type, ...)			NIL_##type,
#define LATER_END(type, ...)			NIL_##type,
#include "entry.def"
};

static pthread_once_t groups_once = PTHREAD_ONCE_INIT;
static char groups[2][GROUP_SQL];
static const char *const ends[] = { "src", "dst" };

/* src and dst are the columns of that end. */
static void make_groups(void)
{
	for (size_t i = 0; i < 2; i++) {
		size_t n = (size_t)snprintf(groups[i], GROUP_SQL, "json_array(");
		for (const struct field *f = field_rows; f->kfl; f++)
			if (f->column && f->end && !strcmp(f->end, ends[i]) && n < GROUP_SQL)
				n += (size_t)snprintf(groups[i] + n, GROUP_SQL - n, "e.%s,",
						      f->column);
		groups[i][(n < GROUP_SQL ? n : GROUP_SQL - 1) - 1] = ')';
	}
}

const char *field_sql(const struct kfl_field *f)
{
	size_t i = (size_t)(f - field_table);

	if (field_rows[i].sql)
		return field_rows[i].sql;
	if (f->type != TYPE_GROUP)
		return sql_of_kind[i];
	pthread_once(&groups_once, make_groups);
	return groups[!strcmp(f->name, ends[1])];
}

const char *field_text_sql(const struct kfl_field *f)
{
	return field_rows[f - field_table].text_sql;
}
