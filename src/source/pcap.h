/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file of packets as a source (--read): what it has told so far. */
#ifndef CLEARTAP_PCAP_H
#define CLEARTAP_PCAP_H

#include <stdbool.h>
#include <stdint.h>

#include "source/file_conns.h"
#include "source/layers.h"
#include "tls/key_log.h"

struct pcap_stats {
	const char *name;   /* as it was given; NULL: no file is read */
	const char *damage; /* why no more of it can be read, a constant; NULL: none */
	bool ended;
	uint64_t size, offset;	   /* of the file, and up to where it was read */
	int64_t first_us, last_us; /* times of packets; 0: none */
	uint64_t packets;
	uint64_t cut; /* packets of which not all was captured */
	uint64_t tcp, udp, other, fragments, broken, unread_links; /* packets, by what is in them */
	uint64_t too_large; /* blocks that were passed over */
	struct fragments_counts datagrams;
	struct file_conns_counts conns;
	struct key_log_counts keys;
};

/* Of the source's state. */
void pcap_stats_take(const void *state, struct pcap_stats *ret);

#endif
