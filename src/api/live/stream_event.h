/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The events of a live stream as text (HTML standard, server-sent events). */
#ifndef CLEARTAP_API_STREAM_EVENT_H
#define CLEARTAP_API_STREAM_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "source/pcap.h"

struct buf;
struct entry;
struct kfl;
struct skip;

/* What readers are told each second. */
struct live_numbers {
	double entries_per_second;
	uint64_t entries; /* stored */
	uint64_t dropped, lost_bytes;
	unsigned readers;
	bool paused;
	struct pcap_stats file;
};

/* A new entry; the event has its id, behind which a reader that comes back goes on. */
int stream_event_put_entry(struct buf *out, const struct entry *e, const struct kfl *filter);
/* A later version of an entry. Without an id, so that no reader's place is moved back. */
int stream_event_put_update(struct buf *out, const struct entry *e, const struct kfl *filter);
/* An entry changed and the filter does not let it through (any more). */
int stream_event_put_gone(struct buf *out, int64_t id);
int stream_event_put_skipped(struct buf *out, const struct skip *s);
int stream_event_put_failed(struct buf *out, const char *sentence);
int stream_event_put_end(struct buf *out);
int stream_event_put_stats(struct buf *out, const struct live_numbers *n);

#endif
