/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of src/session/ share: connections, their processes, and both ends of sockets. */
#ifndef CLEARTAP_TABLE_H
#define CLEARTAP_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event.h"
#include "session/session.h"

struct session;

/* A process; lives until it ended and no connection or peer speaks of it any more. */
struct process {
	struct process *next;	       /* with the same hash */
	struct process *older, *newer; /* among those without references */
	struct session *sessions;
	uint32_t tgid;
	unsigned refs;
	bool dead;
	char comm[EV_COMM_LEN + 1];
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
	uint64_t ended_ktime;
	struct address local, remote;
	uint32_t netns;
	bool ended;
	char comm[EV_COMM_LEN + 1];
	char local_text[46], remote_text[46]; /* INET6_ADDRSTRLEN */
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
void peer_table_end(struct peers *t, struct processes *processes, struct peer *p, uint64_t ktime);
void peer_table_expire(struct peers *t, struct processes *processes, uint64_t ktime);
/* The socket at the other end of `p` on this machine, NULL when it is not known for certain. */
const struct peer *peer_table_other_end(const struct peers *t, const struct peer *p);
/* IPv4-mapped IPv6 becomes IPv4. */
struct address address_make(uint8_t family, const uint8_t ip[16], uint16_t port);

enum bind_state { BIND_NONE, BIND_WEAK, BIND_STRONG, BIND_CONFLICT, BIND_BROKEN };

struct session {
	struct session *next; /* with the same hash */
	struct session *process_prev, *process_next;
	struct session *busy_prev, *busy_next; /* by last_ktime, until idle */
	struct sessions *all;
	struct process *process;
	struct peer *peer; /* NULL: socket unknown */
	struct dissection *dissection;
	struct entry *held; /* complete but for the socket, which is about to be known */
	uint64_t conn, gen;
	uint64_t expected[2]; /* stream offset of the next byte, by enum ev_dir */
	uint64_t goid;
	uint64_t last_ktime;
	uint32_t number, netns;
	uint8_t library;
	uint8_t bind, how, opened; /* enum bind_state, ev_bind_how, ev_opened */
	bool busy;
	bool opened_seen; /* its EV_OPEN came */
	bool started[2];  /* directions with a record */
	char comm[EV_COMM_LEN + 1];
};

struct sessions {
	struct entry_sink sink;
	int64_t clock_offset_us;
	char *node;
	struct session **buckets;
	size_t size;
	struct session *busy_first, *busy_last;
	struct processes processes;
	struct peers peers;
	struct session_stats stats;
};

/* Complete an entry with what its connection knows, and send it on. An entry_sink's emit. */
void session_emit(void *session, struct entry *e);
/* Send on what waits for the socket of its connection. */
void session_release(struct session *s);
void session_bind(struct session *s, const struct ev_bind *bind);

#endif
