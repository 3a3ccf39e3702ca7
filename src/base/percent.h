/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLEARTAP_PERCENT_H
#define CLEARTAP_PERCENT_H

#include <stddef.h>

/*
 * Percent-decode a part of a query or form, "+" being a blank (URL Standard, 5.1). `out` has room
 * for len bytes; the number written.
 */
size_t percent_decode(char *out, const char *text, size_t len);

#endif
