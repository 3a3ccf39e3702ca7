// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Go's crypto/tls: (*Conn).Read, Write and Close. Where Read copies the plaintext to its caller and
 * Write hands it on, all that is wanted is at hand: nothing is kept from one probe to another
 * (src/trace/gocopy.h). Code that is not like that is probed at the entry of Write, and at the
 * entry and every RET of Read: a goroutine moves between threads and its stack moves in memory, so
 * a call is then known by the goroutine and by how far below the top of its stack it runs. Entries
 * are probed where the stack pointer is still the caller's (src/trace/goplan.h).
 */
#include "socket.bpf.h"

/* A Read that is under way. */
struct go_key {
	__u64 g;
	__u64 depth; /* top of the stack less stack pointer */
	__u32 tgid;
	__u32 pad;
};

struct go_call {
	__u64 conn;
	__u64 buf; /* address, or its distance from the top of the stack */
	__u64 on_stack;
};

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 32768);
	__type(key, struct go_key);
	__type(value, struct go_call);
} go_calls SEC(".maps");

static __always_inline __u64 user_u64(__u64 address)
{
	__u64 v = 0;

	bpf_probe_read_user(&v, sizeof(v), (void *)address);
	return v;
}

/* The number of the file, by the inode of the program where the kernel has no cookies (< 5.15). */
static __always_inline struct go_target *target_get(void *ctx, __u32 *ret_number)
{
	__u32 n = probe_cookie(ctx);

	if (!n) {
		struct task_struct *task = (void *)bpf_get_current_task();
		struct exe_key key = {
			.inode = BPF_CORE_READ(task, mm, exe_file, f_inode, i_ino),
			.dev = BPF_CORE_READ(task, mm, exe_file, f_inode, i_sb, s_dev),
		};
		__u32 *known = bpf_map_lookup_elem(&go_exes, &key);
		if (!known)
			return NULL;
		n = *known;
	}
	*ret_number = n;
	return bpf_map_lookup_elem(&go_targets, &n);
}

/* What a probe point sees. */
struct site {
	struct self self;
	struct go_target *target;
	__u32 number, tgid;
	__u64 g;
	__u64 conn;
	__u64 bias; /* of the addresses in the target: where the program was loaded */
};

/* Where a stack begins with arguments: below them lies, on arm64, the word for the link register.
 */
#ifdef __TARGET_ARCH_arm64
#define STACK_ARGUMENTS 8
#else
#define STACK_ARGUMENTS 0
#endif

/* 0 when it cannot be known. */
static __always_inline __u64 current_g(struct pt_regs *ctx, const struct site *s)
{
#ifdef __TARGET_ARCH_arm64
	return ((struct user_pt_regs *)ctx)->regs[28];
#else
	const struct go_target *t = s->target;
	__u64 at = -8ULL;

	if (t->register_abi)
		return ctx->r14;
	/* ABI0 keeps it in thread-local storage, in a program right below the thread pointer. */
	struct task_struct *task = (void *)bpf_get_current_task();
	if (t->tls_slot)
		at = s->bias ? user_u64(t->tls_slot + s->bias) : 0;
	return at ? user_u64(BPF_CORE_READ(task, thread.fsbase) + at) : 0;
#endif
}

static __always_inline __u64 register_argument(struct pt_regs *ctx, int n)
{
#ifdef __TARGET_ARCH_arm64
	return ((struct user_pt_regs *)ctx)->regs[n];
#else
	return n == 0 ? ctx->ax : n == 1 ? ctx->bx : n == 2 ? ctx->cx : ctx->di;
#endif
}

/* At a function's entry: the return address lies below its arguments, on either processor. */
static __always_inline __u64 argument(struct pt_regs *ctx, const struct go_target *t, int n)
{
	if (!t->register_abi)
		return user_u64(PT_REGS_SP(ctx) + 8 + 8 * n);
	return register_argument(ctx, n);
}

