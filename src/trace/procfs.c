// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/procfs.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "trace/watch.h"

#define CONTAINER_ID_LEN 64

void procfs_exe(uint32_t tgid, char *out, size_t size)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%u/exe", tgid);
	ssize_t n = readlink(path, out, size - 1);
	out[n > 0 ? n : 0] = '\0';
}

void procfs_comm(uint32_t tgid, char *out, size_t size)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%u/comm", tgid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, out, size - 1);
	if (fd >= 0)
		close(fd);
	out[n > 0 ? n : 0] = '\0';
	out[strcspn(out, "\n")] = '\0';
}

uint32_t procfs_parent(uint32_t tgid)
{
	char path[32], text[512];
	unsigned parent = 0;

	snprintf(path, sizeof(path), "/proc/%u/stat", tgid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	/* The name before it, in brackets, may hold anything. */
	const char *after = strrchr(text, ')');
	return after && sscanf(after, ") %*c %u", &parent) == 1 ? parent : 0;
}

void procfs_container_in(const char *cgroup, char *out, size_t size)
{
	out[0] = '\0';
	for (const char *p = cgroup; *p;) {
		size_t n = strspn(p, "0123456789abcdef");
		if (n == CONTAINER_ID_LEN && !isalnum((unsigned char)p[n]) && size > n) {
			memcpy(out, p, n);
			out[n] = '\0';
		}
		p += n ? n : 1;
	}
}

void procfs_container(uint32_t tgid, char *out, size_t size)
{
	char path[32], text[4096];

	out[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%u/cgroup", tgid);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	ssize_t n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n <= 0)
		return;
	text[n] = '\0';
	procfs_container_in(text, out, size);
}

ino_t procfs_mount_namespace(uint32_t tgid)
{
	char path[40];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%u/ns/mnt", tgid);
	return stat(path, &st) ? 0 : st.st_ino;
}

void procfs_each(procfs_fn *fn, void *ctx)
{
	DIR *dir = opendir("/proc");

	for (struct dirent *d; dir && (d = readdir(dir));) {
		char *end;
		unsigned long pid = strtoul(d->d_name, &end, 10);
		if (pid && !*end)
			fn(ctx, (uint32_t)pid);
	}
	if (dir)
		closedir(dir);
}

void procfs_each_mapping(uint32_t tgid, procfs_mapping_fn *fn, void *ctx)
{
	char path[32], *line = NULL;
	size_t size = 0;

	snprintf(path, sizeof(path), "/proc/%u/maps", tgid);
	FILE *f = fopen(path, "re");
	while (f && getline(&line, &size, f) > 0) {
		struct watch_mapping m = { .tgid = tgid };
		char perms[8];
		int at = 0;
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %*x %*x:%*x %" SCNu64 " %n", &m.start,
			   &m.end, perms, &m.inode, &at) < 4 ||
		    perms[2] != 'x' || !m.inode || line[at] != '/')
			continue;
		line[strcspn(line, "\n")] = '\0';
		m.path = line + at;
		fn(ctx, &m);
	}
	free(line);
	if (f)
		fclose(f);
}

static void map_file(const struct watch_mapping *m, char *path, size_t size)
{
	snprintf(path, size, "/proc/%u/map_files/%" PRIx64 "-%" PRIx64, m->tgid, m->start, m->end);
}

int procfs_stat_mapping(const struct watch_mapping *m, struct stat *ret)
{
	char path[80];

	map_file(m, path, sizeof(path));
	return stat(path, ret) ? -errno : 0;
}

int procfs_open_mapping(const struct watch_mapping *m)
{
	char path[4200];
	struct stat st;

	map_file(m, path, sizeof(path));
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0)
		return fd;
	/* The mapping was split since, or the process has ended: by name, if it is the same file.
	 */
	snprintf(path, sizeof(path), "/proc/%u/root%s", m->tgid, m->path);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		fd = open(m->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) || st.st_ino != m->inode) {
		close(fd);
		return -ESTALE;
	}
	return fd;
}
