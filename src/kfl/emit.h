/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What compile.c (conditions) and compile_value.c (values) share. */
#ifndef CLEARTAP_KFL_EMIT_H
#define CLEARTAP_KFL_EMIT_H

#include "kfl/compile.h"

/* SQLite's parser has room for 100 symbols; the statement around the condition needs some. */
#define SQL_STACK_MAX 76
/* A function with its bracket, and the arguments before the one that nests. */
#define SQL_CALL_SYMBOLS 5

struct compiler {
	struct query *q;
	struct program *p;
	unsigned stack, variables;
	int r; /* the first error; nothing is added after it */
};

/* SQL as it is; a parameter. */
void emit(struct compiler *c, const char *sql);
void emit_string(struct compiler *c, const char *data, size_t len);
/* What stands around a part costs room in SQLite's parser; too much is an error at the node. */
void emit_enter(struct compiler *c, const struct node *n, unsigned symbols);
void emit_leave(struct compiler *c, unsigned symbols);

void emit_condition(struct compiler *c, const struct node *n, bool negate);
void emit_value(struct compiler *c, const struct node *n);
void emit_field(struct compiler *c, const char *sql);
/* Text of a text or of what is known when it runs. */
void emit_text(struct compiler *c, const struct node *n);
/* The same as emit_value(), but a header that is not there is "". */
void emit_present(struct compiler *c, const struct node *n);
/* A side of a comparison or sum whose other side is of type `other`. */
void emit_beside(struct compiler *c, const struct node *n, enum kfl_type other);
void emit_list(struct compiler *c, const struct node *n);
void emit_choose(struct compiler *c, const struct node *n);

bool emit_is_dynamic(const struct node *n);
bool emit_is_literal(const struct node *n);

#endif
