/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Bytes of handshakes, made by hand. */
#ifndef TESTS_TLS_BYTES_H
#define TESTS_TLS_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct tls_handshake;

#define CHECK_TIME 1795816800000000 /* 2026-11-27 */

/* SNI a.example, versions with GREASE, groups, key shares (X25519MLKEM768), ALPN, ECH. */
#define CLIENT_EXTENSIONS                                                                          \
	"0a0a0000"                                                                                 \
	"0000000e000c000009612e6578616d706c65"                                                     \
	"002b0007063a3a03040303"                                                                   \
	"000a00080006"                                                                             \
	"1a1a"                                                                                     \
	"11ec001d"                                                                                 \
	"0033000e000c"                                                                             \
	"11ec0002beef"                                                                             \
	"001d0002cafe"                                                                             \
	"000d00080006040308040601"                                                                 \
	"0010000e000c02683208687474702f312e31"                                                     \
	"000b00020100"                                                                             \
	"00170000"                                                                                 \
	"ff01000100"                                                                               \
	"00230000"                                                                                 \
	"fe0d000100"

/* Appended. Digits of a text, between which may be spaces. */
void bytes_hex(struct buf *b, const char *hex);
/*
 * The packets of a file of tests/data/tls with those of an RFC ("C HEX" and "S HEX"): rfc9001.txt,
 * rfc9369.txt. One of the client, one of the server.
 */
void bytes_datagrams(const char *name, struct buf ret[2]);
/* A message; its extensions as digits ("": none at all). Suites: GREASE, 1301, c02f, 009c, c013. */
void bytes_client_hello(struct buf *b, uint16_t version, const char *extensions);
void bytes_server_hello(struct buf *b, uint16_t version, uint16_t suite, const char *extensions);
/* A HelloRetryRequest that asks for X25519MLKEM768, with a cookie. */
void bytes_retry(struct buf *b);
/* A Certificate message with one certificate: CN=a.example, made when it is first asked for. */
void bytes_certificate(struct buf *b);
/* The bytes in records of at most `most`. */
void bytes_records(struct buf *b, uint8_t type, const char *bytes, size_t len, size_t most);

/* Its entry and detail as text, "" where there was no handshake. The caller frees it. */
char *told(struct tls_handshake *h);
/* Whether the text has the part; shows the text if not. */
bool says(const char *text, const char *part);

#endif
