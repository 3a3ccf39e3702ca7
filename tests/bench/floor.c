// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * usage: floor FILE [LIKE] - attach empty probes at the points where cleartap would probe FILE (or
 * LIKE, a file of the same layout), in the same kind of link, say "ready", and hold them for ten
 * minutes at most. Needs a kernel with sessions (6.13), or multi links (6.6) for files whose points
 * have no return probe.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "floor.skel.h"
#include "trace/inspect.h"
#include "trace/link.h"

static int attach(const struct inspection *plan, const char *path, bool with_return, int prog,
		  uint32_t type)
{
	uint64_t offsets[LIMIT_PROBE_POINTS];
	size_t n = 0;

	for (uint32_t i = 0; i < plan->points; i++) {
		bool session = plan->point[i].kind <= PROBE_SSL_WRITE_EX2;
		if (session == with_return)
			offsets[n++] = plan->point[i].offset;
	}
	return n ? link_uprobes(prog, type, path, offsets, n, 0, false) : 0;
}

int main(int argc, char **argv)
{
	static struct inspection plan;
	int fd = argc > 1 ? open(argv[argc > 2 ? 2 : 1], O_RDONLY) : -1;

	if (fd < 0 || inspect_fd(fd, &plan) || !plan.points) {
		fprintf(stderr, "floor: nothing to probe: %s\n", plan.reason);
		return 1;
	}
	struct floor_bpf *skel = floor_bpf__open();
	if (!skel)
		return 1;
	bpf_program__set_expected_attach_type(skel->progs.floor_session, LINK_UPROBE_SESSION);
	bpf_program__set_expected_attach_type(skel->progs.floor_enter, LINK_UPROBE_MULTI);
	if (floor_bpf__load(skel))
		return 1;
	int session = attach(&plan, argv[1], true, bpf_program__fd(skel->progs.floor_session),
			     LINK_UPROBE_SESSION);
	int enter = attach(&plan, argv[1], false, bpf_program__fd(skel->progs.floor_enter),
			   LINK_UPROBE_MULTI);
	if (session < 0 || enter < 0) {
		fprintf(stderr, "floor: attach: %s\n", strerror(session < 0 ? -session : -enter));
		return 1;
	}
	puts("ready");
	fflush(stdout);
	sleep(600);
	return 0;
}
