/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An exchange of two programs of this machine may be in the store as each end saw it (--split-ends,
 * stores of before 0.2): a file that shows what went over the wire holds it once.
 */
#ifndef CLEARTAP_API_TOLD_H
#define CLEARTAP_API_TOLD_H

#include "api/index.h"

struct entry;

/* Zero-initialise it. */
struct told_exchanges {
	struct index exchanges;
	struct buf balances; /* of struct told_balance */
};

/* Has the other end of this exchange been here? 1, 0 or -ENOMEM. */
int told_before(struct told_exchanges *t, const struct entry *e);
void told_free(struct told_exchanges *t);

#endif
