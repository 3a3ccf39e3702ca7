// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Libraries whose functions take (connection, buf, num): SSL_read, SSL_write, their _ex twins or
 * the internal functions that both call (src/trace/plan.c chooses), and SSL_free; and what is like
 * them in other libraries. One program per place where the count of bytes is found on return; each
 * comes as entry, return, and as a session (6.13) that is both in one.
 */
#include "conn.bpf.h"

char LICENSE[] SEC("license") = "GPL";

enum count_at { COUNT_RETURNED, COUNT_ARG4, COUNT_ARG5 };

/* What the return instruction takes off the stack before a return probe runs. */
#ifdef __TARGET_ARCH_x86
#define RETURN_POPS 8
#else
#define RETURN_POPS 0
#endif

/* Frames at or below this stack pointer never returned (longjmp): how many are still under way? */
static __always_inline __u64 live_depth(const struct thread *t, __u64 sp)
{
	__u64 depth = t->depth;

	for (int i = 0; i < CALL_DEPTH; i++)
		if (depth > 0 && depth <= CALL_DEPTH && t->frame[(depth - 1) & 3].sp <= sp)
			depth--;
	return depth;
}

/*
 * Calls that this thread left without returning (longjmp, another stack of a coroutine): how many
 * bytes they moved is not known, so their connections begin anew at the next call. A frame of the
 * very same call stems from a second probe on the file and is taken over.
 */
static __always_inline __u64 abandon_frames(const struct thread *t, __u64 sp, struct conn_key *now,
					    __u8 dir)
{
	__u64 depth = t->depth;

	for (int i = 0; i < CALL_DEPTH; i++) {
		if (!depth || depth > CALL_DEPTH)
			break;
		const struct frame *f = &t->frame[(depth - 1) & 3];
		if (f->sp > sp)
			break;
		depth--;
		if (f->sp == sp && f->conn == now->conn && f->dir == dir)
			continue;
		conn_break(f->conn, now->tgid);
	}
	return depth;
}

/*
 * A flush (gnutls_record_uncork) sends what earlier writes have left, and may do so through the
 * library's own write function: those writes show the socket, but move nothing that is new.
 */
static __always_inline __u8 is_silent(const struct thread *t, __u64 depth, __u64 conn, __u8 dir)
{
	const struct frame *outer = &t->frame[(depth - 1) & 3];

	return dir == FLUSH || (depth && outer->silent && outer->conn == conn);
}

/* 0 when the call is followed: its return is wanted. */
static __always_inline int call_enter(struct pt_regs *ctx, __u8 dir, enum count_at at)
{
	__u64 id = bpf_get_current_pid_tgid(), sp = PT_REGS_SP(ctx);
	struct conn_key key = { .conn = PT_REGS_PARM1(ctx), .tgid = id >> 32 };

	if (!process_allowed(key.tgid))
		return 1;
	struct thread *t = thread_get(id);
	__u64 depth = t ? abandon_frames(t, sp, &key, dir) : CALL_DEPTH;
	if (depth >= CALL_DEPTH) {
		if (t)
			count(EV_C_NESTED_DEEP, 1);
		conn_break(key.conn, key.tgid);
		return 1;
	}
	__u64 cookie = probe_cookie(ctx);
	__u8 library = cookie >> 32 ? cookie >> 32 : EV_LIB_OPENSSL;
	struct self self = { .id = id, .proc = t->proc };
	struct conn *c = conn_get(&self, &key, library, (__u32)cookie);
	if (!c)
		return 1;
	struct frame *f = &t->frame[depth & 3];
	f->conn = key.conn;
	f->buf = PT_REGS_PARM2(ctx);
	f->len = PT_REGS_PARM3(ctx);
	f->count = at == COUNT_ARG4   ? PT_REGS_PARM4(ctx)
		   : at == COUNT_ARG5 ? PT_REGS_PARM5(ctx)
				      : 0;
	f->silent = is_silent(t, depth, key.conn, dir);
	f->sp = sp;
	if (dir == EV_WRITE)
		f->begin = bpf_ktime_get_ns();
	f->dir = dir;
	f->bound = c->bound;
	if (c->bound != BOUND_STRONG)
		seek(key.tgid);
	t->depth = depth + 1;
	return 0;
}

/* Bytes that the call moved: > 0 only when it succeeded. */
static __always_inline __u64 call_count(struct pt_regs *ctx, const struct frame *f)
{
	int ret = (int)PT_REGS_RC(ctx);
	__u64 n = 0;

	if (ret <= 0 || f->silent)
		return 0;
	if (!f->count)
		return ret;
	if (bpf_probe_read_user(&n, sizeof(n), (void *)f->count)) {
		count(EV_C_FAULT, 1);
		return 0;
	}
	return n <= f->len ? n : 0;
}

