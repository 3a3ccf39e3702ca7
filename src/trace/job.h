/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file that is being looked at and analysed, and who maps it meanwhile. */
#ifndef CLEARTAP_JOB_H
#define CLEARTAP_JOB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "trace/looker.h"
#include "trace/target.h"

struct job {
	struct look look; /* first: looked() finds the job by it. fd -1: kept by its target */
	char *path;
	struct stat st;
	uint64_t owner;
	uint32_t target; /* once attached */
	struct target_user user[LIMIT_FILE_PROCESSES];
	size_t users;
	bool crowd;
};

/* `certain`: it needs no glance. NULL when out of memory: then fd stays the caller's. */
struct job *job_new(int fd, const struct stat *st, const char *path, bool certain,
		    const struct target_user *u, uint64_t owner);
void job_free(struct job *job);

#endif
