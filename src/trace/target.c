// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/target_state.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/log.h"
#include "event.h"
#include "trace/attach.h"
#include "trace/beneath.h"
#include "trace/closer.h"
#include "trace/hurry.h"
#include "trace/inspect.h"
#include "trace/inspector.h"
#include "trace/job.h"
#include "trace/late.h"
#include "trace/library.h"
#include "trace/load.h"
#include "trace/looker.h"
#include "trace/tracer_message.h"
#include "trace/seen.h"
#include "trace/unread.h"

#define SHARE	(EV_TARGETS_MAX / 4) /* of one owner that is not the machine itself */
#define LOOK_MS 100

static void on_answer(void *ctx, void *job, const struct inspection *in);
static void on_looked(void *ctx, struct look *look);

static void add_to_epoll(struct targets *t, int fd, const char *what)
{
	struct epoll_event ev = { .events = EPOLLIN };

	if (fd < 0 || epoll_ctl(inspector_fd(t->inspector), EPOLL_CTL_ADD, fd, &ev))
		log_warn("%s: %s", what, strerror(errno));
}

struct targets *targets_new(const struct load *load, uid_t uid, gid_t gid,
			    const struct target_ops *ops, void *ctx)
{
	struct targets *t = calloc(1, sizeof(*t));
	struct rlimit files = { 0 };

	if (!t)
		return NULL;
	t->load = load;
	t->ops = ops;
	t->ctx = ctx;
	t->changes = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	t->hurry = hurry_new(HURRY_SETTING, hurry_state(), uid, gid);
	t->inspector = inspector_new(uid, gid, on_answer, t);
	t->looker = looker_new(on_looked, t);
	t->closer = closer_new();
	if (seen_open(&t->seen) || !t->inspector || !t->looker || !t->closer) {
		targets_free(t);
		return NULL;
	}
	getrlimit(RLIMIT_NOFILE, &files);
	t->most_descriptors = files.rlim_cur / 4 * 3;
	add_to_epoll(t, looker_fd(t->looker), "wait for files that are opened");
	add_to_epoll(
		t, t->changes,
		"inotify; a probed file that is written anew is noticed only when it is mapped "
		"again");
	return t;
}

/* What threads of the looker are at stays: they may hang. */
void targets_free(struct targets *t)
{
	if (!t)
		return;
	for (uint32_t n = 1; n <= t->last; n++) {
		if (t->target[n].fd)
			closer_add_take(t->closer, &t->target[n].attachment, t->target[n].fd);
		free(t->target[n].path);
		free(t->target[n].plan);
	}
	closer_free(t->closer);
	looker_free(t->looker);
	inspector_free(t->inspector);
	hurry_free(t->hurry);
	if (t->changes > 0)
		close(t->changes);
	seen_close(&t->seen);
	free(t);
}

void target_tell(struct targets *t, uint32_t n, const struct stat *st, const char *path,
		 const struct inspection *plan, uint32_t state, const char *reason)
{
	struct tracer_message m = { .type = MSG_TARGET,
				    .target = n,
				    .state = state,
				    .points = plan->points,
				    .missed = t->target[n].missed,
				    .again = t->target[n].again,
				    .delay_us = t->target[n].delay_us,
				    .dev = st->st_dev,
				    .inode = st->st_ino };
	size_t len = strlen(path), skip = len < sizeof(m.path) ? 0 : len - sizeof(m.path) + 1;

	snprintf(m.library, sizeof(m.library), "%s", library_name(plan->family));
	snprintf(m.version, sizeof(m.version), "%s", plan->version);
	snprintf(m.path, sizeof(m.path), "%s", path + skip);
	snprintf(m.plan, sizeof(m.plan), "%s", plan->plan);
	snprintf(m.reason, sizeof(m.reason), "%s", reason);
	if (state == TARGET_ATTACHED && m.missed)
		snprintf(m.reason, sizeof(m.reason),
			 "%u of its processes started and ended before the probes were in",
			 m.missed);
	if (state == TARGET_ATTACHED && m.again)
		snprintf(m.reason, sizeof(m.reason),
			 "its probes were put in again (%u times): process %u sent records, and "
			 "none "
			 "of its calls was seen any more",
			 m.again, t->target[n].silent_tgid);
	t->ops->target(t->ctx, &m);
}

static bool wants_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *name = slash ? slash + 1 : path;

	return library_wants(name) || unread_wants(name);
}

/* Is this a file that a user would expect to be read, so that its failure should be shown? */
static bool of_interest(const char *path, const struct inspection *plan)
{
	return plan->family != INSPECT_NONE || plan->failed || plan->unread || wants_name(path);
}

