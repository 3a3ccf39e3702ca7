/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the body of one handshake message (without its head) to what it tells. `size` is that of the
 * message; `len` is less where it was cut at LIMIT_TLS_MESSAGE.
 */
#ifndef CLEARTAP_TLS_HELLO_H
#define CLEARTAP_TLS_HELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/unpack.h"
#include "tls/tls_info.h"

void tls_client_hello_read(struct tls_info *i, const uint8_t *body, size_t len, size_t size);
/* In the form of SSL 2, from its type on. */
void tls_ssl2_hello_read(struct tls_info *i, const uint8_t *body, size_t len);
/* Either to i->retry (`retry`) or to i->server. */
bool tls_server_hello_is_retry(const uint8_t *body, size_t len);
void tls_server_hello_read(struct tls_info *i, const uint8_t *body, size_t len, size_t size,
			   bool retry);
/* Group, size of the group and signature of ServerKeyExchange (up to TLS 1.2). */
void tls_key_exchange_read(struct tls_info *i, const uint8_t *body, size_t len);
void tls_ticket_read(struct tls_info *i, const uint8_t *body, size_t len);

/* Numbers of `width` bytes, those that are not GREASE; the first LIMIT_TLS_LIST. */
struct tls_codes tls_codes_read(struct arena *a, struct unpack list, unsigned width);
/* Texts with a length of one byte in front of each, to the end of the list, or until it fails. */
struct tls_texts tls_texts_read(struct arena *a, struct unpack *list);
/* A copy of up to LIMIT_TLS_NAME bytes; data NULL when out of memory. */
struct text tls_text_copy(struct arena *a, const void *data, size_t len);
/* A list behind its length of `width` bytes; it must be all that is left of `u`, or u fails. */
struct unpack tls_list(struct unpack *u, unsigned width);

#endif
