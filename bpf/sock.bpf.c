// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which socket? A TCP send or receive by a thread inside a TLS call is that connection's, and tells
 * both addresses (design section 5, way 2). Raw tracepoints where the kernel has them (6.3), else
 * kprobes on tcp_sendmsg and tcp_recvmsg, which see the length asked for instead of the one moved.
 */
#include "common.bpf.h"

#define AF_INET		   2
#define AF_INET6	   10
#define SOCK_BINDPORT_LOCK 8

#define TLS_HEADER	 5
#define TLS_RECORD_MAX	 16384
#define TLS_OVERHEAD_MIN 17
#define TLS_OVERHEAD_MAX 256

/* Does a transfer of this length fit the records that this call needs? */
static __always_inline __u8 length_fits(const struct frame *f, __u8 dir, __s64 len)
{
	if (f->dir != dir)
		return 0;
	if (dir == EV_READ)
		return len == TLS_HEADER;
	__s64 plain = f->len < TLS_RECORD_MAX ? f->len : TLS_RECORD_MAX;
	return len >= plain + TLS_OVERHEAD_MIN && len <= plain + TLS_OVERHEAD_MAX;
}

/*
 * Who opened it: connect() without bind() marks the port's bucket with fastreuse -1; bind() to a
 * port sets SOCK_BINDPORT_LOCK, which accept() never passes on. What remains is told by arithmetic:
 * the acknowledgement of its own SYN counts as one byte for the side that sent it.
 */
static __always_inline __u8 opened_by(struct sock *sk)
{
	struct inet_connection_sock *icsk = (void *)sk;
	struct tcp_sock *tp = (void *)sk;
	struct inet_bind_bucket *tb = BPF_CORE_READ(icsk, icsk_bind_hash);

	if (tb && BPF_CORE_READ(tb, fastreuse) < 0)
		return EV_OPENED_LOCAL;
	if (BPF_CORE_READ_BITFIELD_PROBED(sk, sk_userlocks) & SOCK_BINDPORT_LOCK)
		return EV_OPENED_LOCAL;
	__u64 first = BPF_CORE_READ(tp, bytes_sent) - BPF_CORE_READ(tp, bytes_retrans);
	__u32 flying = BPF_CORE_READ(tp, snd_nxt) - BPF_CORE_READ(tp, snd_una);
	__s64 syn = BPF_CORE_READ(tp, bytes_acked) + flying - first;
	if (syn == 0)
		return EV_OPENED_REMOTE;
	return syn == 1 ? EV_OPENED_LOCAL : EV_OPENED_UNKNOWN;
}

static __always_inline void fill_addresses(struct ev_bind *e, struct sock *sk, __u16 family)
{
	__builtin_memset(e->local_ip, 0, sizeof(e->local_ip));
	__builtin_memset(e->remote_ip, 0, sizeof(e->remote_ip));
	e->local_port = BPF_CORE_READ(sk, __sk_common.skc_num);
	e->remote_port = bpf_ntohs(BPF_CORE_READ(sk, __sk_common.skc_dport));
	e->netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	e->cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
	if (family == AF_INET) {
		e->family = 4;
		BPF_CORE_READ_INTO((__u32 *)e->local_ip, sk, __sk_common.skc_rcv_saddr);
		BPF_CORE_READ_INTO((__u32 *)e->remote_ip, sk, __sk_common.skc_daddr);
	} else {
		e->family = 6;
		BPF_CORE_READ_INTO((struct in6_addr *)e->local_ip, sk,
				   __sk_common.skc_v6_rcv_saddr);
		BPF_CORE_READ_INTO((struct in6_addr *)e->remote_ip, sk, __sk_common.skc_v6_daddr);
	}
}

static __always_inline int nested(struct sock *sk, __u8 dir, __s64 len)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct thread *t = bpf_map_lookup_elem(&threads, &id);

	if (!t || !t->depth || t->depth > CALL_DEPTH)
		return 0;
	struct frame *f = &t->frame[(t->depth - 1) & 3];
	if (f->bound == BOUND_STRONG)
		return 0;
	__u8 fits = length_fits(f, dir, len);
	__u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);
	if ((family != AF_INET && family != AF_INET6) ||
	    BPF_CORE_READ(sk, sk_protocol) != IPPROTO_TCP)
		return 0;
	struct conn_key key = { .conn = f->conn, .tgid = id >> 32 };
	struct conn *c = bpf_map_lookup_elem(&conns, &key);
	if (!c || (c->bound && c->sk == (__u64)sk && !fits))
		return 0;
	struct ev_bind *e = reserve(struct ev_bind);
	if (!e)
		return 0;
	fill_hdr(&e->hdr, EV_BIND, sizeof(*e), key.conn, c->gen);
	fill_addresses(e, sk, family);
	e->how = EV_HOW_NESTED;
	e->opened = opened_by(sk);
	e->strong = fits;
	__builtin_memset(e->pad, 0, sizeof(e->pad));
	submit(e, sizeof(*e));
	c->sk = (__u64)sk;
	c->bound = f->bound = fits ? BOUND_STRONG : BOUND_WEAK;
	return 0;
}

SEC("raw_tp/sock_send_length") int sock_send(struct bpf_raw_tracepoint_args *ctx)
{
	return nested((void *)ctx->args[0], EV_WRITE, (int)ctx->args[1]);
}

SEC("raw_tp/sock_recv_length") int sock_recv(struct bpf_raw_tracepoint_args *ctx)
{
	return nested((void *)ctx->args[0], EV_READ, (int)ctx->args[1]);
}

SEC("kprobe/tcp_sendmsg") int BPF_KPROBE(tcp_send, struct sock *sk, void *msg, __u64 len)
{
	return nested(sk, EV_WRITE, len);
}

SEC("kprobe/tcp_recvmsg") int BPF_KPROBE(tcp_recv, struct sock *sk, void *msg, __u64 len)
{
	return nested(sk, EV_READ, len);
}
