// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/trace.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/log.h"
#include "trace/load.h"
#include "trace/message.h"
#include "trace/procfs.h"
#include "trace/disk_scan.h"
#include "trace/target.h"
#include "trace/watch.h"

#define SWEEP_SECONDS 10
#define ANCESTORS     64 /* looked at for --pid */
#define THREAD_STACK  (128 << 10)

struct trace {
	const struct trace_options *options;
	const struct load *load;
	struct targets *targets;
	struct watch *watch;
	bool rescan; /* mappings were lost: look at all processes */
	bool server_gone;
	struct told { /* processes that the server knows of */
		uint32_t tgid, target;
	} told[LIMIT_TOLD_PROCESSES];
	size_t told_count;
	ino_t namespaces[LIMIT_MOUNT_NAMESPACES]; /* whose libraries were looked for */
	size_t namespace_count, namespace_next;
};

static void tell(void *ctx, const struct message *m)
{
	struct trace *t = ctx;

	if (send(t->options->socket, m, sizeof(*m), MSG_NOSIGNAL) != sizeof(*m) && errno != EINTR)
		t->server_gone = true;
}

static void tell_process(void *ctx, uint32_t tgid, uint32_t target)
{
	struct trace *t = ctx;
	struct message m = { .type = MSG_PROCESS, .tgid = tgid, .target = target };

	for (size_t i = 0; i < t->told_count; i++)
		if (t->told[i].tgid == tgid && t->told[i].target == target)
			return;
	if (t->told_count == LIMIT_TOLD_PROCESSES)
		return; /* shown without its process until others end */
	t->told[t->told_count++] = (struct told){ tgid, target };
	procfs_exe(tgid, m.path, sizeof(m.path));
	procfs_comm(tgid, m.comm, sizeof(m.comm));
	procfs_container(tgid, m.container, sizeof(m.container));
	tell(t, &m);
}

static void on_library(void *ctx, int fd, const char *path)
{
	struct trace *t = ctx;

	targets_add_take(t->targets, fd, path, 0);
}

/* The first sight of a mount namespace: a container. Its libraries are probed before it uses them.
 */
static void look_at_root(struct trace *t, uint32_t tgid)
{
	ino_t ns = procfs_mount_namespace(tgid);
	char root[32];

	for (size_t i = 0; i < t->namespace_count; i++)
		if (t->namespaces[i] == ns)
			return;
	if (!ns)
		return;
	/* Past the bound the oldest is forgotten: looking twice is harmless. */
	t->namespaces[t->namespace_next++ % LIMIT_MOUNT_NAMESPACES] = ns;
	if (t->namespace_count < LIMIT_MOUNT_NAMESPACES)
		t->namespace_count++;
	snprintf(root, sizeof(root), "/proc/%u/root", tgid);
	scan_root(root, on_library, t);
}

static void on_mapping(void *ctx, const struct watch_mapping *m)
{
	struct trace *t = ctx;
	struct stat st;

	if (!procfs_stat_mapping(m, &st) && targets_note(t->targets, &st, m->tgid))
		return;
	int fd = procfs_open_mapping(m);
	if (fd < 0)
		return;
	targets_add_take(t->targets, fd, m->path, m->tgid);
	look_at_root(t, m->tgid);
}

/* Children that are there already: of those that come, the kernel side knows. */
static bool child_of_wanted(const struct filter *f, uint32_t tgid)
{
	const struct filter by_pid = { .pids = f->pids };

	for (int i = 0; i < ANCESTORS && tgid && filter_active(&by_pid); i++) {
		if (filter_passes(&by_pid, tgid, "", ""))
			return true;
		tgid = procfs_parent(tgid);
	}
	return false;
}

static void allow_if_wanted(struct trace *t, uint32_t tgid)
{
	char exe[4096], container[72];

	if (!filter_active(&t->options->filter))
		return;
	procfs_exe(tgid, exe, sizeof(exe));
	procfs_container(tgid, container, sizeof(container));
	if (filter_passes(&t->options->filter, tgid, exe, container) ||
	    child_of_wanted(&t->options->filter, tgid))
		load_allow(t->load, tgid);
}

static void on_process(void *ctx, uint32_t tgid)
{
	allow_if_wanted(ctx, tgid);
	procfs_each_mapping(tgid, on_mapping, ctx);
}

/* A live mapping also tells of a program that has just started: it maps its own file first. */
static void on_live_mapping(void *ctx, const struct watch_mapping *m)
{
	allow_if_wanted(ctx, m->tgid);
	on_mapping(ctx, m);
}

static void on_lost(void *ctx)
{
	((struct trace *)ctx)->rescan = true;
}

static bool in_use(void *ctx, uint32_t target)
{
	const struct trace *t = ctx;

	for (size_t i = 0; i < t->told_count; i++)
		if (t->told[i].target == target)
			return true;
	return t->told_count == LIMIT_TOLD_PROCESSES;
}