void target_retire(struct targets *t, uint32_t n, const char *why)
{
	const struct inspection nothing = { 0 };
	struct target old = t->target[n];

	t->target[n] = (struct target){ .missed = old.missed, .delay_us = old.delay_us };
	t->attached--;
	t->descriptors -= attach_descriptors(&old.attachment) + 1;
	struct seen *seen = seen_slot(&t->seen, old.st.st_dev, old.st.st_ino);
	seen->target = 0;
	seen->size = -1; /* to be looked at again */
	inotify_rm_watch(t->changes, old.watch);
	log_debug("detached from %s: %s", old.path ? old.path : "", why);
	target_tell(t, n, &old.st, old.path ? old.path : "", &nothing, TARGET_DETACHED, why);
	closer_add_take(t->closer, &old.attachment, old.fd);
	free(old.path);
	free(old.plan);
}

/* Who has been in nobody's use longest; of one owner only when `mine`. 0: none. */
static uint32_t find_idle(const struct targets *t, uint64_t owner, bool mine)
{
	uint32_t best = 0;

	for (uint32_t n = 1; n <= t->last; n++) {
		const struct target *o = &t->target[n];
		if (!o->fd || (mine && o->owner != owner) || t->ops->in_use(t->ctx, n))
			continue;
		const struct target *b = &t->target[best];
		if (!best || (o->idle != b->idle ? o->idle : o->since < b->since))
			best = n;
	}
	return best;
}

static bool retire_idle(struct targets *t, uint64_t owner, bool mine)
{
	uint32_t n = find_idle(t, owner, mine);

	if (n)
		target_retire(t, n, "no process maps it, and others need the room");
	return n;
}

/* A number; once all are given away, again those of files without probes. 0: there is none. */
static uint32_t find_number(struct targets *t)
{
	if (t->last + 1 < EV_TARGETS_MAX)
		return ++t->last;
	for (uint32_t i = 0; i < t->last; i++) {
		uint32_t n = t->next++ % t->last + 1;
		if (!t->target[n].fd) {
			load_clear_hits(t->load, n);
			t->target[n] = (struct target){ 0 };
			return n;
		}
	}
	return 0;
}

static size_t count_owner(const struct targets *t, uint64_t owner)
{
	size_t count = 0;

	for (uint32_t n = 1; n <= t->last; n++)
		count += t->target[n].fd && t->target[n].owner == owner;
	return count;
}

/* A number for a file that is to be attached to; what nobody uses gives way. */
static uint32_t new_number(struct targets *t, uint64_t owner)
{
	if (owner && count_owner(t, owner) >= SHARE && !retire_idle(t, owner, true))
		return 0;
	if (t->descriptors > t->most_descriptors)
		retire_idle(t, owner, false);
	uint32_t n = find_number(t);
	return n || !retire_idle(t, owner, false) ? n : find_number(t);
}

static struct inspection *copy_plan(const struct inspection *plan)
{
	size_t size = offsetof(struct inspection, point) + plan->points * sizeof(*plan->point);
	struct inspection *copy = malloc(size);

	return copy ? memcpy(copy, plan, size) : NULL;
}

static int watch_content(const struct targets *t, int fd)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return inotify_add_watch(t->changes, path, IN_MODIFY);
}

static int try_attach(struct targets *t, struct job *job, const struct inspection *plan, uint32_t n)
{
	struct stat now;
	int err = -ESTALE; /* written anew while it was analysed */

	hurry_begin(t->hurry);
	if (!beneath_stat(job->look.fd, &now) &&
	    seen_same_content(seen_slot(&t->seen, now.st_dev, now.st_ino), &now))
		err = attach_file(t->load, job->look.fd, plan, n, &t->target[n].attachment);
	hurry_end(t->hurry);
	if (err == -EMFILE || err == -ENFILE) { /* those of the next one that maps it will do */
		retire_idle(t, job->owner, false);
		seen_slot(&t->seen, job->st.st_dev, job->st.st_ino)->size = -1;
		t->missed = true;
	}
	return err;
}

