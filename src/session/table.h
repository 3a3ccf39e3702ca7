/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of src/session/ share: connections, their processes, and both ends of sockets. */
#ifndef CLEARTAP_TABLE_H
#define CLEARTAP_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/queue.h>

#include "session/flow.h"
#include "session/session.h"

struct session;
struct twin;

/* A process; lives until it ended and no connection or peer speaks of it any more. */
struct process {
	struct process *next;	       /* with the same hash */
	struct process *older, *newer; /* among those without references */
	LIST_HEAD(, session) sessions;
	uint32_t tgid;
	unsigned refs;
	bool dead;
	char comm[FLOW_COMM_LEN + 1];
	char *container; /* NULL unknown */
	/* How often each address was used as a connection: numbers[] is open addressing. */
	struct use {
		uint64_t conn;
		uint32_t count;
	} * uses;
	size_t uses_size, uses_count;
	uint32_t floor, highest; /* a forgotten address goes on after `floor` */
};

struct processes {
	struct process **buckets;
	size_t size, count;
	struct process *oldest, *newest; /* without references */
	size_t unused;
};

int processes_init(struct processes *t);
void processes_free(struct processes *t);
struct process *processes_find(const struct processes *t, uint32_t tgid);
/* Find or make; NULL when out of memory. */
struct process *processes_get(struct processes *t, uint32_t tgid);
void process_ref(struct processes *t, struct process *p);
void process_unref(struct processes *t, struct process *p);
/* It ended: found no more, freed with its last reference. */
void process_end(struct processes *t, struct process *p);
/* 1 for the first use of an address in this process, 2 for the second; never the same twice. */
uint32_t process_number(struct process *p, uint64_t conn);

struct address {
	uint8_t ip[16]; /* IPv4 in the first 4 bytes, the rest 0 */
	uint16_t port;
	uint8_t family; /* 4 or 6 */
};

/* A socket with the process that holds it; for a while also after its connection ended. */
struct peer {
	struct peer *next;	    /* with the same hash */
	struct peer *older, *newer; /* among the ended */
	struct process *process;
	struct session *session; /* NULL: it ended */
	/* When it was first known to be this socket, and last, or when it ended. */
	int64_t begun_us, ended_us;
	int64_t until_us; /* it is no other end of what began later; 0: not known */
	struct address local, remote;
	uint32_t netns;
	bool ended;
	bool replaced; /* its addresses are those of a later connection */
	bool apart;    /* of many such: it is not found by them any more */
	char comm[FLOW_COMM_LEN + 1];
	uint8_t remote_at;
	char texts[]; /* of both addresses, the remote one at remote_at */
};

struct peers {
	struct peer **buckets;
	size_t size, count, ended;
	struct peer *oldest, *newest;
};

int peer_table_init(struct peers *t);
void peer_table_free(struct peers *t, struct processes *processes);
/* Remember a socket; NULL when out of memory. The process is referenced. */
struct peer *peer_table_add(struct peers *t, struct processes *processes, struct process *process,
			    const struct address *local, const struct address *remote,
			    uint32_t netns);
/* Forget at once, or after a while. */
void peer_table_remove(struct peers *t, struct processes *processes, struct peer *p);
void peer_table_end(struct peers *t, struct processes *processes, struct peer *p, int64_t now_us);
void peer_table_expire(struct peers *t, struct processes *processes, int64_t now_us);
/* Its end was seen, or a later socket has its addresses: what it was connected to is over too. */
void peer_table_part(struct peers *t, struct peer *p);
/* Other live sockets with the addresses of `p` are earlier connections; `over` is told of each. */
void peer_table_replace(struct peers *t, struct peer *p, void (*over)(struct session *s));
/* The socket at the other end of `p` on this machine, NULL when it is not known for certain. */
struct peer *peer_table_other_end(const struct peers *t, const struct peer *p);
/* IPv4-mapped IPv6 becomes IPv4. */
struct address address_make(uint8_t family, const uint8_t ip[16], uint16_t port);

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

struct pair;

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
	struct entry *held; /* complete but for the socket, which is about to be known */
	uint64_t id, gen;
	struct sight sight;
	struct pair *pair; /* with the other end of its socket, NULL: not known */
	uint64_t goroutine;
	int64_t last_us;
	const char *library, *how; /* constants */
	uint32_t number, netns;
	uint8_t lock, bind, opener; /* enum lock, bind_state, flow_opener */
	uint8_t pair_end;	    /* which of the pair this is */
	bool tls, writes_early;
	bool busy, alive;
	bool opened_seen; /* its flow_open() came */
	bool midway;	  /* which said that it had been in use before */
	bool started[2];  /* directions with a record */
	char comm[FLOW_COMM_LEN + 1];
};

struct sessions {
	struct entry_sink sink;
	char *node;
	struct session **buckets;
	size_t size;
	TAILQ_HEAD(busy, session) busy;
	LIST_HEAD(alive, session) alive;
	int64_t now_us, ticked_us;
	uint64_t live; /* the last number that an exchange got (struct entry) */
	struct live_use live_use;
	bool split_ends;
	bool ending; /* connections go on, but nobody follows them any more */
	/* Twins of which an end is finished, oldest first: the other has not begun, or has. */
	TAILQ_HEAD(waiting, twin) waiting[2];
	struct processes processes;
	struct peers peers;
	struct session_stats stats;
};

/* session.c */
struct session *session_find(const struct sessions *all, const struct flow *f);
/* NULL when there is no room. */
struct session *session_new(struct sessions *all, const struct flow *f);
/* Its last exchanges are told, then it is gone. */
void session_end(struct session *s, int64_t now_us);
/* It is in the list of the busy, in the order of their last record. */
void session_touch(struct session *s, int64_t now_us);
/* It is in the list of the living, or not, as its dissection says. */
void session_mark_alive(struct session *s);

struct session_name session_name(const struct session *s);
const char *session_name_text(struct entry *e, const struct session_name *name);
/* Complete an entry with what its connection knows, and send it on. An entry_sink's emit. */
void session_emit(void *session, struct entry *e);
/* Send on what waits for the socket of its connection. */
void session_release(struct session *s);
void session_bind(struct session *s, const struct flow_socket *b);

/* pair.c: takes an entry of the session, and sends on what is to be told by now. */
void pair_take(struct session *s, struct entry *e);
/* Its socket is known now, or better: find the other end. */
void pair_link(struct session *s);
/* They are not the ends of one connection (any more); what waits is told. */
void pair_unlink(struct session *s);
/* The session has told all that it has. */
void pair_end_session(struct session *s);
void pair_tick(struct sessions *all);

#endif
