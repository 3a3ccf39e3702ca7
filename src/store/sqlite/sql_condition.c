// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Conditions in SQL. What a user wrote becomes parameters; the text of the SQL comes from here and
 * from the table of fields. Every condition is 0 or 1, never NULL, so that NOT can be pushed down
 * to the comparisons, where it costs no index.
 */
#include "store/sqlite/sql_emit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kfl/vocabulary.h"
#include "store/sqlite/field_sql.h"

/* What an operand that is not the first one takes there, for each level of its tree. */
#define SQL_SYMBOLS_PER_LEVEL 6
/* A chain of operators is as deep as it is long, and SQLite allows a depth of 1000. */
#define SQL_CHAIN_MAX 100

static void sql_missing(struct visitor *v, const struct node *n, bool negate)
{
	struct emitter *c = emitter_of(v);
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
static void emit_test(struct emitter *c, const char *function, const char *code,
		      const struct node *x, struct text argument, bool negate)
{
	emit(c, negate ? "NOT " : "");
	emit(c, visit_is_dynamic(x) ? "kfl_test(" : function);
	emit(c, visit_is_dynamic(x) ? code : "(");
	if (visit_is_dynamic(x))
		emit_present(c, x);
	else
		emit_text(c, x);
	emit(c, ",");
	emit_string(c, argument.data, argument.len);
	emit(c, ")");
}

static void sql_regex(struct visitor *v, const struct node *x, struct text pattern, bool negate)
{
	emit_test(emitter_of(v), "kfl_regex", "'r',", x, pattern, negate);
}

static void sql_networks(struct visitor *v, const struct node *x, struct text networks, bool negate)
{
	emit_test(emitter_of(v), "kfl_ip", "'i',", x, networks, negate);
}

/* enum value_op; that of != is the one of ==, which is then negated. */
static void emit_operator(struct emitter *c, enum token_kind op)
{
	static const char *const codes[] = { [TOK_EQ] = ",0,", [TOK_NE] = ",0,", [TOK_LT] = ",1,",
					     [TOK_LE] = ",2,", [TOK_GT] = ",3,", [TOK_GE] = ",4," };

	emit(c, codes[op]);
}

static void sql_compare_dynamic(struct visitor *v, const struct node *a, enum token_kind op,
				const struct node *b, bool negate)
{
	struct emitter *c = emitter_of(v);
	/* enum compare_right */
	const char *right = visit_is_dynamic(b) ? ",1)" : b->type == TYPE_BOOL ? ",2)" : ",0)";

	emit(c, negate ^ (op == TOK_NE) ? "NOT kfl_cmp(" : "kfl_cmp(");
	emit_present(c, a);
	emit_operator(c, op);
	emit_present(c, b);
	emit(c, right);
}

static void sql_compare(struct visitor *v, const struct node *a, enum token_kind op,
			const struct node *b)
{
	static const char *const ops[] = {
		[TOK_EQ] = " = ",  [TOK_NE] = " <> ", [TOK_LT] = " < ",
		[TOK_LE] = " <= ", [TOK_GT] = " > ",  [TOK_GE] = " >= "
	};
	struct emitter *c = emitter_of(v);

	emit_beside(c, a, b->type);
	emit(c, ops[op]);
	emit_beside(c, b, a->type);
}

/* No text is 0, and what is no number equals none. */
static void sql_compare_numeric(struct visitor *v, const struct node *text, enum token_kind op,
				const struct node *number, bool negate)
{
	struct emitter *c = emitter_of(v);

	emit(c, negate ^ (op == TOK_NE) ? "NOT kfl_cmp(json_quote(coalesce(nullif("
					: "kfl_cmp(json_quote(coalesce(nullif(");
	emit_value(c, text);
	emit(c, ",''),'0'))");
	emit_operator(c, op);
	emit_value(c, number);
	emit(c, ",0)");
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
		if (!visit_is_literal(i) || i->kind == NODE_NIL)
			return false;
	return true;
}

static void emit_in_compares(struct emitter *c, const struct node *a, const struct node *list,
			     bool negate)
{
	if (list->count > SQL_CHAIN_MAX) {
		c->r = c->r ? c->r
			    : query_fail(&c->filter->memory, list->pos, list->len,
					 "a list of more than %d takes values of one kind only",
					 SQL_CHAIN_MAX);
		return;
	}
	emit_enter(c, list, 3);
	emit(c, "(");
	for (const struct node *i = list->first; i && !c->r; i = i->next) {
		visit_compare(&c->visitor, TOK_EQ, a, i, negate);
		emit(c, !i->next ? "" : negate ? " AND " : " OR ");
	}
	emit(c, ")");
	emit_leave(c, 3);
}

static void sql_in_list(struct visitor *v, const struct node *a, const struct node *list,
			bool negate)
{
	struct emitter *c = emitter_of(v);

	if (!list->first) {
		emit(c, negate ? "1" : "0");
	} else if (!visit_is_dynamic(a) && all_of_type(list, a->type)) {
		emit_value(c, a);
		emit(c, negate ? " NOT IN (" : " IN (");
		for (const struct node *i = list->first; i && !c->r; i = i->next) {
			emit_value(c, i);
			emit(c, i->next ? "," : ")");
		}
	} else if (visit_is_dynamic(a) && all_literal(list)) {
		emit(c, negate ? "NOT kfl_in(" : "kfl_in(");
		emit_present(c, a);
		emit(c, ",");
		emit_list(c, list);
		emit(c, ")");
	} else {
		emit_in_compares(c, a, list, negate);
	}
}

static void sql_in_map(struct visitor *v, const struct node *name, const struct node *map,
		       bool negate)
{
	struct emitter *c = emitter_of(v);

	emit(c, negate ? "kfl_get(" : "NOT kfl_get(");
	emit_value(c, map);
	emit(c, ",");
	emit_text(c, name);
	emit(c, map->field->traits & FIELD_ANY_CASE ? ",1) IS NULL" : ",0) IS NULL");
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

static void emit_starts(struct emitter *c, const struct node *x, const struct node *prefix,
			bool negate)
{
	struct text end;
	bool column = x->field && !x->steps && (x->field->traits & FIELD_COLUMN);

	if (!column || prefix->kind != NODE_STRING ||
	    !prefix_end(&c->filter->memory, prefix->text, &end)) {
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

static void sql_text_test(struct visitor *v, const struct node *n, bool negate)
{
	const struct node *x = n->first, *arg = n->last;
	enum function_id id = n->function->id;
	struct emitter *c = emitter_of(v);

	if (visit_is_dynamic(x)) {
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
static void emit_elements(struct emitter *c, const struct node *n)
{
	emit(c, n->type == TYPE_MAP    ? "kfl_keys("
		: n->type == TYPE_TEXT ? "kfl_segments("
				       : "kfl_elements(");
	emit_value(c, n);
	emit(c, ")");
}

static void sql_exists(struct visitor *v, const struct node *n, bool negate)
{
	struct emitter *c = emitter_of(v);
	char name[48];

	snprintf(name, sizeof(name), ") AS v%lld WHERE ", (long long)n->integer);
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
static void sql_truth(struct visitor *v, const struct node *n, bool negate)
{
	struct emitter *c = emitter_of(v);

	emit(c, negate ? "NOT " : "");
	emit(c, n->type == TYPE_MAP ? "kfl_size(" : "kfl_true(");
	emit_value(c, n);
	emit(c, n->type == TYPE_MAP ? ") > 0" : ")");
}

/* The operand that may not fit unless it goes first, or NULL. */
static const struct node *too_high(const struct emitter *c, const struct node *n)
{
	const struct node *best = n->first;

	for (const struct node *i = n->first; i; i = i->next)
		if (i->height > best->height)
			best = i;
	return c->stack + SQL_SYMBOLS_PER_LEVEL * n->height > SQL_STACK_MAX ? best : NULL;
}

static void emit_chain(struct emitter *c, const struct node *n, bool negate, bool bare);

/* An "and" needs no brackets within an "or". */
static void emit_operand(struct emitter *c, const struct node *n, bool negate, bool in_or)
{
	n = visit_past_not(n, &negate);
	if (n->kind == NODE_AND || n->kind == NODE_OR)
		emit_chain(c, n, negate, in_or && (n->kind == NODE_AND) != negate);
	else
		emit_condition(c, n, negate);
}

/*
 * A very deep operand goes first, where it costs SQLite's parser the least. A long chain is cut in
 * pieces, so that it is not as deep as it is long.
 */
static void emit_chain(struct emitter *c, const struct node *n, bool negate, bool bare)
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

static void sql_chain(struct visitor *v, const struct node *n, bool negate)
{
	emit_chain(emitter_of(v), n, negate, false);
}

static void sql_constant(struct visitor *v, bool yes)
{
	emit(emitter_of(v), yes ? "1" : "0");
}

static void sql_flag(struct visitor *v, const struct node *n, bool negate)
{
	emit(emitter_of(v), negate ? "NOT " : "");
	emit_field(emitter_of(v), field_sql(n->field));
}

static void sql_choose(struct visitor *v, const struct node *n, bool negate)
{
	emit(emitter_of(v), negate ? "NOT " : "");
	sql_choice(v, n);
}

static void sql_truth_value(struct visitor *v, const struct node *n)
{
	emit(emitter_of(v), "(");
	visit_condition(v, n, false);
	emit(emitter_of(v), ")");
}

static void sql_enter(struct visitor *v, const struct node *n, bool condition)
{
	emit_enter(emitter_of(v), n, condition ? SQL_CALL_SYMBOLS : 1);
}

static void sql_leave(struct visitor *v, bool condition)
{
	emit_leave(emitter_of(v), condition ? SQL_CALL_SYMBOLS : 1);
}

const struct visit_ops sql_visit_ops = {
	.enter = sql_enter,
	.leave = sql_leave,
	.chain = sql_chain,
	.constant = sql_constant,
	.flag = sql_flag,
	.truth = sql_truth,
	.missing = sql_missing,
	.regex = sql_regex,
	.networks = sql_networks,
	.compare = sql_compare,
	.compare_dynamic = sql_compare_dynamic,
	.compare_numeric = sql_compare_numeric,
	.in_list = sql_in_list,
	.in_map = sql_in_map,
	.text_test = sql_text_test,
	.exists = sql_exists,
	.choose = sql_choose,
	.truth_value = sql_truth_value,
	.literal = sql_literal,
	.list = sql_list,
	.variable = sql_variable,
	.path = sql_path,
	.arithmetic = sql_arithmetic,
	.negative = sql_negative,
	.choice = sql_choice,
	.call = sql_call,
};
