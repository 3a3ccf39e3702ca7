/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Plaintext bytes from the bytes of records. */
#ifndef CLEARTAP_TLS_OVERHEAD_H
#define CLEARTAP_TLS_OVERHEAD_H

#include <stdbool.h>
#include <stdint.h>

struct tls_sealing;

/*
 * `bytes` of `records` records of application data, their heads of 5 bytes not counted, hold at
 * least *ret_min and at most *ret_max bytes of plaintext. Exact (both the same) for AEAD, stream
 * and NULL suites up to TLS 1.2. In TLS 1.3 a record may be padded: *ret_max is without padding,
 * which hardly anybody uses, *ret_min is 0. CBC: padding of 1 to 256 bytes (SSL 3: to a block).
 * False for a suite that is not known: 0 and `bytes`. Compressed: 0 and UINT64_MAX.
 */
bool tls_plain_bounds(const struct tls_sealing *s, uint64_t records, uint64_t bytes,
		      uint64_t *ret_min, uint64_t *ret_max);

#endif
