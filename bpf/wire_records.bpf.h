/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Following the records of a direction: they are counted, and what a handshake says is copied. */
#ifndef CLEARTAP_WIRE_RECORDS_BPF_H
#define CLEARTAP_WIRE_RECORDS_BPF_H

#include "wire_slot.bpf.h"

struct bytes {
	__u32 at, len, seq;
	__u8 dir;
};

static __always_inline bool send_bytes(struct __sk_buff *skb, const struct ev_wire *w,
				       const struct bytes *b, const __u32 class)
{
	struct about about = wire_about(w, 0);
	struct ev_wire_bytes *e = bpf_ringbuf_reserve(&events, sizeof(*e) + class, 0);
	__u64 len = b->len;

	if (!e) {
		count(EV_C_RING_FULL, 1);
		return false;
	}
	ring_take(w->owner, sizeof(*e) + class);
	/* class is a power of two; 5.10 learns no lower bound from a comparison with 0 */
	len = ((len - 1) & (class - 1)) + 1;
	asm volatile("" : "+r"(len));
	fill_hdr(&e->hdr, EV_WIRE_BYTES, sizeof(*e) + len, &about, bpf_ktime_get_ns());
	e->seq = b->seq;
	e->dir = b->dir;
	__builtin_memset(e->pad, 0, sizeof(e->pad));
	e->len = len;
	len = ((len - 1) & (class - 1)) + 1;
	if (bpf_skb_load_bytes(skb, b->at, e->payload, len)) {
		e->len = 0;
		e->hdr.size = sizeof(*e);
	}
	submit(e, sizeof(*e) + class);
	return true;
}

/* `len` bytes of payload at `seq`, which are at `at` in the packet. */
APART int wire_copy(struct __sk_buff *skb, __u32 at, __u32 len, __u32 seq, __u32 dir)
{
	struct wire_sock *ws = sock_state(skb);
	struct ev_wire *w = ws ? slot_of(ws) : NULL;

	if (!w || w->flags & EV_WIRE_FILTERED)
		return 0;
	struct bytes b = { at, len, seq, dir };
	for (int i = 0; i < PIECES && len; i++) {
		if (w->copied + len > LIMIT_WIRE_HANDSHAKE || !may_send(w->owner))
			break;
		b.len = len > PIECE_MAX ? PIECE_MAX : len;
		bool ok = b.len <= 256	  ? send_bytes(skb, w, &b, 256)
			  : b.len <= 2048 ? send_bytes(skb, w, &b, 2048)
					  : send_bytes(skb, w, &b, PIECE_MAX);
		if (!ok)
			break;
		w->copied += b.len;
		b.at += b.len;
		b.seq += b.len;
		len -= b.len;
	}
	if (len)
		count(EV_C_WIRE_BYTES, len);
	return 0;
}

/* What came of a header before the rest of it: `have` bytes of it, the first one lowest. */
APART int wire_copy_header(struct __sk_buff *skb, __u64 header, __u32 have, __u32 seq, __u32 dir)
{
	struct wire_sock *ws = sock_state(skb);
	struct ev_wire *w = ws ? slot_of(ws) : NULL;

	if (!w || w->flags & EV_WIRE_FILTERED || w->copied + 8 > LIMIT_WIRE_HANDSHAKE ||
	    !may_send(w->owner))
		return 0;
	struct about about = wire_about(w, 0);
	struct ev_wire_bytes *e = bpf_ringbuf_reserve(&events, sizeof(*e) + 8, 0);
	if (!e)
		return 0;
	have &= 7;
	w->copied += have;
	ring_take(w->owner, sizeof(*e) + 8);
	fill_hdr(&e->hdr, EV_WIRE_BYTES, sizeof(*e) + have, &about, bpf_ktime_get_ns());
	e->seq = seq;
	e->len = have;
	e->dir = dir & 1;
	__builtin_memset(e->pad, 0, sizeof(e->pad));
	__builtin_memcpy(e->payload, &header, 8);
	submit(e, sizeof(*e) + 8);
	return 0;
}

static __always_inline bool header_fits(const __u8 *h)
{
	__u32 len = h[3] << 8 | h[4];

	return h[0] >= TYPE_CHANGE && h[0] <= TYPE_MAX && h[1] == 3 && h[2] <= 4 &&
	       len <= RECORD_MAX && (h[0] == TYPE_APP || len);
}

