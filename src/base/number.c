// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/number.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_TEXT_MAX 64

static size_t digits(const char *p, size_t len, size_t i)
{
	while (i < len && p[i] >= '0' && p[i] <= '9')
		i++;
	return i;
}

/* Is it [+-] digits [. digits] [e [+-] digits]? */
static bool is_number(const char *p, size_t len, bool *ret_real)
{
	size_t start = len && (*p == '-' || *p == '+'), i = digits(p, len, start);

	*ret_real = false;
	if (i == start)
		return false;
	if (i < len && p[i] == '.') {
		size_t from = i + 1;
		*ret_real = true;
		i = digits(p, len, from);
		if (i == from)
			return false;
	}
	if (i < len && (p[i] == 'e' || p[i] == 'E')) {
		size_t from = i + 1;
		*ret_real = true;
		from += from < len && (p[from] == '-' || p[from] == '+');
		i = digits(p, len, from);
		if (i == from)
			return false;
	}
	return i == len;
}

bool number_parse(const char *text, size_t len, struct number *ret)
{
	char copy[NUMBER_TEXT_MAX];
	struct number n = { 0 };

	if (len >= sizeof(copy) || !is_number(text, len, &n.is_real))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	errno = 0;
	if (!n.is_real)
		n.integer = strtoll(copy, NULL, 10);
	n.is_real = n.is_real || errno == ERANGE;
	if (n.is_real)
		n.real = strtod(copy, NULL);
	*ret = n;
	return true;
}

int number_compare(const struct number *a, const struct number *b)
{
	if (!a->is_real && !b->is_real)
		return (a->integer > b->integer) - (a->integer < b->integer);
	double x = a->is_real ? a->real : (double)a->integer;
	double y = b->is_real ? b->real : (double)b->integer;
	return (x > y) - (x < y);
}
