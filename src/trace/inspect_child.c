// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The analysis in a child that can do nothing but read one file and write one answer. What comes
 * back is checked as if the file itself had written it.
 */
#include "trace/inspect_child.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <linux/sched.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "trace/again.h"
#include "trace/library.h"

enum { CHILD_FILE = 0, CHILD_ANSWER = 1, CHILD_SETUP_FAILED = 100 };
enum { MOTHER_GIVEN = 0, MOTHER_ORDERS = 1 }; /* a socket for a child; where they come from */

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1 /* reserves terabytes of address space, and reports through more calls */
#else
#define SANITIZED 0
#endif

static int set_limit(int resource, rlim_t value)
{
	struct rlimit limit = { value, value };

	return setrlimit(resource, &limit) ? -errno : 0;
}

static int set_limits(void)
{
	struct rlimit cpu = { LIMIT_INSPECT_SECONDS, LIMIT_INSPECT_SECONDS + 1 };
	int r;

	if (setrlimit(RLIMIT_CPU, &cpu))
		return -errno;
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
	if (!SANITIZED && !r)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(recvmsg), 1,
				     SCMP_A0(SCMP_CMP_EQ, CHILD_ANSWER));
	/* its own, which it can only lower */
	if (!SANITIZED && !r)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(prlimit64), 2,
				     SCMP_A0(SCMP_CMP_EQ, 0), SCMP_A1(SCMP_CMP_EQ, RLIMIT_AS));
	if (!r)
		r = seccomp_load(ctx);
	seccomp_release(ctx);
	return r;
}

/* One write is one message, whole or not at all. */
static void answer(const struct inspection *in)
{
	if (write(CHILD_ANSWER, in, sizeof(*in)) != sizeof(*in))
		_exit(EIO);
}

/* A descriptor, which becomes 0, the lowest that is free. */
static bool receive_descriptor(int socket)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec data = { &byte, 1 };
	struct msghdr m = { .msg_iov = &data,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control) };

	return recvmsg(socket, &m, 0) == 1 && m.msg_controllen >= sizeof(control.header) &&
	       control.header.cmsg_type == SCM_RIGHTS;
}

/* The file bounds the memory to come. */
static bool receive_file(void)
{
	struct stat st;

	if (!receive_descriptor(CHILD_ANSWER) || fstat(CHILD_FILE, &st))
		return false;
	return SANITIZED || !set_limit(RLIMIT_AS, LIMIT_INSPECT_MEMORY + (rlim_t)st.st_size);
}

/* A change of user would undo the signal, so that comes first. */
static bool die_with(pid_t parent)
{
	return !prctl(PR_SET_PDEATHSIG, SIGKILL) && getppid() == parent;
}

/* The child: all that it holds is its end of the socket. */
static void analyse(pid_t parent)
{
	static struct inspection in;
	int r;

	if (dup2(MOTHER_GIVEN, CHILD_ANSWER) < 0 || close(MOTHER_GIVEN) || !die_with(parent) ||
	    set_limits() || filter_calls())
		_exit(CHILD_SETUP_FAILED);
	if (!receive_file())
		_exit(EIO);
	r = inspect_staged(CHILD_FILE, answer, &in);
	if (r)
		_exit(-r & 63);
	in.more = 0;
	answer(&in);
	_exit(0);
}

/* Arguments: whom to become (uid, gid) and the process to die with. */
int inspect_mother_main(int argc, char **argv)
{
	if (argc != 3)
		return CHILD_SETUP_FAILED;
	uid_t uid = (uid_t)strtoul(argv[0], NULL, 10);
	gid_t gid = (gid_t)strtoul(argv[1], NULL, 10);
	pid_t parent = atoi(argv[2]), pid;
	/* others may be that user, too, and have as many processes as he may */
	set_limit(RLIMIT_NPROC, RLIM_INFINITY);
	if (drop_privilege(uid, gid) || !die_with(parent))
		return CHILD_SETUP_FAILED;
	inspect_warm();
	while (receive_descriptor(MOTHER_ORDERS)) {
		/* a child of the tracer, which waits for it and may kill it */
		pid = (pid_t)syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
		if (!pid)
			analyse(parent);
		pid = pid < 0 ? -errno : pid;
		close(MOTHER_GIVEN);
		if (write(MOTHER_ORDERS, &pid, sizeof(pid)) != sizeof(pid))
			break;
	}
	return EXIT_SUCCESS;
}