static void attach_new(struct targets *t, struct job *job, const struct inspection *plan,
		       uint32_t n)
{
	struct target *target = &t->target[n];
	int watch = watch_content(t, job->look.fd);
	int err = try_attach(t, job, plan, n);

	if (err) {
		char reason[160];
		if (err == -ESTALE)
			snprintf(reason, sizeof(reason), "the file was written anew meanwhile");
		else
			snprintf(reason, sizeof(reason), "the kernel refused the probes: %s",
				 error_text(-err));
		inotify_rm_watch(t->changes, watch);
		log_warn("attach to %s: %s; its traffic will not be read", job->path, reason);
		target_tell(t, n, &job->st, job->path, plan, TARGET_FAILED, reason);
		return;
	}
	target->fd = job->look.fd;
	target->st = job->st;
	target->owner = job->owner;
	target->path = strdup(job->path);
	target->plan = copy_plan(plan);
	target->watch = watch;
	target->unused = target->idle = false;
	target->since = clock_ms(CLOCK_MONOTONIC);
	target->missed = late_count(job->user, job->users, &target->delay_us);
	for (uint32_t i = 0; i < target->missed; i++)
		t->ops->refused(t->ctx, REFUSED_ENDED, job->owner);
	job->look.fd = -1;
	job->target = n;
	t->attached++;
	t->descriptors += attach_descriptors(&target->attachment) + 1;
	log_debug("attached to %s (%s): %s", job->path, plan->version, plan->plan);
	target_tell(t, n, &job->st, job->path, plan, TARGET_ATTACHED, "");
	for (size_t i = 0; i < job->users; i++)
		t->ops->process(t->ctx, job->user[i].tgid, n);
	if (job->crowd)
		t->ops->crowd(t->ctx);
}

/* It is done with; `again`: the next process that maps it has it looked at. */
static void finish(struct targets *t, struct job *job, bool again)
{
	struct seen *s = seen_slot(&t->seen, job->st.st_dev, job->st.st_ino);

	s->job = NULL;
	if (again)
		s->size = -1;
	job_free(job);
}

static void refuse(struct targets *t, struct job *job, enum refusal why)
{
	t->ops->refused(t->ctx, why, job->owner);
	t->missed |= why == REFUSED_QUEUE;
	finish(t, job, why == REFUSED_QUEUE || why == REFUSED_TABLE);
}

/* A file is attached to at its first answer; what debug information adds comes after. */
static void on_answer(void *ctx, void *arg, const struct inspection *in)
{
	struct targets *t = ctx;
	struct job *job = arg;

	if (in && in->failed == INSPECT_NO_ROOM) {
		refuse(t, job, REFUSED_QUEUE);
		return;
	}
	bool wanted = in && !job->target && (in->points || of_interest(job->path, in));
	uint32_t n = !wanted ? 0 : in->points ? new_number(t, job->owner) : find_number(t);

	if (in && job->target && t->target[job->target].fd)
		load_set_go(t->load, t->target[job->target].fd, in, job->target);
	if (n && in->points)
		attach_new(t, job, in, n);
	else if (n)
		target_tell(t, n, &job->st, job->path, in, TARGET_SKIPPED, in->reason);
	/* it may have been let go */
	seen_slot(&t->seen, job->st.st_dev, job->st.st_ino)->target =
		t->target[job->target].fd ? job->target : 0;
	if (wanted && !n && in->points && !in->more)
		refuse(t, job, REFUSED_TABLE);
	else if (!in || !in->more)
		finish(t, job, false);
}

static void on_looked(void *ctx, struct look *look)
{
	struct targets *t = ctx;
	struct job *job = (struct job *)look;

	if (look->error == -EBUSY)
		refuse(t, job, REFUSED_QUEUE);
	else if (look->error == -ETIMEDOUT)
		refuse(t, job, REFUSED_HANGS);
	else if (look->error == -EINVAL)
		refuse(t, job, REFUSED_KIND);
	else if (!look->wanted)
		finish(t, job, look->error == -EMFILE || look->error == -ENFILE);
	else
		inspector_submit(t->inspector, look->fd, job->owner, job);
}

static void note(struct targets *t, const struct seen *s, const struct target_user *u)
{
	struct job *job = s->job;

	if (s->target)
		t->ops->process(t->ctx, u->tgid, s->target);
	else if (job && job->users < LIMIT_FILE_PROCESSES)
		job->user[job->users++] = *u;
	else if (job)
		job->crowd = true;
}

bool targets_known(const struct targets *t, dev_t dev, ino_t inode)
{
	return seen_slot(&t->seen, dev, inode)->inode;
}

bool targets_note(struct targets *t, const struct stat *st, const struct target_user *u)
{
	struct seen *s = seen_slot(&t->seen, st->st_dev, st->st_ino);

	if (!s->inode || !(s->job || seen_same_content(s, st)))
		return false;
	s->checked = clock_ms(CLOCK_MONOTONIC);
	if (u->tgid)
		note(t, s, u);
	return true;
}

bool targets_note_again(struct targets *t, dev_t dev, ino_t inode, const struct target_user *u)
{
	const struct seen *s = seen_slot(&t->seen, dev, inode);

	if (!seen_lately(s, clock_ms(CLOCK_MONOTONIC)))
		return false;
	note(t, s, u);
	return true;
}

