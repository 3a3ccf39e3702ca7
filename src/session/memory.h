/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One bound of the memory of all connections (LIMIT_SESSIONS_MEMORY). Past it the largest
 * connection of the owner who has most lets go of its bodies; where that is not enough, what goes
 * on there is told as far as it has come.
 */
#ifndef CLEARTAP_MEMORY_H
#define CLEARTAP_MEMORY_H

#include "session/connection.h"

/* Count anew what it holds, after any call of its dissection. */
void memory_weigh(struct session *s);
/* It ends: nothing of it counts any more. */
void memory_forget(struct session *s);
void memory_keep_bound(struct sessions *all);
/* Connections and what waits for its other end. */
size_t memory_held(const struct sessions *all);

/* The owner of that number; NULL when out of memory. */
struct sharer *sharer_get(struct sessions *all, uint32_t number);

#endif
