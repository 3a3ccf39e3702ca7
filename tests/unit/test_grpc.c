// SPDX-License-Identifier: GPL-2.0-or-later
/* What streams of HTTP/2 carry, message by message: calls of gRPC, events, WebSockets. From frames
 * to what is stored of them. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "h2_frames.h"

#include "base/buf.h"
#include "base/limits.h"
#include "body/proto_set.h"
#include "dissect/dissect.h"
#include "entry.h"
#include "message.h"
#include "redact/redact.h"

static struct redact *redact;

struct call {
	struct dissection *d;
	nghttp2_hd_deflater *deflater[2];
	uint64_t at[2], live;
	int64_t now;
	struct live_use use;
	size_t held, step;
	struct buf told, last; /* last: the body of the answer */
	size_t count, open;
};

static void note(void *ctx, struct entry *e)
{
	struct call *c = ctx;

	assert_int_equal(redact_entry(redact, e), 0);
	if (e->open)
		c->open++;
	else
		c->count++;
	buf_printf(&c->told, "%s %s [%s]%s%s %s\n", e->protocol, e->path, e->status,
		   e->failed ? " failed" : "", e->open ? " open" : "", buf_cstr(&e->detail));
	buf_free(&c->last);
	c->last = e->response_body;
	e->response_body = (struct buf){ 0 };
	entry_free(e);
}

static void send_bytes(struct call *c, int side, struct buf *b)
{
	c->now += 1000;
	for (size_t i = 0, n; i < b->len; i += n) {
		n = c->step && c->step < b->len - i ? c->step : b->len - i;
		dissect_feed(c->d, side ? DIR_READ : DIR_WRITE, (const uint8_t *)b->data + i, n,
			     c->at[side], c->now);
		c->at[side] += n;
	}
	buf_free(b);
}

static void open_call(struct call *c, size_t step)
{
	static const struct conn_hint from_start;

	*c = (struct call){ .now = 1000000, .step = step };
	const struct entry_sink sink = { note, c, &c->live, &c->use, &c->held };
	c->d = dissect_open(&sink, &from_start);
	for (int i = 0; i < 2; i++)
		assert_int_equal(nghttp2_hd_deflate_new(&c->deflater[i], 4096), 0);
}

static void begin(struct call *c, size_t step)
{
	struct buf b = { 0 };

	open_call(c, step);
	buf_puts(&b, PREFACE);
	h2_put_frame(&b, SETTINGS, 0, 0, NULL, 0);
	send_bytes(c, 0, &b);
	h2_put_frame(&b, SETTINGS, 0, 0, NULL, 0);
	send_bytes(c, 1, &b);
}

static void end(struct call *c)
{
	dissect_close(c->d, c->now);
	assert_int_equal(c->use.open, 0);
	assert_int_equal(c->held, 0);
	for (int i = 0; i < 2; i++)
		nghttp2_hd_deflate_del(c->deflater[i]);
}

static void expect(struct call *c, const char *const *words)
{
	const char *told = buf_cstr(&c->told);

	for (; *words; words++)
		if (**words == '!' ? strstr(told, *words + 1) != NULL : !strstr(told, *words))
			fail_msg("\"%s\": %s", *words, told);
	buf_free(&c->told);
	buf_free(&c->last);
}

#define EXPECT(c, ...) expect(c, (const char *const[]){ __VA_ARGS__, NULL })

static void head(struct call *c, int side, uint32_t stream, int flags, const char *const *lines)
{
	struct buf b = { 0 }, block = { 0 };
	size_t n = 0;

	while (lines[n])
		n++;
	h2_put_block(c->deflater[side], &block, lines, n);
	h2_put_frame(&b, HEADERS, flags | END_HEADERS, stream, block.data, block.len);
	buf_free(&block);
	send_bytes(c, side, &b);
}

#define HEAD(c, side, stream, flags, ...)                                                          \
	head(c, side, stream, flags, (const char *const[]){ __VA_ARGS__, NULL })

static void ask(struct call *c, uint32_t stream, const char *path)
{
	HEAD(c, 0, stream, 0, ":method: POST", ":scheme: https", path, ":authority: h",
	     "content-type: application/grpc+proto", "grpc-encoding: gzip", "te: trailers");
}

