// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Masks in MessagePack, CBOR and protobuf. A mask has another length than the secret, so the heads
 * of texts, and of the messages around them, are written again: the body stays one of its format.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "body/body_json.h"
#include "body/body_walk.h"
#include "redact/redact_internal.h"
#include "redact/secret_scan.h"

#define SHORTEST 4 /* bytes of a text that may hold a name and a value */

/* Bytes that others stand for; in order, and none within another but heads of what nests. */
struct change {
	size_t start, end;
	size_t by, by_len; /* in `bytes` */
};

struct level {
	struct body_node node;
	size_t change;	    /* that of its head, if it comes to one */
	int64_t grown;	    /* when it was opened */
	const char *secret; /* the name that makes all below it one */
};

struct binary_masker {
	struct body_sink sink;
	const struct redact *r;
	const struct body_format *format;
	const uint8_t *data;
	struct body_result *ret;
	struct change *list;
	size_t count, room;
	struct buf bytes;
	int64_t grown; /* bytes that the changes so far add */
	size_t work_max;
	const char *masked; /* the last name that was told */
	struct level level[BODY_LEVELS];
	unsigned depth;
	int error;
};

static struct binary_masker *masker_of(struct body_sink *s)
{
	return (struct binary_masker *)s;
}

static void stop(struct binary_masker *b, int error)
{
	b->error = b->error ? b->error : error;
	b->sink.full = "not looked through";
}

static void stop_at(struct binary_masker *b, const char *why)
{
	b->ret->why = why;
	stop(b, -E2BIG);
}

static void add_work(struct binary_masker *b, size_t steps)
{
	b->ret->work += steps;
	if (b->ret->work > b->work_max)
		stop_at(b, REDACT_TOO_LONG);
}

/* Bytes from `by` on in b->bytes stand for those from start to end. */
static void add_change(struct binary_masker *b, size_t start, size_t end, size_t by)
{
	if (b->count == b->room) {
		size_t room = b->room ? 2 * b->room : 16;
		struct change *list = b->count < LIMIT_BODY_SECRETS
					      ? realloc(b->list, room * sizeof(*list))
					      : NULL;
		if (!list) {
			if (b->count < LIMIT_BODY_SECRETS)
				stop(b, -ENOMEM);
			else
				stop_at(b, REDACT_TOO_LONG);
			return;
		}
		b->list = list;
		b->room = room;
	}
	b->list[b->count++] = (struct change){ start, end, by, b->bytes.len - by };
	b->grown += (int64_t)(b->bytes.len - by) - (int64_t)(end - start);
}

/* `text` stands for the value of the node, from start to end. */
static void put_instead(struct binary_masker *b, const struct body_node *n, size_t start,
			size_t end, struct text text)
{
	size_t by = b->bytes.len;
	int r = b->format->put_head(&b->bytes, n, b->data, text.len);

	r = r ? r : buf_put(&b->bytes, text.data, text.len);
	if (r)
		stop(b, r);
	else
		add_change(b, start, end, by);
}

/* The secret as a whole, whatever kind of value it is. */
static void mask_whole(struct binary_masker *b, const struct body_node *n, const char *name)
{
	struct body_node text = *n;
	char token[MASK_SIZE];
	size_t head = n->head_end > n->start ? n->head_end : n->start;
	bool is_text = n->kind == BODY_TEXT || n->kind == BODY_BYTES;
	const char *secret = is_text ? n->text.data : (const char *)b->data + head;

	text.kind = BODY_TEXT;
	mask_token(&b->r->key, secret, is_text ? n->text.len : n->end - head, token);
	put_instead(b, &text, n->start, n->end, (struct text){ token, MASK_SIZE });
	add_work(b, WORK_MASK);
	if (!b->error && b->masked != name)
		b->error = message_masks_add(&b->ret->masks, "body", name);
	b->masked = name;
}

/* Is there anything masked in the text? `out` has it. */
static bool scan_text_of(struct binary_masker *b, struct text t, const struct scan_options *o,
			 struct buf *out)
{
	struct masker m = mask_begin(t.data, t.len, &b->r->key, out, &b->ret->masks);

