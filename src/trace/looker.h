/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Threads that open files of others and glance at them, since a file system may take its time to
 * answer, or never do: then only a thread hangs, and later files of that device are refused.
 */
#ifndef CLEARTAP_LOOKER_H
#define CLEARTAP_LOOKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct looker;

/* A file to be looked at; whoever submits it owns it until it comes back. */
struct look {
	int fd;	      /* of beneath_find(); becomes the open file, -1 with an error */
	dev_t dev;    /* its device */
	bool certain; /* no glance is needed */
	bool wanted;  /* back: certain, or a mark was found */
	int error;    /* back: 0 or -errno; -EBUSY no room for this owner, -ETIMEDOUT it hangs */
};

typedef void looker_fn(void *ctx, struct look *l);

/* NULL when out of memory. */
struct looker *looker_new(looker_fn *fn, void *ctx);
/* What has not come back never will; threads that hang are left behind with theirs. */
void looker_free(struct looker *k);
/* May come back at once, with -EBUSY. When it hangs its memory is not touched any more. */
void looker_submit(struct looker *k, uint64_t owner, struct look *l);
/* Hand back what is done. */
void looker_run(struct looker *k);
/* An eventfd: readable when something is done. */
int looker_fd(const struct looker *k);
/* Files that are not back. */
size_t looker_pending(const struct looker *k);
/* Thread ids, for their priority. Returns how many. */
size_t looker_threads(struct looker *k, pid_t *ret, size_t room);

#endif
