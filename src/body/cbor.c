// SPDX-License-Identifier: GPL-2.0-or-later
/* CBOR (RFC 8949), sequences of it (RFC 8742). */
#include <math.h>
#include <string.h>

#include "body/item_walk.h"

enum { UNSIGNED, NEGATIVE, BYTE_STRING, TEXT_STRING, ARRAY, MAP, TAG, SIMPLE };

#define INDEFINITE     31
#define SELF_DESCRIBED 55799 /* section 3.4.6: says "this is CBOR", no more */

struct head {
	unsigned major, info;
	uint64_t value;
};

static bool read_head(struct body_walk *w, struct head *ret)
{
	size_t start = w->at;

	if (!item_has(w, 1))
		return false;
	uint8_t first = w->data[w->at++];
	*ret = (struct head){ first >> 5, first & 0x1f, first & 0x1f };
	if (ret->info < 24)
		return true;
	if (ret->info == INDEFINITE) {
		if (ret->major == UNSIGNED || ret->major == NEGATIVE || ret->major == TAG)
			return body_cut(w, "a byte that begins no value", start);
		return true;
	}
	if (ret->info > 27)
		return body_cut(w, "a byte that begins no value", start);
	unsigned width = 1U << (ret->info - 24);
	if (!item_has(w, width))
		return false;
	ret->value = body_be(w->data + w->at, width);
	w->at += width;
	return true;
}

/* Tags say more of the value behind them; the outermost is told. */
static bool read_tagged(struct body_walk *w, struct body_node *n, struct head *ret)
{
	for (;;) {
		n->start = w->at;
		if (!read_head(w, ret))
			return false;
		if (ret->major != TAG)
			return true;
		w->work += w->at - n->start;
		if (!n->tagged && ret->value != SELF_DESCRIBED) {
			n->tagged = true;
			n->tag = ret->value;
		}
	}
}

/* A string in pieces (section 3.2.3): strings of the same kind with a length, up to a break. */
static bool join(struct body_walk *w, struct body_node *n, unsigned major)
{
	struct head h;

	buf_reset(&w->joined);
	n->head_end = w->at;
	for (;;) {
		size_t start = w->at;
		struct body_node piece = { 0 };
		if (!read_head(w, &h))
			break;
		if (h.major == SIMPLE && h.info == INDEFINITE)
			break;
		if (h.major != major || h.info == INDEFINITE)
			return body_cut(w, "a piece of a string that is none", start);
		item_take(w, &piece, BODY_BYTES, h.value);
		if (buf_put(&w->joined, piece.text.data, piece.text.len))
			return body_cut(w, "out of memory", start);
		n->cut |= piece.cut;
	}
	n->text = (struct text){ w->joined.data ? w->joined.data : "", w->joined.len };
	n->cut |= w->cut != NULL;
	return true;
}

static bool read_string(struct body_walk *w, struct body_node *n, const struct head *h)
{
	bool text = h->major == TEXT_STRING;

	if (h->info != INDEFINITE)
		item_take(w, n, text ? BODY_TEXT : BODY_BYTES, h->value);
	else if (!join(w, n, h->major))
		return false;
	n->kind = text ? BODY_TEXT : BODY_BYTES;
	n->type = text ? "text" : "bytes";
	return true;
}

/* IEEE 754 half precision (appendix D): 11 bits and a power of two. */
static double half(uint64_t bits)
{
	uint64_t exponent = bits >> 10 & 0x1f, fraction = bits & 0x3ff;
	uint64_t power = (exponent ? exponent - 25 + 1023 : 1023 - 24) << 52;
	double scale, v;

	memcpy(&scale, &power, sizeof(scale));
	v = (double)(exponent ? fraction + 1024 : fraction) * scale;
	if (exponent == 31)
		v = fraction ? NAN : INFINITY;
	return bits & 0x8000 ? -v : v;
}

static void set_real(struct body_node *n, const struct head *h)
{
	uint32_t single = (uint32_t)h->value;
	float f;

	n->kind = BODY_REAL;
	n->real_bits = 16U << (h->info - 25);
	if (h->info == 25) {
		n->type = "float 16";
		n->d = half(h->value);
	} else if (h->info == 26) {
		n->type = "float 32";
		memcpy(&f, &single, sizeof(f));
		n->d = (double)f;
	} else {
		n->type = "float 64";
		memcpy(&n->d, &h->value, sizeof(n->d));
	}
}

static void set_simple(struct body_item *item, const struct head *h)
{
	struct body_node *n = &item->node;

	item->is_break = h->info == INDEFINITE;
	if (h->info >= 25 && h->info <= 27) {
		set_real(n, h);
	} else if (h->value == 20 || h->value == 21) {
		n->kind = BODY_BOOL;
		n->type = "bool";
		n->b = h->value & 1;
	} else if (h->value == 22 || h->value == 23) {
		n->kind = BODY_NULL;
		n->type = h->value == 22 ? "null" : "undefined";
	} else {
		n->kind = BODY_UINT;
		n->type = "simple";
		n->u = h->value;
	}
}

static void set_negative(struct body_walk *w, struct body_node *n, uint64_t u)
{
	n->type = "negative";
	if (u <= INT64_MAX) {
		n->kind = BODY_INT;
		n->i = -1 - (int64_t)u;
	} else {
		n->kind = BODY_DIGITS;
		n->text = body_digits(w, u, true);
	}
}

static void set_branch(struct body_item *item, const struct head *h)
{
	bool map = h->major == MAP;

	item->node.kind = map ? BODY_MAP : BODY_LIST;
	item->node.type = map ? "map" : "array";
	item->indefinite = h->info == INDEFINITE;
	item->count = h->value;
	/* A count that cannot be is as good as the largest one: the bytes end before. */
	if (map)
		item->count = h->value > UINT64_MAX / 2 ? UINT64_MAX : 2 * h->value;
}

static void label_epoch(struct body_walk *w, struct body_node *n)
{
	if (!n->tagged || n->tag != 1)
		return;
	if (n->kind == BODY_UINT || n->kind == BODY_INT)
		item_label_time(w, n, n->i);
	else if (n->kind == BODY_REAL && fabs(n->d) < 1e15)
		item_label_time(w, n, (int64_t)n->d);
}

static bool read_item(struct body_walk *w, struct body_item *ret)
{
	struct body_node *n = &ret->node;
	struct head h;

	if (!read_tagged(w, n, &h))
		return false;
	switch (h.major) {
	case UNSIGNED:
		n->kind = BODY_UINT;
		n->type = "unsigned";
		n->u = h.value;
		break;
	case NEGATIVE:
		set_negative(w, n, h.value);
		break;
	case BYTE_STRING:
	case TEXT_STRING:
		return read_string(w, n, &h);
	case ARRAY:
	case MAP:
		set_branch(ret, &h);
		break;
	default:
		set_simple(ret, &h);
	}
	label_epoch(w, n);
	return true;
}

void cbor_walk(struct body_walk *w)
{
	item_walk(w, read_item);
}
