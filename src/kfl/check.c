// SPDX-License-Identifier: GPL-2.0-or-later
/* Types of operators, before anything runs. */
#include "kfl/check.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#include "kfl/fields.h"
#include "base/number.h"
#include "kfl/regex.h"

#define MICROS_PER_MILLI 1000

struct shown check_show(const struct checker *c, const struct node *n)
{
	return query_show(c->q->text + n->pos, n->len);
}

void check_make_integer(struct node *n, enum kfl_type type, int64_t value)
{
	n->kind = NODE_INTEGER;
	n->type = type;
	n->integer = value;
	n->first = n->last = NULL;
	n->count = 0;
}

static bool has_trait(const struct node *n, enum field_trait trait)
{
	return n->field && !n->steps && (n->field->traits & trait);
}

bool check_is_dynamic(enum kfl_type type)
{
	return type == TYPE_JSON || type == TYPE_TEXTS || type == TYPE_LIST;
}

bool check_is_textual(const struct node *n)
{
	return n->type == TYPE_TEXT || check_is_dynamic(n->type);
}

void check_prefer_text(struct node *n)
{
	if (n->type == TYPE_MAP && n->field && (n->field->traits & FIELD_AS_TEXT) && !n->steps)
		n->type = TYPE_TEXT;
}

int check_pattern(struct checker *c, struct node *n)
{
	char message[128];
	size_t offset;
	int r = regex_check(n->text.data, n->text.len, &offset, message, sizeof(message));

	if (r != -EINVAL)
		return r;
	if (n->kind != NODE_REGEX || offset > n->text.len)
		return query_fail(c->q, n->pos, n->len, "bad regular expression: %s", message);
	/* The offset is past what is wrong; the text begins after r" */
	return query_fail(c->q, n->pos + 2 + (offset ? offset - 1 : 0), 1,
			  "bad regular expression: %s", message);
}

static int fail_pair(struct checker *c, const struct node *blame, const struct node *a,
		     const struct node *b)
{
	return query_fail(c->q, blame->pos, blame->len, "%s is %s and cannot be compared with %s",
			  check_show(c, a).text, type_name(a->type), type_name(b->type));
}

/* A literal is to blame rather than a field. */
static const struct node *to_blame(const struct node *a, const struct node *b)
{
	return b->kind <= NODE_LIST || a->kind > NODE_LIST ? b : a;
}

/* number == "200" */
static int text_to_number(struct checker *c, struct node *number, struct node *literal)
{
	struct number v;

	if (!number_parse(literal->text.data, literal->text.len, &v))
		return query_fail(c->q, literal->pos, literal->len,
				  "%s is a number, and %s is not one", check_show(c, number).text,
				  check_show(c, literal).text);
	literal->kind = v.is_real ? NODE_REAL : NODE_INTEGER;
	literal->type = TYPE_NUMBER;
	literal->integer = v.integer;
	literal->real = v.real;
	return 0;
}

/* tls == "true" */
static int text_to_bool(struct checker *c, struct node *flag, struct node *literal)
{
	bool yes = literal->text.len == 4 && !memcmp(literal->text.data, "true", 4);

	if (!yes && (literal->text.len != 5 || memcmp(literal->text.data, "false", 5)))
		return query_fail(c->q, literal->pos, literal->len,
				  "%s is true or false, and %s is neither",
				  check_show(c, flag).text, check_show(c, literal).text);
	literal->kind = NODE_BOOL;
	literal->type = TYPE_BOOL;
	literal->integer = yes;
	return 0;
}

int check_adapt_lower(struct checker *c, const struct node *field, struct node *literal)
{
	if (!has_trait(field, FIELD_LOWER) || literal->kind != NODE_STRING)
		return 0;
	char *copy = query_alloc(c->q, literal->text.len + 1);

	if (!copy)
		return -ENOMEM;
	for (size_t i = 0; i < literal->text.len; i++) {
		char x = literal->text.data[i];
		copy[i] = x >= 'A' && x <= 'Z' ? (char)(x + 32) : x;
	}
	literal->text.data = copy;
	return 0;
}

