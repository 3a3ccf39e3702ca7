// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/target.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "event.h"
#include "limits.h"
#include "log.h"
#include "trace/attach.h"
#include "trace/inspect.h"
#include "trace/message.h"

/* A file that was looked at. Time and size tell one that was written anew in place. */
struct seen {
	uint64_t dev, inode;
	struct timespec mtime;
	off_t size;
	uint32_t target; /* 0: nothing to probe */
};

struct target {
	int fd;
	struct attachment attachment;
};

struct targets {
	const struct load *load;
	uid_t uid;
	gid_t gid;
	target_fn *fn;
	void *ctx;
	struct inspection plan; /* of the file at hand; too large for the stack */
	struct seen *seen;	/* open addressing, LIMIT_FILES_SEEN slots */
	size_t seen_count;
	struct target target[EV_TARGETS_MAX];
	uint32_t last; /* number of the newest target */
	unsigned attached;
};

struct targets *targets_new(const struct load *load, uid_t uid, gid_t gid, target_fn *fn, void *ctx)
{
	struct targets *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->seen = calloc(LIMIT_FILES_SEEN, sizeof(*t->seen));
	if (!t->seen) {
		free(t);
		return NULL;
	}
	t->load = load;
	t->uid = uid;
	t->gid = gid;
	t->fn = fn;
	t->ctx = ctx;
	return t;
}

void targets_free(struct targets *t)
{
	if (!t)
		return;
	for (uint32_t i = 1; i <= t->last; i++) {
		attach_close(&t->target[i].attachment);
		if (t->target[i].fd > 0)
			close(t->target[i].fd);
	}
	free(t->seen);
	free(t);
}

static struct seen *slot_of(const struct targets *t, uint64_t dev, uint64_t inode)
{
	uint64_t h = (inode ^ dev << 32) * 0x9e3779b97f4a7c15ULL;

	for (size_t i = h >> 40;; i++) {
		struct seen *s = &t->seen[i % LIMIT_FILES_SEEN];
		if (!s->inode || (s->inode == inode && s->dev == dev))
			return s;
	}
}

int targets_find(const struct targets *t, uint64_t dev, uint64_t inode)
{
	const struct seen *s = slot_of(t, dev, inode);

	return s->inode ? (int)s->target : -ENOENT;
}

static struct seen *remember(struct targets *t, const struct stat *st)
{
	if (t->seen_count > LIMIT_FILES_SEEN / 2) { /* start over: files will be looked at again */
		log_warn("more than %u files looked at; forgetting those without a TLS library",
			 LIMIT_FILES_SEEN / 2);
		struct seen *old = t->seen;
		t->seen = calloc(LIMIT_FILES_SEEN, sizeof(*t->seen));
		if (!t->seen) {
			t->seen = old;
			return NULL;
		}
		t->seen_count = 0;
		for (size_t i = 0; i < LIMIT_FILES_SEEN; i++) {
			if (old[i].target) {
				*slot_of(t, old[i].dev, old[i].inode) = old[i];
				t->seen_count++;
			}
		}
		free(old);
	}
	struct seen *s = slot_of(t, st->st_dev, st->st_ino);
	t->seen_count += !s->inode;
	*s = (struct seen){ st->st_dev, st->st_ino, st->st_mtim, st->st_size, 0 };
	return s;
}

static void tell(struct targets *t, uint32_t n, const struct stat *st, const char *path,
		 uint32_t state, const char *reason)
{
	static const char *const library[] = { "", "openssl", "boringssl", "go" };
	const struct inspection *plan = &t->plan;
	struct message m = { .type = MSG_TARGET,
			     .target = n,
			     .state = state,
			     .points = plan->points,
			     .dev = st->st_dev,
			     .inode = st->st_ino };
	size_t len = strlen(path), skip = len < sizeof(m.path) ? 0 : len - sizeof(m.path) + 1;

	snprintf(m.library, sizeof(m.library), "%s", library[plan->family & 3]);
	snprintf(m.version, sizeof(m.version), "%s", plan->version);
	snprintf(m.path, sizeof(m.path), "%s", path + skip);
	snprintf(m.plan, sizeof(m.plan), "%s", plan->plan);
	snprintf(m.reason, sizeof(m.reason), "%s", reason);
	t->fn(t->ctx, &m);
}

static bool wants_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return inspect_wants_library(slash ? slash + 1 : path);
}

/* Is this a file that a user would expect to be read, so that its failure should be shown? */
static bool of_interest(const char *path, const struct inspection *plan)
{
	return plan->family != INSPECT_NONE || wants_name(path);
}

static int attach_new(struct targets *t, int fd, const struct stat *st, const char *path)
{
	uint32_t n = t->last + 1;
	struct target *target = &t->target[n];
	int err = attach_file(t->load, fd, &t->plan, n, &target->attachment);

	t->last = n;
	if (err) {
		char reason[160];
		snprintf(reason, sizeof(reason), "the kernel refused the probes: %s",
			 strerror(-err));
		log_warn("attach to %s: %s; its traffic will not be read", path, strerror(-err));
		tell(t, n, st, path, TARGET_FAILED, reason);
		return err;
	}
	target->fd = fd;
	t->attached++;
	log_debug("attached to %s (%s): %s", path, t->plan.version, t->plan.plan);
	tell(t, n, st, path, TARGET_ATTACHED, "");
	return (int)n;
}

static bool same_content(const struct seen *s, const struct stat *st)
{
	return s->size == st->st_size && s->mtime.tv_sec == st->st_mtim.tv_sec &&
	       s->mtime.tv_nsec == st->st_mtim.tv_nsec;
}

int targets_add_take(struct targets *t, int fd, const char *path)
{
	struct stat st;
	int n = 0;

	if (fstat(fd, &st) || !S_ISREG(st.st_mode))
		goto close;
	n = targets_find(t, st.st_dev, st.st_ino);
	const struct seen *old = slot_of(t, st.st_dev, st.st_ino);
	if (n >= 0 && same_content(old, &st))
		goto close;
	if (n > 0) {
		attach_close(&t->target[n].attachment);
		t->attached--;
		tell(t, (uint32_t)n, &st, path, TARGET_DETACHED, "the file was written anew");
	}
	struct seen *s = remember(t, &st);
	memset(&t->plan, 0, sizeof(t->plan));
	int err = 0;
	if (wants_name(path) || inspect_may_find(fd))
		err = inspect_file(fd, t->uid, t->gid, &t->plan);
	if (err)
		snprintf(t->plan.reason, sizeof(t->plan.reason), "not analysed: %s",
			 strerror(-err));
	n = 0;
	if (t->plan.points && t->last + 1 < EV_TARGETS_MAX) {
		n = attach_new(t, fd, &st, path);
		if (n > 0) {
			if (s)
				s->target = (uint32_t)n;
			return n;
		}
	} else if (of_interest(path, &t->plan) && t->last + 1 < EV_TARGETS_MAX) {
		tell(t, ++t->last, &st, path, TARGET_SKIPPED, t->plan.reason);
	}
close:
	close(fd);
	return n;
}

unsigned targets_attached(const struct targets *t)
{
	return t->attached;
}
