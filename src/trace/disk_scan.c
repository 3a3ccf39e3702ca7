// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/disk_scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/limits.h"
#include "trace/beneath.h"
#include "trace/library.h"
#include "trace/scanner.h"

enum { SCAN_ROOT, SCAN_SOCKET };

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

struct disk_walk {
	int root;
	disk_scan_fn *fn;
	void *ctx;
	unsigned entries, files;
};

static bool is_full(const struct disk_walk *s)
{
	return s->entries > LIMIT_SCAN_ENTRIES || s->files >= LIMIT_SCAN_FILES;
}

typedef void name_fn(struct disk_walk *s, const char *path, const char *rest);

/* Each name in the folder `path` that matches the pattern. */
static void each_name(struct disk_walk *s, const char *path, const char *pattern, name_fn *fn,
		      const char *rest)
{
	char found[LIMIT_SCAN_PATH], self[32];
	int fd = beneath_find(s->root, path);
	struct stat st;

	if (fd < 0 || beneath_stat(fd, &st) || !S_ISDIR(st.st_mode)) {
		if (fd >= 0)
			close(fd);
		return;
	}
	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	DIR *dir = opendir(self);
	close(fd);
	for (struct dirent *d; dir && !is_full(s) && (d = readdir(dir));) {
		s->entries++;
		if (*d->d_name == '.' || fnmatch(pattern, d->d_name, 0))
			continue;
		int n = snprintf(found, sizeof(found), "%s/%s", path, d->d_name);
		if (n < (int)sizeof(found))
			fn(s, found, rest);
	}
	if (dir)
		closedir(dir);
}

static void take_file(struct disk_walk *s, const char *path, const char *rest)
{
	int fd = beneath_find(s->root, path);
	struct stat st;

	(void)rest;
	if (fd < 0)
		return;
	if (!beneath_stat(fd, &st) && S_ISREG(st.st_mode)) {
		s->files++;
		s->fn(s->ctx, fd, path);
	}
	close(fd);
}

static void look_for_libraries(struct disk_walk *s, const char *folder)
{
	size_t count;
	const struct library *row = library_rows(&count);

	for (size_t i = 0; i < count; i++) {
		for (size_t k = 0; k < LIBRARY_PATTERNS && row[i].installed[k]; k++)
			each_name(s, folder, row[i].installed[k], take_file, "");
	}
}

/* `rest` is what follows `path` in one of the folders, its first part a pattern. */
static void expand(struct disk_walk *s, const char *path, const char *rest)
{
	char next[LIMIT_SCAN_PATH], part[64];
	const char *slash = strchr(rest, '/');
	int n = slash ? (int)(slash - rest) : (int)strlen(rest);

	if (!*rest) {
		look_for_libraries(s, path);
		return;
	}
	snprintf(part, sizeof(part), "%.*s", n, rest);
	rest += n + (slash != NULL);
	if (strchr(part, '*')) {
		each_name(s, path, part, expand, rest);
		return;
	}
	if (snprintf(next, sizeof(next), "%s/%s", path, part) < (int)sizeof(next))
		expand(s, next, rest);
}

int disk_scan_walk(int root, disk_scan_fn *fn, void *ctx)
{
	struct disk_walk s = { .root = root, .fn = fn, .ctx = ctx };

	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++)
		expand(&s, "", folders[i] + 1);
	return is_full(&s) ? -E2BIG : 0;
}

static void send_found(void *ctx, int fd, const char *path)
{
	(void)ctx;
	if (scanner_send(SCAN_SOCKET, fd, path))
		_exit(EXIT_FAILURE);
}

/* All that it needs is to see what is in folders; it follows what their owners put there. */
static int keep_little_power(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };
	const struct rlimit cpu = { LIMIT_SCAN_CPU_SECONDS, LIMIT_SCAN_CPU_SECONDS };
	const struct rlimit memory = { LIMIT_SCAN_MEMORY, LIMIT_SCAN_MEMORY };

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	if (setrlimit(RLIMIT_AS, &memory))
		return -errno;
#endif
	(void)memory;
	data[0].effective = data[0].permitted = 1U << CAP_DAC_READ_SEARCH;
	if (setrlimit(RLIMIT_CPU, &cpu) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    syscall(SYS_capset, &head, data))
		return -errno;
	return 0;
}

int disk_scan_main(int argc, char **argv)
{
	if (argc != 1 || prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != atoi(argv[0]) ||
	    keep_little_power())
		return EXIT_FAILURE;
	return disk_scan_walk(SCAN_ROOT, send_found, NULL) ? SCANNER_CUT : EXIT_SUCCESS;
}
