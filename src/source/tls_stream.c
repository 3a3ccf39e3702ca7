// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/tls_stream.h"

#include <stdlib.h>

#include "base/buf.h"
#include "base/limits.h"
#include "base/share.h"
#include "tls/decrypt.h"
#include "tls/handshake.h"
#include "tls/record.h"
#include "tls/tls_info.h"

struct stream_side {
	struct buf part;  /* of a record, from its head on */
	uint64_t missing; /* at most so many bytes of what was said, to be told */
	uint32_t skip;	  /* bytes that are left of a record of which some are missing */
	bool spoke;	  /* a record that may have held application data was opened */
	bool seeking;	  /* where the next record begins is not known */
};

struct tls_stream {
	struct tls_stream_to to;
	void *ctx; /* of the call */
	struct decrypt *decrypt;
	struct tls_handshake *handshake; /* until both hellos were seen */
	struct stream_side sides[2];
	size_t handshake_bytes; /* that it holds */
	int client;		/* a side, -1 not known */
	bool hello, counted, counted_readable;
};

struct tls_stream *tls_stream_new(const struct tls_stream_to *to)
{
	struct tls_stream *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->to = *to;
	s->client = -1;
	s->decrypt = decrypt_new(to->tools);
	s->handshake = tls_handshake_new(NULL);
	if (s->decrypt && s->handshake)
		return s;
	tls_stream_free(s);
	return NULL;
}

static void drop(struct tls_stream *s, struct stream_side *side)
{
	share_change(s->to.share, side->part.cap, 0);
	buf_free(&side->part);
}

static void end_handshake(struct tls_stream *s)
{
	tls_handshake_free(s->handshake);
	s->handshake = NULL;
	share_change(s->to.share, s->handshake_bytes, 0);
	s->handshake_bytes = 0;
}

void tls_stream_free(struct tls_stream *s)
{
	if (!s)
		return;
	drop(s, &s->sides[0]);
	drop(s, &s->sides[1]);
	decrypt_free(s->decrypt);
	end_handshake(s);
	free(s);
}

int tls_stream_client(const struct tls_stream *s)
{
	return s->client;
}

bool tls_stream_readable(const struct tls_stream *s)
{
	return decrypt_has_keys(s->decrypt);
}

static enum decrypt_side from(const struct tls_stream *s, int side)
{
	return side == s->client ? DECRYPT_CLIENT : DECRYPT_SERVER;
}

/* A record in clear may bring a hello, of which the keys depend. */
static void read_hellos(struct tls_stream *s, int side, int64_t now_us, const uint8_t *record,
			size_t len)
{
	if (!s->handshake)
		return;
	tls_handshake_feed(s->handshake, side, now_us, record, len);
	size_t was = s->handshake_bytes;
	s->handshake_bytes = tls_handshake_bytes(s->handshake);
	share_change(s->to.share, was, s->handshake_bytes);
	const struct tls_info *i = tls_handshake_info(s->handshake);
	if (i->hello.time_us && !s->hello) {
		s->hello = true;
		s->client = i->client;
		decrypt_client_hello(s->decrypt, i->hello.random);
	}
	if (!i->server.time_us) {
		if (!share_allows(s->to.share, LIMIT_REASSEMBLE_ALL)) {
			s->to.counts->not_held++;
			end_handshake(s);
		}
		return;
	}
	decrypt_server_hello(s->decrypt, i->server.version, i->server.suite, i->server.random,
			     i->server.encrypt_then_mac);
	end_handshake(s);
}

static void count(struct tls_stream *s)
{
	struct tls_stream_counts *c = s->to.counts;

	c->connections += !s->counted;
	s->counted = true;
	c->readable += !s->counted_readable && tls_stream_readable(s);
	s->counted_readable |= tls_stream_readable(s);
}

/* What is missing is told before what follows it. */
static void tell_missing(struct tls_stream *s, int side)
{
	uint64_t len = s->sides[side].missing;

	s->sides[side].missing = 0;
	if (!len)
		return;
	count(s);
	s->to.missing(s->ctx, side, len);
}

/* Now the next record was opened, whose number may prove that nothing was said before it. */
static void judge_missing(struct tls_stream *s, int side, enum decrypt_before before)
{
	if (before == DECRYPT_SOME)
		tell_missing(s, side);
	else if (before == DECRYPT_NOTHING)
		s->sides[side].missing = 0;
	s->sides[side].spoke |= before != DECRYPT_UNCLEAR;
}

/* What the other side said before this, and is missing, may be what this answers. */
static void tell_plain(struct tls_stream *s, int side, const struct decrypted *d)
{
	if (s->sides[!side].spoke)
		tell_missing(s, !side);
	count(s);
	s->to.plain(s->ctx, side, d->bytes, d->len);
}

