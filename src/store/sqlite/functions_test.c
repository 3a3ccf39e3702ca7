// SPDX-License-Identifier: GPL-2.0-or-later
/* SQL functions that compare and match: each is 1 or 0, never NULL. */
#include "store/sqlite/functions.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kfl/ip.h"
#include "base/json_read.h"
#include "kfl/regex.h"
#include "kfl/value.h"
#include "store/sqlite/sql_emit.h"
#include "base/limits.h"

static void result(sqlite3_context *ctx, int r)
{
	char message[160];

	if (r >= 0) {
		sqlite3_result_int(ctx, r);
		return;
	}
	if (r != -E2BIG) {
		sqlite3_result_error_nomem(ctx);
		return;
	}
	snprintf(message, sizeof(message),
		 "a regular expression takes more than %d steps or %d ms on one entry; make it "
		 "simpler",
		 LIMIT_REGEX_STEPS, LIMIT_REGEX_MS);
	sqlite3_result_error(ctx, message, -1);
	sqlite3_result_error_code(ctx, SQL_FILTER_ERROR);
}

/* The value of an SQL argument, as `right` says. */
static int read_operand(sqlite3_value *in, enum compare_right right, struct value *ret)
{
	struct value v = { 0 };

	if (right == RIGHT_JSON)
		return value_read(sql_text(in), ret);
	switch (sqlite3_value_type(in)) {
	case SQLITE_INTEGER:
		v.kind = right == RIGHT_BOOL ? JSON_IS_BOOL : JSON_IS_NUMBER;
		v.number.integer = sqlite3_value_int64(in);
		v.yes = v.number.integer;
		break;
	case SQLITE_FLOAT:
		v.kind = JSON_IS_NUMBER;
		v.number = (struct number){ .is_real = true, .real = sqlite3_value_double(in) };
		break;
	case SQLITE_NULL:
		break;
	default:
		v.kind = JSON_IS_STRING;
		v.text = sql_text(in);
		break;
	}
	*ret = v;
	return 0;
}

/* kfl_cmp(json, op, right, what right is) */
static void run_cmp(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	struct value a, b;
	int r = value_read(sql_text(argv[0]), &a);

	(void)argc;
	if (r) {
		result(ctx, r);
		return;
	}
	r = read_operand(argv[2], (enum compare_right)sqlite3_value_int(argv[3]), &b);
	if (!r) {
		r = value_compare(&a, (enum value_op)sqlite3_value_int(argv[1]), &b);
		value_free(&b);
	}
	value_free(&a);
	result(ctx, r);
}

static int is_in(const struct value *a, struct text list)
{
	struct json_iterator it = json_iterate(list);
	struct text key, json;
	struct value b;
	int r = 0;

	while (!r && json_next(&it, &key, &json)) {
		r = value_read(json, &b);
		if (r)
			return r;
		r = value_compare(a, VALUE_EQ, &b);
		value_free(&b);
	}
	return r;
}

/* kfl_in(json, list) */
static void run_in(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	struct value a;
	int r = value_read(sql_text(argv[0]), &a);

	(void)argc;
	if (!r) {
		r = is_in(&a, sql_text(argv[1]));
		value_free(&a);
	}
	result(ctx, r);
}

/* kfl_true(json): is there anything? */
static void run_true(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	struct text json = sql_text(argv[0]);
	enum json_kind kind = json_kind(json);
	struct number n = { 0 };
	int r = 0;

	(void)argc;
	if (kind == JSON_IS_BOOL)
		r = *json.data == 't';
	else if (kind == JSON_IS_NUMBER)
		r = number_parse(json.data, json.len, &n) &&
		    (n.is_real ? n.real != 0 : n.integer != 0);
	else if (kind == JSON_IS_STRING)
		r = json.len > 2;
	else if (kind == JSON_IS_ARRAY || kind == JSON_IS_OBJECT)
		r = json_count(json) > 0;
	result(ctx, r);
}

/* kfl_isnil(json) */
static void run_isnil(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	(void)argc;
	result(ctx, json_kind(sql_text(argv[0])) <= JSON_IS_NULL);
}

static int starts(struct text x, struct text prefix)
{
	return x.len >= prefix.len && (!prefix.len || !memcmp(x.data, prefix.data, prefix.len));
}

static int ends(struct text x, struct text suffix)
{
	return x.len >= suffix.len &&
	       (!suffix.len || !memcmp(x.data + x.len - suffix.len, suffix.data, suffix.len));
}

static int contains(struct text x, struct text part)
{
	return !part.len || (x.len >= part.len && memmem(x.data, x.len, part.data, part.len));
}

static void free_regex(void *re)
{
	regex_free(re);
}

