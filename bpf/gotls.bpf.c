// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Go's crypto/tls: (*Conn).Read, Write and Close. A goroutine moves between threads and its stack
 * moves in memory, so a call is known by the goroutine and by how far below the top of its stack it
 * runs; nothing here keeps an address inside a stack. Entries are probed where the stack pointer is
 * still the caller's (src/trace/gobin.c), returns at every RET.
 */
#include "common.bpf.h"
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

/* What a probe point of Read or Write sees. */
struct site {
	struct go_target *target;
	__u32 number;
	__u32 tgid;
	__u64 g, top, sp;
	__u64 conn, buf, len;
};

static __always_inline __u64 current_g(struct pt_regs *ctx, const struct go_target *t)
{
#ifdef __TARGET_ARCH_arm64
	return ((struct user_pt_regs *)ctx)->regs[28];
#else
	if (t->register_abi)
		return ctx->r14;
	/* ABI0 keeps it in thread-local storage, right below the thread pointer. */
	struct task_struct *task = (void *)bpf_get_current_task();
	return user_u64(BPF_CORE_READ(task, thread.fsbase) - 8);
#endif
}

static __always_inline __u64 argument(struct pt_regs *ctx, const struct go_target *t, int n)
{
	if (!t->register_abi)
		return user_u64(PT_REGS_SP(ctx) + 8 + 8 * n);
#ifdef __TARGET_ARCH_arm64
	return ((struct user_pt_regs *)ctx)->regs[n];
#else
	return n == 0 ? ctx->ax : n == 1 ? ctx->bx : ctx->cx;
#endif
}

static __always_inline bool site_read(struct pt_regs *ctx, struct site *s)
{
	s->target = target_get(ctx, &s->number);
	if (!s->target || !process_allowed())
		return false;
	s->tgid = bpf_get_current_pid_tgid() >> 32;
	s->g = current_g(ctx, s->target);
	s->top = user_u64(s->g + 8); /* runtime.g begins with stack.lo, stack.hi */
	s->sp = PT_REGS_SP(ctx);
	return true;
}

static __always_inline __u64 goid_of(const struct site *s)
{
	return s->target->goid < 0 ? 0 : user_u64(s->g + s->target->goid);
}

/* The file descriptor below a tls.Conn, -1 when its net.Conn is not a *net.TCPConn. */
static __always_inline int fd_below(const struct site *s, __u64 bias, __u64 *ret_netfd)
{
	const struct go_target *t = s->target;
	__u64 iface[2] = { 0, 0 };
	int fd = -1;

	if (t->conn_conn < 0 || t->conn_fd < 0 || t->fd_sysfd < 0 || !t->itab)
		return -1;
	bpf_probe_read_user(iface, sizeof(iface), (void *)(s->conn + t->conn_conn));
	if (iface[0] != t->itab + bias)
		return -1;
	*ret_netfd = user_u64(iface[1] + t->conn_fd);
	if (bpf_probe_read_user(&fd, sizeof(fd), (void *)(*ret_netfd + t->fd_sysfd)))
		return -1;
	return fd;
}

/*
 * The connection, bound to its socket by the chain of Go's own types. A tls.Conn that is dropped
 * without Close leaves its state behind, and the next one may be found at the same address with a
 * netFD and a descriptor that are the same again; that the socket was closed meanwhile tells.
 */
static __always_inline struct conn *go_conn(const struct site *s, __u64 bias)
{
	struct conn_key key = { .conn = s->conn, .tgid = s->tgid };
	__u64 proc = proc_gen(s->tgid), netfd = 0;
	struct conn *c = conn_get(&key, proc, EV_LIB_GO, s->number);

	if (!c)
		return NULL;
	int fd = fd_below(s, bias, &netfd);
	__u64 below = fd < 0 ? 0 : netfd ^ (__u64)fd << 48;
	if (socket_gone(c) || (c->below && fd >= 0 && c->below != below)) {
		conn_close(&key);
		c = conn_get(&key, proc, EV_LIB_GO, s->number);
		if (!c)
			return NULL;
	}
	if (fd < 0)
		proc_set_go(s->tgid);
	if (c->below == below)
		return c;
	struct sock *sk = fd < 0 ? NULL : sock_of_fd(fd);
	if (sk && send_bind(&key, c, sk, EV_HOW_GO, 1))
		c->below = below;
	return c;
}

static __always_inline int go_enter(struct pt_regs *ctx, __u8 dir)
{
	struct site s = { 0 };

	if (!site_read(ctx, &s))
		return 0;
	s.conn = argument(ctx, s.target, 0);
	s.buf = argument(ctx, s.target, 1);
	s.len = argument(ctx, s.target, 2);
	__u64 link = dir == EV_READ ? s.target->read_address : s.target->write_address;
	struct conn *c = go_conn(&s, PT_REGS_IP(ctx) - link);
	if (!c)
		return 0;
	if (dir == EV_WRITE) {
		if (s.len)
			send_call(c, s.conn, dir, s.buf, s.len, goid_of(&s));
		return 0;
	}
	bool on_stack = s.buf < s.top && s.buf >= user_u64(s.g);
	struct go_key key = { .g = s.g, .depth = s.top - s.sp, .tgid = s.tgid };
	struct go_call call = { .conn = s.conn,
				.on_stack = on_stack,
				.buf = on_stack ? s.top - s.buf : s.buf };
	bpf_map_update_elem(&go_calls, &key, &call, BPF_ANY);
	if (!c->bound)
		go_reading_set(s.tgid, s.g, s.conn);
	return 0;
}

SEC("uprobe") int go_read_enter(struct pt_regs *ctx)
{
	USE_STACK_OF_THREAD(ctx, no_programs);
	return go_enter(ctx, EV_READ);
}

SEC("uprobe") int go_write_enter(struct pt_regs *ctx)
{
	USE_STACK_OF_THREAD(ctx, no_programs);
	return go_enter(ctx, EV_WRITE);
}

/* At a RET of Read: the stack pointer is where it was at the entry. */
SEC("uprobe") int go_read_ret(struct pt_regs *ctx)
{
	struct site s = { 0 };

	USE_STACK_OF_THREAD(ctx, no_programs);
	if (!site_read(ctx, &s))
		return 0;
	struct go_key key = { .g = s.g, .depth = s.top - s.sp, .tgid = s.tgid };
	struct go_call *call = bpf_map_lookup_elem(&go_calls, &key);
	if (!call) {
		count(EV_C_ORPHAN, 1);
		return 0;
	}
	struct go_call done = *call;
	bpf_map_delete_elem(&go_calls, &key);
	struct conn_key conn = { .conn = done.conn, .tgid = s.tgid };
	struct conn *c = bpf_map_lookup_elem(&conns, &conn);
	if (!c)
		return 0;
	if (c->bound != BOUND_STRONG)
		go_reading_clear(s.tgid, s.g);
	/* Results follow the four words of receiver and slice in ABI0. */
	__s64 n = s.target->register_abi ? (__s64)argument(ctx, s.target, 0)
					 : (__s64)argument(ctx, s.target, 4);
	if (n > 0)
		send_call(c, done.conn, EV_READ, done.on_stack ? s.top - done.buf : done.buf, n,
			  goid_of(&s));
	return 0;
}

SEC("uprobe") int go_close_enter(struct pt_regs *ctx)
{
	struct site s = { 0 };

	USE_STACK_OF_THREAD(ctx, no_programs);
	if (!site_read(ctx, &s))
		return 0;
	struct conn_key key = { .conn = argument(ctx, s.target, 0), .tgid = s.tgid };
	conn_close(&key);
	return 0;
}