static void answer(struct call *c, uint32_t stream)
{
	HEAD(c, 1, stream, 0, ":status: 200", "content-type: application/grpc");
}

static void put_message(struct buf *b, int flag, const void *data, size_t len)
{
	buf_putc(b, (char)flag);
	h2_put_number(b, (uint32_t)len);
	buf_put(b, data, len);
}

static void say(struct call *c, int side, uint32_t stream, int flags, struct buf *messages)
{
	struct buf b = { 0 };

	h2_put_frame(&b, DATA, flags, stream, messages->data, messages->len);
	buf_free(messages);
	send_bytes(c, side, &b);
}

static void say_one(struct call *c, int side, uint32_t stream, int flags, const char *message)
{
	struct buf b = { 0 };

	put_message(&b, 0, message, strlen(message));
	say(c, side, stream, flags, &b);
}

/* Field 1 is "ann", field 2 is 5. */
#define ANN                                                                                        \
	"\x0a\x03"                                                                                 \
	"ann\x10\x05"

static void test_unary(void **state)
{
	(void)state;
	for (size_t step = 0; step < 4; step++) {
		struct call c;
		begin(&c, step);
		ask(&c, 1, ":path: /hello.Greeter/SayHello");
		say_one(&c, 0, 1, END_STREAM, ANN);
		answer(&c, 1);
		say_one(&c, 1, 1, 0, "\x0a\x02hi");
		HEAD(&c, 1, 1, END_STREAM, "grpc-status: 0");
		end(&c);
		assert_int_equal(c.count, 1);
		EXPECT(&c, "grpc /hello.Greeter/SayHello [0 OK] {", "\"from\":\"client\"",
		       "\"size\":12,\"length\":7,\"kind\":\"message\","
		       "\"text\":\"{\\\"1\\\":\\\"ann\\\",\\\"2\\\":5}\"",
		       "\"kind\":\"message\",\"text\":\"{\\\"1\\\":\\\"hi\\\"}\"",
		       "\"messages_total\":2", "[\"grpc-status\",\"0\"]");
	}
}

static void test_failed(void **state)
{
	struct call c;
	struct buf b = { 0 };

	(void)state;
	begin(&c, 0);
	ask(&c, 1, ":path: /a.B/OnlyTrailers");
	say_one(&c, 0, 1, END_STREAM, ANN);
	HEAD(&c, 1, 1, END_STREAM, ":status: 200", "content-type: application/grpc",
	     "grpc-status: 5", "grpc-message: no 100%25 such+\xc3\xa9%C3%A9 %zz");
	ask(&c, 3, ":path: /a.B/Cancelled");
	answer(&c, 3);
	h2_put_reset(&b, 3, 8);
	send_bytes(&c, 0, &b);
	ask(&c, 5, ":path: /a.B/Odd");
	say_one(&c, 0, 5, END_STREAM, ANN);
	answer(&c, 5);
	HEAD(&c, 1, 5, END_STREAM, "grpc-status: 99");
	ask(&c, 7, ":path: /a.B/NoStatus");
	say_one(&c, 0, 7, END_STREAM, ANN);
	HEAD(&c, 1, 7, END_STREAM, ":status: 502", "content-type: text/html");
	ask(&c, 9, ":path: /a.B/Forgot");
	say_one(&c, 0, 9, END_STREAM, ANN);
	HEAD(&c, 1, 9, END_STREAM, ":status: 200", "content-type: application/grpc");
	end(&c);
	EXPECT(&c, "/a.B/OnlyTrailers [5 NOT_FOUND] failed {",
	       "\"grpc_message\":\"no 100% such+\xc3\xa9\xc3\xa9 %zz\"",
	       "/a.B/Cancelled [1 CANCELLED] failed {", "/a.B/Odd [99 (no name)] failed {",
	       "grpc /a.B/NoStatus [502] {", "/a.B/Forgot [] {");
}

