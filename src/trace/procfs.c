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
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "trace/beneath.h"
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

struct procfs_walk {
	const struct procfs_walk_ops *ops;
	void *ctx;
	DIR *dir; /* NULL: none is under way */
	FILE *maps;
	uint32_t tgid;
	bool again;
	char *line;
	size_t size;
};

struct procfs_walk *procfs_walk_new(const struct procfs_walk_ops *ops, void *ctx)
{
	struct procfs_walk *w = calloc(1, sizeof(*w));

	if (w) {
		w->ops = ops;
		w->ctx = ctx;
	}
	return w;
}

static void walk_end(struct procfs_walk *w)
{
	if (w->maps)
		fclose(w->maps);
	if (w->dir)
		closedir(w->dir);
	w->maps = NULL;
	w->dir = NULL;
}

void procfs_walk_free(struct procfs_walk *w)
{
	if (!w)
		return;
	walk_end(w);
	free(w->line);
	free(w);
}

void procfs_walk_begin(struct procfs_walk *w)
{
	w->again = w->dir != NULL;
	if (!w->dir)
		w->dir = opendir("/proc");
}

/* The next process: its mappings are to be read. False: there is none. */
static bool next_process(struct procfs_walk *w)
{
	char path[32], *end;
	struct dirent *d = readdir(w->dir);

	if (!d)
		return false;
	w->tgid = (uint32_t)strtoul(d->d_name, &end, 10);
	if (!w->tgid || *end)
		return true;
	w->ops->process(w->ctx, w->tgid);
	snprintf(path, sizeof(path), "/proc/%u/maps", w->tgid);
	w->maps = fopen(path, "re");
	return true;
}

static void next_mapping(struct procfs_walk *w)
{
	struct watch_mapping m = { .tgid = w->tgid };
	char perms[8], *line;
	int at = 0;

	if (getline(&w->line, &w->size, w->maps) <= 0) {
		fclose(w->maps);
		w->maps = NULL;
		return;
	}
	line = w->line;
	if (sscanf(line, "%" SCNx64 "-%" SCNx64 " %7s %*x %" SCNx32 ":%" SCNx32 " %" SCNu64 " %n",
		   &m.start, &m.end, perms, &m.major, &m.minor, &m.inode, &at) < 6 ||
	    perms[2] != 'x' || !m.inode || line[at] != '/')
		return;
	line[strcspn(line, "\n")] = '\0';
	m.path = line + at;
	w->ops->mapping(w->ctx, &m);
}

bool procfs_walk_step(struct procfs_walk *w)
{
	int64_t begun = clock_ms(CLOCK_MONOTONIC);

	while (w->dir && !w->ops->full(w->ctx) &&
	       clock_ms(CLOCK_MONOTONIC) - begun < LIMIT_TURN_PART_MS) {
		if (w->maps) {
			next_mapping(w);
		} else if (!next_process(w)) {
			walk_end(w);
			if (w->again)
				procfs_walk_begin(w);
		}
	}
	return w->dir;
}

static void map_file(const struct watch_mapping *m, char *path, size_t size)
{
	snprintf(path, size, "/proc/%u/map_files/%" PRIx64 "-%" PRIx64, m->tgid, m->start, m->end);
}

/*
 * A file that has this name in our root, too, as most have: nothing is asked of the process, whose
 * locks it may hold itself, nor of a file system, which may hang.
 */
static bool stat_cached(const struct watch_mapping *m, struct stat *ret)
{
	int fd = beneath_find_cached(m->path);
	bool same = fd >= 0 && !beneath_stat(fd, ret) && ret->st_ino == m->inode &&
		    ret->st_dev == makedev(m->major, m->minor);

	if (fd >= 0)
		close(fd);
	return same;
}

int procfs_stat_mapping(const struct watch_mapping *m, struct stat *ret)
{
	char path[80];

	if (stat_cached(m, ret))
		return 0;
	map_file(m, path, sizeof(path));
	return beneath_stat_at(path, ret);
}

/* File systems without a device of their own (btrfs, overlayfs) tell another one to the kernel. */
static bool is_it(int fd, const struct watch_mapping *m)
{
	struct stat st;

	return !beneath_stat(fd, &st) && S_ISREG(st.st_mode) && st.st_ino == m->inode &&
	       (!major(st.st_dev) ||
		(major(st.st_dev) == m->major && minor(st.st_dev) == m->minor));
}

/* By its name, beneath the root of that process. */
static int find_named(uint32_t tgid, const struct watch_mapping *m)
{
	int root = beneath_root(tgid);

	if (root < 0)
		return root;
	int fd = beneath_find(root, m->path);
	close(root);
	if (fd < 0 || is_it(fd, m))
		return fd;
	close(fd);
	return -ESTALE;
}

int procfs_find_mapping(const struct watch_mapping *m)
{
	char path[80];

	map_file(m, path, sizeof(path));
	int fd = open(path, O_PATH | O_CLOEXEC);
	if (fd >= 0)
		return fd;
	/* The mapping was split since; or the process has ended, and the next one is to be read. */
	fd = find_named(m->tgid, m);
	return fd < 0 ? find_named(0, m) : fd;
}
