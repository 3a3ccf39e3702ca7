/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers: a whole number as long as it fits, else a real one. */
#ifndef CLEARTAP_NUMBER_H
#define CLEARTAP_NUMBER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct number {
	bool is_real;
	int64_t integer;
	double real;
};

/* The whole text must be a number as in JSON; a sign "+" and leading zeros are fine too. */
bool number_parse(const char *text, size_t len, struct number *ret);
/* < 0, 0, > 0 */
int number_compare(const struct number *a, const struct number *b);

#endif
