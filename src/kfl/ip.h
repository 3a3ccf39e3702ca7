/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Addresses and networks of ip(...). IPv4 is the same as IPv4 mapped into IPv6 (RFC 4291). */
#ifndef CLEARTAP_KFL_IP_H
#define CLEARTAP_KFL_IP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ip_network {
	uint8_t address[16];
	unsigned bits; /* of 128 */
};

/* "10.0.0.0/8", "10.0.0.1", "fe80::/10". */
bool ip_parse(const char *text, size_t len, struct ip_network *ret);
/* Is the address within? False for what is no address. */
bool ip_contains(const struct ip_network *n, const char *text, size_t len);

#endif
