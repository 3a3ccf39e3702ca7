// SPDX-License-Identifier: GPL-2.0-or-later
/* The detail of an entry as JSON: HACKING, "Detail" says which members there are. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/json_write.h"
#include "base/limits.h"
#include "entry.h"
#include "items.h"
#include "message.h"

static void put_text(struct jw *j, const char *name, struct text t)
{
	if (t.data)
		jw_text(j, name, t.data, t.len);
}

static void put_count(struct jw *j, const char *name, uint64_t n)
{
	if (n)
		jw_uint(j, name, n);
}

static void put_pairs(struct jw *j, const char *name, const struct message_pairs *p)
{
	if (!p->present)
		return;
	jw_array(j, name);
	for (size_t i = 0; i < p->count; i++) {
		const struct message_pair *pair = &p->list[i];
		jw_pair(j, pair->name.data, pair->name.len, pair->value.data, pair->value.len);
	}
	jw_end_array(j);
}

static void put_start(struct jw *j, const struct message *m)
{
	if (!m->request)
		jw_uint(j, "status", m->status);
	put_text(j, "method", m->method);
	put_text(j, "target", m->target);
	put_text(j, "reason", m->reason);
	put_text(j, "http_version", m->version);
}

static void put_interim(struct jw *j, const struct message *m)
{
	if (!m->interim)
		return;
	jw_array(j, "interim");
	for (const struct message_interim *i = m->interim; i; i = i->next) {
		jw_object(j, NULL);
		jw_uint(j, "status", i->status);
		put_text(j, "reason", i->reason);
		jw_int(j, "time_us", i->time_us);
		put_pairs(j, "headers", &i->headers);
		jw_end_object(j);
	}
	jw_end_array(j);
}

static void put_head(struct jw *j, const struct message *m, bool decoded)
{
	if (m->has_head)
		put_start(j, m);
	put_pairs(j, "query", &m->query);
	put_pairs(j, "headers", &m->headers);
	put_pairs(j, "cookies", &m->cookies);
	put_text(j, "content_type", m->content_type);
	put_text(j, decoded ? "decoded" : "content_encoding", m->content_encoding);
	put_pairs(j, "trailers", &m->trailers);
	if (m->has_head)
		jw_uint(j, "head_size", m->head_size);
	put_interim(j, m);
}

void message_put_gaps(struct jw *j, const char *name, const struct payload *p)
{
	if (!p->gap_count && !p->gaps_omitted)
		return;
	jw_array(j, name);
	for (unsigned i = 0; i < p->gap_count; i++) {
		const struct payload_gap *g = &p->gaps[i];
		jw_object(j, NULL);
		jw_uint(j, "offset", g->offset);
		jw_uint(j, "length", g->length);
		jw_string(j, "why", g->why == GAP_LOST ? "lost" : "truncated");
		jw_end_object(j);
	}
	jw_end_array(j);
	put_count(j, "gaps_omitted", p->gaps_omitted);
}

static void put_notes(struct jw *j, const struct message *m)
{
	if (!m->notes)
		return;
	jw_array(j, "notes");
	for (int i = 0; i < 32; i++)
		if (m->notes & 1U << i)
			jw_string(j, NULL, m->note_texts[i]);
	jw_end_array(j);
}

void message_put_masks(struct jw *j, const struct message_masks *masks)
{
	for (size_t i = 0; i < masks->count; i++) {
		const struct message_mask *mask = &masks->list[i];
		char text[128];
		size_t kind = strlen(mask->kind), name = strlen(mask->name);
		if (kind + 1 + name > sizeof(text))
			continue;
		memcpy(text, mask->kind, kind);
		text[kind] = ' ';
		memcpy(text + kind + 1, mask->name, name);
		jw_text(j, NULL, text, kind + 1 + name);
	}
}

static void put_own(struct jw *j, const struct message *m)
{
	for (const struct message_member *p = m->own; p; p = p->next) {
		if (p->text.data)
			put_text(j, p->name, p->text);
		else
			jw_int(j, p->name, p->number);
	}
}

/* Why nothing of a body that was seen is stored. */
static void put_why(struct jw *j, const char *why, uint64_t bytes, uint64_t digest)
{
	char text[200];

	if (!why)
		return;
	snprintf(text, sizeof(text), "%016" PRIx64, digest);
	jw_string(j, "body_digest", text);
	snprintf(text, sizeof(text), "%" PRIu64 " bytes, %s", bytes, why);
	jw_string(j, "why", text);
}

