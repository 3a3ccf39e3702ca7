// SPDX-License-Identifier: GPL-2.0-or-later
/* Any bytes as a file to analyse. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "trace/inspect.h"
#include "fuzz.h"

/* Whatever it says of itself, a small file is soon done with. */
#define MOST_NS (2000000 * (FUZZ_BYTE_NS / 50))

static void inspect(void *ctx, const uint8_t *data, size_t size)
{
	(void)data;
	(void)size;
	static struct inspection in;

	inspect_fd(*(int *)ctx, &in);
}

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
	if (fuzz_weighed(data, size))
		fuzz_weigh_once(inspect, &fd, data, size, MOST_NS);
	close(fd);
	return 0;
}
