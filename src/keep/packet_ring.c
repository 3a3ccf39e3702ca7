// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Read as the kernel lays it out (kernel/bpf/ringbuf.c): a page with the consumer's position, one
 * with the producer's, the data twice, so that no record is cut.
 */
#include "keep/packet_ring.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <linux/bpf.h>

#include "base/limits.h"

struct packet_ring {
	size_t page, size;
	_Atomic unsigned long *consumer;
	const _Atomic unsigned long *producer;
	const char *data;
	struct ev_packet_share *shares;
	unsigned long taken; /* by the record that was told last */
	uint16_t owner;	     /* whose it is */
};

static void *map(int fd, size_t size, int prot, size_t from)
{
	void *p = mmap(NULL, size, prot, MAP_SHARED, fd, (off_t)from);

	return p == MAP_FAILED ? NULL : p;
}

static void unmap(const void *p, size_t size)
{
	if (p)
		munmap((void *)p, size);
}

int packet_ring_open(int ring_fd, int shares_fd, size_t size, struct packet_ring **ret)
{
	struct packet_ring *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	r->page = (size_t)sysconf(_SC_PAGESIZE);
	r->size = size;
	r->consumer = map(ring_fd, r->page, PROT_READ | PROT_WRITE, 0);
	r->producer = map(ring_fd, r->page + 2 * size, PROT_READ, r->page);
	r->shares = map(shares_fd, EV_OWNERS * sizeof(*r->shares), PROT_READ | PROT_WRITE, 0);
	if (!r->consumer || !r->producer || !r->shares) {
		int err = -errno;
		packet_ring_close(r);
		return err;
	}
	r->data = (const char *)r->producer + r->page;
	*ret = r;
	return 0;
}

void packet_ring_close(struct packet_ring *r)
{
	if (!r)
		return;
	unmap((const void *)r->consumer, r->page);
	unmap((const void *)r->producer, r->page + 2 * r->size);
	unmap(r->shares, EV_OWNERS * sizeof(*r->shares));
	free(r);
}

/* The room of what was told is free again. */
static void give_back(struct packet_ring *r)
{
	if (!r->taken)
		return;
	if (r->owner < EV_OWNERS)
		__atomic_fetch_add(&r->shares[r->owner].taken, r->taken, __ATOMIC_RELAXED);
	atomic_store_explicit(r->consumer, *r->consumer + r->taken, memory_order_release);
	r->taken = 0;
}

static bool is_whole(const struct ev_packet *p, size_t size)
{
	return size >= sizeof(*p) && p->have <= size - sizeof(*p) && p->have <= LIMIT_KEEP_PACKET &&
	       p->owner < EV_OWNERS && p->dir <= EV_WRITE && p->slot < LIMIT_WIRE_FLOWS;
}

const struct ev_packet *packet_ring_next(struct packet_ring *r)
{
	for (;;) {
		give_back(r);
		unsigned long at = atomic_load_explicit(r->consumer, memory_order_relaxed);
		if (at >= atomic_load_explicit(r->producer, memory_order_acquire))
			return NULL;
		const char *record = r->data + (at & (r->size - 1));
		uint32_t head = atomic_load_explicit((const _Atomic uint32_t *)(const void *)record,
						     memory_order_acquire);
		size_t size = head & ~(BPF_RINGBUF_BUSY_BIT | BPF_RINGBUF_DISCARD_BIT);
		const struct ev_packet *p = (const void *)(record + BPF_RINGBUF_HDR_SZ);
		if (head & BPF_RINGBUF_BUSY_BIT)
			return NULL;
		r->taken = EV_RING_BYTES(size);
		r->owner = size >= sizeof(*p) ? p->owner : EV_OWNERS;
		if (!(head & BPF_RINGBUF_DISCARD_BIT) && is_whole(p, size))
			return p;
	}
}
