// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/inspector.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/log.h"
#include "trace/inspect_child.h"

enum { SPARES = 3, CHECK_MS = 20, LONG_MS = 50, DYING_MS = 5 };

/* no child; killed, not gone yet; idle; at work; its first answer is out */
enum stage { FREE, DYING, READY, FIRST, MORE };

struct slot {
	enum stage stage;
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
	size_t spares;		  /* children to have ready; none while they fail */
	struct inspection answer; /* too large for the stack */
	struct slot slot[LIMIT_INSPECT_CHILDREN];
	struct waiting queue[LIMIT_INSPECT_QUEUE];
	size_t first, count; /* of the queue */
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
	if (p->epoll < 0) {
		free(p);
		return NULL;
	}
	return p;
}

void inspector_free(struct inspector *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < LIMIT_INSPECT_CHILDREN; i++) {
		while (p->slot[i].stage != FREE && !inspect_child_end(&p->slot[i].child))
			usleep(100);
	}
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

/*
 * The child has done its work, or never will. Children that were made after it and have not run yet
 * still hold its socket, so closing that does not end what epoll says of it.
 */
static void release(struct inspector *p, struct slot *s)
{
	if (s->stage != DYING)
		epoll_ctl(p->epoll, EPOLL_CTL_DEL, s->child.socket, NULL);
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

/* The analysis that has had most of the processor makes room, once it has had its turn. */
static struct slot *stop_longest(struct inspector *p)
{
	struct slot *longest = NULL;
	int64_t most = LIMIT_INSPECT_TURN_MS;

	for (size_t i = 0; i < LIMIT_INSPECT_CHILDREN; i++) {
		struct slot *s = &p->slot[i];
		int64_t used = s->stage > READY ? inspect_child_used_ms(&s->child) : 0;

		if (used >= most) {
			most = used;
			longest = s;
		}
	}
	if (!longest)
		return NULL;
	void *job = longest->job;
	enum stage stage = longest->stage;
	release(p, longest);
	if (stage == MORE)
		p->fn(p->ctx, job, NULL);
	else
		refuse(p, job, "it took long and other files were waiting", 0);
	return find_stage(p, FREE);
}

/* A child for the next file, NULL when all are at work. */
static struct slot *child_for_next(struct inspector *p, int *ret_err)
{
	struct slot *s = find_stage(p, READY);

	*ret_err = 0;
	if (s)
		return s;
	s = find_stage(p, FREE);
	if (!s)
		s = stop_longest(p);
	if (s && (*ret_err = make_ready(p, s)))
		return NULL;
	return s;
}

static void start_waiting(struct inspector *p)
{
	while (p->count) {
		int err;
		struct slot *s = child_for_next(p, &err);
		if (!s && !err)
			return;
		struct waiting next = p->queue[p->first];
		p->first = (p->first + 1) % LIMIT_INSPECT_QUEUE;
		p->count--;
		if (!err && (err = inspect_child_give(&s->child, next.fd)))
			release(p, s);
		if (err) {
			refuse(p, next.job, "a process for it could not be had", err);
			continue;
		}
		s->stage = FIRST;
		s->job = next.job;
		if (p->urgent)
			inspect_child_hurry(&s->child);
	}
}

int inspector_submit(struct inspector *p, int fd, void *job)
{
	if (p->count == LIMIT_INSPECT_QUEUE)
		return -EAGAIN;
	p->queue[(p->first + p->count++) % LIMIT_INSPECT_QUEUE] = (struct waiting){ fd, job };
	start_waiting(p);
	return 0;
}

static void take_answer(struct inspector *p, struct slot *s)
{
	void *job = s->job;
	enum stage stage = s->stage;
	int err = inspect_child_take(&s->child, &p->answer);

	if (err == -EAGAIN)
		return;
	if (!err && p->answer.more && stage == FIRST) {
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
	for (size_t i = 0; i < LIMIT_INSPECT_CHILDREN; i++) {
		struct slot *s = &p->slot[i];

		if (s->stage == DYING)
			release(p, s);
		else if (s->stage != FREE)
			take_answer(p, s);
		if (s->stage == FIRST && inspect_child_used_ms(&s->child) > LONG_MS)
			inspect_child_calm(&s->child);
	}
	start_waiting(p);
	/* one at a time: what has happened meanwhile comes first */
	if (wants_spare(p) && make_ready(p, find_stage(p, FREE)))
		p->spares = 0;
}

void inspector_hurry(struct inspector *p)
{
	p->urgent = true;
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
	return p->count + count_stage(p, FIRST);
}