static void sweep(struct trace *t)
{
	int gone = load_sweep(t->load);
	size_t kept = 0;

	if (gone)
		log_debug("forgot %d connections of ended processes", gone);
	for (size_t i = 0; i < t->told_count; i++) {
		if (kill((pid_t)t->told[i].tgid, 0) && errno == ESRCH) {
			struct message m = { .type = MSG_PROCESS_EXIT,
					     .tgid = t->told[i].tgid,
					     .target = t->told[i].target };
			tell(t, &m);
		} else {
			t->told[kept++] = t->told[i];
		}
	}
	t->told_count = kept;
	/* A process that was forked maps what its parent did, and was not told of. */
	t->rescan |= targets_sweep(t->targets);
}

/* A request of the server; false at the end of the connection. */
static bool read_request(struct trace *t)
{
	struct message m;
	ssize_t n = recv(t->options->socket, &m, sizeof(m), MSG_DONTWAIT);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		return false;
	if (n != sizeof(m) || (m.type != MSG_PAUSE && m.type != MSG_RESUME))
		return true;
	load_set_paused(t->load, m.type == MSG_PAUSE);
	struct message state = { .type = MSG_STATE, .state = m.type == MSG_PAUSE };
	tell(t, &state);
	return true;
}

static int start(struct trace *t)
{
	static const struct watch_ops ops = { .mapping = on_live_mapping, .lost = on_lost };
	struct message ready = { .type = MSG_READY };
	int err = watch_open(&ops, t, &t->watch);

	if (err) {
		log_error("watch for programs that start: %s", strerror(-err));
		return err;
	}
	scan_root("", on_library, t);
	procfs_each(on_process, t);
	targets_settle(t->targets);
	if (!targets_attached(t->targets))
		log_warn("no TLS library found yet; waiting for programs that bring one");
	tell(t, &ready);
	return 0;
}

/*
 * A program that has just started makes its first request within a few milliseconds, so nothing
 * may keep the tracer from its little work. Its children are one step below it.
 */
static void take_precedence(void)
{
	const struct sched_param p = { .sched_priority = 2 };

	if (sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &p) &&
	    setpriority(PRIO_PROCESS, 0, -10))
		log_debug("no precedence for the tracer (%s): a program that was never seen may "
			  "lose its first requests on a busy machine",
			  strerror(errno));
}

/* A look at all processes takes long, and goes beside what they do. */
static void look_again(struct trace *t)
{
	const struct sched_param none = { 0 };

	sched_setscheduler(0, SCHED_OTHER, &none);
	procfs_each(on_process, t);
	take_precedence();
}

static int loop(struct trace *t)
{
	struct pollfd fds[] = {
		{ .fd = t->options->signals, .events = POLLIN },
		{ .fd = t->options->socket, .events = POLLIN },
		{ .fd = watch_fd(t->watch), .events = POLLIN },
		{ .fd = targets_fd(t->targets), .events = POLLIN },
	};
	time_t swept = time(NULL);

	take_precedence();

	while (!t->server_gone) {
		int timeout = targets_timeout(t->targets);
		if (poll(fds, 4, timeout < 0 ? SWEEP_SECONDS * 1000 : timeout) < 0 &&
		    errno != EINTR)
			return -errno;
		struct signalfd_siginfo s;
		if ((fds[0].revents & POLLIN) && read(fds[0].fd, &s, sizeof(s)) == sizeof(s)) {
			if (s.ssi_signo != SIGCHLD)
				return TRACE_SIGNAL;
		}
		if (fds[1].revents && !read_request(t))
			break;
		if (fds[2].revents)
			watch_read(t->watch);
		targets_run(t->targets);
		if (t->rescan) {
			t->rescan = false;
			look_again(t);
		}
		if (time(NULL) - swept >= SWEEP_SECONDS) {
			sweep(t);
			swept = time(NULL);
		}
	}
	return TRACE_SERVER_GONE;
}

/*
 * Threads that wait while the kernel takes probes out need little room, and an arena of their own
 * least: what is mapped here counts against LIMIT_INSPECT_MEMORY in the children that analyse.
 */
static void keep_small(void)
{
	pthread_attr_t attr;

	mallopt(M_ARENA_MAX, 1);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, THREAD_STACK);
	pthread_setattr_default_np(&attr);
	pthread_attr_destroy(&attr);
}

int trace_run(const struct trace_options *options, const struct load *load)
{
	static const struct target_ops ops = {
		.target = tell, .process = tell_process, .crowd = on_lost, .in_use = in_use
	};
	struct trace *t = calloc(1, sizeof(*t));
	int err = -ENOMEM;

	if (!t)
		return -ENOMEM;
	keep_small();
	t->options = options;
	t->load = load;
	t->targets = targets_new(load, options->uid, options->gid, &ops, t);
	if (t->targets)
		err = start(t);
	if (!err)
		err = loop(t);
	watch_close(t->watch);
	targets_free(t->targets);
	free(t);
	return err;
}
