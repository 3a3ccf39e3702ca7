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

/* Control characters of C0 and C1, line separators, marks of direction (Trojan Source). */
static bool steers_nothing(const unsigned char *p, size_t len)
{
	if (len == 1)
		return *p >= ' ' && *p != 0x7f;
	if (len == 2)
		return !(p[0] == 0xc2 && p[1] < 0xa0) && !(p[0] == 0xd8 && p[1] == 0x9c);
	if (len == 3 && p[0] == 0xe2 && p[1] == 0x80)
		return p[2] != 0x8e && p[2] != 0x8f && !(p[2] >= 0xa8 && p[2] <= 0xae);
	if (len == 3 && p[0] == 0xe2 && p[1] == 0x81)
		return p[2] < 0xa6 || p[2] > 0xa9;
	return true;
}

size_t utf8_printable(const unsigned char *p, size_t n)
{
	size_t len = utf8_length(p, n);

	return len && steers_nothing(p, len) ? len : 0;
}
