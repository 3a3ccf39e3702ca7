// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Conditions in SQL. What a user wrote becomes parameters; the text of the SQL comes from here and
 * from the table of fields. Every condition is 0 or 1, never NULL, so that NOT can be pushed down
 * to the comparisons, where it costs no index.
 */
#include "kfl/emit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kfl/fields.h"
#include "store/sqlite/field_sql.h"

/* What an operand that is not the first one takes there, for each level of its tree. */
#define SQL_SYMBOLS_PER_LEVEL 6
/* A chain of operators is as deep as it is long, and SQLite allows a depth of 1000. */
#define SQL_CHAIN_MAX 100

static void emit_nil(struct compiler *c, const struct node *n, bool negate)
{
	if (n->type == TYPE_BOOL) {
		emit_condition(c, n, !negate);
		return;
	}
	bool list = n->type == TYPE_LIST || n->type == TYPE_MAP;
	bool dynamic = n->type == TYPE_JSON || n->type == TYPE_TEXTS;
	emit(c, list ? "kfl_size(" : dynamic ? negate ? "NOT kfl_isnil(" : "kfl_isnil(" : "");
	if (n->type == TYPE_NIL)
		emit(c, "''");
	else
		emit_value(c, n);
	emit(c, list || dynamic ? ")" : "");
	if (dynamic)
		return;
	emit(c, negate ? " <> " : " = ");
	emit(c, n->type == TYPE_TEXT || n->type == TYPE_NIL ? "''" : "0");
}

/* The test as a function of SQL: test(x, argument), or over elements when x is dynamic. */
static void emit_test(struct compiler *c, const char *function, const char *code,
		      const struct node *x, struct text argument, bool negate)
{
	emit(c, negate ? "NOT " : "");
	emit(c, emit_is_dynamic(x) ? "kfl_test(" : function);
	emit(c, emit_is_dynamic(x) ? code : "(");
	if (emit_is_dynamic(x))
		emit_present(c, x);
	else
		emit_text(c, x);
	emit(c, ",");
	emit_string(c, argument.data, argument.len);
	emit(c, ")");
}

static void emit_regex(struct compiler *c, const struct node *x, struct text pattern, bool negate)
{
	emit_test(c, "kfl_regex", "'r',", x, pattern, negate);
}

static void emit_ip(struct compiler *c, const struct node *x, struct text networks, bool negate)
{
	emit_test(c, "kfl_ip", "'i',", x, networks, negate);
}

/* enum value_op; that of != is the one of ==, which is then negated. */
static void emit_operator(struct compiler *c, enum token_kind op)
{
	static const char *const codes[] = { [TOK_EQ] = ",0,", [TOK_NE] = ",0,", [TOK_LT] = ",1,",
					     [TOK_LE] = ",2,", [TOK_GT] = ",3,", [TOK_GE] = ",4," };

	emit(c, codes[op]);
}

/* What is known only when it runs, on the left. */
static void emit_dynamic_compare(struct compiler *c, enum token_kind op, const struct node *a,
				 const struct node *b, bool negate)
{
	/* enum compare_right */
	const char *right = emit_is_dynamic(b) ? ",1)" : b->type == TYPE_BOOL ? ",2)" : ",0)";

	emit(c, negate ^ (op == TOK_NE) ? "NOT kfl_cmp(" : "kfl_cmp(");
	emit_present(c, a);
	emit_operator(c, op);
	emit_present(c, b);
	emit(c, right);
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
	static const enum token_kind not [] = {
		[TOK_EQ] = TOK_NE, [TOK_NE] = TOK_EQ, [TOK_LT] = TOK_GE,
		[TOK_LE] = TOK_GT, [TOK_GT] = TOK_LE, [TOK_GE] = TOK_LT
	};

	return not [op];
}

static void emit_scalar_compare(struct compiler *c, enum token_kind op, const struct node *a,
				const struct node *b)
{
	static const char *const ops[] = {
		[TOK_EQ] = " = ",  [TOK_NE] = " <> ", [TOK_LT] = " < ",
		[TOK_LE] = " <= ", [TOK_GT] = " > ",  [TOK_GE] = " >= "
	};

	emit_beside(c, a, b->type);
	emit(c, ops[op]);
	emit_beside(c, b, a->type);
}

