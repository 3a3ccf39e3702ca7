// SPDX-License-Identifier: GPL-2.0-or-later
/* MessagePack, as its specification of 2017-08-09 has it. */
#include <string.h>

#include "body/item_walk.h"

static void set_uint(struct body_node *n, uint64_t u)
{
	n->kind = BODY_UINT;
	n->type = "int";
	n->u = u;
}

static void set_int(struct body_node *n, int64_t i)
{
	n->kind = i < 0 ? BODY_INT : BODY_UINT;
	n->type = "int";
	n->i = i;
}

static void set_branch(struct body_item *item, bool map, uint64_t count)
{
	item->node.kind = map ? BODY_MAP : BODY_LIST;
	item->node.type = map ? "map" : "array";
	item->count = map ? 2 * count : count;
}

static void take(struct body_walk *w, struct body_node *n, bool text, uint64_t len)
{
	item_take(w, n, text ? BODY_TEXT : BODY_BYTES, len);
	n->type = text ? "str" : "bin";
}

/* Type -1 is a time: 4, 8 or 12 bytes. */
static void label_extension(struct body_walk *w, struct body_node *n)
{
	const uint8_t *p = (const uint8_t *)n->text.data;

	if ((int64_t)n->tag != -1 || n->cut)
		return;
	n->type = "timestamp";
	if (n->text.len == 4)
		item_label_time(w, n, (int64_t)body_be(p, 4));
	else if (n->text.len == 8)
		item_label_time(w, n, (int64_t)(body_be(p, 8) & 0x3ffffffff));
	else if (n->text.len == 12)
		item_label_time(w, n, (int64_t)body_be(p + 4, 8));
}

static bool take_extension(struct body_walk *w, struct body_node *n, uint64_t len)
{
	if (!item_has(w, 1))
		return false;
	n->tagged = true;
	n->tag = (uint64_t)(int8_t)w->data[w->at++];
	item_take(w, n, BODY_BYTES, len);
	n->type = "ext";
	label_extension(w, n);
	return true;
}

static void set_real(struct body_node *n, uint64_t bits, unsigned width)
{
	uint32_t half = (uint32_t)bits;
	float f;

	n->kind = BODY_REAL;
	n->type = width == 4 ? "float 32" : "float 64";
	n->real_bits = width * 8;
	if (width == 4) {
		memcpy(&f, &half, sizeof(f));
		n->d = (double)f;
	} else {
		memcpy(&n->d, &bits, sizeof(n->d));
	}
}

static int64_t sign_extend(uint64_t v, unsigned width)
{
	return (int64_t)(v << (64 - 8 * width)) >> (64 - 8 * width);
}

/* 0xc0 to 0xdf: a byte that says how wide the number or length behind it is. */
static bool read_long(struct body_walk *w, uint8_t head, struct body_item *item)
{
	static const uint8_t widths[32] = {
		[0x04] = 1, [0x05] = 2, [0x06] = 4,		/* bin */
		[0x07] = 1, [0x08] = 2, [0x09] = 4,		/* ext */
		[0x0a] = 4, [0x0b] = 8,				/* float */
		[0x0c] = 1, [0x0d] = 2, [0x0e] = 4, [0x0f] = 8, /* uint */
		[0x10] = 1, [0x11] = 2, [0x12] = 4, [0x13] = 8, /* int */
		[0x19] = 1, [0x1a] = 2, [0x1b] = 4,		/* str */
		[0x1c] = 2, [0x1d] = 4, [0x1e] = 2, [0x1f] = 4, /* array, map */
	};
	struct body_node *n = &item->node;
	unsigned width = widths[head - 0xc0];

	if (!item_has(w, width))
		return false;
	uint64_t v = body_be(w->data + w->at, width);
	w->at += width;
	switch (head) {
	case 0xc0:
		n->kind = BODY_NULL;
		n->type = "nil";
		return true;
	case 0xc2 ... 0xc3:
		n->kind = BODY_BOOL;
		n->type = "bool";
		n->b = head & 1;
		return true;
	case 0xc4 ... 0xc6:
		take(w, n, false, v);
		return true;
	case 0xc7 ... 0xc9:
		return take_extension(w, n, v);
	case 0xca ... 0xcb:
		set_real(n, v, width);
		return true;
	case 0xcc ... 0xcf:
		set_uint(n, v);
		return true;
	case 0xd0 ... 0xd3:
		set_int(n, sign_extend(v, width));
		return true;
	case 0xd4 ... 0xd8:
		return take_extension(w, n, 1U << (head - 0xd4));
	case 0xd9 ... 0xdb:
		take(w, n, true, v);
		return true;
	case 0xdc ... 0xdf:
		set_branch(item, head >= 0xde, v);
		return true;
	default:
		return body_cut(w, "a byte that begins no value", n->start);
	}
}

static bool read_item(struct body_walk *w, struct body_item *ret)
{
	uint8_t head = w->data[w->at++];

	if (head <= 0x7f)
		set_uint(&ret->node, head);
	else if (head >= 0xe0)
		set_int(&ret->node, (int8_t)head);
	else if (head <= 0x8f)
		set_branch(ret, true, head & 0xf);
	else if (head <= 0x9f)
		set_branch(ret, false, head & 0xf);
	else if (head <= 0xbf)
		take(w, &ret->node, true, head & 0x1f);
	else
		return read_long(w, head, ret);
	return true;
}

void msgpack_walk(struct body_walk *w)
{
	item_walk(w, read_item);
}
