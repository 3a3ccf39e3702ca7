// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/uprobe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "event.h"
#include "session/flow.h"
#include "source/ring.h"
#include "source/source.h"
#include "source/wire_slots.h"
#include "trace/library_name.h"

struct uprobe {
	struct ring *ring;
	struct sessions *sessions;
	struct wire_slots *wire; /* NULL: it is not watched */
	int64_t clock_offset_us;
	int64_t last_us; /* of the last record */
};

static const char *how_name(uint8_t how)
{
	static const char *const names[] = {
		[EV_HOW_GO] = "go",
		[EV_HOW_NESTED] = "nested",
		[EV_HOW_BIO] = "bio",
	};

	return how < sizeof(names) / sizeof(*names) && names[how] ? names[how] : "unknown";
}

static void tell_open(struct sessions *s, const struct flow *f, int64_t now, int64_t begun,
		      const struct ev_open *o)
{
	char comm[EV_COMM_LEN + 1] = "";

	_Static_assert(EV_COMM_LEN == FLOW_COMM_LEN, "comm");
	memcpy(comm, o->comm, EV_COMM_LEN);
	flow_open(s, f, now,
		  &(struct flow_open){ .comm = comm,
				       .library = library_name(o->library),
				       .lock = LOCK_OPEN,
				       .tls = true,
				       .midway = o->hdr.flags & EV_F_MIDWAY,
				       .writes_early = o->library == EV_LIB_GO,
				       .netns = o->netns,
				       .begun_us = begun });
}

static void tell_data(struct sessions *s, const struct flow *f, int64_t now,
		      const struct ev_data *d)
{
	uint64_t took = d->begin && d->begin < d->hdr.ktime ? d->hdr.ktime - d->begin : 0;

	flow_data(s, f, now,
		  &(struct flow_data){ .dir = (enum dir)d->dir,
				       .why = d->hdr.flags & (EV_F_BUDGET | EV_F_PAUSED)
						      ? GAP_TRUNCATED
						      : GAP_LOST,
				       .offset = d->offset,
				       .in_order = true,
				       .reached = d->reached,
				       .span = d->span,
				       .bytes = d->payload,
				       .len = d->len,
				       .goroutine = d->goid,
				       .begun_us = now - (int64_t)(took / 1000),
				       .paused = d->hdr.flags & EV_F_PAUSED,
				       .more = d->hdr.flags & EV_F_MORE });
}

static void tell_socket(struct sessions *s, const struct flow *f, int64_t now,
			const struct ev_bind *b)
{
	struct flow_socket socket = { .cookie = b->cookie,
				      .family = b->family,
				      .local_port = b->local_port,
				      .remote_port = b->remote_port,
				      .netns = b->netns,
				      .opener = b->opened == EV_OPENED_LOCAL	? OPENER_LOCAL
						: b->opened == EV_OPENED_REMOTE ? OPENER_REMOTE
										: OPENER_UNKNOWN,
				      .how = how_name(b->how),
				      .strong = b->strong || b->how == EV_HOW_GO };

	memcpy(socket.local_ip, b->local_ip, sizeof(socket.local_ip));
	memcpy(socket.remote_ip, b->remote_ip, sizeof(socket.remote_ip));
	flow_socket(s, f, now, &socket);
}

void uprobe_tell(struct sessions *s, int64_t clock_offset_us, const struct ev_hdr *record)
{
	const struct flow f = {
		.tgid = record->tgid, .id = record->conn, .gen = record->gen, .owner = record->owner
	};

	_Static_assert(EV_OWNERS == FLOW_OWNERS, "owners");
	int64_t now = (int64_t)(record->ktime / 1000) + clock_offset_us;

	switch (record->type) {
	case EV_OPEN:
		tell_open(s, &f, now, (int64_t)(record->gen / 1000) + clock_offset_us,
			  (const struct ev_open *)record);
		break;
	case EV_DATA:
		tell_data(s, &f, now, (const struct ev_data *)record);
		break;
	case EV_BIND:
		tell_socket(s, &f, now, (const struct ev_bind *)record);
		break;
	case EV_CLOSE:
		flow_close(s, &f, now,
			   (uint64_t[]){ ((const struct ev_close *)record)->offset[0],
					 ((const struct ev_close *)record)->offset[1] });
		break;
	case EV_EXIT:
		flow_exit(s, f.tgid, now);
		break;
	}
}

static void on_record(void *ctx, const struct ev_hdr *record)
{
	struct uprobe *u = ctx;

	u->last_us = (int64_t)(record->ktime / 1000) + u->clock_offset_us;
	if (record->type >= EV_WIRE_OPEN && u->wire)
		wire_slots_tell(u->wire, record);
	else
		uprobe_tell(u->sessions, u->clock_offset_us, record);
}

static void uprobe_close(void *state)
{
	struct uprobe *u = state;

	if (!u)
		return;
	wire_slots_free(u->wire);
	ring_close(u->ring);
	free(u);
}

static void uprobe_tick(void *state, int64_t now_us)
{
	struct uprobe *u = state;

	if (u->wire)
		wire_slots_tick(u->wire, now_us);
}

static int uprobe_open(const struct source_options *o, void **ret_state, char *error, size_t size)
{
	struct uprobe *u = o->maps ? calloc(1, sizeof(*u)) : NULL;

	if (!u)
		return o->maps ? -ENOMEM : 0;
	u->sessions = o->sessions;
	u->clock_offset_us = o->clock_offset_us;
	int r = ring_open(o->maps, on_record, u, &u->ring);
	if (r) {
		snprintf(error, size, "map the ring buffer: %s", strerror(-r));
		free(u);
		return r;
	}
	if (o->wire && o->maps->wire_fd >= 0) {
		u->wire = wire_slots_new(u->ring, o->wire, o->clock_offset_us);
		if (!u->wire) {
			uprobe_close(u);
			return -ENOMEM;
		}
	}
	*ret_state = u;
	return 0;
}

static int uprobe_fd(const void *state)
{
	return ring_fd(((const struct uprobe *)state)->ring);
}

/* What is in the ring still is later than the last record taken; an empty one is up to date. */
static int uprobe_poll(void *state, int timeout_ms, int64_t *ret_now_us)
{
	struct uprobe *u = state;
	uint64_t used, size;
	int n = ring_poll(u->ring, timeout_ms);

	if (n < 0)
		return n;
	int64_t now = clock_us(CLOCK_MONOTONIC) + u->clock_offset_us;
	ring_fill(u->ring, &used, &size);
	if (!used || u->last_us)
		*ret_now_us = used ? u->last_us : now;
	return n;
}

const struct ring *uprobe_ring(const void *state)
{
	return state ? ((const struct uprobe *)state)->ring : NULL;
}

const struct source source_uprobe = {
	.name = "uprobe",
	.open = uprobe_open,
	.fd = uprobe_fd,
	.poll = uprobe_poll,
	.tick = uprobe_tick,
	.close = uprobe_close,
};
