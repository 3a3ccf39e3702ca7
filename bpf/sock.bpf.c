// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Which socket? A TCP send or receive by a thread inside a TLS call is that connection's, and tells
 * both addresses (design section 5, way 2). Raw tracepoints where the kernel has them (6.3), else
 * kprobes on tcp_sendmsg and tcp_recvmsg, which see the length asked for instead of the one moved.
 */
#include "socket.bpf.h"
#include "wire.bpf.h"

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

static __always_inline __u64 user_u64(__u64 address)
{
	__u64 v = 0;

	bpf_probe_read_user(&v, sizeof(v), (void *)address);
	return v;
}

/* Of the registers that a goroutine had when it entered the kernel (5.15). */
struct goroutine {
	__u64 g, fp; /* frame pointer */
};

static __always_inline struct goroutine goroutine_in_kernel(__u64 abi)
{
	struct goroutine ret = { 0, 0 };

	if (!bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs))
		return ret;
	struct task_struct *task = bpf_get_current_task_btf();
	struct pt_regs *regs = (void *)bpf_task_pt_regs(task);
#ifdef __TARGET_ARCH_arm64
	/* struct pt_regs begins with struct user_pt_regs */
	struct user_pt_regs *user = (void *)regs;
	bpf_probe_read_kernel(&ret.g, sizeof(ret.g), &user->regs[28]);
	bpf_probe_read_kernel(&ret.fp, sizeof(ret.fp), &user->regs[29]);
#else
	ret.fp = BPF_CORE_READ(regs, bp);
	ret.g = abi == GO_REGISTERS ? BPF_CORE_READ(regs, r14)
				    : user_u64(BPF_CORE_READ(task, thread.fsbase) - 8);
#endif
	return ret;
}

#define GO_FRAMES 32 /* between a system call and the Read or Write that it is for */

/* Is this call still what the goroutine is in? Its frames are linked, and say who called. */
static __always_inline bool still_in(const struct goroutine *at, const struct go_nesting *n)
{
	__u64 frame = user_u64(at->g + 8) - n->depth, link[2], fp = at->fp;

	if (!n->back)
		return true;
	for (int i = 0; i < GO_FRAMES; i++) {
		if (fp >= frame || bpf_probe_read_user(link, sizeof(link), (void *)fp))
			return false;
		if (link[0] == frame)
			return link[1] == n->back;
		fp = link[0];
	}
	return false;
}

/* A Go connection whose net.Conn is not a plain TCP one: its goroutine sends or receives. */
static __always_inline int nested_go(struct sock *sk, __u64 id)
{
	struct conn_key key = { .tgid = id >> 32 };
	struct proc *p = bpf_map_lookup_elem(&procs, &key.tgid);

	if (!p || !p->go)
		return 0;
	struct goroutine at = goroutine_in_kernel(p->go);
	struct go_nesting_key where = { .g = at.g, .tgid = key.tgid };
	struct go_nesting *n = at.g ? bpf_map_lookup_elem(&go_nestings, &where) : NULL;

	if (!n || !is_tcp(sk) || !still_in(&at, n))
		return 0;
	key.conn = n->conn;
	struct conn *c = bpf_map_lookup_elem(&conns, &key);
	if (c && c->bound != BOUND_STRONG && c->sk != (__u64)sk)
		send_bind(id, &key, c, sk, EV_HOW_NESTED, 0);
	return 0;
}

/* A filter may name the process yet: programs are found out about a moment after they start. */
static __always_inline bool may_pass_yet(const struct ev_wire *w, __u64 id)
{
	__u32 tgid = id >> 32;

	return filter_processes && !bpf_map_lookup_elem(&allowed, &tgid) &&
	       bpf_ktime_get_ns() - w->gen < LIMIT_WIRE_PROCESS_NS;
}

/* Does the kernel encrypt it (kTLS)? Its upper layer says so; programs ask for one by its name. */
static __always_inline bool is_ktls(struct sock *sk)
{
	const struct tcp_ulp_ops *ulp =
		BPF_CORE_READ((struct inet_connection_sock *)sk, icsk_ulp_ops);
	char name[4] = "";

	return ulp && bpf_core_read(name, sizeof(name), &ulp->name) == 0 && name[0] == 't' &&
	       name[1] == 'l' && name[2] == 's' && !name[3];
}

