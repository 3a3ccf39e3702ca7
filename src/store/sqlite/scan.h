/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Going through the entries of a filter, for pages (select.c) and counts (count.c).
 *
 * It goes in windows: ranges of ids inside one segment, in the order of the answer. A window bounds
 * whatever plan SQLite chooses, and what is above it has been looked at completely, so the cursor
 * is exact wherever the time limit falls. Windows grow while they are quick. A few windows make a
 * chunk, read in one short transaction: a slow filter does not keep the log from being emptied.
 */
#ifndef CLEARTAP_STORE_SCAN_H
#define CLEARTAP_STORE_SCAN_H

#include "store/sqlite/sql_filter.h"
#include "store/sqlite/sqlite.h"

struct kfl;
struct scan;

/* plan.c: which index to go by when there are several */
#define PLANS_MAX 6
struct plan {
	const char *index; /* NULL: SQLite's own choice */
	uint64_t steps;	   /* that it took for a segment; 0: not tried */
};
struct plans {
	struct plan v[PLANS_MAX];
	size_t count, now;
	uint64_t budget, used; /* of an index on trial; 0: none is */
};
void plan_begin(struct plans *p, const struct kfl *filter);
/* The plan for the next segment is p->v[p->now]. */
void plan_choose(struct plans *p);
/* So much more was taken; false: that is too much for what is on trial. */
bool plan_spend(struct plans *p, uint64_t steps);
/* The plan went through, and took this. */
void plan_note(struct plans *p, uint64_t steps);
/* It failed; true: another may not, so it is not taken again. */
bool plan_drop(struct plans *p, int error);

struct scan_ops {
	const char *columns; /* what is selected; the first is e.id */
	/* The statement is at a row of segment n. */
	int (*row)(struct scan *c, int64_t n);
	/* Optional: are the segment's entries done with as a whole? 1, 0 or -errno. */
	int (*segment)(struct scan *c, const struct segment *g);
	/* Optional: the chunk has enough rows. */
	bool (*full)(const struct scan *c);
};

struct scan {
	struct sqlite *s;
	const struct scan_ops *ops;
	const struct kfl *filter; /* NULL: everything */
	struct sql_filter sql;	  /* the same for SQLite */
	bool oldest_first;
	int64_t low, high;	/* ids that are left to look at, inclusive */
	int64_t from_us, to_us; /* segments without a timestamp in [from_us, to_us) are skipped */
	size_t left;		/* rows until the limit */
	uint64_t deadline_ms;	/* 0: none */
	char *error;
	size_t error_size;
	bool ended; /* nothing is left */

	int64_t window;
	uint64_t cut_ms;
	struct plans plans;
	bool progress; /* something has been looked at completely */

	/* Of the chunk that is being read. */
	struct reader *reader;
	struct segments segments;
	sqlite3_stmt *stmt;
	int64_t stmt_n;
	bool stmt_whole;
};

/*
 * Start, with what the filter demands of the time. The caller has set the members before `ended`,
 * and calls scan_end() in any case. 0, or -errno with a sentence in c->error.
 */
int scan_begin(struct scan *c);
void scan_end(struct scan *c);
/* Read one chunk. 0, or -errno with a sentence in c->error. */
int scan_chunk(struct scan *c);
/* Everything up to and with the id (in the order of the answer) has been looked at. */
void scan_move_past(struct scan *c, int64_t id);
bool scan_late(const struct scan *c);

#endif
