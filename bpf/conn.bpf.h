/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Threads and connections: made within their owner's share, begun anew, ended, told of. */
#ifndef CLEARTAP_CONN_BPF_H
#define CLEARTAP_CONN_BPF_H

#include "record.bpf.h"

#define THREAD_IDLE_NS 1000000000ULL

static const struct thread no_thread;

static __always_inline void thread_end(__u64 id)
{
	struct thread *t = bpf_map_lookup_elem(&threads, &id);

	if (!t)
		return;
	__u32 owner = t->owner, lot = t->lot;
	if (bpf_map_delete_elem(&threads, &id))
		return;
	share_give(owner, EV_OWN_THREADS);
	lot_give(&thread_lots, lot, id, id >> 32);
}

/* A thread of this owner that is in no call and has not been for a while. */
APART int thread_gives_way(__u32 owner, __u64 now)
{
	__u32 at = bpf_get_prandom_u32();

	for (int i = 0; i < LOT_TRIES; i++) {
		__u32 n = (at + i) & (LIMIT_THREADS - 1);
		struct ev_lot *lot = bpf_map_lookup_elem(&thread_lots, &n);
		if (!lot || lot->owner != owner)
			continue;
		__u64 id = lot->what;
		struct thread *t = bpf_map_lookup_elem(&threads, &id);
		if (!t || t->depth || now - t->used < THREAD_IDLE_NS)
			continue;
		thread_end(id);
		return 1;
	}
	return 0;
}

APART int thread_make(__u64 id)
{
	__u32 tgid = id >> 32;
	struct proc *p = proc_get(tgid);
	struct ev_owner *o = p ? owner_get(p->owner) : NULL;

	if (!o)
		return 0;
	struct ev_lot lot = { .what = id, .tgid = tgid, .owner = p->owner };
	__u64 now = bpf_ktime_get_ns();
	__u32 at = share_left(o, EV_OWN_THREADS, LIMIT_THREADS) || thread_gives_way(lot.owner, now)
			   ? lot_take(&thread_lots, LIMIT_THREADS, &lot)
			   : LOT_NONE;
	if (at != LOT_NONE && !bpf_map_update_elem(&threads, &id, &no_thread, BPF_NOEXIST))
		share_take(o, EV_OWN_THREADS);
	struct thread *t = bpf_map_lookup_elem(&threads, &id);
	if (!t) {
		share_refuse(o, EV_OWN_THREADS, EV_C_THREADS_FULL);
		if (at != LOT_NONE)
			lot_give(&thread_lots, at, id, tgid);
		return 0;
	}
	t->proc = self_read().proc;
	t->used = now;
	t->owner = lot.owner;
	t->lot = at;
	return 1;
}

static __always_inline struct thread *thread_get(__u64 id)
{
	struct thread *t = bpf_map_lookup_elem(&threads, &id);

	if (t || !thread_make(id))
		return t;
	return bpf_map_lookup_elem(&threads, &id);
}

static __always_inline struct about conn_about(__u64 id, const struct conn_key *key,
					       const struct conn *c)
{
	return (struct about){ (__u64)key->tgid << 32 | (__u32)id, key->conn, c->gen, c->owner };
}

static __always_inline void send_open(__u64 id, struct conn_key *key, struct conn *c)
{
	struct task_struct *task = (void *)bpf_get_current_task();
	struct about about = conn_about(id, key, c);
	struct ev_open *e = may_send(c->owner) ? reserve(struct ev_open, c->owner) : NULL;

	if (!e)
		return;
	fill_hdr(&e->hdr, EV_OPEN, sizeof(*e), &about, bpf_ktime_get_ns());
	e->hdr.flags = c->midway ? EV_F_MIDWAY : 0;
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
	__u32 owner = c->owner, lot = c->lot;
	struct about about = conn_about(id, key, c);
	struct ev_close *e = reserve(struct ev_close, owner);
	if (e) {
		fill_hdr(&e->hdr, EV_CLOSE, sizeof(*e), &about, bpf_ktime_get_ns());
		e->offset[0] = c->offset[0];
		e->offset[1] = c->offset[1];
		submit(e, sizeof(*e));
	}
	if (bpf_map_delete_elem(&conns, key))
		return;
	share_give(owner, EV_OWN_CONNS);
	lot_give(&conn_lots, lot, key->conn, key->tgid);
}

/*
 * A call on this connection will not be followed to its end, so nobody knows what it moves: the
 * next one begins it anew.
 */
APART int conn_break(__u64 conn, __u32 tgid)
{
	struct conn_key key = { .conn = conn, .tgid = tgid };
	struct conn *c = bpf_map_lookup_elem(&conns, &key);

	if (!c || !c->proc)
		return 0;
	c->proc = 0;
	count(EV_C_BEGUN_ANEW, 1);
	return 1;
}

#define NOT_HIS (~0ULL)

/* When the connection in this lot was last used, 0: its process has ended. */
APART __u64 conn_used(__u32 n, __u32 owner)
{
	struct ev_lot *lot = bpf_map_lookup_elem(&conn_lots, &n);

	if (!lot || lot->owner != owner)
		return NOT_HIS;
	struct conn_key key = { .conn = lot->what, .tgid = lot->tgid };
	struct conn *c = bpf_map_lookup_elem(&conns, &key);
	if (!c)
		return NOT_HIS;
	return bpf_map_lookup_elem(&procs, &key.tgid) ? c->used : 0;
}

