// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tests/data/secrets/forms.txt: how programs send secrets, each form as it is and compressed, in
 * chunks, cut off and with bytes missing. harmless.txt: what looks like them and is none.
 */
#include "unit.h"

#include <brotli/encode.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "dissect/dissect.h"
#include "entry.h"
#include "message.h"
#include "redact/redact.h"
#include "redact/secret_scan.h"

#define FORMS_MAX    4000
#define MISSED_SHOWN 20
#define TOLD_MAX     16

struct form {
	bool core;
	char *place, *secret, *bytes;
	size_t len; /* of bytes */
};

static struct form forms[FORMS_MAX];
static size_t form_count;
static struct redact *redact;

/* What "\\" and the letter at *p stand for; *p is moved to the last of it. */
static char escaped(const char **p)
{
	unsigned byte = 0;

	if (**p == 'x' && sscanf(*p + 1, "%2x", &byte) == 1) {
		*p += 2;
		return (char)byte;
	}
	return **p == 'n' ? '\n' : **p == 'r' ? '\r' : **p == 't' ? '\t' : **p;
}

/* In place; its length. */
static size_t unescape(char *text)
{
	char *out = text;

	for (const char *p = text; *p; p++) {
		bool escape = *p == '\\';
		p += escape;
		*out++ = escape ? escaped(&p) : *p;
	}
	*out = '\0';
	return (size_t)(out - text);
}

static FILE *open_data(const char *name)
{
	const char *dir = getenv("srcdir");
	char path[4096];

	snprintf(path, sizeof(path), "%s/tests/data/secrets/%s", dir ? dir : ".", name);
	FILE *f = fopen(path, "r");
	if (!f)
		fail_msg("cannot open %s", path);
	return f;
}

static int load(void **state)
{
	FILE *f = open_data("forms.txt");
	char *line = NULL, error[200];
	size_t size = 0;

	(void)state;
	for (ssize_t n; (n = getline(&line, &size, f)) > 0 && form_count < FORMS_MAX;) {
		struct form *p = &forms[form_count++];
		char *rest = line;
		line[n - 1] = '\0';
		p->core = !strcmp(strsep(&rest, "\t"), "core");
		p->place = strdup(strsep(&rest, "\t"));
		p->secret = strdup(strsep(&rest, "\t"));
		unescape(p->secret);
		p->bytes = strdup(rest);
		p->len = strcmp(p->place, "raw") ? unescape(p->bytes) : strlen(rest);
	}
	free(line);
	fclose(f);
	return redact_new(NULL, 0, true, &redact, error, sizeof(error));
}

/* What was told of one form. */
static struct entry *told[TOLD_MAX];
static size_t told_count;

static void collect(void *ctx, struct entry *e)
{
	(void)ctx;
	assert_true(told_count < TOLD_MAX);
	assert_int_equal(redact_entry(redact, e), 0);
	told[told_count++] = e;
}

static void free_told(void)
{
	while (told_count)
		entry_free(told[--told_count]);
}

static int unload(void **state)
{
	(void)state;
	for (size_t i = 0; i < form_count; i++) {
		free(forms[i].place);
		free(forms[i].secret);
		free(forms[i].bytes);
	}
	free_told();
	redact_free(redact);
	return 0;
}

/* How the body is sent. */
struct sending {
	const char *coding; /* "" for none */
	bool chunked;
	size_t cut;	     /* bytes that never come */
	size_t gap, missing; /* so many bytes are lost there */
};

static void encode(const char *coding, const char *data, size_t len, struct buf *out)
{
	size_t room = len + 4096;

	buf_reserve(out, room);
	if (!strcmp(coding, "gzip")) {
		z_stream z = { .next_in = (Bytef *)data, .avail_in = (uInt)len };
		deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
		z.next_out = (Bytef *)out->data;
		z.avail_out = (uInt)room;
		assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
		out->len = z.total_out;
		deflateEnd(&z);
	} else if (!strcmp(coding, "br")) {
		assert_true(BrotliEncoderCompress(5, 22, BROTLI_MODE_TEXT, len,
						  (const uint8_t *)data, &room,
						  (uint8_t *)out->data));
		out->len = room;
	} else if (!strcmp(coding, "zstd")) {
		out->len = ZSTD_compress(out->data, room, data, len, 3);
	} else {
		buf_put(out, data, len);
	}
}

