// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/file_conns.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/share.h"
#include "base/siphash.h"
#include "session/flow.h"
#include "source/early.h"
#include "source/file_wire.h"
#include "source/layers.h"
#include "tls/record.h"

#define BUCKETS	  65536
#define OWNERS	  256
#define CLIENT_NO -1

enum mode { MODE_UNDECIDED, MODE_PLAIN, MODE_TLS };

struct file_side {
	struct reassemble in;
	uint64_t told; /* to the session: offset of the next byte */
	uint32_t syn_seq, fin_seq;
	bool syn, fin;
	uint8_t have; /* bytes of `first` */
	uint8_t first[TLS_BEGIN_BYTES];
};

struct file_conn {
	struct file_conn *next; /* with the same hash */
	TAILQ_ENTRY(file_conn) of_age;
	struct datagram_ends ends; /* as side 0 sends */
	struct file_side sides[2];
	struct flow flow; /* its gen is the number that sessions and the wire share */
	struct tls_stream *tls;
	struct share *share;
	struct early early;
	struct file_wire wire;
	int64_t now_us;
	uint8_t family, mode;
	int8_t opener;	     /* a side; CLIENT_NO: not known */
	bool opened, closed; /* the flow: was told; its lock is closed */
	bool reset;
	bool joined, done; /* its first packet was not seen; it ended, only its packets come */
};

struct file_conns {
	struct sessions *sessions;
	struct decrypt_tools *tools;
	struct wire *wire; /* NULL: nobody wants to know */
	struct file_conn **buckets;
	TAILQ_HEAD(file_ages, file_conn) ages;
	size_t count;
	uint64_t gen;
	struct siphash_key key;
	struct common memory;
	struct share shares[OWNERS];
	struct file_conns_counts counts;
};

/* Whom a part tells. */
struct file_way {
	struct file_conns *all;
	struct file_conn *conn;
	int side;
};

struct file_conns *file_conns_new(struct sessions *sessions, struct decrypt_tools *tools,
				  struct wire *w)
{
	struct file_conns *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->sessions = sessions;
	t->tools = tools;
	t->wire = w;
	TAILQ_INIT(&t->ages);
	for (size_t i = 0; i < OWNERS; i++)
		t->shares[i] = (struct share){ .of = &t->memory, .holder = &t->shares[i] };
	t->buckets = calloc(BUCKETS, sizeof(struct file_conn *));
	if (t->buckets && getrandom(&t->key, sizeof(t->key), 0) == (ssize_t)sizeof(t->key))
		return t;
	file_conns_free(t);
	return NULL;
}

struct file_conns_counts file_conns_counts(const struct file_conns *t)
{
	return t->counts;
}

static int local_of(const struct file_conn *c)
{
	return c->opener == CLIENT_NO ? 0 : c->opener;
}

static enum dir dir_of(const struct file_conn *c, int side)
{
	return side == local_of(c) ? DIR_WRITE : DIR_READ;
}

/* Its ends, as seen from the one that opened it. */
static struct flow_socket socket_of(const struct file_conn *c)
{
	int local = local_of(c);
	struct flow_socket socket = {
		.cookie = c->flow.gen,
		.family = c->family,
		.local_port = c->ends.port[local],
		.remote_port = c->ends.port[!local],
		.opener = c->opener == CLIENT_NO ? OPENER_UNKNOWN : OPENER_LOCAL,
		.how = "file",
		.strong = true,
	};

	memcpy(socket.local_ip, c->ends.ip[local], 16);
	memcpy(socket.remote_ip, c->ends.ip[!local], 16);
	return socket;
}

static void open_flow(struct file_conns *t, struct file_conn *c)
{
	bool tls = c->mode == MODE_TLS;

	if (c->opened)
		return;
	c->opened = true;
	c->closed = tls && !tls_stream_readable(c->tls);
	const struct flow_open open = {
		.comm = "",
		.library = "",
		.lock = !tls	    ? LOCK_NONE
			: c->closed ? LOCK_CLOSED
				    : LOCK_OPEN,
		.tls = tls,
		.midway = tls ? tls_stream_client(c->tls) < 0 : c->joined,
	};
	const struct flow_socket socket = socket_of(c);
	flow_open(t->sessions, &c->flow, c->now_us, &open);
	flow_socket(t->sessions, &c->flow, c->now_us, &socket);
}

