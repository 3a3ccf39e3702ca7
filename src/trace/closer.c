// SPDX-License-Identifier: GPL-2.0-or-later
#include "trace/closer.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/log.h"

struct closing {
	struct attachment attachment;
	int fd;
	struct closing *next;
};

/* The kernel takes out multi links side by side, perf events one after another whoever asks. */
enum lane_kind { LANE_MULTI, LANE_PERF, LANES };

struct lane {
	struct closer *closer;
	struct closing *first;
	size_t threads, threads_max;
};

struct closer {
	pthread_mutex_t lock;
	pthread_cond_t idle;
	bool leaving; /* what is not out yet stays in its lane */
	struct lane lane[LANES];
};

struct closer *closer_new(void)
{
	struct closer *c = calloc(1, sizeof(*c));
	pthread_condattr_t monotonic;

	if (!c)
		return NULL;
	pthread_mutex_init(&c->lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&c->idle, &monotonic);
	pthread_condattr_destroy(&monotonic);
	c->lane[LANE_MULTI] = (struct lane){ .closer = c, .threads_max = LIMIT_CLOSERS };
	c->lane[LANE_PERF] = (struct lane){ .closer = c, .threads_max = 1 };
	return c;
}

static void close_one(struct closing *g)
{
	attach_close(&g->attachment);
	if (g->fd >= 0)
		close(g->fd);
	free(g);
}

static void *work(void *arg)
{
	struct lane *lane = arg;
	struct closer *c = lane->closer;
	struct closing *g;

	pthread_mutex_lock(&c->lock);
	while (!c->leaving && (g = lane->first)) {
		lane->first = g->next;
		pthread_mutex_unlock(&c->lock);
		bool more = attach_close_perf(&g->attachment);
		if (!more)
			close_one(g);
		pthread_mutex_lock(&c->lock);
		if (!more)
			continue;
		g->next = lane->first;
		lane->first = g;
	}
	lane->threads--;
	pthread_cond_signal(&c->idle);
	pthread_mutex_unlock(&c->lock);
	return NULL;
}

void closer_add_take(struct closer *c, const struct attachment *a, int fd)
{
	struct lane *lane = &c->lane[a->links ? LANE_PERF : LANE_MULTI];
	struct closing *g = malloc(sizeof(*g));
	pthread_attr_t detached;
	pthread_t thread;

	if (!g) { /* then it is waited for */
		struct attachment copy = *a;
		attach_close(&copy);
		if (fd >= 0)
			close(fd);
		return;
	}
	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	pthread_mutex_lock(&c->lock);
	*g = (struct closing){ .attachment = *a, .fd = fd, .next = lane->first };
	lane->first = g;
	if (lane->threads < lane->threads_max && !pthread_create(&thread, &detached, work, lane))
		lane->threads++;
	bool alone = !lane->threads;
	if (alone)
		lane->first = g->next;
	pthread_mutex_unlock(&c->lock);
	pthread_attr_destroy(&detached);
	if (alone)
		close_one(g);
}

static bool wait_idle(struct closer *c, unsigned ms)
{
	struct timespec until;
	int r = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += ms % 1000 * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000L;
	}
	while ((c->lane[LANE_MULTI].threads || c->lane[LANE_PERF].threads) && r != ETIMEDOUT)
		r = pthread_cond_timedwait(&c->idle, &c->lock, &until);
	return r != ETIMEDOUT;
}

/* Nobody is to wait for this process: not the server, nor who reads what it prints. */
static void let_go_of_others(void)
{
	struct stat st;

	for (int fd = 0; fd < LIMIT_DESCRIPTORS; fd++)
		if (!fstat(fd, &st) && !S_ISREG(st.st_mode) && (st.st_mode & S_IFMT))
			close(fd);
}

/* A process of its own holds what is not out yet, while this one ends: by its end it takes it out.
 */
static void leave_rest(void)
{
	pid_t pid = fork();

	if (!pid) {
		let_go_of_others();
		_exit(0);
	}
	if (pid > 0)
		log_info("the kernel is still taking probes out; process %d ends when it has", pid);
}

void closer_free(struct closer *c)
{
	if (!c)
		return;
	pthread_mutex_lock(&c->lock);
	bool idle = wait_idle(c, LIMIT_CLOSING_MS);
	if (!idle) {
		c->leaving = true;
		leave_rest();
	}
	pthread_mutex_unlock(&c->lock);
	if (idle) /* else threads have it to the end */
		free(c);
}
