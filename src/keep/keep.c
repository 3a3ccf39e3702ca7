// SPDX-License-Identifier: GPL-2.0-or-later
#include "keep/keep.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "event.h"
#include "keep/keep_pending.h"
#include "keep/keep_twins.h"
#include "keep/packet_ring.h"

#define WAIT_MS	  200 /* longest time between two looks */
#define LOOK_US	  5000
#define EXPIRE_MS 10000
#define RUN	  4096 /* packets between two looks at all else */

struct keep {
	struct keep_files *files;
	struct packet_ring *ring; /* NULL: nothing comes */
	const struct ev_wire *slots;
	struct keep_pending *pending;
	struct keep_twins twins;
	int ring_fd;
	uint64_t limit;
	int64_t clock_offset_us;
	pthread_t thread;
	bool started, failing;
	_Atomic bool stopping;
	_Atomic uint64_t twice, undecided;
};

static void put(struct keep *k, const struct ev_packet *p)
{
	const struct kept_packet packet = {
		.time_us = (int64_t)(p->ktime / 1000) + k->clock_offset_us,
		.data = p->payload,
		.have = p->have,
		.len = p->len,
		.out = p->dir == EV_WRITE,
	};

	if (keep_twins_know(&k->twins, p))
		k->twice++;
	else
		keep_files_put(k->files, p->owner, &packet);
}

static void put_pending(void *ctx, const struct ev_packet *p)
{
	put(ctx, p);
}

/* A packet of the same connection that came later says whether those that wait may be kept. */
static void take(struct keep *k, const struct ev_packet *p)
{
	if (!p->have)
		return;
	if (p->pending) {
		k->undecided += keep_pending_add(k->pending, p);
		return;
	}
	keep_pending_let(k->pending, p->slot, p->gen, put_pending, k);
	put(k, p);
}

/* Or its slot does. */
static enum pending_state look_at(void *ctx, uint32_t n, uint64_t gen)
{
	const volatile struct ev_wire *slot = &((const struct keep *)ctx)->slots[n];
	uint8_t flags = slot->flags;

	atomic_thread_fence(memory_order_acquire);
	if (slot->gen != gen || !(flags & (EV_WIRE_ASKED | EV_WIRE_FILTERED)))
		return PENDING_UNKNOWN;
	return flags & EV_WIRE_FILTERED ? PENDING_REFUSED : PENDING_LET;
}

/* Said when it begins and when it ends. */
static void tell_failure(struct keep *k, int r)
{
	if (k->failing == (r != 0))
		return;
	k->failing = r;
	if (r)
		log_error("write packets that are to be kept: %s; they are counted until it works "
			  "again",
			  strerror(-r));
	else
		log_info("packets are kept again");
}

/* Some of what there is: how many packets. */
static int take_some(struct keep *k)
{
	const struct ev_packet *p;
	int n = 0;

	while (n < RUN && (p = packet_ring_next(k->ring))) {
		take(k, p);
		n++;
	}
	k->undecided += keep_pending_look(k->pending, (uint64_t)clock_ns(CLOCK_MONOTONIC), look_at,
					  put_pending, k);
	uint64_t before = keep_files_stats(k->files).packets;
	int r = keep_files_flush(k->files);
	if (r || keep_files_stats(k->files).packets != before)
		tell_failure(k, r);
	return n;
}

static void *keep_main(void *ctx)
{
	struct keep *k = ctx;
	struct pollfd fd = { .fd = k->ring ? k->ring_fd : -1, .events = POLLIN };
	int64_t expired = 0;

	while (!atomic_load(&k->stopping)) {
		int n = k->ring ? take_some(k) : 0;
		int64_t now = clock_ms(CLOCK_MONOTONIC);
		if (now - expired > EXPIRE_MS) {
			keep_files_expire(k->files, clock_us(CLOCK_REALTIME));
			expired = now;
		}
		if (n < RUN)
			usleep(LOOK_US); /* they come in numbers, and so are written */
		if (!n)
			poll(&fd, 1, WAIT_MS);
	}
	while (k->ring && take_some(k) > 0)
		;
	return NULL;
}

static int open_ring(struct keep *k, const struct keep_options *o)
{
	k->ring_fd = o->ring_fd;
	k->slots = mmap(NULL, LIMIT_WIRE_FLOWS * sizeof(*k->slots), PROT_READ, MAP_SHARED,
			o->slots_fd, 0);
	if (k->slots == MAP_FAILED) {
		k->slots = NULL;
		return -errno;
	}
	return packet_ring_open(o->ring_fd, o->shares_fd, o->ring_size, &k->ring);
}

int keep_open(const struct keep_options *o, struct keep **ret, char *error, size_t size)
{
	struct keep *k = calloc(1, sizeof(*k));

	if (k)
		k->pending = keep_pending_new();
	if (!k || !k->pending) {
		snprintf(error, size, "out of memory");
		free(k);
		return -ENOMEM;
	}
	k->limit = o->files.size;
	k->clock_offset_us = o->clock_offset_us;
	int r = keep_files_open(&o->files, &k->files, error, size);
	if (!r && o->ring_fd >= 0) {
		r = open_ring(k, o);
		if (r)
			snprintf(error, size, "map the ring of packets: %s", strerror(-r));
	}
	if (r) {
		keep_close(k);
		return r;
	}
	*ret = k;
	return 0;
}

int keep_start(struct keep *k)
{
	int r = pthread_create(&k->thread, NULL, keep_main, k);

	k->started = !r;
	return -r;
}

void keep_close(struct keep *k)
{
	if (!k)
		return;
	atomic_store(&k->stopping, true);
	if (k->started)
		pthread_join(k->thread, NULL);
	packet_ring_close(k->ring);
	if (k->slots)
		munmap((void *)k->slots, LIMIT_WIRE_FLOWS * sizeof(*k->slots));
	keep_pending_free(k->pending);
	keep_files_close(k->files);
	free(k);
}

struct keep_stats keep_stats(struct keep *k)
{
	if (!k)
		return (struct keep_stats){ 0 };
	return (struct keep_stats){
		.kept = true,
		.limit = k->limit,
		.files = keep_files_stats(k->files),
		.twice = k->twice,
		.undecided = k->undecided,
	};
}

struct keep_files *keep_files_of(struct keep *k)
{
	return k->files;
}
