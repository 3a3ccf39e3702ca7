/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A queue in which owners take turns, so that who brings much work waits for his own work and not
 * others for it. An owner has at most a quarter of the room; when all is taken, who has most gives
 * way.
 */
#ifndef CLEARTAP_FAIR_H
#define CLEARTAP_FAIR_H

#include <stddef.h>
#include <stdint.h>

struct fair;

/*
 * At most `running` items of one owner are handed out at once; of owner 0, which is the machine
 * itself and may take all of the room, `machine`. NULL when out of memory.
 */
struct fair *fair_new(size_t room, size_t running, size_t machine);
void fair_free(struct fair *f);
/* Put an item in. Returns what finds no room any more: NULL, this item, or another one. */
void *fair_push_take(struct fair *f, uint64_t owner, void *item);
/* The next item, of the owner whose last turn is longest ago. NULL: nothing may run. */
void *fair_pop(struct fair *f, uint64_t *ret_owner);
/* An item of this owner that was handed out is done with. */
void fair_done(struct fair *f, uint64_t owner);
size_t fair_count(const struct fair *f);
/* Of one owner: what waits, and what was handed out and is not done. */
size_t fair_waiting(const struct fair *f, uint64_t owner);
size_t fair_running(const struct fair *f, uint64_t owner);

#endif
