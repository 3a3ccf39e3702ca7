/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The probes inside programs as a source: records of bpf/event.h become flows of session/flow.h. */
#ifndef CLEARTAP_UPROBE_H
#define CLEARTAP_UPROBE_H

#include <stdint.h>

struct ev_hdr;
struct ring;
struct sessions;

/* Tell of one checked record (ring.h). */
void uprobe_tell(struct sessions *s, int64_t clock_offset_us, const struct ev_hdr *record);
const struct ring *uprobe_ring(const void *state);

#endif
