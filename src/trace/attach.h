/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Put the probes of an analysed binary in, and take them out. */
#ifndef CLEARTAP_ATTACH_H
#define CLEARTAP_ATTACH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct inspection;
struct load;

/* The links of one binary. */
struct attachment {
	int *fd; /* multi links */
	size_t fds;
	struct bpf_link **link; /* perf uprobes */
	size_t links;
};

/*
 * Attach every point of the plan to the open file, for all processes, present and future; all or
 * none. 0, or -errno.
 */
int attach_file(const struct load *l, int fd, const struct inspection *plan, uint32_t target,
		struct attachment *ret);
void attach_close(struct attachment *a);
/* Close one of its perf events, if it has any; are there more? */
bool attach_close_perf(struct attachment *a);
/* Descriptors that it holds. */
size_t attach_descriptors(const struct attachment *a);

#endif
