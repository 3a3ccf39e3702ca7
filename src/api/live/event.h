/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The events of a live stream as text (HTML standard, server-sent events). */
#ifndef CLEARTAP_API_EVENT_H
#define CLEARTAP_API_EVENT_H

#include <stdint.h>

struct buf;
struct entry;
struct hub;
struct kfl;
struct skip;

int event_put_entry(struct buf *out, const struct entry *e, const struct kfl *filter);
int event_put_skipped(struct buf *out, const struct skip *s);
int event_put_failed(struct buf *out, const char *sentence);
int event_put_end(struct buf *out);
/* The event of each second. */
int event_put_stats(struct buf *out, struct hub *h, double entries_per_second);

#endif
