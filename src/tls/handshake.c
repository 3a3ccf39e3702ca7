// SPDX-License-Identifier: GPL-2.0-or-later
#include "tls/handshake.h"

#include <stdlib.h>
#include <string.h>

#include "base/account.h"
#include "base/buf.h"
#include "tls/certificate.h"
#include "tls/hello.h"
#include "tls/record.h"

#define MESSAGE_HEAD 4
#define TLS_1_3	     0x0304
#define FATAL	     2

enum {
	CLIENT_HELLO = 1,
	SERVER_HELLO,
	NEW_SESSION_TICKET = 4,
	CERTIFICATE = 11,
	SERVER_KEY_EXCHANGE,
	CERTIFICATE_REQUEST,
	SERVER_HELLO_DONE,
};

/* One direction. */
struct tls_side {
	struct tls_walk walk;
	enum tls_state state;
	uint8_t first[TLS_BEGIN_BYTES]; /* of its bytes, until it is clear what they are */
	uint8_t first_have;
	bool begun;
	bool changed; /* a ChangeCipherSpec was seen */
	uint8_t alert[2], alert_have;
	uint64_t total; /* bytes of handshake messages */
	struct buf message;
	uint64_t passed;   /* bytes of it that are not kept */
	int64_t sealed_us; /* of the first record that is encrypted */
};

struct tls_handshake {
	size_t *account;
	struct tls_info info;
	struct tls_side side[2];
	bool known; /* which direction is the client's */
	bool joined, settled;
	bool whole; /* ServerHelloDone was seen: no session is resumed */
	uint8_t session_id[32];
};

struct tls_handshake *tls_handshake_new(size_t *account)
{
	struct tls_handshake *h = calloc(1, sizeof(*h));

	if (!h)
		return NULL;
	h->account = h->info.arena.account = account;
	account_change(account, 0, sizeof(*h));
	return h;
}

static void forget(struct tls_handshake *h, struct tls_side *s)
{
	account_change(h->account, s->message.cap, 0);
	buf_free(&s->message);
}

void tls_handshake_free(struct tls_handshake *h)
{
	if (!h)
		return;
	for (int i = 0; i < 2; i++)
		forget(h, &h->side[i]);
	arena_free(&h->info.arena);
	account_change(h->account, sizeof(*h), 0);
	free(h);
}

static bool is_over(const struct tls_handshake *h, const struct tls_side *s)
{
	return h->settled || s->state != TLS_MORE;
}

static void end(struct tls_handshake *h, struct tls_side *s, enum tls_state state)
{
	s->state = state;
	forget(h, s);
}

/* Of times 0 means that nothing was seen, which a file may have as well. */
static int64_t seen_at(int64_t now_us)
{
	return now_us ? now_us : 1;
}

/* Whoever sends a ClientHello is the client, whichever end opened the TCP connection. */
static bool is_from(struct tls_handshake *h, int dir, bool client)
{
	if (!h->known) {
		h->info.client = client ? dir : !dir;
		h->known = true;
	}
	return (dir == h->info.client) == client;
}

static void keep_session_id(struct tls_handshake *h, const uint8_t *body, size_t len)
{
	if (len >= 35 && body[34] <= sizeof(h->session_id) && len >= 35U + body[34])
		memcpy(h->session_id, body + 35, body[34]);
}

static void take_client_hello(struct tls_handshake *h, int64_t now, const uint8_t *body, size_t len,
			      size_t size)
{
	struct tls_info *i = &h->info;

	if (i->hello.time_us) {
		if (i->retry.second_hello_us)
			i->ignored++;
		else
			i->retry.second_hello_us = now;
		return;
	}
	i->hello.time_us = now;
	i->hello.record_version = h->side[i->client].walk.record.version;
	tls_client_hello_read(i, body, len, size);
	keep_session_id(h, body, len);
}

/* Up to TLS 1.2 a session's id comes back where it is resumed (RFC 5246 section 7.4.1.3). */
static bool came_back(const struct tls_handshake *h, const uint8_t *body, size_t len)
{
	uint8_t n = h->info.hello.session_id_length;

	return n && n <= sizeof(h->session_id) && len >= 35U + n && body[34] == n &&
	       !memcmp(body + 35, h->session_id, n);
}