/* Text of a status beside a number: no text is 0, and what is no number equals none. */
static void emit_numeric_text(struct compiler *c, enum token_kind op, const struct node *text,
			      const struct node *number, bool negate)
{
	emit(c, negate ^ (op == TOK_NE) ? "NOT kfl_cmp(json_quote(coalesce(nullif("
					: "kfl_cmp(json_quote(coalesce(nullif(");
	emit_value(c, text);
	emit(c, ",''),'0'))");
	emit_operator(c, op);
	emit_value(c, number);
	emit(c, ",0)");
}

static void emit_compare(struct compiler *c, enum token_kind op, const struct node *a,
			 const struct node *b, bool negate)
{
	bool not = negate ^ (op == TOK_NE);

	if (a->type == TYPE_NIL || b->type == TYPE_NIL)
		emit_nil(c, b->type == TYPE_NIL ? a : b, not );
	else if (a->type == TYPE_REGEX || b->type == TYPE_REGEX)
		emit_regex(c, a->type == TYPE_REGEX ? b : a,
			   a->type == TYPE_REGEX ? a->text : b->text, not );
	else if (a->type == TYPE_IP || b->type == TYPE_IP)
		emit_ip(c, a->type == TYPE_IP ? b : a, a->type == TYPE_IP ? a->text : b->text,
			not );
	else if (b->kind == NODE_BOOL && a->type == TYPE_BOOL)
		emit_condition(c, a, not ^!b->integer);
	else if (a->kind == NODE_BOOL && b->type == TYPE_BOOL)
		emit_condition(c, b, not ^!a->integer);
	else if (emit_is_dynamic(a) && !(b->type == TYPE_LIST && a->type != TYPE_LIST))
		emit_dynamic_compare(c, op, a, b, negate);
	else if (emit_is_dynamic(b))
		emit_dynamic_compare(c, mirrored(op), b, a, negate);
	else if (a->type == TYPE_TEXT && b->type == TYPE_NUMBER)
		emit_numeric_text(c, op, a, b, negate);
	else if (a->type == TYPE_NUMBER && b->type == TYPE_TEXT)
		emit_numeric_text(c, mirrored(op), b, a, negate);
	else
		emit_scalar_compare(c, negate ? opposite(op) : op, a, b);
}

static bool all_of_type(const struct node *list, enum kfl_type type)
{
	for (const struct node *i = list->first; i; i = i->next)
		if (i->type != type)
			return false;
	return true;
}

static bool all_literal(const struct node *list)
{
	for (const struct node *i = list->first; i; i = i->next)
		if (!emit_is_literal(i) || i->kind == NODE_NIL)
			return false;
	return true;
}

static void emit_in_compares(struct compiler *c, const struct node *a, const struct node *list,
			     bool negate)
{
	if (list->count > SQL_CHAIN_MAX) {
		c->r = c->r ? c->r
			    : query_fail(c->q, list->pos, list->len,
					 "a list of more than %d takes values of one kind only",
					 SQL_CHAIN_MAX);
		return;
	}
	emit_enter(c, list, 3);
	emit(c, "(");
	for (const struct node *i = list->first; i && !c->r; i = i->next) {
		emit_compare(c, TOK_EQ, a, i, negate);
		emit(c, !i->next ? "" : negate ? " AND " : " OR ");
	}
	emit(c, ")");
	emit_leave(c, 3);
}

static void emit_in_list(struct compiler *c, const struct node *a, const struct node *list,
			 bool negate)
{
	if (!list->first) {
		emit(c, negate ? "1" : "0");
	} else if (!emit_is_dynamic(a) && all_of_type(list, a->type)) {
		emit_value(c, a);
		emit(c, negate ? " NOT IN (" : " IN (");
		for (const struct node *i = list->first; i && !c->r; i = i->next) {
			emit_value(c, i);
			emit(c, i->next ? "," : ")");
		}
	} else if (emit_is_dynamic(a) && all_literal(list)) {
		emit(c, negate ? "NOT kfl_in(" : "kfl_in(");
		emit_present(c, a);
		emit(c, ",");
		emit_list(c, list);
		emit(c, ")");
	} else {
		emit_in_compares(c, a, list, negate);
	}
}

