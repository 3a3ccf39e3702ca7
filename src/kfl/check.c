// SPDX-License-Identifier: GPL-2.0-or-later
/* Types of operators, before anything runs. */
#include "kfl/check.h"

#include <errno.h>
#include <string.h>

#include "kfl/vocabulary.h"

static int check_node(struct checker *c, struct node *n);
static int check_condition(struct checker *c, struct node *n);

static int check_children(struct checker *c, struct node *n)
{
	int r = 0;

	for (struct node *i = n->first; i && !r; i = i->next)
		r = check_node(c, i);
	return r;
}

static int check_compare(struct checker *c, struct node *n)
{
	int r = check_children(c, n);

	n->type = TYPE_BOOL;
	return r ? r : check_pair(c, n->op, n->first, n->last);
}

static int check_in_list(struct checker *c, struct node *a, struct node *list)
{
	int r = 0;

	for (struct node *i = list->first; i && !r; i = i->next) {
		if (i->kind == NODE_LIST)
			return query_fail(c->q, i->pos, i->len, "a list inside a list");
		r = check_pair(c, i->type == TYPE_IP ? TOK_IN : TOK_EQ, a, i);
	}
	return r;
}

static int check_in(struct checker *c, struct node *n)
{
	struct node *a = n->first, *b = n->last;
	int r = check_children(c, n);

	n->type = TYPE_BOOL;
	if (r)
		return r;
	if (a->type == TYPE_NIL || a->type == TYPE_REGEX || a->type == TYPE_IP)
		return query_fail(c->q, a->pos, a->len, "%s cannot be looked for in a list",
				  type_name(a->type));
	if (b->kind == NODE_LIST)
		return check_in_list(c, a, b);
	if (b->type == TYPE_IP)
		return check_pair_ip(c, TOK_IN, a, b);
	if (b->type == TYPE_TEXT)
		return query_fail(c->q, b->pos, b->len,
				  "%s is a text, not a list; use %s.contains(...)",
				  check_show(c, b).text, check_show(c, b).text);
	if (b->type == TYPE_MAP ? a->type != TYPE_TEXT && !check_is_dynamic(a->type)
				: !check_is_dynamic(b->type))
		return query_fail(c->q, b->pos, b->len, "\"in\" wants a list, a map or ip(...)");
	return b->type == TYPE_MAP ? 0 : check_pair(c, TOK_EQ, a, b);
}

/* The type of a op b, or -1. */
static int arithmetic_type(enum token_kind op, enum kfl_type a, enum kfl_type b)
{
	bool sum = op == TOK_PLUS || op == TOK_MINUS;

	if (a == TYPE_TEXT || b == TYPE_TEXT)
		return op == TOK_PLUS && (a == TYPE_TEXT || a == TYPE_TEXTS || a == TYPE_JSON) &&
				       (b == TYPE_TEXT || b == TYPE_TEXTS || b == TYPE_JSON)
			       ? (int)TYPE_TEXT
			       : -1;
	a = a == TYPE_JSON || a == TYPE_TEXTS ? TYPE_NUMBER : a;
	b = b == TYPE_JSON || b == TYPE_TEXTS ? TYPE_NUMBER : b;
	if (a == TYPE_NUMBER && b == TYPE_NUMBER)
		return TYPE_NUMBER;
	if (sum && a == TYPE_TIME && (b == TYPE_DURATION || b == TYPE_NUMBER))
		return TYPE_TIME;
	if (op == TOK_PLUS && b == TYPE_TIME && (a == TYPE_DURATION || a == TYPE_NUMBER))
		return TYPE_TIME;
	if (op == TOK_MINUS && a == TYPE_TIME && b == TYPE_TIME)
		return TYPE_DURATION;
	if (sum && a == TYPE_DURATION && b == TYPE_DURATION)
		return TYPE_DURATION;
	if (a == TYPE_DURATION && b == TYPE_NUMBER && (op == TOK_STAR || op == TOK_SLASH))
		return TYPE_DURATION;
	return a == TYPE_NUMBER && b == TYPE_DURATION && op == TOK_STAR ? (int)TYPE_DURATION : -1;
}

/* now() - duration("5m") is one value for the whole query. */
static void fold_arithmetic(struct node *n)
{
	struct node *a = n->first, *b = n->last;
	int64_t v;
	bool failed = true;

	if (a->kind != NODE_INTEGER || b->kind != NODE_INTEGER)
		return;
	if (n->op == TOK_PLUS)
		failed = __builtin_add_overflow(a->integer, b->integer, &v);
	else if (n->op == TOK_MINUS)
		failed = __builtin_sub_overflow(a->integer, b->integer, &v);
	else if (n->op == TOK_STAR)
		failed = __builtin_mul_overflow(a->integer, b->integer, &v);
	if (!failed)
		check_make_integer(n, n->type, v);
}

