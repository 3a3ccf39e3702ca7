/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How records get into the ring: who may send, waking the reader, the bytes of a call in pieces. */
#ifndef CLEARTAP_RECORD_BPF_H
#define CLEARTAP_RECORD_BPF_H

#include "owner.bpf.h"

/*
 * Wake the reader when the ring's fill passes a multiple of wake_bytes, or at once when it said
 * that it sleeps; it also looks by itself every few milliseconds (src/source/ring.c).
 */
static __always_inline __u64 wake_flags(__u64 size)
{
	__u32 zero = 0;
	struct ev_control *c = bpf_map_lookup_elem(&control, &zero);

	if (c && c->wake) {
		c->wake = 0;
		return BPF_RB_FORCE_WAKEUP;
	}
	__u64 fill = bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA);
	return (fill & (wake_bytes - 1)) < size ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;
}

/* Who and which connection a record is about. */
struct about {
	__u64 id, conn, gen;
	__u32 owner;
};

static __always_inline void fill_hdr(struct ev_hdr *hdr, enum ev_type type, __u32 size,
				     const struct about *a, __u64 ktime)
{
	hdr->type = type;
	hdr->flags = 0;
	hdr->owner = a->owner;
	hdr->size = size;
	hdr->ktime = ktime;
	hdr->tgid = a->id >> 32;
	hdr->tid = (__u32)a->id;
	hdr->conn = a->conn;
	hdr->gen = a->gen;
}

/* Bytes of the ring that wait for the reader in this owner's name. */
static __always_inline __s64 ring_held(const struct ev_owner *o, const __u64 *taken)
{
	return o->sent - *(const volatile __u64 *)taken;
}

/* More than so many eighths of the ring are unread. */
static __always_inline bool ring_fuller(__u64 eighths)
{
	return bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA) >
	       ring_share * LIMIT_SHARE / 8 * eighths;
}

/* What nobody else uses is lent, as long as that leaves three eighths of the ring. */
static __always_inline bool ring_share_left(const struct ev_owner *o, const __u64 *taken)
{
	return ring_held(o, taken) < (__s64)ring_share || !ring_fuller(5);
}

static __always_inline void count_lost(struct ev_owner *o, enum ev_counter why, __u64 len)
{
	count(why, 1);
	__sync_fetch_and_add(&o->lost_records, 1);
	if (!len) /* of an addition of 0 clang makes an atomic |=, which 5.10 does not know */
		return;
	count(EV_C_RING_BYTES, len);
	__sync_fetch_and_add(&o->lost_bytes, len);
}

/* May this owner send a record that he can send as many of as he likes? */
static __always_inline bool may_send(__u32 owner)
{
	struct ev_owner *o = owner_get(owner);
	__u64 *taken = bpf_map_lookup_elem(&owner_taken, &owner);

	if (!o || !taken)
		return false;
	if (ring_share_left(o, taken))
		return true;
	count_lost(o, EV_C_RING_SHARE, 0);
	return false;
}

/* To be called between reserve and submit: what the reader took is never more than what was sent.
 */
static __always_inline void ring_take(__u32 owner, __u64 size)
{
	struct ev_owner *o = owner_get(owner);

	if (o)
		__sync_fetch_and_add(&o->sent, EV_RING_BYTES(size));
}

/*
 * A fixed-size record, or NULL with the drop counted. The ends of connections and processes need no
 * may_send(): there are no more of them than of beginnings, and without them the reader would have
 * to remember for good.
 */
#define reserve(type, for_owner)                                                                   \
	({                                                                                         \
		type *rec_ = bpf_ringbuf_reserve(&events, sizeof(type), 0);                        \
		if (rec_)                                                                          \
			ring_take(for_owner, EV_RING_BYTES(sizeof(type)));                         \
		else                                                                               \
			count(EV_C_RING_FULL, 1);                                                  \
		rec_;                                                                              \
	})

static __always_inline void submit(void *rec, __u64 size)
{
	bpf_ringbuf_submit(rec, wake_flags(size));
}

/* What one record says, before its payload. */
struct piece {
	struct about about;
	struct ev_owner *owner;
	const __u64 *taken;
	__u64 begin, end, offset, reached, goid, src;
	__u32 span, len;
	__u8 dir, flags;
};

/*
 * Send one record with room for `class` bytes, a constant as bpf_ringbuf_reserve() wants; copying
 * straight into the ring needs no scratch memory that a preempting thread could overwrite. Returns
 * what it takes of the ring, 0: there was no room.
 */
static __always_inline __u64 send_class(const struct piece *p, const __u64 class)
{
	struct ev_data *e = bpf_ringbuf_reserve(&events, sizeof(*e) + class, 0);
	__u64 len = p->len;

	if (!e)
		return 0;
	if (len > class)
		len = class;
	asm volatile("" : "+r"(len)); /* clang 14 would drop the bound that the verifier needs */
	if (len > class)
		len = class;
	fill_hdr(&e->hdr, EV_DATA, sizeof(*e) + len, &p->about, p->end);
	e->hdr.flags = p->flags;
	e->begin = p->begin;
	e->offset = p->offset;
	e->reached = p->reached;
	e->goid = p->goid;
	e->span = p->span;
	e->dir = p->dir;
	__builtin_memset(e->pad, 0, sizeof(e->pad));
	if (class && len && bpf_probe_read_user(e->payload, len, (void *)p->src)) {
		count(EV_C_FAULT, 1);
		e->hdr.flags |= EV_F_FAULT;
		e->hdr.size = sizeof(*e);
		len = 0;
	}
	e->len = len;
	submit(e, sizeof(*e) + class);
	return EV_RING_BYTES(sizeof(*e) + class);
}

