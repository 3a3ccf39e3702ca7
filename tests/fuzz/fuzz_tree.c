// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The first byte chooses the format, the rest is the body. Its tree is JSON, for people and for
 * filters; what is masked in it is as good as what was; the whole as a file of --proto-set does no
 * harm. And whatever is repeated, twice of it costs twice as much.
 */
#include "fuzz.h"

#include <jansson.h>

#include "base/buf.h"
#include "base/json_write.h"
#include "body/body_json.h"
#include "body/body_walk.h"
#include "body/proto_set.h"
#include "dissect/graphql.h"
#include "redact/redact_internal.h"

static const struct {
	const char *format, *type;
} kinds[] = {
	{ "protobuf", "application/x-protobuf; messageType=a.B" },
	{ "msgpack", "application/msgpack" },
	{ "cbor", "application/cbor" },
	{ "multipart", "multipart/form-data; boundary=-" },
	{ "form", "application/x-www-form-urlencoded" },
	{ "cbor", "application/cbor-seq" },
};

#define KINDS (sizeof(kinds) / sizeof(*kinds))

struct levels {
	struct body_sink sink;
	size_t depth, end;
	const struct body_walk *w;
};

static void look_at(struct levels *s, const struct body_node *n)
{
	require(n->start <= s->w->len && n->head_end <= s->w->len && n->text.len <= s->w->len);
	require(n->type && (!n->name.len || n->name.data));
}

static void on_open(struct body_sink *s, const struct body_node *n)
{
	struct levels *l = (struct levels *)s;

	look_at(l, n);
	require(++l->depth <= BODY_LEVELS);
}

static void on_close(struct body_sink *s, size_t end)
{
	struct levels *l = (struct levels *)s;

	require(l->depth-- && end <= l->w->len);
}

static void on_leaf(struct body_sink *s, const struct body_node *n)
{
	look_at((struct levels *)s, n);
}

static size_t walk(size_t kind, const uint8_t *data, size_t size)
{
	struct levels l = { .sink = { on_open, on_close, on_leaf, NULL } };
	struct body_walk w = { .data = data,
			       .len = size,
			       .sink = &l.sink,
			       .nodes_max = SIZE_MAX,
			       .content_type = kinds[kind].type,
			       .sequence = kind == 5 };
	l.w = &w;
	body_format_named(kinds[kind].format)->walk(&w);
	require(!l.depth && w.cut_at <= w.len);
	require(w.work <= 64 * size + 4096);
	return w.work;
}

static void walk_timed(void *ctx, const uint8_t *data, size_t size)
{
	walk(*(size_t *)ctx, data, size);
}

static size_t work_of(size_t kind, const uint8_t *data, size_t size, size_t total)
{
	struct buf text = { 0 };

	while (text.len < total)
		require(buf_put(&text, data, size) == 0);
	size_t work = walk(kind, (const uint8_t *)text.data, text.len);
	buf_free(&text);
	return work;
}

#define COST_SIZE 4096

/* n -> 2n costs at most 2.2 times as much: bytes looked at, counted, and time. */
static void weigh(size_t kind, const uint8_t *data, size_t size)
{
	if (!size || size > 256)
		return;
	size_t one = work_of(kind, data, size, COST_SIZE);
	size_t two = work_of(kind, data, size, 2 * COST_SIZE);
	require(two * 10 <= one * 22 + 20 * COST_SIZE);
	fuzz_weigh(walk_timed, &kind, data, size);
}

static void check_json(const struct buf *json)
{
	json_t *v = json_loadb(json->data, json->len,
			       JSON_ALLOW_NUL | JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, NULL);

	/* Names with a NUL are good JSON, but not to jansson. */
	require(v || memmem(json->data, json->len, "\\u0000", 6));
	json_decref(v);
}

static void show(size_t kind, const uint8_t *data, size_t size)
{
	const struct body_format *f = body_format_named(kinds[kind].format);
	const struct body_about about = { .content_type = kinds[kind].type };
	struct buf tree = { 0 }, plain = { 0 };
	struct jw j = jw_begin(&tree);

	require(body_put_tree(f, &about, data, size, &j) == 0);
	check_json(&tree);
	require(body_put_plain(f, data, size, &plain) == 0);
	if (plain.len)
		check_json(&plain);
	buf_free(&tree);
	buf_free(&plain);
}

/* What was masked is not masked again, and is understood as far as the original was. */
static void mask(const struct redact *r, size_t kind, const uint8_t *data, size_t size)
{
	const struct buf in = { (char *)data, size, 0 };
	const struct body_text body = { kinds[kind].type, "", &in, NULL };
	struct body_result one = { 0 };

	require(redact_body(r, &body, &one) == 0);
	if (one.changed && one.text.len)
		show(kind, (const uint8_t *)one.text.data, one.text.len);
	free(one.masks.list);
	buf_free(&one.text);
}

static void use_as_set(const uint8_t *data, size_t size)
{
	struct proto_set *s;
	struct buf out = { 0 };
	struct jw j = jw_begin(&out);
	char error[200];

	require(proto_set_new(&s) == 0);
	(void)!proto_set_add(s, data, size, error, sizeof(error));
	proto_set_sort(s);
	require(protobuf_tree(s, "a.B", data, size, &j) == 0);
	require(protobuf_tree(s, "B", data, size, &j) == 0);
	proto_set_free(s);
	buf_free(&out);
	require(graphql_operation((struct text){ (const char *)data, size },
				  (struct text){ "B", 1 }, &out) == 0);
	buf_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct redact *r;
	char error[200];

	if (!r)
		require(redact_new(NULL, 0, true, &r, error, sizeof(error)) == 0);
	if (size < 1)
		return 0;
	size_t kind = *data % KINDS;
	weigh(kind, data + 1, size - 1);
	show(kind, data + 1, size - 1);
	mask(r, kind, data + 1, size - 1);
	use_as_set(data + 1, size - 1);
	return 0;
}
