// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/link.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/bpf.h>

#include "base/limits.h"

#define UPROBE_MULTI_RETURN 1

/* The part of union bpf_attr that BPF_LINK_CREATE reads for these links. */
struct link_create {
	uint32_t prog_fd, target_fd, attach_type, flags;
	uint64_t path, offsets, ref_ctr_offsets, cookies;
	uint32_t cnt, multi_flags, pid, path_fd;
};

int link_uprobes(int prog_fd, uint32_t attach_type, const char *path, const uint64_t *offsets,
		 size_t count, uint64_t cookie, bool at_return)
{
	uint64_t cookies[LIMIT_PROBE_POINTS];
	struct link_create attr = {
		.prog_fd = (uint32_t)prog_fd,
		.attach_type = attach_type,
		.path = (uintptr_t)path,
		.offsets = (uintptr_t)offsets,
		.cookies = (uintptr_t)cookies,
		.cnt = (uint32_t)count,
		.multi_flags = at_return ? UPROBE_MULTI_RETURN : 0,
	};

	if (!count || count > LIMIT_PROBE_POINTS)
		return -EINVAL;
	for (size_t i = 0; i < count; i++)
		cookies[i] = cookie;
	int fd = (int)syscall(SYS_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));
	if (fd < 0)
		return -errno;
	fcntl(fd, F_SETFD, FD_CLOEXEC);
	return fd;
}
