/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLEARTAP_FAULT_SESSION_H
#define CLEARTAP_FAULT_SESSION_H

#include "fault.h"

#define SITE_SECONDS 60 /* one run, on a busy machine */

struct run;

struct script {
	const char *name;
	void (*prepare)(struct run *r); /* before anything fails; NULL */
	void (*run)(struct run *r);
	bool api;   /* it is answered afterwards, too */
	bool quick; /* has no store */
};
void run_wire(struct run *r);
/* Ends with one without a name. */
extern const struct script scripts[];

/*
 * Run it in an empty folder with one call failing, or all from there on, and look at what is left.
 * Calls fail() when something is wrong; takes SITE_SECONDS at most, else SIGALRM ends the process.
 */
void try_site(const struct script *script, const char *folder, enum fault_kind kind, long nth,
	      bool lasting, long ret_count[static FAULT_KINDS]);
/* Ends the process. */
void fail(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

#endif
