/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Comparing what is known only when a query runs: JSON, with texts, numbers, true and false. */
#ifndef CLEARTAP_KFL_VALUE_H
#define CLEARTAP_KFL_VALUE_H

#include "base/buf.h"
#include "base/json_read.h"
#include "base/number.h"

/* The numbers stand in the SQL that stores make of queries. */
enum value_op { VALUE_EQ = 0, VALUE_LT = 1, VALUE_LE = 2, VALUE_GT = 3, VALUE_GE = 4 };

struct value {
	enum json_kind kind; /* JSON_IS_NONE and JSON_IS_NULL are what is missing */
	struct number number;
	struct text text; /* of a string; JSON of an array or object */
	bool yes;
	struct buf decoded; /* memory of text */
};

/* 0 or -ENOMEM; value_free() it. The JSON is borrowed. */
int value_read(struct text json, struct value *ret);
void value_free(struct value *v);
/*
 * 1 if it holds, 0 if not, -ENOMEM. Arrays: one element is enough; two arrays are equal when all
 * is. What is missing is the zero of the other's type. Text that is a number compares with one.
 */
int value_compare(const struct value *a, enum value_op op, const struct value *b);

#endif
