// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * TLS on the wire. Every packet of a TCP socket passes here, on its way in and out. Whether its
 * connection is TLS its bytes tell, not its port: a hello where a stream begins or, for what was
 * upgraded (STARTTLS), where one of its first packets begins; records that follow each other, for
 * what was there before. From then on the next record's place in the stream is known, so that of a
 * packet only headers are read. What a handshake says is copied, application data is counted.
 *
 * What is known of a socket lies with the socket (a map of socket storage) and ends with it, so
 * that of the many that are not TLS nothing is looked up and nobody needs to clean up.
 */
#include "wire.bpf.h"

#define ETH_IP	 0x0800
#define ETH_IPV6 0x86DD

#define RECORD_HEADER 5
#define RECORD_MAX    (16384 + 2048) /* RFC 5246, 6.2.3 */
#define TYPE_CHANGE   20
#define TYPE_ALERT    21
#define TYPE_HELLO    22
#define TYPE_APP      23
#define TYPE_MAX      24 /* heartbeat */
#define BELIEVED      3	 /* headers in sequence that fit, of a stream whose begin was not seen */
#define PIECES	      4
#define PIECE_MAX     16384

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

/* A record of which the payload has the places `at` to `end`, maybe beyond its own end. */
/* Where records begin in one direction. */
struct sync {
	__u32 next; /* sequence number of the next record's header */
	__u8 state;
	__u8 type; /* of the record before it */
	__u8 have; /* bytes of that header that came already */
	__u8 good; /* SYNC_TRY: headers that fitted */
	__u8 header[8];
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

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct wire_sock);
} wire_socks SEC(".maps");

/* A segment: where its payload is in the packet, and in the stream. */
struct segment {
	__u32 at, len, seq;
};

static __always_inline struct wire_sock *sock_state(struct __sk_buff *skb, __u64 flags)
{
	struct bpf_sock *sk = skb->sk;

	sk = sk ? bpf_sk_fullsock(sk) : NULL;
	return sk ? bpf_sk_storage_get(&wire_socks, sk, NULL, flags) : NULL;
}

static __always_inline struct ev_wire *slot_of(const struct wire_sock *ws)
{
	__u32 n = ws->slot;
	struct ev_wire *w = bpf_map_lookup_elem(&wire_slots, &n);

	return w && w->gen == ws->gen ? w : NULL;
}

/* How long ago an owner's slot was used, or 0: it may not be taken from him for this one. */
static __always_inline __u64 slot_idle(const struct ev_wire *w, __u32 owner, __u64 now)
{
	struct ev_owner *o = owner_get(w->owner);
	__u64 last = w->way[0].last > w->way[1].last ? w->way[0].last : w->way[1].last;

	if (w->owner != owner && o && share_left(o, EV_OWN_WIRE, LIMIT_WIRE_FLOWS))
		return 0;
	return last < now ? now - last : 0;
}

