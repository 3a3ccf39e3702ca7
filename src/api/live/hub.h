/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Live streams. Entries that are new, or told again, are written as events once and evaluated once
 * per distinct filter; readers share the outcome. A thread of its own does it, so that neither the
 * capture nor the event loop waits for a filter, nor any reader for another.
 */
#ifndef CLEARTAP_API_HUB_H
#define CLEARTAP_API_HUB_H

#include <stddef.h>
#include <stdint.h>

struct entry;
struct hub;
struct live_numbers;
struct room;
struct store;
struct workers;

struct live_stats {
	unsigned readers, queries;
	uint64_t updates;	/* entries that were told again */
	uint64_t sent, skipped; /* events queued for readers; dropped because they were behind */
};

struct hub_options {
	struct store *store;
	struct workers *workers;
	void *ctx;
	/* What the hub does not know of itself: dropped, lost_bytes, paused. */
	void (*numbers)(void *ctx, struct live_numbers *ret);
	void (*each_second)(void *ctx);
};

int hub_start(const struct hub_options *options, struct hub **ret);
/* End the thread; the streams of all readers end. */
void hub_stop(struct hub *h);
/* After the last reader has left. */
void hub_free(struct hub *h);
/* What was just stored, in order: new entries, and versions of known ones (again). */
void hub_publish(struct hub *h, struct entry *const *batch, size_t count);
struct live_stats hub_stats(struct hub *h);
/* Where readers join. */
struct room *hub_room(struct hub *h);

#endif
