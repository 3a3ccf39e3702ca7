// SPDX-License-Identifier: GPL-2.0-or-later
#include "kfl/value.h"

#include <errno.h>
#include <string.h>

#include "base/json_tree.h"
#include "base/limits.h"

#define INCOMPARABLE 2

int value_read(struct text json, struct value *ret)
{
	struct value v = { .kind = json_kind(json), .text = json };
	int r = 0;

	switch (v.kind) {
	case JSON_IS_BOOL:
		v.yes = *json.data == 't';
		break;
	case JSON_IS_NUMBER:
		if (!number_parse(json.data, json.len, &v.number))
			v.kind = JSON_IS_NULL;
		break;
	case JSON_IS_STRING:
		v.text = (struct text){ json.data + 1, json.len - 2 };
		if (memchr(json.data, '\\', json.len)) {
			r = json_put_string(json, &v.decoded);
			v.text = (struct text){ v.decoded.data, v.decoded.len };
		}
		break;
	default:
		break;
	}
	if (r)
		buf_free(&v.decoded);
	else
		*ret = v;
	return r;
}

void value_free(struct value *v)
{
	buf_free(&v->decoded);
}

static int compare_texts(struct text a, struct text b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int r = n ? memcmp(a.data, b.data, n) : 0;

	return r ? (r > 0) - (r < 0) : (a.len > b.len) - (a.len < b.len);
}

static int compare_bool_text(bool yes, struct text t)
{
	const char *word = yes ? "true" : "false";

	return t.len == strlen(word) && !memcmp(t.data, word, t.len) ? 0 : INCOMPARABLE;
}

static bool is_missing(const struct value *v)
{
	return v->kind <= JSON_IS_NULL;
}

/* -1, 0, 1 or INCOMPARABLE, of what is neither array nor object. */
static int compare_scalars(const struct value *a, const struct value *b)
{
	static const struct value zero_number = { .kind = JSON_IS_NUMBER };
	static const struct value zero_text = { .kind = JSON_IS_STRING };
	static const struct value zero_bool = { .kind = JSON_IS_BOOL };
	struct number n;

	if (is_missing(a) && is_missing(b))
		return 0;
	if (is_missing(a))
		return compare_scalars(b->kind == JSON_IS_NUMBER   ? &zero_number
				       : b->kind == JSON_IS_STRING ? &zero_text
								   : &zero_bool,
				       b);
	if (is_missing(b)) {
		int r = compare_scalars(b, a);
		return r == INCOMPARABLE ? r : -r;
	}
	if (a->kind == JSON_IS_NUMBER && b->kind == JSON_IS_NUMBER)
		return number_compare(&a->number, &b->number);
	if (a->kind == JSON_IS_STRING && b->kind == JSON_IS_STRING)
		return compare_texts(a->text, b->text);
	if (a->kind == JSON_IS_BOOL && b->kind == JSON_IS_BOOL)
		return a->yes == b->yes ? 0 : INCOMPARABLE;
	if (a->kind == JSON_IS_BOOL && b->kind == JSON_IS_STRING)
		return compare_bool_text(a->yes, b->text);
	if (a->kind == JSON_IS_STRING && b->kind == JSON_IS_BOOL)
		return compare_bool_text(b->yes, a->text);
	if (a->kind == JSON_IS_NUMBER && b->kind == JSON_IS_STRING)
		return number_parse(b->text.data, b->text.len, &n) ? number_compare(&a->number, &n)
								   : INCOMPARABLE;
	if (a->kind == JSON_IS_STRING && b->kind == JSON_IS_NUMBER)
		return number_parse(a->text.data, a->text.len, &n) ? number_compare(&n, &b->number)
								   : INCOMPARABLE;
	return INCOMPARABLE;
}

static bool holds(int order, enum value_op op)
{
	if (order == INCOMPARABLE)
		return false;
	switch (op) {
	case VALUE_EQ:
		return order == 0;
	case VALUE_LT:
		return order < 0;
	case VALUE_LE:
		return order <= 0;
	case VALUE_GT:
		return order > 0;
	case VALUE_GE:
		return order >= 0;
	}
	return false;
}

static int equal_wholes(struct text a, struct text b)
{
	json_t *x = json_tree(a), *y = json_tree(b);
	int r = x && y && json_equal(x, y);

	json_decref(x);
	json_decref(y);
	return r;
}

/* Each element of the array a with b; `flip` when they stood the other way round. */
static int compare_elements(const struct value *a, enum value_op op, const struct value *b,
			    bool flip)
{
	struct json_iterator it = json_iterate(a->text);
	struct text key, json;
	int r = 0;

	for (int n = 0; !r && n < LIMIT_FILTER_ELEMENTS && json_next(&it, &key, &json); n++) {
		struct value v;
		if (json_kind(json) >= JSON_IS_ARRAY) {
			r = b->kind == json_kind(json) && op == VALUE_EQ &&
			    equal_wholes(json, b->text);
			continue;
		}
		r = value_read(json, &v);
		if (r)
			return r;
		int order = compare_scalars(&v, b);
		r = holds(flip && order != INCOMPARABLE ? -order : order, op);
		value_free(&v);
	}
	return r;
}

int value_compare(const struct value *a, enum value_op op, const struct value *b)
{
	if (a->kind == JSON_IS_ARRAY && b->kind == JSON_IS_ARRAY)
		return op == VALUE_EQ && equal_wholes(a->text, b->text);
	if (a->kind == JSON_IS_ARRAY)
		return compare_elements(a, op, b, false);
	if (b->kind == JSON_IS_ARRAY)
		return compare_elements(b, op, a, true);
	if (a->kind == JSON_IS_OBJECT || b->kind == JSON_IS_OBJECT)
		return a->kind == b->kind && op == VALUE_EQ && equal_wholes(a->text, b->text);
	return holds(compare_scalars(a, b), op);
}
