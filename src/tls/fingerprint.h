/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JA3, JA3S and JA4 (of TLS clients), as they are published and as tshark makes them. */
#ifndef CLEARTAP_TLS_FINGERPRINT_H
#define CLEARTAP_TLS_FINGERPRINT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/unpack.h"

/* What fingerprints are made of, whole: in the message, in its order, GREASE included. */
struct tls_print {
	uint16_t legacy_version, version; /* `version`: the highest that is offered */
	struct unpack suites;		  /* numbers of two bytes */
	struct unpack extensions;	  /* the extensions with their lengths and contents */
	struct unpack groups, signatures; /* numbers of two bytes */
	struct unpack point_formats;	  /* of one */
	struct text alpn;		  /* the first */
	bool quic;
};

/* MD5 of what JA3 takes of a client, as 32 digits; "" when out of memory. */
void tls_ja3(const struct tls_print *p, char out[static 33]);
/* Of a server: legacy_version, extensions. */
void tls_ja3s(const struct tls_print *p, uint16_t suite, char out[static 33]);
void tls_ja4(const struct tls_print *p, char out[static 37]);

#endif
