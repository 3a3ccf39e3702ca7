/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The analyses that are under way: a few at once, each in a child that was made beforehand. */
#ifndef CLEARTAP_INSPECTOR_H
#define CLEARTAP_INSPECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct inspection;
struct inspector;

/*
 * An answer about a file that was submitted. While in->more is set, another one follows; the last
 * one may be NULL when nothing is to be added.
 */
typedef void inspector_fn(void *ctx, void *job, const struct inspection *in);

/* uid and gid: whom the children become. NULL when out of memory. */
struct inspector *inspector_new(uid_t uid, gid_t gid, inspector_fn *fn, void *ctx);
/* Ends all children; what they were at gets no answer. */
void inspector_free(struct inspector *p);
/*
 * Analyse an open file, which stays the caller's, until the last answer. Owners take turns
 * (fair.h); what finds no room is answered at once with INSPECT_NO_ROOM: this file or another one.
 */
void inspector_submit(struct inspector *p, int fd, uint64_t owner, void *job);
/* The programs in question are running already: children go before all else, for a while. */
void inspector_hurry(struct inspector *p, bool on);
/* Processor time that they had so since the last call. */
int64_t inspector_take_hurried_ms(struct inspector *p);
/* Hand out what was answered, and give waiting files to free children. Never blocks. */
void inspector_run(struct inspector *p);
/* Readable when there is something to run. */
int inspector_fd(const struct inspector *p);
/* How long a caller may sleep, in ms, -1 for ever. */
int inspector_timeout(const struct inspector *p);
/* Files without a first answer. */
size_t inspector_pending(const struct inspector *p);

#endif
