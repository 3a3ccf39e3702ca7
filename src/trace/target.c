// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/target.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "event.h"
#include "base/limits.h"
#include "base/log.h"
#include "trace/attach.h"
#include "trace/hurry.h"
#include "trace/inspect.h"
#include "trace/inspector.h"
#include "trace/library.h"
#include "trace/load.h"
#include "trace/message.h"

#define DETACHERS 32

/* A file that was looked at. Time and size tell one that was written anew in place. */
struct seen {
	uint64_t dev, inode;
	struct timespec mtime;
	off_t size;
	uint32_t target; /* 0: nothing to probe */
	struct job *job; /* its analysis, when under way */
};

/* A file that is being analysed, and who maps it meanwhile. */
struct job {
	int fd; /* -1: kept by its target */
	char *path;
	struct stat st;
	uint32_t target; /* once attached */
	uint32_t tgid[LIMIT_FILE_PROCESSES];
	size_t tgids;
	bool crowd;
};

/* What a number stands for: a file with probes, or (fd 0) one that needs none any more. */
struct target {
	int fd;
	struct attachment attachment;
	struct stat st;
	char *path;
	int watch;   /* of its content, -1: none */
	bool unused; /* at the last sweep */
};

struct targets {
	const struct load *load;
	const struct target_ops *ops;
	void *ctx;
	struct inspector *inspector;
	struct hurry *hurry;
	int changes;	   /* inotify's descriptor, -1: none */
	struct seen *seen; /* open addressing, LIMIT_FILES_SEEN slots */
	size_t seen_count;
	struct target target[EV_TARGETS_MAX];
	uint32_t last; /* the highest number given away */
	uint32_t next; /* where one to give away again is looked for */
	unsigned attached;
	bool full; /* and said so */
};

static void on_answer(void *ctx, void *job, const struct inspection *in);

struct targets *targets_new(const struct load *load, uid_t uid, gid_t gid,
			    const struct target_ops *ops, void *ctx)
{
	struct targets *t = calloc(1, sizeof(*t));
	struct epoll_event ev = { .events = EPOLLIN };

	if (!t)
		return NULL;
	t->load = load;
	t->ops = ops;
	t->ctx = ctx;
	t->seen = calloc(LIMIT_FILES_SEEN, sizeof(*t->seen));
	t->hurry = hurry_new(HURRY_SETTING, hurry_state(), uid, gid);
	t->inspector = inspector_new(uid, gid, on_answer, t);
	t->changes = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (!t->seen || !t->inspector) {
		targets_free(t);
		return NULL;
	}
	if (t->changes < 0 || epoll_ctl(inspector_fd(t->inspector), EPOLL_CTL_ADD, t->changes, &ev))
		log_warn("inotify: %s; a probed file that is written anew is noticed only when it "
			 "is mapped again",
			 strerror(errno));
	return t;
}

static void job_free(struct job *job)
{
	if (job->fd >= 0)
		close(job->fd);
	free(job->path);
	free(job);
}

/* A part of the targets, for one of the threads that detach. */
struct part {
	struct targets *t;
	uint32_t first;
	pthread_t thread;
};

static void *detach_part(void *arg)
{
	const struct part *p = arg;

	for (uint32_t i = p->first; i <= p->t->last; i += DETACHERS)
		attach_close(&p->t->target[i].attachment);
	return NULL;
}

/* The kernel waits some 50 ms for each link that goes: for many at once. */
static void detach_all(struct targets *t)
{
	struct part part[DETACHERS];
	uint32_t started = 0;

	while (started < DETACHERS && started < t->last) {
		part[started] = (struct part){ .t = t, .first = started + 1 };
		if (pthread_create(&part[started].thread, NULL, detach_part, &part[started]))
			break;
		started++;
	}
	for (uint32_t i = 0; i < started; i++)
		pthread_join(part[i].thread, NULL);
	for (uint32_t i = 1; i <= t->last; i++) /* of threads that could not be had */
		attach_close(&t->target[i].attachment);
}

