// SPDX-License-Identifier: GPL-2.0-or-later
#include "body/body_json.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_write.h"
#include "body/body_walk.h"
#include "body/proto_set.h"

struct json_sink {
	struct body_sink sink;
	struct jw *j;
	size_t start; /* of the output */
	/* Plain: which of what is open are maps, and are members named by a schema? */
	bool map[BODY_LEVELS], named;
	unsigned depth;
};

static struct json_sink *json_of(struct body_sink *s)
{
	return (struct json_sink *)s;
}

static void put_hex(struct jw *j, const char *name, struct text t)
{
	static const char digits[] = "0123456789abcdef";

	jw_raw(j, name, "\"", 1);
	if (!j->error)
		j->error = buf_reserve(j->out, 2 * t.len + 1);
	for (size_t i = 0; i < t.len && !j->error; i++) {
		uint8_t byte = (uint8_t)t.data[i];
		j->out->data[j->out->len++] = digits[byte >> 4];
		j->out->data[j->out->len++] = digits[byte & 15];
	}
	if (!j->error)
		j->out->data[j->out->len++] = '"';
}

/* The fewest digits that are the same number again. */
static void put_real(struct jw *j, const char *name, double d, unsigned bits)
{
	char text[40];

	if (!isfinite(d)) {
		jw_string(j, name, isnan(d) ? "NaN" : d < 0 ? "-Infinity" : "Infinity");
		return;
	}
	for (int digits = bits == 64 ? 15 : 6; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, d);
		double back = strtod(text, NULL);
		if (bits == 64 ? back == d : (float)back == (float)d)
			break;
	}
	jw_raw(j, name, text, strlen(text));
}

static void put_value(struct jw *j, const char *name, const struct body_node *n)
{
	switch (n->kind) {
	case BODY_TEXT:
		jw_text(j, name, n->text.data, n->text.len);
		break;
	case BODY_BYTES:
		put_hex(j, name, n->text);
		break;
	case BODY_UINT:
		jw_uint(j, name, n->u);
		break;
	case BODY_INT:
		jw_int(j, name, n->i);
		break;
	case BODY_DIGITS:
		jw_raw(j, name, n->text.data, n->text.len);
		break;
	case BODY_REAL:
		put_real(j, name, n->d, n->real_bits);
		break;
	case BODY_BOOL:
		jw_bool(j, name, n->b);
		break;
	default:
		jw_null(j, name);
	}
}

static void look_full(struct json_sink *s)
{
	if (s->j->error || s->j->out->len - s->start > LIMIT_BODY_TREE)
		s->sink.full = s->j->error ? "out of memory" : "more bytes than are shown";
}

/* For people. */

static void put_text(struct jw *j, const char *name, struct text t)
{
	if (t.data)
		jw_text(j, name, t.data, t.len < LIMIT_BODY_LEAF ? t.len : LIMIT_BODY_LEAF);
}

static void begin_node(struct json_sink *s, const struct body_node *n)
{
	struct jw *j = s->j;

	jw_object(j, s->depth ? NULL : "tree");
	put_text(j, "name", n->name);
	put_text(j, "alias", n->alias);
	jw_string(j, "type", n->type);
	put_text(j, "label", n->label);
	if (n->tagged)
		jw_int(j, "tag", (int64_t)n->tag);
}

static void tree_open(struct body_sink *sink, const struct body_node *n)
{
	struct json_sink *s = json_of(sink);

	begin_node(s, n);
	jw_array(s->j, n->kind == BODY_MAP ? "members" : "elements");
	s->depth++;
}

static void tree_close(struct body_sink *sink, size_t end)
{
	struct json_sink *s = json_of(sink);

	(void)end;
	s->depth--;
	jw_end_array(s->j);
	jw_end_object(s->j);
}

static void tree_leaf(struct body_sink *sink, const struct body_node *n)
{
	struct json_sink *s = json_of(sink);
	struct body_node shown = *n;
	bool long_text = n->kind == BODY_TEXT || n->kind == BODY_BYTES;

	begin_node(s, n);
	if (long_text && n->text.len > LIMIT_BODY_LEAF) {
		shown.text.len = LIMIT_BODY_LEAF;
		shown.cut = true;
	}
	put_value(s->j, n->kind == BODY_BYTES ? "hex" : "value", &shown);
	if (n->kind == BODY_BYTES || (long_text && shown.cut))
		jw_uint(s->j, "size", n->text.len);
	if (shown.cut)
		jw_bool(s->j, "cut", true);
	jw_end_object(s->j);
	look_full(s);
}

