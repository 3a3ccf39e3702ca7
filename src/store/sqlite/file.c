// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/sqlite/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#define FILE_MAGIC "SQLite format 3"

int file_path_of(const char *uri, const char *place, char **ret_path, char *error,
		 size_t error_size)
{
	if (place != uri && !strncmp(place, "//", 2))
		place += 2;
	if (!*place || !strcmp(place, ":memory:")) {
		snprintf(error, error_size, "store \"%s\": the path of a file is needed", uri);
		return -EINVAL;
	}
	*ret_path = strdup(place);
	return *ret_path ? 0 : -ENOMEM;
}

int file_give(int fd, uid_t uid, gid_t gid)
{
	return geteuid() || !fchown(fd, uid, gid) || errno == EPERM ? 0 : -errno;
}

/* Would it be made at the root of the file system? */
static bool is_at_root(const char *dir)
{
	char *parent, *real;
	size_t n = strlen(dir);

	while (n && dir[n - 1] == '/')
		n--;
	while (n && dir[n - 1] != '/')
		n--;
	parent = n ? strndup(dir, n) : strdup(".");
	real = parent ? realpath(parent, NULL) : NULL;
	bool root = real && !strcmp(real, "/");
	free(real);
	free(parent);
	return root;
}

/*
 * The directory of the file; its last component is created when it is missing. Not at the root of
 * the file system: there a missing directory is a slip of the pen.
 */
static int prepare_directory(const char *dir, uid_t uid, gid_t gid, char *error, size_t error_size)
{
	struct stat st;

	if (stat(dir, &st) && is_at_root(dir)) {
		snprintf(
			error, error_size,
			"directory %s does not exist; make it if this is where the store should be",
			dir);
		return -ENOENT;
	}
	if (!mkdir(dir, 0750)) {
		if (geteuid() || !chown(dir, uid, gid) || errno == EPERM)
			return 0;
		goto fail;
	}
	if (errno == EEXIST)
		return 0;
fail:;
	int r = -errno;
	if (!stat(dir, &st))
		return 0;
	snprintf(error, error_size, "directory %s does not exist and cannot be created: %s", dir,
		 strerror(-r));
	return r;
}

/* The absolute path with no link in its directories, so that it means the same ever after. */
static int real_path(const char *path, uid_t uid, gid_t gid, char **ret, char *error,
		     size_t error_size)
{
	const char *slash = strrchr(path, '/');
	const char *base = slash ? slash + 1 : path;
	char *dir = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
	char *real = NULL;
	int r = dir ? 0 : -ENOMEM;

	if (!r && (!*base || !strcmp(base, ".") || !strcmp(base, ".."))) {
		snprintf(error, error_size, "store %s is a directory, not a file", path);
		r = -EISDIR;
	}
	if (!r)
		r = prepare_directory(dir, uid, gid, error, error_size);
	if (!r && !(real = realpath(dir, NULL))) {
		r = -errno;
		snprintf(error, error_size, "directory %s: %s", dir, strerror(-r));
	}
	if (!r && asprintf(ret, "%s/%s", strcmp(real, "/") ? real : "", base) < 0)
		r = -ENOMEM;
	free(real);
	free(dir);
	return r;
}

/* Who holds the lock, as /proc/locks tells; 0 when it does not. */
static int lock_holder(int fd)
{
	FILE *in = fopen("/proc/locks", "re");
	char line[256];
	struct stat st;
	int holder = 0;

	if (!in || fstat(fd, &st)) {
		if (in)
			fclose(in);
		return 0;
	}
	while (!holder && fgets(line, sizeof(line), in)) {
		unsigned major_nr, minor_nr;
		uint64_t inode;
		int pid;

		if (sscanf(line, "%*d: FLOCK %*s %*s %d %x:%x:%" SCNu64, &pid, &major_nr, &minor_nr,
			   &inode) == 4 &&
		    inode == st.st_ino && makedev(major_nr, minor_nr) == st.st_dev && pid > 0)
			holder = pid;
	}
	fclose(in);
	return holder;
}

static int take_lock(int fd, const char *path, char *error, size_t error_size)
{
	char who[32] = "";

	if (!flock(fd, LOCK_EX | LOCK_NB))
		return 0;
	if (errno != EWOULDBLOCK) {
		int r = -errno;
		snprintf(error, error_size, "lock %s: %s", path, strerror(-r));
		return r;
	}
	int pid = lock_holder(fd);
	if (pid)
		snprintf(who, sizeof(who), " (process %d)", pid);
	snprintf(error, error_size, "store %s is in use by another cleartap%s", path, who);
	return -EBUSY;
}

/* Before SQLite sees it: what is no regular file, not writable, or of another format. */
static int check_file(int fd, const char *path, char *error, size_t error_size)
{
	char head[sizeof(FILE_MAGIC)] = "";
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode)) {
		snprintf(error, error_size, "store %s is not a regular file", path);
		return -EINVAL;
	}
	if (!(st.st_mode & 0222)) {
		snprintf(error, error_size, "store %s is read-only (mode %04o)", path,
			 (unsigned)st.st_mode & 07777);
		return -EROFS;
	}
	ssize_t n = pread(fd, head, sizeof(head), 0);
	if (n < 0) {
		int r = -errno;
		snprintf(error, error_size, "read %s: %s", path, strerror(-r));
		return r;
	}
	if (n && memcmp(head, FILE_MAGIC, sizeof(head))) {
		snprintf(error, error_size, "store %s is not a database", path);
		return -EINVAL;
	}
	return 0;
}

static int open_or_create(const char *path, uid_t uid, gid_t gid)
{
	int flags = O_RDWR | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK;
	int fd = open(path, flags | O_CREAT | O_EXCL, 0640);

	if (fd < 0 && errno == EEXIST)
		fd = open(path, flags);
	else if (fd >= 0) {
		int r = file_give(fd, uid, gid);
		if (r < 0) {
			close(fd);
			return r;
		}
	}
	return fd < 0 ? -errno : fd;
}

static void explain_open(int r, const char *path, char *error, size_t error_size)
{
	switch (-r) {
	case EISDIR:
		snprintf(error, error_size, "store %s is a directory, not a file", path);
		break;
	case ELOOP:
		snprintf(error, error_size, "store %s is a symbolic link, name the file itself",
			 path);
		break;
	case EROFS:
		snprintf(error, error_size, "store %s is on a read-only file system", path);
		break;
	case ENOSPC:
	case EDQUOT:
		snprintf(error, error_size, "create store %s: the disk is full", path);
		break;
	default:
		snprintf(error, error_size, "open store %s: %s", path, strerror(-r));
	}
}

int file_open(const char *path, uid_t uid, gid_t gid, int *ret_fd, char **ret_real, char *error,
	      size_t error_size)
{
	char *real = NULL;
	int r = real_path(path, uid, gid, &real, error, error_size);

	if (r < 0)
		return r;
	int fd = open_or_create(real, uid, gid);
	if (fd < 0) {
		r = fd;
		explain_open(r, real, error, error_size);
		goto out;
	}
	r = check_file(fd, real, error, error_size);
	if (!r)
		r = take_lock(fd, real, error, error_size);
	if (r < 0) {
		close(fd);
		goto out;
	}
	*ret_fd = fd;
	*ret_real = real;
	real = NULL;
out:
	free(real);
	return r;
}
