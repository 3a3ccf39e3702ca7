/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From a kernel socket to EV_BIND: addresses, and which side opened the connection. */
#ifndef CLEARTAP_SOCKET_BPF_H
#define CLEARTAP_SOCKET_BPF_H

#include "conn.bpf.h"

#define AF_INET		   2
#define AF_INET6	   10
#define SOCK_BINDPORT_LOCK 8
#define S_IFMT		   0170000
#define S_IFSOCK	   0140000

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

static __always_inline bool is_tcp(struct sock *sk)
{
	__u16 family = BPF_CORE_READ(sk, __sk_common.skc_family);

	return (family == AF_INET || family == AF_INET6) &&
	       BPF_CORE_READ(sk, sk_protocol) == IPPROTO_TCP;
}

/*
 * Both ports of a socket, which it keeps in one word. A reset takes the local one from the port's
 * bucket and clears it there; then it is still in inet_sport.
 */
static __always_inline __u32 ports_of(struct sock *sk)
{
	struct {
		__be16 remote;
		__u16 local;
	} pair = { 0, 0 };

	bpf_core_read(&pair, sizeof(pair), &sk->__sk_common.skc_portpair);
	if (!pair.local)
		pair.local = bpf_ntohs(BPF_CORE_READ((struct inet_sock *)sk, inet_sport));
	return pair.local | (__u32)pair.remote << 16;
}

/* The socket that a connection was bound to was closed; its memory may be another's by now. */
static __always_inline bool socket_gone(const struct conn *c)
{
	struct sock *sk = (void *)c->sk;

	return sk && (!BPF_CORE_READ(sk, sk_socket) || ports_of(sk) != c->ports);
}

static __always_inline void fill_addresses(struct ev_bind *e, struct sock *sk)
{
	__builtin_memset(e->local_ip, 0, sizeof(e->local_ip));
	__builtin_memset(e->remote_ip, 0, sizeof(e->remote_ip));
	__u32 ports = ports_of(sk);
	e->local_port = (__u16)ports;
	e->remote_port = bpf_ntohs(ports >> 16);
	e->netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	e->cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);
	if (BPF_CORE_READ(sk, __sk_common.skc_family) == AF_INET) {
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

/* True when the record is on its way. */
static __always_inline bool send_bind(__u64 id, struct conn_key *key, struct conn *c,
				      struct sock *sk, __u8 how, __u8 strong)
{
	struct about about = conn_about(id, key, c);
	struct ev_bind *e = may_send(c->owner) ? reserve(struct ev_bind, c->owner) : NULL;

	if (!e)
		return false;
	fill_hdr(&e->hdr, EV_BIND, sizeof(*e), &about, bpf_ktime_get_ns());
	fill_addresses(e, sk);
	e->how = how;
	e->opened = opened_by(sk);
	e->strong = strong;
	__builtin_memset(e->pad, 0, sizeof(e->pad));
	submit(e, sizeof(*e));
	c->sk = (__u64)sk;
	c->ports = ports_of(sk);
	c->bound = strong ? BOUND_STRONG : BOUND_WEAK;
	return true;
}

/* The TCP socket behind a descriptor of the current process, or NULL. */
static __always_inline struct sock *sock_of_fd(int fd)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct fdtable *table = BPF_CORE_READ(task, files, fdt);
	struct file **files = BPF_CORE_READ(table, fd);
	struct file *file = NULL;

	if (fd < 0 || (__u32)fd >= BPF_CORE_READ(table, max_fds) ||
	    bpf_probe_read_kernel(&file, sizeof(file), files + fd) || !file)
		return NULL;
	if ((BPF_CORE_READ(file, f_inode, i_mode) & S_IFMT) != S_IFSOCK)
		return NULL;
	struct socket *socket = BPF_CORE_READ(file, private_data);
	struct sock *sk = BPF_CORE_READ(socket, sk);
	return sk && is_tcp(sk) ? sk : NULL;
}

#endif
