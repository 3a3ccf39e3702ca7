/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the tracer told: the files it probes or leaves out, and the processes that use them. Written
 * by the capture thread, read by API threads.
 */
#ifndef CLEARTAP_REGISTRY_H
#define CLEARTAP_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tracer_message;
struct registry;

/* A cause for which the tracer left something out. */
#define REGISTRY_CAUSES 16
struct left_out {
	char cause[96];
	uint64_t count; /* since the start */
	uint64_t owner; /* the last one: a user, or above 32 bits a mount namespace */
};

struct registry *registry_new(void);
void registry_free(struct registry *r);
/* One MSG_TARGET, MSG_PROCESS, MSG_PROCESS_EXIT, MSG_READY, MSG_STATE or MSG_REFUSED. */
void registry_tell(struct registry *r, const struct tracer_message *m);
bool registry_ready(struct registry *r);
bool registry_paused(struct registry *r);
/* Targets in that state (enum target_state). */
size_t registry_count(struct registry *r, uint32_t state);

/* What is known of the TLS libraries that a process uses. */
struct registry_sight {
	bool attached, left_out;
	bool stripped; /* left out, as its functions were not found */
};
struct registry_sight registry_sight(struct registry *r, uint32_t tgid);

/* Causes that there were so far; returns how many. */
size_t registry_left_out(struct registry *r, struct left_out ret[REGISTRY_CAUSES]);

/* A process that uses a file. */
struct probed_process {
	uint32_t pid;
	const char *name; /* as entries have it */
	const char *exe, *container;
};

/* A file that was looked at. Texts are "" where nothing is known. */
struct probed_file {
	uint32_t id, points;
	bool attached;
	uint64_t hits, inode; /* hits: calls seen through it */
	uint32_t missed;      /* processes that had ended before its probes were in */
	uint32_t again;	      /* times that they were put in again, as they fired no more */
	uint64_t delay_us;    /* of the probes after its first mapping, 0: it was there already */
	const char *path, *library, *version, *plan, *reason;
	const char *state; /* attached, skipped, failed, detached */
	const struct probed_process *processes;
	size_t process_count;
};

/* All is borrowed for the call, during which nothing can be told. Not 0 stops. */
typedef int probed_file_fn(void *ctx, const struct probed_file *f);
/* Calls seen through a file, by its number. */
typedef uint64_t registry_hits_fn(void *ctx, uint32_t target);
/* Hand out each file, in order of its number. What fn returned, or -ENOMEM. */
int registry_each(struct registry *r, registry_hits_fn *hits, void *hits_ctx, probed_file_fn *fn,
		  void *ctx);

#endif