/* Data flows: a program that lets the kernel encrypt has said so, as it does after the handshake.
 */
static __always_inline bool has_data(const struct ev_wire *w)
{
	return w->way[0].app_records - w->way[0].early_records > 1 ||
	       w->way[1].app_records - w->way[1].early_records > 1;
}

/* Whose socket is this? Of one on which TLS was found, and whose process is not known. */
APART int wire_process(__u64 cookie, __u64 id, __u64 sock)
{
	struct ev_wire *w = wire_of(cookie) ?: quic_latest(cookie);
	struct task_struct *task = (void *)bpf_get_current_task();
	struct sock *sk = (void *)sock;
	__u32 tgid = id >> 32;

	if (!w || !(w->flags & EV_WIRE_SOUGHT) || may_pass_yet(w, id))
		return 0;
	bool quic = w->flags & EV_WIRE_QUIC, ktls = !quic && is_ktls(sk);
	if ((w->flags & EV_WIRE_ASKED) && !ktls) {
		if (has_data(w))
			wire_seek(w, -1);
		return 0;
	}
	bool out = filter_processes && !bpf_map_lookup_elem(&allowed, &tgid);
	struct about about = wire_about(w, out ? 0 : id);
	struct ev_wire_process *e =
		may_send(w->owner) ? reserve(struct ev_wire_process, w->owner) : NULL;
	if (!e)
		return 0;
	fill_hdr(&e->hdr, EV_WIRE_PROCESS, sizeof(*e), &about, bpf_ktime_get_ns());
	e->cgroup = w->cgroup;
	e->netns = BPF_CORE_READ(sk, __sk_common.skc_net.net, ns.inum);
	e->opened = quic ? w->opened : opened_by(sk);
	e->filtered = out;
	e->ktls = ktls;
	e->pad[0] = 0;
	if (out)
		__builtin_memset(e->comm, 0, sizeof(e->comm));
	else
		BPF_CORE_READ_STR_INTO(&e->comm, task, group_leader, comm);
	if (out) /* before it is asked: packets that are kept look at both */
		w->flags |= EV_WIRE_FILTERED;
	w->flags |= EV_WIRE_ASKED;
	if (quic || out || ktls)
		wire_seek(w, -1);
	submit(e, sizeof(*e));
	return 1;
}

static __always_inline void seek_wire(struct sock *sk, __u64 id)
{
	__u64 cookie = BPF_CORE_READ(sk, __sk_common.skc_cookie.counter);

	if (cookie && wire_seeking[cookie & (WIRE_SEEKING - 1)])
		wire_process(cookie, id, (__u64)sk);
}

static __always_inline int nested(struct sock *sk, __u8 dir, __s64 len)
{
	__u64 id = bpf_get_current_pid_tgid();

	if (wire_sought)
		seek_wire(sk, id);
	if (!is_seeking(id >> 32))
		return 0;
	struct thread *t = bpf_map_lookup_elem(&threads, &id);
	if (!t || !t->depth || t->depth > CALL_DEPTH)
		return nested_go(sk, id);
	struct frame *f = &t->frame[(t->depth - 1) & 3];
	if (f->bound == BOUND_STRONG || !is_tcp(sk))
		return 0;
	/* Callbacks of a handshake ask others (OCSP, a cache of sessions): they open, and are not
	 * it */
	if (f->dir == HANDSHAKE && opened_by(sk) != EV_OPENED_REMOTE)
		return 0;
	struct conn_key key = { .conn = f->conn, .tgid = id >> 32 };
	struct conn *c = bpf_map_lookup_elem(&conns, &key);
	__u8 fits = length_fits(f, dir, len);
	if (!c || (c->bound && c->sk == (__u64)sk && !fits))
		return 0;
	if (send_bind(id, &key, c, sk, EV_HOW_NESTED, fits))
		f->bound = c->bound;
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

/* Whose the sockets of QUIC are; the tracepoints above see them, too. */
static __always_inline int udp(struct sock *sk)
{
	if (wire_sought)
		seek_wire(sk, bpf_get_current_pid_tgid());
	return 0;
}

SEC("kprobe/udp_sendmsg") int BPF_KPROBE(udp_send, struct sock *sk)
{
	return udp(sk);
}

SEC("kprobe/udpv6_sendmsg") int BPF_KPROBE(udp6_send, struct sock *sk)
{
	return udp(sk);
}
