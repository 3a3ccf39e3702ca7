/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files that were looked at, by device and inode; time and size tell one written anew in place.
 */
#ifndef CLEARTAP_SEEN_H
#define CLEARTAP_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

struct job;
struct stat;

struct seen {
	uint64_t dev, inode; /* inode 0: a free slot */
	struct timespec mtime;
	off_t size;	 /* -1: to be looked at again */
	uint32_t target; /* 0: nothing to probe */
	struct job *job; /* its analysis, when under way */
	unsigned looks;	 /* taken of the budget of this file */
	int64_t since;	 /* ms: when that was full */
	int64_t checked; /* ms: when it was seen to be the same */
};

struct seen_files {
	struct seen *slot; /* open addressing, LIMIT_FILES_SEEN slots */
	size_t count;
};

/* 0 or -ENOMEM. */
int seen_open(struct seen_files *s);
void seen_close(struct seen_files *s);
/* The slot of a file, which may be free. Valid until the next seen_remember(). */
struct seen *seen_slot(const struct seen_files *s, uint64_t dev, uint64_t inode);
bool seen_same_content(const struct seen *f, const struct stat *st);
/* It was, a moment ago: that is believed of a file that thousands map. */
bool seen_lately(const struct seen *f, int64_t now_ms);
/*
 * It is being looked at as it is now; the slot, NULL when out of memory. When the table is half
 * full those without target and job are forgotten.
 */
struct seen *seen_remember(struct seen_files *s, const struct stat *st, int64_t now_ms);
/* May it be looked at once more? A file that changes all the time is, once a second. */
bool seen_may_look(struct seen *f, int64_t now_ms);

#endif
