/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * --keep-packets: the packets of TLS connections, from the kernel's ring into files beside the
 * store. A thread of its own does it, so that no disk makes the capture wait.
 */
#ifndef CLEARTAP_KEEP_H
#define CLEARTAP_KEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "keep/keep_files.h"

struct keep;

struct keep_options {
	struct keep_files_options files;
	int ring_fd, shares_fd, slots_fd; /* maps of the kernel side; -1: nothing comes */
	size_t ring_size;
	int64_t clock_offset_us; /* makes µs since 1970 of CLOCK_MONOTONIC */
};

struct keep_stats {
	bool kept;	/* if not, all else is 0 */
	uint64_t limit; /* bytes of the files */
	struct keep_files_stats files;
	uint64_t twice;	    /* packets that their other end on this machine had shown */
	uint64_t undecided; /* packets of which nobody said in time that they may be kept */
};

/* Takes what needs a privilege. 0, or -errno with a sentence in error. */
int keep_open(const struct keep_options *o, struct keep **ret, char *error, size_t size);
/* 0 or -errno. */
int keep_start(struct keep *k);
/* Writes what has come, and ends the thread. Takes NULL. */
void keep_close(struct keep *k);
/* From any thread, as is the next; k NULL: none are kept. */
struct keep_stats keep_stats(struct keep *k);
struct keep_files *keep_files_of(struct keep *k);

#endif
