// SPDX-License-Identifier: GPL-2.0-or-later
/* The messages of an exchange that both ends saw, each with losses of its own, are one list. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "dissect/http_stream.h"
#include "dissect/websocket.h"
#include "ends.h"
#include "entry.h"
#include "items.h"
#include "message.h"

enum { MESSAGES = 40, ROUNDS = 3000 };

static unsigned seed;

static unsigned any(unsigned n)
{
	seed = seed * 1103515245 + 12345;
	return (seed >> 16) % n;
}

/* What one side sends, and what one end sees of it. */
struct side {
	struct buf bytes;
	bool missing[1 << 14];
};

static void put_frame(struct buf *b, bool masked, uint8_t first, const char *text, size_t len)
{
	buf_putc(b, (char)first);
	buf_putc(b, (char)(len | (masked ? 0x80 : 0)));
	if (masked)
		buf_put(b, "\0\0\0\0", 4);
	buf_put(b, text, len);
}

/* "<1.03:dddd>" is the text of message 3 of the server. */
static void make_text(char text[120], int side, int n)
{
	int len = snprintf(text, 120, "<%d.%02d:", side, n);

	for (unsigned more = any(90); more; more--)
		text[len++] = (char)('a' + n % 26);
	strcpy(text + len, ">");
}

static void put_websocket(struct buf *b, int side)
{
	for (int n = 0; n < MESSAGES; n++) {
		char text[120];
		make_text(text, side, n);
		size_t len = strlen(text), at = any(3) ? len : any((unsigned)len);
		put_frame(b, !side, at < len ? 0x01 : 0x81, text, at);
		if (at < len && any(2))
			put_frame(b, !side, 0x89, "ping", 4);
		if (at < len)
			put_frame(b, !side, 0x80, text + at, len - at);
	}
}

static void put_events(struct buf *b, int side)
{
	for (int n = 0; side && n < MESSAGES; n++) {
		char text[120];
		make_text(text, side, n);
		buf_printf(b, "data: %s\n\n", text);
	}
}

/* Some records are lost. */
static void lose(struct side *s)
{
	memset(s->missing, 0, sizeof(s->missing));
	for (unsigned gaps = any(4); gaps && s->bytes.len; gaps--) {
		size_t at = any((unsigned)s->bytes.len), n = 1 + any(any(2) ? 20 : 300);
		for (size_t i = at; i < at + n && i < s->bytes.len; i++)
			s->missing[i] = true;
	}
}

struct end {
	struct websocket ws;
	struct message *answer;
	struct http_stream *stream;
};

static void feed(struct end *e, int side, const uint8_t *data, size_t len, bool gap, int64_t now)
{
	if (e->stream && gap)
		http_stream_gap(e->stream, len, GAP_LOST, now);
	else if (e->stream)
		http_stream_feed(e->stream, data, len, now);
	else if (gap)
		ws_gap(&e->ws, (enum item_from)side, len, GAP_LOST, now);
	else
		ws_feed(&e->ws, (enum item_from)side, data, len, now);
}

/* Both sides in turns, piece by piece. */
static struct items *watch(struct side sides[2], bool websocket, int64_t now)
{
	struct end e = { 0 };
	size_t at[2] = { 0, 0 };
	struct items *l;

	if (websocket) {
		ws_begin(&e.ws, (struct text){ 0 }, NULL);
	} else {
		e.answer = message_new(false, NULL);
		e.answer->content_type = (struct text){ "text/event-stream", 17 };
		e.stream = http_stream_new(e.answer);
	}
	while (at[0] < sides[0].bytes.len || at[1] < sides[1].bytes.len) {
		for (int i = 0; i < 2; i++) {
			struct side *s = &sides[i];
			size_t n = 0, room = s->bytes.len - at[i];
			room = room < 50 ? room : 50;
			while (n < room && s->missing[at[i] + n] == s->missing[at[i]])
				n++;
			if (n)
				feed(&e, i, (const uint8_t *)s->bytes.data + at[i], n,
				     s->missing[at[i]], now + (int64_t)(at[0] + at[1]));
			at[i] += n;
		}
	}
	if (e.stream) {
		http_stream_end(e.stream);
		l = http_stream_take_items(e.stream);
		http_stream_free(e.stream);
		message_free(e.answer);
		return l;
	}
	ws_end(&e.ws);
	l = e.ws.items;
	e.ws.items = NULL;
	ws_free(&e.ws);
	return l;
}

/* How often a message stands there as a whole, and how often something of it does. */
struct found {
	unsigned whole[2][MESSAGES], some[2][MESSAGES];
};

static struct found find(const struct items *l)
{
	struct found f = { 0 };

	for (const struct item *i = l->first; i; i = i->next) {
		const struct buf *b = &i->content.bytes;
		char head[16];
		int side, n;
		if (!b->len || sscanf(buf_cstr((struct buf *)b), "<%d.%d:", &side, &n) != 2)
			continue;
		snprintf(head, sizeof(head), "<%d.%02d:", side, n);
		/* What was lost may have joined the digits of two numbers. */
		if (strncmp(b->data, head, strlen(head)) != 0 || side > 1 || n >= MESSAGES)
			continue;
		f.some[side][n]++;
		f.whole[side][n] += !i->note && !i->content.gap_count && b->data[b->len - 1] == '>';
	}
	return f;
}

