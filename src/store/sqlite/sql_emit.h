/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What sql_condition.c and sql_value.c share: SQL as a visitor writes it. */
#ifndef CLEARTAP_SQL_EMIT_H
#define CLEARTAP_SQL_EMIT_H

#include "kfl/visit.h"
#include "store/sqlite/sql_filter.h"

/* SQLite's parser has room for 100 symbols; the statement around the condition needs some. */
#define SQL_STACK_MAX 76
/* A function with its bracket, and the arguments before the one that nests. */
#define SQL_CALL_SYMBOLS 5

struct emitter {
	struct visitor visitor;
	struct sql_filter *filter;
	unsigned stack;
	int r; /* the first error; nothing is added after it */
};

static inline struct emitter *emitter_of(struct visitor *v)
{
	return (struct emitter *)v;
}

/* What kfl_cmp() is told: how to compare, and what is on the right. */
enum compare_right { RIGHT_SCALAR = 0, RIGHT_JSON = 1, RIGHT_BOOL = 2 };

/* sql_value.c: SQL as it is; a parameter. */
void emit(struct emitter *c, const char *sql);
void emit_string(struct emitter *c, const char *data, size_t len);
/* What stands around a part costs room in SQLite's parser; too much is an error at the node. */
void emit_enter(struct emitter *c, const struct node *n, unsigned symbols);
void emit_leave(struct emitter *c, unsigned symbols);

void emit_condition(struct emitter *c, const struct node *n, bool negate);
void emit_value(struct emitter *c, const struct node *n);
void emit_field(struct emitter *c, const char *sql);
/* Text of a text or of what is known when it runs. */
void emit_text(struct emitter *c, const struct node *n);
/* The same as emit_value(), but a header that is not there is "". */
void emit_present(struct emitter *c, const struct node *n);
/* A side of a comparison or sum whose other side is of type `other`. */
void emit_beside(struct emitter *c, const struct node *n, enum kfl_type other);
void emit_list(struct emitter *c, const struct node *n);

/* The operations on values. */
void sql_literal(struct visitor *v, const struct node *n);
void sql_list(struct visitor *v, const struct node *n);
void sql_variable(struct visitor *v, const struct node *n);
void sql_path(struct visitor *v, const struct node *n);
void sql_arithmetic(struct visitor *v, const struct node *n);
void sql_negative(struct visitor *v, const struct node *n);
void sql_choice(struct visitor *v, const struct node *n);
void sql_call(struct visitor *v, const struct node *n);
/* sql_condition.c: the table of them and of those on conditions. */
extern const struct visit_ops sql_visit_ops;

#endif
