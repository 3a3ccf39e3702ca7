// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/runtime.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int runtime_open(void)
{
	struct stat st;

	if (mkdir(RUNTIME_FOLDER, 0700) && errno != EEXIST)
		return -errno;
	int fd = open(RUNTIME_FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) || st.st_uid != geteuid() || (st.st_mode & 022)) {
		close(fd);
		return -EPERM;
	}
	return fd;
}

void runtime_forget(int folder, const char *prefix)
{
	DIR *dir = fdopendir(dup(folder));
	size_t n = strlen(prefix);

	for (struct dirent *d; dir && (d = readdir(dir));) {
		char *end = d->d_name + n;
		if (strncmp(d->d_name, prefix, n) != 0)
			continue;
		pid_t pid = (pid_t)strtol(end, &end, 10);
		if (pid > 0 && (!*end || !strcmp(end, RUNTIME_UNFINISHED)) && kill(pid, 0) &&
		    errno == ESRCH)
			unlinkat(folder, d->d_name, 0);
	}
	if (dir)
		closedir(dir);
}
