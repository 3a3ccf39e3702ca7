/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets of TLS connections that are kept whole, where --keep-packets asks for it. */
#ifndef CLEARTAP_WIRE_KEEP_BPF_H
#define CLEARTAP_WIRE_KEEP_BPF_H

#include "wire.bpf.h"

const volatile bool keep_packets __weak = false;
const volatile __u64 keep_share __weak = 4 << 20; /* bytes of the ring that are one owner's */

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} packets __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, EV_OWNERS);
	__type(key, __u32);
	__type(value, struct ev_packet_share);
} packet_shares __weak SEC(".maps");

static __always_inline int keep_lose(__u32 owner, enum ev_counter why)
{
	struct ev_owner *o = owner_get(owner);

	if (o)
		__sync_fetch_and_add(&o->lost_packets, 1);
	count(why, 1);
	return 0;
}

/* As ring_share_left(): what nobody else uses is lent. */
static __always_inline bool keep_share_left(const volatile struct ev_packet_share *s)
{
	return (__s64)(s->sent - s->taken) < (__s64)keep_share ||
	       bpf_ringbuf_query(&packets, BPF_RB_AVAIL_DATA) <= keep_share * LIMIT_SHARE / 8 * 5;
}

/* Copy it into a record with room for `class` bytes, a constant. False: there was no room. */
static __always_inline bool keep_class(struct __sk_buff *skb, const struct ev_packet *head,
				       struct ev_packet_share *s, const __u64 class)
{
	struct ev_packet *p = bpf_ringbuf_reserve(&packets, sizeof(*p) + class, 0);
	__u64 len = skb->len;

	if (!p)
		return false;
	__sync_fetch_and_add(&s->sent, EV_RING_BYTES(sizeof(*p) + class));
	if (len > class)
		len = class;
	asm volatile("" : "+r"(len)); /* clang 14 would drop the bound that the verifier needs */
	if (len > class)
		len = class;
	__builtin_memcpy(p, head, sizeof(*p));
	if (!len || bpf_skb_load_bytes(skb, 0, p->payload, len)) {
		count(EV_C_FAULT, 1);
		len = 0;
	}
	p->have = len;
	bpf_ringbuf_submit(p, 0); /* wakes a reader that has read all */
	return true;
}

static __always_inline bool keep_fitting(struct __sk_buff *skb, const struct ev_packet *head,
					 struct ev_packet_share *s)
{
	if (head->len <= 128)
		return keep_class(skb, head, s, 128);
	if (head->len <= 512)
		return keep_class(skb, head, s, 512);
	if (head->len <= 1536)
		return keep_class(skb, head, s, 1536);
	if (head->len <= 4608)
		return keep_class(skb, head, s, 4608);
	if (head->len <= 9216)
		return keep_class(skb, head, s, 9216);
	if (head->len <= 17408)
		return keep_class(skb, head, s, 17408);
	if (head->len <= 34816)
		return keep_class(skb, head, s, 34816);
	return keep_class(skb, head, s, LIMIT_KEEP_PACKET);
}

/*
 * A packet that was looked at, if it is of a TLS connection. What a filter leaves out is not
 * copied; as long as it may do so yet, a little is, which the reader holds until it has decided.
 */
APART int wire_keep(struct __sk_buff *skb, __u32 dir)
{
	__u64 cookie = bpf_get_socket_cookie(skb);
	__u32 zero = 0, slot = index_get(cookie) - INDEX_SLOT;
	struct ev_wire *w = bpf_map_lookup_elem(&wire_slots, &slot);

	if (!w || !w->gen || w->cookie != cookie)
		return 0;
	__u32 owner = w->owner;
	struct ev_control *ctl = bpf_map_lookup_elem(&control, &zero);
	struct ev_packet_share *s = bpf_map_lookup_elem(&packet_shares, &owner);

	if (!s || !ctl || ctl->paused || w->flags & EV_WIRE_FILTERED)
		return 0;
	struct ev_packet head = {
		.ktime = bpf_ktime_get_ns(),
		.gen = w->gen,
		.slot = slot,
		.len = skb->len,
		.owner = owner,
		.dir = dir,
		.pending = filter_processes && !(w->flags & EV_WIRE_ASKED),
	};
	if (head.pending && w->pending + head.len > LIMIT_KEEP_PENDING)
		return keep_lose(owner, EV_C_KEEP_PENDING);
	if (head.pending)
		w->pending += head.len;
	if (!keep_share_left(s))
		return keep_lose(owner, EV_C_KEEP_SHARE);
	if (!keep_fitting(skb, &head, s))
		return keep_lose(owner, EV_C_KEEP_FULL);
	return 1;
}

#endif
