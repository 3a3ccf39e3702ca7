/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel's ring of packets (bpf/wire_keep.bpf.h). */
#ifndef CLEARTAP_PACKET_RING_H
#define CLEARTAP_PACKET_RING_H

#include <stddef.h>

#include "event.h"

struct packet_ring;

/* Descriptors of its maps, borrowed; size of the ring in bytes. 0 or -errno. */
int packet_ring_open(int ring_fd, int shares_fd, size_t size, struct packet_ring **ret);
/* Takes NULL. */
void packet_ring_close(struct packet_ring *r);
/* The next packet, valid until the next call; NULL: there is none now. */
const struct ev_packet *packet_ring_next(struct packet_ring *r);

#endif
