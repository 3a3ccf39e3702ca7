// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/file_quic.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/random.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/siphash.h"
#include "source/layers.h"
#include "tls/quic_initial.h"
#include "wire/wire.h"

#define BUCKETS	 4096
#define TELL_US	 1000000      /* of the file's time, while it goes on */
#define NUMBERS	 (1ULL << 63) /* of connections, beside those of TCP */
#define CID_PART 8	      /* bytes of the first connection id, behind its length: */
#define CID_AT	 6

struct quic_conn {
	struct quic_conn *next; /* with the same hash */
	TAILQ_ENTRY(quic_conn) of_age;
	struct datagram_ends ends; /* as side 0 sends */
	struct wire_key key;
	struct wire_counts counts;
	uint64_t cid; /* a hash of the first */
	uint64_t handed;
	int64_t last_us, told_us;
	int opener; /* a side */
};

struct file_quic {
	struct wire *wire;
	struct quic_conn *buckets[BUCKETS];
	TAILQ_HEAD(quic_ages, quic_conn) ages; /* the longest idle one first */
	struct siphash_key hash_key;
	size_t count;
	uint64_t seen;
};

struct file_quic *file_quic_new(struct wire *w)
{
	struct file_quic *q = calloc(1, sizeof(*q));

	if (!q)
		return NULL;
	q->wire = w;
	TAILQ_INIT(&q->ages);
	if (getrandom(&q->hash_key, sizeof(q->hash_key), 0) == (ssize_t)sizeof(q->hash_key))
		return q;
	free(q);
	return NULL;
}

uint64_t file_quic_count(const struct file_quic *q)
{
	return q->seen;
}

static struct quic_conn **slot(struct file_quic *q, const struct datagram_ends *ends)
{
	return &q->buckets[siphash(&q->hash_key, ends, sizeof(*ends)) % BUCKETS];
}

static void forget(struct file_quic *q, struct quic_conn *c)
{
	struct quic_conn **at = slot(q, &c->ends);

	while (*at != c)
		at = &(*at)->next;
	*at = c->next;
	TAILQ_REMOVE(&q->ages, c, of_age);
	q->count--;
	free(c);
}

void file_quic_free(struct file_quic *q)
{
	while (q && !TAILQ_EMPTY(&q->ages))
		forget(q, TAILQ_FIRST(&q->ages));
	free(q);
}

static void end_conn(struct file_quic *q, struct quic_conn *c)
{
	wire_counts(q->wire, &c->key, c->last_us, &c->counts);
	wire_end(q->wire, &c->key, c->last_us, WIRE_CLOSED);
	forget(q, c);
}

void file_quic_end(struct file_quic *q)
{
	while (!TAILQ_EMPTY(&q->ages))
		end_conn(q, TAILQ_FIRST(&q->ages));
}

static void tell_opened(struct file_quic *q, const struct quic_conn *c, int64_t now_us,
			const struct datagram *g)
{
	struct wire_open open = { .family = g->family,
				  .local_port = g->ends.port[0],
				  .remote_port = g->ends.port[1],
				  .owner = (uint32_t)(hash_bytes(g->ends.ip[0], 16) % WIRE_OWNERS),
				  .opener_known = true,
				  .opener = DIR_WRITE,
				  .quic = true };

	memcpy(open.local_ip, g->ends.ip[0], 16);
	memcpy(open.remote_ip, g->ends.ip[1], 16);
	wire_open(q->wire, &c->key, now_us, &open);
}

/* Of the one that opens it, by its first datagram. */
static struct quic_conn *begin(struct file_quic *q, int64_t now_us,
			       const struct datagram_ends *ends, int side, const struct datagram *g)
{
	if (q->count >= LIMIT_PCAP_QUIC)
		end_conn(q, TAILQ_FIRST(&q->ages));
	struct quic_conn *c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->ends = *ends;
	c->opener = side;
	c->key = (struct wire_key){ NUMBERS | ++q->seen, 1 };
	c->cid = hash_bytes(g->bytes + CID_AT, CID_PART);
	struct quic_conn **at = slot(q, ends);
	c->next = *at;
	*at = c;
	TAILQ_INSERT_TAIL(&q->ages, c, of_age);
	q->count++;
	tell_opened(q, c, now_us, g);
	return c;
}

/* Both sides had all keys, and the one that opened it begins again. */
static bool is_another(const struct quic_conn *c, int side, const struct datagram *g)
{
	return side == c->opener && c->counts.way[0].app_records && c->counts.way[1].app_records &&
	       c->cid != hash_bytes(g->bytes + CID_AT, CID_PART);
}

static struct quic_conn *conn_of(struct file_quic *q, int64_t now_us, const struct datagram *g,
				 int *ret_side)
{
	struct datagram_ends ends;
	int side = datagram_order(g, &ends);
	struct quic_conn *c = *slot(q, &ends);
	bool begins = quic_initial_begins(g->bytes, g->len);

	while (c && memcmp(&c->ends, &ends, sizeof(ends)) != 0)
		c = c->next;
	if (c && begins && is_another(c, side, g)) {
		end_conn(q, c);
		c = NULL;
	}
	*ret_side = side;
	return c || !begins ? c : begin(q, now_us, &ends, side, g);
}

/* As the kernel side counts (bpf/wire_quic.bpf.h). */
static void count(struct quic_conn *c, enum dir dir, int64_t now_us, const struct datagram *g,
		  enum quic_form form)
{
	struct wire_way *y = &c->counts.way[dir];

	y->packets++;
	y->bytes += g->wire_len;
	y->last_us = c->last_us = now_us;
	if (form != QUIC_FORM_SHORT) {
		y->handshakes++;
		return;
	}
	if (!y->app_records++)
		y->app_us = now_us;
	y->app_bytes += g->wire_len;
}

void file_quic_take(struct file_quic *q, int64_t now_us, const struct datagram *g)
{
	enum quic_form form = quic_form(g->bytes, g->len);
	int side;
	struct quic_conn *c = conn_of(q, now_us, g, &side);

	if (!c)
		return;
	enum dir dir = side == c->opener ? DIR_WRITE : DIR_READ;
	TAILQ_REMOVE(&q->ages, c, of_age);
	TAILQ_INSERT_TAIL(&q->ages, c, of_age);
	count(c, dir, now_us, g, form);
	if (form == QUIC_FORM_INITIAL && c->handed + g->len <= LIMIT_QUIC_COPIED) {
		c->handed += g->len;
		wire_bytes(q->wire, &c->key, now_us, dir, 0, g->bytes, g->len);
	}
	if (now_us - c->told_us < TELL_US)
		return;
	c->told_us = now_us;
	wire_counts(q->wire, &c->key, now_us, &c->counts);
}
