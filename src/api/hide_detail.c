// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/hide_detail.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/detail.h"
#include "base/coding.h"
#include "base/json_tree.h"
#include "fields.h"
#include "kfl/json_path.h"
#include "kfl/tree.h"
#include "kfl/kfl.h"
#include "base/limits.h"

static const char *const sides[] = { "request", "response" };

bool hide_asks(const struct kfl_redaction *path, const struct field *f)
{
	bool side = !strcmp(path->field, "src") || !strcmp(path->field, "dst");

	return side ? f->end && !strcmp(f->end, path->field) : !strcmp(f->kfl, path->field);
}

static json_t *new_mask(void)
{
	return json_string(HIDDEN_TEXT);
}

/* Mask the values of a list of pairs, all of them or those of one name. */
static void mask_pairs(json_t *message, const char *list, struct text name)
{
	json_t *pair;
	size_t i;

	json_array_foreach(json_object_get(message, list), i, pair)
	{
		const char *n = json_string_value(json_array_get(pair, 0));
		if (!name.len ||
		    (n && strlen(n) == name.len && !strncasecmp(n, name.data, name.len)))
			json_array_set_new(pair, 1, new_mask());
	}
}

static void mask_pair(json_t *message, const char *list, const char *name)
{
	mask_pairs(message, list, (struct text){ name, strlen(name) });
}

static void mask_member(json_t *object, const char *name)
{
	json_t *v = json_object_get(object, name);

	if (json_is_string(v))
		json_object_set_new(object, name, new_mask());
	else if (json_is_integer(v))
		json_object_set_new(object, name, json_integer(0));
	else if (json_is_array(v) && json_is_array(json_array_get(v, 0)))
		mask_pairs(object, name, (struct text){ 0 });
	else if (v)
		json_object_del(object, name);
}

/* "request.target", "tls_info.sni"; "*.gaps" of both messages; "messages" */
static void mask_place(json_t *detail, const char *place)
{
	const char *dot = strchr(place, '.');
	char part[32];

	if (!dot) {
		mask_member(detail, place);
		return;
	}
	if (*place == '*') {
		for (size_t i = 0; i < 2; i++)
			mask_member(json_object_get(detail, sides[i]), dot + 1);
		return;
	}
	snprintf(part, sizeof(part), "%.*s", (int)(dot - place), place);
	mask_member(json_object_get(detail, part), dot + 1);
}

/* What repeats a field, by the rows of entry.def. */
static void mask_members(json_t *detail, const struct kfl_redaction *path)
{
	for (const struct field *f = field_rows; f->kfl; f++)
		for (size_t i = 0; i < FIELD_REPEATS && hide_asks(path, f) && f->detail[i]; i++)
			mask_place(detail, f->detail[i]);
}

/* Points of time tell when it was and how long it took. */
static void mask_times(json_t *detail)
{
	json_t *m;
	size_t k;

	json_object_del(detail, "events");
	json_array_foreach(json_object_get(detail, "messages"), k, m) json_object_del(m, "time_us");
	for (size_t i = 0; i < 2; i++)
		json_object_del(json_object_get(detail, sides[i]), "interim");
}

static json_t *body_member(struct hidden *m, size_t side)
{
	json_t *message = json_object_get(m->detail, sides[side]);

	if (!message && !json_object_set_new(m->detail, sides[side], json_object()))
		message = json_object_get(m->detail, sides[side]);
	return message;
}

static struct buf *body_of(struct hidden *m, size_t side)
{
	return side ? &m->e.response_body : &m->e.request_body;
}

static void hide_body(struct hidden *m, size_t side)
{
	if (body_of(m, side)->len)
		json_object_set_new(body_member(m, side), "body_redacted", json_true());
	*body_of(m, side) = (struct buf){ 0 };
}

/* Mask what the steps lead to in v; `left` counts down what is passed, to 0 when it was too much.
 */
static void mask_steps(json_t *v, struct text steps, size_t *left);

static json_t *masked_child(json_t *child, struct text rest, size_t *left)
{
	if (!rest.len)
		return new_mask();
	mask_steps(child, rest, left);
	return json_incref(child);
}

static bool is_named(const char *key, const struct step *s)
{
	return strlen(key) == s->key.len && !memcmp(key, s->key.data, s->key.len);
}

static void descend(json_t *v, const struct step *s, struct text rest, size_t *left)
{
	const char *key;
	size_t i;
	json_t *child;
	void *next;

	json_object_foreach_safe(v, next, key, child)
	{
		if (!*left || !--*left)
			return;
		descend(child, s, rest, left);
		if (is_named(key, s))
			json_object_set_new(v, key, masked_child(child, rest, left));
	}
	json_array_foreach(v, i, child)
	{
		if (!*left || !--*left)
			return;
		descend(child, s, rest, left);
	}
}

