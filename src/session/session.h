/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections: who they belong to, which socket is below them, and their bytes in order. Takes
 * what a source tells of its flows (flow.h), hands ordered bytes and gaps to src/dissect/,
 * completes each entry with both ends, and sends it on to the sink; what both ends of one
 * connection tell of an exchange goes there as one entry.
 */
#ifndef CLEARTAP_SESSION_H
#define CLEARTAP_SESSION_H

#include <stddef.h>
#include <stdint.h>

#include "dissect/dissect.h"

struct sessions;
struct wire;

struct session_stats {
	uint64_t active, opened, closed;
	uint64_t entries;
	uint64_t lost_bytes, truncated_bytes; /* gaps seen in the streams, by cause */
	uint64_t bad_records;		      /* flows that contradict themselves */
	uint64_t refused;		      /* connections past LIMIT_SESSIONS */
	uint64_t held_bytes, held_limit;      /* memory of what is not told yet, and its bound: */
	uint64_t gave_way;		      /* connections that let go of bodies for it, */
	uint64_t cut_short; /* and those whose exchanges were told before their end */
	/* Exchanges of connections with both ends on this machine: told as one entry; told alone,
	 * by why the other end had none of it (it lost records, was not seen from its beginning,
	 * had other bytes, took too long, ended) or the bound left no room; and what the other end
	 * told better. */
	uint64_t paired;
	uint64_t unpaired_lost, unpaired_late, unpaired_differ, unpaired_time, unpaired_ended,
		unpaired_bound;
	uint64_t absorbed;
	uint64_t live_open, live_refused, live_gave_way, no_memory; /* as struct live_use tells */
	uint64_t live_inflaters, live_inflaters_refused;
	uint64_t pair_waiting, pair_bytes; /* that wait now, with LIMIT_TWINS, LIMIT_PAIR_BYTES */
};

struct session_options {
	const char *node;  /* names this host in entries */
	struct wire *wire; /* which is told what was read; NULL: it is not watched */
	bool split_ends;   /* an entry for each end of a connection, though both are known */
};

/* The sink receives finished entries and owns them. NULL when out of memory. */
struct sessions *sessions_new(const struct entry_sink *sink, const struct session_options *options);

/* Container id of a process, as the tracer told it; used for its connections from now on. */
void sessions_set_container(struct sessions *s, uint32_t tgid, const char *container);
/* The container of a process, NULL: none known. */
const char *sessions_container(const struct sessions *s, uint32_t tgid);
/* Was anything of this process read whose socket is not known? As far as it is remembered. */
bool sessions_unbound(const struct sessions *s, uint32_t tgid);
/*
 * All that happened until now_us has been told. Call it each SESSION_TICK_US: exchanges that go on
 * are told again, idle protocols decided, the dead forgotten.
 */
#define SESSION_TICK_US 250000
void sessions_tick(struct sessions *s, int64_t now_us);
/* The store of what lives: end every connection, emitting what is unfinished. */
void sessions_free(struct sessions *s);
struct session_stats sessions_stats(const struct sessions *s);

#endif