static void close_flow(struct file_conns *t, struct file_conn *c)
{
	uint64_t end[2];

	if (c->opened) {
		for (int side = 0; side < 2; side++)
			end[dir_of(c, side)] = c->sides[side].told;
		flow_close(t->sessions, &c->flow, c->now_us, end);
	}
	c->opened = false;
	c->sides[0].told = c->sides[1].told = 0;
}

static void tell_plain(void *way, int side, const uint8_t *bytes, size_t len)
{
	const struct file_way *w = way;
	struct file_conn *c = w->conn;

	open_flow(w->all, c);
	flow_data(w->all->sessions, &c->flow, c->now_us,
		  &(struct flow_data){ .dir = dir_of(c, side),
				       .offset = c->sides[side].told,
				       .span = len,
				       .bytes = bytes,
				       .len = len });
	c->sides[side].told += len;
}

/* Where the lock is open the jump of the offset tells. */
static void tell_missing(void *way, int side, uint64_t len)
{
	const struct file_way *w = way;
	struct file_conn *c = w->conn;

	open_flow(w->all, c);
	if (c->closed)
		flow_data(w->all->sessions, &c->flow, c->now_us,
			  &(struct flow_data){ .dir = dir_of(c, side),
					       .why = GAP_TRUNCATED,
					       .offset = c->sides[side].told,
					       .span = len });
	c->sides[side].told += len;
}

static void tell_record(void *way, int side, const uint8_t *record, size_t len)
{
	const struct file_way *w = way;
	struct file_conn *c = w->conn;

	if (tls_stream_client(c->tls) >= 0 && !c->opened && !c->wire.open)
		c->opener = (int8_t)tls_stream_client(c->tls);
	const struct flow_socket socket = socket_of(c);
	file_wire_open(&c->wire, w->all->wire, c->now_us, &socket, local_of(c), c->flow.owner,
		       tls_stream_client(c->tls) < 0);
	file_wire_record(&c->wire, w->all->wire, side, c->now_us, record, len);
}

static void tls_bytes(struct file_way *w, int side, const uint8_t *bytes, size_t len)
{
	struct file_conn *c = w->conn;

	file_wire_stream(&c->wire, side, len);
	tls_stream_bytes(c->tls, w, side, c->now_us, bytes, len);
}

/* What comes is TLS from here on; what was said before in clear is another flow. */
static void begin_tls(struct file_way *w)
{
	struct file_conn *c = w->conn;
	const struct tls_stream_to to = { .plain = tell_plain,
					  .missing = tell_missing,
					  .record = tell_record,
					  .tools = w->all->tools,
					  .counts = &w->all->counts.tls,
					  .share = c->share };

	c->wire.upgraded = c->opened;
	close_flow(w->all, c);
	c->flow.gen = ++w->all->gen;
	c->tls = tls_stream_new(&to);
	c->mode = c->tls ? MODE_TLS : MODE_PLAIN;
}

/* What a connection is whose first bytes these are, of one side or the other. */
static enum tls_is is_tls(const struct file_conn *c, const uint8_t *bytes, size_t len)
{
	struct tls_record r;
	enum tls_is is = tls_record_begins(bytes, len);

	if (is == TLS_IS_NOT && c->joined && tls_record_head(bytes, len, &r) == TLS_IS)
		return TLS_IS;
	return is;
}

static void take_decided(struct file_way *w, int side, const uint8_t *bytes, size_t len)
{
	struct file_conn *c = w->conn;

	if (c->mode == MODE_PLAIN && *bytes >= TLS_CHANGE_CIPHER_SPEC &&
	    *bytes <= TLS_APPLICATION_DATA && len >= TLS_BEGIN_BYTES &&
	    is_tls(c, bytes, len) == TLS_IS)
		begin_tls(w);
	if (c->mode == MODE_TLS)
		tls_bytes(w, side, bytes, len);
	else
		tell_plain(w, side, bytes, len);
}

