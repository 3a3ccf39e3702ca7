/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * uprobe_multi and session links through bpf(2): libbpf 1.1 has no helper for them. Numbers and
 * layout from the kernel's include/uapi/linux/bpf.h (6.6 and 6.13).
 */
#ifndef CLEARTAP_LINK_H
#define CLEARTAP_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINK_UPROBE_MULTI   48
#define LINK_UPROBE_SESSION 57

/*
 * Link a program to `count` offsets of the file at path; all carry the same cookie. Returns the
 * link's descriptor (closing it detaches), or -errno.
 */
int link_uprobes(int prog_fd, uint32_t attach_type, const char *path, const uint64_t *offsets,
		 size_t count, uint64_t cookie, bool at_return);

#endif
