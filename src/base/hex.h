/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef CLEARTAP_HEX_H
#define CLEARTAP_HEX_H

/* The value of a hexadecimal digit, -1 for any other character. */
static inline int hex_digit(unsigned char c)
{
	return c >= '0' && c <= '9'			? c - '0'
	       : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
							: -1;
}

#endif
