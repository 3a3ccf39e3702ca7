/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * QUIC. A connection is known by the Initial packet with which it begins (RFC 9000, 9369), whatever
 * the port; from then on by its addresses, since a socket may have many. Its Initial packets are
 * copied, for anybody can open them; all others are counted. It has a slot as those of TLS have.
 *
 * Other UDP costs a look at the first byte of its payload.
 */
#ifndef CLEARTAP_WIRE_QUIC_BPF_H
#define CLEARTAP_WIRE_QUIC_BPF_H

#include "wire_records.bpf.h"

#define QUIC_V1	       0x00000001U
#define QUIC_V2	       0x6b3343cfU
#define QUIC_LEAST     1200 /* bytes of the datagram of a client's Initial packet */
#define QUIC_CID_LEAST 8    /* of the connection id in the first of them */
#define QUIC_LONG      0x80 /* of the first byte */
#define QUIC_FIXED     0x40 /* the same; peers may agree to leave it out (RFC 9287) */
#define UDP_HEADER     8
#define SOCK_DGRAM     2

/* A connection of a socket. Without holes: it is a key. */
struct quic_key {
	__u64 cookie;
	__u8 local_ip[16], remote_ip[16]; /* IPv4 in the first 4 bytes */
	__u16 local_port, remote_port;	  /* host order */
	__u32 family;			  /* 4 or 6 */
};

/* What a datagram is. A super-packet is several of `each` bytes. */
struct quic_datagram {
	struct quic_key key;
	__u32 at, len, each; /* its payload in the packet */
	__u32 cid;	     /* the first bytes of the connection id that it is for */
	__u8 is_long, is_fixed, is_initial, dir;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, LIMIT_QUIC_FLOWS);
	__type(key, struct quic_key);
	__type(value, struct quic_last);
} quic_flows __weak SEC(".maps");

static __always_inline struct ev_wire *quic_of(const struct quic_key *key)
{
	struct quic_last *f = bpf_map_lookup_elem(&quic_flows, key);

	return f ? quic_slot(f) : NULL;
}

static __always_inline bool quic_read_ends(struct __sk_buff *skb, struct quic_datagram *d)
{
	bool out = d->dir == EV_WRITE;
	__be32 ip[10];
	__be16 port[2];

	if (bpf_skb_load_bytes(skb, 0, ip, 20))
		return false;
	if (*(__u8 *)ip >> 4 == 4) {
		d->key.family = 4;
		*(__be32 *)d->key.local_ip = out ? ip[3] : ip[4];
		*(__be32 *)d->key.remote_ip = out ? ip[4] : ip[3];
	} else {
		if (bpf_skb_load_bytes(skb, 0, ip, 40))
			return false;
		d->key.family = 6;
		__builtin_memcpy(d->key.local_ip, out ? &ip[2] : &ip[6], 16);
		__builtin_memcpy(d->key.remote_ip, out ? &ip[6] : &ip[2], 16);
	}
	if (bpf_skb_load_bytes(skb, d->at - UDP_HEADER, port, 4))
		return false;
	d->key.local_port = bpf_ntohs(out ? port[0] : port[1]);
	d->key.remote_port = bpf_ntohs(out ? port[1] : port[0]);
	return true;
}

/* Its head: RFC 9000 section 17.2. The first of a connection has a connection id of the client's.
 */
static __always_inline void quic_read_head(struct __sk_buff *skb, struct quic_datagram *d)
{
	__u8 h[6 + 4] = { 0 };

	if (bpf_skb_load_bytes(skb, d->at, h, sizeof(h)))
		return;
	__u32 version = (__u32)h[1] << 24 | h[2] << 16 | h[3] << 8 | h[4];
	d->is_long = !!(h[0] & QUIC_LONG);
	d->is_fixed = !!(h[0] & QUIC_FIXED);
	if (!d->is_long || (version != QUIC_V1 && version != QUIC_V2))
		return;
	d->is_initial = (h[0] >> 4 & 3) == (version == QUIC_V2 ? 1 : 0);
	if (h[5] >= QUIC_CID_LEAST && d->each >= QUIC_LEAST)
		d->cid = (__u32)h[6] << 24 | h[7] << 16 | h[8] << 8 | h[9];
}

