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

/* Of MySQL, texts may stand in double quotes, too, and "#" begins a comment. */
enum sql_dialect { SQL_POSTGRES, SQL_MYSQL };

/*
 * Append the statement without the secrets that its words tell of: PASSWORD '..', IDENTIFIED BY
 * '..', values of columns and variables with such names. *ret_secret has a bit for each parameter,
 * from 0 on and up to 63, that is one; *ret_count (NULL: no interest) tells how many "?" it has.
 * One pass.
 */
void sql_put_masked(struct buf *out, struct text sql, enum sql_dialect dialect,
		    uint64_t *ret_secret, unsigned *ret_count);
/* On one line, as far as the list shows it. */
void sql_put_line(struct buf *out, struct text sql);

/* Parts of values, as JSON has them. */
bool sql_is_number(const uint8_t *data, size_t len);
void sql_put_float(struct buf *out, double v);
/* The first LIMIT_SUMMARY bytes as text of hexadecimal digits. */
void sql_put_hex(struct buf *out, const char *before, const uint8_t *data, size_t len);

#define SQL_TYPES 64 /* of the first parameters */

/* A prepared statement, or what a portal stands for. */
struct sql_statement {
	struct sql_statement *next;
	struct buf name, sql;	   /* sql: masked */
	uint64_t secret;	   /* parameters, as above */
	uint32_t types[SQL_TYPES]; /* of the first parameters; 0: not known */
	unsigned type_count;
	/* Of MySQL: */
	bool described;	     /* it is known how many parameters it has */
	uint32_t parameters; /* so many */
	uint64_t elsewhere;  /* whose values were sent before */
	struct buf columns;  /* of its rows, as the protocol keeps them */
	uint32_t total;	     /* how many it has */
	size_t counted;	     /* on the account */
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
/* The columns of its rows, as many as are shown of `total`. */
void sql_statement_set_columns(struct sql_statements *l, struct sql_statement *s,
			       const struct buf *columns, uint32_t total);
struct sql_statement *sql_statement_find(const struct sql_statements *l, struct text name);
void sql_statement_drop(struct sql_statements *l, struct text name);
void sql_statements_free(struct sql_statements *l);

#endif