/* What was held until now. */
static void take_first(struct file_way *w)
{
	for (int i = 0; i < 2; i++) {
		struct file_side *s = &w->conn->sides[i];
		uint8_t n = s->have;

		s->have = 0;
		if (n && w->conn->mode == MODE_TLS)
			tls_bytes(w, i, s->first, n);
		else if (n)
			tell_plain(w, i, s->first, n);
	}
}

static void on_bytes(void *ctx, uint64_t offset, const uint8_t *bytes, size_t len)
{
	struct file_way *w = ctx;
	struct file_conn *c = w->conn;
	struct file_side *s = &c->sides[w->side];

	(void)offset;
	if (c->mode == MODE_UNDECIDED) {
		uint8_t first[TLS_BEGIN_BYTES];
		size_t more = sizeof(first) - s->have;

		more = more < len ? more : len;
		memcpy(first, s->first, s->have);
		memcpy(first + s->have, bytes, more);
		enum tls_is is = is_tls(c, first, s->have + more);
		if (is == TLS_IS_UNCLEAR) {
			memcpy(s->first, first, s->have + more);
			s->have += (uint8_t)more;
			return;
		}
		if (is == TLS_IS)
			begin_tls(w);
		else
			c->mode = MODE_PLAIN;
		take_first(w);
	}
	take_decided(w, w->side, bytes, len);
}

static void on_gap(void *ctx, uint64_t offset, uint64_t len)
{
	struct file_way *w = ctx;
	struct file_conn *c = w->conn;

	(void)offset;
	if (c->mode == MODE_UNDECIDED) {
		c->joined = true;
		c->mode = c->sides[w->side].have ? MODE_PLAIN : MODE_UNDECIDED;
		take_first(w);
	}
	file_wire_stream(&c->wire, w->side, c->mode == MODE_TLS ? len : 0);
	if (c->mode == MODE_TLS)
		tls_stream_gap(c->tls, w, w->side, len);
	else
		c->sides[w->side].told += len;
}

static struct reassemble_to way_to(struct file_way *w)
{
	return (struct reassemble_to){ .bytes = on_bytes,
				       .gap = on_gap,
				       .ctx = w,
				       .share = w->conn->share,
				       .counts = &w->all->counts.tcp };
}

static void take_early(struct file_conns *t, struct file_conn *c, bool lose);

/* Tells what still waits, and its end; its packets that still come are nobody's. */
static void end_conn(struct file_conns *t, struct file_conn *c)
{
	int first = local_of(c);

	if (c->done)
		return;
	while (c->early.count)
		take_early(t, c, true);
	for (int i = 0; i < 2; i++) {
		struct file_way w = { t, c, first ^ i };
		const struct reassemble_to to = way_to(&w);
		reassemble_end(&c->sides[w.side].in, &to);
		if (c->tls)
			tls_stream_end(c->tls, &w, w.side);
	}
	if (c->mode == MODE_UNDECIDED && (c->sides[0].have || c->sides[1].have)) {
		c->mode = MODE_PLAIN;
		take_first(&(struct file_way){ t, c, 0 });
	}
	close_flow(t, c);
	file_wire_end(&c->wire, t->wire, c->now_us);
	c->done = true;
	tls_stream_free(c->tls);
	c->tls = NULL;
	for (int i = 0; i < 2; i++)
		reassemble_free(&c->sides[i].in, c->share);
}

static struct file_conn **slot(const struct file_conns *t, const struct datagram_ends *ends)
{
	return &t->buckets[siphash(&t->key, ends, sizeof(*ends)) % BUCKETS];
}

static void forget(struct file_conns *t, struct file_conn *c)
{
	struct file_conn **at = slot(t, &c->ends);

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	TAILQ_REMOVE(&t->ages, c, of_age);
	t->count--;
	while (c->early.count)
		early_drop_first(&c->early, c->share);
	tls_stream_free(c->tls);
	for (int i = 0; i < 2; i++)
		reassemble_free(&c->sides[i].in, c->share);
	free(c);
}

