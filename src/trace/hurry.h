/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Putting in a probe makes the kernel wait for an RCU grace period, some 4 to 10 ms (percpu-rwsem
 * dup_mmap_sem of kernel/events/uprobes.c), in which a program that has just started would go
 * unseen. With /sys/kernel/rcu_expedited it is some 0.1 ms; it is set for the moment of attaching
 * only. Where it cannot be set, or rcu_normal overrides it, attaching just takes longer.
 *
 * It is a thread of the kernel that does it, on most kernels one without precedence, for which a
 * busy machine lets all wait for 10 to 50 ms. For the same moment it gets the priority that kernels
 * with CONFIG_RCU_BOOST give it for good.
 *
 * A helper that outlives this process puts the setting back when it is killed in that moment, and
 * where both are, the next start does: a file says that the setting is ours.
 */
#ifndef CLEARTAP_HURRY_H
#define CLEARTAP_HURRY_H

#include <stdbool.h>
#include <sys/types.h>

#define HURRY_SETTING "/sys/kernel/rcu_expedited"
#define HURRY_ROLE    "put-back"

struct hurry;

/* The file that says whether the setting is ours; without a runtime folder one without a name. */
int hurry_state(void);
/*
 * Put back what a dead run left, and start the helper, which becomes that user. `state` is taken.
 * NULL: the setting cannot be changed here; the other functions take that.
 */
struct hurry *hurry_new(const char *setting, int state, uid_t uid, gid_t gid);
void hurry_free(struct hurry *h);
void hurry_begin(struct hurry *h);
void hurry_end(struct hurry *h);
/* The helper (again.h). */
int hurry_main(int argc, char **argv);

#endif
