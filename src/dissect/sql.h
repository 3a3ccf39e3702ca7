/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What protocols of SQL databases have in common: statements as they may be shown, those that were
 * prepared, and rows as text.
 */
#ifndef CLEARTAP_SQL_H
#define CLEARTAP_SQL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/text.h"

#define SQL_MASK "\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2"

/*
 * Append the statement without the secrets that its words tell of: PASSWORD '..', IDENTIFIED BY
 * '..', values of columns and variables with such names. *ret_secret has a bit for each parameter,
 * from 0 on and up to 63, that is one. One pass.
 */
void sql_put_masked(struct buf *out, struct text sql, uint64_t *ret_secret);
/* On one line, as far as the list shows it. */
void sql_put_line(struct buf *out, struct text sql);

/* A prepared statement, or what a portal stands for. */
struct sql_statement {
	struct sql_statement *next;
	struct buf name, sql; /* sql: masked */
	uint64_t secret;      /* parameters, as above */
	uint32_t types[16];   /* of the first parameters; 0: not known */
	unsigned type_count;
	size_t counted; /* on the account */
};

/* Of one connection; the newest LIMIT_SQL_STATEMENTS. Zero-initialise it. */
struct sql_statements {
	struct sql_statement *first;
	unsigned count;
	size_t *account; /* NULL: counts nowhere */
};

/* Replaces one of that name. NULL when out of memory. */
struct sql_statement *sql_statement_new(struct sql_statements *l, struct text name);
/* The statement's SQL, of which LIMIT_SQL_KEPT bytes are kept. */
void sql_statement_set(struct sql_statements *l, struct sql_statement *s, struct text sql,
		       uint64_t secret);
struct sql_statement *sql_statement_find(const struct sql_statements *l, struct text name);
void sql_statement_drop(struct sql_statements *l, struct text name);
void sql_statements_free(struct sql_statements *l);

#endif
