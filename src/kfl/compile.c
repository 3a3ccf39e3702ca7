// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Checked tree → SQL. What a user wrote becomes parameters; the text of the SQL comes from here and
 * from the table of fields. Every condition is 0 or 1, never NULL, so that NOT can be pushed down
 * to the comparisons, where it costs no index.
 */
#include "kfl/compile.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kfl/fields.h"
#include "limits.h"

/* SQLite's parser has room for 100 symbols; the statement around the condition needs some. */
#define SQL_STACK_MAX 70
/* A chain of operators is as deep as it is long, and SQLite allows a depth of 1000. */
#define SQL_CHAIN_MAX 100

struct compiler {
	struct query *q;
	struct program *p;
	unsigned stack, variables;
	int r; /* the first error; nothing is added after it */
};

static void emit_value(struct compiler *c, const struct node *n);
static void emit_condition(struct compiler *c, const struct node *n, bool negate);

static void put(struct compiler *c, const char *text)
{
	if (!c->r)
		c->r = buf_puts(&c->p->sql, text);
}

static void put_field(struct compiler *c, const char *sql)
{
	bool simple = strspn(sql, "abcdefghijklmnopqrstuvwxyz_.0123456789") == strlen(sql);

	put(c, simple ? "" : "(");
	put(c, sql);
	put(c, simple ? "" : ")");
}

static void put_parameter(struct compiler *c, struct parameter v)
{
	struct program *p = c->p;

	if (!c->r && p->count == p->room) {
		size_t room = p->room ? 2 * p->room : 16;
		struct parameter *more = realloc(p->parameters, room * sizeof(*more));
		c->r = more ? 0 : -ENOMEM;
		if (more) {
			p->parameters = more;
			p->room = room;
		}
	}
	if (c->r)
		return;
	p->parameters[p->count++] = v;
	c->r = buf_printf(&p->sql, "?%zu", p->count);
}

static void put_text(struct compiler *c, const char *data, size_t len)
{
	char *copy = query_alloc(c->q, len + 1);

	if (!copy) {
		c->r = c->r ? c->r : -ENOMEM;
		return;
	}
	memcpy(copy, data, len);
	put_parameter(c, (struct parameter){ .kind = NODE_STRING, .text = { copy, len } });
}

/* The parameter that a buffer holds; frees the buffer. `r` is what filling it gave. */
static void put_text_take(struct compiler *c, struct buf *b, int r)
{
	if (r)
		c->r = c->r ? c->r : r;
	else
		put_text(c, b->data ? b->data : "", b->len);
	buf_free(b);
}

static void enter(struct compiler *c, const struct node *n, unsigned symbols)
{
	c->stack += symbols;
	if (!c->r && c->stack > SQL_STACK_MAX)
		c->r = query_fail(c->q, n->pos, n->len, "nested too deeply to run");
}

static void leave(struct compiler *c, unsigned symbols)
{
	c->stack -= symbols;
}

static bool is_dynamic(const struct node *n)
{
	return n->type == TYPE_JSON || n->type == TYPE_TEXTS || n->type == TYPE_LIST;
}

int compile_put_steps(const struct step *steps, struct buf *out)
{
	int r = 0;

	for (const struct step *s = steps; s && !r; s = s->next) {
		if (s->kind == STEP_ANY)
			r = buf_putc(out, '*');
		else if (s->kind == STEP_INDEX)
			r = buf_printf(out, "i%lld:", (long long)s->index);
		else
			r = buf_printf(out, "%c%zu:", s->kind == STEP_KEY ? 'k' : 'd', s->key.len);
		if (!r && (s->kind == STEP_KEY || s->kind == STEP_DESCEND))
			r = buf_put(out, s->key.data, s->key.len);
	}
	return r;
}

static void put_steps(struct compiler *c, const struct step *steps)
{
	struct buf b = { 0 };

	put_text_take(c, &b, compile_put_steps(steps, &b));
}

/* Steps within request or response, where [name, value] is a member (json_put_path). */
static void put_detail_steps(struct compiler *c, const struct step *steps)
{
	struct buf b = { 0 };
	int r = buf_putc(&b, 'p');

	put_text_take(c, &b, r ? r : compile_put_steps(steps, &b));
}