static void mask_steps(json_t *v, struct text steps, size_t *left)
{
	const char *key;
	struct step s;
	json_t *child;
	void *next;
	size_t i;

	if (!json_read_step(&steps, &s))
		return;
	if (s.kind == STEP_DESCEND) {
		descend(v, &s, steps, left);
		return;
	}
	json_object_foreach_safe(v, next, key, child)
	{
		if (!*left || !--*left)
			return;
		if (s.kind == STEP_ANY || (s.kind == STEP_KEY && is_named(key, &s)))
			json_object_set_new(v, key, masked_child(child, steps, left));
	}
	json_array_foreach(v, i, child)
	{
		if (!*left || !--*left)
			return;
		if (s.kind == STEP_ANY || (s.kind == STEP_INDEX && (int64_t)i == s.index))
			json_array_set_new(v, i, masked_child(child, steps, left));
	}
}

/* The body with what the steps lead to masked, decoded; NULL when that cannot be told for sure. */
static char *mask_json(struct hidden *m, size_t side, struct text steps)
{
	const struct buf *body = body_of(m, side);
	struct buf text = { 0 };
	size_t left = LIMIT_MASK_VALUES;
	char *out = NULL;

	if (!coding_decode(detail_encoding(m->detail, sides[side]), body->data, body->len,
			   LIMIT_MASK_BODY, &text)) {
		json_t *v = json_tree((struct text){ text.data, text.len });
		mask_steps(v, steps, &left);
		out = v && left ? json_dumps(v, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
		json_decref(v);
	}
	buf_free(&text);
	return out;
}

static int mask_body(struct hidden *m, size_t side, const struct kfl_redaction *path)
{
	struct buf *body = body_of(m, side), *made = &m->made[side];
	bool json = path->decoder && !strcmp(path->decoder, "json") && path->steps_len;
	json_t *message = json_object_get(m->detail, sides[side]), *coding;
	char *text = NULL;

	if (!body->len)
		return 0;
	if (json)
		text = mask_json(m, side, (struct text){ path->steps, path->steps_len });
	if (!text) {
		hide_body(m, side);
		return 0;
	}
	buf_reset(made);
	int r = buf_puts(made, text);
	free(text);
	if (r)
		return r;
	*body = (struct buf){ made->data, made->len, 0 };
	/* It is decoded now, as HACKING, "Detail" has it. */
	coding = json_object_get(message, "content_encoding");
	if (coding)
		json_object_set(message, "decoded", coding);
	json_object_del(message, "content_encoding");
	json_object_set_new(message, "body_stored", json_integer((json_int_t)body->len));
	return 0;
}

static void mask_headers(json_t *message, struct text name)
{
	mask_pairs(message, "headers", name);
	mask_pairs(message, "trailers", name);
	if (!name.len || (name.len == 6 && !strncasecmp(name.data, "cookie", 6)) ||
	    (name.len == 10 && !strncasecmp(name.data, "set-cookie", 10)))
		mask_pairs(message, "cookies", (struct text){ 0 });
}

/* A message as a whole keeps its form, so that it still has a place in a file. */
static void mask_message(struct hidden *m, size_t side)
{
	json_t *message = json_object_get(m->detail, sides[side]), *v;
	const char *name;
	void *next;

	json_object_foreach_safe(message, next, name, v) mask_member(message, name);
	hide_body(m, side);
}

/* Fields below "request." and "response.". */
static int mask_part(struct hidden *m, size_t side, const struct kfl_redaction *path)
{
	json_t *message = json_object_get(m->detail, sides[side]);
	const char *part = path->field + strlen(sides[side]) + 1;
	struct text steps = { path->steps, path->steps_len }, name = { 0 };
	struct step s;

	if (!strcmp(part, "body"))
		return mask_body(m, side, path);
	if (json_read_step(&steps, &s) && s.kind == STEP_KEY)
		name = s.key;
	if (!strcmp(part, "headers"))
		mask_headers(message, name);
	if (!strcmp(part, "cookies")) {
		mask_pairs(message, "cookies", name);
		mask_pair(message, "headers", "Cookie");
		mask_pair(message, "headers", "Set-Cookie");
	}
	return 0;
}

int hide_detail(struct hidden *m, const struct kfl_redaction *path)
{
	struct text steps = { path->steps, path->steps_len }, name = { 0 };
	json_t *request = json_object_get(m->detail, "request");
	const char *field = path->field;
	struct step s;

	mask_members(m->detail, path);
	for (size_t i = 0; i < 2; i++) {
		size_t n = strlen(sides[i]);
		bool mine = !strncmp(field, sides[i], n);
		if (mine && !field[n])
			mask_message(m, i);
		else if (mine && field[n] == '.')
			return mask_part(m, i, path);
		else if (mine && strstr(field, "_size") && strcmp(field + n, "_headers_size"))
			mask_pair(json_object_get(m->detail, sides[i]), "headers",
				  "Content-Length");
	}
	if (!strcmp(field, "timestamp") || !strncmp(field, "elapsed", 7))
		mask_times(m->detail);
	if (!strcmp(field, "host") || !strcmp(field, "url") || !strcmp(field, "request"))
		mask_pair(request, "headers", "Host");
	if (json_read_step(&steps, &s) && s.kind == STEP_KEY)
		name = s.key;
	if (!strcmp(field, "query_string"))
		mask_pairs(request, "query", name);
	return 0;
}
