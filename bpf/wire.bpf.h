/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The slots of sockets on which TLS was found, and who is looked for: wire.bpf.c, sock.bpf.c. */
#ifndef CLEARTAP_WIRE_BPF_H
#define CLEARTAP_WIRE_BPF_H

#include "record.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, LIMIT_WIRE_FLOWS);
	__type(key, __u32);
	__type(value, struct ev_wire);
} wire_slots __weak SEC(".maps");

enum { SOCK_NEW, SOCK_TLS, SOCK_PLAIN };
enum { SYNC_OFF, SYNC_TRY, SYNC_ON };

/* What is in the records of one packet. */
struct found {
	__u32 app_bytes, app_records, handshakes, alerts, changes, headers;
	__u32 from[2], to[2]; /* of the payload, what is not application data: at its begin, and
				 the last */
	__u16 first[EV_WIRE_FIRST];
	__u16 firsts, latest;
	__u8 types;
};

/* Where records begin in one direction. */
struct sync {
	__u32 next; /* sequence number of the next record's header */
	__u8 state;
	__u8 type; /* of the record before it */
	__u8 have; /* bytes of that header that came already */
	__u8 good; /* SYNC_TRY: headers that fitted */
	__u8 header[5];
	__u8 lost;  /* it was followed before: `next` is where */
	__u8 tried; /* packets looked through since then */
	__u8 busy;  /* one processor looks closer at a packet of it */
};

/* A packet that is walked through: in memory, as the verifier would follow each value. */
struct walk {
	__s32 pos; /* of the next header in its payload; below 0: part of it came before */
	struct found found;
	__u32 records, bytes; /* SYNC_TRY: of application data, not counted yet */
};

struct wire_sock {
	__u64 gen; /* of the slot */
	__u32 slot;
	__u8 state;
	__u8 looked;	     /* packets, SOCK_NEW */
	__u8 opened;	     /* enum ev_opened */
	__u8 flags;	     /* enum ev_wire_flags, for the slot */
	struct sync sync[2]; /* by enum ev_dir */
	__u8 seen[2];
	__u8 pad[6];
	struct walk walk[2];
};

/*
 * By cookie: of sockets that may become TLS. Those that do, that do not, and that ended are taken
 * out. One that is pushed out by others is looked at again: no more is lost than what it said.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, LIMIT_WIRE_NEW);
	__type(key, __u64);
	__type(value, struct wire_sock);
} wire_news __weak SEC(".maps");

/*
 * Slots by cookie, one for each that is in use; and claims, since who puts one in or takes it out
 * is one alone: whoever takes out the cookie may end the slot, and a slot that is not to be had is
 * there as WIRE_CLAIM | slot.
 */
#define WIRE_CLAIM (1ULL << 63)
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 2 * LIMIT_WIRE_FLOWS);
	__type(key, __u64);
	__type(value, __u32);
} wire_cookies __weak SEC(".maps");

/*
 * What was found of a socket last, by the low bits of its cookie: all that most packets ask. The
 * cookie, and below it INDEX_PLAIN, it is not TLS, or INDEX_SLOT plus its slot. What was
 * overwritten by another's is asked elsewhere, or looked at again.
 */
#define WIRE_INDEX  131072
#define INDEX_BITS  18
#define INDEX_PLAIN 1
#define INDEX_SLOT  2
_Static_assert(LIMIT_WIRE_FLOWS + INDEX_SLOT <= 1 << INDEX_BITS, "wire_index");
__u64 wire_index[WIRE_INDEX] __weak;

static __always_inline void index_set(__u64 cookie, __u32 what)
{
	wire_index[cookie & (WIRE_INDEX - 1)] = cookie << INDEX_BITS | what;
}

/* 0: nothing. */
static __always_inline __u32 index_get(__u64 cookie)
{
	__u64 entry = wire_index[cookie & (WIRE_INDEX - 1)];

	return entry >> INDEX_BITS == cookie ? entry & ((1 << INDEX_BITS) - 1) : 0;
}