	m.work = b->ret->work;
	m.work_max = b->work_max;
	int r = scan_text(&m, o);
	r = r ? r : mask_end(&m);
	b->ret->work = m.work;
	if (r == -E2BIG)
		stop_at(b, REDACT_TOO_LONG);
	else if (r)
		stop(b, r);
	return !r && m.changed;
}

/* A text may hold secrets as any other text; so may bytes. */
static void mask_inside(struct binary_masker *b, const struct body_node *n, struct text t,
			size_t start, size_t end)
{
	const struct scan_options o = { .names = &b->r->body,
					.kind = "body",
					.mode = scan_mode_of(t.data, t.len) };
	struct buf out = { 0 };

	if (scan_text_of(b, t, &o, &out))
		put_instead(b, n, start, end, (struct text){ out.data, out.len });
	buf_free(&out);
}

/* The name of a secret that `t` is, NULL when it is none; *ret_kind how sure that is. */
static const char *judge(const struct binary_masker *b, struct text t, enum name_kind *ret_kind)
{
	const char *name = NULL;

	*ret_kind = NAME_NO;
	/* A number in protobuf is a field's; no field of a rule is. */
	if (!t.len || (t.data[0] >= '0' && t.data[0] <= '9'))
		return NULL;
	*ret_kind = names_judge(&b->r->body, t.data, t.len, &name);
	return *ret_kind == NAME_NO ? NULL : name;
}

/* By its own name, by that of a schema, or by what it is in; NULL: it is no secret. */
static const char *secret_of(const struct binary_masker *b, const struct body_node *n)
{
	enum name_kind kind;
	const char *name = judge(b, n->name, &kind);
	bool text = n->kind == BODY_TEXT || n->kind == BODY_BYTES;

	if (!name && n->alias.len)
		name = judge(b, n->alias, &kind);
	if (!name)
		return b->depth ? b->level[b->depth - 1].secret : NULL;
	if (kind == NAME_STRONG)
		return name;
	if (n->kind <= BODY_LIST || !text)
		return NULL;
	bool plain = scan_is_plain(n->text.data, n->text.len);
	return kind == NAME_PART			    ? (plain ? NULL : name)
	       : shape_is_random(n->text.data, n->text.len) ? name
							    : NULL;
}

/* A name is a text like any other. */
static void mask_name(struct binary_masker *b, const struct body_node *n)
{
	if (n->name_end <= n->name_start || n->name.len < SHAPE_LEAST)
		return;
	const struct body_node name = { .kind = BODY_TEXT, .start = n->name_start };
	mask_inside(b, &name, n->name, n->name_start, n->name_end);
}

static void on_open(struct body_sink *s, const struct body_node *n)
{
	struct binary_masker *b = masker_of(s);

	add_work(b, WORK_NODE);
	mask_name(b, n);
	b->level[b->depth] = (struct level){
		.node = *n, .change = b->count, .grown = b->grown, .secret = secret_of(b, n)
	};
	b->depth++;
	/* A place for its new head, which is known when it ends; only what has a length needs one.
	 */
	if (b->format->lengths && n->head_end > n->start) {
		add_change(b, n->start, n->start, b->bytes.len);
		b->level[b->depth - 1].grown = b->grown;
	}
}

static void on_close(struct body_sink *s, size_t end)
{
	struct binary_masker *b = masker_of(s);
	struct level *l = &b->level[--b->depth];
	const struct body_node *n = &l->node;
	int64_t grown = b->grown - l->grown;

	if (!b->format->lengths || n->head_end <= n->start || b->error)
		return;
	if (b->count == l->change + 1) {
		b->count--;
		return;
	}
	if (!grown)
		return;
	/* What is cut off stays so. */
	size_t by = b->bytes.len, told = n->cut ? (size_t)n->u : end - n->head_end;
	int r = b->format->put_head(&b->bytes, n, b->data, told + (size_t)grown);
	if (r) {
		stop(b, r);
		return;
	}
	b->list[l->change] = (struct change){ n->start, n->head_end, by, b->bytes.len - by };
	b->grown += (int64_t)(b->bytes.len - by) - (int64_t)(n->head_end - n->start);
}

