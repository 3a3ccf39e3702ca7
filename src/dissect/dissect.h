/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the ordered bytes of one connection to entries. Each protocol is one file with one const
 * table of operations; dissect.c holds the list of them and picks by looking at the first bytes.
 */
#ifndef CLEARTAP_DISSECT_H
#define CLEARTAP_DISSECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/queue.h>

#include "base/share.h"
#include "payload.h"

struct entry;
struct upgraded;

/* Directions are those of the traced program, as in bpf/event.h. */
enum dir { DIR_READ = 0, DIR_WRITE = 1 };

/*
 * An exchange that lasts is told more than once: versions of one entry, in order, with one number
 * (`live`), all but the last `open`. A version is a whole entry as far as the exchange has come:
 * `complete` and `reason` tell of what is missing so far, so that what merely waits is complete;
 * elapsed_us is -1; a part is whole, with its digest, once its message has ended. A body that was
 * whole when it was told is given away (body_kept in the versions that follow); of one that grows,
 * versions bring the first LIMIT_LIVE_BODY bytes and the last one all. So a version can only take
 * the place of an earlier one of the same number.
 */
/*
 * Exchanges that are told while they go on, of one owner's connections, or of all. `refused` counts
 * those that were told at their end alone, because LIMIT_LIVE_AT_ONCE others went on, `gave_way`
 * those that are told no more before their end, so that others are;
 * `no_memory` all, or what was to be told of them, that were lost for want of it.
 */
struct live_use {
	uint64_t open, refused, gave_way, no_memory;
	uint64_t inflaters, inflaters_refused; /* of WebSockets, past LIMIT_INFLATERS */
	/* The rest is of an owner: see live_use_init(). */
	struct live_use *all;
	struct share share;
	TAILQ_HEAD(, live) told; /* the longest ago comes first */
};

/* The next stage: takes ownership of the entry, which still lacks what the connection knows. */
struct entry_sink {
	void (*emit)(void *ctx, struct entry *e);
	void *ctx;
	/*
	 * The last number that an exchange of any connection got (`live` of an entry), and how many
	 * go on. NULL: every exchange is told once, at its end.
	 */
	uint64_t *live;
	struct live_use *live_use; /* NULL: not bounded */
	size_t *account;	   /* where the memory of the connection counts; NULL: nowhere */
};

/* Something was lost for want of memory. */
static inline void entry_sink_lose(const struct entry_sink *sink)
{
	struct live_use *use = sink->live_use;

	if (use)
		(use->all ? use->all : use)->no_memory++;
}

struct first_bytes {
	const uint8_t *data;
	size_t len;
};

/* What a dissector may want to know of the connection before its first byte. */
struct conn_hint {
	bool mid_stream; /* joined after its start: the first bytes may be the middle of a message
			  */
	bool lossy;    /* bytes were lost before its first byte: messages may have begun that nobody
			  saw */
	bool in_order; /* gaps come before what was seen after them in the other direction */
	bool opener_known;
	bool upgraded; /* it spoke another protocol before, and agreed to speak this one */
	/* The direction that the side which opened the connection speaks in. */
	enum dir opener : 8;
	uint8_t depth; /* how many tunnels it lies in */
	union {
		/* For opaque: the protocol that was understood until here; NULL: none. */
		const char *gave_up;
		/*
		 * For all others: the bytes by which it was chosen, by enum dir; in open() alone.
		 * NULL: it was not chosen by its bytes.
		 */
		const struct first_bytes *first;
	};
};

/* What comes after a protocol that handed the connection over: an upgrade, a tunnel. */
struct become {
	/* The protocol, and the exchange that goes on in it; NULL: it is to be found out. */
	const struct dissector *next;
	struct upgraded *upgraded;
	struct conn_hint hint;
	size_t taken; /* bytes of the last feed that were still its own */
	/* Bytes of the other direction that it had held back, and the offset of the first. */
	struct buf early;
	uint64_t early_at;
	/* The same of earlier feeds of this direction, before what was taken of the last one. */
	struct buf held;
	uint64_t held_at;
};

#define DISSECT_BECOME 1

/*
 * What a dissector says of the first bytes of a direction: not its own; its own as far as they go,
 * so that it wants more; too few to say anything, which is waited for until the other side speaks;
 * its own for certain; or anything between 1 and PROBE_YES, how likely they are its own. What is
 * likely of one direction is decided with the other one: scores are added, and PROBE_NO of either
 * is no.
 */
#define PROBE_NO    0
#define PROBE_MAYBE (-1)
#define PROBE_SHORT (-2)
#define PROBE_ALONE 50 /* enough where the other direction says nothing */
#define PROBE_YES   100

