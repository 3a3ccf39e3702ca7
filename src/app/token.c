// SPDX-License-Identifier: GPL-2.0-or-later
#include "app/token.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

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

static int write_new(const char *file, const char *token)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0)
		return -errno;
	size_t n = strlen(token);
	int r = write(fd, token, n) == (ssize_t)n && write(fd, "\n", 1) == 1 ? 0 : -EIO;
	if (close(fd) && !r)
		r = -errno;
	return r;
}

static int read_old(int fd, const char *file, char *ret, char *error, size_t size)
{
	struct stat st;
	ssize_t n = read(fd, ret, TOKEN_MAX - 1);

	if (n < 0) {
		snprintf(error, size, "read the token from %s: %s", file, strerror(errno));
		return -EIO;
	}
	ret[n] = '\0';
	ret[strcspn(ret, " \t\r\n")] = '\0';
	if (!fstat(fd, &st) && (st.st_mode & 077)) {
		snprintf(error, size, "%s can be read by others (mode %03o); chmod 600 it", file,
			 st.st_mode & 0777);
		return -EACCES;
	}
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
	int fd = file ? open(file, O_RDONLY | O_CLOEXEC) : -1;

	if (fd >= 0) {
		int r = read_old(fd, file, ret, error, size);
		close(fd);
		return r;
	}
	int r = file && errno != ENOENT ? -errno : make(ret);
	if (!r && file)
		r = write_new(file, ret);
	if (r)
		snprintf(error, size, "make a token%s%s: %s", file ? " in " : "", file ? file : "",
			 strerror(-r));
	return r;
}
