/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Processes with connections: their names, and how often each of their addresses was used. */
#ifndef CLEARTAP_PROCESS_H
#define CLEARTAP_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/queue.h>

#include "session/flow.h"

struct session;

/* A process; lives until it ended and no connection or peer speaks of it any more. */
struct process {
	struct process *next;	       /* with the same hash */
	struct process *older, *newer; /* among those without references */
	LIST_HEAD(, session) sessions;
	uint32_t tgid;
	unsigned refs;
	bool dead;
	char comm[FLOW_COMM_LEN + 1];
	char *container; /* NULL unknown */
	/* How often each address was used as a connection: numbers[] is open addressing. */
	struct use {
		uint64_t conn;
		uint32_t count;
	} * uses;
	size_t uses_size, uses_count;
	uint32_t floor, highest; /* a forgotten address goes on after `floor` */
};

struct processes {
	struct process **buckets;
	size_t size, count;
	struct process *oldest, *newest; /* without references */
	size_t unused;
	size_t uses_bytes; /* of all, up to LIMIT_REUSED_BYTES */
};

int processes_init(struct processes *t);
void processes_free(struct processes *t);
struct process *processes_find(const struct processes *t, uint32_t tgid);
/* Find or make; NULL when out of memory. */
struct process *processes_get(struct processes *t, uint32_t tgid);
void process_ref(struct processes *t, struct process *p);
void process_unref(struct processes *t, struct process *p);
/* It ended: found no more, freed with its last reference. */
void process_end(struct processes *t, struct process *p);
/* 1 for the first use of an address in this process, 2 for the second; never the same twice, and
 * higher than that where no room is left to remember. */
uint32_t process_number(struct processes *t, struct process *p, uint64_t conn);

#endif