static void emit_has(struct compiler *c, const struct node *name, const struct node *map,
		     bool negate)
{
	emit(c, negate ? "kfl_get(" : "NOT kfl_get(");
	emit_value(c, map);
	emit(c, ",");
	emit_text(c, name);
	emit(c, map->field->traits & FIELD_ANY_CASE ? ",1) IS NULL" : ",0) IS NULL");
}

static void emit_in(struct compiler *c, const struct node *n, bool negate)
{
	const struct node *a = n->first, *b = n->last;

	if (b->kind == NODE_LIST)
		emit_in_list(c, a, b, negate);
	else if (b->type == TYPE_IP)
		emit_ip(c, a, b->text, negate);
	else if (b->type == TYPE_MAP)
		emit_has(c, a, b, negate);
	else
		emit_dynamic_compare(c, TOK_EQ, b, a, negate);
}

/* The smallest text after all that begin with the prefix: an index can be searched up to it. */
static bool prefix_end(struct query *q, struct text prefix, struct text *ret)
{
	char *end = query_alloc(q, prefix.len + 1);
	size_t len = prefix.len;

	while (len && (unsigned char)prefix.data[len - 1] == 0xff)
		len--;
	if (!end || !len)
		return false;
	memcpy(end, prefix.data, len);
	end[len - 1]++;
	*ret = (struct text){ end, len };
	return true;
}

static void emit_starts(struct compiler *c, const struct node *x, const struct node *prefix,
			bool negate)
{
	struct text end;
	bool column = x->field && !x->steps && (x->field->traits & FIELD_COLUMN);

	if (!column || prefix->kind != NODE_STRING || !prefix_end(c->q, prefix->text, &end)) {
		emit(c, negate ? "NOT kfl_starts(" : "kfl_starts(");
		emit_value(c, x);
		emit(c, ",");
		emit_value(c, prefix);
		emit(c, ")");
		return;
	}
	emit(c, negate ? "(" : "");
	emit(c, field_sql(x->field));
	emit(c, negate ? " < " : " >= ");
	emit_value(c, prefix);
	emit(c, negate ? " OR " : " AND ");
	emit(c, field_sql(x->field));
	emit(c, negate ? " >= " : " < ");
	emit_string(c, end.data, end.len);
	emit(c, negate ? ")" : "");
}

static void emit_text_test(struct compiler *c, const struct node *n, bool negate)
{
	const struct node *x = n->first, *arg = n->last;
	enum function_id id = n->function->id;

	if (arg->type == TYPE_REGEX) {
		emit_regex(c, x, arg->text, negate);
	} else if (emit_is_dynamic(x)) {
		emit(c, negate ? "NOT kfl_test(" : "kfl_test(");
		emit(c, id == FUNCTION_CONTAINS ? "'c'," : id == FUNCTION_STARTS ? "'s'," : "'e',");
		emit_present(c, x);
		emit(c, ",");
		emit_value(c, arg);
		emit(c, ")");
	} else if (id == FUNCTION_STARTS) {
		emit_starts(c, x, arg, negate);
	} else {
		emit(c, negate ? "NOT " : "");
		emit(c, id == FUNCTION_CONTAINS ? "kfl_contains(" : "kfl_ends(");
		emit_value(c, x);
		emit(c, ",");
		emit_value(c, arg);
		emit(c, ")");
	}
}

/* The elements that exists() goes through, as a JSON array. */
static void emit_elements(struct compiler *c, const struct node *n)
{
	emit(c, n->type == TYPE_MAP    ? "kfl_keys("
		: n->type == TYPE_TEXT ? "kfl_segments("
				       : "kfl_elements(");
	emit_value(c, n);
	emit(c, ")");
}

static void emit_exists(struct compiler *c, const struct node *n, bool negate)
{
	char name[32];

	if (n->count == 1) {
		emit_nil(c, n->first, !negate);
		return;
	}
	/* The node is const for everyone else; its number is how its variable is found. */
	((struct node *)n)->integer = ++c->variables;
	snprintf(name, sizeof(name), ") AS v%u WHERE ", c->variables);
	emit_enter(c, n, 9);
	emit(c,
	     negate ? "NOT EXISTS (SELECT 1 FROM json_each(" : "EXISTS (SELECT 1 FROM json_each(");
	emit_elements(c, n->first);
	emit(c, name);
	emit_condition(c, n->last, false);
	emit(c, ")");
	emit_leave(c, 9);
}

