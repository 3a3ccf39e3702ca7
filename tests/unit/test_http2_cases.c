// SPDX-License-Identifier: GPL-2.0-or-later
/* HTTP/2: what each kind of frame makes of an entry, and what a hostile peer sends. */
#include "unit.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "h2_frames.h"

#include "base/buf.h"
#include "base/limits.h"
#include "dissect/dissect.h"
#include "entry.h"
#include "message.h"

struct wire {
	struct dissection *d;
	nghttp2_hd_deflater *deflater[2]; /* of the client, which writes, and of the server */
	uint64_t at[2], live;
	int64_t now;
	struct live_use use;
	struct buf told; /* a line for each entry */
	size_t count, bytes, complete;
};

static void note(void *ctx, struct entry *e)
{
	struct wire *w = ctx;

	assert_int_equal(entry_write_detail(e), 0);
	if (w->told.len < 100000)
		buf_printf(&w->told, "%s %s %s %s%s[%s] %.*s %s\n", e->protocol, e->method, e->path,
			   e->status, e->open ? " open " : " ", e->reason,
			   (int)e->response_body.len, e->response_body.data, buf_cstr(&e->detail));
	w->count++;
	w->complete += e->complete;
	w->bytes += entry_bytes(e);
	entry_free(e);
}

static void wire_open(struct wire *w, const struct conn_hint *hint)
{
	*w = (struct wire){ .now = 1000000 };
	const struct entry_sink sink = { note, w, &w->live, &w->use };

	w->d = dissect_open(&sink, hint);
	for (int i = 0; i < 2; i++)
		assert_int_equal(nghttp2_hd_deflate_new(&w->deflater[i], 4096), 0);
}

static void wire_send(struct wire *w, int side, struct buf *bytes)
{
	enum dir dir = side ? DIR_READ : DIR_WRITE;

	w->now += 100;
	dissect_feed(w->d, dir, (const uint8_t *)bytes->data, bytes->len, w->at[side], w->now);
	w->at[side] += bytes->len;
	buf_free(bytes);
}

static void wire_lose(struct wire *w, int side, size_t len)
{
	dissect_gap(w->d, side ? DIR_READ : DIR_WRITE, len, GAP_LOST, w->now);
	w->at[side] += len;
}

static void wire_begin(struct wire *w, const struct conn_hint *hint)
{
	struct buf b = { 0 };

	wire_open(w, hint);
	buf_puts(&b, PREFACE);
	h2_put_frame(&b, SETTINGS, 0, 0, NULL, 0);
	wire_send(w, 0, &b);
	h2_put_frame(&b, SETTINGS, 0, 0, NULL, 0);
	wire_send(w, 1, &b);
}

static void put_lines(struct wire *w, int side, struct buf *b, int type, int flags, uint32_t stream,
		      const char *const *lines, size_t n)
{
	struct buf block = { 0 };

	if (type == PUSH_PROMISE)
		h2_put_number(&block, 2);
	h2_put_block(w->deflater[side], &block, lines, n);
	h2_put_frame(b, type, flags | END_HEADERS, stream, block.data, block.len);
	buf_free(&block);
}

static void ask(struct wire *w, uint32_t stream, const char *path, int flags)
{
	char line[80];
	const char *const lines[] = { ":method: GET", ":scheme: https", ":authority: h", line };
	struct buf b = { 0 };

	snprintf(line, sizeof(line), ":path: %s", path);
	put_lines(w, 0, &b, HEADERS, flags, stream, lines, 4);
	wire_send(w, 0, &b);
}

static void answer(struct wire *w, uint32_t stream, const char *body)
{
	static const char *const lines[] = { ":status: 200", "server: s" };
	struct buf b = { 0 };

	put_lines(w, 1, &b, HEADERS, 0, stream, lines, 2);
	h2_put_frame(&b, DATA, END_STREAM, stream, body, strlen(body));
	wire_send(w, 1, &b);
}

