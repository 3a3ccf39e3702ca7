// SPDX-License-Identifier: GPL-2.0-or-later
/* From a header block to the head of a message, its trailers, or an interim answer. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "dissect/http2.h"

static const struct text sent_before = { "(sent before)", 13 };

int h2_block_begin(struct h2 *h, enum dir dir, struct h2_stream *s, int64_t now)
{
	struct h2_flow *f = &h->flow[dir];
	struct h2_block *b = malloc(sizeof(*b));

	if (!b)
		return -ENOMEM;
	account_change(h->sink.account, 0, sizeof(*b));
	memset(b, 0, offsetof(struct h2_block, fields.list));
	b->id = f->frame.stream;
	b->promise = f->frame.type == H2_PUSH_PROMISE;
	b->size = H2_HEAD_SIZE + (b->promise ? f->fixed : 0U);
	b->end_stream = !b->promise && f->frame.flags & H2_END_STREAM;
	b->stream = s;
	b->start_us = now;
	/* A promise is the request, though the server sends it. */
	enum dir of = b->promise ? !dir : dir;
	b->msg = s && !s->tunnel ? h2_message(h, s, of, now) : NULL;
	f->block = b;
	if (b->promise && b->msg)
		http_note(b->msg, HTTP_NOTE_PROMISED);
	return s && !s->tunnel && !b->msg ? -ENOMEM : 0;
}

void h2_block_free(struct h2 *h, enum dir dir)
{
	struct h2_flow *f = &h->flow[dir];
	size_t table = hpack_bytes(&f->hpack);

	account_change(h->sink.account, f->table, table);
	f->table = table;
	if (f->block)
		account_change(h->sink.account, sizeof(*f->block), 0);
	free(f->block);
	f->block = NULL;
}

/* Crumbs of the cookie are one field (RFC 9113 section 8.2.3). 0 or -ENOMEM. */
static int join_crumbs(struct h2_block *b)
{
	struct http_fields *f = &b->fields;
	struct message_pair *first = NULL;
	size_t total = 0, kept = 0;

	for (size_t i = 0; i < f->count; i++)
		total += http_is(f->list[i].name, "cookie") ? f->list[i].value.len + 2 : 0;
	char *p = total ? arena_alloc(&b->msg->arena, total) : NULL, *end = p;
	if (total && !p)
		return -ENOMEM;
	for (size_t i = 0; i < f->count && p; i++) {
		struct message_pair *pair = &f->list[kept];
		bool crumb = http_is(f->list[i].name, "cookie");
		struct text value = f->list[i].value;
		if (!crumb || !first)
			f->list[kept++] = f->list[i];
		if (!crumb)
			continue;
		if (first)
			end = mempcpy(end, "; ", 2);
		first = first ? first : pair;
		end = mempcpy(end, value.data, value.len);
		first->value = (struct text){ p, (size_t)(end - p) };
	}
	if (p)
		f->listed = f->count = kept;
	return 0;
}

/* Where a pseudo-header goes; those that are not told by the start line are fields as well. */
static struct text *pseudo(struct h2_block *b, struct text name, bool *ret_field)
{
	const struct {
		const char *name;
		struct text *text;
		bool field;
	} all[] = {
		{ ":method", &b->method, false },      { ":path", &b->path, false },
		{ ":status", &b->status, false },      { ":scheme", &b->scheme, true },
		{ ":authority", &b->authority, true }, { ":protocol", &b->protocol, true },
	};

	for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
		if (name.len != strlen(all[i].name) || memcmp(name.data, all[i].name, name.len))
			continue;
		*ret_field = all[i].field;
		return all[i].text;
	}
	*ret_field = true;
	return NULL;
}

/* What is kept of fields is bounded, and so is how much bytes on the stream may become. */
static bool has_room(const struct h2 *h, const struct h2_flow *f, size_t size)
{
	return f->block->kept + size <= LIMIT_HEAD_BYTES && size <= f->credit &&
	       h->held + f->block->kept + size <= LIMIT_H2_HELD;
}

struct block_reading {
	struct h2 *h;
	struct h2_flow *flow;
};

static int add_known(struct h2_block *b, const struct hpack_field *field)
{
	struct text name = message_text(b->msg, field->name.data, field->name.len);
	struct text value = message_text(b->msg, field->value.data, field->value.len);
	bool listed = true;

	if (!name.data || !value.data)
		return -ENOMEM;
	struct text *place = *name.data == ':' ? pseudo(b, name, &listed) : NULL;
	if (place && !place->data)
		*place = value;
	if (listed)
		http_fields_add(&b->fields, b->msg, name, value, false);
	return 0;
}

static int add_field(void *ctx, const struct hpack_field *field)
{
	struct block_reading *r = ctx;
	struct h2_block *b = r->flow->block;
	size_t size = field->name.len + field->value.len + sizeof(struct message_pair);

	b->unknown += !field->name.data;
	if (!b->msg)
		return 0;
	if (!has_room(r->h, r->flow, size)) {
		http_note(b->msg, HTTP_NOTE_HEAD_CUT);
		return 0;
	}
	b->kept += size;
	r->flow->credit -= (uint32_t)size;
	/* Whether a value without its name is a secret cannot be told, so it is not kept. */
	if (field->name.data)
		return add_known(b, field);
	http_fields_add(&b->fields, b->msg, sent_before, (struct text){ "", 0 }, false);
	return 0;
}

void h2_block_spoil(struct h2 *h, enum dir dir, enum http_note note)
{
	struct h2_flow *f = &h->flow[dir];

	f->block->spoiled = true;
	hpack_forget(&f->hpack);
	f->lost = true;
	if (f->block->msg)
		http_note(f->block->msg, note);
}

