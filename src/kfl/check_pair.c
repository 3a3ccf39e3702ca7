// SPDX-License-Identifier: GPL-2.0-or-later
/* What goes with what: the two sides of a comparison, literals adapted to the other side. */
#include "kfl/check.h"

#include <errno.h>
#include <string.h>

#include "base/number.h"
#include "kfl/vocabulary.h"
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

int check_adapt_time(struct checker *c, struct node *time, struct node *other)
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

int check_pair_ip(struct checker *c, enum token_kind op, struct node *a, struct node *ip)
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
		return check_adapt_time(c, a, b);
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

int check_fail_whole(struct checker *c, const struct node *n)
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
		return check_fail_whole(c, is_whole(a) ? a : b);
	if (b->type == TYPE_REGEX || a->type == TYPE_REGEX)
		return b->type == TYPE_REGEX ? check_pair_regex(c, op, a, b)
					     : check_pair_regex(c, op, b, a);
	if (b->type == TYPE_IP || a->type == TYPE_IP)
		return b->type == TYPE_IP ? check_pair_ip(c, op, a, b) : check_pair_ip(c, op, b, a);
	return check_pair_typed(c, op, a, b);
}
