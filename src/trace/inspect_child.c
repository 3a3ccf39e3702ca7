// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The analysis in a child that can do nothing but read one file and write one answer. What comes
 * back is checked as if the file itself had written it.
 */
#include "trace/inspect.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { CHILD_FILE = 0, CHILD_ANSWER = 1, CHILD_SETUP_FAILED = 100 };

#if defined(__SANITIZE_ADDRESS__)
#define SANITIZED 1 /* reserves terabytes of address space, and reports through more calls */
#else
#define SANITIZED 0
#endif

static int set_limit(int resource, rlim_t value)
{
	struct rlimit limit = { value, value };

	return setrlimit(resource, &limit) ? -errno : 0;
}

static int set_limits(int fd)
{
	struct rlimit cpu = { LIMIT_INSPECT_SECONDS, LIMIT_INSPECT_SECONDS + 1 };
	struct stat st;
	int r = 0;

	if (fstat(fd, &st) || setrlimit(RLIMIT_CPU, &cpu))
		return -errno;
	if (!SANITIZED)
		r = set_limit(RLIMIT_AS, LIMIT_INSPECT_MEMORY + st.st_size);
	if (!r)
		r = set_limit(RLIMIT_CORE, 0);
	if (!r)
		r = set_limit(RLIMIT_NPROC, 0);
	return r ? r : set_limit(RLIMIT_FSIZE, 0);
}

static int drop_privilege(uid_t uid, gid_t gid)
{
	if (!geteuid() && uid) {
		if (setgroups(0, NULL) || setresgid(gid, gid, gid) || setresuid(uid, uid, uid))
			return -errno;
	}
	if (prctl(PR_SET_DUMPABLE, 0) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		return -errno;
	return 0;
}

/*
 * Reading, memory, and going away; everything else kills. glibc's qsort() asks sysinfo(), and its
 * abort() sends itself a signal: refused, so that it goes on to crash.
 */
static int filter_calls(void)
{
	static const int calls[] = {
		SCMP_SYS(read),		 SCMP_SYS(pread64),
		SCMP_SYS(lseek),	 SCMP_SYS(fstat),
		SCMP_SYS(newfstatat),	 SCMP_SYS(munmap),
		SCMP_SYS(mremap),	 SCMP_SYS(brk),
		SCMP_SYS(madvise),	 SCMP_SYS(getrandom),
		SCMP_SYS(futex),	 SCMP_SYS(rt_sigreturn),
		SCMP_SYS(exit_group),	 SCMP_SYS(exit),
		SCMP_SYS(clock_gettime), SCMP_SYS(sysinfo),
		SCMP_SYS(getpid),	 SCMP_SYS(gettid),
		SCMP_SYS(rt_sigaction),	 SCMP_SYS(rt_sigprocmask),
	};
	scmp_filter_ctx ctx = seccomp_init(SANITIZED ? SCMP_ACT_ALLOW : SCMP_ACT_KILL_PROCESS);
	int r = ctx ? 0 : -ENOMEM;

	for (size_t i = 0; !SANITIZED && !r && i < sizeof(calls) / sizeof(calls[0]); i++)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, calls[i], 0);
	if (!SANITIZED && !r)
		r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(tgkill), 0);
	if (!SANITIZED && !r)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
				     SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (!SANITIZED && !r)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(write), 1,
				     SCMP_A0(SCMP_CMP_EQ, CHILD_ANSWER));
	if (!r)
		r = seccomp_load(ctx);
	seccomp_release(ctx);
	return r;
}

/* Keep the file as 0 and the pipe as 1, and nothing else. */
static int keep_descriptors(int fd, int answer)
{
	/* out of the way of each other first */
	int file = fcntl(fd, F_DUPFD, 3), pipe_end = fcntl(answer, F_DUPFD, 3);

	if (file < 0 || pipe_end < 0)
		return -errno;
	if (dup2(file, CHILD_FILE) < 0 || dup2(pipe_end, CHILD_ANSWER) < 0)
		return -errno;
	return close_range(SANITIZED ? 3 : 2, ~0U, 0) ? -errno : 0;
}