/* A stream is shown while it is open, with what was said. */
static void test_live(void **state)
{
	struct call c;

	(void)state;
	begin(&c, 0);
	ask(&c, 1, ":path: /a.B/Watch");
	say_one(&c, 0, 1, END_STREAM, ANN);
	answer(&c, 1);
	say_one(&c, 1, 1, 0, "\x08\x01");
	c.now += LIMIT_LIVE_MS * 1000 + 1000;
	dissect_tick(c.d, c.now);
	assert_int_equal(c.open, 1);
	EXPECT(&c, "/a.B/Watch [] open", "{\\\"1\\\":1}", "\"messages_total\":2");
	say_one(&c, 1, 1, 0, "\x08\x02");
	HEAD(&c, 1, 1, END_STREAM, "grpc-status: 0");
	end(&c);
	EXPECT(&c, "/a.B/Watch [0 OK] {", "{\\\"1\\\":1}", "{\\\"1\\\":2}", "\"messages_total\":3");
}

static size_t gzip(const char *data, size_t len, char *out, size_t room)
{
	z_stream z = { 0 };

	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = (Bytef *)data;
	z.avail_in = (uInt)len;
	z.next_out = (Bytef *)out;
	z.avail_out = (uInt)room;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	return room - z.avail_out;
}

static void test_coded(void **state)
{
	static char large[4 << 20], packed[65536];
	struct call c;
	struct buf b = { 0 };

	(void)state;
	begin(&c, 0);
	ask(&c, 1, ":path: /a.B/Gzip");
	put_message(&b, 1, packed, gzip(ANN, strlen(ANN), packed, sizeof(packed)));
	put_message(&b, 1, "broken", 6);
	size_t bomb = gzip(large, sizeof(large), packed, sizeof(packed));
	put_message(&b, 1, packed, bomb < 16384 ? bomb : 16384);
	say(&c, 0, 1, END_STREAM, &b);
	HEAD(&c, 1, 1, 0, ":status: 200", "content-type: application/grpc", "grpc-encoding: odd");
	put_message(&b, 1, ANN, strlen(ANN));
	say(&c, 1, 1, END_STREAM, &b);
	end(&c);
	EXPECT(&c,
	       "\"length\":7,\"kind\":\"message\",\"text\":\"{\\\"1\\\":\\\"ann\\\",\\\"2\\\":5}\"",
	       "\"note\":\"its coding is broken\"", "\"length\":16384", "\"cut\":true",
	       "\"note\":\"its coding is not known\"");
}

/* Many small messages that decode to much: what is written of them is bounded. */
static void test_bombs(void **state)
{
	static char large[1 << 20], packed[65536];
	struct call c;

	(void)state;
	for (size_t i = 0; i < sizeof(large); i += 2)
		large[i] = 8;
	size_t n = gzip(large, sizeof(large), packed, sizeof(packed));
	begin(&c, 0);
	ask(&c, 1, ":path: /a.B/Bombs");
	for (int i = 0; i < 300; i++) {
		struct buf b = { 0 };
		put_message(&b, 1, packed, n);
		say(&c, 0, 1, 0, &b);
	}
	end(&c);
	assert_true(c.told.len > LIMIT_ITEMS_BYTES && c.told.len < 8 * LIMIT_ITEMS_DECODED);
	EXPECT(&c, "\"cut\":true", "\"messages_total\":300", "would take too long");
}