static int check_arithmetic(struct checker *c, struct node *n)
{
	struct node *a = n->first, *b = n->last;
	int r = check_children(c, n);

	if (r)
		return r;
	check_prefer_text(a);
	check_prefer_text(b);
	int type = arithmetic_type(n->op, a->type, b->type);
	if (type < 0)
		return query_fail(c->q, n->pos, n->len, "cannot calculate with %s and %s",
				  type_name(a->type), type_name(b->type));
	if ((n->op == TOK_SLASH || n->op == TOK_PERCENT) &&
	    ((b->kind == NODE_INTEGER && !b->integer) || (b->kind == NODE_REAL && b->real == 0)))
		return query_fail(c->q, b->pos, b->len, "division by zero");
	n->type = (enum kfl_type)type;
	if (n->type == TYPE_TIME && a->type == TYPE_NUMBER)
		r = check_adapt_time(c, b, a);
	if (n->type == TYPE_TIME && b->type == TYPE_NUMBER)
		r = check_adapt_time(c, a, b);
	if (!r)
		fold_arithmetic(n);
	return r;
}

static int check_negate(struct checker *c, struct node *n)
{
	struct node *a = n->first;
	int r = check_node(c, a);

	if (r)
		return r;
	if (a->type != TYPE_NUMBER && a->type != TYPE_DURATION && a->type != TYPE_JSON &&
	    a->type != TYPE_TEXTS)
		return query_fail(c->q, a->pos, a->len, "%s is %s and has no negative",
				  check_show(c, a).text, type_name(a->type));
	n->type = a->type == TYPE_DURATION ? TYPE_DURATION : TYPE_NUMBER;
	if (a->kind == NODE_INTEGER && a->integer != INT64_MIN)
		check_make_integer(n, n->type, n->integer ? -a->integer : a->integer);
	return 0;
}

static int check_choose(struct checker *c, struct node *n)
{
	struct node *yes = n->first->next, *no = n->last;
	int r = check_condition(c, n->first);

	r = r ? r : check_node(c, yes);
	r = r ? r : check_node(c, no);
	if (r)
		return r;
	check_prefer_text(yes);
	check_prefer_text(no);
	if (yes->type != no->type || yes->type > TYPE_DURATION)
		return query_fail(c->q, yes->pos, no->pos + no->len - yes->pos,
				  "both sides of \":\" must be of one type; these are %s and %s",
				  type_name(yes->type), type_name(no->type));
	n->type = yes->type;
	return 0;
}

/* Outside of "in" a list holds values only. */
static int check_list(struct checker *c, struct node *n)
{
	n->type = TYPE_LIST;
	return check_children(c, n);
}

static int check_conditions(struct checker *c, struct node *n)
{
	int r = 0;

	n->type = TYPE_BOOL;
	for (struct node *i = n->first; i && !r; i = i->next)
		r = check_condition(c, i);
	return r;
}

static int check_node(struct checker *c, struct node *n)
{
	switch (n->kind) {
	case NODE_INTEGER:
	case NODE_REAL:
		n->type = TYPE_NUMBER;
		return 0;
	case NODE_STRING:
		n->type = TYPE_TEXT;
		return 0;
	case NODE_REGEX:
		n->type = TYPE_REGEX;
		return check_pattern(c, n);
	case NODE_BOOL:
		n->type = TYPE_BOOL;
		return 0;
	case NODE_NIL:
		n->type = TYPE_NIL;
		return 0;
	case NODE_LIST:
		return check_list(c, n);
	case NODE_NAME:
		return check_name(c, n);
	case NODE_PATH:
		return check_path(c, n);
	case NODE_CALL:
		return check_call(c, n);
	case NODE_AND:
	case NODE_OR:
	case NODE_NOT:
		return check_conditions(c, n);
	case NODE_NEGATE:
		return check_negate(c, n);
	case NODE_COMPARE:
		return check_compare(c, n);
	case NODE_IN:
		return check_in(c, n);
	case NODE_ARITHMETIC:
		return check_arithmetic(c, n);
	case NODE_CHOOSE:
		return check_choose(c, n);
	}
	return -EINVAL;
}

static int check_condition(struct checker *c, struct node *n)
{
	int r = check_node(c, n);

	if (r || n->type == TYPE_BOOL || check_is_dynamic(n->type) || n->type == TYPE_MAP)
		return r;
	if (n->field && n->field->example && n->type != TYPE_GROUP)
		return query_fail(c->q, n->pos, n->len,
				  "%s is %s, not a condition; compare it, as in %s",
				  check_show(c, n).text, type_name(n->type), n->field->example);
	if (n->type == TYPE_GROUP)
		return check_fail_whole(c, n);
	return query_fail(c->q, n->pos, n->len, "%s is %s, not a condition", check_show(c, n).text,
			  type_name(n->type));
}

int check_query(struct query *q, struct node *root)
{
	struct checker c = { .q = q, .node = check_node, .condition = check_condition };

	return check_condition(&c, root);
}
