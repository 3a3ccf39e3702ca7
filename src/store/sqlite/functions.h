/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The SQL functions behind a query. Each file registers its own. */
#ifndef CLEARTAP_SQLITE_FUNCTIONS_H
#define CLEARTAP_SQLITE_FUNCTIONS_H

#include <sqlite3.h>

#include "base/buf.h"
#include "kfl/tree.h"

struct sql_function {
	const char *name;
	int arguments; /* -1: any number */
	void (*run)(sqlite3_context *ctx, int argc, sqlite3_value **argv);
};

/* Each ends with an element whose name is NULL. */
extern const struct sql_function functions_data[]; /* getting at what an entry has */
extern const struct sql_function functions_test[]; /* comparing and matching */

/* Text or blob of an argument; {NULL, 0} for NULL. */
struct text sql_text(sqlite3_value *v);
/* The buffer becomes the result, or its error; frees the buffer. */
void sql_result_take(sqlite3_context *ctx, struct buf *b, int r);

#endif