/* A record of which the payload has the places `at` to `end`, maybe beyond its own end. */
static __always_inline void find_record(struct found *f, __u32 type, __u32 at, __u32 end, __u32 len)
{
	f->headers++;
	f->types |= 1 << ((type - TYPE_CHANGE) & 7);
	if (type == TYPE_APP) {
		if (f->firsts < EV_WIRE_FIRST)
			f->first[f->firsts++] = len;
		f->latest = len;
		f->app_records++;
		f->app_bytes += len;
		return;
	}
	f->handshakes += type == TYPE_HELLO;
	f->alerts += type == TYPE_ALERT;
	f->changes += type == TYPE_CHANGE;
	if (f->to[0] == at) {
		f->to[0] = end;
	} else {
		if (f->to[1] != at)
			f->from[1] = at;
		f->to[1] = end;
	}
}

static __always_inline void add_app(struct ev_wire_way *y, const struct found *f, bool early)
{
	if (!y->app_records && f->app_records)
		y->app_at = bpf_ktime_get_ns();
	y->app_records += f->app_records;
	y->app_bytes += f->app_bytes;
	if (early) {
		y->early_records += f->app_records;
		y->early_bytes += f->app_bytes;
	} else {
		for (int i = 0; i < EV_WIRE_FIRST && y->firsts < EV_WIRE_FIRST; i++) {
			__u32 to = y->firsts;
			if (i < f->firsts && to < EV_WIRE_FIRST) {
				y->first[to] = f->first[i];
				y->firsts = to + 1;
			}
		}
	}
	if (f->app_records)
		y->latest = f->latest;
}

/* The header at k->pos into h: 0 or 1. What of it came before is as it came first. */
static __always_inline int load_header(struct __sk_buff *skb, __u32 at, const struct sync *s,
				       const struct walk *k, __u8 *h)
{
	__s32 pos = k->pos;

	if (pos >= 0 && !s->have)
		return bpf_skb_load_bytes(skb, at + pos, h, RECORD_HEADER) == 0;
	for (int i = 0; i < RECORD_HEADER; i++) {
		__s32 p = pos + i;
		if (p < 0 || i < s->have)
			h[i] = s->header[i];
		else if (bpf_skb_load_bytes(skb, at + p, &h[i], 1))
			return 0;
	}
	return 1;
}

/* The next record of a payload, whose header is in it: false when there is none. */
static __always_inline bool next_record(struct __sk_buff *skb, __u32 at, struct sync *s,
					struct walk *k)
{
	__u8 h[8] = { 0 };
	__s32 pos = k->pos;

	if (!load_header(skb, at, s, k, h) || !header_fits(h))
		return false;
	__u32 size = h[3] << 8 | h[4];
	s->type = h[0];
	s->have = 0;
	k->pos = pos + RECORD_HEADER + size;
	find_record(&k->found, h[0], pos < 0 ? 0 : pos, k->pos, size);
	return true;
}

enum { RECORD_NONE, RECORD_FOUND, RECORD_BEYOND };

/* The next record: is its header one, and as a whole in the payload? */
APART int wire_record(struct __sk_buff *skb, __u32 at, __u32 len, __u32 dir)
{
	struct wire_sock *ws = sock_state(skb);

	if (!ws)
		return RECORD_NONE;
	struct walk *k = &ws->walk[dir & 1];
	if (k->pos + RECORD_HEADER > (__s32)len)
		return RECORD_BEYOND;
	return next_record(skb, at, &ws->sync[dir & 1], k) ? RECORD_FOUND : RECORD_NONE;
}

/* Are there records up to the payload's end? By itself, as 5.10 would verify each turn anew. */
APART int wire_walk(struct __sk_buff *skb, __u32 at, __u32 len, __u32 dir)
{
	int found = RECORD_FOUND;

	for (int i = 0; i <= LIMIT_WIRE_RECORDS && found == RECORD_FOUND; i++)
		found = wire_record(skb, at, len, dir);
	return found == RECORD_BEYOND;
}

/* Remember what there is of a header at k->pos, whose rest has not come; of a part that comes
 * again the first copy counts. */
