// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/trace.h"

#include <errno.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "trace/beneath.h"
#include "trace/load.h"
#include "trace/tracer_message.h"
#include "trace/mounts.h"
#include "trace/outbox.h"
#include "trace/precedence.h"
#include "trace/procfs.h"
#include "trace/scanner.h"
#include "trace/target.h"
#include "trace/watch.h"

#define SWEEP_MS      2000
#define ANCESTORS     64  /* looked at for --pid */
#define ENOUGH	      128 /* files at hand, then a walk over all processes waits */
#define THREADS	      16
#define STUCK_SECONDS 1
#define VERDICTS      256
#define VERDICT_MS    1000 /* then a process may be in another container */
#if defined(__SANITIZE_THREAD__)
#define THREAD_STACK (8 << 20) /* what it keeps of a thread is in there, too */
#else
#define THREAD_STACK (256 << 10)
#endif

/* What was found out about a process last, for those that map much at once. */
struct verdict {
	uint32_t tgid; /* 0: nothing */
	bool wanted;
	int64_t at; /* ms */
};

struct trace {
	const struct trace_options *options;
	const struct load *load;
	struct targets *targets;
	struct watch *watch;
	struct outbox *outbox;
	struct scanner *scanner;
	struct mounts *mounts;
	struct procfs_walk *walk;
	struct precedence precedence;
	ino_t own_namespace;
	int64_t begun, swept; /* ms */
	struct verdict verdict[VERDICTS];
	int64_t walk_second, walk_us; /* what walking took of this second */
	int64_t wakes_since;	      /* ms */
	unsigned wakes;		      /* since then, by programs that start */
	bool walking, settled;
	bool wanted; /* a process that passes the filter was seen */
	bool more;   /* mappings that were not read in the last turn */
	_Atomic bool sweeping;
	pthread_t sweeper; /* to be joined when `swept_once` */
	bool swept_once;
};

/* 0: ours, the machine itself. */
static uint64_t namespace_of(const struct trace *t, uint32_t tgid)
{
	ino_t ns = procfs_mount_namespace(tgid);

	return ns == t->own_namespace ? 0 : ns;
}

static void on_target(void *ctx, const struct tracer_message *m)
{
	outbox_put_target(((struct trace *)ctx)->outbox, m);
}

static void on_target_process(void *ctx, uint32_t tgid, uint32_t target)
{
	outbox_put_process(((struct trace *)ctx)->outbox, tgid, target);
}

static bool in_use(void *ctx, uint32_t target)
{
	return outbox_maps(((struct trace *)ctx)->outbox, target);
}

static void on_refused(void *ctx, enum refusal why, uint64_t owner)
{
	outbox_put_refused(((struct trace *)ctx)->outbox, why, owner);
}

static void on_library(void *ctx, int fd, const char *path, uint64_t owner)
{
	const struct target_user nobody = { 0 };

	targets_add_take(((struct trace *)ctx)->targets, fd, path, &nobody, owner >> 32);
}

static void on_scan_cut(void *ctx, uint64_t owner, const char *why)
{
	log_debug("scan of mount namespace %llu: %s", (unsigned long long)(owner >> 32), why);
	on_refused(ctx, REFUSED_SCAN, owner);
}

/* The first sight of a mount namespace: a container. Its libraries are probed before it uses them.
 */
static void look_at_root(struct trace *t, uint32_t tgid, uint64_t ns)
{
	if (!ns || !mounts_first_seen(t->mounts, tgid, (ino_t)ns))
		return;
	int root = beneath_root(tgid);
	if (root >= 0)
		scanner_add_take(t->scanner, root, ns << 32);
}

static void look_at_mapping(struct trace *t, const struct watch_mapping *m, bool wanted)
{
	const struct target_user user = { m->tgid, wanted, m->at_us };
	dev_t dev = makedev(m->major, m->minor);
	struct stat st;

	if (targets_note_again(t->targets, dev, m->inode, &user))
		return;
	if (!procfs_stat_mapping(m, &st) && targets_note(t->targets, &st, &user))
		return;
	int fd = procfs_find_mapping(m);
	if (fd < 0 && wanted && m->at_us && !targets_known(t->targets, dev, m->inode))
		on_refused(t, REFUSED_GONE, 0);
	if (fd < 0)
		return;
	uint64_t ns = namespace_of(t, m->tgid);
	targets_add_take(t->targets, fd, m->path, &user, ns);
	look_at_root(t, m->tgid, ns);
}

