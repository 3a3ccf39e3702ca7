// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/json_tree.h"

#include <errno.h>

#include "base/buf.h"
#include "base/json_read.h"
#include "base/limits.h"
#include "base/number.h"

struct tree {
	json_t *root;
	json_t *open[LIMIT_JSON_TREE_DEPTH]; /* what is being filled, borrowed */
	size_t depth;
	struct buf key, text;
	int r;
};

static json_t *read_number(struct text at)
{
	struct number n = { 0 };

	number_parse(at.data, at.len, &n);
	return n.is_real ? json_real(n.real) : json_integer(n.integer);
}

static json_t *read_scalar(struct tree *t, struct text at)
{
	switch (json_kind(at)) {
	case JSON_IS_STRING:
		buf_reset(&t->text);
		if (json_put_string(at, &t->text))
			return NULL;
		return json_stringn_nocheck(t->text.len ? t->text.data : "", t->text.len);
	case JSON_IS_BOOL:
		return json_boolean(*at.data == 't');
	case JSON_IS_NULL:
		return json_null();
	default:
		return read_number(at);
	}
}

/* Takes the reference of v. */
static int add(struct tree *t, json_t *v)
{
	json_t *parent = t->depth ? t->open[t->depth - 1] : NULL;

	if (!v)
		return -ENOMEM;
	if (!parent) {
		t->root = v;
		return 0;
	}
	int r = json_is_object(parent)
			? json_object_setn_new_nocheck(parent, t->key.len ? t->key.data : "",
						       t->key.len, v)
			: json_array_append_new(parent, v);
	return r ? -ENOMEM : 0;
}

static int on_event(void *ctx, enum json_event event, struct text at)
{
	struct tree *t = ctx;
	json_t *v;

	switch (event) {
	case JSON_KEY:
		buf_reset(&t->key);
		return t->r = json_put_string(at, &t->key);
	case JSON_SCALAR:
		return t->r = add(t, read_scalar(t, at));
	case JSON_BEGIN:
		v = *at.data == '{' ? json_object() : json_array();
		t->r = add(t, v);
		if (!t->r)
			t->open[t->depth++] = v;
		return t->r;
	case JSON_END:
		t->depth--;
	}
	return 0;
}

json_t *json_tree(struct text in)
{
	struct tree t = { 0 };
	int r = json_visit(in, LIMIT_JSON_TREE_DEPTH, on_event, &t);

	buf_free(&t.key);
	buf_free(&t.text);
	if (!r)
		return t.root;
	json_decref(t.root);
	errno = t.r ? -t.r : EINVAL;
	return NULL;
}
