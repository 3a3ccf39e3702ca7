/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A few threads for what may take long, so that the event loop never waits. */
#ifndef CLEARTAP_API_WORKERS_H
#define CLEARTAP_API_WORKERS_H

struct workers;
struct MHD_Connection;

/* Part of what it works on; `run` may free it. */
struct task {
	void (*run)(struct task *t);
	struct task *next;
};

int workers_start(unsigned threads, struct workers **ret);
/*
 * Suspend the connection and do a task that ends with MHD_resume_connection(). 0, or -EAGAIN when
 * LIMIT_API_JOBS wait already or after workers_stop(): the connection is suspended and resumed, the
 * task is not done.
 */
int workers_suspend(struct workers *w, struct MHD_Connection *conn, struct task *t);
/* Do what was submitted, then end the threads. */
void workers_stop(struct workers *w);
void workers_free(struct workers *w);

#endif
