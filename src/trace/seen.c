// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/seen.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "base/log.h"

enum { LOOK_EVERY_MS = 1000 };

int seen_open(struct seen_files *s)
{
	s->count = 0;
	s->slot = calloc(LIMIT_FILES_SEEN, sizeof(*s->slot));
	return s->slot ? 0 : -ENOMEM;
}

void seen_close(struct seen_files *s)
{
	free(s->slot);
	s->slot = NULL;
}

struct seen *seen_slot(const struct seen_files *s, uint64_t dev, uint64_t inode)
{
	uint64_t h = (inode ^ dev << 32) * 0x9e3779b97f4a7c15ULL;

	for (size_t i = h >> 40;; i++) {
		struct seen *f = &s->slot[i % LIMIT_FILES_SEEN];
		if (!f->inode || (f->inode == inode && f->dev == dev))
			return f;
	}
}

bool seen_same_content(const struct seen *f, const struct stat *st)
{
	return f->size == st->st_size && f->mtime.tv_sec == st->st_mtim.tv_sec &&
	       f->mtime.tv_nsec == st->st_mtim.tv_nsec;
}

bool seen_lately(const struct seen *f, int64_t now)
{
	return f->inode && f->size >= 0 && now - f->checked < LIMIT_SEEN_MS;
}

/* Files without target and job will be looked at again. */
static bool forget(struct seen_files *s)
{
	struct seen *old = s->slot;

	log_warn("more than %u files looked at; forgetting those without a TLS library",
		 LIMIT_FILES_SEEN / 2);
	if (seen_open(s)) {
		s->slot = old;
		s->count = LIMIT_FILES_SEEN / 2;
		return false;
	}
	for (size_t i = 0; i < LIMIT_FILES_SEEN; i++) {
		if (!old[i].target && !old[i].job)
			continue;
		*seen_slot(s, old[i].dev, old[i].inode) = old[i];
		s->count++;
	}
	free(old);
	return true;
}

struct seen *seen_remember(struct seen_files *s, const struct stat *st, int64_t now)
{
	if (s->count > LIMIT_FILES_SEEN / 2 && !forget(s))
		return NULL;
	struct seen *f = seen_slot(s, st->st_dev, st->st_ino);
	s->count += !f->inode;
	*f = (struct seen){ .dev = st->st_dev,
			    .inode = st->st_ino,
			    .mtime = st->st_mtim,
			    .size = st->st_size,
			    .looks = f->looks,
			    .since = f->since,
			    .checked = now };
	return f;
}

bool seen_may_look(struct seen *f, int64_t now)
{
	int64_t passed = (now - f->since) / LOOK_EVERY_MS;

	if (passed >= f->looks) {
		f->looks = 0;
		f->since = now;
	} else if (passed > 0) {
		f->looks -= (unsigned)passed;
		f->since += passed * LOOK_EVERY_MS;
	}
	if (f->looks == LIMIT_CHANGES_BURST)
		return false;
	f->looks++;
	return true;
}