/* No secret is stored, neither in a message nor in the body; the frames of the body stay whole. */
static void test_secrets(void **state)
{
	static const char secret[] = "\x0a\x08password\x12\x0bhunter2pass";
	static char entry_of_map[2 + sizeof(secret)], packed[200];
	struct call c;
	struct buf b = { 0 };
	size_t n = strlen(secret);

	(void)state;
	entry_of_map[0] = 0x1a;
	entry_of_map[1] = (char)n;
	memcpy(entry_of_map + 2, secret, n);
	begin(&c, 0);
	ask(&c, 1, ":path: /a.B/Secrets");
	put_message(&b, 0, entry_of_map, n + 2);
	say(&c, 0, 1, END_STREAM, &b);
	HEAD(&c, 1, 1, 0, ":status: 200", "content-type: application/grpc", "grpc-encoding: gzip");
	put_message(&b, 0, ANN, strlen(ANN));
	put_message(&b, 1, packed, gzip(entry_of_map, n + 2, packed, sizeof(packed)));
	put_message(&b, 0, ANN, strlen(ANN));
	say(&c, 1, 1, 0, &b);
	HEAD(&c, 1, 1, END_STREAM, "grpc-status: 7", "grpc-message: token%3Dhunter2pass");
	end(&c);
	const uint8_t *p = (const uint8_t *)c.last.data;
	size_t at = 0, messages = 0;
	for (; at + 5 <= c.last.len; messages++) {
		assert_int_equal(p[at], 0);
		at += 5 + ((size_t)p[at + 3] << 8 | p[at + 4]);
	}
	assert_int_equal(at, c.last.len);
	assert_int_equal(messages, 3);
	assert_null(memmem(p, c.last.len, "hunter2", 7));
	assert_non_null(memmem(p, c.last.len, "password", 8));
	EXPECT(&c, "!hunter2", "[7 PERMISSION_DENIED]", "\\\"password\\\",\\\"2\\\":\\\"\u2022",
	       "\"messages_redacted\":[\"body password\"]");
}

/* Names of a schema, by the method; they tell secrets, too. */
static void test_names(void **state)
{
	struct proto_set *set;
	struct call c;
	char error[200], path[500];

	(void)state;
	snprintf(path, sizeof(path), "%s/tests/data/proto/shop.set", getenv("srcdir") ?: ".");
	assert_int_equal(proto_set_new(&set), 0);
	assert_int_equal(proto_set_read(set, path, error, sizeof(error)), 0);
	proto_set_sort(set);
	redact_name_fields(redact, set);
	begin(&c, 0);
	ask(&c, 1, ":path: /shop.Shop/Put");
	say_one(&c, 0, 1, END_STREAM, "\x08\x07\x32\x07hunter2");
	answer(&c, 1);
	say_one(&c, 1, 1, 0,
		"\x0a\x03"
		"abc\x10\x03");
	HEAD(&c, 1, 1, END_STREAM, "grpc-status: 0");
	end(&c);
	EXPECT(&c, "{\\\"id\\\":7,\\\"password\\\":\\\"\u2022", "!hunter2",
	       "{\\\"sku\\\":\\\"abc\\\",\\\"change\\\":-2}");
	redact_name_fields(redact, NULL);
	proto_set_free(set);
}

/* What is lost inside of a message is of that message alone; a lost head ends the list. */
static void test_gaps(void **state)
{
	struct call c;
	struct buf b = { 0 }, m = { 0 };

	(void)state;
	begin(&c, 0);
	ask(&c, 1, ":path: /a.B/Gap");
	say_one(&c, 0, 1, END_STREAM, ANN);
	answer(&c, 1);
	put_message(&m, 0,
		    "\x0a\x06"
		    "abcdef",
		    8);
	put_message(&m, 0, "\x08\x07", 2);
	h2_put_frame(&b, DATA, 0, 1, m.data, m.len);
	buf_free(&m);
	struct buf first = { 0 }, rest = { 0 };
	buf_put(&first, b.data, 9 + 5 + 5);
	buf_put(&rest, b.data + 9 + 5 + 8, b.len - (9 + 5 + 8));
	buf_free(&b);
	send_bytes(&c, 1, &first);
	dissect_gap(c.d, DIR_READ, 3, GAP_LOST, c.now);
	c.at[1] += 3;
	send_bytes(&c, 1, &rest);
	HEAD(&c, 1, 1, END_STREAM, "grpc-status: 0");
	end(&c);
	EXPECT(&c, "\"lost\":3", "{\\\"1\\\":7}", "\"messages_total\":3");
}

