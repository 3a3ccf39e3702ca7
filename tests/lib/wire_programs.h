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

/* With so many slots. Of one process there is one. -ENOENT: no cgroup2 is mounted; -EPERM. */
int wire_programs_open(unsigned slots, struct wire_programs *ret);
/* This process goes into the cgroup, or one below it ("/name"), which is made. 0 or -errno. */
int wire_programs_enter(const struct wire_programs *p, const char *below);
/* The process is in no cgroup of its own any more. Also of one that could not be opened. */
void wire_programs_close(struct wire_programs *p);

#endif
