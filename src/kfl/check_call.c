// SPDX-License-Identifier: GPL-2.0-or-later
/* Functions: their arguments and what they are of; what is known already becomes a value. */
#include "kfl/check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "kfl/vocabulary.h"
#include "kfl/ip.h"
#include "kfl/json_path.h"
#include "kfl/kfl.h"
#include "kfl/suggest.h"
#include "kfl/time.h"

#define US 1000000LL

static struct node *first_argument(const struct node *n)
{
	return n->method ? n->first->next : n->first;
}

static int fail_function(struct checker *c, const struct node *n)
{
	const struct kfl_function *f = function_find(n->text);
	size_t pos = (size_t)(n->text.data - c->q->text);
	struct shown shown = query_show(n->text.data, n->text.len);
	const char *near = suggest_function(n->text, n->method);

	if (f)
		return query_fail(c->q, pos, n->text.len, "%s is written %s", f->name,
				  f->signature);
	if (near)
		return query_fail(c->q, pos, n->text.len,
				  "unknown function \"%s\"; did you mean \"%s\"?", shown.text,
				  near);
	if (!n->method && field_find(n->text))
		return query_fail(c->q, pos, n->text.len, "%s is a field, not a function",
				  shown.text);
	return query_fail(c->q, pos, n->text.len, "unknown function \"%s\"", shown.text);
}

static int fail_argument(struct checker *c, const struct node *n, const struct node *arg)
{
	return query_fail(c->q, arg->pos, arg->len, "%s does not fit here: %s",
			  check_show(c, arg).text, n->function->signature);
}

static int fail_object(struct checker *c, const struct node *n)
{
	const struct node *object = n->first;
	struct shown what = check_show(c, object);

	if (object->type == TYPE_MAP)
		return query_fail(c->q, object->pos, object->len,
				  "%s is a map; name one of its values: %s[\"...\"]", what.text,
				  what.text);
	return query_fail(c->q, object->pos, object->len, "%s is %s, and %s does not go with that",
			  what.text, type_name(object->type), n->function->name);
}

static int count_arguments(struct checker *c, struct node *n)
{
	const struct kfl_function *f = n->function;
	/* The object of a method is no argument, but size(x) and x.size() are the same. */
	size_t given = n->count - (n->method && !f->plain);
	size_t pos = (size_t)(n->text.data - c->q->text);

	if (given >= f->min && given <= f->max && !(f->id == FUNCTION_EXISTS && given == 1))
		return 0;
	return query_fail(c->q, pos, n->pos + n->len - pos,
			  "%zu argument%s here, but %s is written %s", given, given == 1 ? "" : "s",
			  f->name, f->signature);
}

static int check_text_test(struct checker *c, struct node *n)
{
	struct node *object = n->first, *arg = first_argument(n);
	int r = c->node(c, object);

	r = r ? r : c->node(c, arg);
	if (r)
		return r;
	check_prefer_text(object);
	if (!check_is_textual(object))
		return fail_object(c, n);
	n->type = TYPE_BOOL;
	if (n->function->id == FUNCTION_MATCHES && arg->kind == NODE_STRING) {
		arg->type = TYPE_REGEX;
		return check_pattern(c, arg);
	}
	bool pattern = n->function->id == FUNCTION_MATCHES || n->function->id == FUNCTION_CONTAINS;
	if (arg->type == TYPE_REGEX && pattern)
		return 0;
	if (arg->type != TYPE_TEXT || n->function->id == FUNCTION_MATCHES)
		return fail_argument(c, n, arg);
	return check_adapt_lower(c, object, arg);
}

static int check_size(struct checker *c, struct node *n)
{
	struct node *a = n->first;
	int r = c->node(c, a);

	n->type = TYPE_NUMBER;
	if (r || a->type == TYPE_TEXT || a->type == TYPE_MAP || check_is_dynamic(a->type))
		return r;
	return n->method ? fail_object(c, n) : fail_argument(c, n, a);
}

static int check_map_get(struct checker *c, struct node *n)
{
	struct node *map = n->first, *name = map->next, *fallback = n->last;
	int r = c->node(c, map);

	r = r ? r : c->node(c, name);
	r = r ? r : c->node(c, fallback);
	if (r)
		return r;
	if (map->type != TYPE_MAP && map->type != TYPE_JSON)
		return fail_argument(c, n, map);
	if (name->kind != NODE_STRING)
		return fail_argument(c, n, name);
	if (fallback->kind > NODE_NIL || fallback->kind == NODE_REGEX)
		return fail_argument(c, n, fallback);
	n->type = TYPE_JSON;
	return 0;
}

