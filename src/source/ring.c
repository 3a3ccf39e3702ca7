// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/ring.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "base/limits.h"

/* While traffic flows the ring is looked at this often; the kernel wakes only for much data. */
#define RING_LOOK_MS 5
/* Records taken at once while more keep coming. */
#define RING_BATCH     1024
#define RING_RUN_BYTES (32 << 10)
/* Looks without a record before the kernel is asked to wake for the very next one. */
#define RING_IDLE_LOOKS 20

#define RING_MAPPINGS 8

struct ring {
	struct ring_buffer *rb;
	ring_record_fn *fn;
	void *ctx;
	volatile struct ev_control *control;
	const volatile uint64_t *counters, *hits;
	const struct ev_owner *owners;
	const struct ev_wire *wire;	  /* LIMIT_WIRE_FLOWS slots; NULL: it is not watched */
	_Atomic uint64_t *owner_taken;	  /* bytes by owner, written by ring_poll() alone */
	volatile unsigned long *consumer; /* the ring's own pages, for its fill */
	const volatile unsigned long *producer;
	size_t page, size;
	uint64_t run_bytes; /* taken of one owner and not told yet */
	uint16_t run_owner;
	unsigned idle;
	int taken;			      /* in this ring_poll() */
	_Atomic uint64_t records, bytes, bad; /* written by ring_poll() alone */
	struct iovec mapped[RING_MAPPINGS];
	unsigned mappings;
};

static size_t min_size(unsigned type)
{
	switch (type) {
	case EV_OPEN:
		return sizeof(struct ev_open);
	case EV_DATA:
		return sizeof(struct ev_data);
	case EV_BIND:
		return sizeof(struct ev_bind);
	case EV_CLOSE:
		return sizeof(struct ev_close);
	case EV_EXIT:
		return sizeof(struct ev_hdr);
	case EV_WIRE_OPEN:
		return sizeof(struct ev_wire_open);
	case EV_WIRE_BYTES:
		return sizeof(struct ev_wire_bytes);
	case EV_WIRE_PROCESS:
		return sizeof(struct ev_wire_process);
	case EV_WIRE_END:
		return sizeof(struct ev_wire_end);
	default:
		return SIZE_MAX;
	}
}

int ring_check(const void *data, size_t size)
{
	const struct ev_hdr *hdr = data;
	const struct ev_data *d = data;
	const struct ev_wire_bytes *w = data;

	if (size < sizeof(*hdr) || hdr->size > size || hdr->size < min_size(hdr->type))
		return -EBADMSG;
	if (hdr->type == EV_DATA &&
	    (d->dir > EV_WRITE || d->len > d->span || d->len != hdr->size - sizeof(*d)))
		return -EBADMSG;
	if (hdr->type == EV_WIRE_BYTES && (w->dir > EV_WRITE || w->len != hdr->size - sizeof(*w)))
		return -EBADMSG;
	return 0;
}

/* Cheaper than an atomic addition, with one writer. */
static void add(_Atomic uint64_t *to, uint64_t n)
{
	atomic_store_explicit(to, atomic_load_explicit(to, memory_order_relaxed) + n,
			      memory_order_relaxed);
}

/* Told in portions: the kernel side asks for this number with each record. */
static void give_back_rest(struct ring *r)
{
	add(&r->owner_taken[r->run_owner], r->run_bytes);
	r->run_bytes = 0;
}

static void give_back(struct ring *r, uint16_t owner, uint64_t bytes)
{
	if (owner != r->run_owner || r->run_bytes >= RING_RUN_BYTES)
		give_back_rest(r);
	r->run_owner = owner;
	r->run_bytes += bytes;
}

static int on_record(void *ctx, void *data, size_t size)
{
	const struct ev_hdr *record = data;
	struct ring *r = ctx;

	/* before it is checked: its room is free in any case */
	if (size >= sizeof(*record) && record->owner < EV_OWNERS)
		give_back(r, record->owner, EV_RING_BYTES(size));
	if (ring_check(data, size)) {
		add(&r->bad, 1);
	} else {
		add(&r->records, 1);
		if (record->type == EV_DATA)
			add(&r->bytes, ((const struct ev_data *)data)->len);
		r->fn(r->ctx, record);
	}
	return ++r->taken < RING_BATCH ? 0 : -EAGAIN;
}

/* What the callback stopped is no error. */
static int taken(const struct ring *r, int n)
{
	return n == -EAGAIN || n == -EINTR ? r->taken : n;
}

static void *map_page(struct ring *r, int fd, size_t size, int prot, off_t from)
{
	void *p = mmap(NULL, size, prot, MAP_SHARED, fd, from);

	if (p == MAP_FAILED)
		return NULL;
	r->mapped[r->mappings].iov_base = p;
	r->mapped[r->mappings++].iov_len = size;
	return p;
}

