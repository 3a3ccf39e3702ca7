/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tells of every executable mapping that any process makes, through perf's mmap events
 * (PERF_RECORD_MMAP2): programs that start, libraries that they load, at once and on every kernel.
 */
#ifndef CLEARTAP_WATCH_H
#define CLEARTAP_WATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct watch;

struct watch_mapping {
	uint32_t tgid;
	uint64_t start, end; /* addresses */
	uint64_t inode;
	uint32_t major, minor; /* of its file system */
	const char *path;      /* as the process sees it */
	int64_t at_us;	       /* when (CLOCK_MONOTONIC), 0: not known, it was there already */
};

struct watch_ops {
	void (*exec)(void *ctx, uint32_t tgid); /* another program, whose mappings follow */
	void (*mapping)(void *ctx, const struct watch_mapping *m);
	void (*lost)(void *ctx); /* events were lost: look at all processes again */
};

/* 0 or -errno. */
int watch_open(const struct watch_ops *ops, void *ctx, struct watch **ret);
void watch_close(struct watch *w);
/* An epoll descriptor that turns readable when there are events. */
int watch_fd(const struct watch *w);
/* Deliver what is there, for about LIMIT_TURN_PART_MS. True: there is more, which poll() may not
 * tell. */
bool watch_read(struct watch *w);

#endif
