/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the running server tells of itself: GET /api/stats and /metrics. */
#ifndef CLEARTAP_STATUS_H
#define CLEARTAP_STATUS_H

#include <stddef.h>
#include <stdint.h>

#include "event.h"
#include "source/ring.h"
#include "session/session.h"

struct buf;

/* A moment's numbers; plain data, so that it is taken once and written in either form. */
struct status {
	uint64_t counters[EV_C__COUNT]; /* of the kernel side */
	struct ring_taken taken;
	uint64_t ring_used, ring_size;
	uint64_t queue_bytes, queue_cut;
	uint64_t uptime_s;
	uint64_t targets_attached, targets_failed;
	uint64_t resident_bytes;
	struct session_stats sessions;
	int paused;
};

/* Resident memory of this process in bytes, 0 unknown. `fd` is open on /proc/self/statm. */
uint64_t status_resident(int fd);
/* Append the members of GET /api/stats without the braces. 0 or -ENOMEM. */
int status_put_json(const struct status *s, struct buf *out);
/* Append the Prometheus text of GET /metrics. 0 or -ENOMEM. */
int status_put_metrics(const struct status *s, struct buf *out);

#endif
