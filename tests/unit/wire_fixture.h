/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Connections of the wire, told by hand what the kernel side tells. */
#ifndef CLEARTAP_WIRE_FIXTURE_H
#define CLEARTAP_WIRE_FIXTURE_H

#include "wire/wire.h"

#define T0     1795816800000000
#define SECOND 1000000

extern struct entry *told[64]; /* versions of entries, `count` of them */
extern uint32_t silent[8];     /* processes that were told as such */
extern size_t count, silents;
extern bool known; /* what the processes map */

/* Of process 7 it is known why it is not read. */
struct wire *begin(bool filtered);
void end(struct wire *w);
/* A connection between 10.0.0.1:40000 and 10.0.0.2:443, as one of both ends has it. */
struct wire_key opened(struct wire *w, uint64_t cookie, bool client);
void is_of(struct wire *w, const struct wire_key *key, uint32_t tgid, const char *comm);
/* TLS 1.3: the client's Finished and a request of 100 bytes; a flight, two tickets, 5000 bytes. */
void carried(struct wire *w, const struct wire_key *key, bool client);
struct wire_stats stats_of(struct wire *w);

#endif