/* Text of a text or of what is known when it runs. */
static void emit_text(struct compiler *c, const struct node *n)
{
	if (n->type == TYPE_TEXT) {
		emit_value(c, n);
		return;
	}
	put(c, is_dynamic(n) ? "kfl_text(" : "CAST(");
	emit_value(c, n);
	put(c, is_dynamic(n) ? ")" : " AS TEXT)");
}

/* A header that is not there is "". */
static void emit_present(struct compiler *c, const struct node *n)
{
	put(c, n->type == TYPE_TEXTS ? "coalesce(" : "");
	emit_value(c, n);
	put(c, n->type == TYPE_TEXTS ? ",'\"\"')" : "");
}

/* json() and xml() with the steps that follow. */
static void emit_decoded(struct compiler *c, const struct node *call, const struct step *steps)
{
	put(c, call->function->id == FUNCTION_XML ? "kfl_xml(" : "kfl_path(");
	emit_text(c, call->first);
	put(c, ",");
	put_steps(c, steps);
	put(c, ")");
}

static void emit_map_step(struct compiler *c, const struct node *n)
{
	put(c, n->steps->kind == STEP_ANY ? "kfl_values(" : "kfl_get(");
	put(c, n->field->sql);
	if (n->steps->kind != STEP_ANY) {
		put(c, ",");
		put_text(c, n->steps->key.data, n->steps->key.len);
		put(c, n->field->traits & FIELD_ANY_CASE ? ",1" : ",0");
	}
	put(c, ")");
}

/* src..name: the columns of that side with that name */
static void emit_descend_columns(struct compiler *c, const struct node *n)
{
	struct text key = n->steps->key;
	const char *comma = "";

	put(c, "json_array(");
	for (const struct kfl_field *f = field_table; f->name; f++) {
		const char *last = strrchr(f->name, '.');
		if (!last || strncmp(f->name, n->field->name, 3) || strlen(last + 1) != key.len ||
		    memcmp(last + 1, key.data, key.len))
			continue;
		put(c, comma);
		put(c, f->sql);
		comma = ",";
	}
	put(c, ")");
}

static void emit_field_steps(struct compiler *c, const struct node *n)
{
	const struct kfl_field *f = n->field;
	bool columns = f->type == TYPE_GROUP && strncmp(f->sql, "kfl_", 4);

	if (f->type == TYPE_MAP) {
		emit_map_step(c, n);
	} else if (columns && n->steps->kind == STEP_DESCEND) {
		emit_descend_columns(c, n);
	} else if (columns || (f->type == TYPE_LIST && n->steps->kind == STEP_ANY)) {
		put(c, f->sql);
	} else {
		put(c, "kfl_path(");
		put(c, f->traits & FIELD_SEGMENTS ? "kfl_segments(" : "");
		put(c, f->sql);
		put(c, f->traits & FIELD_SEGMENTS ? ")," : ",");
		if (f->type == TYPE_GROUP)
			put_detail_steps(c, n->steps);
		else
			put_steps(c, n->steps);
		put(c, ")");
	}
}

static void emit_path(struct compiler *c, const struct node *n)
{
	const struct node *base = n->first;

	if (n->field && n->steps) {
		emit_field_steps(c, n);
	} else if (n->field) {
		put_field(c, n->type == TYPE_TEXT && n->field->text_sql ? n->field->text_sql
									: n->field->sql);
	} else if (base && base->kind == NODE_CALL &&
		   (base->function->id == FUNCTION_JSON || base->function->id == FUNCTION_XML)) {
		emit_decoded(c, base, n->steps);
	} else {
		put(c, "kfl_path(");
		emit_value(c, base);
		put(c, ",");
		put_steps(c, n->steps);
		put(c, ")");
	}
}

static void emit_variable(struct compiler *c, const struct node *n)
{
	char name[64];

	snprintf(name, sizeof(name), "kfl_element(v%lld.type,v%lld.value)",
		 (long long)n->binder->integer, (long long)n->binder->integer);
	put(c, name);
}

