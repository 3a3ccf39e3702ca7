/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One connection of the wire and all of them: the state that the files of src/wire/ share. */
#ifndef CLEARTAP_WIRE_CONN_H
#define CLEARTAP_WIRE_CONN_H

#include <pthread.h>
#include <sys/queue.h>

#include "base/limits.h"
#include "base/share.h"
#include "base/siphash.h"
#include "dissect/live.h"
#include "tls/tls_info.h"
#include "wire/ledger.h"
#include "wire/wire.h"

#define WIRE_NAME    64
#define WIRE_MISSING 3 /* REASON_PAUSED, LOST, BUDGET */

/* Whose an end is, and whether it was read there. */
struct wire_side {
	bool present; /* and it may be shown */
	uint32_t tgid, netns;
	char comm[WIRE_COMM_LEN + 1], container[72];
	bool read;
	char name[WIRE_NAME]; /* of the session; "" unknown */
	const char *library;
};

struct wire_conn {
	struct wire_conn *same_key, *same_ends, *same_name; /* with the same hash */
	TAILQ_ENTRY(wire_conn) of_list; /* of those that live, or of the ended */
	struct wire_key key;
	struct wire_address local, remote;
	uint32_t slot, owner;
	struct wire_side mine, theirs; /* theirs as far as it was known when this was told of */
	enum wire_opener { WIRE_OPENER_UNKNOWN, WIRE_OPENER_LOCAL, WIRE_OPENER_REMOTE } opener;
	bool midway, upgraded, quic, ktls;
	enum reason judged; /* why it is not read, once it is `sure` */
	bool sure;
	bool known;    /* its process is; it passes the filter unless: */
	bool filtered; /* nothing of it is shown */
	bool absorbed; /* the entry of its other end tells of it, too */
	bool ended;
	enum wire_end_why why;
	int64_t first_us, last_us, ended_us;
	struct wire_counts counts;
	/* What the session said. */
	uint64_t plain[2]; /* of all sessions of this socket */
	struct wire_told {
		uint64_t name;	   /* a hash of it; 0: none */
		uint64_t plain[2]; /* its totals */
	} told[2];		   /* what the last two sessions said of it, the newer one first */
	uint64_t missing[2][WIRE_MISSING]; /* by enum dir and enum reason from PAUSED on */
	bool read_midway;
	struct tls_handshake *tls;    /* NULL: nothing seen, or let go */
	struct quic_initial *initial; /* of QUIC, feeds `tls`; NULL as above */
	size_t tls_held;	      /* the memory of both, in the owner's share */
	uint32_t expected[2];	      /* sequence number after the handshake bytes, by enum dir */
	bool begun[2], tlsx_told;
	struct tls_sealing sealing; /* version 0: not known */
	char sni[64];
	struct live live;
	struct wire_packet packets[WIRE_PACKETS]; /* oldest first */
	unsigned packet_count;
};

#define WIRE_QUIC_TGIDS 1024

/* The last packets of a connection that was forgotten. */
struct wire_kept {
	char name[WIRE_NAME];
	unsigned count;
	struct wire_packet packets[WIRE_PACKETS];
};

/* Why a process is not read, for all of its connections. */
struct wire_verdict {
	uint32_t tgid; /* 0: none */
	bool sure;
	enum reason why;
	int64_t at_us;
};
#define WIRE_VERDICTS 256

/* What a process sent since anything that it wrote was read. */
struct wire_pulse {
	uint32_t tgid; /* 0: none */
	uint32_t looks;
	uint64_t records, strange; /* the latter on connections that were never read */
	int64_t read_us;
	bool relays; /* it sends some, and is read */
	bool asked;  /* its probes were put in again since */
};
#define WIRE_PULSES 256

/* What a session said of a connection that the wire was not told of yet. */
struct wire_ahead {
	struct wire_address local, remote;
	int64_t until_us;
	uint64_t plain[2];
	char name[WIRE_NAME], comm[WIRE_COMM_LEN + 1];
	const char *library;
	uint32_t netns;
	uint32_t tgid; /* 0: none */
	bool midway;
};