void targets_free(struct targets *t)
{
	if (!t)
		return;
	detach_all(t);
	inspector_free(t->inspector);
	hurry_free(t->hurry);
	if (t->changes > 0)
		close(t->changes);
	for (size_t i = 0; t->seen && i < LIMIT_FILES_SEEN; i++) {
		if (t->seen[i].job)
			job_free(t->seen[i].job);
	}
	for (uint32_t i = 1; i <= t->last; i++) {
		if (t->target[i].fd > 0)
			close(t->target[i].fd);
		free(t->target[i].path);
	}
	free(t->seen);
	free(t);
}

static struct seen *slot_of(const struct targets *t, uint64_t dev, uint64_t inode)
{
	uint64_t h = (inode ^ dev << 32) * 0x9e3779b97f4a7c15ULL;

	for (size_t i = h >> 40;; i++) {
		struct seen *s = &t->seen[i % LIMIT_FILES_SEEN];
		if (!s->inode || (s->inode == inode && s->dev == dev))
			return s;
	}
}

static struct seen *remember(struct targets *t, const struct stat *st)
{
	if (t->seen_count > LIMIT_FILES_SEEN / 2) { /* start over: files will be looked at again */
		log_warn("more than %u files looked at; forgetting those without a TLS library",
			 LIMIT_FILES_SEEN / 2);
		struct seen *old = t->seen;
		t->seen = calloc(LIMIT_FILES_SEEN, sizeof(*t->seen));
		if (!t->seen) {
			t->seen = old;
			return NULL;
		}
		t->seen_count = 0;
		for (size_t i = 0; i < LIMIT_FILES_SEEN; i++) {
			if (old[i].target || old[i].job) {
				*slot_of(t, old[i].dev, old[i].inode) = old[i];
				t->seen_count++;
			}
		}
		free(old);
	}
	struct seen *s = slot_of(t, st->st_dev, st->st_ino);
	t->seen_count += !s->inode;
	*s = (struct seen){ st->st_dev, st->st_ino, st->st_mtim, st->st_size, 0, NULL };
	return s;
}

static void tell(struct targets *t, uint32_t n, const struct stat *st, const char *path,
		 const struct inspection *plan, uint32_t state, const char *reason)
{
	struct message m = { .type = MSG_TARGET,
			     .target = n,
			     .state = state,
			     .points = plan->points,
			     .dev = st->st_dev,
			     .inode = st->st_ino };
	size_t len = strlen(path), skip = len < sizeof(m.path) ? 0 : len - sizeof(m.path) + 1;

	snprintf(m.library, sizeof(m.library), "%s", library_name(plan->family));
	snprintf(m.version, sizeof(m.version), "%s", plan->version);
	snprintf(m.path, sizeof(m.path), "%s", path + skip);
	snprintf(m.plan, sizeof(m.plan), "%s", plan->plan);
	snprintf(m.reason, sizeof(m.reason), "%s", reason);
	t->ops->target(t->ctx, &m);
}

static bool wants_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return library_wants(slash ? slash + 1 : path);
}

/* Is this a file that a user would expect to be read, so that its failure should be shown? */
static bool of_interest(const char *path, const struct inspection *plan)
{
	return plan->family != INSPECT_NONE || plan->failed || wants_name(path);
}

/* A number; once all are given away, again those of files without probes. 0: there is none. */
static uint32_t new_number(struct targets *t)
{
	if (t->last + 1 < EV_TARGETS_MAX)
		return ++t->last;
	for (uint32_t i = 0; i < t->last; i++) {
		uint32_t n = t->next++ % t->last + 1;
		if (!t->target[n].fd) {
			load_clear_hits(t->load, n);
			return n;
		}
	}
	return 0;
}

static bool same_content(const struct seen *s, const struct stat *st)
{
	return s->size == st->st_size && s->mtime.tv_sec == st->st_mtim.tv_sec &&
	       s->mtime.tv_nsec == st->st_mtim.tv_nsec;
}

static int watch_content(const struct targets *t, int fd)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return inotify_add_watch(t->changes, path, IN_MODIFY);
}

