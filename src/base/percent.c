// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/percent.h"

#include "base/hex.h"

size_t percent_decode(char *out, const char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		char c = text[i] == '+' ? ' ' : text[i];
		if (c == '%' && len - i > 2 && hex_digit((unsigned char)text[i + 1]) >= 0 &&
		    hex_digit((unsigned char)text[i + 2]) >= 0) {
			c = (char)(hex_digit((unsigned char)text[i + 1]) << 4 |
				   hex_digit((unsigned char)text[i + 2]));
			i += 2;
		}
		out[n++] = c;
	}
	return n;
}