static void put_head(const struct form *f, const struct sending *s, const struct buf *body,
		     struct buf *out)
{
	bool target = !strcmp(f->place, "target");

	buf_printf(out, "POST %s HTTP/1.1\r\nHost: h\r\n", target ? f->bytes : "/x");
	if (!strcmp(f->place, "header"))
		buf_printf(out, "%s\r\n", f->bytes);
	if (!strncmp(f->place, "body:", 5) && f->place[5])
		buf_printf(out, "Content-Type: %s\r\n", f->place + 5);
	if (*s->coding)
		buf_printf(out, "Content-Encoding: %s\r\n", s->coding);
	if (s->chunked)
		buf_puts(out, "Transfer-Encoding: chunked\r\n\r\n");
	else
		buf_printf(out, "Content-Length: %zu\r\n\r\n", body->len);
}

static void feed(struct dissection *d, uint64_t *at, const void *data, size_t len)
{
	dissect_feed(d, DIR_WRITE, data, len, *at, 1000);
	*at += len;
}

static void feed_body(struct dissection *d, const struct sending *s, const struct buf *body,
		      uint64_t *at)
{
	if (s->chunked) {
		struct buf chunks = { 0 };
		for (size_t i = 0; i < body->len; i += 7) {
			size_t n = body->len - i < 7 ? body->len - i : 7;
			buf_printf(&chunks, "%zx\r\n", n);
			buf_put(&chunks, body->data + i, n);
			buf_puts(&chunks, "\r\n");
		}
		buf_puts(&chunks, "0\r\n\r\n");
		feed(d, at, chunks.data, chunks.len);
		buf_free(&chunks);
	} else if (s->missing) {
		feed(d, at, body->data, s->gap);
		dissect_gap(d, DIR_WRITE, s->missing, GAP_LOST, 1000);
		*at += s->missing;
		feed(d, at, body->data + s->gap + s->missing, body->len - s->gap - s->missing);
	} else {
		feed(d, at, body->data, body->len - s->cut);
	}
}

static void feed_answer(struct dissection *d, const struct form *f)
{
	struct buf answer = { 0 };
	bool head = !strcmp(f->place, "answer"), body = !strncmp(f->place, "get:", 4);

	buf_printf(&answer, "HTTP/1.1 200 OK\r\n%s%s", head ? f->bytes : "", head ? "\r\n" : "");
	if (body)
		buf_printf(&answer, "Content-Type: %s\r\n", f->place + 4);
	buf_printf(&answer, "Content-Length: %zu\r\n\r\n", body ? f->len : 0);
	if (body)
		buf_put(&answer, f->bytes, f->len);
	dissect_feed(d, DIR_READ, (const uint8_t *)answer.data, answer.len, 0, 2000);
	buf_free(&answer);
}

static void feed_http1(struct dissection *d, const struct form *f, const struct sending *s)
{
	struct buf body = { 0 }, head = { 0 };
	uint64_t at = 0;

	if (!strncmp(f->place, "body:", 5))
		encode(s->coding, f->bytes, f->len, &body);
	put_head(f, s, &body, &head);
	feed(d, &at, head.data, head.len);
	if (body.len)
		feed_body(d, s, &body, &at);
	feed_answer(d, f);
	buf_free(&body);
	buf_free(&head);
}

/* Of HPACK: not indexed, not compressed; short ones alone (RFC 7541, 6.2.2). */
static void put_field(struct buf *b, const char *name, size_t name_len, const char *value)
{
	assert_true(name_len < 127 && strlen(value) < 127);
	buf_putc(b, 0);
	buf_putc(b, (char)name_len);
	buf_put(b, name, name_len);
	buf_putc(b, (char)strlen(value));
	buf_puts(b, value);
}

