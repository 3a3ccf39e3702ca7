// SPDX-License-Identifier: GPL-2.0-or-later
/* The living entry of a wire connection: protocol `tcp`. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>

#include "base/json_write.h"
#include "entry.h"
#include "message.h"
#include "tls/handshake.h"
#include "tls/quic_keys.h"
#include "tls/tls_entry.h"
#include "wire/wire_conn.h"

static void fill_address(struct entry *e, struct endpoint *p, const struct wire_address *a)
{
	char text[INET6_ADDRSTRLEN] = "";

	inet_ntop(a->family == 4 ? AF_INET : AF_INET6, a->ip, text, sizeof(text));
	p->ip = entry_text(e, text, strlen(text));
	p->port = a->port;
}

void wire_note_container(const struct wire *w, struct wire_conn *c)
{
	const char *container = c->mine.tgid && w->options.container
					? w->options.container(w->options.ctx, c->mine.tgid)
					: NULL;

	if (container)
		strncpy(c->mine.container, container, sizeof(c->mine.container) - 1);
}

static void fill_side(struct entry *e, struct endpoint *p, const struct wire_side *s)
{
	p->process = entry_text(e, s->comm, strlen(s->comm));
	p->container = entry_text(e, s->container, strlen(s->container));
	p->pid = (int32_t)s->tgid;
	p->netns = s->netns;
}

static int64_t packets_of(const struct wire_conn *c)
{
	return (int64_t)(c->counts.way[0].packets + c->counts.way[1].packets);
}

static void fill_sums(struct entry *e, const struct wire_conn *c, bool client)
{
	const struct wire_way *sent = &c->counts.way[client ? DIR_WRITE : DIR_READ];
	const struct wire_way *answered = &c->counts.way[client ? DIR_READ : DIR_WRITE];
	int64_t end = c->ended ? c->ended_us : c->last_us;

	e->timestamp_us = c->first_us;
	e->elapsed_us = end > c->first_us ? end - c->first_us : 0;
	e->request_size = (int64_t)sent->bytes;
	e->response_size = (int64_t)answered->bytes;
	e->packets = packets_of(c);
}

void wire_entry_fill(const struct wire *w, struct entry *e, const struct wire_conn *c)
{
	bool client = wire_is_client(c);
	char room[WIRE_NAME];

	e->tls = true;
	e->library = c->mine.read ? c->mine.library : c->theirs.library;
	e->role = c->opener == WIRE_OPENER_UNKNOWN ? "unknown" : client ? "client" : "server";
	e->ends = c->theirs.present ? "both" : client ? "client" : "server";
	e->node = entry_text(e, w->node, strlen(w->node));
	const char *name = wire_name(c, room);
	e->connection = entry_text(e, name, strlen(name));
	fill_address(e, client ? &e->src : &e->dst, &c->local);
	fill_address(e, client ? &e->dst : &e->src, &c->remote);
	fill_side(e, client ? &e->src : &e->dst, &c->mine);
	fill_side(e, client ? &e->dst : &e->src, &c->theirs);
	e->dst.name = entry_text(e, c->sni, strlen(c->sni));
}

/* The end that was read tells what became of the data. */
static int put_detail(const struct wire *w, struct entry *e, const struct wire_conn *c)
{
	const struct wire_conn *other = c->mine.read ? NULL : wire_other_end(w, c);
	struct jw j = jw_begin(&e->detail);

	jw_object(&j, NULL);
	entry_put_tls(&j, e);
	ledger_put_conn(&j, w, other && other->mine.read ? other : c);
	jw_end_object(&j);
	return jw_done(&j);
}

/* Protocol `tcp` is what a connection is called, UDP below QUIC or not; this tells them apart. */
static const char *version_of(const struct wire_conn *c)
{
	uint32_t version = c->tls ? tls_handshake_info(c->tls)->quic_version : 0;

	return !c->quic		    ? ""
	       : version == QUIC_V1 ? "QUIC v1"
	       : version == QUIC_V2 ? "QUIC v2"
				    : "QUIC";
}

struct entry *wire_entry_new(const struct wire *w, const struct wire_conn *c)
{
	bool read = c->mine.read || c->theirs.read;
	struct entry *e = entry_new();

	if (!e)
		return NULL;
	wire_entry_fill(w, e, c);
	if (c->tls)
		tls_entry_learn(e, tls_handshake_info(c->tls));
	e->protocol = "tcp";
	e->version = version_of(c);
	e->lock = read ? LOCK_OPEN : LOCK_CLOSED;
	e->complete = true;
	fill_sums(e, c, wire_is_client(c));
	if (!read)
		e->reason = reasons[wire_reason(w, c)].sentence;
	e->summary = entry_printf(e, "%s%s%s: %" PRId64 " bytes sent, %" PRId64 " bytes answered",
				  c->sni, *c->sni ? ", " : "",
				  read	    ? "read in clear"
				  : c->quic ? "QUIC, encrypted"
					    : "encrypted",
				  e->request_size, e->response_size);
	if (put_detail(w, e, c)) {
		entry_free(e);
		return NULL;
	}
	return e;
}

/*
 * Both ends of a connection of this machine are one entry, the client's, which learns here what is
 * known of the other. True: it is the other.
 */
bool wire_told_by_other(const struct wire *w, struct wire_conn *c)
{
	struct wire_conn *other = c->absorbed ? NULL : wire_other_end(w, c);
	bool client = wire_is_client(c);

	if (!other)
		return c->absorbed;
	c->theirs = other->mine;
	other->theirs = c->mine;
	c->theirs.present = other->theirs.present = true;
	if (w->options.split_ends)
		return false;
	if (client)
		other->absorbed |= !other->live.number;
	else
		c->absorbed |= !c->live.number;
	other->live.changed = true;
	return c->absorbed;
}

/* Its lock may be about to open. */
static bool is_waiting(const struct wire *w, const struct wire_conn *c)
{
	return !c->mine.read && !c->theirs.read && !c->quic &&
	       w->now_us - c->first_us < LIMIT_WIRE_WAIT_MS * 1000;
}

void wire_tell(struct wire *w, struct wire_conn *c)
{
	wire_handshake_tell(w, c);
	if (c->absorbed || !wire_visible(w, c) || is_waiting(w, c) ||
	    !live_due(&c->live, &w->sink, c->first_us, w->now_us))
		return;
	wire_note_container(w, c);
	struct entry *e = wire_told_by_other(w, c) ? NULL : wire_entry_new(w, c);
	if (e)
		live_tell(&c->live, &w->sink, e, w->now_us);
}

void wire_tell_end(struct wire *w, struct wire_conn *c)
{
	wire_note_container(w, c);
	wire_handshake_tell(w, c);
	bool told = wire_visible(w, c) && !wire_told_by_other(w, c);
	struct entry *e = told ? wire_entry_new(w, c) : NULL;

	live_end(&c->live, &w->sink, e);
	if (e)
		w->sink.emit(w->sink.ctx, e);
	else if (told)
		entry_sink_lose(&w->sink);
}