struct dissector {
	const char *name;
	/*
	 * Look at the first bytes of a direction; the other direction may already have been seen.
	 * NULL: never chosen by its bytes.
	 */
	int (*probe)(enum dir dir, const uint8_t *data, size_t len);
	/* State of one connection; NULL when out of memory. The sink is borrowed. */
	void *(*open)(const struct entry_sink *sink, const struct conn_hint *hint);
	/*
	 * `len` bytes in order, first of them at `offset` of the direction, seen at time_us. The
	 * bytes are borrowed for the call. 0, or -EPROTO when this is not the protocol after all:
	 * the rest of the connection is then shown as opaque. DISSECT_BECOME: what follows is to be
	 * found out anew; become() tells where it begins, and close() is called next.
	 */
	int (*feed)(void *state, enum dir dir, const uint8_t *data, size_t len, uint64_t offset,
		    int64_t time_us);
	/* `len` bytes of the direction are missing from `offset` on. Same results. */
	int (*gap)(void *state, enum dir dir, uint64_t len, uint64_t offset, enum gap_why why,
		   int64_t time_us);
	/* No traffic for a while: emit what no later byte is needed for. */
	void (*idle)(void *state, int64_t time_us);
	/* Tell the exchanges that go on (live.h). */
	void (*tick)(void *state, int64_t now_us);
	/* Is there an exchange that has begun and was not told to its end? */
	bool (*alive)(const void *state);
	/*
	 * Memory is short: let go of what messages keep of their bodies (payload_give_way), heads
	 * stay. What a state holds counts on sink.account: messages do so by themselves
	 * (message_new), buffers of its own by account_change(). NULL: it has no bodies.
	 */
	void (*give_way)(void *state);
	/* In place of open(), for what become() hands over; takes the exchange. NULL: never. */
	void *(*go_on)(const struct entry_sink *sink, struct upgraded *u);
	/* After DISSECT_BECOME alone; NULL where feed() never returns that. */
	void (*become)(void *state, struct become *ret);
	/* The connection ended: emit what is unfinished. Frees the state. */
	void (*close)(void *state, int64_t time_us);
	/*
	 * Both messages of an entry are from different ends of the connection: derive again all
	 * that the entry says of them. NULL: messages are only exchanged together.
	 */
	void (*refill)(struct entry *e);
};

extern const struct dissector dissect_amqp;
extern const struct dissector dissect_dns;
extern const struct dissector dissect_http1;
extern const struct dissector dissect_http2;
extern const struct dissector dissect_imap;
extern const struct dissector dissect_kafka;
extern const struct dissector dissect_ldap;
extern const struct dissector dissect_mongo;
extern const struct dissector dissect_mqtt;
extern const struct dissector dissect_mysql;
extern const struct dissector dissect_opaque;
extern const struct dissector dissect_websocket;
extern const struct dissector dissect_postgres;
extern const struct dissector dissect_redis;
extern const struct dissector dissect_smtp;

/* The opaque bytes so far came before the first message of a protocol that was found after them. */
void opaque_note_joined(void *state);

/* refill() of the protocol of the entry, NULL when it has none. */
void (*dissect_refill(const struct entry *e))(struct entry *);

/* One connection's dissection: waits for enough bytes to tell the protocol, then feeds it. */
struct dissection;
struct dissection *dissect_open(const struct entry_sink *sink, const struct conn_hint *hint);
/* Before its first byte: it is known what it is, and which exchange goes on in it (taken). */
void dissect_go_on(struct dissection *d, const struct dissector *next, struct upgraded *u);
void dissect_feed(struct dissection *d, enum dir dir, const uint8_t *data, size_t len,
		  uint64_t offset, int64_t time_us);
void dissect_gap(struct dissection *d, enum dir dir, uint64_t len, enum gap_why why,
		 int64_t time_us);
/* No traffic for a while: a protocol still undecided is decided with what there is. */
void dissect_idle(struct dissection *d, int64_t time_us);
/*
 * Time has passed: tell what has been open for LIMIT_LIVE_MS, and what has changed since it was
 * last told, at most once a second for each exchange.
 */
void dissect_tick(struct dissection *d, int64_t now_us);
/* Memory is short: bodies are let go, and a protocol still undecided is decided. */
void dissect_give_way(struct dissection *d, int64_t now_us);
/* What goes on is told as far as it has come, and what follows is as if joined midway. */
void dissect_cut(struct dissection *d, int64_t now_us);
/* Is there an exchange that has begun and is not told to its end? */
bool dissect_alive(const struct dissection *d);
void dissect_close(struct dissection *d, int64_t time_us);

#endif