int h2_block_feed(struct h2 *h, enum dir dir, const uint8_t *data, size_t len)
{
	struct h2_flow *f = &h->flow[dir];
	struct block_reading reading = { h, f };
	const struct hpack_sink sink = { add_field, &reading };

	if (f->block->spoiled)
		return 0;
	int r = hpack_feed(&f->hpack, data, len, &sink);
	if (r == -ENOMEM)
		return r;
	if (r)
		h2_block_spoil(h, dir, r == -E2BIG ? HTTP_NOTE_HEAD_CUT : HTTP_NOTE_HEAD_BAD);
	return 0;
}

/* Who sends what is known by what only requests, or only answers, have. */
static void find_roles(struct h2 *h, enum dir dir, const struct h2_block *b)
{
	if (h->roles_known)
		return;
	if (b->status.data || b->promise)
		h2_set_client(h, !dir);
	else if (b->method.data || b->path.data || b->scheme.data || b->authority.data)
		h2_set_client(h, dir);
}

/* What a message must have and has not was sent before, if anything was. */
static void note_unknown(const struct h2_flow *f, const struct h2_block *b)
{
	struct message *m = b->msg;
	const struct {
		bool missing;
		enum http_note late, lost;
	} notes[] = {
		{ m->request && !b->method.data, HTTP_NOTE_LATE_METHOD, HTTP_NOTE_LOST_METHOD },
		{ m->request && !b->path.data, HTTP_NOTE_LATE_PATH, HTTP_NOTE_LOST_PATH },
		{ !m->request && !b->status.data, HTTP_NOTE_LATE_STATUS, HTTP_NOTE_LOST_STATUS },
		{ m->request && !b->authority.data, HTTP_NOTE_LATE_AUTHORITY,
		  HTTP_NOTE_LOST_AUTHORITY },
		{ true, HTTP_NOTE_LATE_FIELDS, HTTP_NOTE_LOST_FIELDS },
	};
	unsigned left = b->unknown;

	for (size_t i = 0; left && i < sizeof(notes) / sizeof(*notes); i++) {
		if (!notes[i].missing)
			continue;
		http_note(m, f->lost ? notes[i].lost : notes[i].late);
		left--;
	}
}

static int read_request(struct message *m, const struct h2_block *b)
{
	bool connect = b->method.len == 7 && !memcmp(b->method.data, "CONNECT", 7);
	const struct text none = { "", 0 };
	struct text target = connect && !b->path.data ? b->authority : b->path;

	m->method = b->method.data ? b->method : none;
	m->target = target.data ? target : none;
	m->authority = b->authority;
	return http_read_query(m);
}

static uint16_t read_status(struct text t)
{
	unsigned n = 0;

	for (size_t i = 0; i < t.len && t.len == 3; i++) {
		if (t.data[i] < '0' || t.data[i] > '9')
			return 0;
		n = 10 * n + (unsigned)(t.data[i] - '0');
	}
	return (uint16_t)n;
}

static int read_head(const struct h2_flow *f, struct h2_block *b)
{
	struct message *m = b->msg;

	m->has_head = true;
	m->head_size += b->size;
	m->version = (struct text){ "2", 1 };
	m->status = m->request ? 0 : read_status(b->status);
	note_unknown(f, b);
	int r = m->request ? read_request(m, b) : 0;
	r = r || !m->request ? r : join_crumbs(b);
	return r ? r : http_read_fields(m, &b->fields, (struct text){ 0 });
}

static int read_block(const struct h2_flow *f, struct h2_block *b)
{
	struct message *m = b->msg;
	uint16_t status = m->request ? 0 : read_status(b->status);
	bool pseudo_headers = b->method.data || b->path.data || b->status.data || b->scheme.data;

	/* What has none of them, and hides none, is no head. */
	if (m->has_head || (!pseudo_headers && !b->unknown && !b->spoiled)) {
		m->framing_size += b->size;
		return http_read_trailers(m, &b->fields);
	}
	if (status / 100 == 1 && !b->end_stream) {
		m->framing_size += b->size;
		return http_wants_interim(m) ? http_read_interim(m, status, (struct text){ 0 },
								 &b->fields, b->start_us)
					     : 0;
	}
	return read_head(f, b);
}

/* CONNECT, and what RFC 8441 makes of it. */
static bool makes_tunnel(const struct h2 *h, const struct h2_stream *s)
{
	const struct message *q = s->side[h->client].msg, *a = s->side[!h->client].msg;

	return q && a && a->has_head && a->status / 100 == 2 && http_is_method(q, "CONNECT");
}

int h2_block_end(struct h2 *h, enum dir dir, int64_t now)
{
	struct h2_flow *f = &h->flow[dir];
	struct h2_block *b = f->block;

	if (!b->spoiled && hpack_end(&f->hpack))
		h2_block_spoil(h, dir, HTTP_NOTE_HEAD_BAD);
	find_roles(h, dir, b);
	bool had_head = !b->msg || b->msg->has_head;
	int r = b->msg ? read_block(f, b) : 0;
	struct h2_stream *s = b->stream;
	bool end = b->end_stream, promise = b->promise;
	h2_block_free(h, dir);
	if (!s || r)
		return r;
	enum dir of = promise ? !dir : dir;
	s->live.changed = true;
	struct h2_side *side = &s->side[of];
	if (side->msg)
		side->msg->end_us = now;
	/* In the middle of a body nobody knows where its parts begin. */
	if (!had_head && side->msg->has_head && !side->msg->body.size && h->roles_known)
		side->items = http_stream_new(side->msg);
	h2_account(h, s);
	if (of != h->client && makes_tunnel(h, s) && !s->tunnel)
		h2_stream_open_tunnel(h, s, end);
	else if (end || promise)
		h2_stream_end_side(h, s, of);
	return 0;
}