static void test_broken(void **state)
{
	struct call c;
	struct buf b = { 0 };

	(void)state;
	begin(&c, 0);
	ask(&c, 1, ":path: /a.B/Huge");
	buf_put(&b,
		"\0\xff\xff\xff\xff"
		"abc",
		8);
	say(&c, 0, 1, END_STREAM, &b);
	answer(&c, 1);
	buf_puts(&b, "no message");
	say(&c, 1, 1, 0, &b);
	say_one(&c, 1, 1, 0, ANN);
	HEAD(&c, 1, 1, END_STREAM, "grpc-status: 0");
	end(&c);
	EXPECT(&c, "\"note\":\"ended before it was whole\"",
	       "\"note\":\"no message of gRPC: what follows is not told apart\"",
	       "\"messages_total\":2");
}

/* gRPC-Web has its trailers in the last frame; as text, each portion with padding of its own. A
 * body may be coded as a whole. */
static void test_web(void **state)
{
	static const char trailers[] = "grpc-status:3\r\ngrpc-message:bad%20thing\r\n";
	char packed[200];
	struct call c;
	struct buf b = { 0 };

	(void)state;
	for (size_t step = 0; step < 3; step++) {
		begin(&c, step);
		HEAD(&c, 0, 1, 0, ":method: POST", ":path: /a.B/Web", ":scheme: https",
		     "content-type: application/grpc-web-text");
		buf_puts(&b, "AAAAAAIIAQ==");
		say(&c, 0, 1, END_STREAM, &b);
		HEAD(&c, 1, 1, 0, ":status: 200", "content-type: application/grpc-web+proto",
		     step ? "content-encoding: gzip" : "a: b");
		put_message(&b, 0, ANN, strlen(ANN));
		put_message(&b, 0x80, trailers, strlen(trailers));
		size_t n = gzip(b.data, b.len, packed, sizeof(packed));
		if (step) {
			buf_reset(&b);
			buf_put(&b, packed, n);
		}
		say(&c, 1, 1, END_STREAM, &b);
		end(&c);
		EXPECT(&c, "grpc /a.B/Web [3 INVALID_ARGUMENT] failed", "{\\\"1\\\":1}",
		       "{\\\"1\\\":\\\"ann\\\",\\\"2\\\":5}", "\"grpc_message\":\"bad thing\"",
		       "\"messages_total\":2");
	}
}

static void test_web_http1(void **state)
{
	static const char trailers[] = "grpc-status: 0\r\n";
	struct buf b = { 0 }, body = { 0 };

	(void)state;
	for (size_t step = 0; step < 3; step++) {
		struct call c;
		open_call(&c, step);
		buf_puts(&b, "POST /a.B/Old HTTP/1.1\r\nContent-Type: application/grpc-web\r\n"
			     "Content-Length: 12\r\n\r\n");
		put_message(&b, 0, ANN, strlen(ANN));
		send_bytes(&c, 0, &b);
		put_message(&body, 0, "\x08\x01", 2);
		put_message(&body, 0x80, trailers, strlen(trailers));
		buf_puts(&b, "HTTP/1.1 200 OK\r\nContent-Type: application/grpc-web\r\n"
			     "Transfer-Encoding: chunked\r\n\r\n3\r\n");
		buf_put(&b, body.data, 3);
		buf_printf(&b, "\r\n%zx\r\n", body.len - 3);
		buf_put(&b, body.data + 3, body.len - 3);
		buf_puts(&b, "\r\n0\r\n\r\n");
		buf_free(&body);
		send_bytes(&c, 1, &b);
		end(&c);
		assert_int_equal(c.count, 1);
		EXPECT(&c, "grpc /a.B/Old [0 OK] {", "{\\\"1\\\":\\\"ann\\\",\\\"2\\\":5}",
		       "{\\\"1\\\":1}", "\"messages_total\":2");
	}
}

