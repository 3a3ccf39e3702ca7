/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Takes probes out: the kernel takes its time, some 50 ms for a file, or 0.1 s for each perf event,
 * which threads wait for.
 */
#ifndef CLEARTAP_CLOSER_H
#define CLEARTAP_CLOSER_H

#include <stddef.h>

#include "trace/attach.h"

struct closer;

/* NULL when out of memory. */
struct closer *closer_new(void);
/* Close an attachment (taken) and the descriptor of its file, if not -1. Never waits. */
void closer_add_take(struct closer *c, const struct attachment *a, int fd);
/* Wait for all, LIMIT_CLOSING_MS; the rest is left to a process that ends when it is done. */
void closer_free(struct closer *c);

#endif
