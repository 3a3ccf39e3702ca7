/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The first bytes of a connection, or of what follows silence, until its protocol is known. */
#ifndef CLEARTAP_UNDECIDED_H
#define CLEARTAP_UNDECIDED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "dissect/dissect.h"

/* Bytes of one direction that wait, in the order of arrival; adjacent ones of a time are one. */
struct stretch {
	enum dir dir;
	bool missing;
	enum gap_why why;
	uint64_t offset, len;
	int64_t first_us, last_us;
};

#define STRETCHES_MAX  16
#define DISSECTORS_MAX 32

struct undecided {
	struct stretch stretches[STRETCHES_MAX];
	unsigned count;
	struct buf bytes;		 /* of all stretches */
	struct buf probe[2];		 /* of each direction, since its last gap */
	size_t probed[2];		 /* length when the dissectors were last asked */
	bool few[2];			 /* too few bytes for somebody to say anything */
	int8_t score[DISSECTORS_MAX][2]; /* what they said; of directions that were probed */
	size_t *account;		 /* where all this counts */
};

/* NULL when out of memory. */
struct undecided *undecided_new(size_t *account);
void undecided_free(struct undecided *w);
/* Bytes, or a gap (data NULL), that wait as well. 0, or -errno when they cannot. */
int undecided_add(struct undecided *w, const struct stretch *next, const uint8_t *data);
/* Is it time to ask again, with these bytes? A line was completed, or the bytes have doubled. */
bool undecided_worth_asking(const struct undecided *w, enum dir dir, const uint8_t *data,
			    size_t len);

#endif