void file_conns_free(struct file_conns *t)
{
	if (!t)
		return;
	for (struct file_conn *c; (c = TAILQ_FIRST(&t->ages));)
		forget(t, c);
	free(t->buckets);
	free(t);
}

void file_conns_end(struct file_conns *t)
{
	for (struct file_conn *c; (c = TAILQ_FIRST(&t->ages));) {
		end_conn(t, c);
		forget(t, c);
	}
}

static struct file_conn *find(const struct file_conns *t, const struct datagram_ends *ends)
{
	struct file_conn *c = *slot(t, ends);

	while (c && memcmp(&c->ends, ends, sizeof(*ends)) != 0)
		c = c->next;
	return c;
}

/* The one that has been idle for longest gives way. */
static void make_room(struct file_conns *t)
{
	if (t->count < LIMIT_PCAP_CONNS)
		return;
	struct file_conn *c = TAILQ_FIRST(&t->ages);
	t->counts.gave_way += !c->done;
	end_conn(t, c);
	forget(t, c);
}

static struct file_conn *make(struct file_conns *t, int64_t now_us,
			      const struct datagram_ends *ends, const struct datagram *g)
{
	make_room(t);
	struct file_conn *c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	uint64_t client = hash_bytes(g->ends.ip[0], 16), id = hash_bytes(ends, sizeof(*ends));
	STAILQ_INIT(&c->early.packets);
	c->ends = *ends;
	c->family = g->family;
	c->opener = CLIENT_NO;
	c->joined = !(g->flags & TCP_SYN);
	c->share = &t->shares[hash_words(client, 0) % OWNERS];
	c->flow.owner = 1 + (uint32_t)(hash_words(client, 1) % (FLOW_OWNERS - 1));
	c->flow.id = hash_words(id, (uint64_t)now_us) | 1;
	struct file_conn **at = slot(t, ends);
	c->next = *at;
	*at = c;
	TAILQ_INSERT_TAIL(&t->ages, c, of_age);
	t->count++;
	c->flow.gen = ++t->gen;
	t->counts.connections++;
	t->counts.joined += c->joined;
	return c;
}

/* Does this packet begin a connection between ends that had one before? */
static bool is_another(const struct file_conn *c, int side, const struct datagram *g)
{
	const struct file_side *s = &c->sides[side];

	if (!(g->flags & TCP_SYN))
		return false;
	return c->done || (s->syn ? s->syn_seq != g->seq : s->in.begun);
}

/* The connection of a packet; NULL: none, and it begins none. */
static struct file_conn *conn_of(struct file_conns *t, int64_t now_us, const struct datagram *g,
				 int *ret_side)
{
	struct datagram_ends ends;
	int side = datagram_order(g, &ends);
	struct file_conn *c = find(t, &ends);

	*ret_side = side;
	if (c && is_another(c, side, g)) {
		end_conn(t, c);
		forget(t, c);
		c = NULL;
	}
	if (!c && (g->wire_len || g->flags & TCP_SYN))
		c = make(t, now_us, &ends, g);
	if (!c)
		return NULL;
	TAILQ_REMOVE(&t->ages, c, of_age);
	TAILQ_INSERT_TAIL(&t->ages, c, of_age);
	return c->done ? NULL : c;
}

static void take_syn(struct file_conn *c, int side, const struct datagram *g)
{
	struct file_side *s = &c->sides[side];

	if (!(g->flags & TCP_SYN))
		return;
	s->syn = true;
	s->syn_seq = g->seq;
	reassemble_begin(&s->in, g->seq + 1);
	c->opener = (int8_t)(g->flags & TCP_ACK ? !side : side);
	if (g->flags & TCP_ACK)
		reassemble_begin(&c->sides[!side].in, g->ack);
}

/* What the other side has of this one's bytes, without its FIN, which counts as one. */
static uint32_t acked(const struct file_side *s, uint32_t ack)
{
	return s->fin && ack == s->fin_seq + 1 ? s->fin_seq : ack;
}

