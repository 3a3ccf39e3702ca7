/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Shares. All that programs take of the maps and of the ring is taken in the name of an owner, and
 * nobody gets more than one part in LIMIT_SHARE, so that one who takes all he can get leaves the
 * others theirs. Root's programs are told apart by cgroup, which others cannot make for him.
 */
#ifndef CLEARTAP_OWNER_BPF_H
#define CLEARTAP_OWNER_BPF_H

#include "common.bpf.h"

#define PIDS_OF_MACHINE 0xEFFFFFFCU /* PROC_PID_INIT_INO */
#define USER_NAMESPACES 33	    /* nesting that kernels allow */
#define OWNER_TRIES	8
#define LOT_TRIES	32
#define LOT_NONE	(~0U)

const volatile __u64 ring_share __weak = 4 << 20; /* bytes */
const volatile __u64 owner_salt __weak = 0;	  /* nobody chooses whom he shares a number with */

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, EV_OWNERS);
	__type(key, __u32);
	__type(value, struct ev_owner);
} owners __weak SEC(".maps");

/* Written by the reader alone. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, EV_OWNERS);
	__type(key, __u32);
	__type(value, __u64);
} owner_taken __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, LIMIT_CONNS);
	__type(key, __u32);
	__type(value, struct ev_lot);
} conn_lots __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, LIMIT_THREADS);
	__type(key, __u32);
	__type(value, struct ev_lot);
} thread_lots __weak SEC(".maps");

static __always_inline struct ev_owner *owner_get(__u32 owner)
{
	return bpf_map_lookup_elem(&owners, &owner);
}

/*
 * Of the current task. Anyone may make user namespaces and be thousands of users in them: then
 * whose namespace is it? Anyone may be any user in a container, so its pid namespace counts; only
 * root makes one without a user namespace.
 */
APART __u64 owner_id(void)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct user_namespace *ns = BPF_CORE_READ(task, cred, user_ns);
	__u32 uid = bpf_get_current_uid_gid();
	__u64 pids = BPF_CORE_READ(task, nsproxy, pid_ns_for_children, ns.inum);

	for (int i = 0; i < USER_NAMESPACES && BPF_CORE_READ(ns, level) > 1; i++)
		ns = BPF_CORE_READ(ns, parent);
	if (BPF_CORE_READ(ns, level) > 0) {
		uid = BPF_CORE_READ(ns, owner.val);
		pids = PIDS_OF_MACHINE;
	}
	if (!uid)
		return EV_OWNER_CGROUP | bpf_get_current_cgroup_id();
	return (pids == PIDS_OF_MACHINE ? 0 : pids & 0x7fffffff) << 32 | uid;
}

static __always_inline bool owner_idle(const struct ev_owner *o, __u32 n)
{
	__u64 *taken = bpf_map_lookup_elem(&owner_taken, &n), held = 0;

	for (int i = 0; i < EV_OWN__COUNT; i++)
		held |= o->held[i];
	return !held && taken && o->sent == *taken;
}

static __always_inline void owner_begin(struct ev_owner *o, __u64 id)
{
	o->id = id;
	o->idle = o->lost_records = o->lost_bytes = o->lost_packets = 0;
	for (int i = 0; i < EV_OWN__COUNT; i++)
		o->refused[i] = 0;
}

/*
 * The number of an owner. Where all places are taken, and where two begin in the same moment, some
 * share one: then they share a share.
 */
APART __u32 owner_find(__u64 id)
{
	__u32 home = ((id ^ owner_salt) * 0x9E3779B97F4A7C15ULL) >> 40, unused = 0;

	for (int i = 0; i < OWNER_TRIES; i++) {
		__u32 n = (home + i) & (EV_OWNERS - 1);
		struct ev_owner *o = owner_get(n);

		if (!o || !n)
			continue;
		if (o->id == id)
			return n;
		if (!unused && owner_idle(o, n))
			unused = n;
	}
	struct ev_owner *o = owner_get(unused);
	if (!unused || !o)
		return (home & (EV_OWNERS - 1)) ?: 1;
	owner_begin(o, id);
	return unused;
}

static __always_inline bool share_left(const struct ev_owner *o, enum ev_owned what, __u64 limit)
{
	return (__s64)o->held[what] < (__s64)(limit / LIMIT_SHARE);
}

static __always_inline void share_take(struct ev_owner *o, enum ev_owned what)
{
	__sync_fetch_and_add(&o->held[what], 1);
}

static __always_inline void share_give(__u32 owner, enum ev_owned what)
{
	struct ev_owner *o = owner_get(owner);

	if (o)
		__sync_fetch_and_add(&o->held[what], -1);
}

static __always_inline void share_refuse(struct ev_owner *o, enum ev_owned what, enum ev_counter c)
{
	__sync_fetch_and_add(&o->refused[what], 1);
	count(c, 1);
}

/* A process with connections; NULL: it may not be one, which is counted. */
static __always_inline struct proc *proc_get(__u32 tgid)
{
	struct proc *p = bpf_map_lookup_elem(&procs, &tgid);

	if (p)
		return p;
	struct proc fresh = { .owner = owner_find(owner_id()) };
	struct ev_owner *o = owner_get(fresh.owner);
	if (!o)
		return NULL;
	if (share_left(o, EV_OWN_PROCS, LIMIT_PROCS) &&
	    !bpf_map_update_elem(&procs, &tgid, &fresh, BPF_NOEXIST))
		share_take(o, EV_OWN_PROCS);
	p = bpf_map_lookup_elem(&procs, &tgid);
	if (!p)
		share_refuse(o, EV_OWN_PROCS, EV_C_PROCS_SHARE);
	return p;
}

/* A free lot near a place that nobody can foresee, or LOT_NONE. */
static __always_inline __u32 lot_take(void *lots, __u32 size, const struct ev_lot *mine)
{
	__u32 at = bpf_get_prandom_u32();

	for (int i = 0; i < LOT_TRIES; i++) {
		__u32 n = (at + i) & (size - 1);
		struct ev_lot *lot = bpf_map_lookup_elem(lots, &n);

		if (!lot || lot->owner)
			continue;
		*lot = *mine;
		return n;
	}
	return LOT_NONE;
}

static __always_inline void lot_give(void *lots, __u32 n, __u64 what, __u32 tgid)
{
	struct ev_lot *lot = bpf_map_lookup_elem(lots, &n);

	if (lot && lot->what == what && lot->tgid == tgid)
		lot->owner = 0;
}

#endif
