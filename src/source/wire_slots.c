// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/wire_slots.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "event.h"
#include "source/ring.h"
#include "wire/wire.h"

#define PARTS 4 /* one of them in each tick */

_Static_assert(WIRE_COMM_LEN == EV_COMM_LEN && WIRE_PACKETS == EV_WIRE_PACKETS &&
		       WIRE_OWNERS == EV_OWNERS,
	       "wire");

struct wire_slots {
	const struct ring *ring;
	struct wire *wire;
	int64_t clock_offset_us;
	struct wire_key key[LIMIT_WIRE_FLOWS]; /* of the socket that was told; gen 0: none */
	uint64_t seen[LIMIT_WIRE_FLOWS];       /* packets of it, as told */
	uint32_t part;
	uint32_t end; /* no slot from here on was ever in use */
};

struct wire_slots *wire_slots_new(const struct ring *r, struct wire *w, int64_t clock_offset_us)
{
	struct wire_slots *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->ring = r;
	s->wire = w;
	s->clock_offset_us = clock_offset_us;
	return s;
}

void wire_slots_free(struct wire_slots *s)
{
	free(s);
}

static int64_t time_of(const struct wire_slots *s, uint64_t ktime)
{
	return ktime ? (int64_t)(ktime / 1000) + s->clock_offset_us : 0;
}

static struct wire_way make_way(const struct wire_slots *s, const struct ev_wire_way *y)
{
	struct wire_way way = { .packets = y->packets,
				.bytes = y->bytes,
				.app_records = y->app_records,
				.app_bytes = y->app_bytes,
				.early_records = y->early_records,
				.early_bytes = y->early_bytes,
				.not_followed = y->not_followed,
				.handshakes = y->handshakes,
				.alerts = y->alerts,
				.changes = y->changes,
				.firsts = y->firsts < WIRE_FIRST ? y->firsts : WIRE_FIRST,
				.latest = y->latest,
				.last_us = time_of(s, y->last),
				.app_us = time_of(s, y->app_at) };

	_Static_assert(WIRE_FIRST == EV_WIRE_FIRST, "first");
	memcpy(way.first, y->first, sizeof(way.first));
	return way;
}

static uint64_t last_of(const struct ev_wire *e)
{
	return e->way[0].last > e->way[1].last ? e->way[0].last : e->way[1].last;
}

static uint64_t packets_of(const volatile struct ev_wire *e)
{
	return e->way[0].packets + e->way[1].packets;
}

/* When a packet came, of which the slot has 48 bits: three days. `last` may be a moment older. */
static uint64_t packet_ktime(const struct ev_wire *e, const struct ev_wire_packet *p)
{
	uint64_t at = e->gen + ((uint64_t)p->when << 16), latest = last_of(e) + 1000000000;

	return latest > at ? at + ((latest - at) >> 48 << 48) : at;
}

/* A copy of a slot, which is this socket's still when it was made. */
static void tell_slot(struct wire_slots *s, const struct ev_wire *e, int64_t now)
{
	const struct wire_key key = { e->cookie, e->gen };
	const struct wire_counts counts = { { make_way(s, &e->way[0]), make_way(s, &e->way[1]) } };
	struct wire_packet list[WIRE_PACKETS];
	uint32_t n = e->packets < WIRE_PACKETS ? e->packets : WIRE_PACKETS;

	for (uint32_t i = 0; i < n; i++) {
		const struct ev_wire_packet *p = &e->packet[(e->packets - n + i) % WIRE_PACKETS];
		list[i] = (struct wire_packet){
			.time_us = time_of(s, packet_ktime(e, p)),
			.size = EV_WIRE_SIZE(p->what),
			.dir = EV_WIRE_DIR(p->what),
			.types = EV_WIRE_TYPES(p->what),
		};
	}
	wire_counts(s->wire, &key, now, &counts);
	wire_last_packets(s->wire, &key, list, n);
}

