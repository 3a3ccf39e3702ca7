/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The TLS connections of the wire, read in clear or not: what their handshakes told, packets and
 * bytes each way, whose they are, and the ledger: how much of the application data that went over
 * the wire was read, and why not the rest. Each is one living entry of protocol `tcp`, told to the
 * sink as all that lives (dissect/dissect.h).
 *
 * A connection here is one end of it. Live it is a socket, by the kernel's cookie; the two ends of
 * a loopback connection are two. In a file it is both directions as a third one saw them: what the
 * side sent that opened it is DIR_WRITE.
 *
 * Two threads may call at once: the one that captures calls what is told to it, any thread those
 * below "For the API".
 */
#ifndef CLEARTAP_WIRE_H
#define CLEARTAP_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dissect/dissect.h"
#include "wire/reason.h"

struct buf;
struct entry;
struct jw;
struct wire;
struct tls_info; /* src/tls/ */

/* Never used again while the server runs, together. */
struct wire_key {
	uint64_t id; /* the socket's cookie; in a file, the reader's number */
	uint64_t gen;
};

#define WIRE_COMM_LEN 16
#define WIRE_OWNERS   1024

struct wire_options {
	const char *node;
	/* A filter (--exe, --pid, --container) is set: of a connection nothing is shown before its
	 * process is known and passes. */
	bool filtered;
	bool file;	 /* nobody will tell of processes */
	bool by_address; /* sockets have no cookies here: sessions find theirs by their addresses */
	bool split_ends; /* an entry for each end of a connection of this machine */
	/* The container of a process, NULL: none known. The text is borrowed for the call. */
	const char *(*container)(void *ctx, uint32_t tgid);
	/*
	 * Why a process is not read, as far as its libraries tell. False: nothing is known of it,
	 * yet or any more. NULL: nobody knows. From the thread that captures alone.
	 */
	bool (*why)(void *ctx, uint32_t tgid, enum reason *ret);
	/*
	 * A process was read, and sends records of which nothing is seen any more; called with the
	 * lock of `w` held. NULL: nobody wants to know.
	 */
	void (*silent)(void *ctx, uint32_t tgid);
	void *ctx;
};

struct wire_open {
	uint8_t family;			     /* 4 or 6 */
	uint8_t local_ip[16], remote_ip[16]; /* IPv4 in the first 4 bytes */
	uint16_t local_port, remote_port;    /* host order */
	uint32_t netns;			     /* 0 unknown */
	uint32_t owner;			     /* whose share it is of: a number below WIRE_OWNERS */
	bool opener_known;
	enum dir opener; /* what the side that opened it sends */
	bool midway;	 /* its first records were not seen */
	bool upgraded;	 /* it spoke another protocol before (STARTTLS) */
	bool quic;	 /* UDP: packets are datagrams, and counts are as told below */
	uint32_t slot;	 /* the kernel's, for its packets; in a file 0 */
};

/* Of one direction, totals so far. QUIC has no records: app_* count datagrams with all keys. */
#define WIRE_FIRST 6
struct wire_way {
	uint64_t packets; /* segments, as the kernel counts those of a super-packet */
	uint64_t bytes;	  /* of payload; retransmissions count again */
	uint64_t app_records;
	uint64_t app_bytes; /* of application data records, without their headers */
	/* Of them, what came before the first of the other direction: in TLS 1.3 a handshake. */
	uint64_t early_records, early_bytes;
	uint64_t not_followed; /* payload between the loss of the record boundary and the next */
	uint32_t handshakes, alerts, changes; /* records of these types */
	uint16_t first[WIRE_FIRST]; /* lengths of the first of app_records that were not early */
	uint16_t firsts;
	uint16_t latest; /* length of the last one */
	int64_t last_us; /* 0: none */
	int64_t app_us;	 /* the first record of that type, whatever was in it; 0: none */
};

struct wire_counts {
	struct wire_way way[2]; /* by enum dir */
};

enum wire_end_why {
	WIRE_CLOSED,   /* its socket was closed */
	WIRE_IDLE,     /* of QUIC: no packet for LIMIT_QUIC_IDLE_SECONDS */
	WIRE_GAVE_WAY, /* it was idle, and others took its place */
	WIRE_FILE_END, /* the file ends */
};

struct wire_process {
	uint32_t tgid;
	const char *comm; /* up to WIRE_COMM_LEN bytes */
	uint32_t netns;
	uint64_t cgroup;
	bool filtered_out; /* no more of it is shown than its sums */
	bool ktls;	   /* the kernel encrypts it; this may be found later than the process */
	bool opener_known;
	enum dir opener;
};

/* One packet, for GET /api/connections/ID/packets. */
struct wire_packet {
	int64_t time_us;
	uint32_t size;	  /* of its payload */
	bool from_client; /* wire_packets() tells: the side that opened the connection sent it */
	uint8_t dir;	  /* enum dir */
	uint8_t types;	  /* bit n: it has, or goes on with, a record of type 20 + n */
};
#define WIRE_PACKETS 16

