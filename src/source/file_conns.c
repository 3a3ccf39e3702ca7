// SPDX-License-Identifier: GPL-2.0-or-later
/* All connections of a file, and the order in which both sides of each spoke. */
#include "source/file_conns.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/hash.h"
#include "base/limits.h"
#include "source/file_conn.h"

#define BUCKETS	  65536
#define TICKED_US 2000000 /* for so long after its last packet a connection is looked at */

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
	for (size_t i = 0; i < FILE_OWNERS; i++)
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

static void take_early(struct file_conns *t, struct file_conn *c, bool lose);

static void end_conn(struct file_conns *t, struct file_conn *c)
{
	if (c->done)
		return;
	while (c->early.count)
		take_early(t, c, true);
	file_conn_end(t, c);
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
	c->is_end = !t->sessions;
	c->netns = t->netns;
	c->share = &t->shares[hash_words(client, 0) % FILE_OWNERS];
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
				 const struct datagram_ends *ends, int side)
{
	struct file_conn *c = find(t, ends);

	if (c && is_another(c, side, g)) {
		end_conn(t, c);
		forget(t, c);
		c = NULL;
	}
	if (!c && (g->wire_len || g->flags & TCP_SYN))
		c = make(t, now_us, ends, g);
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
	const struct reassemble_to to = file_conn_to(&way);
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
			const struct reassemble_to to = file_conn_to(&back);
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
	const struct reassemble_to to = file_conn_to(&back);

	if (early_keep(&c->early, c->share, side, now_us, g))
		return;
	while (c->early.count)
		take_early(t, c, true);
	if (is_early(c, side, g))
		reassemble_lose(&c->sides[!side].in, &to, acked(&c->sides[!side], g->ack));
	take_packet(t, c, side, now_us, g);
}

static void take(struct file_conns *t, int64_t now_us, const struct datagram *g,
		 const struct datagram_ends *ends, int side)
{
	struct file_conn *c = conn_of(t, now_us, g, ends, side);

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

void file_conns_take(struct file_conns *t, int64_t now_us, const struct datagram *g)
{
	struct datagram_ends ends;
	int side = datagram_order(g, &ends);

	take(t, now_us, g, &ends, side);
}

void file_conns_take_end(struct file_conns *t, int64_t now_us, const struct datagram *g, bool out)
{
	const struct datagram_ends *e = &g->ends;
	struct datagram_ends ends = { .port = { e->port[!out], e->port[out] } };

	memcpy(ends.ip[0], e->ip[!out], sizeof(ends.ip[0]));
	memcpy(ends.ip[1], e->ip[out], sizeof(ends.ip[1]));
	take(t, now_us, g, &ends, !out);
}

void file_conns_set_netns(struct file_conns *t, uint32_t netns)
{
	t->netns = netns;
}

void file_conns_tick(struct file_conns *t, int64_t now_us)
{
	struct file_conn *c;

	TAILQ_FOREACH_REVERSE(c, &t->ages, file_ages, of_age)
	{
		if (now_us - c->now_us > TICKED_US)
			break;
		file_wire_tick(&c->wire, t->wire, now_us);
	}
}
