// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/hurry.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

int hurry_begin(void)
{
	int fd = open("/sys/kernel/rcu_expedited", O_RDWR | O_CLOEXEC);
	char was = '1';

	if (fd < 0)
		return -1;
	if (pread(fd, &was, 1, 0) == 1 && was == '0' && pwrite(fd, "1", 1, 0) == 1)
		return fd;
	close(fd);
	return -1;
}

void hurry_end(int fd)
{
	if (fd < 0)
		return;
	if (pwrite(fd, "0", 1, 0) != 1)
		log_warn("put /sys/kernel/rcu_expedited back to 0: %s", strerror(errno));
	close(fd);
}
