/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A folder for files, which is gone at the end; in memory where there is such a file system. */
#ifndef CLEARTAP_SCRATCH_H
#define CLEARTAP_SCRATCH_H

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fuzz.h"

static char scratch[64];

static void scratch_clear(void)
{
	DIR *dir = opendir(scratch);
	struct dirent *d;

	while (dir && (d = readdir(dir)))
		if (*d->d_name != '.')
			unlinkat(dirfd(dir), d->d_name, 0);
	if (dir)
		closedir(dir);
}

static void scratch_remove(void)
{
	scratch_clear();
	rmdir(scratch);
}

static void scratch_make(void)
{
	snprintf(scratch, sizeof(scratch), "%s/cleartap-fuzz-XXXXXX",
		 access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
	require(mkdtemp(scratch) != NULL);
	atexit(scratch_remove);
}

#endif
