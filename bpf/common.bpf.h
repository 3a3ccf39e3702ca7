/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every family of probes shares: the maps, the tunables, the state of connections and threads,
 * and how records are sent. Each .bpf.c includes this; the weak definitions become one at link.
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
	__u8 dir;
	__u8 bound; /* as in struct conn when the call began */
	__u8 pad[6];
};

struct thread {
	__u64 proc; /* struct self.proc */
	__u64 depth;
	struct frame frame[CALL_DEPTH];
};

/* A process with connections. */
struct proc {
	__u32 go; /* not 0 (below): some are bound by what its goroutines are in */
};

enum { GO_REGISTERS = 1, GO_STACK = 2 }; /* where a goroutine is found: its ABI */

enum { BOUND_NOT, BOUND_WEAK, BOUND_STRONG };

struct conn {
	__u64 gen;
	__u64 proc;
	__u64 offset[2];
	__u64 spent; /* of the message budget */
	__u64 sk;    /* the socket of the last EV_BIND */
	__u8 dir;    /* of the last call */
	__u8 bound;
	__u8 announced; /* EV_OPEN has been sent */
	__u8 library;
	__u32 ports; /* of that socket */
	__u64 target;
	__u64 below;   /* Go: what lies below the tls.Conn, to tell a reused address */
	__u64 checked; /* when that was looked at */
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

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
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
	__uint(max_entries, 16384);
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
	__uint(max_entries, 16384);
	__type(key, __u32); /* tgid */
	__type(value, __u8);
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

static __always_inline void count_hit(__u32 target)
{
	__u64 *n = bpf_map_lookup_elem(&hits, &target);

	if (n)
		__sync_fetch_and_add(n, 1);
}

/*
 * Wake the reader when the ring's fill passes a multiple of wake_bytes, or at once when it said
 * that it sleeps; it also looks by itself every few milliseconds (src/event/ring.c).
 */
static __always_inline __u64 wake_flags(__u64 size)
{
	__u32 zero = 0;
	struct ev_control *c = bpf_map_lookup_elem(&control, &zero);

	if (c && c->wake) {
		c->wake = 0;
		return BPF_RB_FORCE_WAKEUP;
	}
	__u64 fill = bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA);
	return (fill & (wake_bytes - 1)) < size ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;
}

static __always_inline void fill_hdr(struct ev_hdr *hdr, enum ev_type type, __u32 size, __u64 id,
				     __u64 conn, __u64 gen)
{
	hdr->type = type;
	hdr->flags = 0;
	hdr->size = size;
	hdr->ktime = bpf_ktime_get_ns();
	hdr->tgid = id >> 32;
	hdr->tid = (__u32)id;
	hdr->conn = conn;
	hdr->gen = gen;
}

/* A fixed-size record, or NULL with the drop counted. */
#define reserve(type)                                                                              \
	({                                                                                         \
		type *rec_ = bpf_ringbuf_reserve(&events, sizeof(type), 0);                        \
		if (!rec_)                                                                         \
			count(EV_C_RING_FULL, 1);                                                  \
		rec_;                                                                              \
	})

static __always_inline void submit(void *rec, __u64 size)
{
	bpf_ringbuf_submit(rec, wake_flags(size));
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

static const struct thread no_thread;

static __always_inline struct thread *thread_get(__u64 id)
{
	struct thread *t = bpf_map_lookup_elem(&threads, &id);

	if (t)
		return t;
	bpf_map_update_elem(&threads, &id, &no_thread, BPF_NOEXIST);
	t = bpf_map_lookup_elem(&threads, &id);
	if (t)
		t->proc = self_read().proc;
	else
		count(EV_C_THREADS_FULL, 1);
	return t;
}

static __always_inline void send_open(__u64 id, struct conn_key *key, struct conn *c)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct ev_open *e = reserve(struct ev_open);

	if (!e)
		return;
	fill_hdr(&e->hdr, EV_OPEN, sizeof(*e), id, key->conn, c->gen);
	e->cgroup = bpf_get_current_cgroup_id();
	e->target = c->target;
	e->uid = (__u32)bpf_get_current_uid_gid();
	e->netns = BPF_CORE_READ(task, nsproxy, net_ns, ns.inum);
	e->library = c->library;
	__builtin_memset(e->pad, 0, sizeof(e->pad));
	BPF_CORE_READ_STR_INTO(&e->comm, task, group_leader, comm);
	submit(e, sizeof(*e));
	c->announced = 1;
}

static __always_inline void conn_close(__u64 id, struct conn_key *key)
{
	struct conn *c = bpf_map_lookup_elem(&conns, key);

	if (!c)
		return;
	struct ev_close *e = reserve(struct ev_close);
	if (e) {
		fill_hdr(&e->hdr, EV_CLOSE, sizeof(*e), id, key->conn, c->gen);
		e->offset[0] = c->offset[0];
		e->offset[1] = c->offset[1];
		submit(e, sizeof(*e));
	}
	bpf_map_delete_elem(&conns, key);
}

