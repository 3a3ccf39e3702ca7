/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The span of time that a condition demands. */
#ifndef CLEARTAP_KFL_TIME_SPAN_H
#define CLEARTAP_KFL_TIME_SPAN_H

#include <stdint.h>

struct node;

/* µs since 1970, from_us <= t < to_us; empty when from_us >= to_us. */
struct time_span {
	int64_t from_us, to_us;
};

extern const struct time_span time_span_always;

/* A checked tree holds for no timestamp outside of the range. */
struct time_span time_span_of(const struct node *root);

#endif
