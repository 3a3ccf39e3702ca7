// SPDX-License-Identifier: GPL-2.0-or-later
#include "kfl/uses.h"

#include "kfl/vocabulary.h"
#include "kfl/visit.h"

static void note_compared(struct uses *u, const struct kfl_field *f)
{
	size_t i = 0;

	while (i < USES_MAX && u->compared[i] && u->compared[i] != f)
		i++;
	if (i < USES_MAX)
		u->compared[i] = f;
}

/* A field itself, not what is in it. */
static const struct kfl_field *whole_field(const struct node *n)
{
	return n->binder || n->steps ? NULL : n->field;
}

static bool is_value(const struct node *n)
{
	if (n->kind != NODE_LIST)
		return visit_is_literal(n) && n->kind != NODE_NIL;
	for (const struct node *i = n->first; i; i = i->next)
		if (!is_value(i))
			return false;
	return true;
}

/* field == value, value < field, field in [...], field.startsWith(value) */
static void note_pair(struct uses *u, const struct node *a, const struct node *b)
{
	if (whole_field(a) && is_value(b))
		note_compared(u, a->field);
	else if (whole_field(b) && is_value(a))
		note_compared(u, b->field);
}

static void note_node(struct uses *u, const struct node *n)
{
	const struct kfl_field *f = n->field;

	if (f && f->traits & FIELD_DETAIL)
		u->detail = true;
	if (f && f->traits & FIELD_FLAG)
		note_compared(u, f);
	if (n->kind == NODE_COMPARE || n->kind == NODE_IN ||
	    (n->kind == NODE_CALL && n->function && n->function->id == FUNCTION_STARTS))
		note_pair(u, n->first, n->last);
}

static void note_tree(struct uses *u, const struct node *n)
{
	note_node(u, n);
	for (const struct node *i = n->first; i; i = i->next)
		note_tree(u, i);
}

struct uses uses_of(const struct node *root)
{
	struct uses u = { 0 };

	note_tree(&u, root);
	return u;
}