/* `body` is what is stored now, unless an earlier version stored it. */
static void put_message(struct jw *j, const struct message *m, size_t body, bool kept)
{
	static const struct message_stored nothing;
	const struct message_stored *s = !kept ? NULL : m->stored ? m->stored : &nothing;
	bool masked = s ? s->masked : m->body_masked;

	jw_object(j, m->request ? "request" : "response");
	put_head(j, m, s ? s->decoded : m->body_decoded);
	jw_uint(j, "body_size", m->body.size);
	jw_uint(j, "body_stored", s ? s->size : body);
	put_why(j, s ? s->why : m->body_why, s ? s->not_kept : m->body_not_kept,
		s ? s->digest : m->body_digest);
	message_put_gaps(j, masked ? "gaps_as_sent" : "gaps", &m->body);
	put_own(j, m);
	put_notes(j, m);
	if (m->masks.count || (s && s->masks.count)) {
		jw_array(j, "redacted");
		message_put_masks(j, &m->masks);
		if (s)
			message_put_masks(j, &s->masks);
		jw_end_array(j);
	}
	jw_end_object(j);
}

static void put_event(struct jw *j, const char *name, int64_t us)
{
	if (!us)
		return;
	jw_object(j, NULL);
	jw_string(j, "name", name);
	jw_int(j, "time_us", us);
	jw_end_object(j);
}

static void put_events(struct jw *j, const struct message *const m[2])
{
	jw_array(j, "events");
	put_event(j, "request_start", m[0] ? m[0]->start_us : 0);
	put_event(j, "request_end", m[0] ? m[0]->end_us : 0);
	put_event(j, "response_start", m[1] ? m[1]->start_us : 0);
	put_event(j, "response_end", m[1] ? m[1]->end_us : 0);
	jw_end_array(j);
}

static void put_word(struct jw *j, const char *name, const char *text)
{
	if (*text)
		jw_string(j, name, text);
}

/* What it learned of its connection; an entry of a handshake (tls/tls_entry.h) has it all. */
void entry_put_tls(struct jw *j, const struct entry *e)
{
	if (!*e->tls_version && !*e->tls_sni)
		return;
	jw_object(j, "tls_info");
	put_word(j, "version", e->tls_version);
	put_word(j, "cipher", e->tls_cipher);
	put_word(j, "sni", e->tls_sni);
	put_word(j, "alpn", e->tls_alpn);
	put_word(j, "ja3", e->ja3);
	put_word(j, "ja4", e->ja4);
	put_word(j, "subject", e->tls_subject);
	put_word(j, "not_after", e->tls_not_after);
	jw_end_object(j);
}

/* About what the detail takes: names, cookies and query come twice. */
static size_t room_for(const struct message *const m[2])
{
	size_t n = 512;

	for (int i = 0; i < 2; i++)
		if (m[i] && m[i]->head_size <= LIMIT_HEAD_BYTES)
			n += 256 + 2 * (size_t)m[i]->head_size;
	return n;
}

/* What is stored now is what later versions that keep it tell of. */
static void remember(struct message *m, size_t body)
{
	struct message_stored *s = m->stored;

	if (!s)
		return;
	s->size = body;
	s->masked = m->body_masked;
	s->decoded = m->body_decoded;
	s->why = m->body_why;
	s->not_kept = m->body_not_kept;
	s->digest = m->body_digest;
}

int entry_write_detail(struct entry *e)
{
	const size_t body[2] = { e->request_body.len, e->response_body.len };
	const struct message *const m[2] = { e->message[0], e->message[1] };
	struct jw j = jw_begin(&e->detail);

	if (!m[0] && !m[1] && !e->items)
		return 0;
	buf_reserve(&e->detail, room_for(m) + items_bytes(e->items));
	jw_object(&j, NULL);
	for (int i = 0; i < 2; i++)
		if (m[i])
			put_message(&j, m[i], body[i], e->body_kept[i]);
	entry_put_tls(&j, e);
	put_events(&j, m);
	items_put_json(&j, e->items);
	if (e->remark) {
		jw_array(&j, "notes");
		jw_string(&j, NULL, e->remark);
		jw_end_array(&j);
	}
	jw_end_object(&j);
	if (jw_done(&j))
		buf_reset(&e->detail);
	items_free(e->items);
	e->items = NULL;
	for (int i = 0; i < 2; i++) {
		if (m[i] && !e->body_kept[i])
			remember(e->message[i], body[i]);
		message_free(e->message[i]);
		e->message[i] = NULL;
	}
	return jw_done(&j);
}