static bool is_finished(const struct file_conn *c)
{
	for (int i = 0; i < 2; i++) {
		const struct file_side *s = &c->sides[i];
		if (!s->fin || (s->in.begun && s->in.first + (uint32_t)s->in.next != s->fin_seq))
			return false;
	}
	return true;
}

/* What a packet says, now that all that it follows was told. */
static void take_packet(struct file_conns *t, struct file_conn *c, int side, int64_t now_us,
			const struct datagram *g)
{
	struct file_way way = { t, c, side };
	const struct reassemble_to to = way_to(&way);
	uint32_t seq = g->seq + (g->flags & TCP_SYN ? 1 : 0);

	c->now_us = now_us > c->now_us ? now_us : c->now_us;
	if (!(g->flags & TCP_RST))
		reassemble_segment(&c->sides[side].in, &to, seq, g->bytes, g->len);
	if (g->flags & TCP_FIN) {
		c->sides[side].fin = true;
		c->sides[side].fin_seq = seq + (uint32_t)g->wire_len;
	}
	c->reset |= (g->flags & TCP_RST) != 0;
}

/* Does it say that the other side has bytes of which some are missing here? */
static bool is_early(const struct file_conn *c, int side, const struct datagram *g)
{
	const struct file_side *s = &c->sides[!side];
	uint32_t ack = acked(s, g->ack);

	if (!(g->flags & TCP_ACK) || reassemble_has(&s->in, ack))
		return false;
	/* a FIN that was not seen counts as one */
	return s->in.count || !reassemble_has(&s->in, ack - 1);
}

/* Those that waited, up to one that does still; `lose`: what the first waits for is given up. */
static void take_early(struct file_conns *t, struct file_conn *c, bool lose)
{
	for (struct early_packet *e; (e = STAILQ_FIRST(&c->early.packets));) {
		if (is_early(c, e->side, &e->g)) {
			struct file_way back = { t, c, !e->side };
			const struct reassemble_to to = way_to(&back);
			if (!lose)
				break;
			reassemble_lose(&c->sides[!e->side].in, &to,
					acked(&c->sides[!e->side], e->g.ack));
			lose = false;
		}
		take_packet(t, c, e->side, e->now_us, &e->g);
		early_drop_first(&c->early, c->share);
	}
}

/* Are its bytes among those that the first one waits for? */
static bool is_awaited(const struct file_conn *c, int side, const struct datagram *g)
{
	const struct early_packet *first = STAILQ_FIRST(&c->early.packets);

	return first && first->side != side && g->len &&
	       !reassemble_has(&c->sides[side].in, g->seq + (uint32_t)g->len) &&
	       (int32_t)(g->seq + (uint32_t)g->len - first->g.ack) <= 0;
}

/* Until what it follows has come; where there is no room to wait, what is missing is given up. */
static void take_later(struct file_conns *t, struct file_conn *c, int side, int64_t now_us,
		       const struct datagram *g)
{
	struct file_way back = { t, c, !side };
	const struct reassemble_to to = way_to(&back);

	if (early_keep(&c->early, c->share, side, now_us, g))
		return;
	while (c->early.count)
		take_early(t, c, true);
	if (is_early(c, side, g))
		reassemble_lose(&c->sides[!side].in, &to, acked(&c->sides[!side], g->ack));
	take_packet(t, c, side, now_us, g);
}

void file_conns_take(struct file_conns *t, int64_t now_us, const struct datagram *g)
{
	int side;
	struct file_conn *c = conn_of(t, now_us, g, &side);

	if (!c)
		return;
	take_syn(c, side, g);
	file_wire_packet(&c->wire, side, now_us, g->wire_len);
	if (c->early.count ? is_awaited(c, side, g) : !is_early(c, side, g))
		take_packet(t, c, side, now_us, g);
	else
		take_later(t, c, side, now_us, g);
	take_early(t, c, c->early.count >= LIMIT_PCAP_LATE);
	if (c->reset || is_finished(c))
		end_conn(t, c);
}
