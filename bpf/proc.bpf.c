// SPDX-License-Identifier: GPL-2.0-or-later
/* Processes: their end closes their connections, and children of a process that is allowed are. */
#include "common.bpf.h"

static __always_inline void process_gone(__u64 id)
{
	__u32 tgid = id >> 32;

	seek_no_more(tgid);
	if (bpf_map_delete_elem(&procs, &tgid))
		return; /* it never had a connection */
	struct ev_hdr *e = reserve(struct ev_hdr);
	if (!e)
		return;
	fill_hdr(e, EV_EXIT, sizeof(*e), id, 0, 0);
	submit(e, sizeof(*e));
}

SEC("raw_tp/sched_process_exit") int proc_exit(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *task = (void *)ctx->args[0];
	__u64 id = bpf_get_current_pid_tgid();
	__u32 tgid = id >> 32;

	bpf_map_delete_elem(&threads, &id);
	if (BPF_CORE_READ(task, signal, live.counter))
		return 0;
	bpf_map_delete_elem(&allowed, &tgid);
	process_gone(id);
	return 0;
}

/* A new program in the same process: nothing of the old one's memory is left. */
SEC("raw_tp/sched_process_exec") int proc_exec(struct bpf_raw_tracepoint_args *ctx)
{
	__u64 id = bpf_get_current_pid_tgid();

	bpf_map_delete_elem(&threads, &id);
	process_gone(id);
	return 0;
}

SEC("raw_tp/sched_process_fork") int proc_fork(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *parent = (void *)ctx->args[0], *child = (void *)ctx->args[1];
	__u32 from = BPF_CORE_READ(parent, tgid), to = BPF_CORE_READ(child, tgid);
	__u8 one = 1;

	if (filter_processes && from != to && bpf_map_lookup_elem(&allowed, &from))
		bpf_map_update_elem(&allowed, &to, &one, BPF_ANY);
	return 0;
}
