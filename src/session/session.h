/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections: who they belong to, which socket is below them, and their bytes in order. Takes the
 * records of bpf/event.h as they come off the ring, hands ordered bytes and gaps to src/dissect/,
 * and completes each entry with both ends before it goes on to the sink.
 */
#ifndef CLEARTAP_SESSION_H
#define CLEARTAP_SESSION_H

#include <stddef.h>
#include <stdint.h>

#include "dissect/dissect.h"

struct ev_hdr;
struct sessions;

struct session_stats {
	uint64_t active, opened, closed;
	uint64_t entries;
	uint64_t lost_bytes, truncated_bytes; /* gaps seen in the streams, by cause */
	uint64_t bad_records;		      /* records that contradict themselves */
	uint64_t refused;		      /* connections past LIMIT_SESSIONS */
};

/*
 * `clock_offset_us` turns ktime into µs since 1970; `node` names this host in entries. The sink
 * receives finished entries and owns them. NULL when out of memory.
 */
struct sessions *sessions_new(const struct entry_sink *sink, int64_t clock_offset_us,
			      const char *node);
/* One checked record (event/ring.h). Never keeps a pointer into it. */
void sessions_feed(struct sessions *s, const struct ev_hdr *record);
/* Container id of a process, as the tracer told it; used for its connections from now on. */
void sessions_set_container(struct sessions *s, uint32_t tgid, const char *container);
/* Call about once a second with the current time: decides idle protocols, forgets the dead. */
void sessions_tick(struct sessions *s, uint64_t now_ktime);
/* The store of what lives: end every connection, emitting what is unfinished. */
void sessions_free(struct sessions *s);
struct session_stats sessions_stats(const struct sessions *s);

#endif
