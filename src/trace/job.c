// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/job.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct job *job_new(int fd, const struct stat *st, const char *path, bool certain,
		    const struct target_user *u, uint64_t owner)
{
	struct job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->look = (struct look){ .fd = fd, .dev = st->st_dev, .certain = certain };
	job->st = *st;
	job->owner = owner;
	job->path = strdup(path);
	if (u->tgid)
		job->user[job->users++] = *u;
	if (job->path)
		return job;
	job->look.fd = -1;
	job_free(job);
	return NULL;
}

void job_free(struct job *job)
{
	if (!job)
		return;
	if (job->look.fd >= 0)
		close(job->look.fd);
	free(job->path);
	free(job);
}