static void attach_new(struct targets *t, struct job *job, const struct inspection *plan,
		       uint32_t n)
{
	struct target *target = &t->target[n];
	int watch = watch_content(t, job->fd);
	struct stat now;
	int err = -ESTALE; /* written anew while it was analysed */

	hurry_begin(t->hurry);
	if (!fstat(job->fd, &now) && same_content(slot_of(t, now.st_dev, now.st_ino), &now))
		err = attach_file(t->load, job->fd, plan, n, &target->attachment);
	hurry_end(t->hurry);

	if (err) {
		char reason[160];
		if (err == -ESTALE)
			snprintf(reason, sizeof(reason), "the file was written anew meanwhile");
		else
			snprintf(reason, sizeof(reason), "the kernel refused the probes: %s",
				 error_text(-err));
		inotify_rm_watch(t->changes, watch);
		log_warn("attach to %s: %s; its traffic will not be read", job->path, reason);
		tell(t, n, &job->st, job->path, plan, TARGET_FAILED, reason);
		return;
	}
	target->fd = job->fd;
	target->st = job->st;
	target->path = strdup(job->path);
	target->watch = watch;
	target->unused = false;
	job->fd = -1;
	job->target = n;
	t->attached++;
	log_debug("attached to %s (%s): %s", job->path, plan->version, plan->plan);
	tell(t, n, &job->st, job->path, plan, TARGET_ATTACHED, "");
	for (size_t i = 0; i < job->tgids; i++)
		t->ops->process(t->ctx, job->tgid[i], n);
	if (job->crowd)
		t->ops->crowd(t->ctx);
}

/* A file is attached to at its first answer; what debug information adds comes after. */
static void on_answer(void *ctx, void *arg, const struct inspection *in)
{
	struct targets *t = ctx;
	struct job *job = arg;
	struct seen *s = slot_of(t, job->st.st_dev, job->st.st_ino);
	bool wanted = in && !job->target && (in->points || of_interest(job->path, in));
	uint32_t n = wanted ? new_number(t) : 0;

	if (in && job->target && t->target[job->target].fd)
		load_set_go(t->load, t->target[job->target].fd, in, job->target);
	if (n && in->points)
		attach_new(t, job, in, n);
	else if (n)
		tell(t, n, &job->st, job->path, in, TARGET_SKIPPED, in->reason);
	s->target = t->target[job->target].fd ? job->target : 0; /* it may have been let go */
	if (wanted && !n && !t->full) {
		t->full = true;
		log_warn("more than %d files with TLS; %s and later ones are not read",
			 EV_TARGETS_MAX - 1, job->path);
	}
	if (in && in->more)
		return;
	s->job = NULL;
	job_free(job);
}

static void note(struct targets *t, const struct seen *s, uint32_t tgid)
{
	struct job *job = s->job;

	if (s->target)
		t->ops->process(t->ctx, tgid, s->target);
	else if (job && job->tgids < LIMIT_FILE_PROCESSES)
		job->tgid[job->tgids++] = tgid;
	else if (job)
		job->crowd = true;
}

bool targets_note(struct targets *t, const struct stat *st, uint32_t tgid)
{
	const struct seen *s = slot_of(t, st->st_dev, st->st_ino);

	if (!s->inode || !(s->job || same_content(s, st)))
		return false;
	if (tgid)
		note(t, s, tgid);
	return true;
}

/* The analysis of a file that is worth one; NULL when there is none. */
static struct job *job_new(struct targets *t, int fd, const struct stat *st, const char *path,
			   uint32_t tgid)
{
	struct job *job = calloc(1, sizeof(*job));
	int err;

	if (!job)
		return NULL;
	job->fd = fd;
	job->st = *st;
	job->path = strdup(path);
	if (tgid)
		job->tgid[job->tgids++] = tgid;
	while (job->path && (err = inspector_submit(t->inspector, fd, job)) == -EAGAIN) {
		struct pollfd p = { .fd = inspector_fd(t->inspector), .events = POLLIN };
		poll(&p, 1, inspector_timeout(t->inspector));
		inspector_run(t->inspector);
	}
	if (job->path && !err)
		return job;
	job->fd = -1;
	job_free(job);
	return NULL;
}