static void emit_number(struct compiler *c, const struct node *n)
{
	bool dynamic = is_dynamic(n);

	put(c, dynamic ? "kfl_number(" : "");
	emit_value(c, n);
	put(c, dynamic ? ")" : "");
}

/* A side of a comparison or sum whose other side is of type `other`. */
static void emit_beside(struct compiler *c, const struct node *n, enum kfl_type other)
{
	bool millis = n->type == TYPE_NUMBER &&
		      (other == TYPE_TIME ||
		       (other == TYPE_DURATION && n->field && (n->field->traits & FIELD_MILLIS)));

	put(c, millis ? "(" : "");
	if (n->type == TYPE_JSON || n->type == TYPE_TEXTS)
		emit_number(c, n);
	else
		emit_value(c, n);
	put(c, millis ? "*1000)" : "");
}

/* Only the outermost turns what has no result into 0. */
static void emit_arithmetic(struct compiler *c, const struct node *n, bool inner)
{
	static const char *const ops[] = { [TOK_PLUS] = "+",
					   [TOK_MINUS] = "-",
					   [TOK_STAR] = "*",
					   [TOK_SLASH] = "/",
					   [TOK_PERCENT] = "%" };
	const struct node *const sides[] = { n->first, n->last };
	bool text = n->type == TYPE_TEXT;

	enter(c, n, 3);
	put(c, text || inner ? "(" : "coalesce(");
	for (int i = 0; i < 2; i++) {
		if (text)
			emit_text(c, sides[i]);
		else if (sides[i]->kind == NODE_ARITHMETIC)
			emit_arithmetic(c, sides[i], true);
		else
			emit_beside(c, sides[i],
				    n->op == TOK_STAR || n->op == TOK_SLASH ? TYPE_NUMBER
									    : sides[!i]->type);
		if (!i)
			put(c, text ? "||" : ops[n->op]);
	}
	put(c, text || inner ? ")" : ",0)");
	leave(c, 3);
}

static void emit_negative(struct compiler *c, const struct node *n)
{
	enter(c, n, 2);
	put(c, n->integer ? "(-" : "(");
	emit_number(c, n->first);
	put(c, ")");
	leave(c, 2);
}

static void emit_choose(struct compiler *c, const struct node *n)
{
	enter(c, n, 5);
	put(c, "CASE WHEN ");
	emit_condition(c, n->first, false);
	put(c, " THEN ");
	emit_value(c, n->first->next);
	put(c, " ELSE ");
	emit_value(c, n->last);
	put(c, " END");
	leave(c, 5);
}

static int put_literal_json(const struct node *n, struct buf *out)
{
	switch (n->kind) {
	case NODE_INTEGER:
		return buf_printf(out, "%lld", (long long)n->integer);
	case NODE_REAL:
		return buf_printf(out, "%.17g", n->real);
	case NODE_STRING:
		return buf_put_json(out, n->text.data, n->text.len);
	case NODE_BOOL:
		return buf_puts(out, n->integer ? "true" : "false");
	default:
		return buf_puts(out, "null");
	}
}

static bool is_literal(const struct node *n)
{
	return n->kind <= NODE_NIL && n->kind != NODE_REGEX;
}

static void emit_list(struct compiler *c, const struct node *n)
{
	struct buf b = { 0 };
	int r = buf_putc(&b, '[');

	for (const struct node *i = n->first; i && !r; i = i->next) {
		if (!is_literal(i)) {
			r = query_fail(c->q, i->pos, i->len, "this list takes values only");
			break;
		}
		r = put_literal_json(i, &b);
		r = r || !i->next ? r : buf_putc(&b, ',');
	}
	put_text_take(c, &b, r ? r : buf_putc(&b, ']'));
}

static void emit_size(struct compiler *c, const struct node *a)
{
	put(c, a->type == TYPE_TEXT ? "kfl_length(" : "kfl_size(");
	emit_value(c, a);
	put(c, ")");
}

