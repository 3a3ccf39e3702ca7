// SPDX-License-Identifier: GPL-2.0-or-later
/* Opening and refusing; what holds after privileges are gone, kill -9, and on a full disk. */
#include "store_fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "entry.h"
#include "synthetic.h"

#define KIB    (1ULL << 10)
#define MIB    (1ULL << 20)
#define NOW_US ((int64_t)time(NULL) * 1000000)
#define NOBODY 65534

/* In a child process, where cmocka cannot jump out: say where and end. */
#define CHECK(x)                                                                                   \
	do {                                                                                       \
		if (!(x)) {                                                                        \
			fprintf(stderr, "# %s:%d: %s\n", __FILE__, __LINE__, #x);                  \
			_exit(1);                                                                  \
		}                                                                                  \
	} while (0)

static void in_child(void (*work)(struct fixture *f), struct fixture *f)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid) {
		work(f);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static struct store *open_child(const char *path, uint64_t max_size, uid_t uid)
{
	struct store_options options = { .uri = path, .max_size = max_size, .readers = 2 };
	struct store *s;
	char error[512];

	if (store_open(&options, uid, uid, &s, error, sizeof(error)) < 0) {
		fprintf(stderr, "# %s\n", error);
		_exit(1);
	}
	return s;
}

static void write_file(const char *path, const char *text, off_t at)
{
	int fd = open(path, O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, text, strlen(text), at), strlen(text));
	close(fd);
}

static void run_sql(const char *path, const char *sql)
{
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
}

static void refuse(const char *uri, int want, const char *text)
{
	char error[512];

	assert_int_equal(fixture_refused(uri, error, sizeof(error)), want);
	if (!strstr(error, text))
		fail_msg("\"%s\" does not say \"%s\"", error, text);
}

static void test_uris(void **state)
{
	struct fixture *f = *state;
	char uri[256], error[256];

	refuse("clickhouse://localhost/x", -EINVAL, "clickhouse");
	refuse("file:/tmp/x.db", -EINVAL, "file");
	refuse("", -EINVAL, "path");
	refuse("sqlite:", -EINVAL, "path");
	refuse(":memory:", -EINVAL, "path");
	refuse("sqlite::memory:", -EINVAL, "path");
	snprintf(uri, sizeof(uri), "sqlite:%s", f->path);
	assert_int_equal(fixture_refused(uri, error, sizeof(error)), 0);
	snprintf(uri, sizeof(uri), "sqlite://%s", f->path);
	assert_int_equal(fixture_refused(uri, error, sizeof(error)), 0);
	assert_int_equal(access(f->path, F_OK), 0);
}

static void test_not_ours(void **state)
{
	struct fixture *f = *state;
	char path[256];

	write_file(f->path, "this is a text, not a database at all", 0);
	refuse(f->path, -EINVAL, "not a database");
	snprintf(path, sizeof(path), "%s/other.db", f->dir);
	run_sql(path, "CREATE TABLE t (a); INSERT INTO t VALUES (1)");
	refuse(path, -EINVAL, "another program");
	refuse(f->dir, -EISDIR, "directory");
	snprintf(path, sizeof(path), "%s/", f->dir);
	refuse(path, -EISDIR, "directory");
	snprintf(path, sizeof(path), "%s/link", f->dir);
	assert_int_equal(symlink(f->path, path), 0);
	refuse(path, -ELOOP, "symbolic link");
	snprintf(path, sizeof(path), "%s/pipe", f->dir);
	assert_int_equal(mkfifo(path, 0600), 0);
	refuse(path, -EINVAL, "regular file");
}

static void test_newer(void **state)
{
	struct fixture *f = *state;

	fixture_open(f, 0, 0);
	fixture_close(f);
	run_sql(f->path, "PRAGMA user_version=9999");
	refuse(f->path, -ENOTSUP, "newer");
}

