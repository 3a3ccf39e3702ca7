// SPDX-License-Identifier: GPL-2.0-or-later
#include "tls/quic_initial.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/account.h"
#include "base/limits.h"
#include "base/unpack.h"
#include "tls/handshake.h"
#include "tls/quic_keys.h"

#define LONG_HEADER    0x80
#define FIXED_BIT      0x40
#define DATAGRAM_LEAST 1200 /* RFC 9000 section 14.1 */
#define ALERT_FATAL    2

/* The CRYPTO stream of a direction: bytes come in any order, and twice. */
struct quic_stream {
	uint8_t *bytes; /* NULL before the first; and behind them a bit for each, whether it is
			   there */
	size_t room;	/* of bytes, up to LIMIT_QUIC_CRYPTO */
	size_t done;	/* of the messages, handed on */
	unsigned packets;
};

struct quic_initial {
	struct tls_handshake *h;
	size_t *account;
	bool keyed;
	uint32_t version;
	uint8_t cid[QUIC_CID_MAX], cid_len; /* by which the keys are */
	struct quic_keys keys[2];
	struct quic_stream stream[2];
};

/* A packet with a long header, an Initial one. */
struct quic_packet {
	uint32_t version;
	struct text cid;
	const uint8_t *at; /* its first byte */
	size_t number_at;  /* where its number is, protected */
	size_t len;	   /* of all of it */
};

/* RFC 9000 section 16. */
static uint64_t varint(struct unpack *u)
{
	const uint8_t *p = unpack_take(u, 1);

	if (!p)
		return 0;
	uint64_t value = *p & 0x3f;
	for (int n = (1 << (*p >> 6)) - 1; n > 0; n--)
		value = value << 8 | unpack_be(u, 1);
	return u->failed ? 0 : value;
}

/* Its type is numbered otherwise in version 2 (RFC 9369 section 3.2). */
static bool is_initial(uint8_t first, uint32_t version)
{
	return (first >> 4 & 3) == (version == QUIC_V2 ? 1 : 0);
}

enum quic_form quic_form(const uint8_t *datagram, size_t len)
{
	struct unpack u = unpack_at(datagram, len);
	uint8_t first = (uint8_t)unpack_be(&u, 1);
	uint32_t version = (uint32_t)unpack_be(&u, 4);

	if (!(first & LONG_HEADER))
		return QUIC_FORM_SHORT;
	return (version == QUIC_V1 || version == QUIC_V2) && is_initial(first, version)
		       ? QUIC_FORM_INITIAL
		       : QUIC_FORM_LONG;
}

/*
 * The next packet of a datagram. 0; -EPROTO: none with a long header; -ENOTSUP: of another version;
 * -EAGAIN: not an Initial one, passed over.
 */
static int next_packet(struct unpack *u, struct quic_packet *ret)
{
	const uint8_t *at = u->at;
	uint8_t first = (uint8_t)unpack_be(u, 1);

	if (!(first & LONG_HEADER)) /* FIXED_BIT may be left out (RFC 9287) */
		return -EPROTO;
	*ret = (struct quic_packet){ .at = at, .version = (uint32_t)unpack_be(u, 4) };
	if (ret->version != QUIC_V1 && ret->version != QUIC_V2)
		return u->failed ? -EPROTO : -ENOTSUP;
	ret->cid = unpack_text(u, unpack_be(u, 1));
	uint8_t source = (uint8_t)unpack_be(u, 1);
	unpack_take(u, source);
	if (ret->cid.len > QUIC_CID_MAX || source > QUIC_CID_MAX)
		return -EPROTO;
	bool initial = is_initial(first, ret->version);
	/* A Retry packet has no length: it is all of its datagram. */
	if ((first >> 4 & 3) == (ret->version == QUIC_V2 ? 0 : 3))
		return -EPROTO;
	if (initial)
		unpack_take(u, varint(u));
	uint64_t length = varint(u);
	ret->number_at = (size_t)(u->at - at);
	unpack_take(u, length);
	if (u->failed || (initial && length < 4 + QUIC_TAG))
		return -EPROTO;
	ret->len = ret->number_at + length;
	return initial ? 0 : -EAGAIN;
}

bool quic_initial_begins(const uint8_t *datagram, size_t len)
{
	struct unpack u = unpack_at(datagram, len);
	struct quic_packet p;

	return len >= DATAGRAM_LEAST && datagram[0] & FIXED_BIT && !next_packet(&u, &p) &&
	       p.cid.len >= 8;
}

