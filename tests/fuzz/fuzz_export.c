// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a store may hold of an entry, as HAR and as pcapng. The first byte chooses a filter, the
 * second flags of the entry; then come the detail, both bodies, and the texts of the entry, FF
 * between them. HAR is JSON; pcapng is blocks that say how long they are, twice.
 */
#include <jansson.h>

#include "api/export/export.h"
#include "api/handlers.h"
#include "api/request.h"
#include "api/state.h"
#include "base/buf.h"
#include "entry.h"
#include "fuzz.h"
#include "kfl/kfl.h"

#define MOST_NS (2000000ULL * (FUZZ_BYTE_NS / 50))

static const char *const filters[] = {
	"",
	"redact(\"request.body\", \"response.headers\")",
	"redact(\"response.body.json().a\", \"src\")",
	"redact(\"request.headers.cookie\", \"path\", \"query_string\")",
};
enum { FILTERS = sizeof(filters) / sizeof(*filters), TEXTS = 8 };

static const struct export_format *format;
static struct api api = { .options = { .version = "1" } };
static struct request asked = { .api = &api };

/* In place of the one that answers a request. */
void export_start(struct request *r, const struct export_format *f)
{
	(void)r;
	format = f;
}

static const struct kfl *filter_of(uint8_t n)
{
	static struct kfl *compiled[FILTERS];
	struct kfl_error error;

	n %= FILTERS;
	if (*filters[n] && !compiled[n])
		require(!kfl_compile(filters[n], strlen(filters[n]), &compiled[n], &error));
	return compiled[n];
}

/* The bytes up to the next FF. */
static const uint8_t *part(const uint8_t **at, const uint8_t *end, size_t *ret_len)
{
	const uint8_t *data = *at,
		      *stop = data < end ? memchr(data, 0xff, (size_t)(end - data)) : NULL;

	*ret_len = (size_t)((stop ? stop : end) - data);
	*at = stop ? stop + 1 : end;
	return data;
}

static const char *text(struct entry *e, const uint8_t **at, const uint8_t *end)
{
	size_t len;
	const uint8_t *data = part(at, end, &len);

	return entry_text(e, data, len);
}

static void put_part(struct buf *out, const uint8_t **at, const uint8_t *end)
{
	size_t len;
	const uint8_t *data = part(at, end, &len);

	buf_put(out, data, len);
}

static struct entry *make_entry(const uint8_t *data, size_t size)
{
	const uint8_t *at = data + 2, *end = data + size;
	struct entry *e = entry_new();
	uint8_t flags = data[1];

	require(e != NULL);
	e->id = 7;
	e->timestamp_us = flags & 1 ? INT64_MIN : 1795298400000000;
	e->elapsed_us = flags & 2 ? INT64_MAX : 1000;
	e->complete = flags & 4;
	e->src.port = 40000;
	e->dst.port = flags & 8 ? 0 : 443;
	e->status_code = 200;
	e->src.ip = flags & 16 ? "::1" : "127.0.0.1";
	e->dst.ip = flags & 16 ? "2001:db8::1" : "10.0.0.1";
	e->ends = flags & 32 ? "both" : "client";
	e->part[0].offset = flags & 64 ? UINT64_MAX : 0;
	put_part(&e->detail, &at, end);
	put_part(&e->request_body, &at, end);
	put_part(&e->response_body, &at, end);
	e->connection = text(e, &at, end);
	e->path = text(e, &at, end);
	e->query_string = text(e, &at, end);
	if (flags & 128)
		e->src.ip = text(e, &at, end);
	e->reason = text(e, &at, end);
	return e;
}

static uint32_t word(const char *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

static void check_blocks(const struct buf *file)
{
	for (size_t at = 0, len; at < file->len; at += len) {
		require(file->len - at >= 12);
		len = word(file->data + at + 4);
		require(len >= 12 && len % 4 == 0 && len <= file->len - at);
		require(word(file->data + at + len - 4) == len);
	}
}

static void check_json(const struct buf *file)
{
	json_t *v = json_loadb(file->data, file->len, JSON_ALLOW_NUL, NULL);

	require(v != NULL);
	json_decref(v);
}

/* The same entry twice, and as another connection would have it. */
static void make_file(const struct entry *e, const struct kfl *filter, struct buf *out)
{
	void *state = format->open(&asked);

	require(state && !format->begin(state, out) && !format->add(state, e, filter, out) &&
		!format->add(state, e, filter, out) && !format->end(state, out));
	format->close(state);
}

static void export(void *ctx, const uint8_t *data, size_t size)
{
	struct entry *e = make_entry(data, size);
	struct buf out = { 0 };

	make_file(e, filter_of(*data), &out);
	if (ctx && !strcmp(format->extension, "har"))
		check_json(&out);
	else if (ctx)
		check_blocks(&out);
	buf_free(&out);
	entry_free(e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	void (*const formats[])(struct request *) = { har_export, pcapng_export };
	bool look = true;

	if (size < 2)
		return 0;
	for (size_t i = 0; i < 2; i++) {
		formats[i](&asked);
		export(&look, data, size);
		if (fuzz_weighed(data, size))
			fuzz_weigh_once(export, NULL, data, size, MOST_NS);
	}
	return 0;
}
