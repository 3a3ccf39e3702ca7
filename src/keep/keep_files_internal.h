/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What keep_files.c writes and keep_reader.c reads. */
#ifndef CLEARTAP_KEEP_FILES_INTERNAL_H
#define CLEARTAP_KEEP_FILES_INTERNAL_H

#include <pthread.h>

#include "event.h"
#include "keep/keep_files.h"

#define KEEP_RINGS 2
#define KEEP_FILES 4 /* of each */

struct keep_file {
	int fd;
	uint64_t number; /* grows with each that is begun; 0: it is empty */
	uint64_t size;
	int64_t first_us, last_us;
	uint64_t held[EV_OWNERS]; /* bytes by owner, of this run */
};

struct keep_ring {
	struct keep_file file[KEEP_FILES];
	size_t at; /* the newest */
	uint64_t held[EV_OWNERS];
	struct buf waiting;	 /* blocks that are not written yet, for the newest */
	uint64_t packets, bytes; /* in them */
	int64_t first_us, last_us;
};

struct keep_files {
	pthread_mutex_t lock; /* of number, size and times of files, and of stats */
	struct keep_ring ring[KEEP_RINGS];
	uint64_t file_max, number;
	int64_t max_age_us;
	int error; /* of a write since the last flush */
	struct keep_files_stats stats;
};

#endif
