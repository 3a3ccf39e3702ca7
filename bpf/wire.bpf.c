// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * TLS on the wire. Every packet of a TCP socket passes here, on its way in and out. Whether its
 * connection is TLS its bytes tell, not its port: a hello where a stream begins or, for what was
 * upgraded (STARTTLS), where one of its first packets begins; records that follow each other, for
 * what was there before. From then on the next record's place in the stream is known, so that of a
 * packet only headers are read. What a handshake says is copied, application data is counted.
 *
 * Of the many that are not TLS an index of cookies tells so, and that is all that they cost. Of a
 * connection of TLS it tells the slot, where most packets change sums and no more.
 */
#include "wire_keep.bpf.h"
#include "wire_quic.bpf.h"

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

#define SCAN_CHUNK  64
#define SCAN_CHUNKS 32

/* Where in the payload a record of application data seems to begin, plus one; 0: nowhere. */
APART __u32 wire_scan(struct __sk_buff *skb, __u32 at, __u32 len)
{
	__u8 h[SCAN_CHUNK + 4];

	for (__u32 i = 0; i < SCAN_CHUNKS; i++) {
		if ((i + 1) * SCAN_CHUNK + 4 > len ||
		    bpf_skb_load_bytes(skb, at + i * SCAN_CHUNK, h, sizeof(h)))
			return 0;
		for (__u32 j = 0; j < SCAN_CHUNK; j++)
			if (h[j] == TYPE_APP && h[j + 1] == 3 && h[j + 2] == 3 && h[j + 3] <= 0x41)
				return i * SCAN_CHUNK + j + 1;
	}
	return 0;
}

static __always_inline void begin_sync(struct wire_sock *ws, __u32 dir, __u32 seq, __u8 good)
{
	struct sync *s = &ws->sync[dir & 1];
	struct walk *k = &ws->walk[dir & 1];

	s->next = seq;
	s->type = TYPE_APP; /* of what is before it nothing is known */
	s->state = SYNC_TRY;
	s->have = 0;
	s->good = good;
	k->records = k->bytes = 0;
}

/* Does TLS begin with this payload, or does a record? Then its direction has a place to begin. */
APART int wire_look(struct __sk_buff *skb, __u32 at, __u32 len, __u32 seq, __u32 dir)
{
	struct bpf_sock *sk = skb->sk;
	struct wire_sock *ws = sock_state(skb);
	__u8 h[16] = { 0 };
	__u32 n = len < 11 ? len : 11;

	sk = sk ? bpf_sk_fullsock(sk) : NULL;
	if (!ws || !sk)
		return 0;
	if (len >= 11 && bpf_skb_load_bytes(skb, at, h, 11))
		return 0;
	for (__u32 i = 0; i < 10 && len < 11; i++)
		if (i < len && bpf_skb_load_bytes(skb, at + i, &h[i], 1))
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
	if (s->lost && (__s32)(seq - s->next) < 0)
		return 0; /* sent again: a hello, too, has been counted */
	int is = hello(h, n);
	if (is == 2 && h[5] == 1 && ws->opened == EV_OPENED_UNKNOWN)
		ws->opened = dir == EV_WRITE ? EV_OPENED_LOCAL : EV_OPENED_REMOTE;
	if (is == 2 || (is && start)) {
		if (ws->state == SOCK_NEW) {
			ws->flags &= ~EV_WIRE_MIDWAY;
			if (!start)
				ws->flags |= EV_WIRE_UPGRADED;
		}
		begin_sync(ws, dir, seq, BELIEVED - 1);
	} else if (n >= RECORD_HEADER && header_fits(h) &&
		   (ws->state == SOCK_TLS || (ws->flags & EV_WIRE_MIDWAY))) {
		begin_sync(ws, dir, seq, ws->state == SOCK_TLS && start ? BELIEVED - 1 : 0);
	}
	bool seek = ws->state == SOCK_TLS ? !start && s->tried < LIMIT_WIRE_LOOKED
					  : ws->flags & EV_WIRE_MIDWAY;
	if (s->state == SYNC_OFF && seek) {
		__u32 found = wire_scan(skb, at, len);
		s->tried++;
		if (found)
			begin_sync(ws, dir, seq + found - 1, 0);
	}
	if (ws->state == SOCK_NEW && ++ws->looked >= LIMIT_WIRE_LOOKED && s->state == SYNC_OFF)
		set_plain(bpf_get_socket_cookie(skb), ws);
	return 0;
}

