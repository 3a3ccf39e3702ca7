/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The end of the server process, seen from the tracer: waited for, but not for ever. */
#ifndef CLEARTAP_SERVER_END_H
#define CLEARTAP_SERVER_END_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Its status as of waitpid(). One that neither computes nor waits for a disk for
 * LIMIT_STOP_STILL_MS, or is not done after LIMIT_STOP_MS, is killed: *ret_killed.
 */
int server_end_wait(pid_t pid, bool *ret_killed);

#endif