static int adapt_http_version(struct checker *c, struct node *literal)
{
	struct text t = literal->text;
	char *copy = query_alloc(c->q, t.len + 5);

	if (!copy)
		return -ENOMEM;
	if (!t.len || t.data[0] < '0' || t.data[0] > '9')
		return 0;
	memcpy(copy, "HTTP/", 5);
	memcpy(copy + 5, t.data, t.len);
	literal->text = (struct text){ copy, t.len + 5 };
	return 0;
}

static int adapt_lock(struct checker *c, struct node *literal)
{
	static const char *const names[] = { "none", "open", "closed" };

	for (size_t i = 0; i < 3; i++)
		if (strlen(names[i]) == literal->text.len &&
		    !memcmp(names[i], literal->text.data, literal->text.len))
			return 0;
	return query_fail(c->q, literal->pos, literal->len,
			  "lock is \"open\", \"closed\" or \"none\"");
}

static int adapt_text(struct checker *c, struct node *field, struct node *literal)
{
	if (literal->kind != NODE_STRING)
		return 0;
	if (has_trait(field, FIELD_LOWER))
		return check_adapt_lower(c, field, literal);
	if (has_trait(field, FIELD_HTTP_VERSION))
		return adapt_http_version(c, literal);
	return has_trait(field, FIELD_LOCK) ? adapt_lock(c, literal) : 0;
}

/* A number beside a time is milliseconds since 1970, as in the first generation. */
static int adapt_time(struct checker *c, struct node *time, struct node *other)
{
	int64_t us;

	if (other->type == TYPE_TEXT)
		return query_fail(c->q, other->pos, other->len, "%s is a time; write timestamp(%s)",
				  check_show(c, time).text, check_show(c, other).text);
	if (other->type != TYPE_NUMBER || (other->kind != NODE_INTEGER && other->kind != NODE_REAL))
		return fail_pair(c, to_blame(time, other), time, other);
	if (other->kind == NODE_INTEGER) {
		if (__builtin_mul_overflow(other->integer, MICROS_PER_MILLI, &us))
			us = other->integer < 0 ? INT64_MIN : INT64_MAX;
		check_make_integer(other, TYPE_TIME, us);
	} else if (other->kind == NODE_REAL) {
		other->real *= MICROS_PER_MILLI;
		other->type = TYPE_TIME;
	}
	return 0;
}

static int check_pair_nil(struct checker *c, enum token_kind op, struct node *a, struct node *nil)
{
	if (op != TOK_EQ && op != TOK_NE)
		return query_fail(c->q, nil->pos, nil->len, "nil goes with == and != only");
	if (a->type == TYPE_GROUP || a->type == TYPE_IP || a->type == TYPE_REGEX)
		return fail_pair(c, a, a, nil);
	return 0;
}

static int check_pair_regex(struct checker *c, enum token_kind op, struct node *a,
			    struct node *regex)
{
	if (op != TOK_EQ && op != TOK_NE)
		return query_fail(c->q, regex->pos, regex->len,
				  "a regular expression goes with == and != only");
	check_prefer_text(a);
	if (!check_is_textual(a) && a->type != TYPE_NUMBER)
		return fail_pair(c, regex, a, regex);
	return 0;
}

static int check_pair_ip(struct checker *c, enum token_kind op, struct node *a, struct node *ip)
{
	if (op != TOK_EQ && op != TOK_NE && op != TOK_IN)
		return query_fail(c->q, ip->pos, ip->len, "ip() goes with in, == and != only");
	if (!check_is_textual(a))
		return fail_pair(c, a, a, ip);
	return 0;
}

