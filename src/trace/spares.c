// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/spares.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "trace/inspect_child.h"

/* A child that was made, as it goes through the pipe. */
struct made {
	int error;
	struct inspect_child child;
};

struct spares {
	uid_t uid;
	gid_t gid;
	int order[2]; /* a byte for each that is wanted */
	int made[2];  /* struct made */
	pthread_t thread;
	_Atomic bool hurried;
	struct inspect_mother mother; /* of the thread */
	unsigned children;	      /* that she has had */
	bool mother_hurried;
};

/* Children have none of it: what they do before there is a file for them can wait. */
static void hurry_mother(struct spares *s)
{
	bool on = s->hurried;
	const struct sched_param p = { .sched_priority = on };

	if (s->mother_hurried != on)
		sched_setscheduler(s->mother.pid, on ? SCHED_RR | SCHED_RESET_ON_FORK : SCHED_OTHER,
				   &p);
	s->mother_hurried = on;
}

static int make_one(struct spares *s, struct inspect_child *ret)
{
	if (!s->mother.pid) {
		int err = inspect_mother_new(s->uid, s->gid, &s->mother);
		if (err)
			return err;
		s->children = 0;
		s->mother_hurried = !s->hurried; /* she may have what this thread has */
	}
	hurry_mother(s);
	int err = inspect_child_new(&s->mother, ret);
	if (err || ++s->children == LIMIT_INSPECT_MOTHER)
		inspect_mother_end(&s->mother);
	return err;
}

static void *work(void *ctx)
{
	struct spares *s = ctx;
	char c;

	while (read(s->order[0], &c, 1) == 1) {
		struct made m;

		memset(&m, 0, sizeof(m));
		m.error = make_one(s, &m.child);
		if (m.error) /* somebody may have killed her */
			m.error = make_one(s, &m.child);
		if (write(s->made[1], &m, sizeof(m)) != sizeof(m))
			break;
	}
	inspect_mother_end(&s->mother);
	return NULL;
}

static void close_both(const int ends[2])
{
	for (int i = 0; i < 2; i++) {
		if (ends[i] >= 0)
			close(ends[i]);
	}
}

struct spares *spares_new(uid_t uid, gid_t gid)
{
	struct spares *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	*s = (struct spares){ .uid = uid, .gid = gid, .order = { -1, -1 }, .made = { -1, -1 } };
	if (!pipe2(s->order, O_CLOEXEC) && !pipe2(s->made, O_CLOEXEC) &&
	    !fcntl(s->made[0], F_SETFL, O_NONBLOCK) && !pthread_create(&s->thread, NULL, work, s))
		return s;
	close_both(s->order);
	close_both(s->made);
	free(s);
	return NULL;
}

void spares_free(struct spares *s)
{
	struct inspect_child c;
	int r;

	if (!s)
		return;
	close(s->order[1]);
	pthread_join(s->thread, NULL);
	while ((r = spares_take(s, &c)) != -EAGAIN) {
		while (!r && !inspect_child_end(&c))
			usleep(100);
	}
	close(s->order[0]);
	close_both(s->made);
	free(s);
}

int spares_order(struct spares *s)
{
	return write(s->order[1], "", 1) == 1 ? 0 : -errno;
}

int spares_take(struct spares *s, struct inspect_child *ret)
{
	struct made m;

	if (read(s->made[0], &m, sizeof(m)) != sizeof(m))
		return -EAGAIN;
	if (!m.error)
		*ret = m.child;
	return m.error;
}

int spares_fd(const struct spares *s)
{
	return s->made[0];
}

void spares_hurry(struct spares *s, bool on)
{
	const struct sched_param p = { .sched_priority = on };

	if (s->hurried != on)
		pthread_setschedparam(s->thread, on ? SCHED_RR : SCHED_OTHER, &p);
	s->hurried = on;
}
