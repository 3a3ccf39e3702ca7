// SPDX-License-Identifier: GPL-2.0-or-later
/* Paths of others: found beneath a root, and nothing but regular files opened. Both ways of
 * finding. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "trace/beneath.h"
#include "trace/disk_scan.h"

static char folder[] = "/tmp/cleartap-beneath-XXXXXX";
static int root = -1;

typedef int find_fn(int root, const char *path);
static find_fn *const finds[] = { beneath_find, beneath_walk };

#define EACH_FIND(find) for (find_fn *const *find = finds; find < finds + 2; find++)

static void put(const char *path, const char *text)
{
	int fd = openat(root, path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

/* The first byte of what is found and opened; or -errno. */
static int first_byte(find_fn *find, const char *path)
{
	int fd = find(root, path), file;
	char c = 0;

	if (fd < 0)
		return fd;
	file = beneath_open(fd);
	close(fd);
	if (file < 0)
		return file;
	assert_int_equal(read(file, &c, 1), 1);
	close(file);
	return c;
}

static void test_found(void **state)
{
	(void)state;
	EACH_FIND(find)
	{
		assert_int_equal(first_byte(*find, "/etc/inside"), 'i');
		assert_int_equal(first_byte(*find, "etc//./inside"), 'i');
		assert_int_equal(first_byte(*find, "/etc/../etc/inside"), 'i');
		assert_int_equal(first_byte(*find, "/relative"), 'i');
		assert_int_equal(first_byte(*find, "/none"), -ENOENT);
		assert_int_equal(first_byte(*find, "/etc/inside/x"), -ENOTDIR);
	}
}

/* Absolute links and ".." count from this root, not from ours: /etc/passwd is not its. */
static void test_contained(void **state)
{
	(void)state;
	EACH_FIND(find)
	{
		assert_int_equal(first_byte(*find, "/absolute"), 'i');
		assert_int_equal(first_byte(*find, "/passwd"), -ENOENT);
		assert_int_equal(first_byte(*find, "/up"), -ENOENT);
		assert_int_equal(first_byte(*find, "../../../../../../etc/inside"), 'i');
		assert_int_equal(first_byte(*find, "/dots/inside"), 'i');
		assert_int_equal(first_byte(*find, "/loop"), -ELOOP);
	}
}

static void test_no_data(void **state)
{
	int proc = open("/proc", O_PATH | O_DIRECTORY), fd;

	(void)state;
	EACH_FIND(find)
	{
		assert_int_equal(first_byte(*find, "/fifo"), -EINVAL);
		assert_int_equal(first_byte(*find, "/etc"), -EINVAL);
		assert_int_equal(first_byte(*find, "/"), -EINVAL);
		/* S_ISREG, and yet reading it would take messages away */
		fd = (*find)(proc, "/kmsg");
		if (fd >= 0)
			assert_int_equal(beneath_open(fd), -EINVAL);
		close(fd);
	}
	fd = open("/dev/null", O_PATH);
	assert_int_equal(beneath_open(fd), -EINVAL);
	close(fd);
	close(proc);
}

static void test_magic(void **state)
{
	int proc = open("/proc", O_PATH | O_DIRECTORY);

	(void)state;
	assert_int_equal(beneath_find(proc, "/self/exe"), -ELOOP);
	assert_int_equal(beneath_find(proc, "/self/root/etc/passwd"), -ELOOP);
	/* as text it leads nowhere beneath this root */
	assert_int_equal(beneath_walk(proc, "/self/exe"), -ENOENT);
	close(proc);
}

static void test_long(void **state)
{
	char path[4 * LIMIT_PATH_DEPTH + 1] = "";

	(void)state;
	for (int i = 0; i <= LIMIT_PATH_DEPTH; i++) {
		strcat(path, "d/");
		assert_int_equal(mkdirat(root, path, 0755), 0);
	}
	assert_int_equal(beneath_walk(root, path), -ENAMETOOLONG);
	for (int i = 0; i < 60; i++) { /* descriptors are given back */
		int fd = beneath_walk(root, "/etc/inside");
		assert_in_range(fd, 3, 40);
		close(fd);
	}
}

static int scanned;

static void count(void *ctx, int fd, const char *path)
{
	struct stat st;

	(void)ctx;
	assert_int_equal(beneath_stat(fd, &st), 0);
	assert_true(S_ISREG(st.st_mode));
	assert_int_equal(strncmp(path, "/usr/", 5), 0);
	scanned++;
}

static void test_scan(void **state)
{
	char path[64];

	(void)state;
	mkdirat(root, "usr", 0755);
	mkdirat(root, "usr/lib", 0755);
	mkdirat(root, "usr/lib/x86_64-linux-gnu", 0755);
	put("usr/lib/x86_64-linux-gnu/libssl.so.3", "x");
	put("usr/lib/x86_64-linux-gnu/libother.so.3", "x");
	symlinkat("/etc/passwd", root, "usr/lib/libssl.so.1");
	symlinkat("/dev/watchdog", root, "usr/lib/libssl.so.2");
	mkfifoat(root, "usr/lib/libssl.so.4", 0644);
	assert_int_equal(disk_scan_walk(root, count, NULL), 0);
	assert_int_equal(scanned, 1);
	/* more than anybody has: an end is put to it */
	scanned = 0;
	for (int i = 0; i < LIMIT_SCAN_FILES + 50; i++) {
		snprintf(path, sizeof(path), "usr/lib/libssl.so.9.%d", i);
		put(path, "x");
	}
	assert_int_equal(disk_scan_walk(root, count, NULL), -E2BIG);
	assert_int_equal(scanned, LIMIT_SCAN_FILES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found),	cmocka_unit_test(test_contained),
		cmocka_unit_test(test_no_data), cmocka_unit_test(test_magic),
		cmocka_unit_test(test_long),	cmocka_unit_test(test_scan),
	};
	char command[64];

	if (!mkdtemp(folder) || (root = open(folder, O_PATH | O_DIRECTORY)) < 0)
		return 1;
	mkdirat(root, "etc", 0755);
	put("etc/inside", "inside");
	symlinkat("etc/inside", root, "relative");
	symlinkat("/etc/inside", root, "absolute");
	symlinkat("/etc/passwd", root, "passwd");
	symlinkat("../../../../../../../../etc/passwd", root, "up");
	symlinkat("../../../etc", root, "dots");
	symlinkat("loop", root, "loop");
	mkfifoat(root, "fifo", 0644);
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command) ? 1 : failed;
}