struct quic_initial *quic_initial_new(struct tls_handshake *h, size_t *account)
{
	struct quic_initial *q = calloc(1, sizeof(*q));

	if (q) {
		q->h = h;
		q->account = account;
		account_change(account, 0, sizeof(*q));
	}
	return q;
}

#define STREAM_STEP 4096

_Static_assert(LIMIT_QUIC_CRYPTO % STREAM_STEP == 0, "the last step is a whole one");

static size_t held_for(size_t room)
{
	return room + room / 8;
}

static void empty(struct quic_initial *q, struct quic_stream *s)
{
	account_change(q->account, held_for(s->room), 0);
	free(s->bytes);
	*s = (struct quic_stream){ .packets = s->packets };
}

void quic_initial_free(struct quic_initial *q)
{
	if (!q)
		return;
	empty(q, &q->stream[0]);
	empty(q, &q->stream[1]);
	account_change(q->account, sizeof(*q), 0);
	free(q);
}

size_t quic_initial_bytes(const struct quic_initial *q)
{
	return q ? sizeof(*q) + held_for(q->stream[0].room) + held_for(q->stream[1].room) : 0;
}

static bool is_there(const struct quic_stream *s, size_t at)
{
	return s->bytes[s->room + at / 8] & 1 << at % 8;
}

/* Most hellos need one step. */
static int make_room(struct quic_initial *q, struct quic_stream *s, size_t end)
{
	size_t room = (end + STREAM_STEP - 1) / STREAM_STEP * STREAM_STEP;

	if (room <= s->room)
		return 0;
	uint8_t *bytes = calloc(1, held_for(room));
	if (!bytes)
		return -ENOMEM;
	if (s->bytes) {
		memcpy(bytes, s->bytes, s->room);
		memcpy(bytes + room, s->bytes + s->room, s->room / 8);
	}
	free(s->bytes);
	account_change(q->account, held_for(s->room), held_for(room));
	s->bytes = bytes;
	s->room = room;
	return 0;
}

/* Bytes of the CRYPTO stream; the first copy of each counts. What is past the bound is left out. */
static int take_crypto(struct quic_initial *q, struct quic_stream *s, uint64_t offset,
		       const uint8_t *bytes, size_t len)
{
	if (offset >= LIMIT_QUIC_CRYPTO)
		return 0;
	if (len > LIMIT_QUIC_CRYPTO - offset)
		len = LIMIT_QUIC_CRYPTO - offset;
	if (make_room(q, s, offset + len))
		return -ENOMEM;
	for (size_t i = 0; i < len; i++) {
		size_t at = (size_t)offset + i;
		if (is_there(s, at))
			continue;
		s->bytes[s->room + at / 8] |= (uint8_t)(1 << at % 8);
		s->bytes[at] = bytes[i];
	}
	return 0;
}

static void hand_on(struct quic_initial *q, int dir, int64_t now)
{
	struct quic_stream *s = &q->stream[dir];
	size_t from = s->done;

	while (s->done < s->room && is_there(s, s->done))
		s->done++;
	if (s->done > from)
		tls_handshake_crypto(q->h, dir, now, s->bytes + from, s->done - from);
}

/* CONNECTION_CLOSE: 0x0100 and more is an alert (RFC 9001 section 4.8). */
static void take_close(struct quic_initial *q, int dir, int64_t now, struct unpack *u)
{
	uint64_t error = varint(u);

	varint(u);
	unpack_take(u, varint(u));
	if (!u->failed && error >> 8 == 1)
		tls_handshake_alert(q->h, dir, now, ALERT_FATAL, (uint8_t)error);
}

static void pass_ack(struct unpack *u, bool ecn)
{
	varint(u);
	varint(u);
	uint64_t ranges = varint(u);
	varint(u);
	while (ranges-- && !u->failed) {
		varint(u);
		varint(u);
	}
	for (int i = 0; ecn && i < 3; i++)
		varint(u);
}

