// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/mounts.h"

#include <stdlib.h>

#include "base/limits.h"

enum { MEMBERS = 8 };

struct mounts {
	mounts_fn *namespace_of;
	size_t count, next;
	struct mount {
		ino_t ns;
		uint32_t member[MEMBERS]; /* processes that were seen in it, 0: none */
	} mount[LIMIT_MOUNT_NAMESPACES];
};

struct mounts *mounts_new(mounts_fn *namespace_of)
{
	struct mounts *m = calloc(1, sizeof(*m));

	if (m)
		m->namespace_of = namespace_of;
	return m;
}

void mounts_free(struct mounts *m)
{
	free(m);
}

/*
 * Take the place of one that has left it. Long-lived members come first, so one look is mostly
 * enough. False: all that were known have left, and the number may be that of another namespace.
 */
static bool join(const struct mounts *m, struct mount *o, uint32_t tgid)
{
	bool others = false;
	int place = -1;

	for (int i = 0; i < MEMBERS; i++) {
		if (o->member[i] == tgid)
			return true;
	}
	for (int i = 0; i < MEMBERS && !(others && place >= 0); i++) {
		if (!o->member[i])
			place = i;
		else if (others)
			continue;
		else if (m->namespace_of(o->member[i]) == o->ns)
			others = true;
		else
			place = i;
	}
	if (place >= 0)
		o->member[place] = tgid;
	return others;
}

bool mounts_first_seen(struct mounts *m, uint32_t tgid, ino_t ns)
{
	if (!ns)
		return false;
	for (size_t i = 0; i < m->count; i++) {
		if (m->mount[i].ns == ns)
			return !join(m, &m->mount[i], tgid);
	}
	/* Past the bound the oldest is forgotten: looking twice is harmless. */
	struct mount *o = &m->mount[m->next++ % LIMIT_MOUNT_NAMESPACES];
	*o = (struct mount){ .ns = ns, .member = { tgid } };
	if (m->count < LIMIT_MOUNT_NAMESPACES)
		m->count++;
	return true;
}
