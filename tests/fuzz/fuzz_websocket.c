// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Messages below an exchange: WebSocket, and answers that are streams. The first byte says which,
 * and what was agreed; then come records: a byte of what (from the client, from the server, a gap
 * of either, time that passes), a byte of length, so many bytes. What comes out must be JSON, must
 * not account for more bytes than there were, and must be the same for bytes one by one.
 */
#include <jansson.h>

#include "base/buf.h"
#include "base/json_write.h"
#include "base/limits.h"
#include "dissect/dissect.h"
#include "dissect/http_stream.h"
#include "dissect/websocket.h"
#include "fuzz.h"
#include "message.h"

static const char *const extensions[] = {
	"",
	"permessage-deflate",
	"permessage-deflate; server_no_context_takeover; client_no_context_takeover",
	"foo, permessage-deflate; server_max_window_bits=9; client_max_window_bits=\"10\"",
};
static const char *const types[] = {
	"text/event-stream",
	"application/x-ndjson",
	"application/json-seq",
	"multipart/x-mixed-replace; boundary=b",
};

struct talk {
	bool is_stream, one_by_one;
	struct websocket ws;
	struct message *answer;
	struct http_stream *stream;
	struct live_use use;
	int64_t now;
	uint64_t total;
};

static struct text text_of(const char *s)
{
	return (struct text){ s, strlen(s) };
}

static void begin(struct talk *t, uint8_t what)
{
	t->is_stream = what & 4;
	t->now = 1000;
	ws_begin(&t->ws, text_of(extensions[what & 3]), &t->use);
	t->answer = message_new(false, NULL);
	t->answer->content_type = text_of(types[what & 3]);
	t->stream = t->is_stream ? http_stream_new(t->answer) : NULL;
	require(t->is_stream == (t->stream != NULL));
}

static void feed(struct talk *t, enum item_from from, const uint8_t *data, size_t len)
{
	size_t step = t->one_by_one ? 1 : len;

	t->total += len;
	for (size_t i = 0; i < len; i += step) {
		uint8_t *copy = malloc(step);
		memcpy(copy, data + i, step);
		if (t->is_stream)
			http_stream_feed(t->stream, copy, step, t->now);
		else
			ws_feed(&t->ws, from, copy, step, t->now);
		free(copy);
	}
}

static void record(struct talk *t, uint8_t what, const uint8_t *data, size_t len)
{
	enum item_from from = what & 1 ? ITEM_SERVER : ITEM_CLIENT;

	if (what % 8 < 4) {
		feed(t, from, data, len);
	} else if (what % 8 < 6) {
		uint64_t missing = len ? (uint64_t)data[0] << (len - 1) % 24 : 1;
		t->total += missing;
		if (t->is_stream)
			http_stream_gap(t->stream, missing, GAP_LOST, t->now);
		else
			ws_gap(&t->ws, from, missing, GAP_LOST, t->now);
	} else {
		t->now += 1000;
	}
}

static void look_at(const struct talk *t, struct items *l, struct buf *out)
{
	struct jw j = jw_begin(out);
	uint64_t sizes = 0;
	unsigned count = 0;

	for (const struct item *i = l->first; i; i = i->next) {
		sizes += i->size;
		count++;
		require(!i->open);
		require(i->content.bytes.len <= LIMIT_ITEM_BYTES);
	}
	require(sizes <= t->total);
	require(count == l->count && l->total == l->count + l->omitted);
	require(l->count <= LIMIT_ITEMS && l->bytes <= LIMIT_ITEMS_BYTES);
	jw_object(&j, NULL);
	items_put_json(&j, l);
	jw_end_object(&j);
	require(jw_done(&j) == 0);
	json_t *json = json_loadb(out->data, out->len, JSON_ALLOW_NUL, NULL);
	require(json != NULL);
	json_decref(json);
}

static void run(const uint8_t *data, size_t size, bool one_by_one, struct buf *out)
{
	struct talk t = { .one_by_one = one_by_one };

	begin(&t, data[0]);
	for (size_t i = 1; i + 2 <= size;) {
		size_t len = data[i + 1], left = size - i - 2;
		len = len < left ? len : left;
		record(&t, data[i], data + i + 2, len);
		i += 2 + len;
	}
	ws_end(&t.ws);
	http_stream_end(t.stream);
	look_at(&t, t.is_stream ? http_stream_items(t.stream) : t.ws.items, out);
	ws_free(&t.ws);
	http_stream_free(t.stream);
	message_free(t.answer);
	require(t.use.inflaters == 0);
}

/* All of it as what a server sends. */
static void pass(void *ctx, const uint8_t *data, size_t size)
{
	struct talk t = { 0 };

	begin(&t, *(const uint8_t *)ctx);
	if (t.is_stream)
		http_stream_feed(t.stream, data, size, 1000);
	else
		ws_feed(&t.ws, ITEM_SERVER, data, size, 1000);
	ws_free(&t.ws);
	http_stream_free(t.stream);
	message_free(t.answer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole = { 0 }, bytes = { 0 };

	if (size < 2 || size > 16384)
		return 0;
	uint8_t what = data[0];
	fuzz_weigh(pass, &what, data + 1, size - 1);
	run(data, size, false, &whole);
	run(data, size, true, &bytes);
	require(whole.len == bytes.len && !memcmp(whole.data, bytes.data, whole.len));
	buf_free(&whole);
	buf_free(&bytes);
	return 0;
}