/* A slot near a place that nobody can foresee: a free one, or the longest idle; LOT_NONE. */
APART __u32 wire_slot_find(__u32 owner, __u64 now)
{
	__u32 at = bpf_get_prandom_u32(), oldest = LOT_NONE;
	__u64 longest = 0;

	for (int i = 0; i < LOT_TRIES; i++) {
		__u32 n = (at + i) % LIMIT_WIRE_FLOWS;
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

APART int wire_make_room(__u32 n)
{
	struct ev_wire *w = bpf_map_lookup_elem(&wire_slots, &n);

	if (!w || !w->gen)
		return 0;
	struct ev_owner *o = owner_get(w->owner);
	if (o)
		__sync_fetch_and_add(&o->idle, 1);
	count(EV_C_WIRE_IDLE, 1);
	wire_free_slot(w);
	return 1;
}

static __always_inline void fill_slot(struct ev_wire *w, struct bpf_sock *sk, __u64 cookie)
{
	__builtin_memset(w->way, 0, sizeof(w->way));
	__builtin_memset(w->local_ip, 0, sizeof(w->local_ip));
	__builtin_memset(w->remote_ip, 0, sizeof(w->remote_ip));
	w->cookie = cookie;
	w->copied = w->packets = 0;
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

/* TLS was found: a slot for it. */
APART int wire_begin(struct __sk_buff *skb)
{
	struct bpf_sock *sk = skb->sk;
	struct wire_sock *ws = sock_state(skb, 0);
	__u64 now = bpf_ktime_get_ns(), cookie = bpf_get_socket_cookie(skb);

	sk = sk ? bpf_sk_fullsock(sk) : NULL;
	if (!ws || !sk || sk->state == BPF_TCP_CLOSE) /* nothing would end it */
		return 0;
	__u64 cgroup = bpf_sk_cgroup_id(sk);
	__u32 owner = owner_find(EV_OWNER_CGROUP | cgroup);
	struct ev_owner *o = owner_get(owner);
	__u32 n = wire_slot_find(owner, now);
	if (n == LOT_NONE || !o) {
		if (o)
			share_refuse(o, EV_OWN_WIRE, EV_C_WIRE_SHARE);
		return 0;
	}
	wire_make_room(n);
	struct ev_wire *w = bpf_map_lookup_elem(&wire_slots, &n);
	if (!w)
		return 0;
	fill_slot(w, sk, cookie);
	w->cgroup = cgroup;
	w->owner = owner;
	w->opened = ws->opened;
	w->flags = ws->flags;
	w->way[0].last = w->way[1].last = now;
	w->gen = ws->gen = now;
	ws->slot = n;
	ws->state = SOCK_TLS;
	ws->flags |= EV_WIRE_MIDWAY; /* for a slot after this one */
	bpf_map_update_elem(&wire_cookies, &cookie, &n, BPF_ANY);
	share_take(o, EV_OWN_WIRE);
	wire_seek(w, 1);
	send_wire_open(w, n);
	return 1;
}

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
	asm volatile("" : "+r"(len));
	if (len > class)
		len = class;
	fill_hdr(&e->hdr, EV_WIRE_BYTES, sizeof(*e) + len, &about, bpf_ktime_get_ns());
	e->seq = b->seq;
	e->dir = b->dir;
	__builtin_memset(e->pad, 0, sizeof(e->pad));
	e->len = len;
	if (!len || bpf_skb_load_bytes(skb, b->at, e->payload, len)) {
		e->len = 0;
		e->hdr.size = sizeof(*e);
	}
	submit(e, sizeof(*e) + class);
	return true;
}

/* `len` bytes of payload at `seq`, which are at `at` in the packet. */
APART int wire_copy(struct __sk_buff *skb, __u32 at, __u32 len, __u32 seq, __u32 dir)
{
	struct wire_sock *ws = sock_state(skb, 0);
	struct ev_wire *w = ws ? slot_of(ws) : NULL;

	if (!w)
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
	struct wire_sock *ws = sock_state(skb, 0);
	struct ev_wire *w = ws ? slot_of(ws) : NULL;

	if (!w || !may_send(w->owner))
		return 0;
	struct about about = wire_about(w, 0);
	struct ev_wire_bytes *e = bpf_ringbuf_reserve(&events, sizeof(*e) + 8, 0);
	if (!e)
		return 0;
	have &= 7;
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

/* The header at s->pos into h: 0 or 1. */
static __always_inline int load_header(struct __sk_buff *skb, __u32 at, const struct sync *s,
				       __u8 *h)
{
	__s32 pos = s->pos;

	if (pos >= 0)
		return bpf_skb_load_bytes(skb, at + pos, h, RECORD_HEADER) == 0;
	for (int i = 0; i < RECORD_HEADER; i++) {
		__s32 p = pos + i;
		if (p < 0)
			h[i] = s->header[i];
		else if (bpf_skb_load_bytes(skb, at + p, &h[i], 1))
			return 0;
	}
	return 1;
}

enum { RECORD_IS, RECORD_NONE, RECORD_END }; /* one more, no record, the payload ends */

/* The next record of a payload. */
APART int wire_record(struct __sk_buff *skb, __u32 at, __u32 len, __u32 dir)
{
	struct wire_sock *ws = sock_state(skb, 0);
	__u8 h[8] = { 0 };

	if (!ws)
		return RECORD_NONE;
	struct sync *s = &ws->sync[dir & 1];
	__s32 pos = s->pos;
	if (pos + RECORD_HEADER > (__s32)len)
		return RECORD_END;
	if (!load_header(skb, at, s, h) || !header_fits(h))
		return RECORD_NONE;
	__u32 size = h[3] << 8 | h[4];
	s->type = h[0];
	s->pos = pos + RECORD_HEADER + size;
	find_record(&s->found, h[0], pos < 0 ? 0 : pos, s->pos, size);
	return RECORD_IS;
}

/* Remember what there is of a header at s->pos, whose rest has not come. */
APART int wire_keep_header(struct __sk_buff *skb, __u32 at, __u32 len, __u32 dir)
{
	struct wire_sock *ws = sock_state(skb, 0);

	if (!ws)
		return 0;
	struct sync *s = &ws->sync[dir & 1];
	__u8 have = 0;
	for (int i = 0; i < RECORD_HEADER - 1; i++) {
		__s32 p = s->pos + i;
		if (p >= (__s32)len)
			break;
		if (p >= 0 && bpf_skb_load_bytes(skb, at + p, &s->header[i], 1))
			break;
		have = i + 1;
	}
	s->have = have;
	return 0;
}

static __always_inline void lose(struct sync *s)
{
	if (s->state == SYNC_ON)
		count(EV_C_WIRE_LOST, 1);
	s->state = SYNC_OFF;
	s->have = s->good = 0;
	s->records = s->bytes = 0;
}

/*
 * Follow the records of a payload from the header that comes next. The number of its bytes whose
 * place in a record is known.
 */
APART __u32 wire_records(struct __sk_buff *skb, __u32 at, __u32 len, __u32 seq, __u32 dir)
{
	struct wire_sock *ws = sock_state(skb, 0);
	int r = RECORD_NONE;

	if (!ws)
		return 0;
	struct sync *s = &ws->sync[dir & 1];
	__builtin_memset(&s->found, 0, sizeof(s->found));
	s->pos = s->next - seq;
	if (s->pos < 0 && (__s32)(s->next + s->have - seq) < 0) {
		lose(s); /* what lies between did not come, or comes late */
		return 0;
	}
	if (s->pos > 0) {
		s->found.types = 1 << ((s->type - TYPE_CHANGE) & 7);
		if (s->type != TYPE_APP)
			s->found.to[0] = s->pos;
	}
	for (int i = 0; i < LIMIT_WIRE_RECORDS; i++) {
		r = wire_record(skb, at, len, dir);
		if (r != RECORD_IS)
			break;
	}
	s->next = seq + s->pos;
	if (r != RECORD_END) {
		lose(s);
		return s->pos < 0 ? 0 : s->pos;
	}
	s->have = 0;
	if (s->pos < (__s32)len)
		wire_keep_header(skb, at, len, dir);
	return len;
}

/* What the records of a packet had, into the sums of its connection. */
APART int wire_add(struct __sk_buff *skb, __u32 not_followed, __u32 dir)
{
	struct wire_sock *ws = sock_state(skb, 0);
	struct ev_wire *w = ws ? slot_of(ws) : NULL;

	if (!w)
		return 0;
	struct sync *s = &ws->sync[dir & 1];
	struct ev_wire_way *y = &w->way[dir & 1];
	s->found.app_records += s->records;
	s->found.app_bytes += s->bytes;
	s->records = s->bytes = 0;
	add_app(y, &s->found, !w->way[!(dir & 1)].app_records);
	y->handshakes += s->found.handshakes;
	y->alerts += s->found.alerts;
	y->changes += s->found.changes;
	y->not_followed += not_followed;
	return 0;
}

static __always_inline void copy_found(struct __sk_buff *skb, const struct segment *g,
				       const struct found *f, __u32 dir)
{
	for (int i = 0; i < 2; i++) {
		__u32 from = f->from[i], to = f->to[i] > g->len ? g->len : f->to[i];
		if (to > from)
			wire_copy(skb, g->at + from, to - from, g->seq + from, dir);
	}
}

/* Payload of a connection that is, or may be, TLS: what of it is in records. Their types. */
APART int wire_follow(struct __sk_buff *skb, __u32 at, __u32 len, __u32 seq, __u32 dir)
{
	struct wire_sock *ws = sock_state(skb, 0);
	const struct segment g = { at, len, seq };

	if (!ws)
		return 0;
	struct sync *s = &ws->sync[dir & 1];
	__u32 known = 0, next = s->next;
	__u32 had = (__s32)(next - seq) < 0 ? s->have : 0;
	__u64 header;
	__builtin_memcpy(&header, s->header, 8);
	s->found.types = 0;
	if (s->state != SYNC_OFF)
		known = wire_records(skb, at, len, seq, dir);
	if (s->state == SYNC_TRY) {
		s->good += s->found.headers;
		if (s->good >= BELIEVED)
			s->state = SYNC_ON;
	}
	if (s->state == SYNC_TRY) {
		s->records += s->found.app_records;
		s->bytes += s->found.app_bytes;
		return 0;
	}
	if (s->state == SYNC_ON && ws->state != SOCK_TLS && !wire_begin(skb)) {
		ws->state = SOCK_PLAIN;
		return 0;
	}
	wire_add(skb, len - known, dir);
	if (had && (s->found.types & ~(1 << (TYPE_APP - TYPE_CHANGE))))
		wire_copy_header(skb, header, had, next, dir);
	copy_found(skb, &g, &s->found, dir);
	return s->found.types;
}

/* How much of a hello this is: 0 none, 1 it may become one, 2 it is. */
static __always_inline int hello(const __u8 *h, __u32 n)
{
	if (h[0] != TYPE_HELLO || (n > 1 && h[1] != 3) || (n > 2 && h[2] > 4))
		return 0;
	if (n < 6)
		return 1;
	return (h[5] == 1 || h[5] == 2) && (h[3] || h[4] >= 4) && header_fits(h) &&
			       (n < 10 || h[9] == 3)
		       ? 2
		       : 0;
}

/* How many bytes of the stream came before this segment, 0 or 1 where it begins the stream. */
static __always_inline __u64 stream_offset(struct bpf_sock *sk, __u32 dir, __u32 seq)
{
	struct bpf_tcp_sock *tp = bpf_tcp_sock(sk);

	if (!tp)
		return ~0ULL;
	/* each read for itself: the kernel takes no place in it that is computed */
	const volatile struct bpf_tcp_sock *t = tp;
	__u64 received = t->bytes_received, acked = t->bytes_acked;
	__u32 expected = t->rcv_nxt, first = t->snd_una;
	return dir == EV_READ ? received + (__s32)(seq - expected) : acked + (__s32)(seq - first);
}

static __always_inline void begin_sync(struct sync *s, __u32 seq, __u8 good)
{
	s->next = seq;
	s->state = SYNC_TRY;
	s->have = 0;
	s->good = good;
	s->records = s->bytes = 0;
}

/* Does TLS begin with this payload, or does a record? Then its direction has a place to begin. */
APART int wire_look(struct __sk_buff *skb, __u32 at, __u32 len, __u32 seq, __u32 dir)
{
	struct bpf_sock *sk = skb->sk;
	struct wire_sock *ws = sock_state(skb, 0);
	__u8 h[16] = { 0 };
	__u64 n = len < 11 ? len : 11;

	sk = sk ? bpf_sk_fullsock(sk) : NULL;
	if (!ws || !sk)
		return 0;
	asm volatile("" : "+r"(n));
	if (!n || n > 11 || bpf_skb_load_bytes(skb, at, h, n))
		return 0;
	struct sync *s = &ws->sync[dir & 1];
	bool start = false;
	if (!ws->seen[dir & 1]) {
		__u64 offset = stream_offset(sk, dir, seq);
		ws->seen[dir & 1] = 1;
		start = offset <= 1;
		if (dir == EV_WRITE && start)
			ws->opened = offset ? EV_OPENED_LOCAL : EV_OPENED_REMOTE;
		if (!start)
			ws->flags |= EV_WIRE_MIDWAY;
	}
	int is = hello(h, n);
	if (is == 2 || (is && start)) {
		if (ws->state == SOCK_NEW) {
			ws->flags &= ~EV_WIRE_MIDWAY;
			if (!start)
				ws->flags |= EV_WIRE_UPGRADED;
		}
		begin_sync(s, seq, BELIEVED - 1);
	} else if (n >= RECORD_HEADER && header_fits(h) &&
		   (ws->state == SOCK_TLS || (ws->flags & EV_WIRE_MIDWAY))) {
		begin_sync(s, seq, ws->state == SOCK_TLS && start ? BELIEVED - 1 : 0);
	}
	if (ws->state == SOCK_NEW && ++ws->looked >= LIMIT_WIRE_LOOKED && s->state == SYNC_OFF)
		ws->state = SOCK_PLAIN;
	return 0;
}

static __always_inline void count_packet(struct __sk_buff *skb, struct ev_wire *w, __u32 dir,
					 __u32 len, __u32 types)
{
	struct ev_wire_way *y = &w->way[dir & 1];
	__u64 now = bpf_ktime_get_ns();

	y->packets += skb->gso_segs ?: 1;
	y->bytes += len;
	y->last = now;
	if (!len)
		return;
	struct ev_wire_packet *p = &w->packet[w->packets++ & (EV_WIRE_PACKETS - 1)];
	p->when = (now - w->gen) >> 16;
	p->what = (len & 0xfffff) | types << 20 | (dir & 1) << 27;
}

/* Where the payload is. False: it is no TCP segment, or of a kind that is not read. */
static __always_inline bool find_segment(struct __sk_buff *skb, struct segment *ret)
{
	__u8 ip[20], tcp[14];
	__u32 at, proto;

	if (bpf_skb_load_bytes(skb, 0, ip, sizeof(ip)))
		return false;
	if (ip[0] >> 4 == 4) {
		at = (ip[0] & 15) * 4;
		proto = ip[9];
	} else {
		at = 40;
		proto = ip[6];
		for (int i = 0; i < 6 && proto != IPPROTO_TCP; i++) {
			__u8 ext[2];
			if (bpf_skb_load_bytes(skb, at, ext, 2))
				return false;
			at += proto == 51 ? (ext[1] + 2) * 4 : proto == 44 ? 8 : (ext[1] + 1) * 8;
			proto = ext[0];
		}
	}
	if (proto != IPPROTO_TCP || bpf_skb_load_bytes(skb, at, tcp, sizeof(tcp)))
		return false;
	ret->seq = ((__u32)tcp[4] << 24 | tcp[5] << 16 | tcp[6] << 8 | tcp[7]) + (tcp[13] >> 1 & 1);
	ret->at = at + (tcp[12] >> 4) * 4;
	ret->len = skb->len > ret->at ? skb->len - ret->at : 0;
	return true;
}

/* A packet of a connection that is TLS or may become it. */
APART int wire_packet(struct __sk_buff *skb, __u32 dir)
{
	struct wire_sock *ws = sock_state(skb, 0);
	struct segment g;
	int types = 0;

	if (!ws || !find_segment(skb, &g) || (!g.len && ws->state != SOCK_TLS))
		return 0;
	if (g.len && ws->sync[dir & 1].state == SYNC_OFF)
		wire_look(skb, g.at, g.len, g.seq, dir);
	if (g.len && (ws->state == SOCK_TLS || ws->sync[dir & 1].state != SYNC_OFF))
		types = wire_follow(skb, g.at, g.len, g.seq, dir);
	if (ws->state != SOCK_TLS)
		return 0;
	struct ev_wire *w = slot_of(ws);
	if (!w && wire_begin(skb))
		w = slot_of(ws);
	if (!w)
		return 0;
	if (!(w->flags & EV_WIRE_TOLD))
		send_wire_open(w, ws->slot);
	count_packet(skb, w, dir, g.len, types);
	return 0;
}

static __always_inline int wire(struct __sk_buff *skb, __u32 dir)
{
	struct bpf_sock *sk = skb->sk;

	sk = sk ? bpf_sk_fullsock(sk) : NULL;
	if (!sk || sk->protocol != IPPROTO_TCP || sk->state == BPF_TCP_LISTEN)
		return 1;
	struct wire_sock *ws =
		bpf_sk_storage_get(&wire_socks, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (ws && ws->state != SOCK_PLAIN)
		wire_packet(skb, dir);
	return 1;
}

SEC("cgroup_skb/ingress") int wire_in(struct __sk_buff *skb)
{
	return wire(skb, EV_READ);
}

SEC("cgroup_skb/egress") int wire_out(struct __sk_buff *skb)
{
	return wire(skb, EV_WRITE);
}

/* The end of a socket that had a slot. */
SEC("raw_tp/inet_sock_set_state") int wire_state(struct bpf_raw_tracepoint_args *ctx)
{
	const struct sock *sk = (void *)ctx->args[0];

	if ((int)ctx->args[2] != BPF_TCP_CLOSE)
		return 0;
	__u64 cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
	struct ev_wire *w = cookie ? wire_of(cookie) : NULL;
	if (w)
		wire_free_slot(w);
	return 0;
}
