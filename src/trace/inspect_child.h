/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A child that can do nothing but read one file and answer. It is made before there is a file, so
 * that a program that has just started waits for nothing but the analysis, and it serves one file
 * only: what a hostile one does to it is over with it. To execute this program takes some 10 ms,
 * ten times an analysis: so that is done once, by the mother of many children, which has dropped
 * what power there was, holds nothing, and reads nothing but our orders.
 */
#ifndef CLEARTAP_INSPECT_CHILD_H
#define CLEARTAP_INSPECT_CHILD_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "trace/inspect.h"

#define INSPECT_MOTHER_ROLE "inspect"

struct inspect_mother {
	pid_t pid; /* 0: none */
	int socket;
};

struct inspect_child {
	pid_t pid;
	int socket;	    /* readable when there is an answer, or none will come */
	uint64_t file_size; /* of what it was given */
	int64_t since;	    /* ms: when */
};

/* The mother itself (again.h). */
int inspect_mother_main(int argc, char **argv);
/* uid and gid: whom she and her children become. 0 or -errno. */
int inspect_mother_new(uid_t uid, gid_t gid, struct inspect_mother *ret);
/* Her children go on. Waits until she is gone. */
void inspect_mother_end(struct inspect_mother *m);
/* A child of hers, which is one of this process. Waits for it. 0 or -errno. */
int inspect_child_new(const struct inspect_mother *m, struct inspect_child *ret);
/* Have it analyse an open file, which is borrowed. 0; -EINVAL: not a regular file; or -errno. */
int inspect_child_give(struct inspect_child *c, int fd);
/*
 * An answer: 0, and when ret->more is set another one follows. A child that crashed or ran away is
 * an answer with a reason that says so. -EAGAIN: not yet. Another -errno: it could not work.
 */
int inspect_child_take(struct inspect_child *c, struct inspection *ret);
/* Processor time that it has used. */
int64_t inspect_child_used_ms(const struct inspect_child *c);
/* A program has just started and would not wait: ahead of all that has no real-time priority. */
void inspect_child_hurry(const struct inspect_child *c);
/* Others go first from now on. */
void inspect_child_calm(const struct inspect_child *c);
/* No more is wanted of it; false: it has not ended yet, call again. Never waits. */
bool inspect_child_end(struct inspect_child *c);

/*
 * Analyse a file in a child of its own and wait for all of the answer. Processor time is at most
 * LIMIT_INSPECT_SECONDS, memory LIMIT_INSPECT_MEMORY.
 */
int inspect_file(int fd, uid_t uid, gid_t gid, struct inspection *ret);

#endif
