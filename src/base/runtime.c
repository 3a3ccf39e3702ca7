// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/runtime.h"

#include <errno.h>
#include <fcntl.h>
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
