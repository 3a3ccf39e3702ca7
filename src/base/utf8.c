// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/utf8.h"

#include <string.h>

size_t utf8_length(const unsigned char *p, size_t n)
{
	static const unsigned min[5] = { 0, 0, 0x80, 0x800, 0x10000 };

	if (!n)
		return 0;
	if (p[0] < 0x80)
		return 1;
	size_t len = p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;
	if (!len || len > n)
		return 0;
	unsigned c = p[0] & (0xffU >> (len + 1));
	for (size_t i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < min[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	return len;
}

bool utf8_is_text(const void *data, size_t len)
{
	const unsigned char *p = data, *end = len ? p + len : p;

	while (p < end) {
		size_t n = utf8_length(p, (size_t)(end - p));
		if (!n || (*p < ' ' && !strchr("\t\n\r\f", *p)) || !*p)
			return false;
		p += n;
	}
	return true;
}
