/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A program that has just started makes its first request within a few milliseconds, so the tracer
 * and what attaches go before all else, but with LIMIT_PRECEDENCE_MS of each second at most: work
 * of anybody's size must not take a processor from the machine.
 */
#ifndef CLEARTAP_PRECEDENCE_H
#define CLEARTAP_PRECEDENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct precedence {
	bool has;
	bool refused;	/* by the kernel; said once */
	int64_t window; /* ms: when this second began */
	int64_t used;	/* ms of processor time at its beginning */
	int64_t others; /* ms used by processes that went before all else as well */
};

/* For this thread, and the threads in tids, until the budget of this second is used up. */
void precedence_update(struct precedence *p, const pid_t *tids, size_t count);
/* A helper had that much of it. */
void precedence_charge(struct precedence *p, int64_t ms);

#endif
