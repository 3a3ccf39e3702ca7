/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Packets that wait for a word on whether their process is one that a filter lets through. */
#ifndef CLEARTAP_KEEP_PENDING_H
#define CLEARTAP_KEEP_PENDING_H

#include <stdint.h>

struct ev_packet;
struct keep_pending;

enum pending_state { PENDING_UNKNOWN, PENDING_LET, PENDING_REFUSED };

typedef enum pending_state pending_look_fn(void *ctx, uint32_t slot, uint64_t gen);
typedef void pending_put_fn(void *ctx, const struct ev_packet *p);

/* NULL when out of memory. */
struct keep_pending *keep_pending_new(void);
/* Takes NULL. */
void keep_pending_free(struct keep_pending *k);
/* A copy of it waits. How many packets, of which the oldest go first, do so no more for that. */
unsigned keep_pending_add(struct keep_pending *k, const struct ev_packet *p);
/* Those of this connection may be kept. */
void keep_pending_let(struct keep_pending *k, uint32_t slot, uint64_t gen, pending_put_fn *put,
		      void *ctx);
/* Ask for each connection. How many packets have waited in vain for LIMIT_KEEP_WAIT_NS. */
unsigned keep_pending_look(struct keep_pending *k, uint64_t now_ns, pending_look_fn *look,
			   pending_put_fn *put, void *ctx);

#endif