/*
 * Holds LIMIT_WIRE_FLOWS connections: one that ended, else the oldest, gives way. The sink's `live`
 * is not used: numbers are beyond those of the sessions. NULL when out of memory.
 */
struct wire *wire_new(const struct entry_sink *sink, const struct wire_options *options);
/* All end: they are told for the last time. */
void wire_end_all(struct wire *w);
/* Takes NULL; tells nothing. */
void wire_free(struct wire *w);

/* A key that is known already is told again: only what was unknown is taken. */
void wire_open(struct wire *w, const struct wire_key *key, int64_t now_us,
	       const struct wire_open *o);
/*
 * TCP payload of a direction in which handshake, alert or change_cipher_spec records are, with
 * their headers, as on the wire: it may come again, late, cut anywhere. `seq` is of its first byte.
 * Of QUIC whole datagrams with Initial packets, of `seq` bytes each but for the last (0: one).
 */
void wire_bytes(struct wire *w, const struct wire_key *key, int64_t now_us, enum dir dir,
		uint32_t seq, const uint8_t *bytes, size_t len);
void wire_counts(struct wire *w, const struct wire_key *key, int64_t now_us,
		 const struct wire_counts *counts);
void wire_process(struct wire *w, const struct wire_key *key, int64_t now_us,
		  const struct wire_process *p);
/* Its last packets, oldest first; for those that live whenever somebody asks for them. */
void wire_last_packets(struct wire *w, const struct wire_key *key, const struct wire_packet *list,
		       unsigned count);
void wire_end(struct wire *w, const struct wire_key *key, int64_t now_us, enum wire_end_why why);
/* All that happened until now_us was told; each 250 ms. What lives is told again. */
void wire_tick(struct wire *w, int64_t now_us);

/* Local and remote, in one form: IPv4-mapped IPv6 is IPv4, and the rest of ip is 0. */
struct wire_address {
	uint8_t ip[16];
	uint16_t port;
	uint8_t family;
};

/*
 * The cookie of the socket with these addresses, where nobody knew it when the socket was found: a
 * receive that waits for the first packet before 6.3. 0: there is none, or more than one.
 */
uint64_t wire_cookie(struct wire *w, const struct wire_address *local,
		     const struct wire_address *remote, uint32_t netns);

/*
 * The session's side. What was read in clear of the connection whose socket has this cookie, totals
 * so far by enum dir, of the session of this name: its lock opens. Cheap enough for each
 * flow_data(), but meant for each tick and the end.
 */
struct wire_read {
	const char *connection; /* as entries of the session have it */
	const char *library;	/* a constant */
	uint64_t plain[2];	/* bytes that calls moved, copied or not */
	bool midway;		/* what was moved before was not seen */
	uint32_t tgid;		/* whose it is, where the wire does not know that by itself */
	const char *comm;
};
void wire_read(struct wire *w, uint64_t cookie, int64_t now_us, const struct wire_read *r);
/*
 * The same where wire_cookie() finds none: where sockets are known by_address, its packets may be
 * told a moment after the end of its session. Then this is taken.
 */
void wire_read_ahead(struct wire *w, const struct wire_address *local,
		     const struct wire_address *remote, uint32_t netns, int64_t now_us,
		     const struct wire_read *r);
/* Its option. */
bool wire_by_address(const struct wire *w);
/* Of these, bytes that were not copied: REASON_LOST, BUDGET or PAUSED. */
void wire_missing(struct wire *w, uint64_t cookie, enum dir dir, uint64_t len, enum reason why);
/* What the handshake told, NULL: nothing known yet. Valid until the next call that tells. */
const struct tls_info *wire_tls(struct wire *w, uint64_t cookie);

/* For the API, from any thread. */
struct wire_stats {
	uint64_t open, seen, read;	   /* connections */
	uint64_t misfits;		   /* directions of which more was read than there was */
	uint64_t gave_way;		   /* for want of room */
	uint64_t no_memory;		   /* not told for want of it, or not all */
	uint64_t silent;		   /* times that a process was told as such */
	uint64_t handshake_bytes, refused; /* taken, and past a bound */
	uint64_t tls_bytes[REASON_COUNT];  /* application data, both ways, by reason; REASON_READ */
};
void wire_stats(struct wire *w, struct wire_stats *ret);
/* Has the process a connection of QUIC, or had one not long ago? */
bool wire_has_quic(struct wire *w, uint32_t tgid);
/* The ledger (GET /api/coverage), as members of an object that was begun. */
void wire_put_coverage(struct wire *w, struct jw *j);
/*
 * The last packets of the connection that entries have this name of, newest last, also after its
 * end, until LIMIT_WIRE_KEPT others have ended: their number, or -ENOENT.
 */
int wire_packets(struct wire *w, const char *connection, struct wire_packet ret[WIRE_PACKETS]);

#endif
