/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The files with probes: the state that target.c and target_again.c share. */
#ifndef CLEARTAP_TARGET_STATE_H
#define CLEARTAP_TARGET_STATE_H

#include <sys/stat.h>

#include "base/limits.h"
#include "event.h"
#include "trace/attach.h"
#include "trace/looker.h"
#include "trace/seen.h"
#include "trace/target.h"

struct inspection;

/* What a number stands for: a file with probes, or (fd 0) one that needs none any more. */
struct target {
	int fd;
	struct attachment attachment;
	struct stat st;
	uint64_t owner;
	char *path;
	int watch;		 /* of its content, -1: none */
	struct inspection *plan; /* as far as there are points */
	uint32_t missed, again;
	uint32_t silent_tgid; /* for whom it was attached again */
	uint64_t delay_us;
	int64_t again_at; /* ms */
	bool unused;	  /* at the last sweep */
	bool idle;	  /* at the last two */
	int64_t since;	  /* ms */
};

struct targets {
	const struct load *load;
	const struct target_ops *ops;
	void *ctx;
	struct inspector *inspector;
	struct looker *looker;
	struct hurry *hurry;
	struct closer *closer;
	int changes; /* inotify's descriptor, -1: none */
	struct seen_files seen;
	struct target target[EV_TARGETS_MAX];
	uint32_t last; /* the highest number given away */
	uint32_t next; /* where one to give away again is looked for */
	unsigned attached;
	size_t descriptors, most_descriptors; /* of attached files and their links */
	bool missed; /* files were refused that may be mapped: look at all processes again */
};

/* Say what it is now; `plan` gives what is known of the file. */
void target_tell(struct targets *t, uint32_t n, const struct stat *st, const char *path,
		 const struct inspection *plan, uint32_t state, const char *reason);
/* Without probes from now on. */
void target_retire(struct targets *t, uint32_t n, const char *why);

#endif