static void on_mapping(void *ctx, const struct watch_mapping *m)
{
	look_at_mapping(ctx, m, true);
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

/*
 * Does a process pass the filter? Then it is allowed. `path`: of what it maps first, which tells
 * what it was when it has ended already.
 */
static bool look_at_process(struct trace *t, uint32_t tgid, const char *path)
{
	const struct filter *f = &t->options->filter;
	char exe[4096], container[72] = "";

	procfs_exe(tgid, exe, sizeof(exe));
	if (f->containers && *f->containers)
		procfs_container(tgid, container, sizeof(container));
	if (!*exe)
		return filter_passes(f, tgid, path, container);
	if (!filter_passes(f, tgid, exe, container) && !child_of_wanted(f, tgid))
		return false;
	load_allow(t->load, tgid);
	t->wanted = true;
	return true;
}

/* A process is looked at once for all that it maps: there may be thousands in a second. */
static bool is_wanted(struct trace *t, const struct watch_mapping *m)
{
	struct verdict *v = &t->verdict[m->tgid % VERDICTS];
	int64_t now = clock_ms(CLOCK_MONOTONIC);

	if (!filter_active(&t->options->filter))
		return true;
	if (v->tgid != m->tgid || now - v->at > VERDICT_MS)
		*v = (struct verdict){ m->tgid, look_at_process(t, m->tgid, m->path), now };
	return v->wanted;
}

static void on_exec(void *ctx, uint32_t tgid)
{
	struct verdict *v = &((struct trace *)ctx)->verdict[tgid % VERDICTS];

	if (v->tgid == tgid)
		v->tgid = 0;
}

static void on_process(void *ctx, uint32_t tgid)
{
	struct trace *t = ctx;

	if (filter_active(&t->options->filter))
		look_at_process(t, tgid, "");
}

/* A live mapping also tells of a program that has just started: it maps its own file first. */
static void on_live_mapping(void *ctx, const struct watch_mapping *m)
{
	look_at_mapping(ctx, m, is_wanted(ctx, m));
}

static bool has_enough(void *ctx)
{
	return targets_pending(((struct trace *)ctx)->targets) > ENOUGH;
}

/* Mappings were not told of, or processes not noted: look at all of them. */
static void look_again(void *ctx)
{
	struct trace *t = ctx;

	procfs_walk_begin(t->walk);
	t->walking = true;
}

static void on_lost(void *ctx)
{
	on_refused(ctx, REFUSED_LOST, 0);
	look_again(ctx);
}

/* There may be as many connections as the kernel side has room for. */
static void *sweep_connections(void *ctx)
{
	struct trace *t = ctx;
	int gone = load_sweep(t->load);

	if (gone)
		log_debug("forgot %d connections of ended processes", gone);
	atomic_store(&t->sweeping, false);
	return NULL;
}

static void sweep(struct trace *t)
{
	if (!atomic_exchange(&t->sweeping, true)) {
		if (t->swept_once)
			pthread_join(t->sweeper, NULL);
		t->swept_once = !pthread_create(&t->sweeper, NULL, sweep_connections, t);
		if (!t->swept_once)
			atomic_store(&t->sweeping, false);
	}
	outbox_sweep(t->outbox);
	/* A process that was forked maps what its parent did, and was not told of. */
	if (targets_sweep(t->targets))
		look_again(t);
}

static void attach_again(struct trace *t, uint32_t tgid)
{
	uint32_t target[LIMIT_PROCESS_TARGETS];
	size_t n = outbox_targets(t->outbox, tgid, target, LIMIT_PROCESS_TARGETS);
	bool any = false;

	for (size_t i = 0; i < n; i++)
		any |= targets_again(t->targets, target[i], tgid);
	if (any)
		load_begin_anew(t->load, tgid);
}

/* A request of the server; false at the end of the connection. */
static bool read_request(struct trace *t)
{
	struct tracer_message m;
	int r = tracer_message_receive(t->options->socket, &m);

	if (r)
		return r == -EAGAIN || r == -EBADMSG;
	if (m.type == MSG_SILENT)
		attach_again(t, m.tgid);
	if (m.type != MSG_PAUSE && m.type != MSG_RESUME)
		return true;
	load_set_paused(t->load, m.type == MSG_PAUSE);
	outbox_put_state(t->outbox, m.type == MSG_PAUSE);
	return true;
}

/* What was there at the start has been looked at, or takes too long to be waited for. */
static void settle(struct trace *t)
{
	bool busy = t->walking || targets_pending(t->targets) || scanner_pending(t->scanner);

	if (t->settled || (busy && clock_ms(CLOCK_MONOTONIC) - t->begun < LIMIT_INSPECT_SETTLE_MS))
		return;
	t->settled = true;
	if (!targets_attached(t->targets))
		log_warn("no TLS library found yet; waiting for programs that bring one");
	if (filter_active(&t->options->filter) && !t->wanted)
		log_info("no process matches --pid, --exe or --container yet; waiting for one that "
			 "starts");
	outbox_put_ready(t->outbox);
}

static void update_precedence(struct trace *t)
{
	pid_t threads[THREADS];

	if (!t->settled)
		return;
	precedence_charge(&t->precedence, targets_take_hurried_ms(t->targets));
	precedence_update(&t->precedence, threads, targets_threads(t->targets, threads, THREADS));
	targets_hurry(t->targets, t->precedence.has);
}

/*
 * Once all is settled a walk has a part of what goes before all else, so that programs that start
 * meanwhile have the rest. How long it is to wait, in ms.
 */
static int walk_wait(const struct trace *t)
{
	int64_t left = t->walk_second + 1000 - clock_ms(CLOCK_MONOTONIC);

	if (!t->settled || t->walk_us < LIMIT_WALK_MS * 1000 || left <= 0)
		return 0;
	return (int)left;
}

static void walk(struct trace *t)
{
	int64_t now = clock_ms(CLOCK_MONOTONIC), begun = clock_us(CLOCK_THREAD_CPUTIME_ID);

	if (walk_wait(t))
		return;
	if (now - t->walk_second >= 1000) {
		t->walk_second = now;
		t->walk_us = 0;
	}
	t->walking = procfs_walk_step(t->walk);
	t->walk_us += clock_us(CLOCK_THREAD_CPUTIME_ID) - begun;
}

static int sooner(int a, int b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

static int timeout_of(const struct trace *t)
{
	int ms = sooner(targets_timeout(t->targets), scanner_timeout(t->scanner));

	if (t->more)
		return 0;
	if (t->walking && targets_pending(t->targets) <= ENOUGH)
		ms = sooner(ms, walk_wait(t));
	if (!t->settled)
		ms = sooner(ms, LIMIT_TURN_MS);
	return sooner(ms, t->precedence.has ? SWEEP_MS : 1000);
}

/*
 * Programs that start by the thousand would each wake the loop: then it naps, and looks at what
 * there is by itself.
 */
static bool naps(struct trace *t, bool woken)
{
	int64_t now = clock_ms(CLOCK_MONOTONIC);

	if (now - t->wakes_since >= LIMIT_WAKES_MS) {
		t->wakes_since = now;
		t->wakes = 0;
	}
	t->wakes += woken;
	return t->wakes > LIMIT_WAKES;
}

/* All that there is to do; each part of it ends in time, whatever others have brought. */
static void take_turn(struct trace *t)
{
	t->more = watch_read(t->watch);
	targets_run(t->targets);
	scanner_run(t->scanner);
	if (t->walking)
		walk(t);
	int64_t now = clock_ms(CLOCK_MONOTONIC);
	if (now - t->swept >= SWEEP_MS) {
		sweep(t);
		t->swept = now;
	}
	settle(t);
	update_precedence(t);
}

static int loop(struct trace *t)
{
	struct pollfd fds[] = {
		{ .fd = t->options->signals, .events = POLLIN },
		{ .fd = t->options->socket },
		{ .events = POLLIN }, /* the watch, but in a nap */
		{ .fd = targets_fd(t->targets), .events = POLLIN },
		{ .fd = scanner_fd(t->scanner), .events = POLLIN },
	};

	do {
		bool nap = naps(t, fds[2].revents);
		fds[1].events = outbox_pending(t->outbox) ? POLLIN | POLLOUT : POLLIN;
		fds[2].fd = nap ? -1 : watch_fd(t->watch);
		if (poll(fds, 5, nap ? sooner(timeout_of(t), LIMIT_NAP_MS) : timeout_of(t)) < 0 &&
		    errno != EINTR) {
			int err = -errno;
			log_error("wait for what programs do: %s; stopping", strerror(errno));
			return err;
		}
		int64_t begun = clock_ms(CLOCK_MONOTONIC);
		struct signalfd_siginfo s;
		if ((fds[0].revents & POLLIN) && read(fds[0].fd, &s, sizeof(s)) == sizeof(s))
			return TRACE_SIGNAL;
		if ((fds[1].revents & ~POLLOUT) && !read_request(t))
			break;
		take_turn(t);
		int64_t took = clock_ms(CLOCK_MONOTONIC) - begun;
		if (took > LIMIT_TURN_MS)
			log_debug("a turn of the tracer took %lld ms", (long long)took);
	} while (outbox_flush(t->outbox));
	return TRACE_SERVER_GONE;
}

/* A signal that nobody takes for so long finds the loop stuck in the kernel: then all ends. */
static void *end_if_stuck(void *ctx)
{
	struct pollfd p = { .fd = *(const int *)ctx, .events = POLLIN };

	for (int seconds = 0; seconds <= STUCK_SECONDS;) {
		if (poll(&p, 1, -1) < 0)
			continue;
		sleep(1);
		seconds = poll(&p, 1, 0) > 0 ? seconds + 1 : 0;
	}
	log_error("the tracing process does not stop: the kernel keeps it; ending it");
	_exit(TRACE_STUCK_STATUS);
}

static void watch_over(const struct trace_options *options)
{
	pthread_t thread;

	if (!pthread_create(&thread, NULL, end_if_stuck, (void *)&options->signals))
		pthread_detach(thread);
}

/*
 * Threads that wait for the kernel or for file systems need little room, and an arena of their own
 * least.
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

/* Each probed file holds some six descriptors. */
static void raise_descriptors(void)
{
	struct rlimit now, more = { LIMIT_DESCRIPTORS, LIMIT_DESCRIPTORS };

	if (getrlimit(RLIMIT_NOFILE, &now) || now.rlim_cur >= LIMIT_DESCRIPTORS)
		return;
	if (now.rlim_max > more.rlim_max)
		more.rlim_max = now.rlim_max;
	if (!setrlimit(RLIMIT_NOFILE, &more))
		return;
	now.rlim_cur = now.rlim_max;
	setrlimit(RLIMIT_NOFILE, &now);
}

static int open_parts(struct trace *t)
{
	static const struct target_ops target_ops = { .target = on_target,
						      .process = on_target_process,
						      .crowd = look_again,
						      .in_use = in_use,
						      .refused = on_refused };
	static const struct scanner_ops scanner_ops = { .found = on_library, .cut = on_scan_cut };
	static const struct procfs_walk_ops walk_ops = { .process = on_process,
							 .mapping = on_mapping,
							 .full = has_enough };
	static const struct watch_ops watch_ops = { .exec = on_exec,
						    .mapping = on_live_mapping,
						    .lost = on_lost };
	const struct trace_options *o = t->options;

	t->outbox = outbox_new(o->socket);
	t->mounts = mounts_new(procfs_mount_namespace);
	t->scanner = scanner_new(&scanner_ops, t);
	t->walk = procfs_walk_new(&walk_ops, t);
	t->targets = targets_new(t->load, o->uid, o->gid, &target_ops, t);
	if (!t->outbox || !t->mounts || !t->scanner || !t->walk || !t->targets) {
		log_error("start tracing: no memory or threads; stopping");
		return -ENOMEM;
	}
	int err = watch_open(&watch_ops, t, &t->watch);
	if (err)
		log_error("watch for programs that start: %s", strerror(-err));
	return err;
}

static void close_parts(struct trace *t)
{
	if (t->swept_once)
		pthread_join(t->sweeper, NULL);
	watch_close(t->watch);
	targets_free(t->targets);
	procfs_walk_free(t->walk);
	scanner_free(t->scanner);
	mounts_free(t->mounts);
	outbox_free(t->outbox);
}

int trace_run(const struct trace_options *options, const struct load *load)
{
	struct trace *t = calloc(1, sizeof(*t));

	if (!t) {
		log_error("start tracing: out of memory; stopping");
		return -ENOMEM;
	}
	keep_small();
	raise_descriptors();
	t->options = options;
	t->load = load;
	t->begun = t->swept = clock_ms(CLOCK_MONOTONIC);
	t->own_namespace = procfs_mount_namespace((uint32_t)getpid());
	int err = open_parts(t);
	if (!err) {
		int root = beneath_root(0);
		if (root >= 0)
			scanner_add_take(t->scanner, root, 0);
		look_again(t);
		watch_over(options);
		err = loop(t);
	}
	close_parts(t);
	free(t);
	return err;
}
