/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file of packets, read to its end by the source, and all entries of it. */
#ifndef CLEARTAP_PCAP_RUN_H
#define CLEARTAP_PCAP_RUN_H

#include "session/session.h"
#include "source/pcap.h"
#include "source/source.h"
#include "wire/wire.h"

#define ENTRIES 64

struct run {
	struct entry *entries[ENTRIES], *wire[ENTRIES]; /* the latter of protocols tcp and tlsx */
	size_t count, of_wire;
	int packets[ENTRIES];	/* the last ones of each of `wire`, after the end of the file */
	uint8_t types[ENTRIES]; /* of records that they have, */
	int typeless;		/* those that have none */
	struct wire_stats wire_stats;
	struct pcap_stats stats;
	struct session_stats sessions;
	int status;
	char error[512];
};

void read_all(struct run *r, const struct source_options *o);
/* Reads these bytes as a file; what it tells has the name "f". */
struct run *run(const void *bytes, size_t len);
void end(struct run *r);

#endif