/* At a call: its first four. */
static __always_inline void call_arguments(struct pt_regs *ctx, const struct go_target *t,
					   __u64 ret[4])
{
	if (t->register_abi) {
		ret[0] = register_argument(ctx, 0);
		ret[1] = register_argument(ctx, 1);
		ret[2] = register_argument(ctx, 2);
		ret[3] = register_argument(ctx, 3);
		return;
	}
	ret[0] = ret[1] = ret[2] = ret[3] = 0;
	bpf_probe_read_user(ret, 4 * sizeof(*ret), (void *)(PT_REGS_SP(ctx) + STACK_ARGUMENTS));
}

static __always_inline bool site_read(struct pt_regs *ctx, struct site *s)
{
	s->target = target_get(ctx, &s->number);
	s->self = self_read();
	s->tgid = s->self.id >> 32;
	return s->target;
}

static __always_inline __u64 goid_of(struct pt_regs *ctx, const struct site *s)
{
	__u64 g = s->target->goid < 0 ? 0 : current_g(ctx, s);

	return g ? user_u64(g + s->target->goid) : 0;
}

/* The *net.TCPConn below a tls.Conn; 0 when its net.Conn is of another type. */
static __always_inline __u64 tcp_below(const struct site *s)
{
	const struct go_target *t = s->target;
	__u64 iface[2] = { 0, 0 };

	if (t->conn_conn < 0 || t->conn_fd < 0 || t->fd_sysfd < 0 || !t->itab)
		return 0;
	bpf_probe_read_user(iface, sizeof(iface), (void *)(s->conn + t->conn_conn));
	return iface[0] == t->itab + s->bias ? iface[1] : 0;
}

/* Bound to its socket by the chain of Go's own types. */
static __always_inline void go_bind(const struct site *s, struct conn_key *key, struct conn *c,
				    __u64 tcp)
{
	__u64 netfd = user_u64(tcp + s->target->conn_fd);
	int fd = -1;

	if (bpf_probe_read_user(&fd, sizeof(fd), (void *)(netfd + s->target->fd_sysfd)))
		return;
	struct sock *sk = fd < 0 ? NULL : sock_of_fd(fd);
	if (sk && send_bind(s->self.id, key, c, sk, EV_HOW_GO, 1))
		c->below = tcp;
}

#define GO_CHECK_NS 20000

/*
 * The connection. A tls.Conn that is dropped without Close leaves its state behind, and the next
 * one may be found at the same address. It has another net.TCPConn as long as the old one is in
 * use; that its socket was closed tells of the rest. None of it happens within GO_CHECK_NS: garbage
 * has to be collected first, and then the new connection has to shake hands.
 */
static __always_inline struct conn *go_conn(const struct site *s)
{
	struct conn_key key = { .conn = s->conn, .tgid = s->tgid };
	struct conn *c = bpf_map_lookup_elem(&conns, &key);
	__u64 now = bpf_ktime_get_ns();

	if (c && c->proc == s->self.proc && now - c->checked < GO_CHECK_NS)
		return c;
	__u64 tcp = tcp_below(s);
	if (c && ((c->below && c->below != tcp) || socket_gone(c))) {
		conn_close(s->self.id, &key);
		c = NULL;
	}
	if (!c || c->proc != s->self.proc || !c->announced) {
		if (!process_allowed(s->tgid))
			return NULL;
		c = conn_get(&s->self, &key, EV_LIB_GO, s->number);
		if (!c)
			return NULL;
	}
	if (tcp && c->below != tcp)
		go_bind(s, &key, c, tcp);
	if (c->bound == BOUND_STRONG && c->announced)
		c->checked = now;
	return c;
}

/* Some program has a connection that only what its goroutine sends or receives can bind. */
__u32 go_nests;

/*
 * While a connection is not bound by its netFD, what this goroutine sends or receives inside of its
 * call tells of its socket.
 */
static __always_inline void go_nesting_set(const struct site *s, const struct go_nesting *n)
{
	const struct go_target *t = s->target;
	struct go_nesting_key key = { .g = s->g, .tgid = s->tgid };

	struct proc *p = bpf_map_lookup_elem(&procs, &s->tgid);

	go_nests = 1;
	if (p)
		p->go = t->register_abi ? GO_REGISTERS : GO_STACK;
	seek(s->tgid);
	bpf_map_update_elem(&go_nestings, &key, n, BPF_ANY);
}