static void test_events(void **state)
{
	struct call c;
	struct buf b = { 0 };

	(void)state;
	begin(&c, 1);
	HEAD(&c, 0, 1, END_STREAM, ":method: GET", ":path: /events", ":scheme: https");
	HEAD(&c, 1, 1, 0, ":status: 200", "content-type: text/event-stream");
	buf_puts(&b, "id: 7\nevent: tick\nda");
	say(&c, 1, 1, 0, &b);
	buf_puts(&b, "ta: one\n\n");
	say(&c, 1, 1, 0, &b);
	HEAD(&c, 0, 3, END_STREAM, ":method: GET", ":path: /lines", ":scheme: https");
	HEAD(&c, 1, 3, 0, ":status: 200", "content-type: application/x-ndjson");
	buf_puts(&b, "{\"a\":1}\n{\"b\":2}\n");
	say(&c, 1, 3, END_STREAM, &b);
	c.now += LIMIT_LIVE_MS * 1000 + 1000;
	dissect_tick(c.d, c.now);
	EXPECT(&c, "http2 /events [200] open", "\"name\":\"tick\",\"id\":\"7\",\"text\":\"one\"",
	       "http2 /lines [200] {", "\"text\":\"{\\\"b\\\":2}\"");
	end(&c);
	buf_free(&c.told);
	buf_free(&c.last);
}

/* A WebSocket in a stream (RFC 8441) is one entry, that of its CONNECT, with its messages. */
static void test_websocket(void **state)
{
	(void)state;
	for (size_t step = 0; step < 3; step++) {
		struct call c;
		struct buf b = { 0 };
		begin(&c, step);
		HEAD(&c, 0, 1, 0, ":method: CONNECT", ":protocol: websocket", ":scheme: https",
		     ":path: /chat", ":authority: h", "sec-websocket-version: 13");
		HEAD(&c, 1, 1, 0, ":status: 200");
		buf_put(&b, "\x81\x82\0\0\0\0hi", 8);
		say(&c, 0, 1, 0, &b);
		buf_put(&b, "\x01\x03one", 5);
		say(&c, 1, 1, 0, &b);
		buf_put(&b, "\x80\x04 two", 6);
		say(&c, 1, 1, 0, &b);
		c.now += LIMIT_LIVE_MS * 1000 + 1000;
		dissect_tick(c.d, c.now);
		assert_int_equal(c.open, 1);
		EXPECT(&c, "websocket /chat [200] open", "\"text\":\"one two\"");
		buf_put(&b, "\x88\x82\0\0\0\0\x03\xe8", 8);
		say(&c, 0, 1, END_STREAM, &b);
		buf_put(&b, "\x88\x02\x03\xe8", 4);
		say(&c, 1, 1, END_STREAM, &b);
		ask(&c, 3, ":path: /a.B/After");
		end(&c);
		assert_int_equal(c.count, 2);
		EXPECT(&c, "websocket /chat [200] {", "\"stream\":1",
		       "[\":protocol\",\"websocket\"]",
		       "\"from\":\"client\",\"time_us\":1005000,\"size\":2,\"kind\":"
		       "\"text\","
		       "\"text\":\"hi\"",
		       "\"name\":\"1000 normal closure\"", "\"messages_total\":4");
	}
}

/* Many streams with many messages hold no more than what is bounded. */
static void test_bounds(void **state)
{
	static char content[16000];
	struct call c;

	(void)state;
	memset(content, 'x', sizeof(content) - 1);
	begin(&c, 0);
	for (uint32_t stream = 1; stream < 200; stream += 2) {
		ask(&c, stream, ":path: /a.B/Many");
		for (int i = 0; i < 100; i++)
			say_one(&c, 0, stream, 0, content);
	}
	assert_true(c.held < LIMIT_H2_HELD + (8U << 20) + 100 * LIMIT_ITEMS_BYTES);
	dissect_give_way(c.d, c.now);
	assert_true(c.held < (1U << 20));
	end(&c);
	buf_free(&c.told);
	buf_free(&c.last);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_unary),	  cmocka_unit_test(test_failed),
		cmocka_unit_test(test_live),	  cmocka_unit_test(test_coded),
		cmocka_unit_test(test_bombs),	  cmocka_unit_test(test_secrets),
		cmocka_unit_test(test_names),	  cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_broken),	  cmocka_unit_test(test_web),
		cmocka_unit_test(test_web_http1), cmocka_unit_test(test_events),
		cmocka_unit_test(test_websocket), cmocka_unit_test(test_bounds),
	};
	char error[200];

	if (redact_new(NULL, 0, true, &redact, error, sizeof(error)))
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	redact_free(redact);
	return failed;
}
