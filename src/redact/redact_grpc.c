// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Messages of gRPC: in a body each has a frame of its own, so a mask changes the length in front of
 * it; below an entry they are listed one by one, decoded and as JSON, which is what people read.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/coding.h"
#include "base/limits.h"
#include "body/body_json.h"
#include "body/proto_set.h"
#include "entry.h"
#include "items.h"
#include "redact/redact_internal.h"

enum { FRAME_HEAD = 5, FLAG_CODED = 1, FLAG_TRAILERS = 0x80 };

int redact_call_type(const struct redact *r, const struct entry *e, bool answer, struct buf *ret)
{
	const char *path = *e->path == '/' ? e->path + 1 : e->path, *slash = strchr(path, '/');
	struct text name = { 0 };

	if (slash)
		name = proto_set_method(r->set, (struct text){ path, (size_t)(slash - path) },
					(struct text){ slash + 1, strlen(slash + 1) }, answer);
	int error = buf_puts(ret, "application/x-protobuf");
	if (!error && name.len)
		error = buf_printf(ret, "; messageType=\"%.*s\"", (int)name.len, name.data);
	return error;
}

/* One frame on its way from `in` to `out`. */
struct call_frame {
	uint8_t flags;
	size_t told;	  /* its length, as its head says */
	struct buf bytes; /* what there is of it, decoded; borrowed unless `decoded` */
	bool decoded;
};

/* -E2BIG, -EILSEQ, -ENOTSUP: nothing of it is understood, it may hold anything. */
static int decode(struct call_frame *f, const char *coding, size_t *left)
{
	struct buf plain = { 0 };

	if (!(f->flags & FLAG_CODED))
		return 0;
	int r = coding_decode(coding, f->bytes.data, f->bytes.len, *left, &plain);
	if (r) {
		buf_free(&plain);
		return r;
	}
	*left -= plain.len;
	f->bytes = plain;
	f->decoded = true;
	return 0;
}

static int put_frame(struct buf *out, uint8_t flags, size_t told, const struct buf *bytes)
{
	const char head[FRAME_HEAD] = { (char)flags, (char)(told >> 24), (char)(told >> 16),
					(char)(told >> 8), (char)told };
	int r = buf_put(out, head, sizeof(head));

	return r ? r : buf_put(out, bytes->data, bytes->len);
}

static int add_masks(struct message_masks *all, struct message_masks *masks)
{
	int error = 0;

	for (size_t i = 0; i < masks->count && !error; i++)
		error = message_masks_add(all, masks->list[i].kind, masks->list[i].name);
	free(masks->list);
	return error;
}

/* `raw`: the frame as it was sent. */
static int mask_frame(const struct redact *r, const struct body_text *body, struct call_frame *f,
		      struct text raw, struct body_result *ret)
{
	bool trailers = f->flags & FLAG_TRAILERS;
	const struct body_text one = { .type = trailers ? "" : body->frames,
				       .encoding = "",
				       .bytes = &f->bytes,
				       .work = ret->work,
				       .work_max = redact_work_max(body->bytes->len) };
	struct body_result result = { 0 };
	int error = redact_body(r, &one, &result);

	if (!error && result.changed) {
		/* What was cut off stays so. */
		size_t missing = f->decoded ? 0 : f->told - f->bytes.len;
		error = put_frame(&ret->text, f->flags & (uint8_t)~FLAG_CODED,
				  result.text.len + missing, &result.text);
	} else if (!error) {
		error = buf_put(&ret->text, raw.data, raw.len);
	}
	ret->changed |= result.changed;
	ret->why = result.why;
	ret->work = result.work;
	buf_free(&result.text);
	int masks = add_masks(&ret->masks, &result.masks);
	return error ? error : masks;
}

