// SPDX-License-Identifier: GPL-2.0-or-later
/* Paths into JSON text: .name [0] .* ..name */
#include "kfl/json_path.h"

#include <errno.h>

#include "base/buf.h"
#include "base/json_read.h"
#include "base/limits.h"
#include "kfl/tree.h"

struct json_walk {
	struct buf *out;
	bool many, pairs;
	size_t found, passed; /* values, bytes */
	int r;
};

int json_put_steps(const struct step *steps, struct buf *out)
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

static size_t read_length(struct text *steps)
{
	size_t n = 0;

	while (steps->len && *steps->data != ':') {
		n = n * 10 + (size_t)(*steps->data++ - '0');
		steps->len--;
	}
	if (steps->len) {
		steps->data++;
		steps->len--;
	}
	return n;
}

bool json_read_step(struct text *steps, struct step *ret)
{
	if (!steps->len)
		return false;
	char c = *steps->data++;
	steps->len--;
	*ret = (struct step){ .kind = STEP_ANY };
	if (c == '*')
		return true;
	size_t n = read_length(steps);
	ret->kind = c == 'i' ? STEP_INDEX : c == 'k' ? STEP_KEY : STEP_DESCEND;
	ret->index = (int64_t)n;
	if (c != 'i') {
		ret->key = (struct text){ steps->data, n < steps->len ? n : steps->len };
		steps->data += ret->key.len;
		steps->len -= ret->key.len;
	}
	return true;
}

static void found(struct json_walk *w, struct text v)
{
	if (w->r || (!w->many && w->found) || w->out->len > LIMIT_FILTER_BODY)
		return;
	if (w->many && w->found)
		w->r = buf_putc(w->out, ',');
	w->found++;
	if (!w->r)
		w->r = buf_put(w->out, v.data, v.len);
}

/* Is it [name, value] with that name? */
static bool is_pair(struct text v, struct text name, struct text *ret_value)
{
	struct json_iterator it = json_iterate(v);
	struct text none, key;

	return json_kind(v) == JSON_IS_ARRAY && json_next(&it, &none, &key) &&
	       json_kind(key) == JSON_IS_STRING && json_says(key, name, true) &&
	       json_next(&it, &none, ret_value);
}

static void follow(struct json_walk *w, struct text v, struct text steps);

static void descend(struct json_walk *w, struct text v, struct text name, struct text rest,
		    unsigned depth)
{
	struct json_iterator it = json_iterate(v);
	struct text key, value, second;

	while (!w->r && depth <= LIMIT_JSON_DEPTH && w->passed < LIMIT_JSON_BYTES &&
	       json_next(&it, &key, &value)) {
		w->passed += key.len + value.len;
		if (it.object && json_says(key, name, w->pairs))
			follow(w, value, rest);
		if (!it.object && w->pairs && is_pair(value, name, &second))
			follow(w, second, rest);
		if (json_kind(value) >= JSON_IS_ARRAY)
			descend(w, value, name, rest, depth + 1);
	}
}

static void follow_each(struct json_walk *w, struct text v, const struct step *s, struct text rest)
{
	struct json_iterator it = json_iterate(v);
	struct text key, value;
	int64_t i = 0;

	if (s->kind == STEP_KEY ? !it.object : s->kind == STEP_INDEX && it.object)
		return;
	for (; !w->r && w->passed < LIMIT_JSON_BYTES && json_next(&it, &key, &value); i++) {
		w->passed += key.len + value.len;
		if (s->kind == STEP_KEY ? !json_says(key, s->key, false)
					: s->kind == STEP_INDEX && i != s->index)
			continue;
		follow(w, value, rest);
		if (s->kind != STEP_ANY)
			return;
	}
}

static void follow(struct json_walk *w, struct text v, struct text steps)
{
	struct step s;

	if (!json_read_step(&steps, &s))
		found(w, v);
	else if (s.kind == STEP_DESCEND)
		descend(w, v, s.key, steps, 0);
	else
		follow_each(w, v, &s, steps);
}

static bool leads_to_many(struct text steps)
{
	struct step s;

	while (json_read_step(&steps, &s))
		if (s.kind == STEP_ANY || s.kind == STEP_DESCEND)
			return true;
	return false;
}

int json_put_path(struct text value, struct text steps, struct buf *out)
{
	struct json_walk w = { .out = out };

	if (steps.len && *steps.data == 'p') {
		w.pairs = true;
		steps.data++;
		steps.len--;
	}
	w.many = leads_to_many(steps);
	if (w.many)
		w.r = buf_putc(out, '[');
	if (!steps.len)
		value = json_value(value);
	if (value.data)
		follow(&w, value, steps);
	if (w.many && !w.r)
		w.r = buf_putc(out, ']');
	return w.r ? w.r : w.many || w.found;
}
