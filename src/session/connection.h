/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is known of a connection, and all of them: the state that the files of src/session/ share.
 */
#ifndef CLEARTAP_CONNECTION_H
#define CLEARTAP_CONNECTION_H

#include "base/share.h"
#include "dissect/live.h"
#include "session/flow.h"
#include "session/peer.h"
#include "session/process.h"
#include "session/session.h"

#define MEMORY_CLASSES 32
#define UNBOUND	       256

struct pair;
struct twin;
struct twin_mark;

struct twin_table {
	struct twin_mark **buckets;
	size_t size, count;
};

enum bind_state { BIND_NONE, BIND_WEAK, BIND_STRONG, BIND_CONFLICT, BIND_BROKEN };

/* How much of a flow was seen. */
struct sight {
	int64_t begun_us;	       /* before the first bytes that were seen; 0 unknown */
	int64_t read_us;	       /* the first bytes that were read; 0: none */
	uint64_t expected[2];	       /* stream offset of the next byte, by enum dir */
	uint64_t hole[2], hole_end[2]; /* one range around all that is missing */
	bool strong;		       /* its socket is certain */
};

/* More of it is missing: from..to. */
static inline void sight_miss(struct sight *s, enum dir dir, uint64_t from, uint64_t to)
{
	if (!s->hole_end[dir] || from < s->hole[dir])
		s->hole[dir] = from;
	if (to > s->hole_end[dir])
		s->hole_end[dir] = to;
}

/* What tells a connection from all others, "4242-7f3a10-1" (entry.connection). */
struct session_name {
	uint64_t id;
	uint32_t tgid, number; /* number 0: none */
};

struct session {
	struct session *next; /* with the same hash */
	LIST_ENTRY(session) of_process;
	TAILQ_ENTRY(session) of_busy; /* by last_us, until idle */
	LIST_ENTRY(session) of_alive; /* has an exchange that goes on */
	struct sessions *all;
	struct process *process;
	struct peer *peer; /* NULL: socket unknown */
	struct dissection *dissection;
	size_t memory;	    /* what its dissection holds and could let go of */
	struct entry *held; /* complete but for the socket, which is about to be known */
	LIST_ENTRY(session) of_weight;
	uint64_t id, gen;
	uint64_t cookie; /* of its socket, where that is known; 0 */
	struct sight sight;
	struct pair *pair; /* with the other end of its socket, NULL: not known */
	uint64_t goroutine;
	int64_t last_us;
	const char *library, *how; /* constants */
	uint32_t number, netns;
	uint32_t weight;	    /* of it and of what is held, as last counted (memory.c) */
	uint16_t owner;		    /* whose share that is of: which of sessions.sharers */
	uint8_t lock, bind, opener; /* enum lock, bind_state, flow_opener */
	uint8_t pair_end;	    /* which of the pair this is */
	bool tls : 1, writes_early : 1;
	bool busy : 1, alive : 1;
	bool cutting : 1;     /* what goes on is told as far as it has come */
	bool opened_seen : 1; /* its flow_open() came */
	bool midway : 1;      /* which said that it had been in use before */
	bool paused : 1;      /* what is missing now is, as capture was paused */
	bool untold : 1;      /* more was read than the wire was told */
	bool started[2];      /* directions with a record */
	char comm[FLOW_COMM_LEN + 1];
};

/* An owner of programs, and his shares; lives as long as the sessions. */
struct sharer {
	struct share memory, twins, twin_bytes;
	struct live_use lives;
	LIST_HEAD(, session) weights[MEMORY_CLASSES]; /* by powers of two */
	TAILQ_HEAD(, twin) waiting[2];		      /* as in struct sessions */
};

struct sessions {
	struct entry_sink sink;
	char *node;
	struct session **buckets;
	size_t size;
	TAILQ_HEAD(busy, session) busy;
	LIST_HEAD(alive, session) alive;
	int64_t now_us, ticked_us;
	uint64_t live;		  /* the last number that an exchange got (struct entry) */
	struct live_use live_use; /* of all */
	bool split_ends;
	bool ending; /* connections go on, but nobody follows them any more */
	/* Twins of which an end is finished, oldest first: the other has not begun, or has. */
	TAILQ_HEAD(waiting, twin) waiting[2];
	struct twin_table twin_table;
	/* What owners have shares of (memory.h, LIMIT_LIVE_AT_ONCE, LIMIT_TWINS, LIMIT_PAIR_BYTES).
	 */
	struct common memory, lives, twins, twin_bytes;
	struct sharer *sharers[FLOW_OWNERS]; /* NULL: not seen */
	struct wire *wire;		     /* NULL: it is not watched */
	uint32_t unbound[UNBOUND];	     /* the last processes with bytes of no known socket */
	struct processes processes;
	struct peers peers;
	struct session_stats stats;
};

static inline struct sharer *session_sharer(const struct session *s)
{
	return s->all->sharers[s->owner];
}

#endif