static __always_inline __u64 send_fitting(const struct piece *p)
{
	switch (p->len) {
	case 0:
		return send_class(p, 0);
	case 1 ... 128:
		return send_class(p, 128);
	case 129 ... 256:
		return send_class(p, 256);
	case 257 ... 512:
		return send_class(p, 512);
	case 513 ... 1024:
		return send_class(p, 1024);
	case 1025 ... 1536:
		return send_class(p, 1536);
	case 1537 ... 2048:
		return send_class(p, 2048);
	case 2049 ... 4096:
		return send_class(p, 4096);
	case 4097 ... 6144:
		return send_class(p, 6144);
	case 6145 ... 8192:
		return send_class(p, 8192);
	case 8193 ... 12288:
		return send_class(p, 12288);
	default:
		return send_class(p, EV_CHUNK_MAX);
	}
}

/*
 * Bytes that may be copied of the message that goes on. Who holds what is lent loses large bodies
 * before anything else, however often he begins another message.
 */
static __always_inline __u64 call_budget(const struct conn *c, const struct piece *p)
{
	__u64 budget = message_budget;

	if (budget > EV_CHUNK_MAX && ring_held(p->owner, p->taken) > (__s64)ring_share &&
	    ring_fuller(4))
		budget = EV_CHUNK_MAX;
	return budget > c->spent ? budget - c->spent : 0;
}

static __always_inline bool sent(const struct piece *p, bool room, __u64 bytes)
{
	if (bytes)
		__sync_fetch_and_add(&p->owner->sent, bytes);
	else
		count_lost(p->owner, room ? EV_C_RING_FULL : EV_C_RING_SHARE, p->len);
	return bytes;
}

struct call {
	__u64 conn, src, total;
	__u64 goid;
	__u64 begin; /* 0: when it ended, which is now */
	__u8 dir;
};

/*
 * The bytes of one finished call. What the other direction has reached is read before a place in
 * the ring is taken, and told to it after that. The offset moves on by all of them; what the budget
 * leaves out is counted in the span of the last record, what finds no room shows as a jump of the
 * offset.
 */
static __always_inline void send_call(__u64 id, struct conn *c, const struct call *call)
{
	__u32 zero = 0, owner = c->owner;
	struct ev_control *ctl = bpf_map_lookup_elem(&control, &zero);
	__u8 dir = call->dir;
	__u64 total = call->total;
	struct piece p = { .about = { id, call->conn, c->gen, owner },
			   .owner = owner_get(owner),
			   .taken = bpf_map_lookup_elem(&owner_taken, &owner),
			   .end = bpf_ktime_get_ns(),
			   .offset = c->offset[dir & 1],
			   .reached = c->told[!dir],
			   .goid = call->goid,
			   .src = call->src,
			   .dir = dir };

	if (!p.owner || !p.taken)
		return;
	p.begin = call->begin ?: p.end;
	count(EV_C_CALLS, 1);
	count_hit(c->target);
	c->used = p.end;
	c->offset[dir & 1] += total;
	if (c->dir != dir) {
		c->dir = dir;
		c->spent = 0;
	}
	__u64 take = call_budget(c, &p);
	if (take < total)
		p.flags = EV_F_BUDGET;
	if (ctl && ctl->paused) {
		take = 0;
		p.flags = EV_F_PAUSED;
	}
	if (take > total)
		take = total;
	if (take > (__u64)EV_CALL_CHUNKS * EV_CHUNK_MAX) {
		take = (__u64)EV_CALL_CHUNKS * EV_CHUNK_MAX;
		p.flags = EV_F_BUDGET;
	}
	c->spent += take;
	if (take < total)
		count(EV_C_BUDGET_BYTES, total - take);

	__u8 flags = p.flags;
	p.flags = EV_F_MORE;
	p.span = p.len = EV_CHUNK_MAX;
	for (int i = 0; i < EV_CALL_CHUNKS && take > EV_CHUNK_MAX; i++) {
		bool room = ring_share_left(p.owner, p.taken);
		sent(&p, room, room ? send_class(&p, EV_CHUNK_MAX) : 0);
		p.offset += EV_CHUNK_MAX;
		p.src += EV_CHUNK_MAX;
		take -= EV_CHUNK_MAX;
		total -= EV_CHUNK_MAX;
	}
	p.flags = flags;
	p.len = take;
	p.span = total;
	bool room = ring_share_left(p.owner, p.taken);
	bool untold = !sent(&p, room, room ? send_fitting(&p) : 0);
	p.len = 0; /* try at least to tell that there was something */
	if (untold && room && take)
		ring_take(owner, send_class(&p, 0));
	c->told[dir & 1] = p.offset + total;
}

#endif
