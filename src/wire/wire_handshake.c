// SPDX-License-Identifier: GPL-2.0-or-later
/* The handshake of a wire connection: from bytes to what its entries learn, and its own entry. */
#include <string.h>

#include "base/account.h"
#include "entry.h"
#include "tls/handshake.h"
#include "tls/quic_initial.h"
#include "tls/tls_entry.h"
#include "wire/wire_conn.h"

/* By convention of tls/handshake.h, 0 is from the side that opened the connection. */
static int side_of(const struct wire_conn *c, enum dir dir)
{
	return wire_is_client(c) ? dir != DIR_WRITE : dir != DIR_READ;
}

static void learn(struct wire_conn *c)
{
	const struct tls_info *i = tls_handshake_info(c->tls);
	size_t n = i->hello.sni.data ? i->hello.sni.len : 0;

	if (i->server.time_us)
		c->sealing = tls_info_sealing(i);
	if (!n)
		return;
	if (n >= sizeof(c->sni))
		n = sizeof(c->sni) - 1;
	memcpy(c->sni, i->hello.sni.data, n);
	c->sni[n] = '\0';
}

/*
 * Between the bytes that come here lies application data alone, in whole records; what is before
 * those that were expected came before.
 */
static void feed(struct wire *w, struct wire_conn *c, int64_t now_us, enum dir dir, uint32_t seq,
		 const uint8_t *bytes, size_t len)
{
	int32_t again = c->begun[dir] ? (int32_t)(c->expected[dir] - seq) : 0;

	if (again >= (int32_t)len)
		return;
	if (again < 0)
		again = 0;
	c->begun[dir] = true;
	c->expected[dir] = seq + (uint32_t)len;
	w->stats.handshake_bytes += len - (size_t)again;
	tls_handshake_feed(c->tls, side_of(c, dir), now_us, bytes + again, len - (size_t)again);
	learn(c);
	c->live.changed = true;
}

/* Nothing has to come in order; what is no QUIC, or cannot be opened, tells nothing. */
static void feed_quic(struct wire *w, struct wire_conn *c, int64_t now_us, enum dir dir,
		      uint32_t each, const uint8_t *bytes, size_t len)
{
	w->stats.handshake_bytes += len;
	while (len) {
		size_t n = each && each < len ? each : len;
		quic_initial_feed(c->initial, side_of(c, dir), now_us, bytes, n);
		bytes += n;
		len -= n;
	}
	learn(c);
	c->live.changed = true;
}

static void note_held(struct wire *w, struct wire_conn *c)
{
	size_t is = (c->tls ? tls_handshake_bytes(c->tls) : 0) + quic_initial_bytes(c->initial);

	account_change(&w->tls_owned[c->owner], c->tls_held, is);
	c->tls_held = is;
}

/* Handshakes that never end take no more than a share, so that others are understood. */
static bool has_room(const struct wire *w, uint32_t owner)
{
	return w->tls_memory < LIMIT_WIRE_TLS_MEMORY &&
	       (w->tls_memory < LIMIT_WIRE_TLS_MEMORY / 2 ||
		w->tls_owned[owner] < LIMIT_WIRE_TLS_MEMORY / LIMIT_SHARE);
}

static void begin(struct wire *w, struct wire_conn *c)
{
	c->tls = tls_handshake_new(&w->tls_memory);
	if (c->tls && c->midway)
		tls_handshake_joined(c->tls);
	if (!c->tls || !c->quic)
		return;
	c->initial = quic_initial_new(c->tls, &w->tls_memory);
	if (!c->initial)
		wire_handshake_free(w, c);
}

void wire_bytes(struct wire *w, const struct wire_key *key, int64_t now_us, enum dir dir,
		uint32_t seq, const uint8_t *bytes, size_t len)
{
	pthread_mutex_lock(&w->lock);
	w->now_us = now_us;
	struct wire_conn *c = wire_find(w, key);
	bool over = c && (c->tlsx_told || c->filtered), room = c && has_room(w, c->owner);
	if (room && !over && !c->tls)
		begin(w, c);
	if (c && c->initial && room)
		feed_quic(w, c, now_us, dir, seq, bytes, len);
	else if (c && c->tls && !c->quic && room)
		feed(w, c, now_us, dir, seq, bytes, len);
	else if (!over)
		w->stats.refused += len;
	if (c && c->tls && !room)
		tls_handshake_settle(c->tls); /* what is told so far stays, half a message goes */
	if (c)
		note_held(w, c);
	pthread_mutex_unlock(&w->lock);
}

void wire_handshake_counts(struct wire_conn *c)
{
	for (int dir = 0; c->tls && !c->quic && dir < 2; dir++)
		if (c->counts.way[dir].app_us)
			tls_handshake_application(c->tls, side_of(c, (enum dir)dir),
						  c->counts.way[dir].app_us);
}

/* What is known of it will not change any more, or not soon. */
static bool is_over(const struct wire *w, const struct wire_conn *c)
{
	return c->ended || tls_handshake_complete(c->tls) ||
	       w->now_us - c->first_us > LIMIT_WIRE_HANDSHAKE_MS * 1000;
}

void wire_handshake_tell(struct wire *w, struct wire_conn *c)
{
	if (c->tlsx_told || !c->tls || !wire_visible(w, c) || !is_over(w, c) ||
	    (!c->known && !c->ended))
		return;
	c->tlsx_told = true;
	tls_handshake_settle(c->tls);
	quic_initial_free(c->initial);
	c->initial = NULL;
	note_held(w, c);
	wire_note_container(w, c);
	bool told = !wire_told_by_other(w, c) && tls_handshake_seen(c->tls);
	struct entry *e = told ? tls_entry_new(tls_handshake_info(c->tls)) : NULL;
	if (e) {
		wire_entry_fill(w, e, c);
		w->sink.emit(w->sink.ctx, e);
	} else if (told) {
		entry_sink_lose(&w->sink);
	}
	if (w->tls_memory > LIMIT_WIRE_TLS_MEMORY / 2)
		wire_handshake_free(w, c);
}

void wire_handshake_free(struct wire *w, struct wire_conn *c)
{
	quic_initial_free(c->initial);
	c->initial = NULL;
	tls_handshake_free(c->tls);
	c->tls = NULL;
	note_held(w, c);
	if (c->filtered)
		memset(c->sni, 0, sizeof(c->sni));
}
