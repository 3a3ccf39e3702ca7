/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLEARTAP_UTF8_H
#define CLEARTAP_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Length in bytes (1 to 4) of the well-formed UTF-8 sequence at p (RFC 3629: no overlong forms, no
 * surrogates, at most U+10FFFF), or 0 when there is none within n bytes.
 */
size_t utf8_length(const unsigned char *p, size_t n);
/*
 * The same, but 0 as well for what could forge a line or steer a terminal: control characters,
 * line separators, marks that turn the direction of writing.
 */
size_t utf8_printable(const unsigned char *p, size_t n);
/* UTF-8 without control characters but for blanks. */
bool utf8_is_text(const void *data, size_t len);

#endif
