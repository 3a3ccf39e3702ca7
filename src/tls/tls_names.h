/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Names of what TLS numbers, as IANA has them (tls_names.def). */
#ifndef CLEARTAP_TLS_NAMES_H
#define CLEARTAP_TLS_NAMES_H

#include <stdbool.h>
#include <stdint.h>

enum tls_name_of {
	TLS_SUITES,
	TLS_GROUPS,
	TLS_SIGNATURES,
	TLS_EXTENSIONS,
	TLS_ALERTS,
	TLS_VERSIONS, /* "TLS 1.3" */
	TLS_POINT_FORMATS,
	TLS_PSK_MODES,
	TLS_CERT_COMPRESSIONS,
	TLS_NAME_KINDS
};

/* A constant; NULL when the number has no name. */
const char *tls_name(enum tls_name_of kind, uint16_t code);
/* RFC 8701: 0x0a0a, 0x1a1a, ... */
static inline bool tls_is_grease(uint16_t code)
{
	return (code & 0x0f0f) == 0x0a0a && code >> 8 == (code & 0xff);
}

/* Is this group post-quantum, by itself or with another? */
bool tls_group_post_quantum(uint16_t group);

#endif
