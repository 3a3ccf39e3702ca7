// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Bytes of stream that one core takes apart in a second, by protocol, with 16 KiB bodies and
 * messages, in records as the kernel sends them; beside it, as a ratio, how much of what copying
 * the same bytes takes. The protocols take turns, so that what disturbs one disturbs all.
 *
 * usage: bench_dissect [MiB of each protocol [rounds [protocol]]]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "h2_frames.h"

#include "dissect/dissect.h"
#include "entry.h"

enum { BODY = 16 << 10, RECORD = 16 << 10, CASES = 4, ROUNDS_MOST = 99 };

/* One exchange, or turn of a long one: what the client sends, and the answer. */
struct turn {
	struct buf side[2];
};

struct bench {
	const char *name;
	void (*make)(struct bench *b, uint32_t n, struct turn *t);
	nghttp2_hd_deflater *deflater[2];
	double speed[ROUNDS_MOST];
};

static char body[BODY];

static void put_body(struct buf *b)
{
	buf_put(b, body, BODY);
}

static void make_http1(struct bench *b, uint32_t n, struct turn *t)
{
	(void)b, (void)n;
	buf_puts(&t->side[0], "GET /api/v1/items/4711?page=2&sort=name HTTP/1.1\r\n"
			      "Host: shop.example.org\r\nAccept: application/json\r\n\r\n");
	buf_puts(&t->side[1], "HTTP/1.1 200 OK\r\nServer: nginx/1.22.1\r\n"
			      "Content-Type: application/json\r\nContent-Length: 16384\r\n\r\n");
	put_body(&t->side[1]);
}

static void put_head(struct bench *b, struct buf *out, int side, int flags, uint32_t stream,
		     const char *const *lines)
{
	struct buf block = { 0 };
	size_t n = 0;

	while (lines[n])
		n++;
	h2_put_block(b->deflater[side], &block, lines, n);
	h2_put_frame(out, HEADERS, flags | END_HEADERS, stream, block.data, block.len);
	buf_free(&block);
}

#define HEAD(who, flags, ...)                                                                      \
	put_head(b, &t->side[who], who, flags, n * 2 + 1,                                          \
		 (const char *const[]){ __VA_ARGS__, NULL })

static void begin_http2(struct bench *b, uint32_t n, struct turn *t)
{
	if (n)
		return;
	for (int i = 0; i < 2; i++)
		if (nghttp2_hd_deflate_new(&b->deflater[i], 4096))
			abort();
	buf_puts(&t->side[0], PREFACE);
	h2_put_frame(&t->side[0], SETTINGS, 0, 0, NULL, 0);
	h2_put_frame(&t->side[1], SETTINGS, 0, 0, NULL, 0);
}

static void make_http2(struct bench *b, uint32_t n, struct turn *t)
{
	begin_http2(b, n, t);
	HEAD(0, END_STREAM, ":method: GET", ":scheme: https", ":authority: shop.example.org",
	     ":path: /api/v1/items/4711?page=2&sort=name", "accept: application/json");
	HEAD(1, 0, ":status: 200", "content-type: application/json", "content-length: 16384");
	h2_put_frame(&t->side[1], DATA, END_STREAM, n * 2 + 1, body, BODY);
}

static void make_grpc(struct bench *b, uint32_t n, struct turn *t)
{
	struct buf message = { 0 };

	begin_http2(b, n, t);
	HEAD(0, 0, ":method: POST", ":scheme: https", ":authority: shop.example.org",
	     ":path: /shop.Shop/Get", "content-type: application/grpc", "te: trailers");
	h2_put_frame(&t->side[0], DATA, END_STREAM, n * 2 + 1, "\0\0\0\0\2\x08\x01", 7);
	HEAD(1, 0, ":status: 200", "content-type: application/grpc");
	buf_putc(&message, 0);
	h2_put_number(&message, BODY - 5);
	buf_put(&message, body, BODY - 5);
	h2_put_frame(&t->side[1], DATA, 0, n * 2 + 1, message.data, message.len);
	buf_free(&message);
	HEAD(1, END_STREAM, "grpc-status: 0");
}

