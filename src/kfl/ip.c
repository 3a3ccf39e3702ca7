// SPDX-License-Identifier: GPL-2.0-or-later
#include "kfl/ip.h"

#include <arpa/inet.h>
#include <string.h>

/* How IPv6 writes IPv4 (RFC 4291 section 2.5.5.2). */
static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

static bool parse_address(const char *text, size_t len, uint8_t out[16], bool *ret_v4)
{
	char copy[INET6_ADDRSTRLEN];

	if (len >= sizeof(copy) || memchr(text, '\0', len))
		return false;
	memcpy(copy, text, len);
	copy[len] = '\0';
	memset(out, 0, 16);
	*ret_v4 = inet_pton(AF_INET, copy, out + 12) == 1;
	if (*ret_v4) {
		out[10] = out[11] = 0xff;
		return true;
	}
	return inet_pton(AF_INET6, copy, out) == 1;
}

bool ip_parse(const char *text, size_t len, struct ip_network *ret)
{
	const char *slash = memchr(text, '/', len);
	size_t n = slash ? (size_t)(slash - text) : len;
	unsigned bits = 0;
	bool v4;

	if (!parse_address(text, n, ret->address, &v4))
		return false;
	ret->bits = 128;
	if (!slash)
		return true;
	if (len - n < 2 || len - n > 4)
		return false;
	for (const char *p = slash + 1; p < text + len; p++) {
		if (*p < '0' || *p > '9')
			return false;
		bits = bits * 10 + (unsigned)(*p - '0');
	}
	if (bits > (v4 ? 32 : 128))
		return false;
	ret->bits = v4 ? bits + 96 : bits;
	return true;
}

bool ip_contains(const struct ip_network *n, const char *text, size_t len)
{
	uint8_t a[16];
	bool v4;

	if (!parse_address(text, len, a, &v4))
		return false;
	/* ::/0 has no IPv4 addresses, however they are written. */
	if (n->bits < 96 && !memcmp(a, mapped, sizeof(mapped)))
		return false;
	if (memcmp(a, n->address, n->bits / 8))
		return false;
	unsigned rest = n->bits % 8;
	return !rest || !((a[n->bits / 8] ^ n->address[n->bits / 8]) >> (8 - rest));
}
