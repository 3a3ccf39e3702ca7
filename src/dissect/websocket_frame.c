// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Frames to messages (RFC 6455 section 5). Lengths carry across what is missing inside a payload;
 * where the head of a frame may be missing the next one is looked for: right behind the gap, and
 * again whenever the other side has spoken.
 */
#include <stdio.h>
#include <string.h>

#include "base/limits.h"
#include "dissect/websocket.h"

enum { OP_CONTINUATION, OP_TEXT, OP_BINARY, OP_CLOSE = 8, OP_PING, OP_PONG };

static const char not_ended[] = "ended without its last frame";
static const char rest_lost[] = "what came after was lost";
static const char start_lost[] = "what came before was lost";

void ws_begin(struct websocket *w, struct text extensions, struct live_use *use)
{
	struct ws_inflate inflate[2] = { 0 };

	*w = (struct websocket){ .items = items_new() };
	ws_inflate_begin(inflate, extensions, use);
	for (int i = 0; i < 2; i++)
		w->side[i].inflate = inflate[i];
}

static bool is_control(const struct ws_side *s)
{
	return s->opcode >= OP_CLOSE;
}

static size_t head_length(const struct ws_side *s)
{
	if (s->have < 2)
		return 2;
	unsigned len = s->head[1] & 0x7f;
	return 2 + (len == 127 ? 8 : len == 126 ? 2 : 0) + (s->head[1] & 0x80 ? 4 : 0);
}

static uint64_t payload_length(const struct ws_side *s)
{
	uint64_t len = s->head[1] & 0x7f;
	size_t bytes = len == 127 ? 8 : len == 126 ? 2 : 0;

	if (bytes)
		len = 0;
	for (size_t i = 0; i < bytes; i++)
		len = len << 8 | s->head[2 + i];
	return len;
}

/* What is wrong with the head, so that what follows it has no place; NULL: nothing. */
static const char *head_fault(const struct ws_side *s, uint64_t len)
{
	unsigned reserved = s->head[0] & 0x70, opcode = s->head[0] & 0x0f;
	bool control = opcode >= OP_CLOSE, fin = s->head[0] & 0x80;
	bool compressed = s->inflate.agreed && (opcode == OP_TEXT || opcode == OP_BINARY);

	if (reserved & ~(compressed ? 0x40U : 0))
		return "a frame with reserved bits that nothing was agreed on for";
	if (opcode > OP_PONG || (opcode > OP_BINARY && !control))
		return "a frame of a kind that is reserved";
	if (control && (len > 125 || !fin))
		return "a control frame that is too long or in parts";
	if (len >> 63)
		return "a frame of 2^63 bytes or more";
	return NULL;
}

/* Might these bytes, found where a frame may begin, be the head of one? */
static bool is_likely(const struct ws_side *s, enum item_from from, uint64_t len)
{
	unsigned field = s->head[1] & 0x7f;
	bool shortest = field < 126 || (field == 126 ? len > 125 : len > 0xffff);

	return shortest && len <= LIMIT_WS_FRAME && s->masked == (from == ITEM_CLIENT);
}

static void end_message(struct websocket *w, struct ws_side *s, const char *note)
{
	if (s->data && note && !s->data->note)
		s->data->note = note;
	if (s->compressed && note)
		ws_inflate_skip(&s->inflate);
	if (s->compressed)
		ws_inflate_end(&s->inflate, w->items, s->data);
	if (s->data)
		s->data->end = s->bytes;
	items_end(w->items, s->data);
	s->data = NULL;
	s->compressed = false;
}

/* From here on nobody knows where frames begin. */
static void lose_place(struct websocket *w, struct ws_side *s, const char *fault)
{
	if (fault && !s->fault)
		s->fault = fault;
	s->unplaced += s->have;
	s->have = 0;
	end_message(w, s, rest_lost);
	/* What was compressed there is missing for what comes. */
	if (!s->inflate.no_takeover)
		ws_inflate_skip(&s->inflate);
	s->state = WS_UNPLACED;
}

static void begin_control(struct websocket *w, struct ws_side *s, enum item_from from, int64_t now)
{
	static const char *const kinds[] = { "close", "ping", "pong" };

	s->code_len = 0;
	s->control = items_begin(w->items, from, kinds[s->opcode - OP_CLOSE], now);
	if (!s->control)
		return;
	s->control->text = s->opcode == OP_CLOSE;
	s->control->at = s->begin;
	s->control->end = s->bytes + s->left;
	s->control->inside = true;
}

