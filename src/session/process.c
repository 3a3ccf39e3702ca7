// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/hash.h"
#include "session/process.h"

#define BUCKETS	 4096
#define USES_MIN 8

int processes_init(struct processes *t)
{
	*t = (struct processes){ .size = BUCKETS };
	t->buckets = calloc(t->size, sizeof(*t->buckets));
	return t->buckets ? 0 : -ENOMEM;
}

static struct process **slot(const struct processes *t, uint32_t tgid)
{
	return &t->buckets[hash_words(tgid, 0) & (t->size - 1)];
}

struct process *processes_find(const struct processes *t, uint32_t tgid)
{
	struct process *p = *slot(t, tgid);

	while (p && p->tgid != tgid)
		p = p->next;
	return p;
}

static void unlink_hash(struct processes *t, struct process *p)
{
	struct process **at = slot(t, p->tgid);

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	t->count--;
}

static void leave_unused(struct processes *t, struct process *p)
{
	*(p->older ? &p->older->newer : &t->oldest) = p->newer;
	*(p->newer ? &p->newer->older : &t->newest) = p->older;
	p->older = p->newer = NULL;
	t->unused--;
}

static void join_unused(struct processes *t, struct process *p)
{
	p->older = t->newest;
	*(t->newest ? &t->newest->newer : &t->oldest) = p;
	t->newest = p;
	t->unused++;
}

static void process_free(struct processes *t, struct process *p)
{
	t->uses_bytes -= p->uses_size * sizeof(*p->uses);
	free(p->container);
	free(p->uses);
	free(p);
}

/* The one that had nothing for the longest time makes room. */
static void drop_oldest(struct processes *t)
{
	struct process *p = t->oldest;

	leave_unused(t, p);
	unlink_hash(t, p);
	process_free(t, p);
}

struct process *processes_get(struct processes *t, uint32_t tgid)
{
	struct process *p = processes_find(t, tgid);

	if (p)
		return p;
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->tgid = tgid;
	p->next = *slot(t, tgid);
	*slot(t, tgid) = p;
	t->count++;
	if (t->unused >= LIMIT_SESSION_PROCESSES)
		drop_oldest(t);
	join_unused(t, p);
	return p;
}

void process_ref(struct processes *t, struct process *p)
{
	if (!p->refs++ && !p->dead)
		leave_unused(t, p);
}

void process_unref(struct processes *t, struct process *p)
{
	if (--p->refs)
		return;
	if (p->dead)
		process_free(t, p);
	else
		join_unused(t, p);
}

void process_end(struct processes *t, struct process *p)
{
	unlink_hash(t, p);
	p->dead = true;
	if (p->refs)
		return;
	leave_unused(t, p);
	process_free(t, p);
}

void processes_free(struct processes *t)
{
	for (size_t i = 0; t->buckets && i < t->size; i++) {
		for (struct process *p = t->buckets[i], *next; p; p = next) {
			next = p->next;
			process_free(t, p);
		}
	}
	free(t->buckets);
}

static struct use *find_use(struct use *uses, size_t size, uint64_t conn)
{
	size_t i = hash_words(conn, 1) & (size - 1);

	while (uses[i].count && uses[i].conn != conn)
		i = (i + 1) & (size - 1);
	return &uses[i];
}

static int grow_uses(struct processes *t, struct process *p)
{
	size_t size = p->uses_size ? 2 * p->uses_size : USES_MIN;
	size_t more = (size - p->uses_size) * sizeof(struct use);
	struct use *uses =
		t->uses_bytes + more <= LIMIT_REUSED_BYTES ? calloc(size, sizeof(*uses)) : NULL;

	if (!uses)
		return -ENOMEM;
	for (size_t i = 0; i < p->uses_size; i++)
		if (p->uses[i].count)
			*find_use(uses, size, p->uses[i].conn) = p->uses[i];
	free(p->uses);
	t->uses_bytes += more;
	p->uses = uses;
	p->uses_size = size;
	return 0;
}

/* Room for one more; past a bound all are forgotten, and every number from now on is new. */
static int make_room(struct processes *t, struct process *p)
{
	bool full = p->uses_count >= LIMIT_REUSED_CONNS;

	if (!full && (2 * (p->uses_count + 1) <= p->uses_size || !grow_uses(t, p)))
		return 0;
	if (p->uses_size)
		memset(p->uses, 0, p->uses_size * sizeof(*p->uses));
	p->uses_count = 0;
	p->floor = p->highest;
	return p->uses_size ? 0 : -ENOMEM;
}

uint32_t process_number(struct processes *t, struct process *p, uint64_t conn)
{
	if (make_room(t, p))
		return p->floor = ++p->highest;
	struct use *u = find_use(p->uses, p->uses_size, conn);
	if (!u->count) {
		*u = (struct use){ conn, p->floor };
		p->uses_count++;
	}
	if (++u->count > p->highest)
		p->highest = u->count;
	return u->count;
}