/* The state of a connection; made, and announced, at its first call. */
static __always_inline struct conn *conn_get(const struct self *self, struct conn_key *key,
					     __u8 library, __u64 target)
{
	struct conn *c = bpf_map_lookup_elem(&conns, key);

	if (c && c->proc != self->proc) {
		conn_close(self->id, key);
		c = NULL;
	}
	if (!c) {
		struct conn fresh = { .gen = bpf_ktime_get_ns(),
				      .proc = self->proc,
				      .library = library,
				      .target = target };
		struct proc unknown = { 0 };
		bpf_map_update_elem(&procs, &key->tgid, &unknown, BPF_NOEXIST);
		/* Another goroutine may have been first: one reads while another writes. */
		bpf_map_update_elem(&conns, key, &fresh, BPF_NOEXIST);
		c = bpf_map_lookup_elem(&conns, key);
		if (!c) {
			count(EV_C_CONNS_FULL, 1);
			return NULL;
		}
	}
	if (!c->announced)
		send_open(self->id, key, c);
	return c;
}

/* What one record says, before its payload. */
struct piece {
	__u64 id, conn, gen, offset, goid, src;
	__u32 span, len;
	__u8 dir, flags;
};

/*
 * Send one record with room for `class` bytes, a constant as bpf_ringbuf_reserve() wants; copying
 * straight into the ring needs no scratch memory that a preempting thread could overwrite.
 */
static __always_inline bool send_class(const struct piece *p, const __u64 class)
{
	struct ev_data *e = bpf_ringbuf_reserve(&events, sizeof(*e) + class, 0);
	__u64 len = p->len;

	if (!e)
		return false;
	if (len > class)
		len = class;
	asm volatile("" : "+r"(len)); /* clang 14 would drop the bound that the verifier needs */
	if (len > class)
		len = class;
	fill_hdr(&e->hdr, EV_DATA, sizeof(*e) + len, p->id, p->conn, p->gen);
	e->hdr.flags = p->flags;
	e->offset = p->offset;
	e->goid = p->goid;
	e->span = p->span;
	e->dir = p->dir;
	__builtin_memset(e->pad, 0, sizeof(e->pad));
	if (class && len && bpf_probe_read_user(e->payload, len, (void *)p->src)) {
		count(EV_C_FAULT, 1);
		e->hdr.flags |= EV_F_FAULT;
		e->hdr.size = sizeof(*e);
		len = 0;
	}
	e->len = len;
	submit(e, sizeof(*e) + class);
	return true;
}

static __always_inline bool send_fitting(const struct piece *p)
{
	switch (p->len) {
	case 0:
		return send_class(p, 0);
	case 1 ... 128:
		return send_class(p, 128);
	case 129 ... 256:
		return send_class(p, 256);
	case 257 ... 512:
		return send_class(p, 512);
	case 513 ... 1024:
		return send_class(p, 1024);
	case 1025 ... 1536:
		return send_class(p, 1536);
	case 1537 ... 2048:
		return send_class(p, 2048);
	case 2049 ... 4096:
		return send_class(p, 4096);
	case 4097 ... 6144:
		return send_class(p, 6144);
	case 6145 ... 8192:
		return send_class(p, 8192);
	case 8193 ... 12288:
		return send_class(p, 12288);
	default:
		return send_class(p, EV_CHUNK_MAX);
	}
}

static __always_inline void count_lost(const struct piece *p)
{
	count(EV_C_RING_FULL, 1);
	count(EV_C_RING_BYTES, p->len);
}

/*
 * The bytes of one finished call. The offset moves on by all of them; what the budget leaves out is
 * counted in the span of the last record, what finds no room shows as a jump of the offset.
 */
static __always_inline void send_call(__u64 id, struct conn *c, __u64 conn, __u8 dir, __u64 src,
				      __u64 total, __u64 goid)
{
	__u32 zero = 0;
	struct ev_control *ctl = bpf_map_lookup_elem(&control, &zero);
	struct piece p = { .id = id,
			   .conn = conn,
			   .gen = c->gen,
			   .offset = c->offset[dir & 1],
			   .goid = goid,
			   .src = src,
			   .dir = dir };

	count(EV_C_CALLS, 1);
	count_hit(c->target);
	c->offset[dir & 1] += total;
	if (c->dir != dir) {
		c->dir = dir;
		c->spent = 0;
	}
	__u64 take = message_budget > c->spent ? message_budget - c->spent : 0;
	if (take < total)
		p.flags = EV_F_BUDGET;
	if (ctl && ctl->paused) {
		take = 0;
		p.flags = EV_F_PAUSED;
	}
	if (take > total)
		take = total;
	if (take > (__u64)EV_CALL_CHUNKS * EV_CHUNK_MAX) {
		take = (__u64)EV_CALL_CHUNKS * EV_CHUNK_MAX;
		p.flags = EV_F_BUDGET;
	}
	c->spent += take;
	if (take < total)
		count(EV_C_BUDGET_BYTES, total - take);

	__u8 flags = p.flags;
	p.flags = 0;
	p.span = p.len = EV_CHUNK_MAX;
	for (int i = 0; i < EV_CALL_CHUNKS && take > EV_CHUNK_MAX; i++) {
		if (!send_class(&p, EV_CHUNK_MAX))
			count_lost(&p);
		p.offset += EV_CHUNK_MAX;
		p.src += EV_CHUNK_MAX;
		take -= EV_CHUNK_MAX;
		total -= EV_CHUNK_MAX;
	}
	p.flags = flags;
	p.len = take;
	p.span = total;
	if (send_fitting(&p))
		return;
	count_lost(&p);
	p.len = 0; /* try at least to tell that there was something */
	if (take)
		send_class(&p, 0);
}

#endif