/*
 * May it be the first of a connection? Of one that was there before cleartap what its own socket
 * sends is believed, where others are known; what comes may be from anybody.
 */
static __always_inline bool quic_may_begin(const struct quic_datagram *d)
{
	__u64 cookie = d->key.cookie;

	if (!d->is_fixed)
		return false;
	if (d->is_initial)
		return d->each >= QUIC_LEAST && d->cid;
	return d->dir == EV_WRITE && !d->is_long && bpf_map_lookup_elem(&quic_socks, &cookie);
}

/* Both sides had all keys, and the one that opened it begins again. */
static __always_inline bool quic_is_another(const struct ev_wire *w, const struct quic_datagram *d)
{
	__u8 from = w->opened == EV_OPENED_LOCAL ? EV_WRITE : EV_READ;

	return d->is_initial && d->cid && d->cid != w->quic_cid && d->dir == from &&
	       w->way[0].app_records && w->way[1].app_records;
}

static __always_inline void quic_fill_slot(struct ev_wire *w, const struct quic_datagram *d,
					   __u64 now)
{
	__builtin_memset(w->way, 0, sizeof(w->way));
	__builtin_memcpy(w->local_ip, d->key.local_ip, 16);
	__builtin_memcpy(w->remote_ip, d->key.remote_ip, 16);
	w->local_port = d->key.local_port;
	w->remote_port = d->key.remote_port;
	w->family = d->key.family;
	w->cookie = quic_id(d->key.cookie, now);
	w->quic_cid = d->cid;
	w->copied = w->packets = 0;
	w->flags = EV_WIRE_QUIC | (d->is_initial ? 0 : EV_WIRE_MIDWAY);
	w->opened = !d->is_initial	 ? EV_OPENED_UNKNOWN
		    : d->dir == EV_WRITE ? EV_OPENED_LOCAL
					 : EV_OPENED_REMOTE;
	w->way[0].last = w->way[1].last = now;
}

/* A slot for it, in its owner's share. */
static __always_inline struct ev_wire *quic_begin(struct __sk_buff *skb,
						  const struct quic_datagram *d)
{
	struct bpf_sock *sk = skb->sk;
	__u64 now = bpf_ktime_get_ns(), cookie = d->key.cookie;

	sk = sk ? bpf_sk_fullsock(sk) : NULL;
	/* a raw socket has the protocol and the bytes that its program likes */
	if (!sk || sk->protocol != IPPROTO_UDP || sk->type != SOCK_DGRAM)
		return NULL;
	__u64 cgroup = bpf_sk_cgroup_id(sk);
	__u32 owner = owner_find(EV_OWNER_CGROUP | cgroup);
	struct ev_owner *o = owner_get(owner);
	__u32 n = o ? take_slot(owner, now, quic_id(cookie, now)) : LOT_NONE;
	struct ev_wire *w = bpf_map_lookup_elem(&wire_slots, &n);
	if (!w || !o) {
		if (o)
			share_refuse(o, EV_OWN_WIRE, EV_C_WIRE_SHARE);
		return NULL;
	}
	quic_fill_slot(w, d, now);
	w->cgroup = cgroup;
	w->owner = owner;
	w->gen = now;
	struct quic_last last = { .gen = now, .slot = n };
	bpf_map_update_elem(&quic_flows, &d->key, &last, BPF_ANY);
	bpf_map_update_elem(&quic_socks, &cookie, &last, BPF_ANY);
	share_take(o, EV_OWN_WIRE);
	__sync_fetch_and_add(&wire_used, 1);
	quic_held(w, 1);
	wire_seek(w, 1);
	send_wire_open(w, n);
	return w;
}

