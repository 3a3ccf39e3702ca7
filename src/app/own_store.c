// SPDX-License-Identifier: GPL-2.0-or-later
#include "app/own_store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

#define TEMPLATE ".cleartap-XXXXXX"
#define NAME	 "/store"

static int make_in(const char *folder, int len, char *ret)
{
	int n = snprintf(ret, OWN_STORE_MAX, "%.*s" TEMPLATE, len, folder);

	if (n < 0 || (size_t)n + sizeof(NAME) > OWN_STORE_MAX)
		return -ENAMETOOLONG;
	if (!mkdtemp(ret))
		return -errno;
	strcat(ret, NAME);
	return 0;
}

int own_store_make(const char *file, char ret_path[static OWN_STORE_MAX])
{
	const char *slash = strrchr(file, '/');
	char temporary[PATH_MAX];

	if (!make_in(file, slash ? (int)(slash + 1 - file) : 0, ret_path))
		return 0;
	const char *folder = getenv("TMPDIR");
	int n = snprintf(temporary, sizeof(temporary), "%s/", folder && *folder ? folder : "/tmp");
	return n < (int)sizeof(temporary) ? make_in(temporary, n, ret_path) : -ENAMETOOLONG;
}

void own_store_remove(const char *path)
{
	static const char *const suffixes[] = { "", "-wal", "-shm", "-bodies", "-journal" };
	char name[OWN_STORE_MAX + 16];

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
		snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
		unlink(name);
	}
	snprintf(name, sizeof(name), "%.*s", (int)(strlen(path) - strlen(NAME)), path);
	if (rmdir(name))
		log_warn("remove %s: %s; it may be removed by hand", name, strerror(errno));
}