/*
 * The time, as of the begin of this tick of the kernel's: asking for it costs more than all else
 * that is done with most packets.
 */
__u64 wire_tick, wire_tick_ns;

static __always_inline __u64 wire_now(void)
{
	__u64 tick = bpf_jiffies64();

	if (wire_tick != tick) {
		wire_tick_ns = bpf_ktime_get_ns();
		wire_tick = tick;
	}
	return wire_tick_ns;
}

static __always_inline void count_packet(struct __sk_buff *skb, struct ev_wire *w, __u32 dir,
					 __u32 len, __u32 types)
{
	struct ev_wire_way *y = &w->way[dir & 1];
	__u64 now = wire_now();

	y->packets += skb->gso_segs ?: 1;
	y->bytes += len;
	y->last = now;
	if (!len)
		return;
	struct ev_wire_packet *p = &w->packet[w->packets++ & (EV_WIRE_PACKETS - 1)];
	p->when = (now - w->gen) >> 16;
	p->what = (len & 0xfffff) | types << 20 | (dir & 1) << 27;
}

static __always_inline void set_segment(struct wire_segment *ret, const __u8 *tcp, __u32 at,
					__u32 len)
{
	ret->seq = bpf_ntohl(*(__u32 *)(tcp + 4)) + (tcp[13] >> 1 & 1);
	ret->at = at + (tcp[12] >> 4) * 4;
	ret->len = len > ret->at ? len - ret->at : 0;
}

/* Of any packet, as far as it is read. */
static __noinline int find_segment_anywhere(struct __sk_buff *skb, struct wire_segment *ret)
{
	__u8 ip[20];
	__u32 tcp[4], at, proto;

	if (bpf_skb_load_bytes(skb, 0, ip, sizeof(ip)))
		return 0;
	if (ip[0] >> 4 == 4) {
		at = (ip[0] & 15) * 4;
		proto = ip[9];
	} else {
		at = 40;
		proto = ip[6];
		for (int i = 0; i < 6 && proto != IPPROTO_TCP; i++) {
			__u8 ext[2];
			if (bpf_skb_load_bytes(skb, at, ext, 2))
				return 0;
			at += proto == 51 ? (ext[1] + 2) * 4 : proto == 44 ? 8 : (ext[1] + 1) * 8;
			proto = ext[0];
		}
	}
	if (proto != IPPROTO_TCP || bpf_skb_load_bytes(skb, at, tcp, sizeof(tcp)))
		return 0;
	set_segment(ret, (__u8 *)tcp, at, skb->len);
	return 1;
}

/* Where the payload is. False: it is no TCP segment, or of a kind that is not read. */
static __always_inline bool find_segment(struct __sk_buff *skb, struct wire_segment *ret)
{
	const __u8 *ip = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;

	/* the usual: all that is read lies in one piece */
	if (ip + 40 <= end && ip[0] == 0x45 && ip[9] == IPPROTO_TCP)
		set_segment(ret, ip + 20, 20, skb->len);
	else if (ip + 60 <= end && ip[0] >> 4 == 6 && ip[6] == IPPROTO_TCP)
		set_segment(ret, ip + 40, 40, skb->len);
	else
		return find_segment_anywhere(skb, ret);
	return true;
}

/* A packet of a connection that is TLS or may become it: what is in it. */
static __always_inline int wire_look_closer(struct __sk_buff *skb, struct wire_sock *ws,
					    const struct wire_segment *g, __u32 dir)
{
	struct sync *s = &ws->sync[dir];

	if (sync_gap(s, g->seq))
		lose(s);
	if (s->state == SYNC_OFF)
		wire_look(skb, g->at, g->len, g->seq, dir);
	return ws->state == SOCK_TLS || s->state != SYNC_OFF
		       ? wire_follow(skb, g->at, g->len, g->seq, dir)
		       : 0;
}

