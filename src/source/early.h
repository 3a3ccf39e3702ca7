/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets of a connection that came before others that they follow: the other side has bytes that
 * were not seen yet. At most LIMIT_PCAP_LATE wait, as copies, in the order in which they came.
 */
#ifndef CLEARTAP_EARLY_H
#define CLEARTAP_EARLY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "source/layers.h"

struct share;

struct early_packet {
	STAILQ_ENTRY(early_packet) link;
	int64_t now_us;
	int side;
	struct datagram g;
	uint8_t bytes[];
};

/* STAILQ_INIT() its packets. */
struct early {
	STAILQ_HEAD(, early_packet) packets;
	uint8_t count;
};

/* False when there is no room: of so many, of LIMIT_REASSEMBLE_ALL, or of its owner's share. */
bool early_keep(struct early *q, struct share *share, int side, int64_t now_us,
		const struct datagram *g);
void early_drop_first(struct early *q, struct share *share);

#endif