/* The pattern of an argument, compiled once for the statement that it is kept with. */
static int get_regex(sqlite3_context *ctx, int arg, struct text pattern, struct regex **ret)
{
	struct regex *re = sqlite3_get_auxdata(ctx, arg);
	char message[8];
	size_t offset;

	if (!re) {
		int r = regex_new(pattern.data, pattern.len, &re, &offset, message,
				  sizeof(message));
		if (r)
			return r;
		sqlite3_set_auxdata(ctx, arg, re, free_regex);
		re = sqlite3_get_auxdata(ctx, arg);
		if (!re)
			return -ENOMEM;
	}
	*ret = re;
	return 0;
}

struct networks {
	size_t count;
	struct ip_network list[];
};

/* Those of a text with blanks between them. */
static struct networks *read_networks(struct text t)
{
	size_t room = 1;

	for (size_t i = 0; i < t.len; i++)
		room += t.data[i] == ' ';
	struct networks *n = calloc(1, sizeof(*n) + room * sizeof(n->list[0]));
	while (n && t.len) {
		const char *blank = memchr(t.data, ' ', t.len);
		size_t len = blank ? (size_t)(blank - t.data) : t.len;
		n->count += ip_parse(t.data, len, &n->list[n->count]);
		len += blank != NULL;
		t.data += len;
		t.len -= len;
	}
	return n;
}

static int is_within(sqlite3_context *ctx, int arg, struct text x, struct text networks)
{
	struct networks *n = sqlite3_get_auxdata(ctx, arg);

	if (!n) {
		n = read_networks(networks);
		if (!n)
			return -ENOMEM;
		sqlite3_set_auxdata(ctx, arg, n, free);
		n = sqlite3_get_auxdata(ctx, arg);
		if (!n)
			return -ENOMEM;
	}
	for (size_t i = 0; x.data && i < n->count; i++)
		if (ip_contains(&n->list[i], x.data, x.len))
			return 1;
	return 0;
}

/* Within what the caller granted with regex_arm(). */
static int matches(sqlite3_context *ctx, int arg, struct text x, struct text pattern)
{
	struct regex *re;
	int r = get_regex(ctx, arg, pattern, &re);

	return r ? r : regex_match(re, x.data ? x.data : "", x.len);
}

static int test_text(sqlite3_context *ctx, int arg, char test, struct text x, struct text with)
{
	switch (test) {
	case 'c':
		return contains(x, with);
	case 's':
		return starts(x, with);
	case 'e':
		return ends(x, with);
	case 'i':
		return is_within(ctx, arg, x, with);
	default:
		return matches(ctx, arg, x, with);
	}
}

static void run_starts(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	(void)argc;
	result(ctx, starts(sql_text(argv[0]), sql_text(argv[1])));
}

static void run_ends(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	(void)argc;
	result(ctx, ends(sql_text(argv[0]), sql_text(argv[1])));
}

static void run_contains(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	(void)argc;
	result(ctx, contains(sql_text(argv[0]), sql_text(argv[1])));
}

static void run_regex(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	struct text x = sql_text(argv[0]), pattern = sql_text(argv[1]);
	struct regex *re;
	int r = get_regex(ctx, 1, pattern, &re);

	(void)argc;
	if (!r)
		regex_arm(re, x.len);
	result(ctx, r ? r : matches(ctx, 1, x, pattern));
}

static void run_ip(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	(void)argc;
	result(ctx, is_within(ctx, 1, sql_text(argv[0]), sql_text(argv[1])));
}

/* One value: its text, "" when missing. */
static int test_value(sqlite3_context *ctx, char test, struct text json, struct text with)
{
	struct value v;
	int r = value_read(json, &v);

	if (r)
		return r;
	struct text x = v.kind <= JSON_IS_NULL ? (struct text){ "", 0 } : v.text;
	r = test_text(ctx, 2, test, x, with);
	value_free(&v);
	return r;
}

/* kfl_test(which, json, with): of a value, or of any element of an array */
static void run_test(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	struct text which = sql_text(argv[0]), json = sql_text(argv[1]), with = sql_text(argv[2]);
	struct json_iterator it = json_iterate(json);
	struct text key, element;
	struct regex *re = NULL;
	int r = *which.data == 'r' ? get_regex(ctx, 2, with, &re) : 0;

	(void)argc;
	if (!r && re)
		regex_arm(re, json.len);
	if (json_kind(json) != JSON_IS_ARRAY)
		r = r ? r : test_value(ctx, *which.data, json, with);
	else
		for (int n = 0; !r && n < LIMIT_FILTER_ELEMENTS && json_next(&it, &key, &element);
		     n++)
			r = test_value(ctx, *which.data, element, with);
	result(ctx, r);
}

const struct sql_function functions_test[] = {
	{ "kfl_cmp", 4, run_cmp },
	{ "kfl_in", 2, run_in },
	{ "kfl_true", 1, run_true },
	{ "kfl_isnil", 1, run_isnil },
	{ "kfl_starts", 2, run_starts },
	{ "kfl_ends", 2, run_ends },
	{ "kfl_contains", 2, run_contains },
	{ "kfl_regex", 2, run_regex },
	{ "kfl_ip", 2, run_ip },
	{ "kfl_test", 3, run_test },
	{ NULL, 0, NULL },
};