static void emit_map_get(struct compiler *c, const struct node *n)
{
	const struct node *map = n->first, *name = map->next;
	struct step key = { .kind = STEP_KEY, .key = name->text };
	struct buf b = { 0 };

	put(c, map->type == TYPE_MAP ? "coalesce(kfl_get(" : "coalesce(kfl_path(");
	emit_value(c, map);
	put(c, ",");
	if (map->type == TYPE_MAP) {
		put_text(c, name->text.data, name->text.len);
		put(c, map->field->traits & FIELD_ANY_CASE ? ",1" : ",0");
	} else {
		put_steps(c, &key);
	}
	put(c, "),");
	put_text_take(c, &b, put_literal_json(n->last, &b));
	put(c, ")");
}

static void emit_call(struct compiler *c, const struct node *n)
{
	switch (n->function->id) {
	case FUNCTION_SIZE:
		emit_size(c, n->first);
		break;
	case FUNCTION_MAP_GET:
		emit_map_get(c, n);
		break;
	default:
		emit_decoded(c, n, NULL);
		break;
	}
}

static void emit_value(struct compiler *c, const struct node *n)
{
	enter(c, n, 1);
	if (n->type == TYPE_BOOL) {
		put(c, "(");
		emit_condition(c, n, false);
		put(c, ")");
	} else if (n->kind == NODE_INTEGER || n->kind == NODE_REAL || n->kind == NODE_STRING) {
		put_parameter(c, (struct parameter){ n->kind, n->text, n->integer, n->real });
	} else if (n->kind == NODE_LIST) {
		emit_list(c, n);
	} else if (n->kind == NODE_NAME && n->binder) {
		emit_variable(c, n);
	} else if (n->kind == NODE_NAME || n->kind == NODE_PATH) {
		emit_path(c, n);
	} else if (n->kind == NODE_ARITHMETIC) {
		emit_arithmetic(c, n, false);
	} else if (n->kind == NODE_NEGATE) {
		emit_negative(c, n);
	} else if (n->kind == NODE_CHOOSE) {
		emit_choose(c, n);
	} else {
		emit_call(c, n);
	}
	leave(c, 1);
}

static void emit_nil(struct compiler *c, const struct node *n, bool negate)
{
	if (n->type == TYPE_BOOL) {
		emit_condition(c, n, !negate);
		return;
	}
	bool list = n->type == TYPE_LIST || n->type == TYPE_MAP;
	bool dynamic = n->type == TYPE_JSON || n->type == TYPE_TEXTS;
	put(c, list ? "kfl_size(" : dynamic ? negate ? "NOT kfl_isnil(" : "kfl_isnil(" : "");
	if (n->type == TYPE_NIL)
		put(c, "''");
	else
		emit_value(c, n);
	put(c, list || dynamic ? ")" : "");
	if (dynamic)
		return;
	put(c, negate ? " <> " : " = ");
	put(c, n->type == TYPE_TEXT || n->type == TYPE_NIL ? "''" : "0");
}