static void check(const struct found *c, const struct found *s, const struct items *l)
{
	const struct found all = find(l);
	int64_t last = 0;

	for (int i = 0; i < 2; i++)
		for (int n = 0; n < MESSAGES; n++) {
			bool whole = c->whole[i][n] || s->whole[i][n];
			if (all.whole[i][n] < whole || all.some[i][n] > 1)
				fail_msg("seed %u: message %d.%d stands %u times, whole %u, of %u "
					 "and %u",
					 seed, i, n, all.some[i][n], all.whole[i][n],
					 c->whole[i][n], s->whole[i][n]);
		}
	unsigned count = 0;
	for (const struct item *i = l->first; i; i = i->next, count++) {
		assert_true(i->time_us >= last || !i->end);
		last = i->end ? i->time_us : last;
	}
	assert_int_equal(count, l->count);
	assert_int_equal(l->total, l->count + l->omitted);
}

static void run(bool websocket)
{
	static struct side sides[2];

	for (unsigned round = 0; round < ROUNDS; round++) {
		seed = round * 7919 + 1;
		for (int i = 0; i < 2; i++) {
			buf_reset(&sides[i].bytes);
			(websocket ? put_websocket : put_events)(&sides[i].bytes, i);
			assert_true(sides[i].bytes.len <= sizeof(sides[i].missing));
			lose(&sides[i]);
		}
		struct items *c = watch(sides, websocket, 1000);
		lose(&sides[0]);
		lose(&sides[1]);
		struct items *s = watch(sides, websocket, 1001);
		const struct found fc = find(c), fs = find(s);
		struct items *l = items_unite_take(c, s);
		check(&fc, &fs, l);
		items_free(l);
	}
	buf_free(&sides[0].bytes);
	buf_free(&sides[1].bytes);
}

static void test_websocket(void **state)
{
	(void)state;
	run(true);
}

static void test_events(void **state)
{
	(void)state;
	run(false);
}

/* Nobody saw all of it; both together did. */
static void test_fill(void **state)
{
	struct items *l[2];

	(void)state;
	for (int end = 0; end < 2; end++) {
		l[end] = items_new();
		struct item *i = items_begin(l[end], ITEM_SERVER, "text", 1000 + end);
		i->end = 10;
		items_put(l[end], i, "01", 2);
		if (end)
			items_put(l[end], i, "234", 3);
		else
			items_skip(i, 3, GAP_LOST);
		items_put(l[end], i, "5", 1);
		if (end)
			items_skip(i, 3, GAP_LOST);
		else
			items_put(l[end], i, "678", 3);
		items_skip(i, 1, GAP_LOST);
		items_end(l[end], i);
	}
	struct items *all = items_unite_take(l[0], l[1]);
	const struct item *i = all->first;
	assert_int_equal(all->count, 1);
	assert_int_equal(i->time_us, 1000);
	assert_int_equal(i->content.bytes.len, 9);
	assert_memory_equal(i->content.bytes.data, "012345678", 9);
	assert_int_equal(i->content.missing[GAP_LOST], 1);
	assert_int_equal(all->bytes, 9);
	items_free(all);
}

#define UPGRADE                                                                                    \
	"GET /chat HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"           \
	"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
#define UPGRADED                                                                                   \
	"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n"

static void send_frame(struct ends *e, bool lost_at[2], int n)
{
	char text[16];
	struct buf b = { 0 };

	snprintf(text, sizeof(text), "message %d", n);
	put_frame(&b, false, 0x81, text, strlen(text));
	for (int end = 1; end >= 0; end--) {
		struct wire *w = end ? &e->s : &e->c;
		uint32_t len = (uint32_t)b.len;
		ends_now(e->t, w);
		wire_data(w, end ? EV_WRITE : EV_READ, b.data, lost_at[end] ? 0 : len, len,
			  lost_at[end] ? EV_F_FAULT : 0);
	}
	buf_free(&b);
}

/* Through the sessions: each end lost other messages, the entry has all. */
static void test_both_ends(void **state)
{
	struct told *t = *state;
	struct ends e = ends_open(t, 1, 1000);

	ends_write(t, &e.c, UPGRADE);
	ends_read(t, &e.s, UPGRADE);
	ends_write(t, &e.s, UPGRADED);
	ends_read(t, &e.c, UPGRADED);
	for (int n = 0; n < 9; n++)
		send_frame(&e, (bool[2]){ n == 2, false }, n);
	wire_close(&e.s);
	wire_close(&e.c);
	const struct entry *x = t->entries[t->count - 1];
	assert_string_equal(x->ends, "both");
	assert_string_equal(x->protocol, "websocket");
	for (int n = 0; n < 9; n++) {
		char want[40];
		snprintf(want, sizeof(want), "\"text\":\"message %d\"", n);
		const char *at = strstr(buf_cstr(&((struct entry *)x)->detail), want);
		assert_non_null(at);
		assert_null(strstr(at + 1, want));
	}
	assert_non_null(strstr(buf_cstr(&((struct entry *)x)->detail), "\"messages_total\":9"));
	assert_true(x->complete);
	assert_int_equal(x->lost_bytes, 0);
	assert_string_equal(x->version, "13");
	assert_true(told_remarks(x, "missing at the client"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_websocket),
		cmocka_unit_test(test_events),
		cmocka_unit_test(test_fill),
		cmocka_unit_test_setup_teardown(test_both_ends, told_setup, told_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