static void begin_data(struct websocket *w, struct ws_side *s, enum item_from from, int64_t now)
{
	bool goes_on = s->opcode == OP_CONTINUATION;

	if (goes_on && s->data)
		return;
	end_message(w, s, not_ended);
	s->data = items_begin(w->items, from,
			      goes_on		     ? "continuation"
			      : s->opcode == OP_TEXT ? "text"
						     : "binary",
			      now);
	s->compressed = s->head[0] & 0x40;
	if (!s->data)
		return;
	s->data->text = s->opcode == OP_TEXT;
	s->data->at = s->begin;
	s->data->note = s->compressed && s->inflate.fault ? s->inflate.fault
			: goes_on || s->found		  ? start_lost
							  : NULL;
	s->found = false;
}

static void end_frame(struct websocket *w, struct ws_side *s)
{
	if (is_control(s)) {
		items_end(w->items, s->control);
		s->control = NULL;
		s->closed = s->opcode == OP_CLOSE;
	} else if (s->fin) {
		end_message(w, s, NULL);
	}
	s->state = s->closed ? WS_UNPLACED : WS_HEAD;
	s->seeking = false;
	s->have = 0;
}

static void begin_frame(struct websocket *w, struct ws_side *s, enum item_from from, int64_t now)
{
	uint64_t len = payload_length(s);
	const char *fault = head_fault(s, len);

	s->masked = s->head[1] & 0x80;
	if (fault || (s->seeking && !is_likely(s, from, len))) {
		lose_place(w, s, s->seeking ? NULL : fault);
		return;
	}
	s->opcode = s->head[0] & 0x0f;
	s->fin = s->head[0] & 0x80;
	s->left = len;
	if (s->masked)
		memcpy(s->mask, s->head + s->have - 4, 4);
	if (is_control(s))
		begin_control(w, s, from, now);
	else
		begin_data(w, s, from, now);
	struct item *i = is_control(s) ? s->control : s->data;
	if (i && s->masked != (from == ITEM_CLIENT) && !i->note)
		i->note =
			s->masked ? "masked, as only a client may" : "not masked, as a client must";
	s->at = 0;
	s->have = 0;
	s->state = WS_PAYLOAD;
	if (!len)
		end_frame(w, s);
}

static const char *code_name(unsigned code)
{
	static const char *const names[] = {
		"normal closure",
		"going away",
		"protocol error",
		"unsupported data",
		"",
		"",
		"",
		"invalid payload data",
		"policy violation",
		"message too big",
		"extension missing",
		"internal error",
		"service restart",
		"try again later",
		"bad gateway",
	};

	return code >= 1000 && code - 1000 < sizeof(names) / sizeof(*names) ? names[code - 1000]
									    : "";
}

/* The first two bytes of a close are its code. */
static size_t take_code(struct websocket *w, struct ws_side *s, const uint8_t *data, size_t len)
{
	size_t n = 0;

	while (s->code_len < 2 && n < len)
		s->code[s->code_len++] = data[n++];
	if (n && s->code_len == 2) {
		char text[64];
		unsigned code = (unsigned)s->code[0] << 8 | s->code[1];
		int used = snprintf(text, sizeof(text), "%u %s", code, code_name(code));
		items_name(w->items, s->control, text, (size_t)used - (text[used - 1] == ' '));
	}
	return n;
}

static void take_payload(struct websocket *w, struct ws_side *s, const uint8_t *data, size_t len)
{
	struct item *i = is_control(s) ? s->control : s->data;

	if (i)
		i->size += len;
	if (!is_control(s) && s->compressed) {
		ws_inflate_put(&s->inflate, w->items, i, data, len);
		return;
	}
	size_t code = i == s->control && s->opcode == OP_CLOSE ? take_code(w, s, data, len) : 0;
	items_put(w->items, i, data + code, len - code);
}