static void test_damaged(void **state)
{
	struct fixture *f = *state;

	fixture_open(f, 0, 0);
	assert_int_equal(put_entries(f->s, 0, 100, 1000, NOW_US), 0);
	fixture_close(f);
	for (off_t at = 8192; at < 64 * 1024; at += 1000)
		write_file(f->path, "garbage garbage garbage garbage", at);
	refuse(f->path, -EBADMSG, "damaged");
}

static void test_empty_file(void **state)
{
	struct fixture *f = *state;

	write_file(f->path, "", 0);
	fixture_open(f, 0, 0);
	assert_int_equal(put_entries(f->s, 0, 1, 10, NOW_US), 0);
}

/* Nothing is made at the root of the file system by a path that was mistyped. */
static void test_root(void **state)
{
	static const char *const paths[] = {
		"/cleartap-test-root/store.db",
		"//cleartap-test-root/store.db",
		"sqlite:///cleartap-test-root/store.db",
		"/tmp/../cleartap-test-root//store.db",
	};
	char error[256];

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		assert_int_equal(fixture_refused(paths[i], error, sizeof(error)), -ENOENT);
		assert_non_null(strstr(error, "does not exist"));
		assert_int_equal(access("/cleartap-test-root", F_OK), -1);
	}
	assert_int_equal(chdir("/"), 0);
	assert_int_equal(fixture_refused("cleartap-test-root/x", error, sizeof(error)), -ENOENT);
	assert_int_equal(access("/cleartap-test-root", F_OK), -1);
}

static void test_directories(void **state)
{
	struct fixture *f = *state;
	char path[256], error[256];
	struct stat st;

	snprintf(path, sizeof(path), "%s/a/b/c.db", f->dir);
	refuse(path, -ENOENT, "does not exist");
	snprintf(path, sizeof(path), "%s/a/c.db", f->dir);
	assert_int_equal(fixture_refused(path, error, sizeof(error)), 0);
	snprintf(path, sizeof(path), "%s/a", f->dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0750);
}

static void test_too_small(void **state)
{
	struct fixture *f = *state;
	struct store_options options = { .uri = f->path, .max_size = 1000 };
	char error[256];

	assert_int_equal(store_open(&options, 0, 0, &f->s, error, sizeof(error)), -EINVAL);
	assert_non_null(strstr(error, "1 MiB"));
}

static void test_read_only(void **state)
{
	struct fixture *f = *state;

	fixture_open(f, 0, 0);
	fixture_close(f);
	assert_int_equal(chmod(f->path, 0444), 0);
	refuse(f->path, -EROFS, "read-only");
}

/* Two at once: the second is refused and told who the first is; a dead one holds nothing. */
static void test_locked(void **state)
{
	struct fixture *f = *state;
	int ready[2], status;
	char c, who[32];

	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();
	if (!pid) {
		open_child(f->path, 0, geteuid());
		CHECK(write(ready[1], "x", 1) == 1);
		pause();
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	snprintf(who, sizeof(who), "process %d", (int)pid);
	refuse(f->path, -EBUSY, "another cleartap");
	if (!access("/proc/locks", R_OK))
		refuse(f->path, -EBUSY, who);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	fixture_open(f, 0, 0);
	close(ready[0]);
	close(ready[1]);
}

/* No call that names a file may be needed any more: it ends the process. */
static void forbid_paths(void)
{
	static const int calls[] = { SCMP_SYS(open),   SCMP_SYS(openat), SCMP_SYS(creat),
				     SCMP_SYS(unlink), SCMP_SYS(rename), SCMP_SYS(unlinkat),
				     SCMP_SYS(chown),  SCMP_SYS(chmod) };
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ALLOW);

	CHECK(ctx);
	for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++)
		CHECK(!seccomp_rule_add(ctx, SCMP_ACT_KILL_PROCESS, calls[i], 0));
	CHECK(!seccomp_load(ctx));
	seccomp_release(ctx);
}

static bool count_rows(void *ctx, const struct entry *e)
{
	(void)e;
	++*(size_t *)ctx;
	return true;
}

