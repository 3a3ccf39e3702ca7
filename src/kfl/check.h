/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of the checker: check.c (operators), check_path.c (names), check_call.c (functions). */
#ifndef CLEARTAP_KFL_CHECK_H
#define CLEARTAP_KFL_CHECK_H

#include "kfl/tree.h"

/* The variable of an exists() whose condition is being checked. */
struct binder {
	struct text name;
	const struct node *exists;
	const struct binder *outer;
};

struct checker {
	struct query *q;
	const struct binder *scope;
};

int check_node(struct checker *c, struct node *n);
/* The same for what must be true or false, or can be taken so: a list is true when not empty. */
int check_condition(struct checker *c, struct node *n);
int check_name(struct checker *c, struct node *n);
int check_path(struct checker *c, struct node *n);
int check_call(struct checker *c, struct node *n);

/* Can a and b be compared with ==? Adapts literals to the other side. */
int check_pair(struct checker *c, enum token_kind op, struct node *a, struct node *b);
/* A map that is also a text becomes one. */
void check_prefer_text(struct node *n);
/* Is it one of the types that hold one text or several? */
bool check_is_textual(const struct node *n);
bool check_is_dynamic(enum kfl_type type);
/* A text beside a field whose values are all lower case becomes so. */
int check_adapt_lower(struct checker *c, const struct node *field, struct node *literal);
int check_pattern(struct checker *c, struct node *n);
/* Turn the node into an integer of that type. */
void check_make_integer(struct node *n, enum kfl_type type, int64_t value);
struct shown check_show(const struct checker *c, const struct node *n);

#endif