/* A frame of HTTP/2 as a whole; of HEADERS the last of its stream. */
static void put_frame(struct buf *b, char type, char flags, char stream, const struct buf *content)
{
	const char head[9] = {
		0, (char)(content->len >> 8), (char)content->len, type, flags, 0, 0, 0, stream
	};

	buf_put(b, head, sizeof(head));
	buf_put(b, content->data, content->len);
}

static void feed_http2(struct dissection *d, const struct form *f)
{
	static const struct buf none = { 0 };
	const char *colon = strchr(f->bytes, ':');
	struct buf fields = { 0 }, out = { 0 };

	put_field(&fields, ":method", 7, "POST");
	put_field(&fields, ":scheme", 7, "https");
	put_field(&fields, ":authority", 10, "h.example");
	put_field(&fields, ":path", 5, "/a.B/C");
	if (!strcmp(f->place, "grpc"))
		put_field(&fields, "content-type", 12, "application/grpc");
	put_field(&fields, f->bytes, (size_t)(colon - f->bytes), colon + 2);
	buf_puts(&out, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
	put_frame(&out, 4, 0, 0, &none);
	put_frame(&out, 1, 5, 1, &fields);
	dissect_feed(d, DIR_WRITE, (const uint8_t *)out.data, out.len, 0, 1000);
	buf_reset(&out);
	buf_reset(&fields);
	put_field(&fields, ":status", 7, "200");
	put_frame(&out, 4, 0, 0, &none);
	put_frame(&out, 1, 5, 1, &fields);
	dissect_feed(d, DIR_READ, (const uint8_t *)out.data, out.len, 0, 2000);
	buf_free(&out);
	buf_free(&fields);
}

/* One text message; the client's mask is 0. */
static void feed_socket(struct dissection *d, const struct form *f, bool answer)
{
	static const char ask[] = "GET /s HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: "
				  "websocket\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
				  "Sec-WebSocket-Version: 13\r\n\r\n";
	static const char yes[] = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\n"
				  "Upgrade: websocket\r\nSec-WebSocket-Accept: x\r\n\r\n";
	struct buf frame = { 0 };

	assert_true(f->len < 126);
	buf_putc(&frame, (char)0x81);
	buf_putc(&frame, (char)(answer ? f->len : f->len | 0x80));
	if (!answer)
		buf_put(&frame, "\0\0\0", 4);
	buf_put(&frame, f->bytes, f->len);
	dissect_feed(d, DIR_WRITE, (const uint8_t *)ask, sizeof(ask) - 1, 0, 1000);
	dissect_feed(d, DIR_READ, (const uint8_t *)yes, sizeof(yes) - 1, 0, 1500);
	dissect_feed(d, answer ? DIR_READ : DIR_WRITE, (const uint8_t *)frame.data, frame.len,
		     answer ? sizeof(yes) - 1 : sizeof(ask) - 1, 2000);
	buf_free(&frame);
}

/* Of both sides by turns: \C and \S begin one of the client and of the server. */
static void feed_raw(struct dissection *d, const struct form *f)
{
	struct buf turn = { 0 };
	enum dir dir = DIR_WRITE;
	uint64_t at[2] = { 0 };
	int64_t now = 1000;

	for (const char *p = f->bytes;; p++) {
		bool escape = *p == '\\', next = escape && (p[1] == 'C' || p[1] == 'S');
		if (next || !*p) {
			if (turn.len)
				dissect_feed(d, dir, (const uint8_t *)turn.data, turn.len, at[dir],
					     now += 1000);
			at[dir] += turn.len;
			buf_reset(&turn);
		}
		if (!*p)
			break;
		p += escape;
		if (next)
			dir = *p == 'C' ? DIR_WRITE : DIR_READ;
		else
			buf_putc(&turn, escape ? escaped(&p) : *p);
	}
	buf_free(&turn);
}

/* What is told of it is in told[]. */
static void send_form(const struct form *f, const struct sending *s)
{
	const struct entry_sink sink = { .emit = collect };
	const struct conn_hint hint = { 0 };
	struct dissection *d = dissect_open(&sink, &hint);

	free_told();
	if (!strcmp(f->place, "h2") || !strcmp(f->place, "grpc"))
		feed_http2(d, f);
	else if (!strncmp(f->place, "ws", 2))
		feed_socket(d, f, f->place[2]);
	else if (!strcmp(f->place, "raw"))
		feed_raw(d, f);
	else
		feed_http1(d, f, s);
	dissect_close(d, 3000000);
	if (!told_count)
		fail_msg("nothing is told of (%s) %s", f->place, f->bytes);
}

static bool holds(const struct entry *e, const char *what, size_t len)
{
	const struct buf *const bufs[] = { &e->detail, &e->request_body, &e->response_body };
	const char *const texts[] = { e->summary, e->path, e->query_string, e->host, e->reason };

	for (size_t i = 0; i < 3; i++)
		if (bufs[i]->len && memmem(bufs[i]->data, bufs[i]->len, what, len))
			return true;
	for (size_t i = 0; i < 5; i++)
		if (memmem(texts[i], strlen(texts[i]), what, len))
			return true;
	return false;
}

/* Bytes that are no text are told in hexadecimal digits. */
static bool holds_hex(const struct entry *e, const char *what, size_t len)
{
	char hex[512] = "";

	for (size_t i = 0; i < len && i < sizeof(hex) / 2 - 1; i++)
		snprintf(hex + 2 * i, 3, "%02x", (unsigned char)what[i]);
	return holds(e, hex, strlen(hex));
}

struct score {
	unsigned tried, missed, missed_core;
};

static void count(struct score *score, const struct form *f, bool leaked, const char *how)
{
	score->tried++;
	if (!leaked)
		return;
	score->missed++;
	score->missed_core += f->core;
	if ((score->missed_core <= MISSED_SHOWN && f->core) || getenv("MISSED"))
		print_message("missed (%s, %s, %s): %s in %s\n", f->core ? "core" : "more", how,
			      f->place, f->secret, f->bytes);
}

static void assert_score(const struct score *score, const char *what)
{
	print_message("%s: %u forms, %u missed, %u of them core\n", what, score->tried,
		      score->missed, score->missed_core);
	assert_int_equal(score->missed_core, 0);
	assert_true(score->missed * 100 <= score->tried);
}

static bool leaks(const struct form *f, const struct sending *s, bool parts)
{
	size_t len = strlen(f->secret), half = len / 2;
	bool leaked = false;

	send_form(f, s);
	for (size_t i = 0; i < told_count; i++) {
		leaked |= holds(told[i], f->secret, len) || holds_hex(told[i], f->secret, len);
		if (parts && len >= 12)
			leaked |= holds(told[i], f->secret, half) ||
				  holds(told[i], f->secret + half, len - half);
	}
	return leaked;
}

static void test_as_they_are(void **state)
{
	struct score score = { 0 };

	(void)state;
	assert_true(form_count >= 500);
	for (size_t i = 0; i < form_count; i++)
		count(&score, &forms[i], leaks(&forms[i], &(struct sending){ .coding = "" }, true),
		      "as it is");
	assert_score(&score, "as they are");
}

static void test_coded(void **state)
{
	static const struct sending how[] = {
		{ .coding = "gzip" },
		{ .coding = "br" },
		{ .coding = "zstd" },
		{ .coding = "", .chunked = true },
		{ .coding = "gzip", .chunked = true },
		{ .coding = "utf-8" },
		{ .coding = "aws-chunked" },
	};

	(void)state;
	for (size_t h = 0; h < sizeof(how) / sizeof(*how); h++) {
		struct score score = { 0 };
		const char *name = *how[h].coding ? how[h].coding : "chunked";
		for (size_t i = 0; i < form_count; i++) {
			struct sending s = how[h];
			if (strncmp(forms[i].place, "body:", 5) != 0)
				continue;
			if (!strcmp(s.coding, "utf-8") || !strcmp(s.coding, "aws-chunked"))
				if (strchr(forms[i].bytes, '\xc3'))
					continue;
			count(&score, &forms[i], leaks(&forms[i], &s, true), name);
		}
		assert_score(&score, name);
	}
}

static void test_cut(void **state)
{
	static const char *const codings[] = { "", "gzip", "br", "zstd" };
	struct score score = { 0 };

	(void)state;
	for (size_t i = 0; i < form_count; i++) {
		if (strncmp(forms[i].place, "body:", 5) != 0)
			continue;
		for (size_t cut = 1 + i % 5; cut < forms[i].len && cut < 60; cut += 5) {
			struct sending s = { .coding = codings[(i + cut) % 4], .cut = cut };
			struct buf body = { 0 };
			encode(s.coding, forms[i].bytes, forms[i].len, &body);
			if (cut < body.len)
				count(&score, &forms[i], leaks(&forms[i], &s, false), "cut");
			buf_free(&body);
		}
	}
	assert_score(&score, "cut off");
}

static void test_gaps(void **state)
{
	static const char *const codings[] = { "", "", "", "gzip", "br", "zstd" };
	struct score score = { 0 };

	(void)state;
	for (size_t i = 0; i < form_count; i++) {
		if (strncmp(forms[i].place, "body:", 5) != 0)
			continue;
		size_t step = getenv("GAPS") ? 1 : 3; /* all of them take a while */
		for (size_t gap = 1 + i % step; gap + 9 < forms[i].len; gap += step) {
			struct sending s = { .coding = codings[(i + gap) % 6],
					     .gap = gap,
					     .missing = 1 + (i + gap / step) % 8 };
			struct buf body = { 0 };
			encode(s.coding, forms[i].bytes, forms[i].len, &body);
			if (gap + s.missing < body.len) {
				char how[60];
				snprintf(how, sizeof(how), "%s without %zu from %zu", s.coding,
					 s.missing, s.gap);
				count(&score, &forms[i], leaks(&forms[i], &s, false), how);
			}
			buf_free(&body);
		}
	}
	assert_score(&score, "with bytes missing");
}

static void test_harmless(void **state)
{
	FILE *f = open_data("harmless.txt");
	char *line = NULL;
	size_t size = 0;
	unsigned changed = 0;

	(void)state;
	for (ssize_t n; (n = getline(&line, &size, f)) > 0;) {
		char *rest = line;
		line[n - 1] = '\0';
		struct form form = { .place = strsep(&rest, "\t") };
		form.bytes = rest;
		form.len = strcmp(form.place, "raw") ? unescape(rest) : strlen(rest);
		send_form(&form, &(struct sending){ .coding = "" });
		for (size_t i = 0; i < told_count; i++) {
			if (!holds(told[i], MASK, strlen(MASK)))
				continue;
			changed++;
			print_message("changed: %s\nto: %s %s\n", form.bytes,
				      buf_cstr(&told[i]->request_body), buf_cstr(&told[i]->detail));
		}
	}
	free(line);
	fclose(f);
	assert_int_equal(changed, 0);
}

/* The same secret has the same token wherever it stands, another one has another. */
static void test_tokens(void **state)
{
	struct form f = {
		.place = (char *)"body:application/json",
		.bytes = (char *)"{\"a\":\"/?token=one%20Two3\",\"token\":\"one Two3\","
				 "\"password\":\"other9\"}",
	};

	(void)state;
	f.len = strlen(f.bytes);
	send_form(&f, &(struct sending){ .coding = "" });
	const char *text = buf_cstr(&told[0]->request_body);
	const char *first = strstr(text, MASK), *second = strstr(first + 1, MASK);
	const char *third = strstr(second + 1, MASK);
	assert_memory_equal(first, second, MASK_SIZE);
	assert_memory_not_equal(first, third, MASK_SIZE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_they_are), cmocka_unit_test(test_coded),
		cmocka_unit_test(test_cut),	    cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_harmless),    cmocka_unit_test(test_tokens),

	};

	return cmocka_run_group_tests(tests, load, unload);
}
