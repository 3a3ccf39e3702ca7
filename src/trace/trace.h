/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tracer: the privileged process. Finds what to probe, now and later, and probes it. */
#ifndef CLEARTAP_TRACE_H
#define CLEARTAP_TRACE_H

#include <sys/types.h>

#include "trace/filter.h"

struct load;

struct trace_options {
	struct filter filter;
	uid_t uid; /* whom the children that analyse binaries become */
	gid_t gid;
	int socket;  /* to the server, struct tracer_message; its end means that the server is gone
		      */
	int signals; /* a signalfd: SIGINT, SIGTERM, SIGCHLD */
};

enum trace_end { TRACE_SIGNAL = 0, TRACE_SERVER_GONE = 1 };

enum {
	TRACE_STUCK_STATUS = 4
}; /* exit status when a signal finds the tracer stuck in the kernel */

/* Runs until a signal or the end of the server: an enum trace_end, or -errno. */
int trace_run(const struct trace_options *options, const struct load *load);

#endif