/* A dynamic value, list or map as a condition: is there anything? */
static void emit_truth(struct compiler *c, const struct node *n, bool negate)
{
	emit(c, negate ? "NOT " : "");
	emit(c, n->type == TYPE_MAP ? "kfl_size(" : "kfl_true(");
	emit_value(c, n);
	emit(c, n->type == TYPE_MAP ? ") > 0" : ")");
}

/* The operand that may not fit unless it goes first, or NULL. */
static const struct node *too_high(const struct compiler *c, const struct node *n)
{
	const struct node *best = n->first;

	for (const struct node *i = n->first; i; i = i->next)
		if (i->height > best->height)
			best = i;
	return c->stack + SQL_SYMBOLS_PER_LEVEL * n->height > SQL_STACK_MAX ? best : NULL;
}

static void emit_chain(struct compiler *c, const struct node *n, bool negate, bool bare);

/* An "and" needs no brackets within an "or". */
static void emit_operand(struct compiler *c, const struct node *n, bool negate, bool in_or)
{
	for (; n->kind == NODE_NOT; n = n->first)
		negate ^= n->integer & 1;
	if (n->kind == NODE_AND || n->kind == NODE_OR)
		emit_chain(c, n, negate, in_or && (n->kind == NODE_AND) != negate);
	else
		emit_condition(c, n, negate);
}

/*
 * A very deep operand goes first, where it costs SQLite's parser the least. A long chain is cut in
 * pieces, so that it is not as deep as it is long.
 */
static void emit_chain(struct compiler *c, const struct node *n, bool negate, bool bare)
{
	bool is_or = (n->kind == NODE_OR) != negate, pieces = n->count > SQL_CHAIN_MAX;
	const struct node *deep = too_high(c, n);
	size_t k = 0;

	emit_enter(c, n, bare ? 0 : 1);
	emit(c, bare ? "" : "(");
	if (deep)
		emit_operand(c, deep, negate, is_or);
	emit_enter(c, n, 3);
	for (const struct node *i = n->first; i && !c->r; i = i->next) {
		bool start = pieces && k % SQL_CHAIN_MAX == 0;
		if (i == deep)
			continue;
		emit(c, start && k ? ")" : "");
		emit(c, !k && !deep ? "" : is_or ? " OR " : " AND ");
		emit(c, start ? "(" : "");
		emit_operand(c, i, negate, is_or);
		k++;
	}
	emit(c, pieces ? ")" : "");
	emit(c, bare ? "" : ")");
	emit_leave(c, bare ? 3 : 4);
}

void emit_condition(struct compiler *c, const struct node *n, bool negate)
{
	if (n->kind == NODE_AND || n->kind == NODE_OR || n->kind == NODE_NOT) {
		emit_operand(c, n, negate, false);
		return;
	}
	if (n->kind == NODE_CHOOSE) {
		emit(c, negate ? "NOT " : "");
		emit_choose(c, n);
		return;
	}
	if (n->kind == NODE_CALL && n->function->id == FUNCTION_EXISTS) {
		emit_exists(c, n, negate);
		return;
	}
	emit_enter(c, n, SQL_CALL_SYMBOLS);
	if (n->type != TYPE_BOOL) {
		emit_truth(c, n, negate);
	} else if (n->kind == NODE_BOOL) {
		emit(c, (bool)n->integer != negate ? "1" : "0");
	} else if (n->kind == NODE_COMPARE) {
		emit_compare(c, n->op, n->first, n->last, negate);
	} else if (n->kind == NODE_IN) {
		emit_in(c, n, negate);
	} else if (n->kind == NODE_CALL) {
		emit_text_test(c, n, negate);
	} else {
		emit(c, negate ? "NOT " : "");
		emit_field(c, field_sql(n->field));
	}
	emit_leave(c, SQL_CALL_SYMBOLS);
}

int compile_query(struct query *q, const struct node *root, struct program *ret)
{
	struct compiler c = { .q = q, .p = ret };

	emit_condition(&c, root, false);
	return c.r;
}

void program_free(struct program *p)
{
	buf_free(&p->sql);
	free(p->parameters);
	*p = (struct program){ 0 };
}
