// SPDX-License-Identifier: GPL-2.0-or-later
#include "context/registry.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event.h"
#include "base/limits.h"
#include "trace/tracer_message.h"

struct registry {
	pthread_mutex_t lock;
	struct tracer_message *target[EV_TARGETS_MAX]; /* the newest MSG_TARGET by number */
	struct tracer_message *process;		       /* MSG_PROCESS, in no order */
	size_t processes, capacity;
	bool ready, paused;
	struct left_out left_out[REGISTRY_CAUSES]; /* by enum refusal */
};
_Static_assert(REFUSED_COUNT <= REGISTRY_CAUSES, "causes");

struct registry *registry_new(void)
{
	struct registry *r = calloc(1, sizeof(*r));

	if (r)
		pthread_mutex_init(&r->lock, NULL);
	return r;
}

void registry_free(struct registry *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < EV_TARGETS_MAX; i++)
		free(r->target[i]);
	free(r->process);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

static void set_target(struct registry *r, const struct tracer_message *m)
{
	if (m->target >= EV_TARGETS_MAX)
		return;
	if (!r->target[m->target])
		r->target[m->target] = malloc(sizeof(*m));
	if (r->target[m->target])
		*r->target[m->target] = *m;
}

static void add_process(struct registry *r, const struct tracer_message *m)
{
	if (r->processes == r->capacity) {
		size_t capacity = r->capacity ? 2 * r->capacity : 64;
		if (capacity > LIMIT_TOLD_PROCESSES)
			return;
		struct tracer_message *more = realloc(r->process, capacity * sizeof(*more));
		if (!more)
			return;
		r->process = more;
		r->capacity = capacity;
	}
	r->process[r->processes++] = *m;
}

static void remove_process(struct registry *r, const struct tracer_message *m)
{
	for (size_t i = 0; i < r->processes;) {
		if (r->process[i].tgid == m->tgid && r->process[i].target == m->target)
			r->process[i] = r->process[--r->processes];
		else
			i++;
	}
}

static void set_left_out(struct registry *r, const struct tracer_message *m)
{
	if (m->state >= REFUSED_COUNT)
		return;
	struct left_out *l = &r->left_out[m->state];

	snprintf(l->cause, sizeof(l->cause), "%.*s", (int)sizeof(l->cause) - 1, m->reason);
	l->count = m->count;
	l->owner = m->owner;
}

void registry_tell(struct registry *r, const struct tracer_message *m)
{
	pthread_mutex_lock(&r->lock);
	switch (m->type) {
	case MSG_TARGET:
		set_target(r, m);
		break;
	case MSG_PROCESS:
		add_process(r, m);
		break;
	case MSG_PROCESS_EXIT:
		remove_process(r, m);
		break;
	case MSG_READY:
		r->ready = true;
		break;
	case MSG_STATE:
		r->paused = m->state;
		break;
	case MSG_REFUSED:
		set_left_out(r, m);
		break;
	}
	pthread_mutex_unlock(&r->lock);
}

bool registry_ready(struct registry *r)
{
	pthread_mutex_lock(&r->lock);
	bool ready = r->ready;
	pthread_mutex_unlock(&r->lock);
	return ready;
}

bool registry_paused(struct registry *r)
{
	pthread_mutex_lock(&r->lock);
	bool paused = r->paused;
	pthread_mutex_unlock(&r->lock);
	return paused;
}

size_t registry_count(struct registry *r, uint32_t state)
{
	size_t n = 0;

	pthread_mutex_lock(&r->lock);
	for (size_t i = 0; i < EV_TARGETS_MAX; i++)
		n += r->target[i] && r->target[i]->state == state;
	pthread_mutex_unlock(&r->lock);
	return n;
}

struct registry_sight registry_sight(struct registry *r, uint32_t tgid)
{
	struct registry_sight ret = { 0 };

	pthread_mutex_lock(&r->lock);
	for (size_t i = 0; i < r->processes; i++) {
		const struct tracer_message *t =
			r->process[i].tgid == tgid ? r->target[r->process[i].target] : NULL;
		if (!t)
			continue;
		ret.attached |= t->state == TARGET_ATTACHED;
		ret.left_out |= t->state != TARGET_ATTACHED;
		ret.stripped |= t->state == TARGET_SKIPPED && strstr(t->reason, "symbol");
	}
	pthread_mutex_unlock(&r->lock);
	return ret;
}

size_t registry_left_out(struct registry *r, struct left_out ret[REGISTRY_CAUSES])
{
	size_t n = 0;

	pthread_mutex_lock(&r->lock);
	for (size_t i = 0; i < REFUSED_COUNT; i++)
		if (r->left_out[i].count)
			ret[n++] = r->left_out[i];
	pthread_mutex_unlock(&r->lock);
	return n;
}

static struct probed_process process_of(const struct tracer_message *m)
{
	const char *slash = strrchr(m->path, '/');

	/* Entries go by the name of the main thread; a file may be called otherwise. */
	return (struct probed_process){
		.pid = m->tgid,
		.name = *m->comm ? m->comm
			: slash	 ? slash + 1
				 : m->path,
		.exe = m->path,
		.container = m->container,
	};
}

static struct probed_file file_of(const struct tracer_message *m, uint64_t hits)
{
	static const char *const states[] = { "", "attached", "skipped", "failed", "detached" };

	bool attached = m->state == TARGET_ATTACHED;

	return (struct probed_file){
		.id = m->target,
		.points = m->points,
		.attached = attached,
		.hits = hits,
		.inode = m->inode,
		.missed = m->missed,
		.again = m->again,
		.delay_us = m->delay_us,
		.path = m->path,
		.library = m->library,
		.version = m->version,
		.plan = m->plan,
		/* A program may have a library and use another. */
		.reason =
			attached && !hits && !*m->reason ? "attached, no call seen yet" : m->reason,
		.state = states[m->state <= TARGET_DETACHED ? m->state : 0],
	};
}

/* `processes` has room for all of them. */
static int hand_out(const struct registry *r, const struct tracer_message *m, uint64_t hits,
		    struct probed_process *processes, probed_file_fn *fn, void *ctx)
{
	struct probed_file f = file_of(m, hits);

	f.processes = processes;
	for (size_t i = 0; i < r->processes; i++)
		if (r->process[i].target == m->target)
			processes[f.process_count++] = process_of(&r->process[i]);
	return fn(ctx, &f);
}

int registry_each(struct registry *r, registry_hits_fn *hits, void *hits_ctx, probed_file_fn *fn,
		  void *ctx)
{
	int err = 0;

	pthread_mutex_lock(&r->lock);
	struct probed_process *processes = calloc(r->processes + 1, sizeof(*processes));
	if (!processes)
		err = -ENOMEM;
	for (uint32_t i = 0; !err && i < EV_TARGETS_MAX; i++)
		if (r->target[i])
			err = hand_out(r, r->target[i], hits(hits_ctx, i), processes, fn, ctx);
	pthread_mutex_unlock(&r->lock);
	free(processes);
	return err;
}