__u32 wire_used __weak; /* slots in use */

/*
 * How many sockets have no known process, in all and by cookie modulo WIRE_SEEKING: all sends and
 * receives of the machine ask this first.
 */
#define WIRE_SEEKING 4096
__u32 wire_sought __weak;
__u32 wire_seeking[WIRE_SEEKING] __weak;

/*
 * Those whose process was found a moment ago. Several threads may find it at once, and whoever lets
 * them would bring the counts below to 0 while others are sought: the first one counts.
 */
struct wire_found {
	__u64 cookie, gen;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, WIRE_SEEKING);
	__type(key, struct wire_found);
	__type(value, __u32);
} wire_found __weak SEC(".maps");

#define EEXIST 17

static __always_inline bool found_before(const struct ev_wire *w)
{
	struct wire_found key = { w->cookie, w->gen };
	__u32 yes = 1;

	return bpf_map_update_elem(&wire_found, &key, &yes, BPF_NOEXIST) == -EEXIST;
}

static __always_inline void wire_seek(struct ev_wire *w, __s32 n)
{
	if (n > 0)
		w->flags |= EV_WIRE_SOUGHT;
	else
		w->flags &= ~EV_WIRE_SOUGHT;
	if (n < 0 && found_before(w))
		return;
	__sync_fetch_and_add(&wire_seeking[w->cookie & (WIRE_SEEKING - 1)], n);
	__sync_fetch_and_add(&wire_sought, n);
}

static __always_inline struct ev_wire *slot_of(const struct wire_sock *ws)
{
	__u32 n = ws->slot;
	struct ev_wire *w = bpf_map_lookup_elem(&wire_slots, &n);

	return w && w->gen == ws->gen ? w : NULL;
}

static __always_inline struct ev_wire *wire_of(__u64 cookie)
{
	__u32 *n = bpf_map_lookup_elem(&wire_cookies, &cookie);
	struct ev_wire *w = n ? bpf_map_lookup_elem(&wire_slots, n) : NULL;

	return w && w->gen && w->cookie == cookie ? w : NULL;
}

static __always_inline struct about wire_about(const struct ev_wire *w, __u64 id)
{
	return (struct about){ id, w->cookie, w->gen, w->owner };
}

/*
 * Tell of its end, with its sums, and free the slot, which stays claimed. False: another one does
 * that at this moment.
 */
static __always_inline bool wire_end_slot(struct ev_wire *w)
{
	struct about about = wire_about(w, 0);
	struct ev_wire_end *e = NULL;
	__u64 cookie = about.conn;

	if (!about.gen || bpf_map_delete_elem(&wire_cookies, &cookie))
		return false;
	if (w->flags & EV_WIRE_TOLD)
		e = reserve(struct ev_wire_end, about.owner);
	if (e) {
		fill_hdr(&e->hdr, EV_WIRE_END, sizeof(*e), &about, bpf_ktime_get_ns());
		__builtin_memcpy(&e->wire, w, sizeof(*w));
		submit(e, sizeof(*e));
	}
	if (w->flags & EV_WIRE_SOUGHT)
		wire_seek(w, -1);
	w->gen = 0;
	__sync_fetch_and_add(&wire_used, -1);
	share_give(about.owner, EV_OWN_WIRE);
	return true;
}

static __always_inline void wire_unclaim(__u32 n)
{
	__u64 claim = WIRE_CLAIM | n;

	bpf_map_delete_elem(&wire_cookies, &claim);
}

/* The same, and others may have it. */
static __always_inline void wire_free_slot(struct ev_wire *w)
{
	__u64 cookie = w->cookie;
	__u32 *at = bpf_map_lookup_elem(&wire_cookies, &cookie);
	__u32 n = at ? *at : 0;

	if (at && wire_end_slot(w))
		wire_unclaim(n);
}

#endif
