/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Helpers that are this program executed anew: they have nothing of the memory of the process that
 * starts them (the token above all), an address space of their own, no environment, and no
 * descriptor but those that they are given.
 */
#ifndef CLEARTAP_AGAIN_H
#define CLEARTAP_AGAIN_H

#include <stddef.h>
#include <sys/types.h>

enum { AGAIN_FDS = 4, AGAIN_ARGUMENTS = 6 };

/* To be called first in main(): when this process is a helper it does its work and ends. */
void again_main(int argc, char **argv);
/*
 * Start a helper. fds[i] becomes its descriptor i (-1: closed there); arguments end with NULL. Its
 * signals are as at the start of a program. Returns its pid, or -errno.
 */
pid_t again_start(const char *role, const int *fds, size_t count, const char *const *arguments);

#endif
