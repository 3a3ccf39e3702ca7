/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The BPF object: opened, fitted to the kernel, loaded; the probes that need no target attached. */
#ifndef CLEARTAP_LOAD_H
#define CLEARTAP_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trace/features.h"

struct cleartap_bpf;
struct ev_lot;
struct ev_owner;
struct inspection;

struct load_options {
	uint64_t ring_size;	 /* bytes, a power of two */
	uint64_t message_budget; /* bytes copied of one message */
	bool filter_processes;
	bool wire;
	bool keep_packets;  /* whole, for which there is another ring of this size */
	const char *btf;    /* file with kernel types, NULL: the kernel's own */
	const char *probes; /* features_restrict() */
};

struct load {
	struct cleartap_bpf *skel;
	struct features features;
	bool wire;		 /* it is watched */
	struct ev_owner *owners; /* mapped for good, as are the lots */
	struct ev_lot *lots;
};

/* 0, or -errno with a sentence in error. load_free() releases. */
int load_open(const struct load_options *options, struct load *ret, char *error, size_t error_size);
void load_free(struct load *l);
/* Let a process through the filter (load_options.filter_processes), or stop it. */
int load_allow(const struct load *l, uint32_t tgid);
/* Tell the kernel side how a Go program (open file) is laid out. 0 or -errno. */
int load_set_go(const struct load *l, int fd, const struct inspection *plan, uint32_t target);
void load_set_paused(const struct load *l, bool paused);
/* Forget connections of processes that have ended. Returns how many. */
int load_sweep(const struct load *l);
/* Its connections begin anew at their next calls, for nobody knows what they moved. */
void load_begin_anew(const struct load *l, uint32_t tgid);
/* A target's number stands for another file from now on. */
void load_clear_hits(const struct load *l, uint32_t target);

/* It has all its probes, or not yet: before that nothing of it is followed. */
void load_set_ready(const struct load *l, uint32_t target, bool ready);

#endif
