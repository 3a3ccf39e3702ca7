// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/disk_scan.h"

#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "trace/library.h"

static const char *const folders[] = {
	"/lib",
	"/lib64",
	"/lib/*-linux-*",
	"/usr/lib",
	"/usr/lib64",
	"/usr/lib/*-linux-*",
	"/usr/local/lib",
	"/usr/local/lib64",
	"/usr/local/*/lib",
	"/usr/local/*/lib64",
	"/opt/*/lib",
	"/opt/*/lib64",
	"/opt/*/*/lib",
};

void scan_root(const char *root, scan_fn *fn, void *ctx)
{
	glob_t found = { 0 };
	char pattern[4200];
	size_t count;
	const struct library *row = library_rows(&count);

	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		for (size_t k = 0; k < count * LIBRARY_PATTERNS; k++) {
			const char *name =
				row[k / LIBRARY_PATTERNS].installed[k % LIBRARY_PATTERNS];
			if (!name)
				continue;
			snprintf(pattern, sizeof(pattern), "%s%s/%s", root, folders[i], name);
			glob(pattern, GLOB_NOSORT | (found.gl_pathc ? GLOB_APPEND : 0), NULL,
			     &found);
		}
	}
	for (size_t i = 0; i < found.gl_pathc; i++) {
		int fd = open(found.gl_pathv[i], O_RDONLY | O_CLOEXEC | O_NONBLOCK);
		if (fd < 0)
			continue;
		/* Without its links, where the path is one of ours. */
		char *real = *root ? NULL : realpath(found.gl_pathv[i], NULL);
		fn(ctx, fd, real ? real : found.gl_pathv[i] + strlen(root));
		free(real);
	}
	globfree(&found);
}