static void wire_end(struct wire *w)
{
	dissect_close(w->d, w->now);
	assert_int_equal(w->use.open, 0);
	w->d = NULL;
	for (int i = 0; i < 2; i++)
		nghttp2_hd_deflate_del(w->deflater[i]);
}

static void wire_expect(struct wire *w, const char *const *words)
{
	const char *told = buf_cstr(&w->told);

	for (; *words; words++)
		if (!strstr(told, *words))
			fail_msg("lacks \"%s\": %s", *words, told);
	buf_free(&w->told);
}

#define EXPECT(w, ...) wire_expect(w, (const char *const[]){ __VA_ARGS__, NULL })

static const struct conn_hint from_start,
	midway = { .mid_stream = true, .opener_known = true, .opener = DIR_WRITE };

static void test_ended(void **state)
{
	struct wire w;
	struct buf b = { 0 };

	(void)state;
	wire_begin(&w, &from_start);
	ask(&w, 1, "/refused", END_STREAM);
	h2_put_reset(&b, 1, 7);
	wire_send(&w, 1, &b);
	ask(&w, 3, "/cancelled", END_STREAM);
	h2_put_reset(&b, 3, 8);
	wire_send(&w, 0, &b);
	answer(&w, 3, "too late");
	ask(&w, 5, "/calm", END_STREAM);
	ask(&w, 7, "/late", END_STREAM);
	h2_put_number(&b, 5);
	h2_put_number(&b, 11);
	struct buf goaway = { 0 };
	h2_put_frame(&goaway, GOAWAY, 0, 0, b.data, b.len);
	buf_free(&b);
	wire_send(&w, 1, &goaway);
	wire_end(&w);
	assert_int_equal(w.count, 4);
	EXPECT(&w, "/refused  [reset by the server: REFUSED_STREAM]",
	       "/cancelled  [reset by the client: CANCEL]",
	       "/late  [not processed, as the server said when it ended the connection (GOAWAY: "
	       "ENHANCE_YOUR_CALM)]",
	       "/calm  [no answer before the connection ended (GOAWAY: ENHANCE_YOUR_CALM)]");
}

static void test_push(void **state)
{
	static const char *const promise[] = { ":method: GET", ":scheme: https", ":authority: h",
					       ":path: /pushed" };
	struct wire w;
	struct buf b = { 0 };

	(void)state;
	wire_begin(&w, &from_start);
	ask(&w, 1, "/page", END_STREAM);
	put_lines(&w, 1, &b, PUSH_PROMISE, 0, 1, promise, 4);
	wire_send(&w, 1, &b);
	answer(&w, 1, "page");
	answer(&w, 2, "pushed");
	wire_end(&w);
	assert_int_equal(w.count, 2);
	assert_int_equal(w.complete, 2);
	EXPECT(&w, "http2 GET /page 200 [] page", "http2 GET /pushed 200 [] pushed",
	       "\"promised_on\":1", "promised by the server (PUSH_PROMISE)");
}

