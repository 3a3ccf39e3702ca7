// SPDX-License-Identifier: GPL-2.0-or-later
/* Any bytes as a file to analyse. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "trace/inspect.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct inspection in;
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	if (inspect_fd(fd, &in) || (!in.points && !*in.reason))
		abort();
	for (uint32_t i = 0; i < in.points; i++) {
		if (in.point[i].offset >= size || in.point[i].kind >= PROBE_KIND_COUNT)
			abort();
	}
	close(fd);
	return 0;
}