static void work_unprivileged(struct fixture *f)
{
	struct store_query q = { .limit = 1000, .with_payload = true };
	struct store *s = open_child(f->path, 6 * MIB, NOBODY);
	struct store_page page;
	size_t rows = 0;
	char error[256];

	CHECK(!setgroups(0, NULL) && !setgid(NOBODY) && !setuid(NOBODY));
	CHECK(access(f->path, F_OK) && errno == EACCES);
	forbid_paths();
	for (uint64_t i = 0; i < 100; i++) {
		CHECK(!put_entries(s, i, 100, 1024, NOW_US));
		CHECK(!store_select(s, &q, count_rows, &rows, &page, error, sizeof(error)));
	}
	CHECK(store_stats(s).dropped_entries > 0 && rows > 1000);
	CHECK(store_stats(s).size <= 6 * MIB);
	/* Drops all, gives the file back to the system. */
	for (int i = 0; i < 20; i++)
		store_maintain(s, NOW_US + i);
	CHECK(!put_entries(s, 0, 100, 1024, NOW_US));
	store_close(s);
}

static void test_unprivileged(void **state)
{
	struct fixture *f = *state;
	struct stat st;
	char name[128];

	if (geteuid())
		skip();
	assert_int_equal(chmod(f->dir, 0700), 0);
	in_child(work_unprivileged, f);
	for (const char *const *p = (const char *const[]){ "", "-wal", "-shm", NULL }; *p; p++) {
		snprintf(name, sizeof(name), "%s%s", f->path, *p);
		assert_int_equal(stat(name, &st), 0);
		assert_int_equal(st.st_uid, NOBODY);
		assert_int_equal(st.st_mode & 07, 0);
	}
	fixture_open(f, 6 * MIB, 0);
	assert_int_equal(store_stats(f->s).last_id, 10100);
	fixture_close(f);
	assert_intact(f->path);
}

/* Write until killed; tell each id that is committed. */
static void write_forever(const char *path, int report)
{
	struct store *s = open_child(path, 3 * MIB, geteuid());

	for (uint64_t i = 0;; i++) {
		CHECK(!put_entries(s, i, 20, i % 7 * 1000, NOW_US));
		int64_t id = store_stats(s).last_id;
		CHECK(write(report, &id, sizeof(id)) == sizeof(id));
		if (i % 16 == 15)
			store_maintain(s, NOW_US);
	}
}

static void kill_round(struct fixture *f, int64_t *last)
{
	int report[2], status;
	int64_t id;

	assert_int_equal(pipe(report), 0);
	pid_t pid = fork();
	if (!pid) {
		close(report[0]);
		write_forever(f->path, report[1]);
	}
	close(report[1]);
	for (long n = random() % 40 + 1; n > 0 && read(report[0], &id, sizeof(id)) == sizeof(id);
	     n--)
		*last = id;
	usleep((useconds_t)(random() % 3000));
	kill(pid, SIGKILL);
	while (read(report[0], &id, sizeof(id)) == sizeof(id))
		*last = id;
	close(report[0]);
	waitpid(pid, &status, 0);
	assert_true(WIFSIGNALED(status));
}

static void test_kill(void **state)
{
	struct fixture *f = *state;
	int64_t last = 0;

	srandom((unsigned)time(NULL));
	for (int i = 0; i < 25; i++) {
		struct collected c = { 0 };
		kill_round(f, &last);
		fixture_open(f, 3 * MIB, 0);
		/* Nothing committed is missing, and at most the batch in flight is new. */
		struct store_stats stats = store_stats(f->s);
		assert_in_range(stats.last_id, last, last + 20);
		collect_pages(f->s, (struct store_query){ .limit = 1000 }, &c);
		assert_int_equal(c.count, stats.entries);
		assert_int_equal(c.ids[0], stats.last_id);
		last = stats.last_id;
		fixture_close(f);
		assert_intact(f->path);
	}
}

