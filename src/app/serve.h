/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The server process: ring → sessions → dissectors → redaction → queue → store → API. Two threads
 * of its own (capture, store) beside those of the API; it has no privilege once it serves.
 */
#ifndef CLEARTAP_SERVE_H
#define CLEARTAP_SERVE_H

#include <sys/types.h>

struct options;
struct ring_maps;

struct serve_options {
	const struct options *options;
	const struct ring_maps *maps; /* from the tracer, mapped before privileges go; NULL: a file
				       * is read */
	int socket;		      /* to the tracer, struct tracer_message */
	uid_t uid;		      /* whom to become */
	gid_t gid;
	const char *token;
	const char *token_file; /* where it is, for those who may read that; NULL: print it */
};

enum serve_end { SERVE_STOPPED = 0, SERVE_FAILED = 1, SERVE_TRACER_GONE = 4 };

/* Runs until the tracer says stop or is gone. Returns the exit status of the process. */
int serve_run(const struct serve_options *options);

#endif
