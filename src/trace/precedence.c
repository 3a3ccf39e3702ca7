// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/precedence.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"

enum { WINDOW_MS = 1000 };

/* Children are one step below it, and get none of it by themselves. */
static bool set(pid_t tid, bool on)
{
	const struct sched_param p = { .sched_priority = on ? 2 : 0 };

	return !sched_setscheduler(tid, on ? SCHED_RR | SCHED_RESET_ON_FORK : SCHED_OTHER, &p);
}

static void change(struct precedence *p, bool on, const pid_t *tids, size_t count)
{
	if (!set(0, on) && !p->refused) {
		p->refused = true;
		log_debug("no precedence for the tracer (%s): a program that was never seen may "
			  "lose its first requests on a busy machine",
			  strerror(errno));
	}
	for (size_t i = 0; i < count; i++)
		set(tids[i], on);
	p->has = on;
}

void precedence_update(struct precedence *p, const pid_t *tids, size_t count)
{
	int64_t now = clock_ms(CLOCK_MONOTONIC), used = clock_ms(CLOCK_PROCESS_CPUTIME_ID);

	if (!p->window || now - p->window >= WINDOW_MS) {
		p->window = now;
		p->used = used;
		p->others = 0;
		if (!p->has)
			change(p, true, tids, count);
	} else if (p->has && used - p->used + p->others > LIMIT_PRECEDENCE_MS) {
		change(p, false, tids, count);
	}
}

void precedence_charge(struct precedence *p, int64_t ms)
{
	p->others += ms;
}
