// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The first byte chooses the type of the body; the rest, up to a byte FF, goes before a secret of a
 * known name, and what follows after it. Whatever stands around it, the secret must not be left.
 * And whatever is repeated, twice of it costs twice as much to look through.
 */
#include <jansson.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "dissect/dissect.h"
#include "redact/redact.h"
#include "redact/secret_scan.h"
#include "entry.h"
#include "fuzz.h"

/* With a byte that the input may not have, so that it cannot bring the secret along. */
#define SECRET "HuNtErQ2"

static const struct {
	const char *type, *text;
} kinds[] = {
	{ "application/json", "\"password\":\"" SECRET "\"" },
	{ "application/json", "\\\"password\\\":\\\"" SECRET "\\\"" },
	{ "application/json", "\"token\" : [\"" SECRET "\"]" },
	{ "application/x-www-form-urlencoded", "&passwd=" SECRET "&" },
};

static void look_at(void *ctx, struct entry *e)
{
	require(redact_entry(ctx, e) == 0);
	json_t *detail = json_loadb(e->detail.data, e->detail.len, JSON_ALLOW_NUL, NULL);
	require(detail != NULL);
	json_t *stored = json_object_get(json_object_get(detail, "request"), "body_stored");
	require((size_t)json_integer_value(stored) == e->request_body.len);
	json_decref(detail);
	if (e->request_body.len)
		require(!memmem(e->request_body.data, e->request_body.len, SECRET, strlen(SECRET)));
	require(!memmem(e->detail.data, e->detail.len, SECRET, strlen(SECRET)));
	require(!strstr(e->query_string, SECRET) && !strstr(e->summary, SECRET));
	entry_free(e);
}

static void put_text(struct buf *out, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (data[i] > ' ' && data[i] < 0x7f && data[i] != '#')
			buf_putc(out, (char)data[i]);
}

#define COST_SIZE 4096
#define COST_WORK 128 /* steps for each byte: what scan_value.h allows */

struct scanned {
	enum scan_mode mode;
	size_t work;
};

static void scan(void *ctx, const uint8_t *data, size_t size)
{
	static const struct siphash_key key;
	const struct names names = { .broad = true };
	struct scanned *s = ctx;
	const struct scan_options o = { .names = &names, .kind = "body", .mode = s->mode };
	struct buf out = { 0 };

	struct masker m = mask_begin((const char *)data, size, &key, &out, NULL);
	require(scan_text(&m, &o) == 0 && mask_end(&m) == 0);
	s->work = m.work;
	require(m.work <= COST_WORK * size + (64 << 10));
	buf_free(&out);
}

static size_t work_of(enum scan_mode mode, const uint8_t *data, size_t size, size_t total)
{
	struct scanned s = { .mode = mode };
	struct buf text = { 0 };

	while (text.len < total)
		require(buf_put(&text, data, size) == 0);
	scan(&s, (const uint8_t *)text.data, text.len);
	buf_free(&text);
	return s.work;
}

/* The cost oracle: n -> 2n is at most 2.2 times as much to look through, and takes its time. */
static void weigh(const uint8_t *data, size_t size)
{
	if (!size || size > 256)
		return;
	for (int mode = SCAN_TEXT; mode <= SCAN_QUERY; mode++) {
		struct scanned s = { .mode = mode };
		size_t one = work_of(mode, data, size, COST_SIZE);
		size_t two = work_of(mode, data, size, 2 * COST_SIZE);

		require(two * 10 <= one * 22 + 20 * COST_SIZE);
		fuzz_weigh(scan, &s, data, size);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf body = { 0 }, request = { 0 };
	struct redact *r;
	char error[200];

	if (size < 1 || memchr(data, 'Q', size))
		return 0;
	weigh(data + 1, size - 1);
	size_t kind = *data % 4;
	const uint8_t *at = memchr(data + 1, 0xff, size - 1);
	size_t before = at ? (size_t)(at - data) - 1 : size - 1;
	buf_put(&body, data + 1, before);
	buf_puts(&body, kinds[kind].text);
	buf_put(&body, data + 1 + before, size - 1 - before);
	buf_puts(&request, "POST /a?");
	put_text(&request, data + 1, before);
	buf_printf(&request, "&token=" SECRET " HTTP/1.1\r\nReferer: /?");
	put_text(&request, data + 1, before);
	buf_printf(&request, "&token=" SECRET "\r\nCookie: ");
	put_text(&request, data + 1, before);
	buf_printf(&request, "=" SECRET "\r\nContent-Type: %s\r\nContent-Length: %zu\r\n\r\n",
		   kinds[kind].type, body.len);
	buf_put(&request, body.data, body.len);

	require(redact_new(NULL, 0, true, &r, error, sizeof(error)) == 0);
	const struct entry_sink sink = { look_at, r };
	const struct conn_hint hint = { 0 };
	struct dissection *d = dissect_open(&sink, &hint);
	dissect_feed(d, DIR_WRITE, (const uint8_t *)request.data, request.len, 0, 1);
	dissect_close(d, 2);
	redact_free(r);
	buf_free(&body);
	buf_free(&request);
	return 0;
}
