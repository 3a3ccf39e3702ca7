/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sums of the ledger, by program. */
#ifndef CLEARTAP_LEDGER_H
#define CLEARTAP_LEDGER_H

#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "wire/wire.h"

struct jw;
struct wire_conn;

/* Bytes of application data, in clear, by what became of them. */
struct ledger {
	uint64_t sent[REASON_COUNT], received[REASON_COUNT];
	uint64_t connections, read; /* those of which anything was read */
	uint64_t misfits;	    /* directions of which more was read than there was */
	uint64_t wire_bytes;	    /* of TCP payload */
	const char *library;	    /* the last that one was read in; NULL none */
};

struct program {
	char process[WIRE_COMM_LEN + 1], container[72];
	uint64_t open;
	struct ledger sum;
};

/* `others`: past the bound or a share, of no known process, or left out by a filter. */
struct programs {
	struct program row[LIMIT_WIRE_PROGRAMS], others;
	uint64_t hash[LIMIT_WIRE_PROGRAMS]; /* of their names */
	size_t count;
	uint16_t owned[WIRE_OWNERS]; /* rows that began with a connection of this owner */
};

/* Bytes of application data that a direction carried, about: exactly those read where they fit. */
uint64_t ledger_plain(const struct wire_conn *c, int dir);
/* What became of its application data, as a member `ledger`; HACKING, "Detail". */
void ledger_put_conn(struct jw *j, const struct wire *w, const struct wire_conn *c);
void ledger_stats(const struct wire *w, struct wire_stats *ret);

#endif
