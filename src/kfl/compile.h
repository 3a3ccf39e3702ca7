/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checked tree → SQL with parameters. */
#ifndef CLEARTAP_KFL_COMPILE_H
#define CLEARTAP_KFL_COMPILE_H

#include "base/buf.h"
#include "kfl/tree.h"

struct parameter {
	enum node_kind kind; /* NODE_INTEGER, NODE_REAL, NODE_STRING */
	struct text text;
	int64_t integer;
	double real;
};

struct program {
	struct buf sql;
	struct parameter *parameters; /* texts are of the query's memory */
	size_t count, room;
};

/* 0, -EINVAL with the query's error set, -ENOMEM; program_free() in any case. */
int compile_query(struct query *q, const struct node *root, struct program *ret);
void program_free(struct program *p);

/*
 * Steps as one text, for kfl_path() and kfl_xml(): kLENGTH:name, iINDEX:, *, dLENGTH:name.
 */
int compile_put_steps(const struct step *steps, struct buf *out);

/* What kfl_cmp() is told: how to compare, and what is on the right. */
enum compare_right { RIGHT_SCALAR = 0, RIGHT_JSON = 1, RIGHT_BOOL = 2 };

#endif
