/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tracer tells the server. Nothing here waits for it: what it has not taken is kept as the
 * newest state, of which there is one for each file, process and cause, however long it hangs.
 */
#ifndef CLEARTAP_OUTBOX_H
#define CLEARTAP_OUTBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace/tracer_message.h"

struct outbox;

/* `socket` is borrowed. NULL when out of memory. */
struct outbox *outbox_new(int socket);
void outbox_free(struct outbox *o);
/* A MSG_TARGET: replaces an earlier one of that number that was not sent. */
void outbox_put_target(struct outbox *o, const struct tracer_message *m);
/* A process maps a target; at its second time nothing. */
void outbox_put_process(struct outbox *o, uint32_t tgid, uint32_t target);
/* MSG_READY and MSG_STATE. */
void outbox_put_ready(struct outbox *o);
void outbox_put_state(struct outbox *o, bool paused);
/* One more was refused. */
void outbox_put_refused(struct outbox *o, enum refusal why, uint64_t owner);
/* Forget processes that have ended, and say so. */
void outbox_sweep(struct outbox *o);
/* Does a process that lives map this target, or may one that found no room here? */
bool outbox_maps(const struct outbox *o, uint32_t target);
/* The targets that a process was told to map, up to `room`. */
size_t outbox_targets(const struct outbox *o, uint32_t tgid, uint32_t *ret, size_t room);
/* Send what the socket takes, LIMIT_OUTBOX_BATCH at most. False: the server is gone. */
bool outbox_flush(struct outbox *o);
/* Is there more to send? */
bool outbox_pending(const struct outbox *o);

#endif
