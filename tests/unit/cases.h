/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Case files of the dissectors: tests/data/http1/README tells the format. A case is fed to
 * dissect_open() and what comes out is compared with what the case says.
 */
#ifndef CLEARTAP_CASES_H
#define CLEARTAP_CASES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "dissect/dissect.h"

struct entry;

enum step_kind { STEP_DATA, STEP_GAP, STEP_IDLE, STEP_TICK };

struct step {
	enum step_kind kind;
	enum dir dir;
	enum gap_why why;
	struct buf data;
	size_t len;	 /* of a gap */
	int64_t tick_us; /* how far time goes on */
};

struct expect {
	char *fields; /* "name=value|name=value" */
	char *has[16], *lacks[16];
	size_t has_count, lacks_count;
	struct buf request_body, response_body;
	bool check_request, check_response;
};

#define CASE_STEPS   64
#define CASE_ENTRIES 128

struct test_case {
	char *name;
	bool in_order; /* gaps are told where they belong */
	struct step steps[CASE_STEPS];
	size_t step_count;
	struct expect expects[CASE_ENTRIES];
	size_t expect_count;
};

/* Calls fn for each case of a file; a file that cannot be read or understood ends the test. */
void cases_run(const char *path, void (*fn)(const struct test_case *c));

struct outcome {
	struct entry *entries[CASE_ENTRIES]; /* versions too */
	int64_t told_us[CASE_ENTRIES];
	size_t count;
	int64_t now;
	const struct redact *redact; /* NULL: none */
	uint64_t live;
	struct live_use live_use;
	size_t memory; /* that the dissection holds */
	bool alive;    /* dissect_alive() after the last step */
};

/*
 * How the bytes of a step are cut: all at once, `every` bytes at a time, or once at `at`. Each step
 * is `pace_us` after the one before (0: 1 ms); with `ticks`, there is a tick after every piece.
 * `other_end`: as the peer of the traced program sees it; `short_memory`: bodies are let go after
 * every piece.
 */
struct cut {
	size_t every, at;
	int64_t pace_us;
	bool ticks, other_end, short_memory;
};

/* `ret` is zero but for redact. */
void case_feed(const struct test_case *c, struct cut cut, struct outcome *ret);
void case_check(const struct test_case *c, const struct outcome *o);
/* What was wrong is printed and counted, so that one run shows all of it. */
void cases_report(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
extern unsigned cases_failed;
/* Put each later version in the place of the one before, as the store does. */
void outcome_settle(struct outcome *o);
/* Everything that an outcome says, as text. */
void outcome_dump(const struct outcome *o, struct buf *out);
void outcome_free(struct outcome *o);

#endif
