// SPDX-License-Identifier: GPL-2.0-or-later
#include "kfl/time_span.h"

#include <string.h>

#include "kfl/vocabulary.h"

const struct time_span time_span_always = { INT64_MIN, INT64_MAX };

static struct time_span both(struct time_span a, struct time_span b)
{
	return (struct time_span){ a.from_us > b.from_us ? a.from_us : b.from_us,
				   a.to_us < b.to_us ? a.to_us : b.to_us };
}

static struct time_span either(struct time_span a, struct time_span b)
{
	if (a.from_us >= a.to_us)
		return b;
	if (b.from_us >= b.to_us)
		return a;
	return (struct time_span){ a.from_us < b.from_us ? a.from_us : b.from_us,
				   a.to_us > b.to_us ? a.to_us : b.to_us };
}

static bool is_timestamp(const struct node *n)
{
	return (n->kind == NODE_NAME || n->kind == NODE_PATH) && n->field && !n->steps &&
	       n->type == TYPE_TIME && !strcmp(n->field->name, "timestamp");
}

/* timestamp op us */
static struct time_span compared(enum token_kind op, int64_t us)
{
	int64_t after = us == INT64_MAX ? us : us + 1;

	switch (op) {
	case TOK_EQ:
		return (struct time_span){ us, after };
	case TOK_LT:
		return (struct time_span){ INT64_MIN, us };
	case TOK_LE:
		return (struct time_span){ INT64_MIN, after };
	case TOK_GT:
		return (struct time_span){ after, INT64_MAX };
	case TOK_GE:
		return (struct time_span){ us, INT64_MAX };
	default:
		return time_span_always;
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

static struct time_span of_compare(const struct node *n, bool negate)
{
	const struct node *a = n->first, *b = n->last;

	if (is_timestamp(a) && b->kind == NODE_INTEGER && b->type == TYPE_TIME)
		return compared(turned(n->op, false, negate), b->integer);
	if (is_timestamp(b) && a->kind == NODE_INTEGER && a->type == TYPE_TIME)
		return compared(turned(n->op, true, negate), a->integer);
	return time_span_always;
}

static struct time_span of_node(const struct node *n, bool negate);

static struct time_span of_chain(const struct node *n, bool negate)
{
	bool is_and = (n->kind == NODE_AND) != negate;
	struct time_span r = of_node(n->first, negate);

	for (const struct node *i = n->first->next; i; i = i->next)
		r = is_and ? both(r, of_node(i, negate)) : either(r, of_node(i, negate));
	return r;
}

static struct time_span of_node(const struct node *n, bool negate)
{
	for (; n->kind == NODE_NOT; n = n->first)
		negate ^= n->integer & 1;
	if (n->kind == NODE_AND || n->kind == NODE_OR)
		return of_chain(n, negate);
	return n->kind == NODE_COMPARE ? of_compare(n, negate) : time_span_always;
}

struct time_span time_span_of(const struct node *root)
{
	return of_node(root, false);
}