SEC("uprobe") int go_read_copy(struct pt_regs *ctx)
{
	struct site s = { 0 };
	__u64 call[4], own[3] = { 0 }; /* conn, buffer, its length */

	USE_STACK_OF_THREAD(ctx, no_programs);
	if (!site_read(ctx, &s))
		return 0;
	call_arguments(ctx, s.target, call);
	__u64 to = call[0], from = call[1], n = call[2];
	bpf_probe_read_user(own, sizeof(own), (void *)(PT_REGS_SP(ctx) + s.target->copy_frame + 8));
	if (!n || to != own[1] || n > own[2])
		return 0;
	s.conn = own[0];
	s.bias = PT_REGS_IP(ctx) - s.target->read_copy;
	struct conn *c = go_conn(&s);
	struct call done = { .conn = s.conn, .src = from, .total = n, .dir = EV_READ };
	if (c) {
		done.goid = goid_of(ctx, &s);
		send_call(s.self.id, c, &done);
	}
	return 0;
}

#define RECORD_TYPE_APPLICATION_DATA 23

#ifdef __TARGET_ARCH_arm64
#define CALL_SIZE 4
#else
#define CALL_SIZE 5
#endif

/*
 * At a call in Write: what the goroutine sends before that returns. Another connection's Write that
 * was left without a word of it has ended when this one's frame is not below it.
 */
static __always_inline void go_write_nesting(struct pt_regs *ctx, struct site *s,
					     const struct conn *c)
{
	s->g = current_g(ctx, s);
	struct go_nesting_key key = { .g = s->g, .tgid = s->tgid };
	struct go_nesting n = { .conn = s->conn,
				.depth = user_u64(s->g + 8) - PT_REGS_FP(ctx),
				.back = PT_REGS_IP(ctx) + CALL_SIZE };
	if (!c->bound) {
		go_nesting_set(s, &n);
		return;
	}
	struct go_nesting *old = bpf_map_lookup_elem(&go_nestings, &key);
	if (old && old->conn != s->conn && old->depth >= n.depth)
		bpf_map_delete_elem(&go_nestings, &key);
}

SEC("uprobe") int go_write_record(struct pt_regs *ctx)
{
	struct site s = { 0 };
	__u64 call[4]; /* conn, type of record, data, its length */

	USE_STACK_OF_THREAD(ctx, no_programs);
	if (!site_read(ctx, &s))
		return 0;
	call_arguments(ctx, s.target, call);
	if ((__u8)call[1] != RECORD_TYPE_APPLICATION_DATA || !call[3])
		return 0;
	/* a program is loaded at a page, and the calls differ within one */
	__u64 ip = PT_REGS_IP(ctx), *write = s.target->write;
	s.bias = ip - ((ip ^ write[0]) & 0xfff ? write[1] : write[0]);
	s.conn = call[0];
	struct conn *c = go_conn(&s);
	if (!c)
		return 0;
	if (!c->bound || go_nests)
		go_write_nesting(ctx, &s, c);
	struct call done = { .conn = s.conn,
			     .src = call[2],
			     .total = call[3],
			     .goid = goid_of(ctx, &s),
			     .dir = EV_WRITE };
	send_call(s.self.id, c, &done);
	return 0;
}

SEC("uprobe") int go_write_enter(struct pt_regs *ctx)
{
	struct site s = { 0 };

	USE_STACK_OF_THREAD(ctx, no_programs);
	if (!site_read(ctx, &s))
		return 0;
	__u64 buf = argument(ctx, s.target, 1), len = argument(ctx, s.target, 2);
	s.conn = argument(ctx, s.target, 0);
	s.bias = PT_REGS_IP(ctx) - s.target->write[0];
	struct conn *c = len ? go_conn(&s) : NULL;
	struct call done = { .conn = s.conn, .src = buf, .total = len, .dir = EV_WRITE };
	if (c) {
		done.goid = goid_of(ctx, &s);
		send_call(s.self.id, c, &done);
	}
	return 0;
}

/*
 * Others' Reads can push one that waits out of go_calls: then nobody knows what it moved. Of
 * several at once on one connection, which is rare, the last is watched.
 */
