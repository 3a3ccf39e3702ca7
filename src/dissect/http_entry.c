// SPDX-License-Identifier: GPL-2.0-or-later
/* From the messages of an exchange to its entry. */
#include <inttypes.h>
#include <string.h>

#include "dissect/grpc.h"
#include "dissect/http.h"
#include "entry.h"

const char *const http_notes[HTTP_NOTE_COUNT] = {
	[HTTP_NOTE_LENGTH_CONFLICT] = "conflicting Content-Length fields, the first one counts",
	[HTTP_NOTE_LENGTH_BAD] = "Content-Length that is no number, ignored",
	[HTTP_NOTE_LENGTH_IGNORED] = "Content-Length beside Transfer-Encoding, ignored",
	[HTTP_NOTE_CODING_UNKNOWN] = "Transfer-Encoding that does not end with chunked",
	[HTTP_NOTE_BARE_LF] = "lines that end with LF alone",
	[HTTP_NOTE_FOLDED] = "folded header lines",
	[HTTP_NOTE_FIELD_BAD] = "header lines without a colon",
	[HTTP_NOTE_PROMISED] = "promised by the server (PUSH_PROMISE)",
	[HTTP_NOTE_STREAM_CODED] =
		"a stream with an unknown content coding, or several: its messages are not listed",
	[HTTP_NOTE_FIELDS_CUT] = "more header fields than are listed",
	[HTTP_NOTE_HEAD_CUT] = "head longer than what is kept",
	[HTTP_NOTE_HEAD_GAP] = "bytes missing inside the head",
	[HTTP_NOTE_CHUNK_BAD] = "broken chunk: the rest was skipped up to the next message",
	[HTTP_NOTE_FRAMING_LOST] = "bytes missing between chunks: the end of the body is not known",
	[HTTP_NOTE_STRAY] = "bytes that begin no HTTP message",
	[HTTP_NOTE_SKIPPED] = "bytes skipped before it that begin no HTTP message",
	[HTTP_NOTE_ENDED_EARLY] = "ended inside the message",
	[HTTP_NOTE_HEAD_BAD] = "broken header block: the rest of it was skipped",
	[HTTP_NOTE_HEAD_MISSING] = "its header fields were not seen",
	[HTTP_NOTE_ROLES] = "which side asks is not known",
	[HTTP_NOTE_LATE_METHOD] = "joined late: :method was sent before",
	[HTTP_NOTE_LATE_PATH] = "joined late: :path was sent before",
	[HTTP_NOTE_LATE_AUTHORITY] = "joined late: :authority was sent before",
	[HTTP_NOTE_LATE_STATUS] = "joined late: :status was sent before",
	[HTTP_NOTE_LATE_FIELDS] = "joined late: some header fields were sent before",
	[HTTP_NOTE_LOST_METHOD] = "bytes lost: :method was sent before",
	[HTTP_NOTE_LOST_PATH] = "bytes lost: :path was sent before",
	[HTTP_NOTE_LOST_AUTHORITY] = "bytes lost: :authority was sent before",
	[HTTP_NOTE_LOST_STATUS] = "bytes lost: :status was sent before",
	[HTTP_NOTE_LOST_FIELDS] = "bytes lost: some header fields were sent before",
	[HTTP_NOTE_HOLE] = "bytes of the connection were lost that may be of it",
};

static void put_reason(struct buf *out, const char *who, uint64_t n, const char *what)
{
	if (out->len)
		buf_puts(out, "; ");
	if (n)
		buf_printf(out, "%s: %" PRIu64 " %s", who, n, what);
	else
		buf_printf(out, "%s: %s", who, what);
}

static void put_count(struct buf *out, const char *who, uint64_t n, const char *what)
{
	if (n)
		put_reason(out, who, n, what);
}

static void put_faults(struct buf *out, const char *who, const struct message *m)
{
	uint64_t stray = m->body.present;

	for (int i = HTTP_NOTE_FIRST_FAULT;
	     m->notes >> HTTP_NOTE_FIRST_FAULT && i < HTTP_NOTE_COUNT; i++) {
		if (!http_has_note(m, i) || (i == HTTP_NOTE_STRAY && !stray))
			continue;
		put_reason(out, who,
			   i == HTTP_NOTE_SKIPPED ? m->skipped
			   : i == HTTP_NOTE_STRAY ? stray
						  : 0,
			   http_notes[i]);
	}
	if (m->fault)
		put_reason(out, who, 0, m->fault);
	put_count(out, who, m->unplaced, "bytes after that have no known place");
	put_count(out, who, m->expected, "bytes of the body never came");
	put_count(out, who, m->body.missing[GAP_LOST], "bytes lost");
	put_count(out, who, m->body.missing[GAP_TRUNCATED],
		  m->body.gave_way ? "bytes of the body not kept: memory was short"
				   : "bytes of the body not copied");
}

