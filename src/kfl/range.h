/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The span of time that a condition demands. */
#ifndef CLEARTAP_KFL_RANGE_H
#define CLEARTAP_KFL_RANGE_H

#include <stdint.h>

struct node;

/* µs since 1970, from_us <= t < to_us; empty when from_us >= to_us. */
struct range {
	int64_t from_us, to_us;
};

extern const struct range range_always;

/* A checked tree holds for no timestamp outside of the range. */
struct range range_of(const struct node *root);

#endif