int redact_frames(const struct redact *r, const struct body_text *body, const char *data,
		  size_t len, struct body_result *ret)
{
	size_t left = LIMIT_MASK_EXPANSION * len, at = 0;
	int error = 0;

	left = left > LIMIT_MASK_DECODED ? left : LIMIT_MASK_DECODED;
	while (!error && !ret->why && len - at >= FRAME_HEAD) {
		const uint8_t *p = (const uint8_t *)data + at;
		struct call_frame f = { .flags = p[0],
					.told = (size_t)p[1] << 24 | (size_t)p[2] << 16 |
						(size_t)p[3] << 8 | p[4] };
		size_t room = len - at - FRAME_HEAD, n = f.told < room ? f.told : room;
		f.bytes = (struct buf){ .data = (char *)data + at + FRAME_HEAD, .len = n };
		/* Half of what is coded cannot be written again. */
		if (n < f.told && f.flags & FLAG_CODED) {
			ret->changed = true;
			break;
		}
		error = n ? decode(&f, body->coding, &left) : 0;
		if (error == -E2BIG || error == -EILSEQ || error == -ENOTSUP) {
			ret->why = error == -E2BIG ? "not kept: decoded it is larger than what is "
						     "looked through for secrets"
						   : "not kept: a message could not be decoded";
			error = 0;
		} else if (!error) {
			error = mask_frame(r, body, &f, (struct text){ data + at, FRAME_HEAD + n },
					   ret);
		}
		if (f.decoded)
			buf_free(&f.bytes);
		at += FRAME_HEAD + n;
	}
	return error;
}

/* As far as it is known what the bytes are: behind missing ones, of what is coded nothing is. */
static size_t known_bytes(const struct item *i)
{
	const struct payload *p = &i->content;
	bool gap = p->gap_count && p->gaps[0].offset < p->bytes.len;

	return gap ? (size_t)p->gaps[0].offset : p->bytes.len;
}

/* Its content as it was before it was coded, or none. */
static int decode_item(struct item *i, size_t limit)
{
	struct buf plain = { 0 };
	int r = coding_decode(i->coding, i->content.bytes.data, known_bytes(i), limit, &plain);

	if (r == -ENOMEM)
		return r;
	bool part = i->cut || i->open || i->content.gap_count;
	if (r == -E2BIG)
		i->cut = true;
	else if (r == -ENOTSUP)
		i->note = "its coding is not known";
	else if (r && !part)
		i->note = "its coding is broken";
	i->length = plain.len;
	i->coding = NULL;
	buf_free(&i->content.bytes);
	i->content.bytes = plain;
	return 0;
}

int redact_decode_items(struct items *l)
{
	size_t coded = 0, limit = LIMIT_ITEM_BYTES;
	int error = 0;

	for (struct item *i = l ? l->first : NULL; i; i = i->next)
		coded += i->coding != NULL;
	if (coded > LIMIT_ITEMS_DECODED / LIMIT_ITEM_BYTES)
		limit = LIMIT_ITEMS_DECODED / coded;
	for (struct item *i = l ? l->first : NULL; i && !error; i = i->next)
		if (i->coding && i->content.bytes.len)
			error = decode_item(i, limit);
	return error;
}

static int render_item(const struct redact *r, struct item *i, const char *type)
{
	const struct body_about about = { .content_type = type, .set = r->set };
	bool part = i->cut || i->open || i->content.gap_count;
	struct buf json = { 0 };
	int error = body_put_named(body_format_named("protobuf"), &about, i->content.bytes.data,
				   i->content.bytes.len, &json);

	if (!error || (error == -EILSEQ && part && json.len > 2)) {
		buf_free(&i->content.bytes);
		i->content.bytes = json;
		i->text = true;
		return 0;
	}
	buf_free(&json);
	return error == -EILSEQ ? 0 : error;
}

int redact_render_items(const struct redact *r, struct items *l, const char *const types[2])
{
	int error = 0;

	for (struct item *i = l ? l->first : NULL; i && !error; i = i->next)
		if (i->type && i->content.bytes.len)
			error = render_item(r, i, types[i->from]);
	return error;
}
