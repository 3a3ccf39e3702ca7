/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The numbers of the running server that the API is told (struct api_source): a moment's. */
#ifndef CLEARTAP_API_SERVER_STATS_H
#define CLEARTAP_API_SERVER_STATS_H

#include <stdbool.h>
#include <stdint.h>

#include "event.h"
#include "base/limits.h"
#include "context/registry.h"
#include "keep/keep.h"
#include "redact/redact.h"
#include "session/session.h"
#include "source/owner_use.h"
#include "source/pcap.h"
#include "source/ring.h"
#include "wire/wire.h"

struct server_stats {
	bool ready, paused; /* the first probes are in; capture is paused */
	uint64_t uptime_s;
	uint64_t resident_bytes;
	uint64_t kernel[EV_C__COUNT]; /* counters of the kernel side */
	struct ring_taken taken;
	uint64_t ring_used, ring_size;
	uint64_t queue_bytes, queue_cut;
	struct redact_stats redaction;
	uint64_t targets_attached, targets_failed;
	struct session_stats sessions;
	bool wire_packets; /* by a packet socket, which lost: */
	uint64_t packets_lost;
	bool wire_watched; /* if not, all of `wire` is 0 */
	struct wire_stats wire;
	struct keep_stats keep;			   /* packets */
	bool keys;				   /* there is a file with secrets for them */
	struct owner_use owner[LIMIT_OWNERS_TOLD]; /* who was refused something, most first */
	size_t owners;
	struct left_out left_out[REGISTRY_CAUSES]; /* what the tracer did not look at */
	size_t causes;
	struct pcap_stats file; /* that is read; its name is NULL without one */
};

/* Records and calls that did not make it into a session. */
static inline uint64_t server_stats_dropped(const struct server_stats *s)
{
	return s->kernel[EV_C_RING_FULL] + s->kernel[EV_C_RING_SHARE] + s->kernel[EV_C_CONNS_FULL] +
	       s->kernel[EV_C_CONNS_SHARE] + s->kernel[EV_C_PROCS_SHARE] +
	       s->kernel[EV_C_THREADS_FULL] + s->kernel[EV_C_NESTED_DEEP] + s->taken.bad;
}

#endif
