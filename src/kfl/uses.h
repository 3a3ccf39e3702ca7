/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a checked query looks at, for those who plan how to run it. */
#ifndef CLEARTAP_KFL_USES_H
#define CLEARTAP_KFL_USES_H

#include <stdbool.h>

struct kfl_field;
struct node;

#define USES_MAX 16 /* fields compared that are told; a plan looks at a few */

struct uses {
	bool detail; /* of the entry's detail or bodies */
	const struct kfl_field *compared[USES_MAX + 1];
};

struct uses uses_of(const struct node *root);

#endif
