// SPDX-License-Identifier: GPL-2.0-or-later
#include "kfl/range.h"

#include <string.h>

#include "kfl/fields.h"

const struct range range_always = { INT64_MIN, INT64_MAX };

static struct range both(struct range a, struct range b)
{
	return (struct range){ a.from_us > b.from_us ? a.from_us : b.from_us,
			       a.to_us < b.to_us ? a.to_us : b.to_us };
}

static struct range either(struct range a, struct range b)
{
	if (a.from_us >= a.to_us)
		return b;
	if (b.from_us >= b.to_us)
		return a;
	return (struct range){ a.from_us < b.from_us ? a.from_us : b.from_us,
			       a.to_us > b.to_us ? a.to_us : b.to_us };
}

static bool is_timestamp(const struct node *n)
{
	return (n->kind == NODE_NAME || n->kind == NODE_PATH) && n->field && !n->steps &&
	       n->type == TYPE_TIME && !strcmp(n->field->sql, "e.timestamp");
}

/* timestamp op us */
static struct range compared(enum token_kind op, int64_t us)
{
	int64_t after = us == INT64_MAX ? us : us + 1;

	switch (op) {
	case TOK_EQ:
		return (struct range){ us, after };
	case TOK_LT:
		return (struct range){ INT64_MIN, us };
	case TOK_LE:
		return (struct range){ INT64_MIN, after };
	case TOK_GT:
		return (struct range){ after, INT64_MAX };
	case TOK_GE:
		return (struct range){ us, INT64_MAX };
	default:
		return range_always;
	}
}

static enum token_kind turned(enum token_kind op, bool mirror, bool negate)
{
	static const enum token_kind mirrored[] = {
		[TOK_EQ] = TOK_EQ, [TOK_NE] = TOK_NE, [TOK_LT] = TOK_GT,
		[TOK_LE] = TOK_GE, [TOK_GT] = TOK_LT, [TOK_GE] = TOK_LE
	};
	static const enum token_kind opposite[] = {
		[TOK_EQ] = TOK_NE, [TOK_NE] = TOK_EQ, [TOK_LT] = TOK_GE,
		[TOK_LE] = TOK_GT, [TOK_GT] = TOK_LE, [TOK_GE] = TOK_LT
	};

	op = mirror ? mirrored[op] : op;
	return negate ? opposite[op] : op;
}

static struct range of_compare(const struct node *n, bool negate)
{
	const struct node *a = n->first, *b = n->last;

	if (is_timestamp(a) && b->kind == NODE_INTEGER && b->type == TYPE_TIME)
		return compared(turned(n->op, false, negate), b->integer);
	if (is_timestamp(b) && a->kind == NODE_INTEGER && a->type == TYPE_TIME)
		return compared(turned(n->op, true, negate), a->integer);
	return range_always;
}

static struct range of_node(const struct node *n, bool negate);

static struct range of_chain(const struct node *n, bool negate)
{
	bool is_and = (n->kind == NODE_AND) != negate;
	struct range r = of_node(n->first, negate);

	for (const struct node *i = n->first->next; i; i = i->next)
		r = is_and ? both(r, of_node(i, negate)) : either(r, of_node(i, negate));
	return r;
}

static struct range of_node(const struct node *n, bool negate)
{
	for (; n->kind == NODE_NOT; n = n->first)
		negate ^= n->integer & 1;
	if (n->kind == NODE_AND || n->kind == NODE_OR)
		return of_chain(n, negate);
	return n->kind == NODE_COMPARE ? of_compare(n, negate) : range_always;
}

struct range range_of(const struct node *root)
{
	return of_node(root, false);
}
