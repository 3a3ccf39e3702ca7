/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A few threads for what may take long, so that the event loop never waits. */
#ifndef CLEARTAP_API_WORKERS_H
#define CLEARTAP_API_WORKERS_H

struct workers;

/* Part of what it works on; `run` may free it. */
struct job {
	void (*run)(struct job *j);
	struct job *next;
};

int workers_start(unsigned threads, struct workers **ret);
/* 0, or -EAGAIN when LIMIT_API_JOBS wait already or after workers_stop(). */
int workers_submit(struct workers *w, struct job *j);
/* Do what was submitted, then end the threads. */
void workers_stop(struct workers *w);
void workers_free(struct workers *w);

#endif