static int map_all(struct ring *r, const struct ring_maps *maps)
{
	size_t counters = EV_CPUS_MAX * EV_C__COUNT * sizeof(uint64_t);

	r->page = (size_t)sysconf(_SC_PAGESIZE);
	r->size = maps->size;
	r->control = map_page(r, maps->control_fd, r->page, PROT_READ | PROT_WRITE, 0);
	r->counters = map_page(r, maps->counters_fd, counters, PROT_READ, 0);
	r->hits = map_page(r, maps->hits_fd, EV_TARGETS_MAX * sizeof(uint64_t), PROT_READ, 0);
	r->owners = map_page(r, maps->owners_fd, EV_OWNERS * sizeof(*r->owners), PROT_READ, 0);
	r->owner_taken = map_page(r, maps->taken_fd, EV_OWNERS * sizeof(*r->owner_taken),
				  PROT_READ | PROT_WRITE, 0);
	r->consumer = map_page(r, maps->ring_fd, r->page, PROT_READ, 0);
	r->producer = map_page(r, maps->ring_fd, r->page, PROT_READ, (off_t)r->page);
	if (maps->wire_fd >= 0)
		r->wire = map_page(r, maps->wire_fd, LIMIT_WIRE_FLOWS * sizeof(*r->wire), PROT_READ,
				   0);
	return r->control && r->counters && r->hits && r->owners && r->owner_taken && r->consumer &&
			       r->producer && (r->wire || maps->wire_fd < 0)
		       ? 0
		       : -errno;
}

int ring_open(const struct ring_maps *maps, ring_record_fn *fn, void *ctx, struct ring **ret)
{
	struct ring *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->fn = fn;
	r->ctx = ctx;
	int err = map_all(r, maps);
	if (!err) {
		r->rb = ring_buffer__new(maps->ring_fd, on_record, r, NULL);
		err = r->rb ? 0 : -errno;
	}
	if (err) {
		ring_close(r);
		return err;
	}
	*ret = r;
	return 0;
}

void ring_close(struct ring *r)
{
	if (!r)
		return;
	ring_buffer__free(r->rb);
	while (r->mappings--)
		munmap(r->mapped[r->mappings].iov_base, r->mapped[r->mappings].iov_len);
	free(r);
}

int ring_poll(struct ring *r, int timeout_ms)
{
	if (r->idle >= RING_IDLE_LOOKS)
		r->control->wake = 1;
	else if (timeout_ms > RING_LOOK_MS)
		timeout_ms = RING_LOOK_MS;
	r->taken = 0;
	/* What came between the last look and the flag woke nobody. */
	int n = taken(r, ring_buffer__consume(r->rb));
	if (n == 0 && *r->producer != *r->consumer)
		usleep(RING_LOOK_MS * 1000); /* its writer was interrupted; poll would not wait */
	else if (n == 0)
		n = taken(r, ring_buffer__poll(r->rb, timeout_ms));
	if (n == 0)
		n = taken(r, ring_buffer__consume(r->rb));
	give_back_rest(r);
	if (n > 0)
		r->idle = 0;
	else if (r->idle < RING_IDLE_LOOKS)
		r->idle++;
	return n;
}

int ring_fd(const struct ring *r)
{
	return ring_buffer__epoll_fd(r->rb);
}

void ring_counters(const struct ring *r, uint64_t ret[EV_C__COUNT])
{
	memset(ret, 0, EV_C__COUNT * sizeof(*ret));
	for (size_t i = 0; i < EV_CPUS_MAX * EV_C__COUNT; i++)
		ret[i % EV_C__COUNT] += r->counters[i];
}

uint64_t ring_hits(const struct ring *r, uint32_t target)
{
	return target < EV_TARGETS_MAX ? r->hits[target] : 0;
}

bool ring_owner(const struct ring *r, uint32_t number, struct ev_owner *ret, uint64_t *ret_waiting)
{
	if (number >= EV_OWNERS || !r->owners[number].id)
		return false;
	*ret = r->owners[number];
	*ret_waiting = ret->sent - r->owner_taken[number];
	return true;
}

const struct ev_wire *ring_wire(const struct ring *r, uint32_t slot)
{
	return r->wire && slot < LIMIT_WIRE_FLOWS ? &r->wire[slot] : NULL;
}

struct ring_taken ring_taken(const struct ring *r)
{
	return (struct ring_taken){ r->records, r->bytes, r->bad };
}

void ring_fill(const struct ring *r, uint64_t *ret_used, uint64_t *ret_size)
{
	*ret_used = *r->producer - *r->consumer;
	*ret_size = r->size;
}
