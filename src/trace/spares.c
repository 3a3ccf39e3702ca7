// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/spares.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
	bool hurried;
};

/*
 * A child has the priority of the thread until it has executed itself; what it then does before
 * there is a file for it can wait.
 */
static void *work(void *ctx)
{
	const struct sched_param none = { 0 };
	struct spares *s = ctx;
	char c;

	while (read(s->order[0], &c, 1) == 1) {
		struct made m;

		memset(&m, 0, sizeof(m));
		m.error = inspect_child_new(s->uid, s->gid, &m.child);
		if (!m.error)
			sched_setscheduler(m.child.pid, SCHED_OTHER, &none);
		if (write(s->made[1], &m, sizeof(m)) != sizeof(m))
			break;
	}
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
