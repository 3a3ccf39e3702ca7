// SPDX-License-Identifier: GPL-2.0-or-later
#include "app/token.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/runtime.h"

#define TOKEN_BYTES 16
#define TOKEN_MIN   16

static int make(char *ret)
{
	unsigned char random[TOKEN_BYTES];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return -errno;
	for (size_t i = 0; i < sizeof(random); i++)
		sprintf(ret + 2 * i, "%02x", random[i]);
	return 0;
}

static int fill(int fd, const char *token)
{
	size_t n = strlen(token);
	int r = write(fd, token, n) == (ssize_t)n && write(fd, "\n", 1) == 1 ? 0 : -EIO;

	return close(fd) && !r ? -errno : r;
}

/* Under its name it is whole from the start, whatever ends this process or fills the disk. */
static int write_new(int folder, const char *file, const char *token)
{
	char unfinished[PATH_MAX];

	if (snprintf(unfinished, sizeof(unfinished), "%s" RUNTIME_UNFINISHED, file) >=
	    (int)sizeof(unfinished))
		return -ENAMETOOLONG;
	unlinkat(folder, unfinished, 0); /* of a run that was killed */
	int fd = openat(folder, unfinished, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
			0600);
	if (fd < 0)
		return -errno;
	int r = fill(fd, token);
	if (!r && renameat2(folder, unfinished, folder, file, RENAME_NOREPLACE))
		r = -errno;
	if (r == -EINVAL) /* not on this file system */
		r = renameat(folder, unfinished, folder, file) ? -errno : 0;
	if (r)
		unlinkat(folder, unfinished, 0);
	return r;
}

/* A file that somebody else prepared would give him the token. */
static int check_owner(int fd, const char *file, char *error, size_t size)
{
	struct stat st;

	if (fstat(fd, &st)) {
		snprintf(error, size, "look at %s: %s", file, strerror(errno));
		return -EIO;
	}
	if (!S_ISREG(st.st_mode)) {
		snprintf(error, size, "%s is not a file; the token must be in one", file);
		return -EINVAL;
	}
	if (st.st_uid != geteuid()) {
		snprintf(error, size,
			 "%s belongs to user %u, who would know the token; chown it or remove it",
			 file, st.st_uid);
		return -EACCES;
	}
	if (st.st_nlink != 1) {
		snprintf(error, size, "%s has another name as well (%lu links); remove it", file,
			 (unsigned long)st.st_nlink);
		return -EACCES;
	}
	if (st.st_mode & 077) {
		snprintf(error, size, "%s can be read by others (mode %03o); chmod 600 it", file,
			 st.st_mode & 0777);
		return -EACCES;
	}
	return 0;
}

static int read_old(int fd, const char *file, char *ret, char *error, size_t size)
{
	int r = check_owner(fd, file, error, size);
	ssize_t n = r ? 0 : read(fd, ret, TOKEN_MAX - 1);

	if (r)
		return r;
	if (n < 0) {
		snprintf(error, size, "read the token from %s: %s", file, strerror(errno));
		return -EIO;
	}
	ret[n] = '\0';
	ret[strcspn(ret, " \t\r\n")] = '\0';
	for (const char *p = ret; *p; p++) {
		if (strchr("&;,\"%#+?=", *p) || *p <= ' ' || *p >= 127) {
			snprintf(error, size, "the token in %s must be letters, digits, - . _ ~",
				 file);
			return -EINVAL;
		}
	}
	if (strlen(ret) < TOKEN_MIN) {
		snprintf(error, size, "the token in %s is shorter than %d characters", file,
			 TOKEN_MIN);
		return -EINVAL;
	}
	return 0;
}

int token_get(const char *file, char ret[static TOKEN_MAX], char *error, size_t size)
{
	int fd = file ? open(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC) : -1;

	if (fd >= 0) {
		int r = read_old(fd, file, ret, error, size);
		close(fd);
		return r;
	}
	if (file && errno == ELOOP) {
		snprintf(error, size, "%s is a symbolic link; name the token's file itself", file);
		return -ELOOP;
	}
	int r = file && errno != ENOENT ? -errno : make(ret);
	if (!r && file)
		r = write_new(AT_FDCWD, file, ret);
	if (r)
		snprintf(error, size, "make a token%s%s: %s", file ? " in " : "", file ? file : "",
			 strerror(-r));
	return r;
}

int token_keep(const char *token, char *ret, size_t room)
{
	int folder = runtime_open();

	if (folder < 0)
		return folder;
	runtime_forget(folder, RUNTIME_TOKEN);
	snprintf(ret, room, RUNTIME_FOLDER "/" RUNTIME_TOKEN "%d", getpid());
	int r = write_new(folder, strrchr(ret, '/') + 1, token);
	close(folder);
	return r;
}
