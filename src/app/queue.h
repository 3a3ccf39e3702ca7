/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entries on their way from the capture thread to the store thread; bounded in bytes. */
#ifndef CLEARTAP_QUEUE_H
#define CLEARTAP_QUEUE_H

#include <stddef.h>
#include <stdint.h>

struct entry;
struct queue;

struct queue *queue_new(size_t max_bytes);
void queue_free(struct queue *q);
/*
 * Takes the entry. Past half of the bound the store does not keep up, and entries lose bodies of
 * more than LIMIT_QUEUE_BODIES (queue_cut() counts them); at the bound it waits, and what comes
 * meanwhile waits in the ring. A version of an exchange that still waits is replaced by the next,
 * so that a store that is behind writes the newest of each.
 */
void queue_push_take(struct queue *q, struct entry *e);
/*
 * Take up to max entries, or LIMIT_BATCH_BYTES, waiting up to timeout_ms for the first. Returns how
 * many; the caller owns them. -1 when the queue is closed and empty.
 */
int queue_pop(struct queue *q, struct entry **ret, size_t max, int timeout_ms);
/* No more entries will be pushed. */
void queue_close(struct queue *q);
/* Rather than take bodies from entries it waits: what they come from can wait as well. */
void queue_be_patient(struct queue *q);
size_t queue_bytes(struct queue *q);
/* Entries that lost their bodies so far. */
uint64_t queue_cut(struct queue *q);

#endif
