// SPDX-License-Identifier: GPL-2.0-or-later
/* What a process can no longer do once it has given up its power. Needs root. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/netlink.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/privilege.h"

/* Each answers 0 when the call was refused, else what it got. */
static long try_execve(void)
{
	char *const none[] = { NULL };

	return execve("/bin/true", none, none);
}

static long try_netlink(void)
{
	return socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
}

static long try_socket(void)
{
	return socket(AF_INET, SOCK_STREAM, 0);
}

static long try_ptrace(void)
{
	return ptrace(PTRACE_ATTACH, getppid(), NULL, NULL);
}

static long try_write(void)
{
	return open("/tmp/cleartap-test-privilege", O_WRONLY | O_CREAT, 0600);
}

static long try_write_null(void)
{
	return open("/dev/null", O_RDWR);
}

static long try_truncate(void)
{
	return open("/dev/null", O_RDONLY | O_TRUNC);
}

static long try_shadow(void)
{
	return open("/etc/shadow", O_RDONLY);
}

static long try_read(void)
{
	return open("/etc/passwd", O_RDONLY);
}

static long try_kill(void)
{
	return kill(getppid(), 0);
}

static long try_signal(void)
{
	return syscall(SYS_tgkill, getppid(), getppid(), 0);
}

static long try_code(void)
{
	return (long)mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

static long try_make_code(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? 1 : mprotect(p, 4096, PROT_READ | PROT_EXEC);
}

static long try_mount(void)
{
	return mount("none", "/mnt", "tmpfs", 0, "");
}

static long try_bpf(void)
{
	union bpf_attr attr = {
		.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1
	};

	return syscall(SYS_bpf, BPF_MAP_CREATE, &attr, sizeof(attr));
}

static long try_perf(void)
{
	return syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0);
}

static long try_fork(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	return pid;
}

static long try_namespace(void)
{
	return unshare(CLONE_NEWUSER);
}

static long try_clone_namespace(void)
{
	return syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
}

static long try_root(void)
{
	return setuid(0);
}

static long try_unlink(void)
{
	return unlink("/tmp/cleartap-test-privilege");
}

static long try_chmod(void)
{
	return chmod("/tmp", 0777);
}

static long try_connect(void)
{
	struct sockaddr a = { .sa_family = AF_UNIX };

	return connect(0, &a, sizeof(a));
}

static long try_memory_of_others(void)
{
	char c;
	struct iovec here = { &c, 1 }, there = { &c, 1 };

	return syscall(SYS_process_vm_readv, getppid(), &here, 1, &there, 1, 0);
}

static const struct {
	const char *name;
	long (*call)(void);
} forbidden[] = {
	{ "execve", try_execve },
	{ "netlink socket", try_netlink },
	{ "socket", try_socket },
	{ "ptrace", try_ptrace },
	{ "create a file", try_write },
	{ "open for writing", try_write_null },
	{ "truncate", try_truncate },
	{ "read /etc/shadow", try_shadow },
	{ "open a file to read", try_read },
	{ "kill", try_kill },
	{ "tgkill of another process", try_signal },
	{ "executable memory", try_code },
	{ "memory made executable", try_make_code },
	{ "mount", try_mount },
	{ "bpf", try_bpf },
	{ "perf_event_open", try_perf },
	{ "fork", try_fork },
	{ "unshare", try_namespace },
	{ "clone into a namespace", try_clone_namespace },
	{ "become root", try_root },
	{ "unlink", try_unlink },
	{ "chmod", try_chmod },
	{ "connect", try_connect },
	{ "process_vm_readv", try_memory_of_others },
};

/* Number of the first forbidden call that worked, from 1; 0: none did. */
static int first_allowed(void)
{
	for (size_t i = 0; i < sizeof(forbidden) / sizeof(*forbidden); i++) {
		errno = 0;
		if (forbidden[i].call() != -1 || (errno != EPERM && errno != EACCES))
			return (int)i + 1;
	}
	return 0;
}

static void *empty_thread(void *arg)
{
	*(int *)arg = first_allowed();
	return NULL;
}

/* What serving needs goes on: memory, threads, signals of its own. */
static bool still_works(void)
{
	int allowed_in_thread = -1;
	pthread_t thread;
	char *p = malloc(64 << 20);

	if (!p || syscall(SYS_tgkill, getpid(), gettid(), 0) ||
	    pthread_create(&thread, NULL, empty_thread, &allowed_in_thread))
		return false;
	pthread_join(thread, NULL);
	free(p);
	return !allowed_in_thread;
}

/* Lines of /proc/self/status that must be there. */
static bool status_ok(int fd)
{
	static const char *const lines[] = {
		"\nUid:\t65534\t65534\t65534\t65534\n",
		"\nGid:\t65534\t65534\t65534\t65534\n",
		"\nCapInh:\t0000000000000000\n",
		"\nCapPrm:\t0000000000000000\n",
		"\nCapEff:\t0000000000000000\n",
		"\nCapBnd:\t0000000000000000\n",
		"\nCapAmb:\t0000000000000000\n",
		"\nNoNewPrivs:\t1\n",
		"\nSeccomp:\t2\n",
		"\nGroups:\t \n",
	};
	static char text[8192];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	for (size_t i = 0; n > 0 && i < sizeof(lines) / sizeof(*lines); i++)
		if (!strstr(text, lines[i]))
			return false;
	return n > 0;
}

enum { FAILED_TO_DROP = 100, WRONG_STATUS, BROKEN };

static int child(void)
{
	/* readable for this process itself, though it is not dumpable */
	if (privilege_drop(65534, 65534) || prctl(PR_GET_DUMPABLE) != 0 || privilege_confine())
		return FAILED_TO_DROP;
	int n = first_allowed();
	if (n)
		return n;
	return still_works() ? 0 : BROKEN;
}

/* /proc/PID of a process that is not dumpable belongs to root: kept open from before. */
static int child_status(void)
{
	int fd = open("/proc/self/status", O_RDONLY);

	if (privilege_drop(65534, 65534) || prctl(PR_SET_DUMPABLE, 1) || privilege_confine())
		return FAILED_TO_DROP;
	return status_ok(fd) ? 0 : WRONG_STATUS;
}

static void run_child(int (*run)(void))
{
	int status;
	pid_t pid = fork();

	if (!pid)
		_exit(run());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	int n = WEXITSTATUS(status);
	if (n && n <= (int)(sizeof(forbidden) / sizeof(*forbidden)))
		fail_msg("%s was not refused", forbidden[n - 1].name);
	assert_int_equal(n, 0);
}

static void test_forbidden_calls(void **state)
{
	(void)state;
	if (geteuid())
		skip();
	run_child(child);
}

static void test_status(void **state)
{
	(void)state;
	if (geteuid())
		skip();
	run_child(child_status);
}

static void test_user(void **state)
{
	uid_t uid = 0;
	gid_t gid = 0;

	(void)state;
	assert_int_equal(privilege_user("nobody", &uid, &gid), 0);
	assert_true(uid);
	uid = 0;
	assert_int_equal(privilege_user("no-such-user-here", &uid, &gid), -ENOENT);
	assert_int_equal(privilege_user(PRIVILEGE_USER, &uid, &gid), 0); /* or nobody */
	assert_true(uid);
	assert_true(privilege_user("root", &uid, &gid) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_forbidden_calls),
		cmocka_unit_test(test_status),
		cmocka_unit_test(test_user),
	};

	return cmocka_run_group_tests_name("privilege", tests, NULL, NULL);
}