static __always_inline void go_reading(const struct site *s, struct conn *c,
				       const struct go_key *key)
{
	struct go_key last = { .g = c->read_g, .depth = c->read_depth, .tgid = s->tgid };

	if (c->read_g && !bpf_map_lookup_elem(&go_calls, &last)) {
		c->proc = 0; /* its next data begins it anew */
		count(EV_C_BEGUN_ANEW, 1);
	}
	c->read_g = key->g;
	c->read_depth = key->depth;
}

/* Where its returns are probed, a Read is remembered from here to there. */
SEC("uprobe") int go_read_enter(struct pt_regs *ctx)
{
	struct site s = { 0 };

	USE_STACK_OF_THREAD(ctx, no_programs);
	if (!site_read(ctx, &s))
		return 0;
	s.conn = argument(ctx, s.target, 0);
	s.bias = PT_REGS_IP(ctx) - s.target->read_entry;
	struct conn *c = go_conn(&s);
	if (!c)
		return 0;
	s.g = current_g(ctx, &s);
	__u64 top = user_u64(s.g + 8); /* runtime.g begins with stack.lo, stack.hi */
	__u64 buf = argument(ctx, s.target, 1);
	bool on_stack = buf < top && buf >= user_u64(s.g);
	struct go_key key = { .g = s.g, .depth = top - PT_REGS_SP(ctx), .tgid = s.tgid };
	struct go_call call = { .conn = s.conn,
				.on_stack = on_stack,
				.buf = on_stack ? top - buf : buf };
	struct go_nesting n = { .conn = s.conn };
	go_reading(&s, c, &key);
	bpf_map_update_elem(&go_calls, &key, &call, BPF_ANY);
	if (!c->bound)
		go_nesting_set(&s, &n);
	return 0;
}

/* At a RET of Read: the stack pointer is where it was at the entry. */
SEC("uprobe") int go_read_ret(struct pt_regs *ctx)
{
	struct site s = { 0 };

	USE_STACK_OF_THREAD(ctx, no_programs);
	if (!site_read(ctx, &s))
		return 0;
	s.g = current_g(ctx, &s);
	__u64 top = user_u64(s.g + 8);
	struct go_key key = { .g = s.g, .depth = top - PT_REGS_SP(ctx), .tgid = s.tgid };
	struct go_call *call = bpf_map_lookup_elem(&go_calls, &key);
	if (!call) {
		count(EV_C_ORPHAN, 1);
		return 0;
	}
	struct go_call done = *call;
	bpf_map_delete_elem(&go_calls, &key);
	struct conn_key conn = { .conn = done.conn, .tgid = s.tgid };
	struct conn *c = bpf_map_lookup_elem(&conns, &conn);
	/* Results follow the four words of receiver and slice in ABI0. */
	__s64 n = (__s64)argument(ctx, s.target, s.target->register_abi ? 0 : 4);
	if (c && c->read_g == s.g)
		c->read_g = 0;
	if (!c && n > 0)
		c = conn_again(&s.self, &conn, EV_LIB_GO, s.number);
	if (c && !c->proc && n > 0)
		c = conn_get(&s.self, &conn, EV_LIB_GO, s.number);
	if (!c)
		return 0;
	struct go_nesting_key nesting = { .g = s.g, .tgid = s.tgid };
	if (c->bound != BOUND_STRONG)
		bpf_map_delete_elem(&go_nestings, &nesting);
	struct call moved = { .conn = done.conn,
			      .src = done.on_stack ? top - done.buf : done.buf,
			      .total = n,
			      .dir = EV_READ };
	if (n > 0) {
		moved.goid = goid_of(ctx, &s);
		send_call(s.self.id, c, &moved);
	}
	return 0;
}

SEC("uprobe") int go_close_enter(struct pt_regs *ctx)
{
	struct site s = { 0 };

	USE_STACK_OF_THREAD(ctx, no_programs);
	if (!site_read(ctx, &s))
		return 0;
	struct conn_key key = { .conn = argument(ctx, s.target, 0), .tgid = s.tgid };
	conn_close(s.self.id, &key);
	return 0;
}
