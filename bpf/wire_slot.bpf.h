/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is known of a socket, and how it gets a slot once TLS was found on it. */
#ifndef CLEARTAP_WIRE_SLOT_BPF_H
#define CLEARTAP_WIRE_SLOT_BPF_H

#include "wire.bpf.h"

#define RECORD_HEADER 5
#define RECORD_MAX    (16384 + 2048) /* RFC 5246, 6.2.3 */
#define TYPE_CHANGE   20
#define TYPE_ALERT    21
#define TYPE_HELLO    22
#define TYPE_APP      23
#define TYPE_MAX      24 /* heartbeat */
#define TYPES_APP     (1 << (TYPE_APP - TYPE_CHANGE))
#define BELIEVED      3 /* headers in sequence that fit, of a stream whose begin was not seen */
#define PIECES	      4
#define PIECE_MAX     16384

/* A segment: where its payload is in the packet, and in the stream. */
struct wire_segment {
	__u32 at, len, seq;
};

/*
 * A connection that has a slot: apart from it, as programs at tracepoints may not have maps with a
 * lock. What most packets need of it is the first line of the cache.
 */
struct wire_flow {
	struct bpf_spin_lock lock; /* of what is received: no lock of the socket is held then */
	__u32 pad;
	struct wire_sock sock;
	__u8 pad2[48];
};
_Static_assert(__builtin_offsetof(struct wire_flow, sock.seen) <= 64 &&
		       sizeof(struct wire_flow) % 64 == 0,
	       "wire_flow");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE); /* nobody does, but it begins at a page */
	__uint(max_entries, LIMIT_WIRE_FLOWS);
	__type(key, __u32); /* slot */
	__type(value, struct wire_flow);
} wire_flows __weak SEC(".maps");

/* Is this slot this socket's? */
static __always_inline bool is_of(const struct ev_wire *w, const struct wire_flow *f, __u64 cookie)
{
	return w && f && w->cookie == cookie && w->gen && w->gen == f->sock.gen;
}

/* The index does not have it, but it may have a slot. */
APART __u32 wire_slot_by_hash(__u64 cookie)
{
	__u32 *n = bpf_map_lookup_elem(&wire_cookies, &cookie);

	if (!n)
		return LOT_NONE;
	index_set(cookie, INDEX_SLOT + *n);
	return *n;
}

/* Its connection; NULL: it has no slot. */
static __always_inline struct wire_flow *flow_of(__u64 cookie)
{
	__u32 what = index_get(cookie);
	__u32 n = what >= INDEX_SLOT ? what - INDEX_SLOT : wire_slot_by_hash(cookie);
	struct wire_flow *f = bpf_map_lookup_elem(&wire_flows, &n);

	return is_of(bpf_map_lookup_elem(&wire_slots, &n), f, cookie) ? f : NULL;
}

/* NULL: nothing is known of the socket. */
static __always_inline struct wire_sock *sock_state(struct __sk_buff *skb)
{
	__u64 cookie = bpf_get_socket_cookie(skb);
	struct wire_flow *f = flow_of(cookie);

	return f ? &f->sock : bpf_map_lookup_elem(&wire_news, &cookie);
}

static __always_inline void set_plain(__u64 cookie, struct wire_sock *ws)
{
	ws->state = SOCK_PLAIN; /* until nobody has it at hand any more */
	index_set(cookie, INDEX_PLAIN);
	bpf_map_delete_elem(&wire_news, &cookie);
}

const volatile __u32 wire_room __weak = LIMIT_WIRE_FLOWS; /* slots */

/* How long ago an owner's slot was used, or 0: it may not be taken from him for this one. */
static __always_inline __u64 slot_idle(const struct ev_wire *w, __u32 owner, __u64 now)
{
	struct ev_owner *o = owner_get(w->owner);
	__u64 last = w->way[0].last > w->way[1].last ? w->way[0].last : w->way[1].last;

	if (w->owner != owner && o && share_left(o, EV_OWN_WIRE, wire_room))
		return 0;
	return last < now ? now - last : 0;
}

/*
 * A free slot near a place that nobody can foresee, or the longest idle of some; LOT_NONE. First
 * among so many as are in use, so that these lie close together: that many pages less to walk
 * through.
 */
APART __u32 wire_slot_find(__u32 owner, __u64 now)
{
	__u32 near = bpf_get_prandom_u32(), far = bpf_get_prandom_u32(), oldest = LOT_NONE;
	__u32 within = 4 * wire_used + LOT_TRIES;
	__u64 longest = 0;

	for (int i = 0; i < LOT_TRIES; i++) {
		__u32 n = i < LOT_TRIES / 2 ? (near + i) % within : far + i;
		n %= wire_room;
		struct ev_wire *w = bpf_map_lookup_elem(&wire_slots, &n);
		if (!w)
			continue;
		if (!w->gen)
			return n;
		__u64 idle = slot_idle(w, owner, now);
		if (idle <= longest)
			continue;
		longest = idle;
		oldest = n;
	}
	return oldest;
}

/* Is this slot ours now? Whoever had it gives way. */
static __always_inline bool claim_slot(struct ev_wire *w, __u32 n)
{
	__u64 claim = WIRE_CLAIM | n;
	__u32 owner = w->owner;

	if (!w->gen)
		return !bpf_map_update_elem(&wire_cookies, &claim, &n, BPF_NOEXIST);
	if (!wire_end_slot(w))
		return false;
	struct ev_owner *o = owner_get(owner);
	if (o)
		__sync_fetch_and_add(&o->idle, 1);
	count(EV_C_WIRE_IDLE, 1);
	return true;
}

