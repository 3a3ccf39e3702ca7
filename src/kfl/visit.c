// SPDX-License-Identifier: GPL-2.0-or-later
#include "kfl/visit.h"

#include "kfl/vocabulary.h"

bool visit_is_dynamic(const struct node *n)
{
	return n->type == TYPE_JSON || n->type == TYPE_TEXTS || n->type == TYPE_LIST;
}

bool visit_is_literal(const struct node *n)
{
	return n->kind <= NODE_NIL && n->kind != NODE_REGEX;
}

const struct node *visit_past_not(const struct node *n, bool *negate)
{
	for (; n->kind == NODE_NOT; n = n->first)
		*negate ^= n->integer & 1;
	return n;
}

static enum token_kind mirrored(enum token_kind op)
{
	switch (op) {
	case TOK_LT:
		return TOK_GT;
	case TOK_LE:
		return TOK_GE;
	case TOK_GT:
		return TOK_LT;
	case TOK_GE:
		return TOK_LE;
	default:
		return op;
	}
}

static enum token_kind opposite(enum token_kind op)
{
	static const enum token_kind opposites[] = {
		[TOK_EQ] = TOK_NE, [TOK_NE] = TOK_EQ, [TOK_LT] = TOK_GE,
		[TOK_LE] = TOK_GT, [TOK_GT] = TOK_LE, [TOK_GE] = TOK_LT
	};

	return opposites[op];
}

static void visit_missing(struct visitor *v, const struct node *n, bool negate)
{
	if (n->type == TYPE_BOOL)
		visit_condition(v, n, !negate);
	else
		v->ops->missing(v, n, negate);
}

void visit_compare(struct visitor *v, enum token_kind op, const struct node *a,
		   const struct node *b, bool negate)
{
	bool turned = negate ^ (op == TOK_NE);

	if (a->type == TYPE_NIL || b->type == TYPE_NIL)
		visit_missing(v, b->type == TYPE_NIL ? a : b, turned);
	else if (a->type == TYPE_REGEX || b->type == TYPE_REGEX)
		v->ops->regex(v, a->type == TYPE_REGEX ? b : a,
			      a->type == TYPE_REGEX ? a->text : b->text, turned);
	else if (a->type == TYPE_IP || b->type == TYPE_IP)
		v->ops->networks(v, a->type == TYPE_IP ? b : a,
				 a->type == TYPE_IP ? a->text : b->text, turned);
	else if (b->kind == NODE_BOOL && a->type == TYPE_BOOL)
		visit_condition(v, a, turned ^ !b->integer);
	else if (a->kind == NODE_BOOL && b->type == TYPE_BOOL)
		visit_condition(v, b, turned ^ !a->integer);
	else if (visit_is_dynamic(a) && !(b->type == TYPE_LIST && a->type != TYPE_LIST))
		v->ops->compare_dynamic(v, a, op, b, negate);
	else if (visit_is_dynamic(b))
		v->ops->compare_dynamic(v, b, mirrored(op), a, negate);
	else if (a->type == TYPE_TEXT && b->type == TYPE_NUMBER)
		v->ops->compare_numeric(v, a, op, b, negate);
	else if (a->type == TYPE_NUMBER && b->type == TYPE_TEXT)
		v->ops->compare_numeric(v, b, mirrored(op), a, negate);
	else
		v->ops->compare(v, a, negate ? opposite(op) : op, b);
}

static void visit_in(struct visitor *v, const struct node *n, bool negate)
{
	const struct node *a = n->first, *b = n->last;

	if (b->kind == NODE_LIST)
		v->ops->in_list(v, a, b, negate);
	else if (b->type == TYPE_IP)
		v->ops->networks(v, a, b->text, negate);
	else if (b->type == TYPE_MAP)
		v->ops->in_map(v, a, b, negate);
	else
		v->ops->compare_dynamic(v, b, TOK_EQ, a, negate);
}

static void visit_text_test(struct visitor *v, const struct node *n, bool negate)
{
	if (n->last->type == TYPE_REGEX)
		v->ops->regex(v, n->first, n->last->text, negate);
	else
		v->ops->text_test(v, n, negate);
}

static void visit_plain(struct visitor *v, const struct node *n, bool negate)
{
	if (n->type != TYPE_BOOL)
		v->ops->truth(v, n, negate);
	else if (n->kind == NODE_BOOL)
		v->ops->constant(v, (bool)n->integer != negate);
	else if (n->kind == NODE_COMPARE)
		visit_compare(v, n->op, n->first, n->last, negate);
	else if (n->kind == NODE_IN)
		visit_in(v, n, negate);
	else if (n->kind == NODE_CALL)
		visit_text_test(v, n, negate);
	else
		v->ops->flag(v, n, negate);
}

void visit_condition(struct visitor *v, const struct node *n, bool negate)
{
	n = visit_past_not(n, &negate);
	if (n->kind == NODE_AND || n->kind == NODE_OR) {
		v->ops->chain(v, n, negate);
	} else if (n->kind == NODE_CHOOSE) {
		v->ops->choose(v, n, negate);
	} else if (n->kind == NODE_CALL && n->function->id == FUNCTION_EXISTS) {
		if (n->count == 1)
			visit_missing(v, n->first, !negate);
		else
			v->ops->exists(v, n, negate);
	} else {
		v->ops->enter(v, n, true);
		visit_plain(v, n, negate);
		v->ops->leave(v, true);
	}
}

static void visit_any_value(struct visitor *v, const struct node *n)
{
	if (n->type == TYPE_BOOL)
		v->ops->truth_value(v, n);
	else if (n->kind == NODE_INTEGER || n->kind == NODE_REAL || n->kind == NODE_STRING)
		v->ops->literal(v, n);
	else if (n->kind == NODE_LIST)
		v->ops->list(v, n);
	else if (n->kind == NODE_NAME && n->binder)
		v->ops->variable(v, n);
	else if (n->kind == NODE_NAME || n->kind == NODE_PATH)
		v->ops->path(v, n);
	else if (n->kind == NODE_ARITHMETIC)
		v->ops->arithmetic(v, n);
	else if (n->kind == NODE_NEGATE)
		v->ops->negative(v, n);
	else if (n->kind == NODE_CHOOSE)
		v->ops->choice(v, n);
	else
		v->ops->call(v, n);
}

void visit_value(struct visitor *v, const struct node *n)
{
	v->ops->enter(v, n, false);
	visit_any_value(v, n);
	v->ops->leave(v, false);
}