/* RFC 9000 section 12.4: what an Initial packet may hold. */
static int take_frames(struct quic_initial *q, int dir, int64_t now, struct unpack u)
{
	while (u.left && !u.failed) {
		uint64_t type = varint(&u);
		if (type == 2 || type == 3) {
			pass_ack(&u, type == 3);
		} else if (type == 6) {
			uint64_t offset = varint(&u);
			struct text t = unpack_text(&u, varint(&u));
			if (!u.failed &&
			    take_crypto(q, &q->stream[dir], offset, (const uint8_t *)t.data, t.len))
				return -ENOMEM;
		} else if (type == 0x1c) {
			take_close(q, dir, now, &u);
		} else if (type > 1) {
			break;
		}
	}
	hand_on(q, dir, now);
	return 0;
}

/* Undo the protection of the head (RFC 9001 section 5.4), then that of the payload. */
static int open_packet(struct quic_initial *q, int dir, int64_t now, const struct quic_packet *p)
{
	const struct quic_keys *k = &q->keys[dir];
	uint8_t mask[5], head[DATAGRAM_LEAST];
	uint64_t number = 0;

	int r = quic_keys_mask(k, p->at + p->number_at + 4, mask);
	if (r)
		return r;
	size_t number_len = 1 + ((p->at[0] ^ mask[0]) & 3);
	size_t head_len = p->number_at + number_len;
	if (head_len > sizeof(head))
		return -EBADMSG;
	memcpy(head, p->at, head_len);
	head[0] ^= mask[0] & 0x0f;
	for (size_t i = 0; i < number_len; i++) {
		head[p->number_at + i] ^= mask[1 + i];
		number = number << 8 | head[p->number_at + i];
	}
	size_t sealed = p->len - head_len;
	uint8_t *clear = malloc(sealed);
	if (!clear)
		return -ENOMEM;
	r = quic_keys_open(k, number, head, head_len, p->at + head_len, sealed, clear);
	if (!r) {
		tls_handshake_quic(q->h, q->version);
		r = take_frames(q, dir, now, unpack_at(clear, sealed - QUIC_TAG));
	}
	free(clear);
	return r;
}

static int rekey(struct quic_initial *q, uint32_t version, struct text cid)
{
	int r = quic_keys_derive(version, (const uint8_t *)cid.data, cid.len, q->keys);

	if (r)
		return r;
	q->keyed = true;
	q->version = version;
	q->cid_len = (uint8_t)cid.len;
	memmove(q->cid, cid.data, cid.len);
	return 0;
}

/*
 * Keys are by the connection id that the client chose first. After a Retry packet it takes another
 * (RFC 9000 section 17.2.5); its later packets have one of the server's, and keep the keys.
 */
static int try_packet(struct quic_initial *q, int dir, int64_t now, const struct quic_packet *p)
{
	struct text cid = { (const char *)q->cid, q->cid_len };
	int r = 0;

	if (!q->keyed && dir == 1)
		return -EBADMSG;
	if (!q->keyed)
		r = rekey(q, p->version, p->cid);
	else if (p->version != q->version)
		r = rekey(q, p->version, cid);
	if (!r)
		r = open_packet(q, dir, now, p);
	if (r != -EBADMSG || dir == 1)
		return r;
	const struct quic_initial was = *q;
	r = rekey(q, p->version, p->cid);
	if (!r)
		r = open_packet(q, dir, now, p);
	if (r) {
		memcpy(q->keys, was.keys, sizeof(q->keys));
		memcpy(q->cid, was.cid, sizeof(q->cid));
		q->cid_len = was.cid_len;
	}
	return r;
}

int quic_initial_feed(struct quic_initial *q, int dir, int64_t now_us, const uint8_t *datagram,
		      size_t len)
{
	struct unpack u = unpack_at(datagram, len);
	struct quic_stream *s = &q->stream[dir];
	int best = -EPROTO;

	if (tls_handshake_complete(q->h))
		return 0;
	while (u.left) {
		struct quic_packet p;
		int r = next_packet(&u, &p);
		if (r == -EAGAIN)
			continue;
		/* What is sent to be opened in vain costs as much as what is not. */
		if (!r && s->packets++ >= LIMIT_QUIC_PACKETS)
			return best;
		if (!r)
			r = try_packet(q, dir, now_us, &p);
		else
			u.left = 0;
		if (r == -ENOMEM)
			return r;
		if (!r || best == -EPROTO)
			best = r;
	}
	if (tls_handshake_complete(q->h))
		for (int i = 0; i < 2; i++)
			empty(q, &q->stream[i]);
	return best;
}