/* Where the record was only sought, it must prove itself: false when it does not. */
static bool take_record(struct tls_stream *s, int side, int64_t now_us, const uint8_t *record,
			size_t len)
{
	struct tls_stream_counts *c = s->to.counts;
	bool sought = s->sides[side].seeking;
	struct decrypted d = decrypt_record(s->decrypt, from(s, side), record, len);

	if (sought && d.result == DECRYPT_FAILED)
		return false;
	s->sides[side].seeking = false;
	c->records += d.result != DECRYPT_CLEAR;
	if (d.result == DECRYPT_CLEAR)
		read_hellos(s, side, now_us, record, len);
	s->to.record(s->ctx, side, record, len, &d);
	switch (d.result) {
	case DECRYPT_CLEAR:
		break;
	case DECRYPT_OPEN:
		c->opened++;
		judge_missing(s, side, d.before);
		if (d.type == TLS_APPLICATION_DATA && d.len)
			tell_plain(s, side, &d);
		break;
	case DECRYPT_NO_KEY:
	case DECRYPT_FAILED:
		*(d.result == DECRYPT_FAILED ? &c->failed : &c->no_key) += 1;
		if (record[0] == TLS_APPLICATION_DATA)
			s->sides[side].missing += d.len;
		if (d.result == DECRYPT_NO_KEY)
			tell_missing(s, side);
		break;
	}
	return true;
}

/* Of a record of which bytes are missing, the rest is passed over. */
static size_t pass_over(struct tls_stream *s, int side, size_t len)
{
	struct stream_side *t = &s->sides[side];
	size_t n = len < t->skip ? len : t->skip;

	t->skip -= (uint32_t)n;
	return n;
}

/* A head where one is sought: data of the one version that all say since TLS 1.2. */
static size_t seek(const uint8_t *bytes, size_t len)
{
	size_t i = 0;

	for (; i < len; i++) {
		const uint8_t *p = bytes + i;
		if (*p == TLS_APPLICATION_DATA && (i + 1 == len || p[1] == 3) &&
		    (i + 2 >= len || p[2] == 3))
			break;
	}
	return i;
}

/* From the front of so many bytes: how many were taken, 0 when more are needed. */
static size_t step(struct tls_stream *s, int side, int64_t now_us, const uint8_t *bytes, size_t len)
{
	struct stream_side *t = &s->sides[side];
	struct tls_record r;

	if (t->skip)
		return pass_over(s, side, len);
	size_t n = t->seeking ? seek(bytes, len) : 0;
	if (n)
		return n;
	enum tls_is is = tls_record_head(bytes, len, &r);
	if (is == TLS_IS_UNCLEAR)
		return 0;
	if (is == TLS_IS_NOT) {
		if (!t->seeking)
			decrypt_lost(s->decrypt, from(s, side), 0);
		t->seeking = true;
		return 1;
	}
	if (len < TLS_RECORD_HEAD + r.length)
		return 0;
	n = TLS_RECORD_HEAD + r.length;
	return take_record(s, side, now_us, bytes, n) ? n : 1;
}

/* All whole records; how many bytes they took. */
static size_t walk(struct tls_stream *s, int side, int64_t now_us, const uint8_t *bytes, size_t len)
{
	size_t at = 0;

	while (at < len) {
		size_t n = step(s, side, now_us, bytes + at, len - at);
		if (!n)
			break;
		at += n;
	}
	return at;
}

/* Of the record that goes on, and of those after it. */
static void miss(struct tls_stream *s, int side, uint64_t len)
{
	struct stream_side *t = &s->sides[side];
	struct tls_record r;
	uint64_t left = t->skip;

	if (!left && !t->seeking && t->part.len >= TLS_RECORD_HEAD &&
	    tls_record_head((const uint8_t *)t->part.data, t->part.len, &r) == TLS_IS) {
		left = TLS_RECORD_HEAD + r.length - t->part.len;
		uint64_t held = decrypt_skip(s->decrypt, from(s, side), TLS_RECORD_HEAD + r.length);
		t->missing += r.type == TLS_APPLICATION_DATA ? held : 0;
	}
	drop(s, t);
	if (len < left || (left && len == left)) {
		t->skip = (uint32_t)(left - len);
		return;
	}
	t->skip = 0;
	t->seeking = true;
	decrypt_lost(s->decrypt, from(s, side), len - left);
	t->missing += len - left;
}

/* Keeps the beginning of a record until the rest is there. */
static void keep(struct tls_stream *s, int side, const uint8_t *bytes, size_t len)
{
	struct stream_side *t = &s->sides[side];
	size_t was = t->part.cap;

	if (share_allows(s->to.share, LIMIT_REASSEMBLE_ALL) && !buf_put(&t->part, bytes, len)) {
		share_change(s->to.share, was, t->part.cap);
		return;
	}
	s->to.counts->not_held++;
	miss(s, side, len);
}

void tls_stream_bytes(struct tls_stream *s, void *ctx, int side, int64_t now_us,
		      const uint8_t *bytes, size_t len)
{
	struct buf *part = &s->sides[side].part;
	size_t used;

	s->ctx = ctx;
	if (!part->len) {
		used = walk(s, side, now_us, bytes, len);
		if (used < len)
			keep(s, side, bytes + used, len - used);
		return;
	}
	keep(s, side, bytes, len);
	used = walk(s, side, now_us, (const uint8_t *)part->data, part->len);
	if (used == part->len)
		drop(s, &s->sides[side]);
	else if (used)
		buf_drop(part, used);
}

void tls_stream_gap(struct tls_stream *s, void *ctx, int side, uint64_t len)
{
	s->ctx = ctx;
	miss(s, side, len);
}

void tls_stream_end(struct tls_stream *s, void *ctx, int side)
{
	s->ctx = ctx;
	tell_missing(s, side);
}
