// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/limits.h"

int beneath_root(uint32_t tgid)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/%u/root", tgid);
	int fd = open(tgid ? path : "/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* The directories from the root to where a walk is, so that ".." leads back and never above. */
struct path_walk {
	int root;
	int dir[LIMIT_PATH_DEPTH];
	size_t depth;
	unsigned links;
	char rest[PATH_MAX]; /* still to be walked */
};

static int here(const struct path_walk *w)
{
	return w->depth ? w->dir[w->depth - 1] : w->root;
}

static void climb(struct path_walk *w, size_t depth)
{
	while (w->depth > depth)
		close(w->dir[--w->depth]);
}

/* A link's text takes its place in what is to be walked. */
static int follow(struct path_walk *w, int link)
{
	char text[PATH_MAX], rest[PATH_MAX];
	ssize_t n = readlinkat(link, "", text, sizeof(text) - 1);

	if (n <= 0)
		return n ? -errno : -ENOENT;
	text[n] = '\0';
	if (++w->links > LIMIT_PATH_LINKS)
		return -ELOOP;
	if (snprintf(rest, sizeof(rest), "%s/%s", text, w->rest) >= (int)sizeof(rest))
		return -ENAMETOOLONG;
	if (*text == '/')
		climb(w, 0);
	strcpy(w->rest, rest);
	return 0;
}

/* Take the next name off the rest. False at its end. */
static bool next_name(struct path_walk *w, char *ret)
{
	char *p = w->rest + strspn(w->rest, "/");
	size_t n = strcspn(p, "/");

	memcpy(ret, p, n);
	ret[n] = '\0';
	memmove(w->rest, p + n, strlen(p + n) + 1);
	return n;
}

static int step(struct path_walk *w, const char *name)
{
	struct stat st;

	if (!strcmp(name, "."))
		return 0;
	if (!strcmp(name, "..")) {
		climb(w, w->depth ? w->depth - 1 : 0);
		return 0;
	}
	if (strlen(name) > NAME_MAX || w->depth == LIMIT_PATH_DEPTH)
		return -ENAMETOOLONG;
	int fd = openat(here(w), name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (beneath_stat(fd, &st) || !S_ISLNK(st.st_mode)) {
		w->dir[w->depth++] = fd;
		return 0;
	}
	int r = follow(w, fd);
	close(fd);
	return r;
}

int beneath_walk(int root, const char *path)
{
	struct path_walk w = { .root = root };
	char name[PATH_MAX];
	int r = 0;

	if (strlen(path) >= sizeof(w.rest))
		return -ENAMETOOLONG;
	strcpy(w.rest, path);
	while (!r && next_name(&w, name))
		r = step(&w, name);
	if (!r) {
		r = fcntl(here(&w), F_DUPFD_CLOEXEC, 0);
		r = r < 0 ? -errno : r;
	}
	climb(&w, 0);
	return r;
}

int beneath_find(int root, const char *path)
{
	const struct open_how how = { .flags = O_PATH | O_CLOEXEC,
				      .resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	int tries = 3; /* a rename during the walk is no reason to give up */
	int fd;

	do
		fd = (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
	while (fd < 0 && errno == EAGAIN && --tries);
	if (fd >= 0)
		return fd;
	/* 5.6 brought it, and filters of containers refuse what they do not know */
	return errno == ENOSYS || errno == EPERM ? beneath_walk(root, path) : -errno;
}

int beneath_find_cached(const char *path)
{
	const struct open_how how = { .flags = O_PATH | O_CLOEXEC,
				      .resolve = RESOLVE_CACHED | RESOLVE_NO_MAGICLINKS };
	int fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));

	return fd < 0 ? -errno : fd;
}

static int stat_at(int fd, const char *path, int flags, struct stat *ret)
{
	struct statx x;

	if (statx(fd, path, flags | AT_STATX_DONT_SYNC, STATX_BASIC_STATS, &x))
		return -errno;
	*ret = (struct stat){
		.st_dev = makedev(x.stx_dev_major, x.stx_dev_minor),
		.st_ino = x.stx_ino,
		.st_mode = x.stx_mode,
		.st_nlink = x.stx_nlink,
		.st_uid = x.stx_uid,
		.st_size = (off_t)x.stx_size,
		.st_mtim = { x.stx_mtime.tv_sec, x.stx_mtime.tv_nsec },
	};
	return 0;
}

int beneath_stat(int fd, struct stat *ret)
{
	return stat_at(fd, "", AT_EMPTY_PATH, ret);
}

int beneath_stat_at(const char *path, struct stat *ret)
{
	return stat_at(AT_FDCWD, path, 0, ret);
}

/* Files that are no data: reading /proc/kmsg, for one, takes messages away from others. */
static bool holds_data(int fd)
{
	static const uint32_t others[] = {
		PROC_SUPER_MAGIC,
		SYSFS_MAGIC,
		DEBUGFS_MAGIC,
		TRACEFS_MAGIC,
		SECURITYFS_MAGIC,
		CGROUP_SUPER_MAGIC,
		CGROUP2_SUPER_MAGIC,
		BPF_FS_MAGIC,
		PSTOREFS_MAGIC,
		EFIVARFS_MAGIC,
		SELINUX_MAGIC,
		SMACK_MAGIC,
		DEVPTS_SUPER_MAGIC,
		NSFS_MAGIC,
		BINFMTFS_MAGIC,
		AUTOFS_SUPER_MAGIC,
		USBDEVICE_SUPER_MAGIC,
		SOCKFS_MAGIC,
		PIPEFS_MAGIC,
		ANON_INODE_FS_MAGIC,
		0x62656570 /* configfs */,
		0x19800202 /* mqueue */,
		0x67596969 /* rpc_pipefs */,
	};
	struct statfs fs;

	if (fstatfs(fd, &fs))
		return false;
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
		if ((uint32_t)fs.f_type == others[i])
			return false;
	}
	return true;
}

int beneath_open(int fd)
{
	char path[32];
	struct stat found, opened;

	if (beneath_stat(fd, &found))
		return -errno;
	if (!S_ISREG(found.st_mode) || !holds_data(fd))
		return -EINVAL;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (file < 0)
		return -errno;
	if (!beneath_stat(file, &opened) && opened.st_ino == found.st_ino &&
	    opened.st_dev == found.st_dev && S_ISREG(opened.st_mode))
		return file;
	close(file);
	return -ESTALE;
}
