/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel side sees on the wire (bpf/wire.bpf.c): its records and its slots, to wire.h. */
#ifndef CLEARTAP_WIRE_SLOTS_H
#define CLEARTAP_WIRE_SLOTS_H

#include <stdint.h>

struct ev_hdr;
struct ring;
struct wire;
struct wire_slots;

/* NULL when out of memory. */
struct wire_slots *wire_slots_new(const struct ring *r, struct wire *w, int64_t clock_offset_us);
/* Takes NULL. */
void wire_slots_free(struct wire_slots *s);
/* One checked record (ring.h). */
void wire_slots_tell(struct wire_slots *s, const struct ev_hdr *record);
/* Each 250 ms: look at a part of the slots that are in use, so that each is seen once a second. */
void wire_slots_tick(struct wire_slots *s, int64_t now_us);

#endif
