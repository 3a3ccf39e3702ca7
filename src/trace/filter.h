/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which processes the user wants: by pid, by executable, by container. */
#ifndef CLEARTAP_FILTER_H
#define CLEARTAP_FILTER_H

#include <stdbool.h>
#include <stdint.h>

/* Lists end with NULL; all empty: every process. */
struct filter {
	const char *const *pids, *const *exes, *const *containers;
};

bool filter_active(const struct filter *f);
/*
 * A process passes when any one of the lists names it: its pid, a glob that matches the path or the
 * last part of its executable, the beginning (12 digits or more) of its container's id.
 */
bool filter_passes(const struct filter *f, uint32_t tgid, const char *exe, const char *container);

#endif
