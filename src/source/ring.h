/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Takes records off the BPF ring buffer, checks them, and counts what the kernel could not send. */
#ifndef CLEARTAP_RING_H
#define CLEARTAP_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event.h"

struct ring;

/* Descriptors of the maps of bpf/common.bpf.h; size of the ring in bytes. */
struct ring_maps {
	int ring_fd, control_fd, counters_fd, hits_fd, owners_fd, taken_fd;
	int wire_fd;			  /* -1: the wire is not watched */
	int packets_fd, packet_shares_fd; /* of packets to be kept; -1: none are */
	int packet_fd; /* of packet_socket_open(), in place of wire_fd; -1: none */
	size_t size;
};

/* What was taken off the ring. */
struct ring_taken {
	uint64_t records;
	uint64_t bytes; /* of payload */
	uint64_t bad;	/* records that ring_check() refused, not among the others */
};

/* The record is valid (ring_check passed) and borrowed for the call. */
typedef void ring_record_fn(void *ctx, const struct ev_hdr *record);

/* Maps everything at once, so that no privilege is needed later; the descriptors are borrowed. */
int ring_open(const struct ring_maps *maps, ring_record_fn *fn, void *ctx, struct ring **ret);
void ring_close(struct ring *r);
/*
 * Deliver some of what is there, waiting at most timeout_ms for it; their number, or -errno. After
 * a while without records it asks the kernel to wake it for the next one, so idling costs nothing.
 */
int ring_poll(struct ring *r, int timeout_ms);
/* Readable when the kernel has woken the reader. */
int ring_fd(const struct ring *r);
/* Sums over the CPUs by enum ev_counter. Safe from any thread, as are the next three. */
void ring_counters(const struct ring *r, uint64_t ret[EV_C__COUNT]);
/* Calls seen through a probed file. */
uint64_t ring_hits(const struct ring *r, uint32_t target);
struct ring_taken ring_taken(const struct ring *r);
/*
 * What the owner of this number holds, and what he was refused: false when there is none.
 * ret_waiting are his bytes in the ring.
 */
bool ring_owner(const struct ring *r, uint32_t number, struct ev_owner *ret, uint64_t *ret_waiting);
/* A slot of the wire, which may become another socket's while it is read; NULL: there is none. */
const struct ev_wire *ring_wire(const struct ring *r, uint32_t slot);
/* Bytes waiting and capacity. */
void ring_fill(const struct ring *r, uint64_t *ret_used, uint64_t *ret_size);
/* 0 when the rest may trust the record; `size` is the ring's own length of it. */
int ring_check(const void *data, size_t size);

#endif
