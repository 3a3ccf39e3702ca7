// SPDX-License-Identifier: GPL-2.0-or-later
#include "dissect/http1.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "entry.h"

static const char *const notes[H1_NOTE_COUNT] = {
	[H1_NOTE_LENGTH_CONFLICT] = "conflicting Content-Length fields, the first one counts",
	[H1_NOTE_LENGTH_BAD] = "Content-Length that is no number, ignored",
	[H1_NOTE_LENGTH_IGNORED] = "Content-Length beside Transfer-Encoding, ignored",
	[H1_NOTE_CODING_UNKNOWN] = "Transfer-Encoding that does not end with chunked",
	[H1_NOTE_BARE_LF] = "lines that end with LF alone",
	[H1_NOTE_FOLDED] = "folded header lines",
	[H1_NOTE_FIELD_BAD] = "header lines without a colon",
	[H1_NOTE_FIELDS_CUT] = "more header fields than are listed",
	[H1_NOTE_HEAD_CUT] = "head longer than what is kept",
	[H1_NOTE_HEAD_GAP] = "bytes missing inside the head",
	[H1_NOTE_CHUNK_BAD] = "broken chunk: the rest was skipped up to the next message",
	[H1_NOTE_FRAMING_LOST] = "bytes missing between chunks: the end of the body is not known",
	[H1_NOTE_STRAY] = "bytes that begin no HTTP message",
	[H1_NOTE_SKIPPED] = "bytes skipped before it that begin no HTTP message",
	[H1_NOTE_ENDED_EARLY] = "ended inside the message",
};

struct h1_exchange *h1_exchange_new(void)
{
	struct h1_exchange *x = calloc(1, sizeof(*x));

	if (x)
		x->entry = entry_new();
	if (x && !x->entry) {
		free(x);
		return NULL;
	}
	return x;
}

static void message_free(struct h1_message *m)
{
	buf_free(&m->json);
	buf_free(&m->interim);
	payload_free(&m->body);
}

void h1_exchange_free(struct h1_exchange *x)
{
	if (!x)
		return;
	message_free(&x->request);
	message_free(&x->response);
	entry_free(x->entry);
	free(x);
}

static uint64_t message_size(const struct h1_message *m)
{
	return m->head_size + m->framing_size + m->body.size + m->unplaced;
}

static int put_notes(const struct h1_message *m, struct buf *out)
{
	int r = detail_member(out, "notes");

	r = r ? r : buf_putc(out, '[');
	for (int i = 0; !r && i < H1_NOTE_COUNT; i++) {
		if (!(m->notes & 1U << i))
			continue;
		r = out->data[out->len - 1] == '[' ? 0 : buf_putc(out, ',');
		r = r ? r : buf_put_json(out, notes[i], strlen(notes[i]));
	}
	return r ? r : buf_putc(out, ']');
}

static int put_message(const struct h1_message *m, const char *name, struct buf *out)
{
	if (!m->begun)
		return 0;
	int r = detail_member(out, name);
	r = r ? r : buf_putc(out, '{');
	r = r ? r : buf_put(out, m->json.data, m->json.len);
	if (!r && m->has_head)
		r = detail_number(out, "head_size", (int64_t)m->head_size);
	if (!r && m->interim.len) {
		r = detail_member(out, "interim");
		r = r ? r : buf_putc(out, '[');
		r = r ? r : buf_put(out, m->interim.data, m->interim.len);
		r = r ? r : buf_putc(out, ']');
	}
	r = r ? r : payload_put_json(&m->body, out);
	if (!r && m->skipped)
		r = detail_number(out, "skipped", (int64_t)m->skipped);
	if (!r && m->unplaced)
		r = detail_number(out, "unplaced", (int64_t)m->unplaced);
	if (!r && m->notes)
		r = put_notes(m, out);
	return r ? r : buf_putc(out, '}');
}

static int put_detail(const struct h1_exchange *x, struct buf *out)
{
	const struct h1_message *q = &x->request, *a = &x->response;
	const int64_t request_us[2] = { q->start_us, q->end_us };
	const int64_t response_us[2] = { a->start_us, a->end_us };
	int r = buf_reserve(out, q->json.len + a->json.len + 512);

	r = r ? r : buf_putc(out, '{');
	r = r ? r : put_message(q, "request", out);
	r = r ? r : put_message(a, "response", out);
	r = r ? r : detail_events(out, request_us, response_us);
	return r ? r : buf_putc(out, '}');
}

static int put_reason(struct buf *out, const char *who, const char *format, uint64_t n)
{
	int r = out->len ? buf_puts(out, "; ") : 0;

	r = r ? r : buf_printf(out, "%s: ", who);
	if (!r && n)
		r = buf_printf(out, "%" PRIu64 " ", n);
	return r ? r : buf_puts(out, format);
}

static void message_reason(const struct h1_message *m, const char *who, struct buf *out)
{
	uint64_t stray = m->body.size - m->body.missing[GAP_LOST] - m->body.missing[GAP_TRUNCATED];

	for (int i = H1_NOTE_FIRST_FAULT; i < H1_NOTE_COUNT; i++) {
		if (!(m->notes & 1U << i) || (i == H1_NOTE_STRAY && !stray))
			continue;
		put_reason(out, who, notes[i],
			   i == H1_NOTE_SKIPPED ? m->skipped
			   : i == H1_NOTE_STRAY ? stray
						: 0);
	}
	if (m->unplaced)
		put_reason(out, who, "bytes after that have no known place", m->unplaced);
	if (m->expected)
		put_reason(out, who, "bytes of the body never came", m->expected);
	if (m->body.missing[GAP_LOST])
		put_reason(out, who, "bytes lost", m->body.missing[GAP_LOST]);
	if (m->body.missing[GAP_TRUNCATED])
		put_reason(out, who, "bytes of the body not copied",
			   m->body.missing[GAP_TRUNCATED]);
}

static void fill_reason(struct h1_exchange *x)
{
	struct buf reason = { 0 };

	if (x->missing)
		buf_puts(&reason, x->missing);
	message_reason(&x->request, "request", &reason);
	message_reason(&x->response, "response", &reason);
	x->entry->complete = !reason.len;
	x->entry->reason = entry_text(x->entry, reason.data, reason.len);
	buf_free(&reason);
}

static struct buf take_bytes(struct h1_message *m)
{
	struct buf bytes = m->body.bytes;

	m->body.bytes = (struct buf){ 0 };
	return bytes;
}

struct entry *h1_exchange_take_entry(struct h1_exchange *x, bool client)
{
	struct h1_message *q = &x->request, *a = &x->response;
	struct entry *e = x->entry;

	x->entry = NULL;
	e->protocol = "http";
	e->role = client ? "client" : "server";
	e->timestamp_us = q->begun ? q->start_us : a->start_us;
	if (q->begun && a->begun)
		e->elapsed_us = a->end_us > q->start_us ? a->end_us - q->start_us : 0;
	e->request_size = (int64_t)message_size(q);
	e->response_size = (int64_t)message_size(a);
	e->lost_bytes = (int64_t)(q->body.missing[GAP_LOST] + a->body.missing[GAP_LOST]);
	e->truncated_bytes = (int64_t)(q->body.missing[GAP_TRUNCATED] + q->head_cut +
				       a->body.missing[GAP_TRUNCATED] + a->head_cut);
	x->entry = e;
	fill_reason(x);
	if (put_detail(x, &e->detail))
		buf_reset(&e->detail);
	e->part[0] = q->part;
	e->part[1] = a->part;
	e->request_body = take_bytes(q);
	e->response_body = take_bytes(a);
	x->entry = NULL;
	return e;
}
