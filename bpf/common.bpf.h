/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every family of probes shares: the maps, the tunables, the state of connections and threads.
 * owner.bpf.h, record.bpf.h and conn.bpf.h build on it, each on those before; the weak definitions
 * become one at link.
 */
#ifndef CLEARTAP_COMMON_BPF_H
#define CLEARTAP_COMMON_BPF_H

#include "vmlinux.h"
#ifdef __TARGET_ARCH_arm64
/* vmlinux.h may come from an amd64 kernel; only the layout of the saved registers differs. */
struct user_pt_regs {
	__u64 regs[31], sp, pc, pstate;
};
#endif
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_endian.h>

#include "event.h"
#include "base/limits.h"

#define CALL_DEPTH LIMIT_CALL_DEPTH

const volatile __u32 event_version __weak = EV_VERSION;

/* Tunables, set between open and load. */
const volatile __u64 message_budget __weak = 1 << 20;
const volatile __u64 wake_bytes __weak = 1 << 20;
const volatile bool filter_processes __weak = false; /* only those in `allowed` */
const volatile bool have_cookies __weak = false;     /* 5.15: bpf_get_attach_cookie() */

/* A call that is under way: from the probe at its entry to the one at its return. */
struct frame {
	__u64 conn;
	__u64 buf;
	__u64 count; /* address of the size_t that receives the count, 0: the return value */
	__u64 sp;    /* frames with a higher one are further out */
	__u64 len;   /* bytes asked for */
	__u64 begin; /* of a write, ns */
	__u8 dir;    /* enum ev_dir, HANDSHAKE or FLUSH */
	__u8 bound;  /* as in struct conn when the call began */
	__u8 silent; /* 1: what it moves was counted before */
	__u8 pad[5];
};

#define HANDSHAKE 2
#define FLUSH	  3

struct thread {
	__u64 proc; /* struct self.proc */
	__u64 depth;
	__u64 used; /* when a call moved bytes last, ns */
	__u32 owner;
	__u32 lot; /* in thread_lots */
	struct frame frame[CALL_DEPTH];
};

/* A process with connections. */
struct proc {
	__u32 go; /* not 0 (below): some are bound by what its goroutines are in */
	__u32 owner;
};

enum { GO_REGISTERS = 1, GO_STACK = 2 }; /* where a goroutine is found: its ABI */

enum { BOUND_NOT, BOUND_WEAK, BOUND_STRONG };

struct conn {
	__u64 gen;
	__u64 proc; /* 0: begins anew at its next call; load.c knows its place */
	__u64 offset[2];
	__u64 told[2]; /* the same of calls whose records are in the ring, or found no room */
	__u64 spent;   /* of the message budget */
	__u64 sk;      /* the socket of the last EV_BIND */
	__u8 dir;      /* of the last call */
	__u8 bound;
	__u8 announced; /* EV_OPEN has been sent */
	__u8 library;
	__u32 ports; /* of that socket */
	__u32 target;
	__u16 owner;
	__u8 midway; /* it was in use before */
	__u8 pad;
	__u32 lot; /* in conn_lots */
	__u32 pad2;
	__u64 used;		  /* when a call moved bytes last, ns */
	__u64 below;		  /* Go: what lies below the tls.Conn, to tell a reused address */
	__u64 checked;		  /* when that was looked at */
	__u64 read_g, read_depth; /* Go: of the last struct go_key, 0: that Read has returned */
};

struct go_nesting_key {
	__u64 g;
	__u32 tgid;
	__u32 pad;
};

/* A Read or Write that is under way, by where it is on its goroutine's stack, which moves. */
struct go_nesting {
	__u64 conn;
	__u64 depth; /* top of the stack less the function's frame pointer */
	__u64 back;  /* where what it called returns to; 0: a probe tells when it ends */
};

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 16 << 20);
} events __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct ev_control);
} control __weak SEC(".maps");

struct counters {
	__u64 value[EV_C__COUNT];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, EV_CPUS_MAX);
	__type(key, __u32);
	__type(value, struct counters);
} counts __weak SEC(".maps");

/* Calls seen by number of the probed file; 0 collects those of kernels without cookies. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, EV_TARGETS_MAX);
	__type(key, __u32);
	__type(value, __u64);
} hits __weak SEC(".maps");

/*
 * Which of these files have all their probes. Before that no connection of theirs is followed:
 * where writes are seen and reads are not yet, an answer would be taken for that to an earlier
 * request.
 */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, EV_TARGETS_MAX);
	__type(key, __u32);
	__type(value, __u32);
} ready __weak SEC(".maps");

/* No LRU: what it would throw out may be inside a call. owner.bpf.h bounds it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, LIMIT_THREADS);
	__type(key, __u64); /* pid_tgid */
	__type(value, struct thread);
} threads __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, LIMIT_CONNS);
	__type(key, struct conn_key);
	__type(value, struct conn);
} conns __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, LIMIT_PROCS);
	__type(key, __u32); /* tgid */
	__type(value, struct proc);
} procs __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, EV_TARGETS_MAX);
	__type(key, __u32); /* number of the file */
	__type(value, struct go_target);
} go_targets __weak SEC(".maps");