/* The bytes of packets with all keys are counted as application data; there are no records. */
static __always_inline void quic_count(struct __sk_buff *skb, struct ev_wire *w,
				       const struct quic_datagram *d)
{
	struct ev_wire_way *y = &w->way[d->dir & 1];
	__u64 now = bpf_ktime_get_ns();
	__u32 type = d->is_long ? TYPE_HELLO : TYPE_APP, packets = skb->gso_segs ?: 1;

	y->packets += packets;
	y->bytes += d->len;
	y->last = now;
	if (d->is_long) {
		y->handshakes += packets;
	} else {
		if (!y->app_records)
			y->app_at = now;
		y->app_records += packets;
		y->app_bytes += d->len;
	}
	struct ev_wire_packet *p = &w->packet[w->packets++ & (EV_WIRE_PACKETS - 1)];
	p->when = (now - w->gen) >> 16;
	p->what = (d->len & 0xfffff) | 1 << (type - TYPE_CHANGE + 20) | (d->dir & 1) << 27;
}

/* The end that sends or receives next is asked for its process (sock.bpf.c). */
static __always_inline void quic_ask(const struct ev_wire *w, const struct quic_datagram *d)
{
	__u64 cookie = d->key.cookie;
	struct quic_last *last;

	if (!(w->flags & EV_WIRE_SOUGHT))
		return;
	struct quic_last *f = bpf_map_lookup_elem(&quic_flows, &d->key);
	last = f ? bpf_map_lookup_elem(&quic_socks, &cookie) : NULL;
	if (last && last->gen != f->gen) {
		last->slot = f->slot;
		last->gen = f->gen;
	}
}

static __always_inline void quic_copy(struct __sk_buff *skb, struct ev_wire *w,
				      const struct quic_datagram *d)
{
	struct bytes b = { d->at, d->len, d->each, d->dir };
	bool ok = false;

	if (w->flags & EV_WIRE_FILTERED)
		return;
	if (b.len > PIECE_MAX)
		b.len = PIECE_MAX;
	if (w->copied + b.len <= LIMIT_QUIC_COPIED && may_send(w->owner))
		ok = b.len <= 2048 ? send_bytes(skb, w, &b, 2048)
				   : send_bytes(skb, w, &b, PIECE_MAX);
	if (ok)
		w->copied += b.len;
	else
		count(EV_C_WIRE_BYTES, d->len);
}

/* A datagram that is, or may be, QUIC. Its payload is at `at`. */
APART int quic_packet(struct __sk_buff *skb, __u64 cookie, __u32 at, __u32 dir)
{
	struct quic_datagram d;

	__builtin_memset(&d, 0, sizeof(d));
	d.key.cookie = cookie;
	d.at = at;
	d.dir = dir & 1;
	if (skb->len <= at || at < UDP_HEADER)
		return 0;
	d.len = skb->len - at;
	d.each = skb->gso_size ?: d.len;
	quic_read_head(skb, &d);
	if (!d.is_initial && !quic_has(cookie))
		return 0;
	if (!quic_read_ends(skb, &d))
		return 0;
	struct ev_wire *w = quic_of(&d.key);
	if (w && quic_is_another(w, &d)) {
		wire_free_slot(w);
		w = NULL;
	}
	if (!w && quic_may_begin(&d))
		w = quic_begin(skb, &d);
	if (!w)
		return 0;
	quic_ask(w, &d);
	quic_count(skb, w, &d);
	if (d.is_initial)
		quic_copy(skb, w, &d);
	return 0;
}

/* Is it UDP? Then it is nothing else's, and this counts it where it is QUIC. */
static __always_inline bool wire_udp(struct __sk_buff *skb, __u64 cookie, __u32 dir)
{
	__u32 at = 40 + UDP_HEADER;
	__u8 ip[10], first;

	if (bpf_skb_load_bytes(skb, 0, ip, sizeof(ip)))
		return false;
	if (ip[0] >> 4 == 4)
		at = (ip[0] & 15) * 4 + UDP_HEADER;
	if ((ip[0] >> 4 == 4 ? ip[9] : ip[6]) != IPPROTO_UDP)
		return false;
	if (bpf_skb_load_bytes(skb, at, &first, 1))
		return true;
	if (first >= (QUIC_LONG | QUIC_FIXED) || quic_has(cookie))
		quic_packet(skb, cookie, at, dir);
	return true;
}

#endif