static void *close_target(void *arg)
{
	struct target *target = arg;

	attach_close(&target->attachment);
	close(target->fd);
	free(target->path);
	free(target);
	return NULL;
}

/* Without probes from now on; the kernel takes its time to remove them, which a thread waits for.
 */
static void retire(struct targets *t, uint32_t n, const char *why)
{
	const struct inspection nothing = { 0 };
	struct target *old = malloc(sizeof(*old));
	pthread_attr_t detached;
	pthread_t thread;

	if (!old)
		return;
	*old = t->target[n];
	t->target[n] = (struct target){ 0 };
	t->attached--;
	struct seen *seen = slot_of(t, old->st.st_dev, old->st.st_ino);
	seen->target = 0;
	seen->size = -1; /* to be looked at again */
	inotify_rm_watch(t->changes, old->watch);
	log_debug("detached from %s: %s", old->path ? old->path : "", why);
	tell(t, n, &old->st, old->path ? old->path : "", &nothing, TARGET_DETACHED, why);
	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	if (pthread_create(&thread, &detached, close_target, old))
		close_target(old);
	pthread_attr_destroy(&detached);
}

bool targets_sweep(struct targets *t)
{
	bool doubt = false;
	struct stat st;

	for (uint32_t n = 1; n <= t->last; n++) {
		struct target *target = &t->target[n];
		if (!target->fd || fstat(target->fd, &st) || st.st_nlink ||
		    t->ops->in_use(t->ctx, n)) {
			target->unused = false;
		} else if (!target->unused) {
			target->unused = doubt = true;
		} else {
			retire(t, n, "the file was deleted, and no process maps it");
		}
	}
	return doubt;
}

/*
 * Without probes before it is mapped again: they would be put where they belonged in the old
 * content. What runs it meanwhile is not read until some process maps it anew.
 */
static void written_anew(struct targets *t, uint32_t n)
{
	attach_close(&t->target[n].attachment);
	retire(t, n, "the file was written anew");
}

static void read_changes(struct targets *t)
{
	union {
		struct inotify_event event;
		char bytes[4096];
	} buf;
	ssize_t size = read(t->changes, &buf, sizeof(buf));

	for (ssize_t at = 0; at < size;) {
		const struct inotify_event *e = (const void *)(buf.bytes + at);

		for (uint32_t n = 1; (e->mask & IN_MODIFY) && n <= t->last; n++)
			if (t->target[n].fd && t->target[n].watch == e->wd)
				written_anew(t, n);
		at += (ssize_t)(sizeof(*e) + e->len);
	}
}

void targets_add_take(struct targets *t, int fd, const char *path, uint32_t tgid)
{
	struct job *job = NULL;
	struct stat st;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || targets_note(t, &st, tgid)) {
		close(fd);
		return;
	}
	uint32_t old = slot_of(t, st.st_dev, st.st_ino)->target;
	if (old) /* waited for: both probes on one file would see each call twice */
		written_anew(t, old);
	/* where the slot is may change while a full queue is waited for */
	bool kept = remember(t, &st);
	if (kept && (wants_name(path) || inspect_may_find(fd)))
		job = job_new(t, fd, &st, path, tgid);
	if (job)
		slot_of(t, st.st_dev, st.st_ino)->job = job;
	else
		close(fd);
}

void targets_run(struct targets *t)
{
	read_changes(t);
	inspector_run(t->inspector);
}

int targets_fd(const struct targets *t)
{
	return inspector_fd(t->inspector);
}

int targets_timeout(const struct targets *t)
{
	return inspector_timeout(t->inspector);
}

void targets_settle(struct targets *t)
{
	struct pollfd p = { .fd = targets_fd(t), .events = POLLIN };
	int64_t begun = clock_ms(CLOCK_MONOTONIC), at = begun;

	while (inspector_pending(t->inspector) && at - begun < LIMIT_INSPECT_SETTLE_MS) {
		poll(&p, 1, targets_timeout(t));
		targets_run(t);
		at = clock_ms(CLOCK_MONOTONIC);
	}
	inspector_hurry(t->inspector);
}

unsigned targets_attached(const struct targets *t)
{
	return t->attached;
}
