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
#include "trace/spares.h"

enum { SPARES = 6, CHECK_MS = 20, LONG_MS = 50, DYING_MS = 5 };

/* no child; killed, not gone yet; idle; at work; its first answer is out */
enum stage { FREE, DYING, READY, FIRST, MORE };

struct slot {
	enum stage stage;
	uint64_t owner;
	bool hurried;
	bool aside;	 /* at its debug information, and not counted among those that run */
	int64_t used_ms; /* when it got its file */
	struct inspect_child child;
	void *job;
};

struct waiting {
	int fd;
	void *job;
};

struct inspector {
	inspector_fn *fn;
	void *ctx;
	int epoll;
	bool urgent;
	size_t next;		  /* slot that has its turn */
	size_t spares;		  /* children to have ready; none while they fail */
	struct spares *made;	  /* the next ones, */
	size_t ordered;		  /* of which so many are to come, each to a free slot */
	struct inspection answer; /* too large for the stack */
	struct slot slot[LIMIT_INSPECT_CHILDREN];
	struct fair *queue; /* of struct waiting */
	int64_t hurried_ms;
};

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

static size_t count_running(const struct inspector *p)
{
	size_t n = 0;

	for (size_t i = 0; i < LIMIT_INSPECT_CHILDREN; i++)
		n += p->slot[i].stage > READY && !p->slot[i].aside;
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
	if ((s->stage == FIRST || s->stage == MORE) && !s->aside)
		fair_done(p->queue, s->owner);
	if (s->hurried)
		calm(p, s);
	s->aside = false;
	s->job = NULL;
	s->stage = inspect_child_end(&s->child) ? FREE : DYING;
}

static int put_ready(struct inspector *p, const struct inspect_child *c)
{
	struct slot *s = find_stage(p, FREE);
	struct epoll_event ev = { .events = EPOLLIN, .data.ptr = s };

	s->child = *c;
	if (epoll_ctl(p->epoll, EPOLL_CTL_ADD, c->socket, &ev)) {
		int err = -errno;
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

	if (used < LIMIT_INSPECT_TURN_MS ||
	    (share && (s->aside || !fair_waiting(p->queue, s->owner))))
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

/* One for each file that waits, and some for those that come. */
static void order_children(struct inspector *p)
{
	size_t want = fair_count(p->queue) + p->spares, room = count_stage(p, FREE);

	for (size_t have = count_stage(p, READY) + p->ordered; have < want; have++) {
		if (p->ordered == room || spares_order(p->made))
			return;
		p->ordered++;
	}
}

struct inspector *inspector_new(uid_t uid, gid_t gid, inspector_fn *fn, void *ctx)
{
	struct inspector *p = calloc(1, sizeof(*p));
	struct epoll_event ev = { .events = EPOLLIN };

	if (!p)
		return NULL;
	p->fn = fn;
	p->ctx = ctx;
	p->spares = SPARES;
	p->epoll = epoll_create1(EPOLL_CLOEXEC);
	p->queue = fair_new(LIMIT_INSPECT_QUEUE, LIMIT_INSPECT_OWNER, LIMIT_INSPECT_MACHINE);
	p->made = spares_new(uid, gid);
	if (p->epoll >= 0 && p->queue && p->made &&
	    !epoll_ctl(p->epoll, EPOLL_CTL_ADD, spares_fd(p->made), &ev)) {
		order_children(p);
		return p;
	}
	inspector_free(p);
	return NULL;
}

void inspector_free(struct inspector *p)
{
	uint64_t owner;

	if (!p)
		return;
	spares_free(p->made);
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

static void take_children(struct inspector *p)
{
	struct inspect_child c;
	int err;

	while (p->ordered && (err = spares_take(p->made, &c)) != -EAGAIN) {
		uint64_t owner;
		struct waiting *next;

		p->ordered--;
		if (!err && p->urgent)
			p->hurried_ms += inspect_child_used_ms(&c);
		err = err ? err : put_ready(p, &c);
		if (!err)
			continue;
		p->spares = 0;
		if (!(next = fair_pop(p->queue, &owner)))
			continue;
		fair_done(p->queue, owner);
		refuse(p, next->job, "a process for it could not be had", err);
		free(next);
	}
}

/* What it was at stays as it was told first. */
static bool stop_aside(struct inspector *p)
{
	for (size_t i = 0; i < LIMIT_INSPECT_CHILDREN; i++) {
		struct slot *s = &p->slot[i];
		void *job = s->job;
		if (!s->aside)
			continue;
		release(p, s);
		p->fn(p->ctx, job, NULL);
		return true;
	}
	return false;
}

/* A child for the next file, NULL when it has to wait for one. */
static struct slot *child_for_next(struct inspector *p)
{
	bool full = count_running(p) >= LIMIT_INSPECT_AT_ONCE;
	struct slot *s = full ? NULL : find_stage(p, READY);
	bool none = !s && !p->ordered && !find_stage(p, FREE) && !find_stage(p, DYING);

	if (full || (none && !stop_aside(p)))
		stop_longest(p, false);
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
	struct slot *s;

	while (fair_count(p->queue) && (s = child_for_next(p))) {
		uint64_t owner;
		struct waiting *next = fair_pop(p->queue, &owner);
		if (!next && stop_longest(p, true))
			continue;
		if (!next)
			break;
		start_one(p, s, next, owner);
		free(next);
	}
	order_children(p);
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

/*
 * Debug information is read when nobody wants the processor, which on a busy machine takes seconds:
 * other files must not wait for that, as long as its owner has few of these.
 */
static void put_aside(struct inspector *p, struct slot *s)
{
	size_t most = s->owner ? LIMIT_INSPECT_OWNER : LIMIT_INSPECT_ASIDE, count = 0;

	for (size_t i = 0; i < LIMIT_INSPECT_CHILDREN; i++)
		count += p->slot[i].aside && p->slot[i].owner == s->owner;
	if (count >= most)
		return;
	s->aside = true;
	fair_done(p->queue, s->owner);
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
		put_aside(p, s);
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

void inspector_run(struct inspector *p)
{
	int64_t begun = clock_ms(CLOCK_MONOTONIC);

	take_children(p);
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
}

void inspector_hurry(struct inspector *p, bool on)
{
	p->urgent = on;
	spares_hurry(p->made, on);
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
	if (count_stage(p, DYING))
		return DYING_MS;
	return count_stage(p, FIRST) || count_stage(p, MORE) ? CHECK_MS : -1;
}

size_t inspector_pending(const struct inspector *p)
{
	return fair_count(p->queue) + count_stage(p, FIRST);
}