/* Neither side is nil, a regular expression or addresses, and the types differ. */
static int check_pair_mixed(struct checker *c, struct node *a, struct node *b)
{
	if (a->type == TYPE_NUMBER && b->kind == NODE_STRING)
		return text_to_number(c, a, b);
	if (a->type == TYPE_BOOL && b->kind == NODE_STRING)
		return text_to_bool(c, a, b);
	if (a->type == TYPE_TIME)
		return adapt_time(c, a, b);
	if (a->type == TYPE_NUMBER && b->type == TYPE_TEXT && has_trait(b, FIELD_NUMERIC))
		return 0;
	if (a->type == TYPE_DURATION && has_trait(b, FIELD_MICROS | FIELD_MILLIS))
		return 0;
	if (check_is_dynamic(a->type) && (check_is_dynamic(b->type) || b->type == TYPE_TEXT ||
					  b->type == TYPE_NUMBER || b->type == TYPE_BOOL))
		return 0;
	return 1;
}

static int check_pair_typed(struct checker *c, enum token_kind op, struct node *a, struct node *b)
{
	bool order = op != TOK_EQ && op != TOK_NE;
	int r = adapt_text(c, a, b);

	r = r ? r : adapt_text(c, b, a);
	if (r)
		return r;
	if (a->type != b->type || check_is_dynamic(a->type)) {
		r = check_pair_mixed(c, a, b);
		r = r > 0 ? check_pair_mixed(c, b, a) : r;
		if (r)
			return r > 0 ? fail_pair(c, to_blame(a, b), a, b) : r;
	}
	if (order && (a->type == TYPE_BOOL || b->type == TYPE_BOOL))
		return query_fail(c->q, a->pos, b->pos + b->len - a->pos,
				  "true and false have no order");
	if (order && a->type == TYPE_LIST && b->type == TYPE_LIST)
		return query_fail(c->q, a->pos, b->pos + b->len - a->pos, "lists have no order");
	return 0;
}

static int fail_whole(struct checker *c, const struct node *n)
{
	if (n->type == TYPE_MAP)
		return query_fail(c->q, n->pos, n->len,
				  "%s is a map; name one of its values: %s[\"...\"]",
				  check_show(c, n).text, check_show(c, n).text);
	return query_fail(c->q, n->pos, n->len, "%s is a group of fields; choose one, as in %s",
			  check_show(c, n).text, n->field ? n->field->example : "src.ip");
}

static bool is_whole(const struct node *n)
{
	return n->type == TYPE_MAP || n->type == TYPE_GROUP;
}

int check_pair(struct checker *c, enum token_kind op, struct node *a, struct node *b)
{
	if (b->type == TYPE_NIL)
		return check_pair_nil(c, op, a, b);
	if (a->type == TYPE_NIL)
		return check_pair_nil(c, op, b, a);
	check_prefer_text(a);
	check_prefer_text(b);
	if (is_whole(a) || is_whole(b))
		return fail_whole(c, is_whole(a) ? a : b);
	if (b->type == TYPE_REGEX || a->type == TYPE_REGEX)
		return b->type == TYPE_REGEX ? check_pair_regex(c, op, a, b)
					     : check_pair_regex(c, op, b, a);
	if (b->type == TYPE_IP || a->type == TYPE_IP)
		return b->type == TYPE_IP ? check_pair_ip(c, op, a, b) : check_pair_ip(c, op, b, a);
	return check_pair_typed(c, op, a, b);
}

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
		r = adapt_time(c, b, a);
	if (n->type == TYPE_TIME && b->type == TYPE_NUMBER)
		r = adapt_time(c, a, b);
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

int check_node(struct checker *c, struct node *n)
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

int check_condition(struct checker *c, struct node *n)
{
	int r = check_node(c, n);

	if (r || n->type == TYPE_BOOL || check_is_dynamic(n->type) || n->type == TYPE_MAP)
		return r;
	if (n->field && n->field->example && n->type != TYPE_GROUP)
		return query_fail(c->q, n->pos, n->len,
				  "%s is %s, not a condition; compare it, as in %s",
				  check_show(c, n).text, type_name(n->type), n->field->example);
	if (n->type == TYPE_GROUP)
		return fail_whole(c, n);
	return query_fail(c->q, n->pos, n->len, "%s is %s, not a condition", check_show(c, n).text,
			  type_name(n->type));
}

int check_query(struct query *q, struct node *root)
{
	struct checker c = { .q = q };

	return check_condition(&c, root);
}