/* A small file system of our own over the directory of the test. */
static void mount_small(struct fixture *f)
{
	CHECK(!unshare(CLONE_NEWNS));
	CHECK(!mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL));
	CHECK(!mount("tmpfs", f->dir, "tmpfs", 0, "size=6m"));
}

static void fill_disk(const char *path)
{
	static const char zeros[4096];
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0600);

	CHECK(fd >= 0);
	while (write(fd, zeros, sizeof(zeros)) > 0)
		;
	CHECK(errno == ENOSPC);
	close(fd);
}

static void work_full_disk(struct fixture *f)
{
	char ballast[128], error[256];
	int r = 0;

	mount_small(f);
	snprintf(ballast, sizeof(ballast), "%s/ballast", f->dir);
	struct store *s = open_child(f->path, 0, geteuid());
	CHECK(!put_entries(s, 0, 100, 1024, NOW_US));
	fill_disk(ballast);
	for (int i = 0; !r && i < 100; i++)
		r = put_entries(s, 0, 100, 1024, NOW_US);
	CHECK(r == -ENOSPC);
	store_error(s, error, sizeof(error));
	CHECK(strstr(error, f->path) && strstr(error, "full"));
	struct store_stats stats = store_stats(s);
	CHECK(stats.failed_batches == 1 && stats.lost_entries == 100);
	/* What was committed can be read; once there is room it goes on by itself. */
	struct collected c = { 0 };
	collect_pages(s, (struct store_query){ .limit = 1000 }, &c);
	CHECK(c.count == stats.entries && c.ids[0] == stats.last_id && c.count >= 100);
	CHECK(!unlink(ballast));
	CHECK(!put_entries(s, 0, 100, 1024, NOW_US));
	CHECK(store_stats(s).entries == stats.entries + 100);
	store_error(s, error, sizeof(error));
	CHECK(!error[0]);
	store_close(s);
	assert_intact(f->path);
}

static void work_full_at_open(struct fixture *f)
{
	char ballast[128], error[256];

	mount_small(f);
	snprintf(ballast, sizeof(ballast), "%s/ballast", f->dir);
	fill_disk(ballast);
	CHECK(fixture_refused(f->path, error, sizeof(error)) == -ENOSPC);
	CHECK(strstr(error, "disk is full"));
	CHECK(!unlink(ballast));
	CHECK(!fixture_refused(f->path, error, sizeof(error)));
}

/* The bound is below what the disk has: retention makes the room, whatever the disk. */
static void work_bound_on_small_disk(struct fixture *f)
{
	mount_small(f);
	struct store *s = open_child(f->path, 5 * MIB, geteuid());
	for (int i = 0; i < 200; i++)
		CHECK(!put_entries(s, 0, 100, 1024, NOW_US));
	store_close(s);
}

static void work_read_only_mount(struct fixture *f)
{
	char error[256];

	mount_small(f);
	CHECK(!fixture_refused(f->path, error, sizeof(error)));
	CHECK(!mount("none", f->dir, NULL, MS_REMOUNT | MS_RDONLY, NULL));
	CHECK(fixture_refused(f->path, error, sizeof(error)) == -EROFS);
	CHECK(strstr(error, "read-only"));
}

static bool can_mount(void)
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(unshare(CLONE_NEWNS) ? 1 : 0);
	waitpid(pid, &status, 0);
	return !status && !geteuid();
}

static void test_small_disk(void **state)
{
	if (!can_mount())
		skip();
	in_child(work_full_disk, *state);
	in_child(work_full_at_open, *state);
	in_child(work_bound_on_small_disk, *state);
	in_child(work_read_only_mount, *state);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_uris),	 TEST(test_not_ours),	TEST(test_newer),
		TEST(test_damaged),	 TEST(test_empty_file), TEST(test_directories),
		TEST(test_too_small),	 TEST(test_read_only),	TEST(test_locked),
		TEST(test_unprivileged), TEST(test_kill),	TEST(test_small_disk),
		TEST(test_root),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
