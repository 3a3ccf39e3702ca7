// SPDX-License-Identifier: GPL-2.0-or-later
#include "context/registry.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "event.h"
#include "base/limits.h"
#include "trace/message.h"

struct registry {
	pthread_mutex_t lock;
	struct message *target[EV_TARGETS_MAX]; /* the newest MSG_TARGET by number */
	struct message *process;		/* MSG_PROCESS, in no order */
	size_t processes, capacity;
	bool ready, paused;
};

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

static void set_target(struct registry *r, const struct message *m)
{
	if (m->target >= EV_TARGETS_MAX)
		return;
	if (!r->target[m->target])
		r->target[m->target] = malloc(sizeof(*m));
	if (r->target[m->target])
		*r->target[m->target] = *m;
}

static void add_process(struct registry *r, const struct message *m)
{
	if (r->processes == r->capacity) {
		size_t capacity = r->capacity ? 2 * r->capacity : 64;
		if (capacity > LIMIT_TOLD_PROCESSES)
			return;
		struct message *more = realloc(r->process, capacity * sizeof(*more));
		if (!more)
			return;
		r->process = more;
		r->capacity = capacity;
	}
	r->process[r->processes++] = *m;
}

static void remove_process(struct registry *r, const struct message *m)
{
	for (size_t i = 0; i < r->processes;) {
		if (r->process[i].tgid == m->tgid && r->process[i].target == m->target)
			r->process[i] = r->process[--r->processes];
		else
			i++;
	}
}

void registry_tell(struct registry *r, const struct message *m)
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

static int put_process(struct buf *out, const struct message *m)
{
	const char *slash = strrchr(m->path, '/');
	int r = buf_printf(out, "{\"pid\":%u", m->tgid);

	/* Entries go by the name of the main thread; a file may be called otherwise. */
	r = r ? r
	      : buf_put_member(out, "process",
			       *m->comm ? m->comm
			       : slash	? slash + 1
					: m->path);
	r = r ? r : buf_put_member(out, "exe", m->path);
	r = r ? r : buf_put_member(out, "container", m->container);
	return r ? r : buf_putc(out, '}');
}

static int put_target(struct registry *r, const struct message *m, uint64_t hits, struct buf *out)
{
	static const char *const states[] = { "", "attached", "skipped", "failed", "detached" };
	int err =
		buf_printf(out, "{\"id\":%u,\"points\":%u,\"hits\":%" PRIu64 ",\"inode\":%" PRIu64,
			   m->target, m->points, hits, m->inode);
	bool first = true;

	err = err ? err : buf_put_member(out, "path", m->path);
	err = err ? err : buf_put_member(out, "library", m->library);
	err = err ? err : buf_put_member(out, "version", m->version);
	err = err ? err
		  : buf_put_member(out, "state",
				   states[m->state <= TARGET_DETACHED ? m->state : 0]);
	err = err ? err : buf_put_member(out, "plan", m->plan);
	err = err ? err : buf_put_member(out, "reason", m->reason);
	err = err ? err : buf_puts(out, ",\"processes\":[");
	for (size_t i = 0; !err && i < r->processes; i++) {
		if (r->process[i].target != m->target)
			continue;
		err = first ? 0 : buf_putc(out, ',');
		err = err ? err : put_process(out, &r->process[i]);
		first = false;
	}
	return err ? err : buf_puts(out, "]}");
}

int registry_put_json(struct registry *r, registry_hits_fn *hits, void *ctx, struct buf *out)
{
	int err = buf_puts(out, "{\"targets\":[");
	bool first = true;

	pthread_mutex_lock(&r->lock);
	for (uint32_t i = 0; !err && i < EV_TARGETS_MAX; i++) {
		if (!r->target[i])
			continue;
		err = first ? 0 : buf_putc(out, ',');
		err = err ? err : put_target(r, r->target[i], hits(ctx, i), out);
		first = false;
	}
	pthread_mutex_unlock(&r->lock);
	return err ? err : buf_puts(out, "]}");
}

/* A label's value in the Prometheus text format. */
static int put_label(struct buf *out, const char *name, const char *text)
{
	int err = buf_printf(out, "%s=\"", name);

	for (; !err && *text; text++) {
		if (*text == '\n')
			err = buf_puts(out, "\\n");
		else if (*text == '"' || *text == '\\')
			err = buf_printf(out, "\\%c", *text);
		else
			err = buf_putc(out, *text);
	}
	return err ? err : buf_putc(out, '"');
}

int registry_put_metrics(struct registry *r, registry_hits_fn *hits, void *ctx, struct buf *out)
{
	int err =
		buf_puts(out, "# HELP cleartap_probe_hits_total Calls seen through a probed file.\n"
			      "# TYPE cleartap_probe_hits_total counter\n");

	pthread_mutex_lock(&r->lock);
	for (uint32_t i = 0; !err && i < EV_TARGETS_MAX; i++) {
		const struct message *m = r->target[i];
		if (!m || m->state != TARGET_ATTACHED)
			continue;
		err = buf_printf(out, "cleartap_probe_hits_total{target=\"%u\",", i);
		err = err ? err : put_label(out, "path", m->path);
		err = err ? err : buf_putc(out, ',');
		err = err ? err : put_label(out, "library", m->library);
		err = err ? err : buf_printf(out, "} %" PRIu64 "\n", hits(ctx, i));
	}
	pthread_mutex_unlock(&r->lock);
	return err;
}
