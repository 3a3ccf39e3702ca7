// SPDX-License-Identifier: GPL-2.0-or-later
/* The child that analyses, caught at work: what it may do, and what it holds. */
#include "unit.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "elfgen.h"
#include "trace/again.h"
#include "trace/inspect_child.h"

enum { SYMBOLS = 4 << 20, TRIES = 2000 };

#if defined(__SANITIZE_ADDRESS__)
enum { DESCRIPTORS = 3 }; /* the sanitizer's report as well */
#else
enum { DESCRIPTORS = 2 };
#endif

/* A file whose table of symbols is a hole of 96 MiB: reading it takes a while. */
static int slow_file(void)
{
	char path[] = "/tmp/cleartap-test-XXXXXX";
	uint64_t size = (uint64_t)SYMBOLS * sizeof(Elf64_Sym);
	struct elfgen g = { 0 };
	Elf64_Ehdr *e = (Elf64_Ehdr *)g.image;
	Elf64_Shdr *s;
	int fd = mkstemp(path);

	elfgen_finish(&g);
	s = (Elf64_Shdr *)(g.image + e->e_shoff);
	s[1].sh_offset = 1 << 20;
	s[1].sh_size = size;
	assert_true(fd >= 0);
	unlink(path);
	assert_int_equal(write(fd, g.image, sizeof(g.image)), sizeof(g.image));
	assert_int_equal(ftruncate(fd, (1 << 20) + size), 0);
	return fd;
}

static size_t read_proc(pid_t pid, const char *name, char *text, size_t room)
{
	char path[64];
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, room - 1);
	if (fd >= 0)
		close(fd);
	text[n < 0 ? 0 : n] = 0;
	return n < 0 ? 0 : n;
}

static bool status_has(const char *status, const char *line)
{
	return strstr(status, line);
}

static int count_descriptors(pid_t pid)
{
	char path[64];
	int count = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	while (dir && readdir(dir))
		count++;
	if (dir)
		closedir(dir);
	return count - 2; /* . and .. */
}

static bool is_filtered(pid_t pid, char *text, size_t room)
{
	return read_proc(pid, "status", text, room) && status_has(text, "Seccomp:\t2");
}

/* Stop a child of `parent` that has its filter on; their mother has none. Its status is in text. */
static pid_t catch_child(pid_t parent, char *text, size_t room)
{
	char name[64], list[256], *at, *end;

	snprintf(name, sizeof(name), "task/%d/children", parent);
	for (int i = 0; i < TRIES; i++) {
		usleep(500);
		read_proc(parent, name, list, sizeof(list));
		for (at = list;; at = end) {
			pid_t pid = (pid_t)strtol(at, &end, 10);

			if (end == at)
				break;
			if (is_filtered(pid, text, room) && !kill(pid, SIGSTOP) &&
			    is_filtered(pid, text, room))
				return pid;
		}
	}
	return 0;
}

static void test_powerless(void **state)
{
	struct inspection in;
	char status[4096];
	int fd = slow_file();
	pid_t parent = fork(), pid;

	(void)state;
	if (!parent) {
		for (;;)
			inspect_file(fd, 65534, 65534, &in);
	}
	pid = catch_child(parent, status, sizeof(status));
	kill(parent, SIGSTOP);
	if (pid) {
		assert_true(status_has(status, "NoNewPrivs:\t1"));
		assert_true(status_has(status, "CapEff:\t0000000000000000"));
		assert_true(status_has(status, "CapPrm:\t0000000000000000"));
		if (!geteuid()) {
			assert_true(status_has(status, "Uid:\t65534\t65534\t65534\t65534"));
			assert_true(status_has(status, "Gid:\t65534\t65534\t65534\t65534"));
			assert_true(status_has(status, "Groups:\t \n"));
			assert_in_range(count_descriptors(pid), 1, DESCRIPTORS);
		}
	}
	kill(parent, SIGKILL);
	waitpid(parent, NULL, 0);
	close(fd);
	if (!pid) {
		print_message("no child was caught in time\n");
		skip();
	}
	/* its parent is gone, and so is it, even if nobody collects what is left */
	for (int i = 0; i < TRIES; i++) {
		if (!read_proc(pid, "status", status, sizeof(status)) ||
		    status_has(status, "State:\tZ"))
			return;
		usleep(1000);
	}
	kill(pid, SIGKILL);
	fail_msg("the child outlived its parent");
}

static int take(struct inspect_child *c, struct inspection *ret)
{
	int r;

	while ((r = inspect_child_take(c, ret)) == -EAGAIN)
		usleep(500);
	return r;
}

static void finish(struct inspect_child *c)
{
	while (!inspect_child_end(c))
		usleep(500);
}

/* One that is killed at work takes nobody with it, nor does the end of their mother. */
static void test_mother(void **state)
{
	struct inspect_mother m;
	struct inspect_child c[3], late;
	struct inspection in;
	int fd = slow_file();

	(void)state;
	assert_int_equal(inspect_mother_new(65534, 65534, &m), 0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(inspect_child_new(&m, &c[i]), 0);
		assert_int_equal(inspect_child_give(&c[i], fd), 0);
	}
	kill(c[0].pid, SIGKILL);
	assert_int_equal(take(&c[0], &in), 0);
	assert_int_equal(in.failed, 1);
	assert_int_equal(take(&c[1], &in), 0);
	assert_int_equal(in.failed, 0);
	inspect_mother_end(&m);
	assert_int_equal(take(&c[2], &in), 0);
	assert_int_equal(in.failed, 0);
	assert_int_equal(inspect_mother_new(65534, 65534, &m), 0);
	kill(m.pid, SIGKILL);
	assert_true(inspect_child_new(&m, &late) < 0);
	inspect_mother_end(&m);
	for (int i = 0; i < 3; i++)
		finish(&c[i]);
	close(fd);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_powerless),
					    cmocka_unit_test(test_mother) };

	again_main(argc, argv);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