static void test_tunnels(void **state)
{
	static const char *const plain[] = { ":method: CONNECT", ":authority: inner:80" };
	static const char *const extended[] = { ":method: CONNECT", ":protocol: websocket",
						":scheme: https", ":path: /chat", ":authority: h" };
	static const char *const ok[] = { ":status: 200" };
	static const char inner[] = "GET /inner HTTP/1.1\r\n\r\n";
	static const char back[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nin";
	struct wire w;
	struct buf b = { 0 };

	(void)state;
	wire_begin(&w, &from_start);
	put_lines(&w, 0, &b, HEADERS, 0, 1, plain, 2);
	put_lines(&w, 0, &b, HEADERS, 0, 3, extended, 5);
	wire_send(&w, 0, &b);
	put_lines(&w, 1, &b, HEADERS, 0, 1, ok, 1);
	put_lines(&w, 1, &b, HEADERS, 0, 3, ok, 1);
	wire_send(&w, 1, &b);
	h2_put_frame(&b, DATA, 0, 1, inner, 5);
	h2_put_frame(&b, DATA, 0, 1, inner + 5, strlen(inner) - 5);
	wire_send(&w, 0, &b);
	h2_put_frame(&b, DATA, 0, 1, back, strlen(back));
	h2_put_reset(&b, 3, 0);
	wire_send(&w, 1, &b);
	wire_end(&w);
	assert_int_equal(w.count, 3);
	assert_int_equal(w.complete, 3);
	EXPECT(&w, "http2 CONNECT  200 []", "http2 CONNECT /chat 200 []",
	       "http GET /inner 200 [] in", "[\":protocol\",\"websocket\"]");
}

/* Tunnels in tunnels end somewhere. */
static void test_nested(void **state)
{
	struct buf in[2] = { 0 };
	struct wire w;

	(void)state;
	for (int level = 0; level < 2000; level++) {
		struct buf out[2] = { 0 };
		for (int i = 0; i < 2; i++) {
			static const char *const head[2] = { "\x02\x07"
							     "CONNECT",
							     "\x88" };
			if (!i)
				buf_puts(&out[0], PREFACE);
			h2_put_frame(&out[i], SETTINGS, 0, 0, NULL, 0);
			h2_put_frame(&out[i], HEADERS, END_HEADERS, 1, head[i], i ? 1 : 9);
			for (size_t at = 0; at < in[i].len; at += 16384)
				h2_put_frame(&out[i], DATA, 0, 1, in[i].data + at,
					     in[i].len - at < 16384 ? in[i].len - at : 16384);
			buf_free(&in[i]);
			in[i] = out[i];
		}
	}
	/* Each request is answered before what is sent in its tunnel. */
	wire_open(&w, &from_start);
	for (size_t level = 0; level < 2000; level++) {
		static const size_t size[2] = { 60, 28 };
		for (int i = 0; i < 2; i++) {
			struct buf part = { 0 };
			size_t at = level * size[i];
			if (at < in[i].len)
				buf_put(&part, in[i].data + at,
					in[i].len - at < size[i] ? in[i].len - at : size[i]);
			wire_send(&w, i, &part);
		}
	}
	buf_free(&in[0]);
	buf_free(&in[1]);
	wire_end(&w);
	assert_true(w.count >= LIMIT_BECOME && w.count < 20);
	buf_free(&w.told);
}

static void test_upgrade(void **state)
{
	struct wire w;
	struct buf b = { 0 };

	(void)state;
	wire_open(&w, &from_start);
	buf_puts(&b, "GET /old HTTP/1.1\r\nUpgrade: h2c\r\n\r\n");
	wire_send(&w, 0, &b);
	buf_puts(&b, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\n\r\n");
	h2_put_frame(&b, SETTINGS, 0, 0, NULL, 0);
	wire_send(&w, 1, &b);
	buf_puts(&b, PREFACE);
	h2_put_frame(&b, SETTINGS, 0, 0, NULL, 0);
	wire_send(&w, 0, &b);
	answer(&w, 1, "upgraded");
	ask(&w, 3, "/new", END_STREAM);
	answer(&w, 3, "new");
	wire_end(&w);
	EXPECT(&w, "http GET /old 101 []", "http2 GET /new 200 [] new",
	       "http2   200 [its request came over HTTP/1.1, before the upgrade] upgraded");
}

/* What was sent before is said to be; what is sent after resolves. */
static void test_joined(void **state)
{
	struct wire w;
	struct buf b = { 0 };

	(void)state;
	wire_open(&w, &midway);
	/* The newest entry, which nobody saw; one that is new; the new one, and that before it. */
	h2_put_frame(&b, HEADERS, END_HEADERS | END_STREAM, 5, "\x82\x87\xbe\x41\x01h", 6);
	h2_put_frame(&b, HEADERS, END_HEADERS | END_STREAM, 7, "\x82\x87\x44\x02/n\xbf", 7);
	h2_put_frame(&b, HEADERS, END_HEADERS | END_STREAM, 9, "\x82\x87\xbe\xbf", 4);
	h2_put_frame(&b, HEADERS, END_HEADERS | END_STREAM, 11, "\x82\x87\xbe\xbf\xc0\x7e\x01v", 8);
	wire_send(&w, 0, &b);
	for (uint32_t i = 5; i <= 11; i += 2)
		answer(&w, i, "ok");
	wire_end(&w);
	assert_int_equal(w.complete, 2);
	EXPECT(&w, "http2 GET  200 [request: joined late: :path was sent before] ok",
	       "http2 GET /n 200 [] ok {\"request\":{\"method\":\"GET\",\"target\":\"/n\",",
	       "[[\":scheme\",\"https\"],[\":authority\",\"h\"]],\"head_size\":13",
	       "http2 GET /n 200 [request: joined late: some header fields were sent before] ok");
}

/* A gap inside DATA costs these bytes, one inside a header block what depends on it. */
static void test_gaps(void **state)
{
	static const char *const head[] = { ":status: 200", "x-new: value" };
	struct wire w;
	struct buf b = { 0 }, cut = { 0 };

	(void)state;
	wire_begin(&w, &from_start);
	ask(&w, 1, "/data", END_STREAM);
	ask(&w, 3, "/head", END_STREAM);
	ask(&w, 5, "/whole", END_STREAM);
	put_lines(&w, 1, &b, HEADERS, 0, 1, head, 2);
	h2_put_frame(&b, DATA, END_STREAM, 1, "0123456789", 10);
	buf_put(&cut, b.data, b.len - 7);
	wire_send(&w, 1, &cut);
	wire_lose(&w, 1, 3);
	buf_put(&cut, b.data + b.len - 4, 4);
	wire_send(&w, 1, &cut);
	buf_reset(&b);
	put_lines(&w, 1, &b, HEADERS, 0, 3, head, 2);
	size_t block = b.len;
	h2_put_frame(&b, DATA, END_STREAM, 3, "body", 4);
	buf_put(&cut, b.data, block - 1);
	wire_send(&w, 1, &cut);
	wire_lose(&w, 1, 1);
	buf_put(&cut, b.data + block, b.len - block);
	wire_send(&w, 1, &cut);
	buf_free(&b);
	ask(&w, 7, "/healed", END_STREAM);
	put_lines(&w, 1, &b, HEADERS, END_STREAM, 5, head, 2);
	h2_put_frame(&b, HEADERS, END_HEADERS | END_STREAM, 7, "\x88\x40\x01n\x01v\xbe", 7);
	wire_send(&w, 1, &b);
	wire_end(&w);
	assert_int_equal(w.count, 4);
	EXPECT(&w, "/data 200 [response: 3 bytes lost] 0126789",
	       "\"gaps\":[{\"offset\":3,\"length\":3",
	       "/head 200 [response: bytes missing inside the head; response: 1 bytes lost] body",
	       "/whole 200 [response: bytes lost: some header fields were sent before]",
	       "/healed 200 []", "[[\"n\",\"v\"],[\"n\",\"v\"]]");
}

/* Hostile peers: bounded memory and time, and a reason. */

static size_t memory(void)
{
	return mallinfo2().uordblks + mallinfo2().hblkhd;
}

static void test_many_streams(void **state)
{
	struct wire w;

	(void)state;
	wire_begin(&w, &from_start);
	for (uint32_t i = 0; i < 10000; i++) {
		ask(&w, 2 * i + 1, "/", END_STREAM);
		if (i >= 1000)
			answer(&w, 2 * (i - 1000) + 1, "ok");
	}
	assert_int_equal(w.complete, 9000);
	for (uint32_t i = 9000; i < 10000; i++)
		answer(&w, 2 * i + 1, "ok");
	assert_int_equal(w.complete, 10000);
	buf_free(&w.told);
	for (uint32_t i = 10000; i < 10010 + LIMIT_H2_STREAMS; i++)
		ask(&w, 2 * i + 1, "/", END_STREAM);
	assert_int_equal(w.count, 10010);
	EXPECT(&w, "[more streams at once than are followed]");
	ask(&w, INT32_MAX, "/last", END_STREAM);
	answer(&w, INT32_MAX, "highest");
	EXPECT(&w, "/last 200 [] highest");
	wire_end(&w);
	buf_free(&w.told);
}

static void test_rapid_reset(void **state)
{
	struct wire w;
	struct buf b = { 0 };

	(void)state;
	wire_begin(&w, &from_start);
	size_t before = memory();
	for (uint32_t i = 0; i < 100000; i++) {
		ask(&w, 2 * i + 1, "/", END_STREAM);
		h2_put_reset(&b, 2 * i + 1, 8);
		wire_send(&w, 0, &b);
	}
	assert_int_equal(w.count, 100000);
	assert_true(memory() - before < 200000);
	for (int i = 0; i < 100000; i++) {
		h2_put_frame(&b, SETTINGS, 0, 0, "\0\1\x7f\xff\xff\xff", 6);
		h2_put_frame(&b, WINDOW_UPDATE, 0, 0, "\x7f\xff\xff\xff", 4);
		wire_send(&w, i & 1, &b);
	}
	assert_true(memory() - before < 200000);
	wire_end(&w);
	buf_free(&w.told);
}

/* A table of large values, and blocks that name them again and again. */
static void test_bomb(void **state)
{
	struct wire w;
	struct buf b = { 0 }, block = { 0 };
	size_t before = memory(), sent = 0;

	(void)state;
	wire_begin(&w, &from_start);
	buf_put(&block, "\x82\x87\x84\x40\x01x\x7f\xa1\x1e", 9);
	for (int i = 0; i < 4000; i++)
		buf_putc(&block, 'v');
	h2_put_frame(&b, HEADERS, END_HEADERS | END_STREAM, 1, block.data, block.len);
	wire_send(&w, 0, &b);
	buf_reset(&block);
	buf_put(&block, "\x82\x87\x84", 3);
	for (int i = 0; i < 4000; i++)
		buf_putc(&block, (char)0xbe);
	for (uint32_t i = 1; i < 500; i++) {
		h2_put_frame(&b, HEADERS, END_HEADERS | END_STREAM, 2 * i + 1, block.data,
			     block.len);
		h2_put_reset(&b, 2 * i + 1, 8);
		sent += b.len;
		wire_send(&w, 0, &b);
	}
	buf_free(&block);
	assert_true(w.bytes < 2 * (LIMIT_H2_CREDIT + sent * LIMIT_H2_EXPANSION));
	EXPECT(&w, "head longer than what is kept");
	wire_end(&w);
	buf_free(&w.told);
	assert_true(memory() - before < 200000);
}

/* CONTINUATION without an end, and a list of 16 MiB: nothing of it is kept past LIMIT_HEAD_BYTES.
 */
static void test_endless(void **state)
{
	struct wire w;
	struct buf b = { 0 }, block = { 0 };

	(void)state;
	wire_begin(&w, &from_start);
	size_t before = memory();
	h2_put_frame(&b, HEADERS, 0, 1, "\x82\x87\x84", 3);
	wire_send(&w, 0, &b);
	buf_put(&block, "\x00\x01x\x7f\x81\x7e", 6);
	while (block.len < 6 + 16256)
		buf_putc(&block, 'v');
	for (int i = 0; i < 1024; i++) {
		h2_put_frame(&b, CONTINUATION, 0, 1, block.data,
			     16384 < block.len ? 16384 : block.len);
		wire_send(&w, 0, &b);
	}
	assert_true(memory() - before < 2 * LIMIT_HEAD_BYTES + 200000);
	wire_end(&w);
	EXPECT(&w, "head longer than what is kept");
	buf_free(&block);

	/* One field that is longer than any. */
	wire_begin(&w, &from_start);
	before = memory();
	h2_put_frame(&b, HEADERS, 0, 1, "\x82\x87\x84\x00\x01x\x7f\xff\xff\xff\x07", 11);
	wire_send(&w, 0, &b);
	char *zeros = calloc(1, 16384);
	for (int i = 0; i < 1024; i++) {
		h2_put_frame(&b, CONTINUATION, 0, 1, zeros, 16384);
		wire_send(&w, 0, &b);
	}
	free(zeros);
	assert_true(memory() - before < 200000);
	wire_end(&w);
	EXPECT(&w, "GET / ");
}

/* Bodies of many streams share what a connection may hold. */
static void test_held(void **state)
{
	struct wire w;
	struct buf b = { 0 };
	char *body = calloc(1, 16384);

	(void)state;
	wire_begin(&w, &from_start);
	size_t before = memory();
	for (uint32_t i = 0; i < 100; i++) {
		ask(&w, 2 * i + 1, "/", 0);
		for (int j = 0; j < 64; j++)
			h2_put_frame(&b, DATA, 0, 2 * i + 1, body, 16384);
		wire_send(&w, 0, &b);
	}
	/* Buffers that grow have up to twice what they hold. */
	assert_true(memory() - before < 2 * (size_t)LIMIT_H2_HELD + (1 << 20));
	wire_end(&w);
	EXPECT(&w, "bytes of the body not copied");
	free(body);
}

/* An idle connection keeps the two tables of HPACK, of 4 KiB each unless the peers make it more. */
static void test_idle(void **state)
{
	static struct wire w[100];
	size_t before = memory(), deflaters = 0;

	(void)state;
	for (int i = 0; i < 100; i++) {
		size_t start = memory();
		nghttp2_hd_deflater *d[2];
		for (int j = 0; j < 2; j++)
			assert_int_equal(nghttp2_hd_deflate_new(&d[j], 4096), 0);
		deflaters += memory() - start;
		for (int j = 0; j < 2; j++)
			nghttp2_hd_deflate_del(d[j]);
		wire_begin(&w[i], &from_start);
		for (uint32_t id = 1; id < 200; id += 2) {
			ask(&w[i], id, "/some/path", END_STREAM);
			answer(&w[i], id, "ok");
		}
		buf_free(&w[i].told);
		assert_false(dissect_alive(w[i].d));
	}
	size_t each = (memory() - before - deflaters) / 100;
	print_message("# an idle connection has %zu bytes\n", each);
	assert_true(each < 8 << 10);
	for (int i = 0; i < 100; i++)
		wire_end(&w[i]);
}

/* Told while it goes on, again when it changed, and at its end, under one number. */
static void test_live(void **state)
{
	static const char *const head[] = { ":status: 200" };
	struct wire w;
	struct buf b = { 0 };

	(void)state;
	wire_begin(&w, &from_start);
	ask(&w, 1, "/live", END_STREAM);
	w.now += LIMIT_LIVE_MS * 1000;
	dissect_tick(w.d, w.now);
	EXPECT(&w, "http2 GET /live  open []");
	put_lines(&w, 1, &b, HEADERS, 0, 1, head, 1);
	h2_put_frame(&b, DATA, 0, 1, "first ", 6);
	wire_send(&w, 1, &b);
	w.now += LIMIT_LIVE_INTERVAL_MS * 1000;
	dissect_tick(w.d, w.now);
	EXPECT(&w, "http2 GET /live 200 open [] first ");
	assert_true(dissect_alive(w.d));
	h2_put_frame(&b, DATA, END_STREAM, 1, "last", 4);
	wire_send(&w, 1, &b);
	EXPECT(&w, "http2 GET /live 200 [] first last");
	assert_int_equal(w.count, 3);
	assert_int_equal(w.live, 1);
	wire_end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ended),	    cmocka_unit_test(test_push),
		cmocka_unit_test(test_tunnels),	    cmocka_unit_test(test_nested),
		cmocka_unit_test(test_upgrade),	    cmocka_unit_test(test_joined),
		cmocka_unit_test(test_gaps),	    cmocka_unit_test(test_many_streams),
		cmocka_unit_test(test_rapid_reset), cmocka_unit_test(test_bomb),
		cmocka_unit_test(test_endless),	    cmocka_unit_test(test_held),
		cmocka_unit_test(test_idle),	    cmocka_unit_test(test_live),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
