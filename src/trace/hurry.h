/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Putting in a probe makes the kernel wait for an RCU grace period, some 4 to 10 ms (percpu-rwsem
 * dup_mmap_sem of kernel/events/uprobes.c), in which a program that has just started would go
 * unseen. With /sys/kernel/rcu_expedited it is some 0.1 ms; it is set for the moment of attaching
 * only. Where it cannot be set, or rcu_normal overrides it, attaching just takes longer.
 */
#ifndef CLEARTAP_HURRY_H
#define CLEARTAP_HURRY_H

/* A descriptor that hurry_end() puts back to how it was, -1 when there is nothing to put back. */
int hurry_begin(void);
void hurry_end(int fd);

#endif
