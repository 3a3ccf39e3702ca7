/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tracer told: the files it probes or leaves out, and the processes that use them. Written
 * by the capture thread, read by API threads.
 */
#ifndef CLEARTAP_REGISTRY_H
#define CLEARTAP_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct message;
struct registry;

struct registry *registry_new(void);
void registry_free(struct registry *r);
/* One MSG_TARGET, MSG_PROCESS, MSG_PROCESS_EXIT, MSG_READY or MSG_STATE. */
void registry_tell(struct registry *r, const struct message *m);
bool registry_ready(struct registry *r);
bool registry_paused(struct registry *r);
/* Targets in that state (enum target_state). */
size_t registry_count(struct registry *r, uint32_t state);
/* Calls seen through a file, by its number. */
typedef uint64_t registry_hits_fn(void *ctx, uint32_t target);
/* Append {"targets":[...]} of GET /api/targets. 0 or -ENOMEM. */
int registry_put_json(struct registry *r, registry_hits_fn *hits, void *ctx, struct buf *out);
/* Append cleartap_probe_hits_total of GET /metrics, by file. 0 or -ENOMEM. */
int registry_put_metrics(struct registry *r, registry_hits_fn *hits, void *ctx, struct buf *out);

#endif
