// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/hurry.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "base/runtime.h"
#include "trace/again.h"
#include "trace/procfs.h"

#define WORKERS	     8
#define WORKER_NAMES "rcu_exp_"
#define KTHREADD     2

enum { WATCH_PIPE, WATCH_STATE, WATCH_SETTING, WATCH_FDS };

enum { STATE_SETTING, STATE_WORKERS }; /* bytes of the state file: '1', it is ours */

struct hurry {
	int setting, state;
	pid_t worker[WORKERS]; /* of the kernel */
	size_t workers;
	int alive; /* the end of a pipe: closed when this process is no more */
	pid_t helper;
	bool set;
};

static bool is_one_at(int fd, off_t at)
{
	char c = '0';

	return pread(fd, &c, 1, at) == 1 && c == '1';
}

static bool is_one(int fd)
{
	return is_one_at(fd, 0);
}

static bool write_one_at(int fd, bool one, off_t at)
{
	return pwrite(fd, one ? "1" : "0", 1, at) == 1;
}

static bool write_one(int fd, bool one)
{
	return write_one_at(fd, one, 0);
}

/* Kernel threads have no executable; others may have any name. */
static bool is_worker(uint32_t pid)
{
	char name[32], exe[8];

	procfs_comm(pid, name, sizeof(name));
	procfs_exe(pid, exe, sizeof(exe));
	return !strncmp(name, WORKER_NAMES, strlen(WORKER_NAMES)) && !*exe &&
	       procfs_parent(pid) == KTHREADD;
}

static void find_workers(struct hurry *h)
{
	DIR *proc = opendir("/proc");

	for (struct dirent *d; proc && h->workers < WORKERS && (d = readdir(proc));) {
		uint32_t pid = (uint32_t)strtoul(d->d_name, NULL, 10);
		if (pid && is_worker(pid))
			h->worker[h->workers++] = (pid_t)pid;
	}
	if (proc)
		closedir(proc);
}

/* Some kernels give them a real-time priority themselves: then there is nothing to do. */
static void set_workers(const struct hurry *h, int from, int to)
{
	const struct sched_param p = { .sched_priority = to == SCHED_RR };

	for (size_t i = 0; i < h->workers; i++) {
		if (sched_getscheduler(h->worker[i]) == from)
			sched_setscheduler(h->worker[i], to, &p);
	}
}

static void end_workers(const struct hurry *h)
{
	set_workers(h, SCHED_RR, SCHED_OTHER);
	write_one_at(h->state, false, STATE_WORKERS);
}

int hurry_state(void)
{
	int folder = runtime_open(), fd = -1;

	if (folder >= 0) {
		fd = openat(folder, "hurry", O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
		close(folder);
	}
	return fd >= 0 ? fd : memfd_create("hurry", MFD_CLOEXEC);
}

/* All who use the file hold its lock together; who has it alone is the first. */
static void put_back_old(struct hurry *h, const char *setting)
{
	if (!flock(h->state, LOCK_EX | LOCK_NB)) {
		if (is_one(h->state) && is_one(h->setting) && write_one(h->setting, false))
			log_info("put %s back to 0: a run that was killed had left it", setting);
		write_one(h->state, false);
		if (is_one_at(h->state, STATE_WORKERS))
			end_workers(h);
	}
	flock(h->state, LOCK_SH | LOCK_NB);
}

static void start_helper(struct hurry *h, uid_t uid, gid_t gid)
{
	char to_uid[16], to_gid[16];
	const char *const arguments[] = { to_uid, to_gid, NULL };
	int ends[2];

	if (pipe2(ends, O_CLOEXEC))
		return;
	snprintf(to_uid, sizeof(to_uid), "%u", uid);
	snprintf(to_gid, sizeof(to_gid), "%u", gid);
	const int fds[WATCH_FDS] = { ends[0], h->state, h->setting };
	h->helper = again_start(HURRY_ROLE, fds, WATCH_FDS, arguments);
	close(ends[0]);
	h->alive = ends[1];
	if (h->helper < 0)
		log_debug("start what puts %s back: %s", HURRY_SETTING, strerror(-h->helper));
}

struct hurry *hurry_new(const char *setting, int state, uid_t uid, gid_t gid)
{
	struct hurry *h = calloc(1, sizeof(*h));

	if (h) {
		*h = (struct hurry){ .state = state, .alive = -1 };
		h->setting = open(setting, O_RDWR | O_CLOEXEC);
	}
	if (!h || h->setting < 0 || state < 0) {
		if (h && h->setting >= 0)
			close(h->setting);
		if (state >= 0)
			close(state);
		free(h);
		return NULL;
	}
	find_workers(h);
	put_back_old(h, setting);
	start_helper(h, uid, gid);
	return h;
}

void hurry_free(struct hurry *h)
{
	if (!h)
		return;
	hurry_end(h);
	if (h->alive >= 0)
		close(h->alive);
	if (h->helper > 0)
		waitpid(h->helper, NULL, 0);
	close(h->setting);
	close(h->state);
	free(h);
}

void hurry_begin(struct hurry *h)
{
	if (!h || h->set || is_one(h->setting) || !write_one(h->state, true))
		return;
	h->set = write_one(h->setting, true);
	if (h->set && h->workers && write_one_at(h->state, true, STATE_WORKERS))
		set_workers(h, SCHED_OTHER, SCHED_RR);
}

void hurry_end(struct hurry *h)
{
	if (!h || !h->set)
		return;
	if (!write_one(h->setting, false))
		log_warn("put %s back to 0: %s", HURRY_SETTING, strerror(errno));
	if (h->workers)
		end_workers(h);
	write_one(h->state, false);
	h->set = false;
}

/* One capability is left: for the priority of the workers. */
static int drop(const char *uid, const char *gid)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2] = { { .effective = 1U << CAP_SYS_NICE,
						    .permitted = 1U << CAP_SYS_NICE } };
	uid_t u = (uid_t)strtoul(uid, NULL, 10);
	gid_t g = (gid_t)strtoul(gid, NULL, 10);

	if (!geteuid() && (prctl(PR_SET_KEEPCAPS, 1) || setgroups(0, NULL) || setresgid(g, g, g) ||
			   setresuid(u, u, u)))
		return -errno;
	if (syscall(SYS_capset, &head, caps)) /* without it there is nothing to lose */
		log_debug("keep CAP_SYS_NICE: %s", strerror(errno));
	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0) ? -errno : 0;
}

/* Its descriptors are all that it may use; signals to the terminal's group are not for it. */
int hurry_main(int argc, char **argv)
{
	ssize_t n;
	char c;

	if (argc != 2)
		return EXIT_FAILURE;
	setsid();
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	if (drop(argv[0], argv[1]))
		return EXIT_FAILURE;
	while ((n = read(WATCH_PIPE, &c, 1)) > 0 || (n < 0 && errno == EINTR))
		;
	if (is_one_at(WATCH_STATE, STATE_WORKERS)) {
		struct hurry h = { .state = WATCH_STATE };
		find_workers(&h);
		end_workers(&h);
	}
	if (is_one(WATCH_STATE) && write_one(WATCH_SETTING, false))
		write_one(WATCH_STATE, false);
	return EXIT_SUCCESS;
}
