// SPDX-License-Identifier: GPL-2.0-or-later
/* Names: variables of exists(), fields by their longest name, and the steps that lead into them. */
#include "kfl/check.h"

#include <errno.h>
#include <string.h>

#include "kfl/vocabulary.h"
#include "kfl/suggest.h"

#define DOTTED_MAX 128

/* The name so far: "src", "src.pod", ... */
struct dotted {
	char text[DOTTED_MAX];
	size_t len;
};

static bool dotted_add(struct dotted *d, struct text part)
{
	if (part.len + 1 > sizeof(d->text) - d->len)
		return false;
	if (d->len)
		d->text[d->len++] = '.';
	memcpy(d->text + d->len, part.data, part.len);
	d->len += part.len;
	return true;
}

static const struct binder *find_variable(const struct checker *c, struct text name)
{
	for (const struct binder *b = c->scope; b; b = b->outer)
		if (b->name.len == name.len && !memcmp(b->name.data, name.data, name.len))
			return b;
	return NULL;
}

static int fail_unknown(struct checker *c, const struct dotted *name, size_t pos, size_t end)
{
	struct text t = { name->text, name->len };
	const struct kfl_function *f = function_find(t);
	const char *near = suggest_field(t);
	struct shown shown = query_show(t.data, t.len);

	if (f)
		return query_fail(c->q, pos, end - pos, "%s is a function: %s", f->name,
				  f->signature);
	if (near)
		return query_fail(c->q, pos, end - pos,
				  "unknown field \"%s\"; did you mean \"%s\"?", shown.text, near);
	return query_fail(c->q, pos, end - pos, "unknown field \"%s\"", shown.text);
}

int check_name(struct checker *c, struct node *n)
{
	const struct binder *b = find_variable(c, n->text);
	struct dotted name = { .len = 0 };

	if (b) {
		n->binder = b->exists;
		n->type = TYPE_JSON;
		return 0;
	}
	n->field = field_find(n->text);
	if (n->field) {
		n->type = n->field->type;
		return 0;
	}
	struct text cut = { n->text.data, n->text.len < DOTTED_MAX ? n->text.len : DOTTED_MAX - 1 };
	dotted_add(&name, cut);
	return fail_unknown(c, &name, n->pos, n->pos + n->len);
}

/* What to call an unknown field: names and dots up to the first bracket. */
static int fail_path(struct checker *c, const struct node *n, const struct step *steps)
{
	const struct node *base = n->first;
	struct dotted name = { .len = 0 };
	size_t end = base->pos + base->len;

	dotted_add(&name, base->text);
	for (const struct step *s = steps; s && s->kind == STEP_KEY; s = s->next) {
		if (c->q->text[s->pos] == '[' || !dotted_add(&name, s->key))
			break;
		end = s->pos + s->len;
	}
	return fail_unknown(c, &name, base->pos, end);
}

/* The field with the longest name that the path begins with; its keys are taken off the steps. */
static int find_field(struct checker *c, struct node *n)
{
	struct dotted name = { .len = 0 };
	struct step *rest = n->steps, *all = n->steps;

	if (!dotted_add(&name, n->first->text))
		return query_fail(c->q, n->first->pos, n->first->len, "unknown field \"%s\"",
				  query_show(n->first->text.data, n->first->text.len).text);
	n->field = field_find(n->first->text);
	for (struct step *s = all; s && s->kind == STEP_KEY && dotted_add(&name, s->key);
	     s = s->next) {
		const struct kfl_field *f = field_find((struct text){ name.text, name.len });
		if (f) {
			n->field = f;
			rest = s->next;
		}
	}
	n->steps = rest;
	if (!n->field || (n->field->type == TYPE_GROUP && rest && rest->kind == STEP_KEY))
		return fail_path(c, n, all);
	return 0;
}

static int fail_step(struct checker *c, const struct node *n, const struct step *s,
		     enum kfl_type type)
{
	size_t len = s->pos > n->pos ? s->pos - n->pos : 0;
	struct shown what = query_show(c->q->text + n->pos, len);
	const struct kfl_function *f = function_find(s->key);

	if (s->kind == STEP_KEY && f && f->method)
		return query_fail(c->q, s->pos, s->len, "%s is a function: %s", f->name,
				  f->signature);
	if (type == TYPE_TEXTS || type == TYPE_TEXT)
		return query_fail(c->q, s->pos, s->len,
				  "%s is a text and has no %s; json() looks into a text", what.text,
				  query_show(c->q->text + s->pos, s->len).text);
	return query_fail(c->q, s->pos, s->len, "%s is %s and has no %s", what.text,
			  type_name(type), query_show(c->q->text + s->pos, s->len).text);
}

/* The type that the first step leads to; fails when there is no such step. */
static int step_type(enum kfl_type type, unsigned traits, enum step_kind kind)
{
	if (type == TYPE_MAP)
		return kind == STEP_INDEX ? -EINVAL : kind == STEP_ANY ? TYPE_LIST : TYPE_TEXTS;
	if (type == TYPE_LIST || (traits & FIELD_SEGMENTS))
		return kind == STEP_ANY	    ? (int)TYPE_LIST
		       : kind == STEP_INDEX ? TYPE_TEXTS
					    : -EINVAL;
	return -EINVAL;
}

static bool many(const struct step *s)
{
	for (; s; s = s->next)
		if (s->kind == STEP_ANY || s->kind == STEP_DESCEND)
			return true;
	return false;
}

/* src.*, src..name: lists of columns. request.*, request..name: a path in the detail. */
static int check_group_steps(struct checker *c, struct node *n)
{
	const struct step *s = n->steps;
	bool message = n->field->traits & FIELD_DETAIL;

	n->type = TYPE_LIST;
	if (s->kind == STEP_INDEX || (s->next && !message))
		return fail_step(c, n, s->kind == STEP_INDEX ? s : s->next, TYPE_GROUP);
	if (s->kind != STEP_DESCEND || message)
		return 0;
	for (const struct kfl_field *f = field_table; f->name; f++) {
		const char *last = strrchr(f->name, '.');
		if (last && strlen(last + 1) == s->key.len && f->type != TYPE_GROUP &&
		    !memcmp(last + 1, s->key.data, s->key.len) &&
		    !strncmp(f->name, n->field->name, 3))
			return 0;
	}
	return query_fail(c->q, s->pos, s->len, "%s has no \"%s\"", n->field->name,
			  query_show(s->key.data, s->key.len).text);
}

static int check_steps(struct checker *c, struct node *n, enum kfl_type type, unsigned traits)
{
	if (!n->steps) {
		n->type = type;
		return 0;
	}
	if (type == TYPE_JSON) {
		n->type = many(n->steps) ? TYPE_LIST : TYPE_JSON;
		return 0;
	}
	if (type == TYPE_GROUP)
		return check_group_steps(c, n);
	int r = step_type(type, traits, n->steps->kind);
	if (r < 0)
		return fail_step(c, n, n->steps, type);
	n->type = (enum kfl_type)r;
	if (n->steps->next)
		return fail_step(c, n, n->steps->next, n->type);
	return 0;
}

int check_path(struct checker *c, struct node *n)
{
	struct node *base = n->first;
	int r;

	if (base->kind == NODE_NAME && !find_variable(c, base->text)) {
		r = find_field(c, n);
		return r ? r : check_steps(c, n, n->field->type, n->field->traits);
	}
	r = c->node(c, base);
	return r ? r : check_steps(c, n, base->type, 0);
}