static bool text_ok(const char *text, size_t room)
{
	return memchr(text, 0, room);
}

/* The answer of a child that may have been taken over by the file it read. */
static bool answer_ok(const struct inspection *in, uint64_t file_size)
{
	if ((in->family && !library_find(in->family)) || in->points > LIMIT_PROBE_POINTS ||
	    in->more > 1 || in->failed > 1 || in->unread > 1)
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
	ret->failed = 1;
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

/* Status of the child; one that closed its end gets a moment to die of what did it. */
static int reap(pid_t pid, bool dying)
{
	int64_t end = clock_ms(CLOCK_MONOTONIC) + (dying ? LIMIT_INSPECT_DYING_MS : 0);
	int status = 0;
	pid_t got;

	while (!(got = waitpid(pid, &status, WNOHANG)) || (got < 0 && errno == EINTR)) {
		struct timespec pause = { 0, 200000 };

		if (clock_ms(CLOCK_MONOTONIC) >= end)
			kill(pid, SIGKILL);
		nanosleep(&pause, NULL);
	}
	return status;
}

static int send_descriptor(int socket, int fd)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { .header = { .cmsg_len = CMSG_LEN(sizeof(int)),
				  .cmsg_level = SOL_SOCKET,
				  .cmsg_type = SCM_RIGHTS } };
	char nothing = 0;
	struct iovec data = { &nothing, 1 };
	struct msghdr m = { .msg_iov = &data,
			    .msg_iovlen = 1,
			    .msg_control = &control,
			    .msg_controllen = sizeof(control.room) };

	memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
	return sendmsg(socket, &m, MSG_NOSIGNAL) == 1 ? 0 : -errno;
}

int inspect_mother_new(uid_t uid, gid_t gid, struct inspect_mother *ret)
{
	const struct timeval patience = { .tv_sec = LIMIT_INSPECT_BIRTH_MS / 1000 };
	char to_uid[16], to_gid[16], parent[16];
	const char *const arguments[] = { to_uid, to_gid, parent, NULL };
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return -errno;
	setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	snprintf(to_uid, sizeof(to_uid), "%u", uid);
	snprintf(to_gid, sizeof(to_gid), "%u", gid);
	snprintf(parent, sizeof(parent), "%d", getpid());
	/* what it is given becomes 0, the lowest that is free */
	const int fds[] = { [MOTHER_GIVEN] = -1, [MOTHER_ORDERS] = ends[1], STDERR_FILENO };
	pid_t pid = again_start(INSPECT_MOTHER_ROLE, fds, SANITIZED ? 3 : 2, arguments);
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return pid;
	}
	*ret = (struct inspect_mother){ .pid = pid, .socket = ends[0] };
	return 0;
}

void inspect_mother_end(struct inspect_mother *m)
{
	if (!m->pid)
		return;
	close(m->socket);
	kill(m->pid, SIGKILL);
	while (waitpid(m->pid, NULL, 0) < 0 && errno == EINTR)
		;
	*m = (struct inspect_mother){ 0 };
}

