/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The programs of the wire alone, for the packets of this process: in a cgroup of its own. */
#ifndef TESTS_WIRE_PROGRAMS_H
#define TESTS_WIRE_PROGRAMS_H

struct cleartap_bpf;

struct wire_programs {
	struct cleartap_bpf *skel;
	char cgroup[256];
	int fd; /* of the cgroup */
};

/* Of one process there is one. -ENOENT: no cgroup2 is mounted; -EPERM without root. */
int wire_programs_open(struct wire_programs *ret);
/* The process is in no cgroup of its own any more. Also of one that could not be opened. */
void wire_programs_close(struct wire_programs *p);

#endif