bool targets_sweep(struct targets *t)
{
	bool doubt = t->missed, crowded = t->attached > EV_TARGETS_MAX / 4 * 3;
	struct stat st;

	t->missed = false;
	for (uint32_t n = 1; n <= t->last; n++) {
		struct target *target = &t->target[n];
		if (!target->fd)
			continue;
		if (t->ops->in_use(t->ctx, n)) {
			target->unused = target->idle = false;
			continue;
		}
		bool deleted = !beneath_stat(target->fd, &st) && !st.st_nlink;
		doubt |= (deleted || crowded) && !target->unused;
		if (deleted && target->unused)
			target_retire(t, n, "the file was deleted, and no process maps it");
		else
			target->idle = target->unused;
		t->target[n].unused = t->target[n].fd;
	}
	return doubt;
}

static void check_all(struct targets *t)
{
	struct stat st;

	for (uint32_t n = 1; n <= t->last; n++) {
		const struct target *o = &t->target[n];
		if (o->fd && !beneath_stat(o->fd, &st) &&
		    (st.st_size != o->st.st_size ||
		     memcmp(&st.st_mtim, &o->st.st_mtim, sizeof(st.st_mtim))))
			target_retire(t, n, "the file was written anew");
	}
}

/*
 * Without probes before it is mapped again: they would be put where they belonged in the old
 * content. What runs it meanwhile is not read until some process maps it anew.
 */
static void read_changes(struct targets *t)
{
	union {
		struct inotify_event event;
		char bytes[4096];
	} buf;
	ssize_t size = read(t->changes, &buf, sizeof(buf));

	for (ssize_t at = 0; at < size;) {
		const struct inotify_event *e = (const void *)(buf.bytes + at);

		if (e->mask & IN_Q_OVERFLOW)
			check_all(t);
		for (uint32_t n = 1; (e->mask & IN_MODIFY) && n <= t->last; n++)
			if (t->target[n].fd && t->target[n].watch == e->wd)
				target_retire(t, n, "the file was written anew");
		at += (ssize_t)(sizeof(*e) + e->len);
	}
}

void targets_add_take(struct targets *t, int fd, const char *path, const struct target_user *u,
		      uint64_t ns)
{
	struct stat st;
	uint64_t owner;

	if (beneath_stat(fd, &st) || !S_ISREG(st.st_mode)) {
		t->ops->refused(t->ctx, REFUSED_KIND, ns << 32);
		close(fd);
		return;
	}
	owner = st.st_uid ? st.st_uid : ns << 32;
	if (targets_note(t, &st, u)) {
		close(fd);
		return;
	}
	struct seen *s = seen_slot(&t->seen, st.st_dev, st.st_ino);
	int64_t now = clock_ms(CLOCK_MONOTONIC);
	if (s->inode && !seen_may_look(s, now)) {
		t->ops->refused(t->ctx, REFUSED_CHANGES, owner);
		close(fd);
		return;
	}
	if (s->target) /* waited for: both probes on one file would see each call twice */
		target_retire(t, s->target, "the file was written anew");
	s = seen_remember(&t->seen, &st, now);
	struct job *job = s ? job_new(fd, &st, path, wants_name(path), u, owner) : NULL;
	if (!job) {
		close(fd);
		return;
	}
	s->job = job;
	looker_submit(t->looker, owner, &job->look);
}

/* Mostly there is none: the loop turns for each program that starts. */
static bool has_work(const struct targets *t)
{
	struct epoll_event e;

	return targets_pending(t) || inspector_timeout(t->inspector) >= 0 ||
	       epoll_wait(targets_fd(t), &e, 1, 0) > 0;
}

void targets_run(struct targets *t)
{
	if (!has_work(t))
		return;
	read_changes(t);
	looker_run(t->looker);
	inspector_run(t->inspector);
}

void targets_hurry(struct targets *t, bool on)
{
	inspector_hurry(t->inspector, on);
}

int64_t targets_take_hurried_ms(struct targets *t)
{
	return inspector_take_hurried_ms(t->inspector);
}

size_t targets_threads(const struct targets *t, pid_t *ret, size_t room)
{
	return looker_threads(t->looker, ret, room);
}

int targets_fd(const struct targets *t)
{
	return inspector_fd(t->inspector);
}

int targets_timeout(const struct targets *t)
{
	int ms = inspector_timeout(t->inspector);

	return looker_pending(t->looker) && (ms < 0 || ms > LOOK_MS) ? LOOK_MS : ms;
}

size_t targets_pending(const struct targets *t)
{
	return inspector_pending(t->inspector) + looker_pending(t->looker);
}

unsigned targets_attached(const struct targets *t)
{
	return t->attached;
}
