/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sockets of this machine: the other end of one is found by its addresses. */
#ifndef CLEARTAP_PEER_H
#define CLEARTAP_PEER_H

#include "base/siphash.h"
#include "session/process.h"

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
	bool ended : 1;
	bool replaced : 1; /* its addresses are those of a later connection */
	bool apart : 1;	   /* of many such: it is not found by them any more */
	char comm[FLOW_COMM_LEN + 1];
	uint8_t remote_at;
	char texts[]; /* of both addresses, the remote one at remote_at */
};

struct peers {
	struct peer **buckets;
	struct siphash_key key;
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

#endif