static size_t feed_payload(struct websocket *w, struct ws_side *s, const uint8_t *data, size_t len)
{
	uint8_t clear[1024];
	size_t n = len < s->left ? len : (size_t)s->left;

	for (size_t done = 0, part; done < n && s->masked; done += part) {
		part = n - done < sizeof(clear) ? n - done : sizeof(clear);
		for (size_t k = 0; k < part; k++)
			clear[k] = data[done + k] ^ s->mask[(s->at + done + k) & 3];
		take_payload(w, s, clear, part);
	}
	if (!s->masked)
		take_payload(w, s, data, n);
	s->bytes += n;
	s->at += n;
	s->left -= n;
	if (!s->left)
		end_frame(w, s);
	return n;
}

static size_t feed_head(struct websocket *w, struct ws_side *s, enum item_from from,
			const uint8_t *data, size_t len, int64_t now)
{
	size_t n = 0;

	if (!s->have)
		s->begin = s->bytes;
	while (n < len && s->have < head_length(s))
		s->head[s->have++] = data[n++];
	s->bytes += n;
	if (s->have == head_length(s))
		begin_frame(w, s, from, now);
	return n;
}

/* Where the other side has spoken since, a frame may begin. */
static void note_turn(struct websocket *w, enum item_from from)
{
	struct ws_side *s = &w->side[from];

	if (w->spoke && w->last != from && s->state == WS_UNPLACED && !s->closed) {
		s->state = WS_HEAD;
		s->seeking = s->found = true;
	}
	w->spoke = true;
	w->last = from;
}

bool ws_is_over(const struct websocket *w)
{
	return w->side[0].closed && w->side[1].closed;
}

static size_t feed_unplaced(struct ws_side *s, size_t len)
{
	if (s->closed && !s->fault)
		s->fault = "bytes after its close message";
	s->unplaced += len;
	s->bytes += len;
	return len;
}

size_t ws_feed(struct websocket *w, enum item_from from, const uint8_t *data, size_t len,
	       int64_t now)
{
	struct ws_side *s = &w->side[from];
	size_t done = 0;

	if (len)
		note_turn(w, from);
	while (done < len && !ws_is_over(w)) {
		size_t left = len - done;
		done += s->state == WS_HEAD	 ? feed_head(w, s, from, data + done, left, now)
			: s->state == WS_PAYLOAD ? feed_payload(w, s, data + done, left)
						 : feed_unplaced(s, left);
	}
	return done;
}

static uint64_t skip_payload(struct websocket *w, struct ws_side *s, uint64_t len, enum gap_why why)
{
	uint64_t n = len < s->left ? len : s->left;
	struct item *i = is_control(s) ? s->control : s->data;

	if (i)
		i->size += n;
	if (!is_control(s) && s->compressed) {
		ws_inflate_skip(&s->inflate);
		ws_inflate_put(&s->inflate, w->items, i, NULL, 0); /* says so */
	} else {
		items_skip(i, n, why);
	}
	s->bytes += n;
	s->at += n;
	s->left -= n;
	if (!s->left)
		end_frame(w, s);
	return n;
}

void ws_gap(struct websocket *w, enum item_from from, uint64_t len, enum gap_why why, int64_t now)
{
	struct ws_side *s = &w->side[from];

	(void)now;
	note_turn(w, from);
	s->missing[why] += len;
	if (s->state == WS_PAYLOAD)
		len -= skip_payload(w, s, len, why);
	if (len && !s->closed)
		lose_place(w, s, NULL);
	s->bytes += len;
	if (!len || s->closed)
		return;
	s->state = WS_HEAD;
	s->seeking = s->found = true;
}

void ws_end(struct websocket *w)
{
	for (int from = 0; from < 2; from++) {
		struct ws_side *s = &w->side[from];
		if (s->state == WS_PAYLOAD && s->control && !s->control->note)
			s->control->note = not_ended;
		items_end(w->items, s->control);
		s->control = NULL;
		end_message(w, s, s->state == WS_UNPLACED ? rest_lost : not_ended);
	}
}

size_t ws_bytes(const struct websocket *w)
{
	return items_bytes(w->items) + ws_inflate_bytes(&w->side[0].inflate) +
	       ws_inflate_bytes(&w->side[1].inflate);
}

void ws_free(struct websocket *w)
{
	for (int i = 0; i < 2; i++)
		ws_inflate_free(&w->side[i].inflate);
	items_free(w->items);
	w->items = NULL;
}
