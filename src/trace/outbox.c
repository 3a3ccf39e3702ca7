// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/outbox.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/log.h"
#include "event.h"
#include "trace/procfs.h"

enum { SLOTS = 2 * LIMIT_TOLD_PROCESSES, SAY_AGAIN_MS = 60000, REFUSED_MS = 1000 };

static const char *const reasons[REFUSED_COUNT] = {
	[REFUSED_QUEUE] = "too many files of this owner wait to be looked at",
	[REFUSED_CHANGES] = "a file is written anew too often",
	[REFUSED_HANGS] = "its file system does not answer",
	[REFUSED_KIND] = "it is no regular file",
	[REFUSED_SCAN] = "the libraries on the disk of a container were not all looked for",
	[REFUSED_TABLE] = "too many files have probes",
	[REFUSED_PROCESS] = "too many processes to tell of",
	[REFUSED_ENDED] = "a program started and ended before its probes were in",
	[REFUSED_GONE] = "a program and its file were gone before they were looked at",
	[REFUSED_LOST] = "more was mapped at once than the kernel could tell of",
};

enum told_state { TOLD_NEW, TOLD_SENT, TOLD_GONE };

struct told {
	uint32_t tgid, target; /* 0: free */
	enum told_state state;
};

struct outbox {
	int socket;
	bool ready, state, paused, gone;
	uint32_t targets, first, last;		       /* to be sent, and between which numbers */
	struct tracer_message *target[EV_TARGETS_MAX]; /* not sent yet */
	size_t told_count, told_pending;
	size_t cursor;		       /* where in told[] the last batch ended */
	struct told *told;	       /* SLOTS, open addressing; those of a process in a row */
	struct tracer_message about;   /* the process that was described last, in this batch */
	uint32_t maps[EV_TARGETS_MAX]; /* processes told of by target */
	struct refused {
		uint64_t count, sent, owner;
		int64_t said, told; /* ms */
	} refused[REFUSED_COUNT];
};

struct outbox *outbox_new(int socket)
{
	struct outbox *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	o->socket = socket;
	o->told = calloc(SLOTS, sizeof(*o->told));
	if (o->told)
		return o;
	free(o);
	return NULL;
}

void outbox_free(struct outbox *o)
{
	if (!o)
		return;
	for (size_t i = 0; i < EV_TARGETS_MAX; i++)
		free(o->target[i]);
	free(o->told);
	free(o);
}

void outbox_put_target(struct outbox *o, const struct tracer_message *m)
{
	struct tracer_message **place = &o->target[m->target % EV_TARGETS_MAX];

	if (!*place) {
		*place = malloc(sizeof(**place));
		if (!*place)
			return;
		o->first = o->targets && o->first < m->target ? o->first : m->target;
		o->last = o->targets && o->last > m->target ? o->last : m->target;
		o->targets++;
	}
	**place = *m;
}

static struct told *slot_of(struct told *told, uint32_t tgid, uint32_t target)
{
	for (uint64_t i = hash_words(tgid, 0);; i++) {
		struct told *t = &told[i % SLOTS];
		if (!t->tgid || (t->tgid == tgid && t->target == target))
			return t;
	}
}

void outbox_put_process(struct outbox *o, uint32_t tgid, uint32_t target)
{
	struct told *t = slot_of(o->told, tgid, target);

	if (t->tgid && t->state != TOLD_GONE)
		return;
	if (!t->tgid && o->told_count == LIMIT_TOLD_PROCESSES) {
		outbox_put_refused(o, REFUSED_PROCESS, 0);
		return; /* shown without its process until others end */
	}
	o->told_count += !t->tgid;
	o->told_pending += t->state != TOLD_GONE;
	o->maps[target % EV_TARGETS_MAX]++;
	*t = (struct told){ tgid, target, TOLD_NEW };
}

void outbox_put_ready(struct outbox *o)
{
	o->ready = true;
}

void outbox_put_state(struct outbox *o, bool paused)
{
	o->state = true;
	o->paused = paused;
}

/* Said in the log as well, once in a while. */
void outbox_put_refused(struct outbox *o, enum refusal why, uint64_t owner)
{
	struct refused *r = &o->refused[why];
	int64_t now = clock_ms(CLOCK_MONOTONIC);

	r->count++;
	r->owner = owner;
	if (r->said && now - r->said < SAY_AGAIN_MS)
		return;
	r->said = now;
	log_warn("left out: %s (%s %llu; %llu since the start)", reasons[why],
		 owner >> 32 ? "mount namespace" : "user",
		 (unsigned long long)(owner >> 32 ? owner >> 32 : owner),
		 (unsigned long long)r->count);
}