struct wire {
	pthread_mutex_t lock; /* of all below, but for the sink */
	struct entry_sink sink;
	struct wire_options options;
	char *node;
	uint64_t live; /* the last number that a connection got */
	struct live_use use_all, use;
	struct common use_common;
	struct wire_conn **by_key, **by_ends, **by_name;
	struct siphash_key hash_key; /* of by_ends and by_name */
	size_t size, count;
	TAILQ_HEAD(wire_list, wire_conn) open, ended;
	struct wire_stats stats;
	struct wire_ahead *ahead;  /* LIMIT_WIRE_AHEAD, by both addresses; NULL: none come */
	struct programs *programs; /* of connections that were forgotten */
	struct wire_verdict verdict[WIRE_VERDICTS];
	unsigned asked; /* in this tick */
	struct wire_pulse pulse[WIRE_PULSES];
	struct wire_kept *kept; /* LIMIT_WIRE_KEPT, a ring */
	uint64_t *kept_hash;	/* of their names */
	uint64_t kept_count;	/* so far */
	int64_t now_us, looked_ms;
	uint32_t quic_tgids[WIRE_QUIC_TGIDS]; /* processes with QUIC, by their low bits */
	size_t tls_memory;		      /* of all handshakes */
	size_t tls_owned[WIRE_OWNERS];
};

struct wire_conn *wire_find(const struct wire *w, const struct wire_key *key);
/* The newest of this socket. */
struct wire_conn *wire_find_socket(const struct wire *w, uint64_t id);
/* The session of its socket has this name; NULL: it is about to be forgotten. */
void wire_set_name(struct wire *w, struct wire_conn *c, const char *name);
/* It is about to be forgotten: its last packets stay for a while. */
void wire_packets_keep(struct wire *w, const struct wire_conn *c);
/* The name that entries have of it. */
const char *wire_name(const struct wire_conn *c, char room[static WIRE_NAME]);
/* Is it the end whose side opened the connection? */
bool wire_is_client(const struct wire_conn *c);
/* The other end on this machine that may be shown; NULL. */
struct wire_conn *wire_other_end(const struct wire *w, const struct wire_conn *c);
/* Are two addresses the same; a number for two of them. */
bool wire_same_address(const struct wire_address *a, const struct wire_address *b);
uint64_t wire_ends_hash(const struct wire *w, const struct wire_address *from,
			const struct wire_address *to);
/* What a session says of it; and whether one did so before it was told of. */
void wire_take_read(struct wire *w, struct wire_conn *c, const struct wire_read *r);
void wire_take_ahead(struct wire *w, struct wire_conn *c, int64_t now_us);
/* May it be shown at all? */
bool wire_visible(const struct wire *w, const struct wire_conn *c);

/*
 * Ask why it is not read. What its libraries are may be known later than its bytes, and no more
 * when it ends: so this is asked while it lives, and for a moment after.
 */
void wire_judge(struct wire *w, struct wire_conn *c);
/* More of what it writes was read; it sent more records; and look at all. */
void wire_pulse_read(struct wire *w, const struct wire_conn *c);
void wire_pulse_sent(struct wire *w, const struct wire_conn *c, uint64_t records);
void wire_pulse_tick(struct wire *w);
/* Why its bytes are not read, as far as it is one reason; REASON_READ. */
enum reason wire_reason(const struct wire *w, const struct wire_conn *c);
/* It is about to be forgotten: its sums stay. */
void wire_ledger_keep(struct wire *w, const struct wire_conn *c);

/* A version of its entry; NULL when out of memory. */
struct entry *wire_entry_new(const struct wire *w, const struct wire_conn *c);
/* Its handshake: what the application data tells of it, and its entry, when it is over. */
void wire_handshake_counts(struct wire_conn *c);
void wire_handshake_tell(struct wire *w, struct wire_conn *c);
void wire_handshake_free(struct wire *w, struct wire_conn *c);
/* What all entries of a connection have. */
void wire_entry_fill(const struct wire *w, struct entry *e, const struct wire_conn *c);
/* Another end tells of it, which was told what is known here. */
bool wire_told_by_other(const struct wire *w, struct wire_conn *c);
/* What is known of its container by now. */
void wire_note_container(const struct wire *w, struct wire_conn *c);
/* Tell of it when it is due. */
void wire_tell(struct wire *w, struct wire_conn *c);
/* Tell of it for the last time. */
void wire_tell_end(struct wire *w, struct wire_conn *c);

#endif