/* Among some connections of this owner, end the one that was used longest ago, or a dead one. */
APART int conn_gives_way(__u64 id, __u32 owner)
{
	__u32 at = bpf_get_prandom_u32(), oldest = 0;
	__u64 used = NOT_HIS;

	for (int i = 0; i < LOT_TRIES; i++) {
		__u32 n = (at + i) & (LIMIT_CONNS - 1);
		__u64 when = conn_used(n, owner);

		if (when >= used)
			continue;
		used = when;
		oldest = n;
	}
	struct ev_lot *lot = bpf_map_lookup_elem(&conn_lots, &oldest);
	if (used == NOT_HIS || !lot)
		return 0;
	struct conn_key key = { .conn = lot->what, .tgid = lot->tgid };
	conn_close(id, &key);
	return used ? 2 : 1;
}

#define MIDWAY (1 << 8) /* beside a library and above 16 bits an owner: it was known before */

/* The owner in whose share there is room for another connection, and MIDWAY; 0 when there is none.
 */
APART __u32 conn_room(__u64 id)
{
	struct proc *p = proc_get(id >> 32);
	struct ev_owner *o = p ? owner_get(p->owner) : NULL;
	int gone = 1;

	if (!o)
		return 0;
	if (!share_left(o, EV_OWN_CONNS, LIMIT_CONNS))
		gone = conn_gives_way(id, p->owner);
	if (gone == 2) {
		__sync_fetch_and_add(&o->idle, 1);
		count(EV_C_CONNS_IDLE, 1);
	}
	if (!gone) {
		share_refuse(o, EV_OWN_CONNS, EV_C_CONNS_SHARE);
		return 0;
	}
	bool known = o->idle || o->refused[EV_OWN_CONNS] || o->refused[EV_OWN_THREADS];
	return p->owner << 16 | (known ? MIDWAY : 0);
}

APART int conn_make(__u64 id, __u64 conn, __u64 proc, __u32 kind, __u32 target)
{
	struct conn_key key = { .conn = conn, .tgid = id >> 32 };
	struct ev_owner *o = owner_get(kind >> 16);
	struct ev_lot lot = { .what = conn, .tgid = key.tgid, .owner = kind >> 16 };
	struct conn fresh = { .gen = bpf_ktime_get_ns(),
			      .proc = proc,
			      .library = (__u8)kind,
			      .target = target,
			      .owner = kind >> 16,
			      .midway = !!(kind & MIDWAY),
			      .lot = lot_take(&conn_lots, LIMIT_CONNS, &lot) };

	if (!o)
		return 0;
	fresh.used = fresh.gen;
	/* Another goroutine may have been first: one reads while another writes. */
	if (fresh.lot != LOT_NONE && !bpf_map_update_elem(&conns, &key, &fresh, BPF_NOEXIST)) {
		share_take(o, EV_OWN_CONNS);
		return 1;
	}
	if (fresh.lot != LOT_NONE)
		lot_give(&conn_lots, fresh.lot, conn, key.tgid);
	if (bpf_map_lookup_elem(&conns, &key))
		return 1;
	share_refuse(o, EV_OWN_CONNS, EV_C_CONNS_FULL);
	return 0;
}

#define MISSING (1 << 9)

/* What was of another process or use is closed. MISSING: there is none now; MIDWAY: it was broken.
 */
APART __u32 conn_stale(__u64 id, __u64 conn, __u64 proc)
{
	struct conn_key key = { .conn = conn, .tgid = id >> 32 };
	struct conn *c = bpf_map_lookup_elem(&conns, &key);

	if (!c)
		return MISSING;
	if (c->proc == proc)
		return 0;
	__u32 broken = c->proc ? 0 : MIDWAY;
	conn_close(id, &key);
	return MISSING | broken;
}

APART int conn_announce(__u64 id, __u64 conn)
{
	struct conn_key key = { .conn = conn, .tgid = id >> 32 };
	struct conn *c = bpf_map_lookup_elem(&conns, &key);

	if (c && !c->announced)
		send_open(id, &key, c);
	return 0;
}

/*
 * The state of a connection; made, and announced, at its first call. In four steps, as a function
 * and those that it calls have 512 bytes of stack together.
 */
static __always_inline struct conn *conn_get(const struct self *self, struct conn_key *key,
					     __u8 library, __u64 target)
{
	struct conn *c = bpf_map_lookup_elem(&conns, key);

	if (c && c->proc == self->proc && c->announced)
		return c;
	__u32 kind = library | conn_stale(self->id, key->conn, self->proc);
	if (kind & MISSING) {
		if (!target_ready(target))
			return NULL;
		__u32 room = conn_room(self->id);
		if (!room || !conn_make(self->id, key->conn, self->proc, kind | room, target))
			return NULL;
	}
	conn_announce(self->id, key->conn);
	return bpf_map_lookup_elem(&conns, key);
}

/* A connection whose call took so long that it gave way to others of its owner meanwhile. */
static __always_inline struct conn *conn_again(const struct self *self, struct conn_key *key,
					       __u8 library, __u64 target)
{
	struct proc *p = bpf_map_lookup_elem(&procs, &key->tgid);
	struct ev_owner *o = p ? owner_get(p->owner) : NULL;

	return o && o->idle ? conn_get(self, key, library, target) : NULL;
}

#endif