static void take_server_hello(struct tls_handshake *h, int64_t now, const uint8_t *body, size_t len,
			      size_t size)
{
	struct tls_info *i = &h->info;
	bool retry = tls_server_hello_is_retry(body, len);

	if (retry ? i->retry.time_us : i->server.time_us) {
		i->ignored++;
		return;
	}
	*(retry ? &i->retry.time_us : &i->server.time_us) = now;
	tls_server_hello_read(i, body, len, size, retry);
	if (!retry)
		i->resumed =
			i->server.psk || (i->server.version < TLS_1_3 && came_back(h, body, len));
}

static void take_certificate(struct tls_handshake *h, bool client, const uint8_t *body, size_t len,
			     size_t size)
{
	struct tls_certificate *c = client ? &h->info.client_certificate : &h->info.certificate;

	if (c->seen)
		h->info.ignored++;
	else
		tls_certificate_read(&h->info.arena, body, len, size, c);
}

/* What comes in clear after a ServerHello up to TLS 1.2; in TLS 1.3 nothing does. */
static void take_other(struct tls_handshake *h, int dir, uint8_t type, const uint8_t *body,
		       size_t len, size_t size)
{
	bool client = dir == h->info.client;
	bool clear = h->info.server.time_us && h->info.server.version < TLS_1_3;

	if (clear && type == CERTIFICATE)
		take_certificate(h, client, body, len, size);
	else if (clear && !client && type == SERVER_KEY_EXCHANGE)
		tls_key_exchange_read(&h->info, body, len);
	else if (clear && !client && type == CERTIFICATE_REQUEST)
		h->info.certificate_asked = true;
	else if (clear && !client && type == NEW_SESSION_TICKET)
		tls_ticket_read(&h->info, body, len);
	else if (clear && !client && type == SERVER_HELLO_DONE)
		h->whole = true;
	else if (!clear)
		h->info.ignored++;
	/* Some servers send the session's id back and then do all of the handshake. */
	if (h->whole)
		h->info.resumed = false;
}

/* `bytes` is a message with its head, of which the first `len` bytes are there. */
static void take_message(struct tls_handshake *h, int dir, int64_t now, const uint8_t *bytes,
			 size_t len, size_t size)
{
	const uint8_t *body = bytes + MESSAGE_HEAD;
	uint8_t type = bytes[0];

	len -= MESSAGE_HEAD;
	if (type == CLIENT_HELLO && is_from(h, dir, true))
		take_client_hello(h, now, body, len, size);
	else if (type == SERVER_HELLO && is_from(h, dir, false))
		take_server_hello(h, now, body, len, size);
	else
		take_other(h, dir, type, body, len, size);
}

static size_t message_size(const struct buf *m)
{
	const uint8_t *p = (const uint8_t *)m->data;

	return MESSAGE_HEAD + ((size_t)p[1] << 16 | (size_t)p[2] << 8 | p[3]);
}

/*
 * After a ChangeCipherSpec all is encrypted; but in TLS 1.3 it means nothing, and what answers a
 * HelloRetryRequest comes in clear behind it (RFC 8446 appendix D.4).
 */
static bool may_be_clear(const struct tls_handshake *h, int dir)
{
	const struct tls_info *i = &h->info;
	const struct tls_side *s = &h->side[dir];
	uint8_t type = (uint8_t)s->message.data[0];

	if (!s->changed)
		return true;
	if (message_size(&s->message) > LIMIT_TLS_MESSAGE)
		return false;
	if (dir == i->client)
		return type == CLIENT_HELLO && tls_info_offered(i) == TLS_1_3 &&
		       !i->retry.second_hello_us && (i->retry.time_us || !i->server.time_us);
	return type == SERVER_HELLO && i->retry.time_us && !i->server.time_us;
}

static void check_complete(struct tls_handshake *h)
{
	struct tls_info *i = &h->info;
	int64_t client = h->side[i->client].sealed_us, server = h->side[!i->client].sealed_us;

	if (i->done_us || !i->server.time_us || !client || !server)
		return;
	if (i->server.version >= TLS_1_3)
		i->done_us = client;
	else
		i->done_us = client > server ? client : server;
}

/* A record that is encrypted was seen: nothing in clear follows. */
static void seal(struct tls_handshake *h, int dir, int64_t now)
{
	struct tls_side *s = &h->side[dir];

	if (!s->sealed_us)
		s->sealed_us = now;
	end(h, s, TLS_DONE);
	check_complete(h);
}

