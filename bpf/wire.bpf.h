/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The slots of sockets on which TLS was found, and who is looked for: wire.bpf.c, sock.bpf.c. */
#ifndef CLEARTAP_WIRE_BPF_H
#define CLEARTAP_WIRE_BPF_H

#include "record.bpf.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, LIMIT_WIRE_FLOWS);
	__type(key, __u32);
	__type(value, struct ev_wire);
} wire_slots __weak SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, LIMIT_WIRE_FLOWS);
	__type(key, __u64);   /* cookie */
	__type(value, __u32); /* slot */
} wire_cookies __weak SEC(".maps");

/*
 * How many sockets have no known process, in all and by cookie modulo WIRE_SEEKING: all sends and
 * receives of the machine ask this first.
 */
#define WIRE_SEEKING 4096
__u32 wire_sought __weak;
__u32 wire_seeking[WIRE_SEEKING] __weak;

static __always_inline void wire_seek(struct ev_wire *w, __s32 n)
{
	if (n > 0)
		w->flags |= EV_WIRE_SOUGHT;
	else
		w->flags &= ~EV_WIRE_SOUGHT;
	__sync_fetch_and_add(&wire_seeking[w->cookie & (WIRE_SEEKING - 1)], n);
	__sync_fetch_and_add(&wire_sought, n);
}

static __always_inline struct ev_wire *wire_of(__u64 cookie)
{
	__u32 *n = bpf_map_lookup_elem(&wire_cookies, &cookie);
	struct ev_wire *w = n ? bpf_map_lookup_elem(&wire_slots, n) : NULL;

	return w && w->cookie == cookie && w->gen ? w : NULL;
}

static __always_inline struct about wire_about(const struct ev_wire *w, __u64 id)
{
	return (struct about){ id, w->cookie, w->gen, w->owner };
}

/* Tell of its end, with its sums, and free the slot. */
static __always_inline void wire_free_slot(struct ev_wire *w)
{
	struct about about = wire_about(w, 0);
	struct ev_wire_end *e = NULL;

	if (w->flags & EV_WIRE_TOLD)
		e = reserve(struct ev_wire_end, about.owner);
	if (e) {
		fill_hdr(&e->hdr, EV_WIRE_END, sizeof(*e), &about, bpf_ktime_get_ns());
		__builtin_memcpy(&e->wire, w, sizeof(*w));
		submit(e, sizeof(*e));
	}
	if (w->flags & EV_WIRE_SOUGHT)
		wire_seek(w, -1);
	w->gen = 0;
	bpf_map_delete_elem(&wire_cookies, &about.conn);
	share_give(about.owner, EV_OWN_WIRE);
}

#endif