/*
 * {"name": "password", "value": "x"}, and an entry of a map in protobuf, whose fields are 1 and 2:
 * what comes after the name is the secret.
 */
static void take_label(struct binary_masker *b, const struct body_node *n)
{
	static const char *const labels[] = { "1", "name", "key", "field" };
	enum name_kind kind;

	if (!b->depth || n->kind != BODY_TEXT || n->text.len >= NAME_MAX_BYTES)
		return;
	for (size_t i = b->format->lengths ? 0 : 1; i < sizeof(labels) / sizeof(*labels); i++) {
		const struct text t = b->format->lengths && i ? n->alias : n->name;
		if (t.len != strlen(labels[i]) || memcmp(t.data, labels[i], t.len))
			continue;
		const char *name = judge(b, n->text, &kind);
		if (kind == NAME_STRONG)
			b->level[b->depth - 1].secret = name;
	}
}

static void on_leaf(struct body_sink *s, const struct body_node *n)
{
	struct binary_masker *b = masker_of(s);
	const char *name = secret_of(b, n);
	bool text = n->kind == BODY_TEXT || n->kind == BODY_BYTES;
	/* A number of a packed field has no head to change. */
	bool own = !b->format->lengths || n->head_end > n->start;

	add_work(b, WORK_NODE);
	mask_name(b, n);
	if (name && own && n->kind != BODY_NULL && !(text && !n->text.len))
		mask_whole(b, n, name);
	else if (text && n->text.len >= SHORTEST)
		mask_inside(b, n, n->text, n->start, n->end);
	if (!name)
		take_label(b, n);
}

/* What the format does not explain is looked through as text, from there on. */
static void mask_rest(struct binary_masker *b, size_t start, size_t len)
{
	const struct scan_options o = { .names = &b->r->body, .kind = "body" };
	const struct text rest = { (const char *)b->data + start, len - start };
	struct buf out = { 0 };
	size_t by = b->bytes.len;

	if (scan_text_of(b, rest, &o, &out)) {
		int r = buf_put(&b->bytes, out.data, out.len);
		if (r)
			stop(b, r);
		else
			add_change(b, start, len, by);
	}
	buf_free(&out);
}

static int write_changed(const struct binary_masker *b, size_t len, struct buf *out)
{
	size_t at = 0;
	int r = 0;

	for (size_t i = 0; i < b->count && !r; i++) {
		const struct change *c = &b->list[i];
		r = buf_put(out, b->data + at, c->start - at);
		r = r ? r : buf_put(out, b->bytes.data + c->by, c->by_len);
		at = c->end;
	}
	return r ? r : buf_put(out, b->data + at, len - at);
}

int redact_binary(const struct redact *r, const struct body_format *format,
		  const struct body_text *body, const void *data, size_t len,
		  struct body_result *ret)
{
	struct binary_masker b = { .sink = { .open = on_open, .close = on_close, .leaf = on_leaf },
				   .r = r,
				   .format = format,
				   .data = data,
				   .ret = ret,
				   .work_max =
					   body->work_max ? body->work_max : redact_work_max(len) };
	struct body_walk w = { .data = data,
			       .len = len,
			       .sink = &b.sink,
			       .nodes_max = SIZE_MAX,
			       .content_type = body->type,
			       .set = r->set };

	format->walk(&w);
	if (w.cut && !b.error && w.cut_at < len) {
		if (!strcmp(w.cut, BODY_TOO_DEEP))
			stop_at(&b, "not kept: nested too deep to be looked through for secrets");
		else
			mask_rest(&b, w.cut_at, len);
	}
	if (!b.error && b.count) {
		ret->changed = true;
		b.error = write_changed(&b, len, &ret->text);
	}
	free(b.list);
	buf_free(&b.bytes);
	return b.error;
}