/* Take bytes of a message up to `want` in all. False when out of memory. */
static bool keep(struct tls_handshake *h, struct tls_side *s, const uint8_t **bytes, size_t *len,
		 size_t want)
{
	size_t n = want - s->message.len - s->passed, was = s->message.cap;

	if (n > *len)
		n = *len;
	size_t kept = LIMIT_TLS_MESSAGE - s->message.len;
	if (kept > n)
		kept = n;
	int r = buf_put(&s->message, *bytes, kept);
	account_change(h->account, was, s->message.cap);
	s->passed += n - kept;
	*bytes += n;
	*len -= n;
	return r == 0;
}

static void take_messages(struct tls_handshake *h, int dir, int64_t now, const uint8_t *bytes,
			  size_t len)
{
	struct tls_side *s = &h->side[dir];

	s->total += len;
	while (len && !is_over(h, s)) {
		bool head = s->message.len < MESSAGE_HEAD;
		size_t want = head ? MESSAGE_HEAD : message_size(&s->message);
		if (!keep(h, s, &bytes, &len, want) || s->total > LIMIT_TLS_HANDSHAKE) {
			end(h, s, TLS_LOST);
			return;
		}
		if (s->message.len < MESSAGE_HEAD)
			return;
		if (head && !may_be_clear(h, dir)) {
			seal(h, dir, now);
			return;
		}
		size_t size = message_size(&s->message);
		if (s->message.len + s->passed < size)
			continue;
		take_message(h, dir, now, (const uint8_t *)s->message.data, s->message.len, size);
		buf_reset(&s->message);
		s->passed = 0;
	}
}

static void take_ssl2(struct tls_handshake *h, int dir, int64_t now, const struct tls_piece *p)
{
	struct tls_side *s = &h->side[dir];
	const uint8_t *bytes = p->bytes;
	size_t len = p->len;

	if (!keep(h, s, &bytes, &len, p->record.length)) {
		end(h, s, TLS_LOST);
		return;
	}
	if (!p->ends)
		return;
	if (is_from(h, dir, true) && !h->info.hello.time_us) {
		h->info.hello.time_us = now;
		tls_ssl2_hello_read(&h->info, (const uint8_t *)s->message.data, s->message.len);
	}
	buf_reset(&s->message);
}

void tls_handshake_alert(struct tls_handshake *h, int dir, int64_t now_us, uint8_t level,
			 uint8_t description)
{
	struct tls_alert *a = &h->info.alert[dir != h->info.client];

	if (!a->time_us || (a->level != FATAL && level == FATAL))
		*a = (struct tls_alert){ seen_at(now_us), level, description };
}

static void take_alert(struct tls_handshake *h, int dir, int64_t now, const struct tls_piece *p)
{
	struct tls_side *s = &h->side[dir];

	/* An encrypted one is longer. */
	if (p->record.length != 2 || s->changed)
		return;
	if (p->begins)
		s->alert_have = 0;
	for (size_t i = 0; i < p->len && s->alert_have < 2; i++)
		s->alert[s->alert_have++] = p->bytes[i];
	if (p->ends)
		tls_handshake_alert(h, dir, now, s->alert[0], s->alert[1]);
}

static void take_change(struct tls_handshake *h, int dir, int64_t now, const struct tls_piece *p)
{
	struct tls_side *s = &h->side[dir];
	bool client = dir == h->info.client;

	if (!p->begins || s->changed)
		return;
	s->changed = true;
	h->info.change_cipher_us[!client] = now;
	/* An abbreviated handshake has none of the server's messages in between. */
	if (!client && !h->whole && h->info.server.time_us && h->info.server.version < TLS_1_3)
		h->info.resumed = true;
}

/* Early data comes before the Finished, which cannot be told from it but by the time. */
static void take_application(struct tls_handshake *h, int dir, int64_t now)
{
	struct tls_info *i = &h->info;
	bool client = dir == i->client;

	if (!client || !i->hello.early_data || i->server.time_us)
		seal(h, dir, now);
}

static void take_piece(struct tls_handshake *h, int dir, int64_t now, const struct tls_piece *p)
{
	switch (p->record.type) {
	case TLS_SSL2_HELLO:
		take_ssl2(h, dir, now, p);
		break;
	case TLS_CHANGE_CIPHER_SPEC:
		take_change(h, dir, now, p);
		break;
	case TLS_ALERT:
		take_alert(h, dir, now, p);
		break;
	case TLS_HANDSHAKE:
		take_messages(h, dir, now, p->bytes, p->len);
		break;
	case TLS_APPLICATION_DATA:
		take_application(h, dir, now);
		break;
	default:
		h->info.ignored += p->begins;
		break;
	}
}

