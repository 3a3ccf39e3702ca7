// SPDX-License-Identifier: GPL-2.0-or-later
#include "api_entries.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "api/api.h"
#include "base/limits.h"
#include "entry.h"
#include "kinds.h"
#include "store/store.h"
#include "synthetic.h"

#define MIX_BODY 600

static int64_t wall_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int64_t next_time(struct entries *s)
{
	int64_t us = s->clock_us ? s->clock_us : wall_us();

	s->clock_us += s->step_us;
	return us;
}

/* Store and tell, and give the entries back. */
static int put(struct entries *s, struct entry **batch, size_t n)
{
	int r = store_append(s->store, batch, n);

	if (!r)
		api_publish(s->api, batch, n);
	for (size_t i = 0; i < n; i++)
		entry_free(batch[i]);
	return r;
}

/* As --split-ends shows the other end: another connection, its own time. */
static void see_as_server(struct entry *e)
{
	e->role = e->ends = "server";
	e->timestamp_us += 20;
	e->connection = entry_printf(e, "777-%s", e->connection + 5);
}

int entries_append(struct entries *s, uint64_t count)
{
	struct entry *batch[LIMIT_BATCH];
	int r = 0;

	while (!r && count) {
		size_t n = count < LIMIT_BATCH ? count : LIMIT_BATCH;
		for (size_t i = 0; i < n; i++) {
			s->made += !s->split || i % 2 == 0;
			batch[i] = kind_entry(s->made, next_time(s), s->small, s->huge);
			if (s->both)
				batch[i]->ends = "both";
			if (s->split && i % 2)
				see_as_server(batch[i]);
		}
		r = put(s, batch, n);
		count -= n;
	}
	return r;
}

/* A version of one that lives: while it is open, its answer is on the way and grows. */
static struct entry *make_version(const struct entries *s, const struct living *l, bool open)
{
	struct entry *e = kind_entry(l->n, l->timestamp_us, s->small, s->huge);

	e->live = l->n;
	e->open = open;
	if (!open)
		return e;
	e->complete = false;
	e->reason = "";
	e->status = "";
	e->status_code = 0;
	e->response_size = (int64_t)l->told;
	buf_reset(&e->response_body);
	return e;
}

int entries_tell_again(struct entries *s, size_t count, bool open)
{
	struct entry *batch[LIMIT_BATCH];
	size_t n = count < s->lives ? count : s->lives;

	n = n < LIMIT_BATCH ? n : LIMIT_BATCH;
	for (size_t i = 0; i < n; i++) {
		s->living[i].told++;
		batch[i] = make_version(s, &s->living[i], open);
	}
	if (!open) {
		s->lives -= n;
		memmove(s->living, s->living + n, s->lives * sizeof(*s->living));
	}
	return put(s, batch, n);
}

int entries_begin(struct entries *s, size_t count)
{
	struct entry *batch[LIMIT_BATCH];
	size_t n = 0;

	for (; n < count && n < LIMIT_BATCH && s->lives < LIVING_MAX; n++) {
		struct living *l = &s->living[s->lives++];
		*l = (struct living){ .n = ++s->made, .timestamp_us = next_time(s) };
		batch[n] = make_version(s, l, true);
	}
	return put(s, batch, n);
}

/* What the tail of a fill command says: which entries of the mix are changed, and how. */
struct change {
	uint64_t every; /* 0: none */
	json_t *fields;
};

static struct entry *next_of_mix(struct entries *s, int64_t t, const struct change *c, uint64_t i)
{
	struct entry *e = synthetic_entry(++s->mixed, t, MIX_BODY);
	const char *name = "";

	if (c->every && i % c->every == 0 && synthetic_set(e, c->fields, &name))
		fprintf(stderr, "# no such field: %s\n", name);
	return e;
}

static int fill(struct entries *s, uint64_t count, int64_t step_us, const struct change *c)
{
	struct entry *batch[LIMIT_BATCH];
	int64_t t = s->clock_us ? s->clock_us : wall_us() - (int64_t)count * step_us;
	int r = 0;

	for (uint64_t i = 0; !r && i < count;) {
		size_t n = 0;
		for (; n < LIMIT_BATCH && i < count; n++)
			batch[n] = next_of_mix(s, t += step_us, c, ++i);
		r = put(s, batch, n);
	}
	if (s->clock_us)
		s->clock_us = t;
	return r;
}

int entries_fill(struct entries *s, const char *arguments)
{
	struct change c = { 0 };
	uint64_t count;
	int64_t step_us;
	int at = 0;
	int n = sscanf(arguments, "%" SCNu64 " %" SCNd64 " %" SCNu64 " %n", &count, &step_us,
		       &c.every, &at);

	if (n < 2 || (c.every && !(c.fields = json_loads(arguments + at, 0, NULL))))
		return -EINVAL;
	int r = fill(s, count, step_us, &c);
	json_decref(c.fields);
	return r;
}

int entries_add(struct entries *s, const char *json, int64_t *ret_id, const char **ret_name)
{
	struct entry *e = synthetic_entry(++s->mixed, wall_us(), MIX_BODY);
	json_t *fields = json_loads(json, JSON_ALLOW_NUL, NULL);
	int r = -EINVAL;

	*ret_name = "not JSON";
	if (!fields)
		goto out;
	r = synthetic_set(e, fields, ret_name);
	if (r)
		goto out;
	*ret_name = "not stored";
	r = store_append(s->store, &e, 1);
	if (r)
		goto out;
	api_publish(s->api, &e, 1);
	*ret_id = e->id;
out:
	json_decref(fields);
	entry_free(e);
	return r;
}
