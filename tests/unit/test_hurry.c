// SPDX-License-Identifier: GPL-2.0-or-later
/* The setting that is changed for the moment of attaching is put back, whoever is killed when. */
#include "unit.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "trace/again.h"
#include "trace/hurry.h"

static char setting[] = "/tmp/cleartap-setting-XXXXXX", state[] = "/tmp/cleartap-state-XXXXXX";

static void put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_TRUNC);

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

static char get(const char *path)
{
	char c = '?';
	int fd = open(path, O_RDONLY);

	assert_true(read(fd, &c, 1) >= 0);
	close(fd);
	return c;
}

static bool becomes(const char *path, char want)
{
	for (int i = 0; i < 2000 && get(path) != want; i++)
		usleep(1000);
	return get(path) == want;
}

static struct hurry *open_hurry(void)
{
	return hurry_new(setting, open(state, O_RDWR | O_CLOEXEC), 65534, 65534);
}

static void test_begin_end(void **unused)
{
	(void)unused;
	put(setting, "0\n");
	put(state, "");
	struct hurry *h = open_hurry();
	assert_non_null(h);
	hurry_begin(h);
	assert_int_equal(get(setting), '1');
	hurry_end(h);
	assert_int_equal(get(setting), '0');
	hurry_begin(h);
	hurry_free(h);
	assert_int_equal(get(setting), '0');
	hurry_begin(NULL);
	hurry_end(NULL);
	hurry_free(NULL);
}

/* Threads of the kernel that have a real-time priority. */
static int count_hurried(void)
{
	char path[64], name[32] = "";
	int n = 0;

	for (int pid = 1; pid < 1000; pid++) {
		snprintf(path, sizeof(path), "/proc/%d/comm", pid);
		FILE *f = fopen(path, "r");
		if (f && fgets(name, sizeof(name), f) && !strncmp(name, "rcu_exp_", 8))
			n += sched_getscheduler(pid) == SCHED_RR;
		if (f)
			fclose(f);
	}
	return n;
}

/* Nobody has it for longer than that. */
static bool are_calm(void)
{
	for (int i = 0; i < 2000 && count_hurried(); i++)
		usleep(1000);
	return !count_hurried();
}

/* What somebody else has set is his. */
static void test_not_ours(void **unused)
{
	(void)unused;
	put(setting, "1\n");
	put(state, "0");
	struct hurry *h = open_hurry();
	hurry_begin(h);
	hurry_end(h);
	assert_int_equal(get(setting), '1');
	hurry_free(h);
	assert_int_equal(get(setting), '1');
}

/* A process that is killed, SIGKILL, in the moment of attaching; its helper as well or not. */
static void die_in_a_hurry(bool helper_too)
{
	pid_t pid = fork();

	if (!pid) {
		struct hurry *h = open_hurry();
		hurry_begin(h);
		if (helper_too) {
			char line[64], *end = line;
			FILE *f = fopen("/proc/thread-self/children", "r");
			if (f && fgets(line, sizeof(line), f))
				kill((pid_t)strtol(line, &end, 10), SIGKILL);
		}
		raise(SIGKILL);
	}
	waitpid(pid, NULL, 0);
}

static void test_killed(void **unused)
{
	(void)unused;
	put(setting, "0\n");
	put(state, "");
	die_in_a_hurry(false);
	assert_true(becomes(setting, '0'));
	assert_true(becomes(state, '0'));
	assert_true(are_calm());
}

static void test_both_killed(void **unused)
{
	(void)unused;
	put(setting, "0\n");
	put(state, "");
	die_in_a_hurry(true);
	usleep(100000);
	assert_int_equal(get(setting), '1');
	hurry_free(open_hurry());
	assert_int_equal(get(setting), '0');
	assert_int_equal(get(state), '0');
	assert_true(are_calm());
}

/* Another run that lives is in its hurry: nothing to put back. */
static void test_two_runs(void **unused)
{
	(void)unused;
	put(setting, "0\n");
	put(state, "");
	struct hurry *one = open_hurry();
	hurry_begin(one);
	struct hurry *two = open_hurry();
	assert_int_equal(get(setting), '1');
	hurry_begin(two);
	hurry_end(two);
	assert_int_equal(get(setting), '1');
	hurry_end(one);
	assert_int_equal(get(setting), '0');
	hurry_free(one);
	hurry_free(two);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_begin_end), cmocka_unit_test(test_not_ours),
		cmocka_unit_test(test_killed),	  cmocka_unit_test(test_both_killed),
		cmocka_unit_test(test_two_runs),
	};

	again_main(argc, argv);
	close(mkstemp(setting));
	close(mkstemp(state));
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(setting);
	unlink(state);
	return failed;
}