static void walk(struct tls_handshake *h, int dir, int64_t now, const uint8_t *bytes, size_t len)
{
	struct tls_side *s = &h->side[dir];
	struct tls_piece piece;
	int r = 0;

	while (!is_over(h, s) && (r = tls_walk_next(&s->walk, &bytes, &len, &piece)) > 0)
		take_piece(h, dir, now, &piece);
	if (r < 0)
		end(h, s, TLS_LOST);
}

/* Take what it needs to be clear that they begin a TLS connection; nothing is told before. */
static size_t look(struct tls_handshake *h, int dir, int64_t now, const uint8_t *bytes, size_t len)
{
	struct tls_side *s = &h->side[dir];
	enum tls_is is = TLS_IS_UNCLEAR;
	size_t n = 0;

	while (n < len && is == TLS_IS_UNCLEAR) {
		s->first[s->first_have++] = bytes[n++];
		is = tls_record_begins(s->first, s->first_have);
	}
	s->begun = is == TLS_IS;
	if (is == TLS_IS)
		walk(h, dir, now, s->first, s->first_have);
	else if (is == TLS_IS_NOT)
		end(h, s, TLS_NOT_TLS);
	return n;
}

enum tls_state tls_handshake_feed(struct tls_handshake *h, int dir, int64_t now_us,
				  const void *bytes, size_t len)
{
	struct tls_side *s = &h->side[dir];
	size_t n = 0;

	now_us = seen_at(now_us);
	if (!s->begun && !h->joined && !is_over(h, s))
		n = look(h, dir, now_us, bytes, len);
	if (!is_over(h, s) && n < len)
		walk(h, dir, now_us, (const uint8_t *)bytes + n, len - n);
	return s->state;
}

enum tls_state tls_handshake_skip(struct tls_handshake *h, int dir, uint64_t len)
{
	struct tls_side *s = &h->side[dir];

	/* Of a message, or of what tells whether it is TLS, nothing may be missing. */
	bool content =
		s->walk.record.type != TLS_APPLICATION_DATA && s->walk.record.type != TLS_HEARTBEAT;
	if (!len || is_over(h, s))
		return s->state;
	if (content || tls_walk_skip(&s->walk, len))
		end(h, s, TLS_LOST);
	return s->state;
}

void tls_handshake_application(struct tls_handshake *h, int dir, int64_t now_us)
{
	if (!is_over(h, &h->side[dir]))
		take_application(h, dir, seen_at(now_us));
}

void tls_handshake_quic(struct tls_handshake *h, uint32_t version)
{
	h->info.quic = true;
	h->info.quic_version = version;
}

void tls_handshake_joined(struct tls_handshake *h)
{
	h->joined = h->info.joined = true;
	/* Nor is what looks like SSL 2's hello one. */
	h->side[0].walk.begun = h->side[1].walk.begun = true;
}

enum tls_state tls_handshake_crypto(struct tls_handshake *h, int dir, int64_t now_us,
				    const void *bytes, size_t len)
{
	struct tls_side *s = &h->side[dir];

	if (!is_over(h, s))
		take_messages(h, dir, seen_at(now_us), bytes, len);
	return s->state;
}

enum tls_state tls_handshake_state(const struct tls_handshake *h, int dir)
{
	return h->side[dir].state;
}

bool tls_handshake_complete(const struct tls_handshake *h)
{
	const struct tls_info *i = &h->info;

	return h->settled || tls_info_failure(i) ||
	       (i->quic && i->hello.time_us && i->server.time_us) ||
	       (h->side[0].state != TLS_MORE && h->side[1].state != TLS_MORE);
}

bool tls_handshake_seen(const struct tls_handshake *h)
{
	const struct tls_info *i = &h->info;

	return i->hello.time_us || i->server.time_us || i->retry.time_us || i->alert[0].time_us ||
	       i->alert[1].time_us;
}

const struct tls_info *tls_handshake_info(const struct tls_handshake *h)
{
	return &h->info;
}

void tls_handshake_settle(struct tls_handshake *h)
{
	h->settled = true;
	for (int i = 0; i < 2; i++)
		forget(h, &h->side[i]);
}

size_t tls_handshake_bytes(const struct tls_handshake *h)
{
	return sizeof(*h) + h->info.arena.held + h->side[0].message.cap + h->side[1].message.cap;
}