static void tell_opened(struct wire_slots *s, int64_t now, const struct ev_wire_open *o)
{
	const struct wire_key key = { o->hdr.conn, o->hdr.gen };
	struct wire_open open = { .family = o->family,
				  .local_port = o->local_port,
				  .remote_port = o->remote_port,
				  .owner = o->hdr.owner,
				  .opener_known = o->opened != EV_OPENED_UNKNOWN,
				  .opener = o->opened == EV_OPENED_LOCAL ? DIR_WRITE : DIR_READ,
				  .midway = o->flags & EV_WIRE_MIDWAY,
				  .upgraded = o->flags & EV_WIRE_UPGRADED,
				  .slot = o->slot };

	if (o->slot >= LIMIT_WIRE_FLOWS)
		return;
	memcpy(open.local_ip, o->local_ip, sizeof(open.local_ip));
	memcpy(open.remote_ip, o->remote_ip, sizeof(open.remote_ip));
	const struct wire_key was = s->key[o->slot];
	if (was.gen && (was.id != key.id || was.gen != key.gen)) /* if its end was lost */
		wire_end(s->wire, &was, now, WIRE_CLOSED);
	s->key[o->slot] = key;
	s->seen[o->slot] = 0;
	if (o->slot >= s->end)
		s->end = o->slot + 1;
	wire_open(s->wire, &key, now, &open);
}

static void tell_process(struct wire_slots *s, int64_t now, const struct ev_wire_process *p)
{
	const struct wire_key key = { p->hdr.conn, p->hdr.gen };
	char comm[EV_COMM_LEN + 1] = "";

	memcpy(comm, p->comm, EV_COMM_LEN);
	wire_process(s->wire, &key, now,
		     &(struct wire_process){ .tgid = p->hdr.tgid,
					     .comm = comm,
					     .netns = p->netns,
					     .cgroup = p->cgroup,
					     .filtered_out = p->filtered,
					     .opener_known = p->opened != EV_OPENED_UNKNOWN,
					     .opener = p->opened == EV_OPENED_LOCAL ? DIR_WRITE
										    : DIR_READ });
}

void wire_slots_tell(struct wire_slots *s, const struct ev_hdr *record)
{
	const struct wire_key key = { record->conn, record->gen };
	const struct ev_wire_bytes *b = (const struct ev_wire_bytes *)record;
	int64_t now = time_of(s, record->ktime);

	switch (record->type) {
	case EV_WIRE_OPEN:
		tell_opened(s, now, (const struct ev_wire_open *)record);
		break;
	case EV_WIRE_BYTES:
		wire_bytes(s->wire, &key, now, (enum dir)b->dir, b->seq, b->payload, b->len);
		break;
	case EV_WIRE_PROCESS:
		tell_process(s, now, (const struct ev_wire_process *)record);
		break;
	case EV_WIRE_END:
		tell_slot(s, &((const struct ev_wire_end *)record)->wire, now);
		wire_end(s->wire, &key, now, WIRE_CLOSED);
		break;
	}
}

static void look_at(struct wire_slots *s, uint32_t n, int64_t now)
{
	const volatile struct ev_wire *slot = ring_wire(s->ring, n);
	struct ev_wire copy;
	uint64_t packets = packets_of(slot);

	if (slot->gen == s->key[n].gen && packets == s->seen[n])
		return;
	memcpy(&copy, (const void *)slot, sizeof(copy));
	atomic_thread_fence(memory_order_acquire); /* all of it is from before the second look */
	s->seen[n] = packets;
	if (copy.gen == s->key[n].gen && slot->gen == s->key[n].gen) {
		tell_slot(s, &copy, now);
	} else { /* its end is in the ring still, or was lost */
		wire_end(s->wire, &s->key[n], now, WIRE_CLOSED);
		s->key[n].gen = 0;
	}
}

void wire_slots_tick(struct wire_slots *s, int64_t now_us)
{
	s->part = (s->part + 1) % PARTS;
	for (uint32_t n = s->part; n < s->end; n += PARTS)
		if (s->key[n].gen)
			look_at(s, n, now_us);
}
