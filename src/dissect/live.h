/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An exchange that is told while it goes on: when, under which number, and how much of its bodies
 * each version brings. Nothing is told before LIMIT_LIVE_MS; then whenever something changed, but
 * at most once in LIMIT_LIVE_INTERVAL_MS, less often as it gets older, and so seldom that versions
 * come to LIMIT_LIVE_RATE: a byte that comes must not cost a large head, or a body, again.
 */
#ifndef CLEARTAP_LIVE_H
#define CLEARTAP_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/queue.h>

struct common;
struct entry;
struct entry_sink;
struct live_use;
struct message;

/* Zero-initialise it. */
struct live {
	uint64_t number; /* 0: nothing was told yet */
	int64_t told_us;
	size_t cost;	/* bytes of the last version */
	bool changed;	/* since it was told; the dissector sets it */
	bool refused;	/* there were too many: it is told at its end alone */
	bool given[2];	/* request, response: the body was whole, and given away */
	size_t told[2]; /* bytes of the body, from its start, that the last versions brought */
	bool placed;	/* among those that are told, */
	bool gave_way;	/* or no more */
	TAILQ_ENTRY(live) of_use;
};

/* An owner's, who shares LIMIT_LIVE_AT_ONCE places with those in `common`; `all` counts the same.
 */
void live_use_init(struct live_use *of, struct live_use *all, struct common *common);
/* Is a version to be made now, of an exchange that began at start_us? Then live_copy(),
 * live_tell(). */
bool live_due(struct live *l, const struct entry_sink *sink, int64_t start_us, int64_t now);
/*
 * The message of a version, `part` 0 for the request and 1 for the response; NULL when out of
 * memory. `done`: nothing more comes to it, so its body goes along and is not kept here; else as
 * much of it as LIMIT_LIVE_BODY allows. *ret_kept: the body is as an earlier version brought it.
 */
struct message *live_copy(struct live *l, int part, struct message *m, bool done, bool *ret_kept);
/* Hand on a version, which is then open, under the number of the exchange. */
void live_tell(struct live *l, const struct entry_sink *sink, struct entry *e, int64_t now);
/* It goes on elsewhere: *to takes its place, and *from is none any more. */
void live_move(struct live *from, struct live *to, const struct entry_sink *sink);
/* The exchange has ended: `e` is its last version, or what there is to tell of it (NULL: nothing).
 */
void live_end(struct live *l, const struct entry_sink *sink, struct entry *e);

#endif
