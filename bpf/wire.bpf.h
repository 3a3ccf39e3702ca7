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
	__u8 pad;
	__u32 records, bytes; /* SYNC_TRY: of application data, not counted yet */
	/* The packet that is walked through: in memory, as the verifier would follow each value. */
	__s32 pos; /* of the next header in its payload; below 0: part of it came before */
	struct found found;
};

struct wire_sock {
	__u64 gen; /* of the slot */
	__u32 slot;
	__u8 state;
	__u8 looked; /* packets, SOCK_NEW */
	__u8 opened; /* enum ev_opened */
	__u8 flags;  /* enum ev_wire_flags, for the slot */
	__u8 seen[2];
	__u8 pad[6];
	struct sync sync[2]; /* by enum ev_dir */
};

/*
 * By cookie: of sockets that may become TLS, or are. Those that ended are taken out, those that are
 * not TLS as well.
 */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, LIMIT_WIRE_FLOWS);
	__type(key, __u64);
	__type(value, struct wire_sock);
} wire_socks __weak SEC(".maps");

/*
 * Cookies of sockets that are not TLS, by their low bits: what most packets find and end with. One
 * that was pushed out by another is looked at again.
 */
#define WIRE_PLAIN 65536
__u64 wire_plain[WIRE_PLAIN] __weak;

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

/*
 * How many connections of QUIC live, by the cookie of their socket modulo WIRE_SEEKING: all other
 * UDP asks this, too.
 */
__u32 quic_holding[WIRE_SEEKING] __weak;

static __always_inline bool quic_has(__u64 cookie)
{
	return quic_holding[cookie & (WIRE_SEEKING - 1)];
}

/* In its records it has a number of its own in place of the cookie, with the cookie's low bits. */
static __always_inline __u64 quic_id(__u64 cookie, __u64 gen)
{
	return 1ULL << 63 | gen << 12 | (cookie & (WIRE_SEEKING - 1));
}

static __always_inline void quic_held(const struct ev_wire *w, __s32 n)
{
	__sync_fetch_and_add(&quic_holding[w->cookie & (WIRE_SEEKING - 1)], n);
}

struct quic_last {
	__u64 gen;
	__u32 slot;
	__u32 pad;
};

/* By cookie, sockets with connections of QUIC: the latest one that began, or whose process is
 * sought. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, LIMIT_QUIC_FLOWS);
	__type(key, __u64);
	__type(value, struct quic_last);
} quic_socks __weak SEC(".maps");

static __always_inline struct ev_wire *quic_slot(const struct quic_last *f)
{
	__u32 n = f->slot;
	struct ev_wire *w = bpf_map_lookup_elem(&wire_slots, &n);

	return w && w->gen == f->gen ? w : NULL;
}

static __always_inline struct ev_wire *quic_latest(__u64 cookie)
{
	struct quic_last *f = bpf_map_lookup_elem(&quic_socks, &cookie);

	return f ? quic_slot(f) : NULL;
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
	struct wire_sock *ws = bpf_map_lookup_elem(&wire_socks, &cookie);

	return ws && ws->state == SOCK_TLS ? slot_of(ws) : NULL;
}

static __always_inline struct about wire_about(const struct ev_wire *w, __u64 id)
{
	return (struct about){ id, w->cookie, w->gen, w->owner };
}

/* Tell of its end, with its sums, and free the slot. */
static __always_inline void wire_free_slot(struct ev_wire *w)
{
	struct about about = wire_about(w, 0);
	struct ev_wire_end *e = NULL;

	if (w->flags & EV_WIRE_TOLD)
		e = reserve(struct ev_wire_end, about.owner);
	if (e) {
		fill_hdr(&e->hdr, EV_WIRE_END, sizeof(*e), &about, bpf_ktime_get_ns());
		__builtin_memcpy(&e->wire, w, sizeof(*w));
		submit(e, sizeof(*e));
	}
	if (w->flags & EV_WIRE_SOUGHT)
		wire_seek(w, -1);
	if (w->flags & EV_WIRE_QUIC)
		quic_held(w, -1);
	w->gen = 0;
	share_give(about.owner, EV_OWN_WIRE);
}

#endif