/* Only for kernels without cookies: the number of the file by the program's inode. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, EV_TARGETS_MAX);
	__type(key, struct exe_key);
	__type(value, __u32);
} go_exes __weak SEC(".maps");

/* Goroutines inside a Read or Write of a connection that is not bound yet. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 8192);
	__type(key, struct go_nesting_key);
	__type(value, struct go_nesting);
} go_nestings __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, LIMIT_ALLOWED);
	__type(key, __u32);   /* tgid */
	__type(value, __u32); /* its owner, 0: named by the filter itself */
} allowed __weak SEC(".maps");

/*
 * From 6.13 on the kernel may run a program on a stack per CPU. Programs of uprobe multi links can
 * be preempted, and two threads inside the same one then overwrite each other's variables (oopses
 * on 7.2). A program with a tail call, even one that is never made, keeps the stack of its thread.
 * Programs that share such a map must have the same attach type (6.17).
 */
#define PROGRAM_ARRAY(name)                                                                        \
	struct {                                                                                   \
		__uint(type, BPF_MAP_TYPE_PROG_ARRAY);                                             \
		__uint(max_entries, 1);                                                            \
		__type(key, __u32);                                                                \
		__type(value, __u32);                                                              \
	} name __weak SEC(".maps")
PROGRAM_ARRAY(no_programs);
PROGRAM_ARRAY(no_session_programs);
const volatile bool never __weak = false;
#define USE_STACK_OF_THREAD(ctx, map)                                                              \
	do {                                                                                       \
		if (never)                                                                         \
			bpf_tail_call(ctx, &map, 0);                                               \
	} while (0)

/*
 * What is not done in every call is a function that the kernel verifies once, by itself: arguments
 * are numbers. Kernels without the program's type information would verify it at each call.
 */
#define APART __noinline __weak

/* The current thread, asked for once in a probe: helpers are what its time goes to. */
struct self {
	__u64 id;   /* tgid << 32 | tid */
	__u64 proc; /* tells a process from the next one with its number, a program from what
		     * follows it by exec */
};

static __always_inline struct self self_read(void)
{
	struct self s;

	if (bpf_core_enum_value_exists(enum bpf_func_id,
				       BPF_FUNC_get_current_task_btf)) { /* 5.11 */
		struct task_struct *task = bpf_get_current_task_btf();
		s.id = (__u64)task->tgid << 32 | (__u32)task->pid;
		s.proc = task->group_leader->start_boottime + (task->self_exec_id << 56);
	} else {
		struct task_struct *task = (void *)bpf_get_current_task();
		s.id = bpf_get_current_pid_tgid();
		s.proc = BPF_CORE_READ(task, group_leader, start_boottime) +
			 (BPF_CORE_READ(task, self_exec_id) << 56);
	}
	return s;
}

static __always_inline void count(enum ev_counter c, __u64 n)
{
	__u32 cpu = bpf_get_smp_processor_id();
	struct counters *counters = bpf_map_lookup_elem(&counts, &cpu);

	if (counters)
		__sync_fetch_and_add(&counters->value[c], n);
}

/* Of the link: the number of the probed file, and above 32 bits its enum ev_library. */
static __always_inline __u64 probe_cookie(void *ctx)
{
	return have_cookies ? bpf_get_attach_cookie(ctx) : 0;
}

static __always_inline bool target_ready(__u32 target)
{
	__u32 *yes = bpf_map_lookup_elem(&ready, &target);

	return !target || (yes && *yes);
}

static __always_inline void count_hit(__u32 target)
{
	__u64 *n = bpf_map_lookup_elem(&hits, &target);

	if (n)
		__sync_fetch_and_add(n, 1);
}

static __always_inline bool process_allowed(__u32 tgid)
{
	if (!filter_processes || bpf_map_lookup_elem(&allowed, &tgid))
		return true;
	count(EV_C_FILTERED, 1);
	return false;
}

/*
 * Processes with a connection whose socket is not known for certain, by tgid modulo SEEKING; where
 * two of them meet, SEEK_ANY for good. All sends and receives of the machine ask this first.
 */
#define SEEKING	 4096
#define SEEK_ANY (~0U)
__u32 seeking[SEEKING] __weak;

static __always_inline bool is_seeking(__u32 tgid)
{
	__u32 who = seeking[tgid & (SEEKING - 1)];

	return who == tgid || who == SEEK_ANY;
}

/* Said anew with each call that seeks, as another CPU may have written over it. */
static __always_inline void seek(__u32 tgid)
{
	__u32 *who = &seeking[tgid & (SEEKING - 1)];

	if (!is_seeking(tgid))
		*who = *who ? SEEK_ANY : tgid;
}

static __always_inline void seek_no_more(__u32 tgid)
{
	__u32 *who = &seeking[tgid & (SEEKING - 1)];

	if (*who == tgid)
		*who = 0;
}

#endif
