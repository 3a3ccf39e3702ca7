/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes of somebody else's memory: a pointer and a length, without a NUL. */
#ifndef CLEARTAP_TEXT_H
#define CLEARTAP_TEXT_H

#include <stddef.h>

struct text {
	const char *data;
	size_t len;
};

#endif
