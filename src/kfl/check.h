/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The parts of the checker: check_pair.c (what goes with what), above it check_path.c (names) and
 * check_call.c (functions), above these check.c (operators), which they call through the checker.
 */
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
	/* How names and functions have the nodes below them checked, by check.c. */
	int (*node)(struct checker *c, struct node *n);
	/* The same for what must be true or false, or can be taken so: a list, when not empty. */
	int (*condition)(struct checker *c, struct node *n);
};

/* check_path.c, check_call.c */
int check_name(struct checker *c, struct node *n);
int check_path(struct checker *c, struct node *n);
int check_call(struct checker *c, struct node *n);

/* check_pair.c */
/* A number beside a time is milliseconds since 1970, as in the first generation. */
int check_adapt_time(struct checker *c, struct node *time, struct node *other);
int check_pair_ip(struct checker *c, enum token_kind op, struct node *a, struct node *ip);
/* A map or group of fields is no value. */
int check_fail_whole(struct checker *c, const struct node *n);
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