int inspect_child_new(const struct inspect_mother *m, struct inspect_child *ret)
{
	int ends[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		return -errno;
	int err = send_descriptor(m->socket, ends[1]);
	close(ends[1]);
	if (!err && recv(m->socket, &pid, sizeof(pid), 0) != sizeof(pid))
		err = -EPIPE;
	else if (!err && pid < 0)
		err = pid;
	if (err) {
		close(ends[0]);
		return err;
	}
	*ret = (struct inspect_child){ .pid = pid, .socket = ends[0] };
	return 0;
}

int inspect_child_give(struct inspect_child *c, int fd)
{
	struct stat st;

	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	c->file_size = (uint64_t)st.st_size;
	c->since = clock_ms(CLOCK_MONOTONIC);
	return send_descriptor(c->socket, fd);
}

/* What became of a child that gave no answer, or no sensible one. */
static int take_failure(struct inspect_child *c, ssize_t got, bool timed_out,
			struct inspection *ret)
{
	int status = reap(c->pid, !timed_out && got == 0);

	c->pid = 0;
	if (got > 0)
		return stopped(ret, "the analysis gave an answer that makes no sense");
	return explain(status, timed_out, ret);
}

int inspect_child_take(struct inspect_child *c, struct inspection *ret)
{
	ssize_t n = recv(c->socket, ret, sizeof(*ret), MSG_DONTWAIT | MSG_TRUNC);
	bool timed_out = n < 0 && c->since &&
			 clock_ms(CLOCK_MONOTONIC) - c->since > LIMIT_INSPECT_WALL_SECONDS * 1000;

	if (n < 0 && (errno == EAGAIN || errno == EINTR) && !timed_out)
		return -EAGAIN;
	if (n != sizeof(*ret) || !answer_ok(ret, c->file_size))
		return take_failure(c, n, timed_out, ret);
	if (ret->more) /* its debug information can wait */
		inspect_child_calm(c);
	return 0;
}

void inspect_child_hurry(const struct inspect_child *c)
{
	const struct sched_param lowest = { .sched_priority = 1 };

	sched_setscheduler(c->pid, SCHED_RR, &lowest);
}

void inspect_child_calm(const struct inspect_child *c)
{
	const struct sched_param none = { 0 };

	sched_setscheduler(c->pid, SCHED_OTHER, &none);
	setpriority(PRIO_PROCESS, (id_t)c->pid, LIMIT_INSPECT_NICE);
}

int64_t inspect_child_used_ms(const struct inspect_child *c)
{
	struct timespec t = { 0 };
	clockid_t clock;

	if (clock_getcpuclockid(c->pid, &clock) || clock_gettime(clock, &t))
		return 0;
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

bool inspect_child_end(struct inspect_child *c)
{
	if (c->socket > 0) {
		close(c->socket);
		if (c->pid > 0)
			kill(c->pid, SIGKILL);
	}
	c->socket = -1;
	if (c->pid > 0 && !waitpid(c->pid, NULL, WNOHANG))
		return false;
	c->pid = 0;
	return true;
}

int inspect_file(int fd, uid_t uid, gid_t gid, struct inspection *ret)
{
	static struct inspection next; /* too large for the stack */
	struct inspect_mother m;
	struct inspect_child c;
	struct pollfd p;
	bool first = false;
	int r = inspect_mother_new(uid, gid, &m);

	if (r)
		return r;
	r = inspect_child_new(&m, &c);
	inspect_mother_end(&m);
	if (r)
		return r;
	r = inspect_child_give(&c, fd);
	if (r == -EINVAL)
		stopped(ret, "not a regular file");
	p = (struct pollfd){ .fd = c.socket, .events = POLLIN };
	while (!r) {
		poll(&p, 1, 1000);
		r = inspect_child_take(&c, first ? &next : ret);
		if (r == -EAGAIN) {
			r = 0;
			continue;
		}
		/* debug information that cannot be read takes nothing back */
		if (first && !r && next.points)
			*ret = next;
		if (first)
			r = 0;
		if (first || r || !ret->more)
			break;
		first = true;
	}
	ret->more = 0;
	if (!inspect_child_end(&c))
		reap(c.pid, false);
	return r == -EINVAL ? 0 : r;
}