/* The test as a function of SQL: test(x, argument), or over elements when x is dynamic. */
static void emit_test(struct compiler *c, const char *function, const char *code,
		      const struct node *x, struct text argument, bool negate)
{
	put(c, negate ? "NOT " : "");
	put(c, is_dynamic(x) ? "kfl_test(" : function);
	put(c, is_dynamic(x) ? code : "(");
	if (is_dynamic(x))
		emit_present(c, x);
	else
		emit_text(c, x);
	put(c, ",");
	put_text(c, argument.data, argument.len);
	put(c, ")");
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
static void put_operator(struct compiler *c, enum token_kind op)
{
	static const char *const codes[] = { [TOK_EQ] = ",0,", [TOK_NE] = ",0,", [TOK_LT] = ",1,",
					     [TOK_LE] = ",2,", [TOK_GT] = ",3,", [TOK_GE] = ",4," };

	put(c, codes[op]);
}

/* What is known only when it runs, on the left. */
static void emit_dynamic_compare(struct compiler *c, enum token_kind op, const struct node *a,
				 const struct node *b, bool negate)
{
	/* enum compare_right */
	const char *right = is_dynamic(b) ? ",1)" : b->type == TYPE_BOOL ? ",2)" : ",0)";

	put(c, negate ^ (op == TOK_NE) ? "NOT kfl_cmp(" : "kfl_cmp(");
	emit_present(c, a);
	put_operator(c, op);
	emit_present(c, b);
	put(c, right);
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
	put(c, ops[op]);
	emit_beside(c, b, a->type);
}

/* Text of a status beside a number: no text is 0, and what is no number equals none. */
static void emit_numeric_text(struct compiler *c, enum token_kind op, const struct node *text,
			      const struct node *number, bool negate)
{
	put(c, negate ^ (op == TOK_NE) ? "NOT kfl_cmp(json_quote(coalesce(nullif("
				       : "kfl_cmp(json_quote(coalesce(nullif(");
	emit_value(c, text);
	put(c, ",''),'0'))");
	put_operator(c, op);
	emit_value(c, number);
	put(c, ",0)");
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
	else if (is_dynamic(a) && !(b->type == TYPE_LIST && a->type != TYPE_LIST))
		emit_dynamic_compare(c, op, a, b, negate);
	else if (is_dynamic(b))
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
		if (!is_literal(i) || i->kind == NODE_NIL)
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
	enter(c, list, 3);
	put(c, "(");
	for (const struct node *i = list->first; i && !c->r; i = i->next) {
		emit_compare(c, TOK_EQ, a, i, negate);
		put(c, !i->next ? "" : negate ? " AND " : " OR ");
	}
	put(c, ")");
	leave(c, 3);
}

static void emit_in_list(struct compiler *c, const struct node *a, const struct node *list,
			 bool negate)
{
	if (!list->first) {
		put(c, negate ? "1" : "0");
	} else if (!is_dynamic(a) && all_of_type(list, a->type)) {
		emit_value(c, a);
		put(c, negate ? " NOT IN (" : " IN (");
		for (const struct node *i = list->first; i && !c->r; i = i->next) {
			emit_value(c, i);
			put(c, i->next ? "," : ")");
		}
	} else if (is_dynamic(a) && all_literal(list)) {
		put(c, negate ? "NOT kfl_in(" : "kfl_in(");
		emit_present(c, a);
		put(c, ",");
		emit_list(c, list);
		put(c, ")");
	} else {
		emit_in_compares(c, a, list, negate);
	}
}

static void emit_has(struct compiler *c, const struct node *name, const struct node *map,
		     bool negate)
{
	put(c, negate ? "kfl_get(" : "NOT kfl_get(");
	emit_value(c, map);
	put(c, ",");
	emit_text(c, name);
	put(c, map->field->traits & FIELD_ANY_CASE ? ",1) IS NULL" : ",0) IS NULL");
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
		put(c, negate ? "NOT kfl_starts(" : "kfl_starts(");
		emit_value(c, x);
		put(c, ",");
		emit_value(c, prefix);
		put(c, ")");
		return;
	}
	put(c, negate ? "(" : "");
	put(c, x->field->sql);
	put(c, negate ? " < " : " >= ");
	emit_value(c, prefix);
	put(c, negate ? " OR " : " AND ");
	put(c, x->field->sql);
	put(c, negate ? " >= " : " < ");
	put_text(c, end.data, end.len);
	put(c, negate ? ")" : "");
}

static void emit_text_test(struct compiler *c, const struct node *n, bool negate)
{
	const struct node *x = n->first, *arg = n->last;
	enum function_id id = n->function->id;

	if (arg->type == TYPE_REGEX) {
		emit_regex(c, x, arg->text, negate);
	} else if (is_dynamic(x)) {
		put(c, negate ? "NOT kfl_test(" : "kfl_test(");
		put(c, id == FUNCTION_CONTAINS ? "'c'," : id == FUNCTION_STARTS ? "'s'," : "'e',");
		emit_present(c, x);
		put(c, ",");
		emit_value(c, arg);
		put(c, ")");
	} else if (id == FUNCTION_STARTS) {
		emit_starts(c, x, arg, negate);
	} else {
		put(c, negate ? "NOT " : "");
		put(c, id == FUNCTION_CONTAINS ? "kfl_contains(" : "kfl_ends(");
		emit_value(c, x);
		put(c, ",");
		emit_value(c, arg);
		put(c, ")");
	}
}

