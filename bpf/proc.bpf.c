// SPDX-License-Identifier: GPL-2.0-or-later
/* Processes: their end closes their connections, and children of a process that is allowed are. */
#include "conn.bpf.h"

static __always_inline void process_gone(__u64 id)
{
	__u32 tgid = id >> 32;
	struct proc *p = bpf_map_lookup_elem(&procs, &tgid);

	seek_no_more(tgid);
	if (!p)
		return; /* it never had a connection */
	struct about about = { .id = id, .owner = p->owner };
	if (bpf_map_delete_elem(&procs, &tgid))
		return;
	share_give(about.owner, EV_OWN_PROCS);
	struct ev_hdr *e = reserve(struct ev_hdr, about.owner);
	if (!e)
		return;
	fill_hdr(e, EV_EXIT, sizeof(*e), &about, bpf_ktime_get_ns());
	submit(e, sizeof(*e));
}

/* What its thread was in has no end (pthread_exit() in a callback, for instance). */
static __always_inline void thread_gone(__u64 id)
{
	struct thread *t = bpf_map_lookup_elem(&threads, &id);

	if (!t)
		return;
	for (int i = 0; i < CALL_DEPTH; i++) {
		if (i < t->depth)
			conn_break(t->frame[i].conn, id >> 32);
	}
	thread_end(id);
}

static __always_inline void not_allowed(__u32 tgid)
{
	__u32 *owner = bpf_map_lookup_elem(&allowed, &tgid), whose = owner ? *owner : 0;

	if (owner && !bpf_map_delete_elem(&allowed, &tgid) && whose)
		share_give(whose, EV_OWN_ALLOWED);
}

SEC("raw_tp/sched_process_exit") int proc_exit(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (void *)ctx->args[0];
	__u64 id = bpf_get_current_pid_tgid();
	__u32 tgid = id >> 32;

	if (BPF_CORE_READ(task, signal, live.counter)) {
		thread_gone(id);
		return 0;
	}
	thread_end(id);
	if (filter_processes)
		not_allowed(tgid);
	process_gone(id);
	return 0;
}

/* A new program in the same process: nothing of the old one's memory is left. */
SEC("raw_tp/sched_process_exec") int proc_exec(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 id = bpf_get_current_pid_tgid();

	thread_end(id);
	process_gone(id);
	return 0;
}

/* The parent is the current task. */
static __always_inline void also_allowed(__u32 tgid)
{
	__u32 owner = owner_find(owner_id());
	struct ev_owner *o = owner_get(owner);

	if (!o)
		return;
	if (share_left(o, EV_OWN_ALLOWED, LIMIT_ALLOWED) &&
	    !bpf_map_update_elem(&allowed, &tgid, &owner, BPF_NOEXIST))
		share_take(o, EV_OWN_ALLOWED);
	else if (!bpf_map_lookup_elem(&allowed, &tgid))
		share_refuse(o, EV_OWN_ALLOWED, EV_C_ALLOWED_FULL);
}

SEC("raw_tp/sched_process_fork") int proc_fork(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *parent = (void *)ctx->args[0], *child = (void *)ctx->args[1];
	__u32 from = BPF_CORE_READ(parent, tgid), to = BPF_CORE_READ(child, tgid);

	if (filter_processes && from != to && bpf_map_lookup_elem(&allowed, &from))
		also_allowed(to);
	return 0;
}
