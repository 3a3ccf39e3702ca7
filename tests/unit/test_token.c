// SPDX-License-Identifier: GPL-2.0-or-later
/* Files of the token: who else could know it. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "app/token.h"

static char folder[] = "/tmp/cleartap-token-XXXXXX";
static char error[512];

static const char *path_of(const char *name)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	unlink(path);
	return path;
}

static void make_file(const char *path, int mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);

	assert_int_equal(write(fd, "0123456789abcdef0123\n", 21), 21);
	fchmod(fd, mode);
	close(fd);
}

static int get(const char *path)
{
	char token[TOKEN_MAX];

	*error = '\0';
	return token_get(path, token, error, sizeof(error));
}

static void test_made_and_read(void **state)
{
	const char *path = path_of("made");
	char first[TOKEN_MAX], second[TOKEN_MAX];
	struct stat st;

	(void)state;
	assert_int_equal(token_get(path, first, error, sizeof(error)), 0);
	assert_int_equal(strlen(first), 32);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	assert_int_equal(token_get(path, second, error, sizeof(error)), 0);
	assert_string_equal(first, second);
}

/* Of a token that could not be written whole nothing stays, so that the next start makes one. */
static void test_no_room(void **state)
{
	const char *path = path_of("no-room");
	struct rlimit old, tight;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	tight = (struct rlimit){ 10, old.rlim_max };
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
	int r = get(path);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_true(r < 0);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(get(path), 0);
}

static void test_mode(void **state)
{
	const char *path = path_of("mode");

	(void)state;
	make_file(path, 0640);
	assert_int_equal(get(path), -EACCES);
	assert_non_null(strstr(error, "can be read by others"));
}

static void test_owner(void **state)
{
	const char *path = path_of("owner");

	(void)state;
	make_file(path, 0600);
	if (chown(path, 65534, 65534))
		skip();
	assert_int_equal(get(path), -EACCES);
	assert_non_null(strstr(error, "belongs to user 65534"));
}

static void test_links(void **state)
{
	char target[128];
	const char *path;

	(void)state;
	snprintf(target, sizeof(target), "%s", path_of("target"));
	make_file(target, 0600);
	path = path_of("symlink");
	assert_int_equal(symlink(target, path), 0);
	assert_int_equal(get(path), -ELOOP);
	assert_non_null(strstr(error, "symbolic link"));
	path = path_of("dangling");
	assert_int_equal(symlink("/nonexistent", path), 0);
	assert_int_equal(get(path), -ELOOP);
	path = path_of("hard");
	assert_int_equal(link(target, path), 0);
	assert_int_equal(get(path), -EACCES);
	assert_non_null(strstr(error, "another name"));
}

/* Neither waits for a writer nor reads what has no end. */
static void test_no_file(void **state)
{
	const char *path = path_of("fifo");

	(void)state;
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(get(path), -EINVAL);
	assert_int_equal(get("/dev/zero"), -EINVAL);
	assert_int_equal(get(folder), -EINVAL);
}

static int clean(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_made_and_read), cmocka_unit_test(test_no_room),
		cmocka_unit_test(test_mode),	      cmocka_unit_test(test_owner),
		cmocka_unit_test(test_links),	      cmocka_unit_test(test_no_file),
	};

	if (!mkdtemp(folder))
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	return clean() ? 1 : failed;
}