static __noinline int wire_packet(struct __sk_buff *skb, __u64 cookie, const struct wire_segment *g,
				  __u32 dir)
{
	struct wire_sock *ws = sock_state(skb);
	int types = 0;

	dir &= 1;
	if (ws && g->len && way_enter(cookie, dir)) {
		types = wire_look_closer(skb, ws, g, dir);
		way_leave(cookie, dir);
	}
	struct wire_flow *f = flow_of(cookie);
	struct ev_wire *w = f ? slot_of(&f->sock) : NULL;
	if (!w)
		return 0;
	if (!(w->flags & EV_WIRE_TOLD))
		send_wire_open(w, f->sock.slot);
	count_packet(skb, w, dir, g->len, types);
	return 0;
}

static const struct wire_sock new_sock;

/* A raw socket has the protocol and the bytes that its program likes, and no end is told. */
static __always_inline bool is_stream(const struct bpf_sock *sk)
{
	return sk->protocol == IPPROTO_TCP && sk->type == SOCK_STREAM;
}

/* A socket whose packets are not looked at. */
APART int wire_not_tcp(struct __sk_buff *skb, __u64 cookie)
{
	struct bpf_sock *sk = skb->sk;

	sk = sk ? bpf_sk_fullsock(sk) : NULL;
	if (sk && !is_stream(sk))
		index_set(cookie, INDEX_PLAIN);
	return 0;
}

/* A socket of which nothing is known, and that has something to say. */
APART int wire_new_sock(struct __sk_buff *skb, __u64 cookie)
{
	struct bpf_sock *sk = skb->sk;

	sk = sk ? bpf_sk_fullsock(sk) : NULL;
	if (!sk || sk->state == BPF_TCP_LISTEN || sk->state == BPF_TCP_CLOSE)
		return 0;
	if (!is_stream(sk)) {
		index_set(cookie, INDEX_PLAIN);
		return 0;
	}
	return !bpf_map_update_elem(&wire_news, &cookie, &new_sock, BPF_NOEXIST);
}

static __always_inline int wire(struct __sk_buff *skb, const __u32 dir)
{
	__u64 cookie = bpf_get_socket_cookie(skb);
	__u32 what = index_get(cookie);
	struct wire_segment g;

	if (what == INDEX_PLAIN)
		return 1;
	if (!what && wire_udp(skb, cookie, dir))
		return 1;
	if (!find_segment(skb, &g)) {
		if (!what)
			wire_not_tcp(skb, cookie);
		return 1;
	}
	__u32 n = what - INDEX_SLOT;
	struct ev_wire *w = bpf_map_lookup_elem(&wire_slots, &n);
	struct wire_flow *f = bpf_map_lookup_elem(&wire_flows, &n);
	int types = -1;
	if (is_of(w, f, cookie) && w->flags & EV_WIRE_TOLD)
		types = g.len ? wire_count_app(skb, f, w, &g, dir) : 0;
	if (types >= 0)
		count_packet(skb, w, dir, g.len, types);
	else if (sock_state(skb) || (g.len && wire_new_sock(skb, cookie)))
		wire_packet(skb, cookie, &g, dir);
	return 1;
}

SEC("cgroup_skb/ingress") int wire_in(struct __sk_buff *skb)
{
	wire(skb, EV_READ);
	if (keep_packets) /* here, as it would add to the deepest stack elsewhere */
		wire_keep(skb, EV_READ);
	return 1;
}

SEC("cgroup_skb/egress") int wire_out(struct __sk_buff *skb)
{
	wire(skb, EV_WRITE);
	if (keep_packets) /* here, as it would add to the deepest stack elsewhere */
		wire_keep(skb, EV_WRITE);
	return 1;
}

/* The end of a socket of UDP: of one that has many connections, the others end when they are idle.
 */
SEC("cgroup/sock_release") int wire_release(struct bpf_sock *sk)
{
	__u64 cookie = bpf_get_socket_cookie(sk);

	if (sk->protocol != IPPROTO_UDP || !quic_has(cookie))
		return 1;
	struct ev_wire *w = quic_latest(cookie);
	if (w)
		wire_free_slot(w);
	bpf_map_delete_elem(&quic_socks, &cookie);
	return 1;
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
	if (cookie)
		bpf_map_delete_elem(&wire_news, &cookie);
	return 0;
}