static int check_exists(struct checker *c, struct node *n)
{
	struct node *object = n->first, *variable = object->next;
	int r = c->node(c, object);

	n->type = TYPE_BOOL;
	n->integer = ++c->q->variables;
	if (r)
		return r;
	if (!variable)
		return object->type == TYPE_GROUP ? fail_object(c, n) : 0;
	bool segments = object->field && !object->steps && (object->field->traits & FIELD_SEGMENTS);
	if (object->type != TYPE_MAP && !check_is_dynamic(object->type) && !segments)
		return fail_object(c, n);
	if (variable->kind != NODE_NAME)
		return query_fail(c->q, variable->pos, variable->len,
				  "%s is not a name for the element: %s",
				  check_show(c, variable).text, n->function->signature);
	struct binder b = { variable->text, n, c->scope };
	c->scope = &b;
	r = c->condition(c, n->last);
	c->scope = b.outer;
	return r;
}

static int check_decoder(struct checker *c, struct node *n)
{
	struct node *object = n->first;
	int r = c->node(c, object);

	n->type = TYPE_JSON;
	check_prefer_text(object);
	if (r || object->type == TYPE_TEXT || object->type == TYPE_JSON ||
	    object->type == TYPE_TEXTS)
		return r;
	return fail_object(c, n);
}

/* The networks end up in n->text, joined by blanks. */
static int check_ip(struct checker *c, struct node *n)
{
	struct ip_network network;
	size_t len = 0;
	char *out;

	for (const struct node *a = n->first; a; a = a->next) {
		if (a->kind != NODE_STRING)
			return fail_argument(c, n, a);
		if (!ip_parse(a->text.data, a->text.len, &network))
			return query_fail(c->q, a->pos, a->len,
					  "%s is not an address or a network such as 10.0.0.0/8",
					  check_show(c, a).text);
		len += a->text.len + 1;
	}
	out = query_alloc(c->q, len);
	if (!out)
		return -ENOMEM;
	n->text = (struct text){ out, len - 1 };
	for (const struct node *a = n->first; a; a = a->next) {
		memcpy(out, a->text.data, a->text.len);
		out += a->text.len;
		if (a->next)
			*out++ = ' ';
	}
	n->type = TYPE_IP;
	return 0;
}

static int check_time_text(struct checker *c, struct node *n)
{
	const struct node *a = n->first;
	const char *wanted;
	bool good;
	int64_t us;

	if (a->kind != NODE_STRING)
		return fail_argument(c, n, a);
	if (n->function->id == FUNCTION_TIMESTAMP) {
		good = time_parse_rfc3339(a->text.data, a->text.len, &us);
		wanted = "a time such as \"2026-03-14T22:00:00Z\"";
	} else if (n->function->id == FUNCTION_DATETIME) {
		good = time_parse_us(a->text.data, a->text.len, &us);
		wanted = "a time such as \"10/19/2026, 6:29:02.000 PM\"";
	} else {
		good = time_parse_duration(a->text.data, a->text.len, &us);
		wanted = "a duration such as \"5m\" or \"1h30m\"";
	}
	if (!good)
		return query_fail(c->q, a->pos, a->len, "%s is not %s", check_show(c, a).text,
				  wanted);
	check_make_integer(n, n->function->result, us);
	return 0;
}

static int check_since_now(struct checker *c, struct node *n)
{
	static const int64_t seconds[] = { 1, 60, 3600, 86400, 604800 };
	struct node *a = n->first;
	int id = (int)n->function->id - FUNCTION_SECONDS;
	int r = c->node(c, a);
	int64_t us;
	bool good;

	if (r)
		return r;
	if (a->kind != NODE_INTEGER || a->type != TYPE_NUMBER)
		return query_fail(c->q, a->pos, a->len, "%s takes a whole number: %s",
				  n->function->name, n->function->signature);
	if (n->function->id == FUNCTION_MONTHS || n->function->id == FUNCTION_YEARS)
		good = a->integer <= 120000 && a->integer >= -120000 &&
		       time_add_months(c->q->now_us,
				       a->integer * (n->function->id == FUNCTION_YEARS ? 12 : 1),
				       &us);
	else
		good = !__builtin_mul_overflow(a->integer, seconds[id] * US, &us) &&
		       !__builtin_add_overflow(us, c->q->now_us, &us);
	if (!good)
		return query_fail(c->q, a->pos, a->len, "%s is too far from now",
				  check_show(c, a).text);
	c->q->uses_clock = true;
	check_make_integer(n, TYPE_TIME, us);
	return 0;
}

static void make_true(struct node *n)
{
	check_make_integer(n, TYPE_BOOL, 1);
	n->kind = NODE_BOOL;
}

static int check_limit(struct checker *c, struct node *n)
{
	const struct node *a = n->first;

	if (a->kind != NODE_INTEGER || a->integer < 1)
		return query_fail(c->q, a->pos, a->len, "limit takes a whole number from 1");
	if (c->q->limit < 0 || a->integer < c->q->limit)
		c->q->limit = a->integer;
	make_true(n);
	return 0;
}