/* For filters. */

static void plain_name(struct json_sink *s, const struct body_node *n)
{
	if (!s->depth || !s->map[s->depth - 1])
		return;
	struct text name = s->named && n->alias.len ? n->alias : n->name;
	jw_text(s->j, NULL, name.data, name.len);
	jw_fail(s->j, s->j->error ? s->j->error : buf_putc(s->j->out, ':'));
	s->j->comma = false;
}

static void plain_open(struct body_sink *sink, const struct body_node *n)
{
	struct json_sink *s = json_of(sink);

	plain_name(s, n);
	s->map[s->depth++] = n->kind == BODY_MAP;
	if (n->kind == BODY_MAP)
		jw_object(s->j, NULL);
	else
		jw_array(s->j, NULL);
}

static void plain_close(struct body_sink *sink, size_t end)
{
	struct json_sink *s = json_of(sink);

	(void)end;
	if (s->map[--s->depth])
		jw_end_object(s->j);
	else
		jw_end_array(s->j);
}

static void plain_leaf(struct body_sink *sink, const struct body_node *n)
{
	struct json_sink *s = json_of(sink);

	plain_name(s, n);
	put_value(s->j, NULL, n);
	look_full(s);
}

static struct body_walk walk_of(struct json_sink *s, const struct body_about *about,
				const void *data, size_t len)
{
	struct body_walk w = {
		.data = data, .len = len, .sink = &s->sink, .nodes_max = LIMIT_BODY_NODES
	};

	if (!about)
		return w;
	w.content_type = about->content_type;
	w.set = about->set;
	if (about->message_type)
		w.message_type = (struct text){ about->message_type, strlen(about->message_type) };
	w.sequence = about->content_type && strcasestr(about->content_type, "cbor-seq");
	return w;
}

int body_put_tree(const struct body_format *f, const struct body_about *about, const void *data,
		  size_t len, struct jw *out)
{
	struct json_sink s = {
		.sink = { .open = tree_open, .close = tree_close, .leaf = tree_leaf },
		.j = out,
		.start = out->out->len
	};
	struct body_walk w = walk_of(&s, about, data, len);

	jw_object(out, NULL);
	jw_string(out, "format", f->name);
	size_t before = out->out->len;
	f->walk(&w);
	if (out->out->len == before)
		jw_null(out, "tree");
	if (w.guessed)
		jw_bool(out, "guessed", true);
	if (w.message_type.len && !w.guessed)
		jw_text(out, "message", w.message_type.data, w.message_type.len);
	if (w.cut) {
		jw_object(out, "cut");
		jw_string(out, "why", w.cut);
		jw_uint(out, "offset", w.cut_at);
		jw_end_object(out);
	}
	jw_end_object(out);
	return jw_done(out);
}

/* 0, -EILSEQ or -ENOMEM. */
static int put_plain(const struct body_format *f, const struct body_about *about, const void *data,
		     size_t len, struct buf *out)
{
	struct jw j = jw_begin(out);
	struct json_sink s = {
		.sink = { .open = plain_open, .close = plain_close, .leaf = plain_leaf },
		.j = &j,
		.start = out->len,
		.named = about != NULL
	};
	struct body_walk w = walk_of(&s, about, data, len);

	f->walk(&w);
	int r = jw_done(&j);
	return r ? r : w.cut ? -EILSEQ : 0;
}

int body_put_named(const struct body_format *f, const struct body_about *about, const void *data,
		   size_t len, struct buf *out)
{
	return put_plain(f, about, data, len, out);
}

int body_put_plain(const struct body_format *f, const void *data, size_t len, struct buf *out)
{
	int r = put_plain(f, NULL, data, len, out);

	return r == -EILSEQ ? 0 : r;
}

int protobuf_tree(const struct proto_set *s, const char *message_type_or_NULL, const uint8_t *data,
		  size_t len, struct jw *out)
{
	const struct body_about about = { .set = s, .message_type = message_type_or_NULL };

	return body_put_tree(body_format_named("protobuf"), &about, data, len, out);
}
