// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/filter.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#define CONTAINER_ID_SHORT 12

bool filter_active(const struct filter *f)
{
	return (f->pids && *f->pids) || (f->exes && *f->exes) || (f->containers && *f->containers);
}

static bool exe_matches(const char *glob, const char *exe)
{
	const char *slash = strrchr(exe, '/');

	return !fnmatch(glob, exe, 0) || (slash && !fnmatch(glob, slash + 1, 0));
}

bool filter_passes(const struct filter *f, uint32_t tgid, const char *exe, const char *container)
{
	if (!filter_active(f))
		return true;
	for (const char *const *p = f->pids; p && *p; p++)
		if (strtoul(*p, NULL, 10) == tgid)
			return true;
	for (const char *const *p = f->exes; p && *p; p++)
		if (exe_matches(*p, exe))
			return true;
	for (const char *const *p = f->containers; p && *p; p++)
		if (strlen(*p) >= CONTAINER_ID_SHORT && !strncmp(*p, container, strlen(*p)))
			return true;
	return false;
}
