/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mount namespaces that were seen: each is a container whose disk is to be scanned once. The number
 * of one that ended is given to the next one, so a number means the same namespace only while one
 * of its processes lives.
 */
#ifndef CLEARTAP_MOUNTS_H
#define CLEARTAP_MOUNTS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct mounts;

/* The namespace of a process, 0 when it is gone. */
typedef ino_t mounts_fn(uint32_t tgid);

struct mounts *mounts_new(mounts_fn *namespace_of);
void mounts_free(struct mounts *m);
/* Is this the first sight of the process's namespace? */
bool mounts_first_seen(struct mounts *m, uint32_t tgid, ino_t ns);

#endif