/* What has ended is sent as ended, if the server knows of it, and then forgotten. */
void outbox_sweep(struct outbox *o)
{
	struct told *kept = calloc(SLOTS, sizeof(*kept));
	uint32_t asked = 0;
	bool ended = false;

	if (!kept)
		return;
	o->told_count = o->told_pending = 0;
	memset(o->maps, 0, sizeof(o->maps));
	for (size_t i = 0; i < SLOTS; i++) {
		struct told t = o->told[i];
		if (!t.tgid || !t.target)
			continue;
		if (t.tgid != asked)
			ended = kill((pid_t)t.tgid, 0) && errno == ESRCH;
		asked = t.tgid;
		if (ended && t.state == TOLD_NEW)
			continue;
		if (ended)
			t.state = TOLD_GONE;
		*slot_of(kept, t.tgid, t.target) = t;
		o->told_count++;
		o->told_pending += t.state != TOLD_SENT;
		o->maps[t.target % EV_TARGETS_MAX] += t.state != TOLD_GONE;
	}
	free(o->told);
	o->told = kept;
}

bool outbox_maps(const struct outbox *o, uint32_t target)
{
	return o->maps[target % EV_TARGETS_MAX] || o->told_count == LIMIT_TOLD_PROCESSES;
}

size_t outbox_targets(const struct outbox *o, uint32_t tgid, uint32_t *ret, size_t room)
{
	size_t n = 0;

	for (size_t i = 0; i < SLOTS && n < room; i++)
		if (o->told[i].tgid == tgid && o->told[i].target && o->told[i].state != TOLD_GONE)
			ret[n++] = o->told[i].target;
	return n;
}

/* False: not now, or never more. */
static bool send_one(struct outbox *o, const struct tracer_message *m)
{
	ssize_t n = send(o->socket, m, sizeof(*m), MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n < 0 && errno != EAGAIN && errno != EINTR && errno != ENOBUFS)
		o->gone = true;
	return n == sizeof(*m);
}

static bool send_targets(struct outbox *o, int *room)
{
	for (uint32_t n = o->first; o->targets && n <= o->last; n++) {
		struct tracer_message **place = &o->target[n % EV_TARGETS_MAX];
		if (!*place)
			continue;
		if (!(*room)-- || !send_one(o, *place))
			return false;
		free(*place);
		*place = NULL;
		o->first = n + 1;
		o->targets--;
	}
	return true;
}

/* A process is described when it is told of, not while nobody takes it. */
static bool send_told(struct outbox *o, const struct told *t)
{
	const struct tracer_message gone = { .type = MSG_PROCESS_EXIT,
					     .tgid = t->tgid,
					     .target = t->target };
	struct tracer_message *m = &o->about;

	if (t->state != TOLD_NEW)
		return send_one(o, &gone);
	if (m->tgid != t->tgid) {
		*m = (struct tracer_message){ .type = MSG_PROCESS, .tgid = t->tgid };
		procfs_exe(t->tgid, m->path, sizeof(m->path));
		procfs_comm(t->tgid, m->comm, sizeof(m->comm));
		procfs_container(t->tgid, m->container, sizeof(m->container));
	}
	m->target = t->target;
	return send_one(o, m);
}

static bool send_processes(struct outbox *o, int *room)
{
	o->about.tgid = 0;
	for (size_t i = 0; o->told_pending && i < SLOTS; i++) {
		struct told *t = &o->told[(o->cursor + i) % SLOTS];
		if (!t->tgid || t->state == TOLD_SENT || (t->state == TOLD_GONE && !t->target))
			continue;
		if (!(*room)-- || !send_told(o, t)) {
			o->cursor = (o->cursor + i) % SLOTS;
			return false;
		}
		o->told_pending--;
		/* the slot of one that is gone is free after the next sweep */
		if (t->state == TOLD_GONE)
			t->target = 0;
		else
			t->state = TOLD_SENT;
	}
	return true;
}

static bool send_refused(struct outbox *o)
{
	int64_t now = clock_ms(CLOCK_MONOTONIC);

	for (uint32_t i = 0; i < REFUSED_COUNT; i++) {
		struct refused *r = &o->refused[i];
		struct tracer_message m = {
			.type = MSG_REFUSED, .state = i, .owner = r->owner, .count = r->count
		};
		if (r->count == r->sent || (r->told && now - r->told < REFUSED_MS))
			continue;
		snprintf(m.reason, sizeof(m.reason), "%s", reasons[i]);
		if (!send_one(o, &m))
			return false;
		r->sent = r->count;
		r->told = now;
	}
	return true;
}

bool outbox_flush(struct outbox *o)
{
	int room = LIMIT_OUTBOX_BATCH;

	if (!send_targets(o, &room) || !send_processes(o, &room))
		return !o->gone;
	if (o->ready) {
		struct tracer_message m = { .type = MSG_READY };
		o->ready = !send_one(o, &m);
	}
	if (o->state) {
		struct tracer_message m = { .type = MSG_STATE, .state = o->paused };
		o->state = !send_one(o, &m);
	}
	send_refused(o);
	return !o->gone;
}

bool outbox_pending(const struct outbox *o)
{
	return o->targets || o->told_pending || o->ready || o->state;
}