/* The elements that exists() goes through, as a JSON array. */
static void emit_elements(struct compiler *c, const struct node *n)
{
	put(c, n->type == TYPE_MAP    ? "kfl_keys("
	       : n->type == TYPE_TEXT ? "kfl_segments("
				      : "kfl_elements(");
	emit_value(c, n);
	put(c, ")");
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
	enter(c, n, 9);
	put(c,
	    negate ? "NOT EXISTS (SELECT 1 FROM json_each(" : "EXISTS (SELECT 1 FROM json_each(");
	emit_elements(c, n->first);
	put(c, name);
	emit_condition(c, n->last, false);
	put(c, ")");
	leave(c, 9);
}

/* A dynamic value, list or map as a condition: is there anything? */
static void emit_truth(struct compiler *c, const struct node *n, bool negate)
{
	put(c, negate ? "NOT " : "");
	put(c, n->type == TYPE_MAP ? "kfl_size(" : "kfl_true(");
	emit_value(c, n);
	put(c, n->type == TYPE_MAP ? ") > 0" : ")");
}

/* Operands from `i` on, at most `count`; NULL when all are done. `skip` is left out. */
static const struct node *emit_operands(struct compiler *c, const struct node *i,
					const struct node *skip, size_t count, const char *op,
					bool negate, bool after)
{
	for (; i && count; i = i->next) {
		if (i == skip)
			continue;
		put(c, after ? op : "");
		emit_condition(c, i, negate);
		after = true;
		count--;
	}
	return i;
}

static const struct node *highest(const struct node *n)
{
	const struct node *best = n->first;

	for (const struct node *i = n->first; i; i = i->next)
		if (i->height > best->height)
			best = i;
	return best->height > 8 ? best : NULL;
}

/*
 * A very deep operand goes first, where it costs SQLite's parser the least. A long chain is cut in
 * pieces, so that it is not as deep as it is long.
 */
static void emit_chain(struct compiler *c, const struct node *n, bool negate)
{
	const char *op = (n->kind == NODE_AND) ^ negate ? " AND " : " OR ";
	const struct node *deep = highest(n), *i = n->first;

	put(c, "(");
	if (deep) {
		enter(c, n, 1);
		emit_condition(c, deep, negate);
		leave(c, 1);
	}
	enter(c, n, 3);
	if (n->count <= SQL_CHAIN_MAX)
		emit_operands(c, i, deep, n->count, op, negate, deep);
	for (bool after = deep; n->count > SQL_CHAIN_MAX && i && !c->r; after = true) {
		put(c, after ? op : "");
		put(c, "(");
		i = emit_operands(c, i, deep, SQL_CHAIN_MAX, op, negate, false);
		if (i == deep && i && !i->next)
			i = NULL;
		put(c, ")");
	}
	put(c, ")");
	leave(c, 3);
}

static void emit_boolean_call(struct compiler *c, const struct node *n, bool negate)
{
	if (n->function->id == FUNCTION_EXISTS)
		emit_exists(c, n, negate);
	else
		emit_text_test(c, n, negate);
}

static void emit_condition(struct compiler *c, const struct node *n, bool negate)
{
	enter(c, n, 2);
	if (n->type != TYPE_BOOL) {
		emit_truth(c, n, negate);
	} else if (n->kind == NODE_AND || n->kind == NODE_OR) {
		leave(c, 2);
		emit_chain(c, n, negate);
		return;
	} else if (n->kind == NODE_NOT) {
		leave(c, 2);
		emit_condition(c, n->first, negate ^ (n->integer & 1));
		return;
	} else if (n->kind == NODE_BOOL) {
		put(c, (bool)n->integer != negate ? "1" : "0");
	} else if (n->kind == NODE_COMPARE) {
		emit_compare(c, n->op, n->first, n->last, negate);
	} else if (n->kind == NODE_IN) {
		emit_in(c, n, negate);
	} else if (n->kind == NODE_CALL) {
		emit_boolean_call(c, n, negate);
	} else {
		put(c, negate ? "NOT " : "");
		if (n->kind == NODE_CHOOSE)
			emit_choose(c, n);
		else
			put_field(c, n->field->sql);
	}
	leave(c, 2);
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
