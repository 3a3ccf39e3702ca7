/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bytes of one side of an exchange: what is kept, up to a bound, and where bytes are missing.
 */
#ifndef CLEARTAP_PAYLOAD_H
#define CLEARTAP_PAYLOAD_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "dissect/dissect.h"

struct payload_gap {
	uint64_t offset, length;
	enum gap_why why;
};

/* Zero-initialise it. */
struct payload {
	struct buf bytes;    /* may be taken away: give back an empty one */
	uint64_t size;	     /* missing bytes too */
	uint64_t missing[2]; /* by enum gap_why */
	struct payload_gap *gaps;
	unsigned gap_count;
	unsigned gaps_omitted; /* past LIMIT_GAPS: in the sums, without a place */
};

/* Append; what exceeds `limit` bytes kept, or memory, is a truncation. */
void payload_put(struct payload *p, const void *data, size_t len, size_t limit);
void payload_skip(struct payload *p, uint64_t len, enum gap_why why);
void payload_free(struct payload *p);
/* The members body_size, body_stored and gaps of HACKING, "Detail". */
int payload_put_json(const struct payload *p, struct buf *out);

/* Begin a member of a JSON object: the comma where one is needed, the name, the colon. */
int detail_member(struct buf *out, const char *name);
int detail_text(struct buf *out, const char *name, const void *text, size_t len);
int detail_number(struct buf *out, const char *name, int64_t value);
/* "events" of an exchange; times of 0 were not seen. */
int detail_events(struct buf *out, const int64_t request_us[2], const int64_t response_us[2]);

#endif