static void reset_signals(void)
{
	sigset_t none;

	sigemptyset(&none);
	for (int n = 1; n < NSIG; n++)
		signal(n, SIG_DFL);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

__attribute__((noreturn)) static void child(int fd, int answer, pid_t parent, uid_t uid, gid_t gid)
{
	static struct inspection in;
	int r;

	reset_signals();
	/* a change of user would undo the death signal, so it comes after */
	if (keep_descriptors(fd, answer) || set_limits(CHILD_FILE) || drop_privilege(uid, gid) ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != parent || filter_calls())
		_exit(CHILD_SETUP_FAILED);
	r = inspect_fd(CHILD_FILE, &in);
	if (r)
		_exit(-r & 63);
	/* one write: sizeof(in) is less than a pipe holds */
	_exit(write(CHILD_ANSWER, &in, sizeof(in)) == sizeof(in) ? 0 : EIO);
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* Read until the end of the pipe. Bytes read, or -ETIMEDOUT after a while that is no use. */
static ssize_t read_answer(int fd, void *data, size_t len)
{
	int64_t end = now_ms() + LIMIT_INSPECT_WALL_SECONDS * 1000;
	size_t have = 0;

	while (have < len) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int64_t left = end - now_ms();
		ssize_t n;

		if (left <= 0)
			return -ETIMEDOUT;
		if (poll(&p, 1, left) < 0 && errno != EINTR)
			return -errno;
		if (!p.revents)
			continue;
		n = read(fd, (char *)data + have, len - have);
		if (n < 0 && errno != EINTR)
			return -errno;
		if (!n)
			break;
		have += n > 0 ? n : 0;
	}
	return have;
}

static bool text_ok(const char *text, size_t room)
{
	return memchr(text, 0, room);
}

/* The answer of a child that may have been taken over by the file it read. */
static bool answer_ok(const struct inspection *in, uint64_t file_size)
{
	if (in->family > INSPECT_GO || in->points > LIMIT_PROBE_POINTS)
		return false;
	if (!text_ok(in->version, sizeof(in->version)) ||
	    !text_ok(in->module, sizeof(in->module)) || !text_ok(in->plan, sizeof(in->plan)) ||
	    !text_ok(in->reason, sizeof(in->reason)))
		return false;
	for (uint32_t i = 0; i < in->points; i++) {
		if (in->point[i].kind >= PROBE_KIND_COUNT || in->point[i].offset >= file_size)
			return false;
	}
	return true;
}

__attribute__((format(printf, 2, 3))) static int stopped(struct inspection *ret, const char *fmt,
							 ...)
{
	va_list ap;

	memset(ret, 0, sizeof(*ret));
	va_start(ap, fmt);
	vsnprintf(ret->reason, sizeof(ret->reason), fmt, ap);
	va_end(ap);
	return 0;
}

/* Why the child ended without an answer. */
static int explain(int status, bool timed_out, struct inspection *ret)
{
	if (timed_out)
		return stopped(ret, "the analysis was stopped after %d s",
			       LIMIT_INSPECT_WALL_SECONDS);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU)
		return stopped(ret, "the analysis was stopped after %d s of processor time",
			       LIMIT_INSPECT_SECONDS);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
		return stopped(ret, "the analysis was stopped: it tried a forbidden system call");
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS)
		return stopped(ret, "the file became shorter while it was analysed");
	if (WIFSIGNALED(status))
		return stopped(ret, "the analysis crashed (%s)", strsignal(WTERMSIG(status)));
	if (WEXITSTATUS(status) == CHILD_SETUP_FAILED)
		return -EPERM;
	if (WEXITSTATUS(status) == ENOMEM)
		return stopped(ret,
			       "the analysis was stopped: it needs more than %llu MiB of memory",
			       LIMIT_INSPECT_MEMORY >> 20);
	return -(WEXITSTATUS(status) ? WEXITSTATUS(status) : EIO);
}

/* Status of the child; one that closed its end of the pipe gets a moment to die of what did it. */
static int reap(pid_t pid, bool dying)
{
	int64_t end = now_ms() + (dying ? LIMIT_INSPECT_DYING_MS : 0);
	int status = 0;
	pid_t got;

	while (!(got = waitpid(pid, &status, WNOHANG)) || (got < 0 && errno == EINTR)) {
		struct timespec pause = { 0, 1000000 };

		if (now_ms() >= end)
			kill(pid, SIGKILL);
		nanosleep(&pause, NULL);
	}
	return status;
}

int inspect_file(int fd, uid_t uid, gid_t gid, struct inspection *ret)
{
	pid_t parent = getpid(), pid;
	struct stat st;
	int ends[2], status = 0;
	ssize_t n;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return stopped(ret, "not a regular file");
	if (pipe2(ends, O_CLOEXEC))
		return -errno;
	pid = fork();
	if (!pid)
		child(fd, ends[1], parent, uid, gid);
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return -EAGAIN;
	}
	n = read_answer(ends[0], ret, sizeof(*ret));
	close(ends[0]);
	status = reap(pid, n >= 0 && n < (ssize_t)sizeof(*ret));
	if (n != sizeof(*ret))
		return explain(status, n == -ETIMEDOUT, ret);
	if (!answer_ok(ret, st.st_size))
		return stopped(ret, "the analysis gave an answer that makes no sense");
	return 0;
}
