// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/inspector.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "base/log.h"
#include "trace/fair.h"
#include "trace/inspect_child.h"

enum { SPARES = 4, CHECK_MS = 20, LONG_MS = 50, DYING_MS = 5 };

/* no child; killed, not gone yet; idle; at work; its first answer is out */
enum stage { FREE, DYING, READY, FIRST, MORE };

struct slot {
	enum stage stage;
	uint64_t owner;
	bool hurried;
	int64_t used_ms; /* when it got its file */
	struct inspect_child child;
	void *job;
};

struct waiting {
	int fd;
	void *job;
};

struct inspector {
	uid_t uid;
	gid_t gid;
	inspector_fn *fn;
	void *ctx;
	int epoll;
	bool urgent;
	size_t next;		  /* slot that has its turn */
	size_t spares;		  /* children to have ready; none while they fail */
	struct inspection answer; /* too large for the stack */
	struct slot slot[LIMIT_INSPECT_CHILDREN];
	struct fair *queue; /* of struct waiting */
	int64_t hurried_ms;
};

struct inspector *inspector_new(uid_t uid, gid_t gid, inspector_fn *fn, void *ctx)
{
	struct inspector *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->uid = uid;
	p->gid = gid;
	p->fn = fn;
	p->ctx = ctx;
	p->spares = SPARES;
	p->epoll = epoll_create1(EPOLL_CLOEXEC);
	p->queue = fair_new(LIMIT_INSPECT_QUEUE, LIMIT_INSPECT_OWNER, LIMIT_INSPECT_MACHINE);
	if (p->epoll >= 0 && p->queue)
		return p;
	inspector_free(p);
	return NULL;
}

void inspector_free(struct inspector *p)
{
	uint64_t owner;

	if (!p)
		return;
	for (size_t i = 0; i < LIMIT_INSPECT_CHILDREN; i++) {
		while (p->slot[i].stage != FREE && !inspect_child_end(&p->slot[i].child))
			usleep(100);
	}
	for (struct waiting *w; p->queue && (w = fair_pop(p->queue, &owner));) {
		fair_done(p->queue, owner);
		free(w);
	}
	fair_free(p->queue);
	if (p->epoll >= 0)
		close(p->epoll);
	free(p);
}

static struct slot *find_stage(struct inspector *p, enum stage stage)
{
	for (size_t i = 0; i < LIMIT_INSPECT_CHILDREN; i++) {
		if (p->slot[i].stage == stage)
			return &p->slot[i];
	}
	return NULL;
}

static size_t count_stage(const struct inspector *p, enum stage stage)
{
	size_t n = 0;

	for (size_t i = 0; i < LIMIT_INSPECT_CHILDREN; i++)
		n += p->slot[i].stage == stage;
	return n;
}

static void calm(struct inspector *p, struct slot *s)
{
	p->hurried_ms += inspect_child_used_ms(&s->child) - s->used_ms;
	s->hurried = false;
}

/*
 * The child has done its work, or never will. Children that were made after it and have not run yet
 * still hold its socket, so closing that does not end what epoll says of it.
 */
static void release(struct inspector *p, struct slot *s)
{
	if (s->stage != DYING)
		epoll_ctl(p->epoll, EPOLL_CTL_DEL, s->child.socket, NULL);
	if (s->stage == FIRST || s->stage == MORE)
		fair_done(p->queue, s->owner);
	if (s->hurried)
		calm(p, s);
	s->job = NULL;
	s->stage = inspect_child_end(&s->child) ? FREE : DYING;
}

static int make_ready(struct inspector *p, struct slot *s)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = s };
	int err = inspect_child_new(p->uid, p->gid, &s->child);

	if (err)
		return err;
	if (epoll_ctl(p->epoll, EPOLL_CTL_ADD, s->child.socket, &ev)) {
		err = -errno;
		release(p, s);
		return err;
	}
	s->stage = READY;
	return 0;
}

static void refuse(struct inspector *p, void *job, const char *what, int err)
{
	memset(&p->answer, 0, sizeof(p->answer));
	p->answer.failed = 1;
	snprintf(p->answer.reason, sizeof(p->answer.reason), "not analysed: %s%s%s", what,
		 err ? ": " : "", err ? strerror(-err) : "");
	p->fn(p->ctx, job, &p->answer);
}

/* The owner with most children gives way first, then the one with most processor time. */
static int64_t weight(const struct inspector *p, const struct slot *s, bool share)
{
	int64_t used = s->stage > READY ? inspect_child_used_ms(&s->child) - s->used_ms : 0;

	if (used < LIMIT_INSPECT_TURN_MS || (share && !fair_waiting(p->queue, s->owner)))
		return 0;
	return used + (int64_t)fair_running(p->queue, s->owner) * LIMIT_INSPECT_SECONDS * 1000;
}

/*
 * An analysis that has had its turn makes room: for anybody, or (share) for another file of its
 * owner, whose share is used up. False: none has had it yet.
 */
static bool stop_longest(struct inspector *p, bool share)
{
	struct slot *longest = NULL;
	int64_t most = 0;

	for (size_t i = 0; i < LIMIT_INSPECT_CHILDREN; i++) {
		int64_t w = weight(p, &p->slot[i], share);

		if (w > most) {
			most = w;
			longest = &p->slot[i];
		}
	}
	if (!longest)
		return false;
	void *job = longest->job;
	enum stage stage = longest->stage;
	release(p, longest);
	if (stage == MORE)
		p->fn(p->ctx, job, NULL);
	else
		refuse(p, job, "it took long and other files were waiting", 0);
	return true;
}