static __always_inline int call_return(struct pt_regs *ctx, bool moves)
{
	__u64 id = bpf_get_current_pid_tgid(), sp = PT_REGS_SP(ctx) - RETURN_POPS;
	struct thread *t = bpf_map_lookup_elem(&threads, &id);
	__u64 depth = t ? live_depth(t, sp - 1) : 0;

	/* Begun before the attach, or seen by a second probe on the same file. */
	if (!depth || depth > CALL_DEPTH || t->frame[(depth - 1) & 3].sp != sp) {
		count(EV_C_ORPHAN, 1);
		return 0;
	}
	struct frame *f = &t->frame[(depth - 1) & 3];
	t->depth = depth - 1;
	__u64 n = moves && f->dir != HANDSHAKE ? call_count(ctx, f) : 0;
	if (!n)
		return 0;
	struct conn_key key = { .conn = f->conn, .tgid = id >> 32 };
	struct conn *c = bpf_map_lookup_elem(&conns, &key);
	struct call call = { .conn = key.conn,
			     .src = f->buf,
			     .total = n,
			     .begin = f->dir == EV_WRITE ? f->begin : 0,
			     .dir = f->dir };
	if (!c) {
		struct self self = { .id = id, .proc = t->proc };
		__u64 cookie = probe_cookie(ctx);
		c = conn_again(&self, &key, cookie >> 32 ?: EV_LIB_OPENSSL, (__u32)cookie);
	}
	if (!c)
		return 0;
	send_call(id, c, &call);
	t->used = c->used;
	return 0;
}

/* bpf_session_is_return() changed its prototype in 7.0; this holds since sessions exist. */
static __always_inline bool session_is_return(struct pt_regs *ctx)
{
	return PT_REGS_IP(ctx) != bpf_get_func_ip(ctx);
}

#define FAMILY(name, dir, at)                                                                      \
	SEC("uprobe") int name##_enter(struct pt_regs *ctx)                                        \
	{                                                                                          \
		USE_STACK_OF_THREAD(ctx, no_programs);                                             \
		call_enter(ctx, dir, at);                                                          \
		return 0;                                                                          \
	}                                                                                          \
	SEC("uprobe") int name##_session(struct pt_regs *ctx)                                      \
	{                                                                                          \
		USE_STACK_OF_THREAD(ctx, no_session_programs);                                     \
		return session_is_return(ctx) ? call_return(ctx, dir <= EV_WRITE)                  \
					      : call_enter(ctx, dir, at);                          \
	}

FAMILY(ssl_read, EV_READ, COUNT_RETURNED)
FAMILY(ssl_read_ex, EV_READ, COUNT_ARG4)
FAMILY(ssl_write, EV_WRITE, COUNT_RETURNED)
FAMILY(ssl_write_ex, EV_WRITE, COUNT_ARG4)
FAMILY(ssl_write_ex2, EV_WRITE, COUNT_ARG5)
/* SSL_do_handshake: what is sent and received in it tells the socket of who only answers later. */
FAMILY(ssl_handshake, HANDSHAKE, COUNT_RETURNED)
/* What it sends is that of the writes that it makes. */
FAMILY(ssl_flush, FLUSH, COUNT_RETURNED)

SEC("uretprobe") int ssl_return(struct pt_regs *ctx)
{
	USE_STACK_OF_THREAD(ctx, no_programs);
	return call_return(ctx, true);
}

SEC("uprobe") int ssl_free(struct pt_regs *ctx)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct conn_key key = { .conn = PT_REGS_PARM1(ctx), .tgid = id >> 32 };

	USE_STACK_OF_THREAD(ctx, no_programs);
	conn_close(id, &key);
	return 0;
}

/* Is a call on this connection under way in this thread? */
static __always_inline bool in_call(struct thread *t, __u64 sp, __u64 conn)
{
	__u64 depth = t ? live_depth(t, sp) : 0;

	for (int i = 0; i < CALL_DEPTH; i++)
		if (i < depth && t->frame[i].conn == conn)
			return true;
	return false;
}

/*
 * Made ready for another socket without SSL_free. A handshake that begins inside of SSL_read or
 * SSL_write clears as well, and is no new connection.
 */
SEC("uprobe") int ssl_clear(struct pt_regs *ctx)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct conn_key key = { .conn = PT_REGS_PARM1(ctx), .tgid = id >> 32 };

	USE_STACK_OF_THREAD(ctx, no_programs);
	if (!in_call(bpf_map_lookup_elem(&threads, &id), PT_REGS_SP(ctx), key.conn))
		conn_close(id, &key);
	return 0;
}
