/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files that were looked at: each once, by inode; those with a TLS library get probes. */
#ifndef CLEARTAP_TARGET_H
#define CLEARTAP_TARGET_H

#include <stdint.h>
#include <sys/types.h>

struct load;
struct message;
struct targets;

/* Called with a MSG_TARGET for each file of interest. */
typedef void target_fn(void *ctx, const struct message *m);

/* uid and gid: whom the analysing child becomes. NULL when out of memory. */
struct targets *targets_new(const struct load *load, uid_t uid, gid_t gid, target_fn *fn,
			    void *ctx);
/* Detaches all. */
void targets_free(struct targets *t);
/*
 * Look at an open file (taken: closed here when it is not kept) known as `path`. The number of its
 * target when it has probes, 0 when not, or -errno.
 */
int targets_add_take(struct targets *t, int fd, const char *path);
/* The same answer for a file that was looked at before by these numbers, -ENOENT for a new one. */
int targets_find(const struct targets *t, uint64_t dev, uint64_t inode);
/* Probes in place. */
unsigned targets_attached(const struct targets *t);

#endif