/* A child for the next file, NULL when all are at work. */
static struct slot *child_for_next(struct inspector *p, int *ret_err)
{
	struct slot *s = find_stage(p, READY);

	*ret_err = 0;
	if (s)
		return s;
	s = find_stage(p, FREE);
	if (!s && stop_longest(p, false))
		s = find_stage(p, FREE);
	if (s && (*ret_err = make_ready(p, s)))
		return NULL;
	return s;
}

static void start_one(struct inspector *p, struct slot *s, const struct waiting *next,
		      uint64_t owner)
{
	int err = inspect_child_give(&s->child, next->fd);

	if (err) {
		release(p, s);
		fair_done(p->queue, owner);
		refuse(p, next->job, "a process for it could not be had", err);
		return;
	}
	s->stage = FIRST;
	s->owner = owner;
	s->job = next->job;
	s->used_ms = inspect_child_used_ms(&s->child);
	s->hurried = p->urgent;
	if (p->urgent)
		inspect_child_hurry(&s->child);
}

static void start_waiting(struct inspector *p)
{
	while (fair_count(p->queue)) {
		int err;
		uint64_t owner;
		struct slot *s = child_for_next(p, &err);
		if (!s && !err)
			return;
		struct waiting *next = fair_pop(p->queue, &owner);
		if (!next && stop_longest(p, true))
			continue;
		if (!next)
			return;
		if (err) {
			fair_done(p->queue, owner);
			refuse(p, next->job, "a process for it could not be had", err);
		} else {
			start_one(p, s, next, owner);
		}
		free(next);
	}
}

void inspector_submit(struct inspector *p, int fd, uint64_t owner, void *job)
{
	struct waiting *w = malloc(sizeof(*w)), *out = w;

	if (w) {
		*w = (struct waiting){ fd, job };
		out = fair_push_take(p->queue, owner, w);
	}
	if (!w || out) {
		memset(&p->answer, 0, sizeof(p->answer));
		p->answer.failed = INSPECT_NO_ROOM;
		p->fn(p->ctx, out ? out->job : job, &p->answer);
	}
	free(out);
	start_waiting(p);
}

static void take_answer(struct inspector *p, struct slot *s)
{
	void *job = s->job;
	enum stage stage = s->stage;
	int err = inspect_child_take(&s->child, &p->answer);

	if (err == -EAGAIN)
		return;
	if (!err && p->answer.more && stage == FIRST) {
		if (s->hurried)
			calm(p, s); /* inspect_child_take() made it so */
		s->stage = MORE;
		p->fn(p->ctx, job, &p->answer);
		return;
	}
	release(p, s);
	p->answer.more = 0;
	p->spares = stage == READY ? 0 : SPARES;
	if (stage == READY)
		log_warn("a process that was to analyse programs ended: %s; making one when needed",
			 err ? strerror(-err) : p->answer.reason);
	else if (stage == MORE)
		p->fn(p->ctx, job, !err && p->answer.points ? &p->answer : NULL);
	else if (err)
		refuse(p, job, "its process failed", err);
	else
		p->fn(p->ctx, job, &p->answer);
}

static bool wants_spare(const struct inspector *p)
{
	return !inspector_pending(p) && count_stage(p, READY) < p->spares && count_stage(p, FREE);
}

void inspector_run(struct inspector *p)
{
	int64_t begun = clock_ms(CLOCK_MONOTONIC);

	/* an answer may mean to attach, which takes some ms */
	for (size_t n = 0;
	     n < LIMIT_INSPECT_CHILDREN && clock_ms(CLOCK_MONOTONIC) - begun < LIMIT_TURN_PART_MS;
	     n++) {
		struct slot *s = &p->slot[p->next++ % LIMIT_INSPECT_CHILDREN];

		if (s->stage == DYING)
			release(p, s);
		else if (s->stage != FREE)
			take_answer(p, s);
		if (s->stage == FIRST && s->hurried &&
		    inspect_child_used_ms(&s->child) - s->used_ms > LONG_MS) {
			inspect_child_calm(&s->child);
			calm(p, s);
		}
	}
	start_waiting(p);
	/* one at a time: what has happened meanwhile comes first */
	if (wants_spare(p) && make_ready(p, find_stage(p, FREE)))
		p->spares = 0;
}

void inspector_hurry(struct inspector *p, bool on)
{
	p->urgent = on;
}

int64_t inspector_take_hurried_ms(struct inspector *p)
{
	int64_t ms = p->hurried_ms;

	p->hurried_ms = 0;
	return ms;
}

int inspector_fd(const struct inspector *p)
{
	return p->epoll;
}

int inspector_timeout(const struct inspector *p)
{
	if (wants_spare(p))
		return 0;
	if (count_stage(p, DYING))
		return DYING_MS;
	return count_stage(p, FIRST) || count_stage(p, MORE) ? CHECK_MS : -1;
}

size_t inspector_pending(const struct inspector *p)
{
	return fair_count(p->queue) + count_stage(p, FIRST);
}
