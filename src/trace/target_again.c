// SPDX-License-Identifier: GPL-2.0-or-later
/* Probes that fire no more are put in again. */
#include "base/clock.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/log.h"
#include "trace/closer.h"
#include "trace/hurry.h"
#include "trace/inspect.h"
#include "trace/load.h"
#include "trace/target_state.h"

/*
 * The new ones come first: where the old ones still fire, as in other processes, no call is missed,
 * and one that both see is one (HACKING, "The kernel side"). Of Go both would count, so there the
 * old ones go, and the next look at all processes finds the file.
 */
bool targets_again(struct targets *t, uint32_t n, uint32_t tgid)
{
	struct target *o = &t->target[n % EV_TARGETS_MAX];
	int64_t now = clock_ms(CLOCK_MONOTONIC);
	struct attachment fresh;

	if (!o->fd || !o->plan || o->again >= LIMIT_AGAIN ||
	    (o->again && now - o->again_at < LIMIT_AGAIN_MS))
		return false;
	if (o->plan->family == INSPECT_GO) {
		target_retire(t, n, "its probes did not fire any more; it is looked at again");
		t->missed = true;
		return true;
	}
	hurry_begin(t->hurry);
	int err = attach_file(t->load, o->fd, o->plan, n, &fresh);
	hurry_end(t->hurry);
	if (err) {
		load_set_ready(t->load, n, true); /* by those that it has */
		log_warn("attach to %s again, as its probes fire no more: %s; leaving them",
			 o->path ? o->path : "", error_text(-err));
		return false;
	}
	t->descriptors += attach_descriptors(&fresh) - attach_descriptors(&o->attachment);
	closer_add_take(t->closer, &o->attachment, -1);
	o->attachment = fresh;
	o->again++;
	o->again_at = now;
	o->silent_tgid = tgid;
	log_warn("process %u sends records, and none of its calls is seen any more: the probes of "
		 "%s "
		 "were put in again",
		 tgid, o->path ? o->path : "");
	target_tell(t, n, &o->st, o->path ? o->path : "", o->plan, TARGET_ATTACHED, "");
	return true;
}
