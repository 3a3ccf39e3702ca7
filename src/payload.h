/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The body of a message: what is kept of it, up to a bound, and where bytes are missing. */
#ifndef CLEARTAP_PAYLOAD_H
#define CLEARTAP_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* Where bytes are missing: lost (no room in the ring, joined late) or truncated (past a budget). */
enum gap_why { GAP_LOST, GAP_TRUNCATED };

struct payload_gap {
	uint64_t offset, length;
	enum gap_why why;
};

/* Zero-initialise it. */
struct payload {
	struct buf bytes;
	uint64_t size;	     /* missing bytes too */
	uint64_t present;    /* of these, bytes that are not missing, kept or given away */
	uint64_t missing[2]; /* by enum gap_why; also what was missing before its first byte */
	struct payload_gap *gaps;
	unsigned gap_count;
	unsigned gaps_omitted; /* past LIMIT_GAPS: in the sums, without a place */
	bool gave_way;	       /* nothing is kept of it any more: memory was short */
	size_t *account;       /* where its bytes count, NULL nowhere */
};

/* Append; what exceeds `limit` bytes kept, or memory, is a truncation. */
void payload_put(struct payload *p, const void *data, size_t len, size_t limit);
void payload_skip(struct payload *p, uint64_t len, enum gap_why why);
/* Its bytes, which are the caller's from now on. */
struct buf payload_take_bytes(struct payload *p);
/* Let go of its bytes: what was kept, and what comes yet, is a truncation. */
void payload_give_way(struct payload *p);
/* Memory that it holds. */
size_t payload_bytes(const struct payload *p);
/* A copy without the bytes, on no account. 0 or -ENOMEM. */
int payload_copy(const struct payload *p, struct payload *ret);
void payload_free(struct payload *p);

#endif
