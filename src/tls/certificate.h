/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The Certificate message up to TLS 1.2 (RFC 5246 section 7.4.2), its first one by GnuTLS. */
#ifndef CLEARTAP_TLS_CERTIFICATE_H
#define CLEARTAP_TLS_CERTIFICATE_H

#include <stddef.h>
#include <stdint.h>

struct arena;
struct tls_certificate;

/*
 * `size` is that of the body, of which `len` bytes are there. What cannot be read is told in
 * ret->broken; one of more than LIMIT_TLS_CERTIFICATE is not read. Texts are of `a`.
 */
void tls_certificate_read(struct arena *a, const uint8_t *body, size_t len, size_t size,
			  struct tls_certificate *ret);
/* One certificate in DER. */
void tls_certificate_read_der(struct arena *a, const uint8_t *der, size_t len,
			      struct tls_certificate *ret);

#endif
