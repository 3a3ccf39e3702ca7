/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files that were looked at: each once, by inode; those with a TLS library get probes. */
#ifndef CLEARTAP_TARGET_H
#define CLEARTAP_TARGET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "trace/tracer_message.h"

struct load;
struct stat;
struct targets;

/* Who maps a file. */
struct target_user {
	uint32_t tgid; /* 0: nobody yet */
	bool wanted;   /* --pid, --exe and --container let it through */
	int64_t at_us; /* when it mapped it (CLOCK_MONOTONIC), 0: it was there already */
};

struct target_ops {
	/* a MSG_TARGET for each file of interest */
	void (*target)(void *ctx, const struct tracer_message *m);
	/* a process that maps a file with probes */
	void (*process)(void *ctx, uint32_t tgid, uint32_t target);
	/* processes that map this one were not all noted */
	void (*crowd)(void *ctx);
	/* does a process map this file, or may it? */
	bool (*in_use)(void *ctx, uint32_t target);
	/* a file was left out */
	void (*refused)(void *ctx, enum refusal why, uint64_t owner);
};

/* uid and gid: whom the analysing children become. NULL when out of memory. */
struct targets *targets_new(const struct load *load, uid_t uid, gid_t gid,
			    const struct target_ops *ops, void *ctx);
/* Detaches all. */
void targets_free(struct targets *t);
/*
 * A file that somebody maps. False when it was never seen, or is not what it was: another file may
 * have got its inode, or it was written anew. Then open it and add it.
 */
bool targets_note(struct targets *t, const struct stat *st, const struct target_user *u);
/* The same without asking for the file, when that was done a moment ago. */
bool targets_note_again(struct targets *t, dev_t dev, ino_t inode, const struct target_user *u);
/* Was a file of that number ever looked at? */
bool targets_known(const struct targets *t, dev_t dev, ino_t inode);
/*
 * Have a file (O_PATH, taken) known as `path` looked at, and probed when there is what to probe.
 * `ns` is the mount namespace of who maps it, 0 for our own: files of root belong to it, others to
 * their user, and no owner gets more than his share.
 */
void targets_add_take(struct targets *t, int fd, const char *path, const struct target_user *u,
		      uint64_t ns);
/*
 * Attach what has been analysed, detach from what is being written; the descriptor for poll(), and
 * how long that may take in ms. Never waits.
 */
void targets_run(struct targets *t);
int targets_fd(const struct targets *t);
int targets_timeout(const struct targets *t);
/* Files at hand that are not done with. */
size_t targets_pending(const struct targets *t);
/* What is looked at is running already: its analyses go before all else, for so many ms so far. */
void targets_hurry(struct targets *t, bool on);
int64_t targets_take_hurried_ms(struct targets *t);
/* Threads that should go before all else as well. */
size_t targets_threads(const struct targets *t, pid_t *ret, size_t room);
/*
 * None of a process's calls is seen through this file any more: its probes are put in again, at
 * most LIMIT_AGAIN times, once in LIMIT_AGAIN_MS. Did they?
 */
bool targets_again(struct targets *t, uint32_t target, uint32_t tgid);
/*
 * Let go of files that are deleted and in nobody's use, at the second sweep that finds them so.
 * True: there are new ones of those, and a look at all processes should decide.
 */
bool targets_sweep(struct targets *t);
/* Probes in place. */
unsigned targets_attached(const struct targets *t);

#endif