static void fill_reason(struct entry *e, const struct message *q, const struct message *a,
			const char *missing)
{
	struct buf reason = { 0 };

	if (missing)
		buf_puts(&reason, missing);
	if (q)
		put_faults(&reason, "request", q);
	if (a)
		put_faults(&reason, "response", a);
	e->complete = !reason.len;
	e->reason = entry_text(e, reason.data, reason.len);
	buf_free(&reason);
}

/* "http://host/path": past scheme and authority, which names the host (RFC 9112, 3.2.2). */
static struct text take_authority(struct text target, struct text *ret_host)
{
	const char *scheme = target.len && *target.data != '/'
				     ? memmem(target.data, target.len, "://", 3)
				     : NULL;
	if (!scheme)
		return target;
	size_t skip = (size_t)(scheme - target.data) + 3;
	struct text rest = { target.data + skip, target.len - skip };
	size_t n = 0;
	while (n < rest.len && !strchr("/?#", rest.data[n]))
		n++;
	const char *at = memrchr(rest.data, '@', n);
	size_t userinfo = at ? (size_t)(at - rest.data) + 1 : 0;
	*ret_host = (struct text){ rest.data + userinfo, n - userinfo };
	return (struct text){ rest.data + n, rest.len - n };
}

static struct text host_field(const struct message *m)
{
	for (size_t i = 0; i < m->headers.count; i++)
		if (http_is(m->headers.list[i].name, "host"))
			return m->headers.list[i].value;
	return (struct text){ 0 };
}

static void fill_target(struct entry *e, const struct message *m)
{
	/* That of RFC 8441 has a path. */
	bool connect = http_is_method(m, "CONNECT") && !(m->target.len && *m->target.data == '/');
	struct text host = m->authority;
	struct text rest = connect ? m->target : take_authority(m->target, &host);

	if (!host.len)
		host = host_field(m);
	if (!host.len && connect)
		host = m->target;
	e->host = entry_text(e, host.data, host.len);
	e->summary = entry_text(e, rest.data, rest.len < LIMIT_SUMMARY ? rest.len : LIMIT_SUMMARY);
	if (connect)
		return;
	struct text path = http_take_until(&rest, '?');
	e->path = entry_text(e, path.data, path.len);
	e->query_string = entry_text(e, rest.data, rest.len);
}

static void fill_request(struct entry *e, const struct message *m)
{
	e->request_size = (int64_t)message_size(m);
	if (!m->has_head)
		return;
	e->method = entry_text(e, m->method.data, m->method.len);
	e->version = entry_text(e, m->version.data, m->version.len);
	fill_target(e, m);
}

static void fill_response(struct entry *e, const struct message *m)
{
	e->response_size = (int64_t)message_size(m);
	if (!m->has_head)
		return;
	char digits[3] = { (char)('0' + m->status / 100), (char)('0' + m->status / 10 % 10),
			   (char)('0' + m->status % 10) };
	e->status = entry_text(e, digits, 3);
	e->status_code = m->status;
	if (!*e->version)
		e->version = entry_text(e, m->version.data, m->version.len);
}

static void fill_missing(struct entry *e, const struct message *m)
{
	e->lost_bytes += (int64_t)m->body.missing[GAP_LOST];
	e->truncated_bytes += (int64_t)(m->body.missing[GAP_TRUNCATED] + m->head_cut);
}

static void fill(struct entry *e, const struct message *q, const struct message *a,
		 const char *missing)
{
	if (q) {
		fill_request(e, q);
		fill_missing(e, q);
	}
	if (a) {
		fill_response(e, a);
		fill_missing(e, a);
	}
	fill_reason(e, q, a, missing);
	grpc_fill(e, q, a);
}

/*
 * An answer that was read without its request, at the other end, was perhaps read wrongly: nothing
 * follows the head of one to HEAD.
 */
static void reread(struct entry *e)
{
	const struct message *q = e->message[0];
	struct message *a = e->message[1];

	/* Of an answer of which nothing came, what is missing has been said by the other end's
	 * entry. */
	if (a && !a->has_head && !a->body.size && !a->unplaced)
		http_note(a, HTTP_NOTE_HEAD_MISSING);
	if (!q || !a || !a->body.size || !http_is_method(q, "HEAD"))
		return;
	a->unplaced += a->body.present;
	payload_free(&a->body);
	buf_free(&e->response_body);
}

void http_entry_refill(struct entry *e)
{
	reread(e);
	e->lost_bytes = e->truncated_bytes = 0;
	fill(e, e->message[0], e->message[1], NULL);
}

struct entry *http_entry_new_take(struct message *q, struct message *a, const char *missing)
{
	struct entry *e = entry_new();

	if (!e) {
		message_free(q);
		message_free(a);
		return NULL;
	}
	e->protocol = "http";
	e->timestamp_us = q ? q->start_us : a ? a->start_us : 0;
	if (q && a)
		e->elapsed_us = a->end_us > q->start_us ? a->end_us - q->start_us : 0;
	fill(e, q, a, missing);
	if (a)
		grpc_add_members(a);
	if (q)
		e->request_body = payload_take_bytes(&q->body);
	if (a)
		e->response_body = payload_take_bytes(&a->body);
	e->message[0] = q;
	e->message[1] = a;
	return e;
}