APART int wire_keep_header(struct __sk_buff *skb, __u32 at, __u32 len, __u32 dir)
{
	struct wire_sock *ws = sock_state(skb);

	if (!ws)
		return 0;
	struct sync *s = &ws->sync[dir & 1];
	struct walk *k = &ws->walk[dir & 1];
	__u8 have = 0;
	for (int i = 0; i < RECORD_HEADER - 1; i++) {
		__s32 p = k->pos + i;
		if (p >= (__s32)len)
			break;
		if (p >= 0 && i >= s->have && bpf_skb_load_bytes(skb, at + p, &s->header[i], 1))
			break;
		have = i + 1;
	}
	if (have > s->have)
		s->have = have;
	return 0;
}

static __always_inline void lose(struct sync *s)
{
	if (s->state == SYNC_ON) {
		count(EV_C_WIRE_LOST, 1);
		s->lost = 1;
		s->tried = 0;
	}
	s->state = SYNC_OFF;
	s->have = s->good = 0;
}

/* What lies before this payload did not come, or comes late: nobody knows where records begin. */
static __always_inline bool sync_gap(const struct sync *s, __u32 seq)
{
	return s->state != SYNC_OFF && (__s32)(s->next + s->have - seq) < 0;
}

/*
 * Follow the records of a payload from the header that comes next. The number of its bytes whose
 * place in a record is known.
 */
static __always_inline __u32 follow(struct __sk_buff *skb, struct sync *s, struct walk *k,
				    const struct wire_segment *g, __u32 dir)
{
	__u32 at = g->at, len = g->len, seq = g->seq;

	k->pos = s->next - seq;
	if (k->pos > 0) {
		k->found.types = 1 << ((s->type - TYPE_CHANGE) & 7);
		if (s->type != TYPE_APP)
			k->found.to[0] = k->pos;
	}
	bool whole = k->pos + RECORD_HEADER > (__s32)len || wire_walk(skb, at, len, dir);
	s->next = seq + k->pos;
	if (!whole) {
		lose(s);
		return k->pos < 0 ? 0 : k->pos;
	}
	if (k->pos < (__s32)len)
		wire_keep_header(skb, at, len, dir);
	return len;
}

/* What the records of a packet had, into the sums of its connection. */
APART int wire_add(struct __sk_buff *skb, __u32 not_followed, __u32 dir)
{
	struct wire_sock *ws = sock_state(skb);
	struct ev_wire *w = ws && ws->state == SOCK_TLS ? slot_of(ws) : NULL;

	if (!w)
		return 0;
	struct walk *k = &ws->walk[dir & 1];
	struct ev_wire_way *y = &w->way[dir & 1];
	k->found.app_records += k->records;
	k->found.app_bytes += k->bytes;
	k->records = k->bytes = 0;
	add_app(y, &k->found, !(w->flags & EV_WIRE_MIDWAY) && !w->way[!(dir & 1)].app_records);
	y->handshakes += k->found.handshakes;
	y->alerts += k->found.alerts;
	y->changes += k->found.changes;
	y->not_followed += not_followed;
	return 0;
}

/* What of a packet is no application data goes to user space. Its types. */
APART int wire_copy_found(struct __sk_buff *skb, __u32 at, __u32 len, __u32 seq, __u32 dir)
{
	struct wire_sock *ws = sock_state(skb);

	if (!ws)
		return 0;
	const struct found *f = &ws->walk[dir & 1].found;
	for (int i = 0; i < 2; i++) {
		__u32 from = f->from[i], to = f->to[i] > len ? len : f->to[i];
		if (to > from)
			wire_copy(skb, at + from, to - from, seq + from, dir);
	}
	return f->types;
}

#define FAST_RECORDS 16

/*
 * What most packets are: a part of a record of application data, or some of these as a whole, of a
 * direction that is followed. Only sums change. The types of its records, or -1: look closer.
 */