enum { CLAIM_LATE, CLAIM_DONE, CLAIM_KNOWN };

/* Another one was quicker, or the slot is this socket's alone, or the socket has one already. */
APART int wire_claim(__u32 n, __u64 cookie)
{
	struct ev_wire *w = bpf_map_lookup_elem(&wire_slots, &n);

	if (!w || !claim_slot(w, n))
		return CLAIM_LATE;
	if (!bpf_map_update_elem(&wire_cookies, &cookie, &n, BPF_NOEXIST))
		return CLAIM_DONE;
	wire_unclaim(n);
	return CLAIM_KNOWN;
}

#define CLAIM_TRIES 4

/* A slot for this socket alone, or LOT_NONE. */
static __always_inline __u32 take_slot(__u32 owner, __u64 now, __u64 cookie)
{
	int claim = CLAIM_LATE;
	__u32 n = LOT_NONE;

	for (int i = 0; i < CLAIM_TRIES && claim == CLAIM_LATE; i++) {
		n = wire_slot_find(owner, now);
		claim = n == LOT_NONE ? CLAIM_KNOWN : wire_claim(n, cookie);
	}
	return claim == CLAIM_DONE ? n : LOT_NONE;
}

static __always_inline void fill_slot(struct ev_wire *w, struct bpf_sock *sk, __u64 cookie)
{
	__builtin_memset(w->way, 0, sizeof(w->way));
	__builtin_memset(w->local_ip, 0, sizeof(w->local_ip));
	__builtin_memset(w->remote_ip, 0, sizeof(w->remote_ip));
	w->cookie = cookie;
	w->copied = w->packets = w->pending = 0;
	w->local_port = sk->src_port;
	w->remote_port = bpf_ntohs(sk->dst_port);
	if (sk->family == 2) {
		w->family = 4;
		*(__u32 *)w->local_ip = sk->src_ip4;
		*(__u32 *)w->remote_ip = sk->dst_ip4;
		return;
	}
	w->family = 6;
	__u32 *local = (__u32 *)w->local_ip, *remote = (__u32 *)w->remote_ip;
	local[0] = sk->src_ip6[0];
	local[1] = sk->src_ip6[1];
	local[2] = sk->src_ip6[2];
	local[3] = sk->src_ip6[3];
	remote[0] = sk->dst_ip6[0];
	remote[1] = sk->dst_ip6[1];
	remote[2] = sk->dst_ip6[2];
	remote[3] = sk->dst_ip6[3];
}

static __always_inline void send_wire_open(struct ev_wire *w, __u32 n)
{
	struct about about = wire_about(w, 0);
	struct ev_wire_open *e = may_send(w->owner) ? reserve(struct ev_wire_open, w->owner) : NULL;

	if (!e)
		return;
	fill_hdr(&e->hdr, EV_WIRE_OPEN, sizeof(*e), &about, bpf_ktime_get_ns());
	e->cgroup = w->cgroup;
	e->slot = n;
	__builtin_memcpy(e->local_ip, w->local_ip, 16);
	__builtin_memcpy(e->remote_ip, w->remote_ip, 16);
	e->local_port = w->local_port;
	e->remote_port = w->remote_port;
	e->family = w->family;
	e->opened = w->opened;
	e->flags = w->flags;
	e->pad = 0;
	w->flags |= EV_WIRE_TOLD;
	submit(e, sizeof(*e));
}

/* What was found of the socket goes with it into its slot. */
static __always_inline void fill_flow(struct wire_flow *f, const struct wire_sock *ws, __u32 n,
				      __u64 now)
{
	__builtin_memcpy(&f->sock, ws, sizeof(*ws));
	f->sock.sync[0].busy = f->sock.sync[1].busy = 0;
	f->sock.slot = n;
	f->sock.state = SOCK_TLS;
	f->sock.gen = now;
}

/* TLS was found: a slot for it, where sock_state() is from now on. */
APART int wire_begin(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;
	__u64 now = bpf_ktime_get_ns(), cookie = bpf_get_socket_cookie(skb);
	struct wire_sock *ws = bpf_map_lookup_elem(&wire_news, &cookie);

	sk = sk ? bpf_sk_fullsock(sk) : NULL;
	if (!ws || !sk || sk->state == BPF_TCP_CLOSE) /* nothing would end it */
		return 0;
	__u64 cgroup = bpf_sk_cgroup_id(sk);
	__u32 owner = owner_find(EV_OWNER_CGROUP | cgroup);
	struct ev_owner *o = owner_get(owner);
	__u32 n = o ? take_slot(owner, now, cookie) : LOT_NONE;
	struct ev_wire *w = bpf_map_lookup_elem(&wire_slots, &n);
	struct wire_flow *f = bpf_map_lookup_elem(&wire_flows, &n);
	if (!w || !f || !o) {
		if (o)
			share_refuse(o, EV_OWN_WIRE, EV_C_WIRE_SHARE);
		return 0;
	}
	fill_slot(w, sk, cookie);
	w->cgroup = cgroup;
	w->owner = owner;
	w->opened = ws->opened;
	w->flags = ws->flags;
	w->way[0].last = w->way[1].last = now;
	fill_flow(f, ws, n, now);
	w->gen = now;
	index_set(cookie, INDEX_SLOT + n);
	bpf_map_delete_elem(&wire_news, &cookie);
	share_take(o, EV_OWN_WIRE);
	__sync_fetch_and_add(&wire_used, 1);
	wire_seek(w, 1);
	send_wire_open(w, n);
	return 1;
}

#endif