/* Fields and what is in them: names, steps, json() and its kin. */
static bool is_redactable(const struct node *n)
{
	if (n->kind == NODE_NAME)
		return true;
	if (n->kind == NODE_CALL)
		return n->method && n->count == 1 && function_decodes(n->function) &&
		       is_redactable(n->first);
	return n->kind == NODE_PATH && is_redactable(n->first);
}

/* Entries are told apart and shown by these. */
static bool is_fixed(const struct node *n)
{
	return n->field && n->field->traits & FIELD_FIXED;
}

/* What the path leads to, in the outer query's memory. */
static int keep_path(struct query *q, const struct node *n, struct redaction *ret)
{
	const struct node *decoder = NULL, *into = NULL;
	struct buf steps = { 0 };

	for (; !n->field; n = n->first) {
		if (n->kind == NODE_CALL)
			decoder = n;
		else if (n->first->kind == NODE_CALL)
			into = n;
	}
	/* Steps into a part of a field hide that part as a whole. */
	bool whole = decoder && n->field->type == TYPE_TEXT && !n->steps;
	const struct step *from = n->steps;
	if (whole && into && into->first == decoder)
		from = into->steps;
	int r = json_put_steps(from, &steps);
	char *text = r ? NULL : query_alloc(q, steps.len + 1);
	if (text && steps.len)
		memcpy(text, steps.data, steps.len);
	ret->public =
		(struct kfl_redaction){ n->field->name, whole ? decoder->function->name : NULL,
					text, steps.len };
	buf_free(&steps);
	return text ? 0 : -ENOMEM;
}

/* A path of redact() is a query of its own that is checked but not run. */
static int check_redacted(struct checker *c, const struct node *arg, struct redaction *ret)
{
	struct kfl_error error = { 0 };
	struct query inner = { .text = arg->text.data,
			       .len = arg->text.len,
			       .error = &error,
			       .now_us = c->q->now_us,
			       .limit = -1 };
	struct checker inner_checker = { .q = &inner, .node = c->node, .condition = c->condition };
	struct node *root = NULL;
	int r = parse_query(&inner, &root);

	if (!r && root)
		r = inner_checker.node(&inner_checker, root);
	bool good = !r && root && is_redactable(root) && root->type != TYPE_BOOL && !is_fixed(root);

	if (good)
		r = keep_path(c->q, root, ret);
	query_free(&inner);
	if (r == -ENOMEM)
		return r;
	if (!good)
		return query_fail(c->q, arg->pos, arg->len, "%s cannot be redacted%s%.180s",
				  check_show(c, arg).text, error.message[0] ? ": " : "",
				  error.message);
	return 0;
}

static int check_redact(struct checker *c, struct node *n)
{
	struct redaction **end = &c->q->redactions;

	while (*end)
		end = &(*end)->next;
	for (const struct node *a = n->first; a; a = a->next) {
		if (a->kind != NODE_STRING)
			return fail_argument(c, n, a);
		struct redaction *d = query_alloc(c->q, sizeof(*d));
		int r = d ? check_redacted(c, a, d) : -ENOMEM;
		if (r)
			return r;
		*end = d;
		end = &d->next;
	}
	make_true(n);
	return 0;
}

static int check_function(struct checker *c, struct node *n)
{
	switch (n->function->id) {
	case FUNCTION_CONTAINS:
	case FUNCTION_STARTS:
	case FUNCTION_ENDS:
	case FUNCTION_MATCHES:
		return check_text_test(c, n);
	case FUNCTION_SIZE:
		return check_size(c, n);
	case FUNCTION_MAP_GET:
		return check_map_get(c, n);
	case FUNCTION_EXISTS:
		return check_exists(c, n);
	case FUNCTION_JSON:
	case FUNCTION_XML:
	case FUNCTION_PROTOBUF:
	case FUNCTION_MSGPACK:
	case FUNCTION_CBOR:
		return check_decoder(c, n);
	case FUNCTION_IP:
		return check_ip(c, n);
	case FUNCTION_TIMESTAMP:
	case FUNCTION_DATETIME:
	case FUNCTION_DURATION:
		return check_time_text(c, n);
	case FUNCTION_NOW:
		c->q->uses_clock = true;
		check_make_integer(n, TYPE_TIME, c->q->now_us);
		return 0;
	case FUNCTION_LIMIT:
		return check_limit(c, n);
	case FUNCTION_REDACT:
		return check_redact(c, n);
	default:
		return check_since_now(c, n);
	}
}

int check_call(struct checker *c, struct node *n)
{
	const struct kfl_function *f = function_find(n->text);

	if (!f || !(n->method ? f->method : f->plain))
		return fail_function(c, n);
	n->function = f;
	int r = count_arguments(c, n);
	return r ? r : check_function(c, n);
}
