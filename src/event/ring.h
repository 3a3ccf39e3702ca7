/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Takes records off the BPF ring buffer, checks them, and counts what the kernel could not send. */
#ifndef CLEARTAP_RING_H
#define CLEARTAP_RING_H

#include <stddef.h>
#include <stdint.h>

#include "event.h"

struct ring;

/* The record is valid (ring_check passed) and borrowed for the call. */
typedef void ring_record_fn(void *ctx, const struct ev_hdr *record);

/* Descriptors of the three maps (bpf/event.h); all mapping is done here, none later. */
int ring_open(int ring_fd, int control_fd, int counters_fd, ring_record_fn *fn, void *ctx,
	      struct ring **ret);
void ring_close(struct ring *r);
/* Deliver what is there, waiting at most timeout_ms for it; records delivered, or -errno. */
int ring_poll(struct ring *r, int timeout_ms);
/* Sums over the CPUs by enum ev_counter. */
void ring_counters(const struct ring *r, uint64_t ret[EV_C__COUNT]);
/* Bytes waiting and capacity. */
void ring_fill(const struct ring *r, uint64_t *ret_used, uint64_t *ret_size);
/* Is this a record that the rest may trust? size is the ring's own length of it. */
int ring_check(const void *data, size_t size);

#endif