static __always_inline int wire_count_app(struct __sk_buff *skb, struct wire_flow *f,
					  struct ev_wire *w, const struct wire_segment *g,
					  const __u32 dir)
{
	struct sync *s = &f->sock.sync[dir];
	struct ev_wire_way *y = &w->way[dir];
	__u32 next = s->next, records = 0, bytes = 0, latest = 0;
	__s32 pos = next - g->seq, len = g->len;

	if (s->state != SYNC_ON || s->have || pos < 0 || (pos && s->type != TYPE_APP))
		return -1;
	if (pos >= len)
		return TYPES_APP;
	bool early = !(w->flags & EV_WIRE_MIDWAY) && !w->way[!dir].app_records;
	if (!y->app_records || (!early && y->firsts < EV_WIRE_FIRST))
		return -1;
	for (int i = 0; i < FAST_RECORDS && pos + RECORD_HEADER <= len; i++) {
		__u8 h[8];
		if (bpf_skb_load_bytes(skb, g->at + pos, h, RECORD_HEADER) || h[0] != TYPE_APP ||
		    !header_fits(h))
			return -1;
		latest = h[3] << 8 | h[4];
		pos += RECORD_HEADER + latest;
		bytes += latest;
		records++;
	}
	if (pos < len)
		return -1;
	if (dir == EV_READ) /* another processor may have the same */
		bpf_spin_lock(&f->lock);
	bool ours = s->next == next && s->state == SYNC_ON && !s->busy;
	if (ours) {
		s->next = g->seq + pos;
		s->type = TYPE_APP;
		y->app_records += records;
		y->app_bytes += bytes;
		y->latest = latest;
		if (early) {
			y->early_records += records;
			y->early_bytes += bytes;
		}
	}
	if (dir == EV_READ)
		bpf_spin_unlock(&f->lock);
	return TYPES_APP;
}

/*
 * A packet is looked at closer: of those that are received two may come at once, and one passes
 * while the other's records are not followed.
 */
static __always_inline bool way_enter(__u64 cookie, __u32 dir)
{
	struct wire_flow *f = dir == EV_READ ? flow_of(cookie) : NULL;
	bool busy = false;

	if (!f)
		return true;
	bpf_spin_lock(&f->lock);
	busy = f->sock.sync[EV_READ].busy;
	f->sock.sync[EV_READ].busy = 1;
	bpf_spin_unlock(&f->lock);
	return !busy;
}

static __always_inline void way_leave(__u64 cookie, __u32 dir)
{
	struct wire_flow *f = dir == EV_READ ? flow_of(cookie) : NULL;

	if (!f)
		return;
	bpf_spin_lock(&f->lock);
	f->sock.sync[EV_READ].busy = 0;
	bpf_spin_unlock(&f->lock);
}

/* Payload of a connection that is, or may be, TLS: what of it is in records. Their types. */
APART int wire_follow(struct __sk_buff *skb, __u32 at, __u32 len, __u32 seq, __u32 dir)
{
	struct wire_sock *ws = sock_state(skb);

	if (!ws)
		return 0;
	struct sync *s = &ws->sync[dir & 1];
	struct walk *k = &ws->walk[dir & 1];
	__u32 known = 0, next = s->next;
	__u32 had = (__s32)(next - seq) < 0 ? s->have : 0;
	__u64 header;
	__builtin_memcpy(&header, s->header, 8); /* the last three are not of it */
	__builtin_memset(&k->found, 0, sizeof(k->found));
	if (s->state != SYNC_OFF)
		known = follow(skb, s, k, &(struct wire_segment){ at, len, seq }, dir);
	if (s->state == SYNC_TRY) {
		s->good += k->found.headers;
		if (s->good >= BELIEVED)
			s->state = SYNC_ON;
	}
	if (s->state == SYNC_TRY) {
		struct ev_wire *w = ws->state == SOCK_TLS ? slot_of(ws) : NULL;
		k->records += k->found.app_records;
		k->bytes += k->found.app_bytes;
		if (w && (s->lost || w->flags & EV_WIRE_MIDWAY))
			w->way[dir & 1].not_followed += len;
		return 0;
	}
	if (s->state == SYNC_ON && ws->state != SOCK_TLS) {
		if (!wire_begin(skb)) {
			set_plain(bpf_get_socket_cookie(skb), ws);
			return 0;
		}
		ws = sock_state(skb);
		if (!ws)
			return 0;
		k = &ws->walk[dir & 1];
	}
	wire_add(skb, len - known, dir);
	if (had && (k->found.types & ~TYPES_APP))
		wire_copy_header(skb, header, had, next, dir);
	return wire_copy_found(skb, at, len, seq, dir);
}

#endif