static void make_websocket(struct bench *b, uint32_t n, struct turn *t)
{
	(void)b;
	if (!n) {
		buf_puts(&t->side[0], "GET /chat HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\n"
				      "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
				      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
		buf_puts(&t->side[1], "HTTP/1.1 101 Switching Protocols\r\n"
				      "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
	}
	buf_put(&t->side[0], "\x82\xfe\x40\x00maskbody", 8);
	for (size_t i = 0; i < BODY; i++)
		buf_putc(&t->side[0], (char)(body[i] ^ "mask"[i & 3]));
	buf_put(&t->side[1], "\x82\x7e\x40\x00", 4);
	put_body(&t->side[1]);
}

static struct bench benches[CASES] = {
	{ .name = "http1", .make = make_http1 },
	{ .name = "http2", .make = make_http2 },
	{ .name = "grpc", .make = make_grpc },
	{ .name = "websocket", .make = make_websocket },
};

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void count(void *ctx, struct entry *e)
{
	*(uint64_t *)ctx += (uint64_t)(e->request_size + e->response_size);
	entry_free(e);
}

struct talk {
	struct dissection *d;
	uint64_t at[2];
	int64_t now;
};

static void feed(struct talk *c, int side, const struct buf *b)
{
	c->now += 10;
	for (size_t i = 0; i < b->len; i += RECORD) {
		size_t n = b->len - i < RECORD ? b->len - i : RECORD;
		dissect_feed(c->d, side ? DIR_READ : DIR_WRITE, (const uint8_t *)b->data + i, n,
			     c->at[side], c->now);
		c->at[side] += n;
	}
}

/* A connection of so many turns; they are made beforehand, a few at a time for their memory. */
static double run(struct bench *b, uint64_t bytes, uint64_t *ret_fed)
{
	enum { BATCH = 64 };
	static const struct conn_hint hint = { .opener_known = true, .opener = DIR_WRITE };
	uint64_t told = 0, fed = 0;
	double took = 0;
	struct talk c = { dissect_open(&(struct entry_sink){ count, &told }, &hint), { 0 }, 1000 };

	for (uint32_t n = 0; fed < bytes;) {
		struct turn turns[BATCH] = { 0 };
		for (int i = 0; i < BATCH; i++)
			b->make(b, n++, &turns[i]);
		double start = seconds();
		for (int i = 0; i < BATCH; i++)
			for (int side = 0; side < 2; side++)
				feed(&c, side, &turns[i].side[side]);
		took += seconds() - start;
		for (int i = 0; i < BATCH * 2; i++) {
			fed += turns[i / 2].side[i % 2].len;
			buf_free(&turns[i / 2].side[i % 2]);
		}
	}
	double start = seconds();
	dissect_close(c.d, c.now);
	took += seconds() - start;
	for (int i = 0; i < 2; i++)
		if (b->deflater[i])
			nghttp2_hd_deflate_del(b->deflater[i]);
	if (told < fed * 99 / 100)
		abort();
	*ret_fed = fed;
	return took;
}

static double copy_speed(void)
{
	static char to[64][BODY];
	double start = seconds();

	for (int i = 0; i < 64 * 256; i++) {
		memcpy(to[i % 64], body, BODY);
		__asm__ volatile("" ::"r"(to[i % 64]) : "memory");
	}
	return 64.0 * 256 * BODY / (seconds() - start) / 1e6;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double median(double *values, int n)
{
	qsort(values, (size_t)n, sizeof(*values), by_size);
	return values[n / 2];
}

int main(int argc, char **argv)
{
	uint64_t bytes = (argc > 1 ? strtoull(argv[1], NULL, 10) : 128) << 20;
	int rounds = argc > 2 ? atoi(argv[2]) : 5;
	double copies[ROUNDS_MOST];

	if (!bytes || rounds < 1 || rounds > ROUNDS_MOST)
		return 2;
	for (size_t i = 0; i < BODY; i++)
		body[i] = "{\"id\":4711,\"name\":\"item\",\"price\":42},"[i % 38];
	for (int r = 0; r < rounds; r++) {
		copies[r] = copy_speed();
		for (int i = 0; i < CASES; i++) {
			uint64_t fed = 0;
			if (argc > 3 && strcmp(argv[3], benches[i].name) != 0)
				continue;
			double took = run(&benches[i], bytes, &fed);
			benches[i].speed[r] = (double)fed / took / 1e6;
		}
	}
	double copy = median(copies, rounds);
	for (int i = 0; i < CASES; i++) {
		double speed = median(benches[i].speed, rounds);
		if (speed > 0)
			printf("dissect   %-10s %6.0f MB of stream per CPU second  %.3f of "
			       "copying\n",
			       benches[i].name, speed, speed / copy);
	}
	return 0;
}
