/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Live streams. Each range of new entries is written as events once and evaluated once per distinct
 * filter; readers share the outcome. A thread of its own does it, so that neither the capture nor
 * the event loop waits for a filter, nor any reader for another.
 */
#ifndef CLEARTAP_API_HUB_H
#define CLEARTAP_API_HUB_H

#include <stddef.h>
#include <stdint.h>

struct api;
struct hub;
struct kfl;

struct hub_stats {
	unsigned readers, queries;
	uint64_t sent, skipped; /* events queued for readers; dropped because they were behind */
};

int hub_start(struct api *a, struct hub **ret);
/* End the thread; the streams of all readers end. */
void hub_stop(struct hub *h);
/* After the last reader has left. */
void hub_free(struct hub *h);
/* Entries up to this id are stored. */
void hub_publish(struct hub *h, int64_t id);
struct hub_stats hub_stats(struct hub *h);

#endif
