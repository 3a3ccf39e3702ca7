/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads the handshake of one connection from the bytes of both directions, however they are cut:
 * the same bytes give the same tls_info (but for times). Holds at most LIMIT_TLS_MESSAGE of a
 * message for each direction, and LIMIT_TLS_HANDSHAKE in all, all of it on the account.
 */
#ifndef CLEARTAP_TLS_HANDSHAKE_H
#define CLEARTAP_TLS_HANDSHAKE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tls_handshake;
struct tls_info;

/* What the bytes of a direction are so far. */
enum tls_state {
	TLS_MORE,    /* handshake bytes: more of them are wanted */
	TLS_DONE,    /* nothing in clear follows in this direction */
	TLS_NOT_TLS, /* its very first bytes begin no TLS connection */
	TLS_LOST     /* it was TLS, and then no record; or memory was short */
};

/* `account` (NULL: nowhere) counts what it holds. NULL when out of memory. */
struct tls_handshake *tls_handshake_new(size_t *account);
void tls_handshake_free(struct tls_handshake *h);

/*
 * The next bytes of direction `dir` (0, 1; by convention 0 is from the side that opened the TCP
 * connection), in order and without gaps. What comes after TLS_DONE, NOT_TLS or LOST is passed
 * over. Application data need not be fed: see below.
 */
enum tls_state tls_handshake_feed(struct tls_handshake *h, int dir, int64_t now_us,
				  const void *bytes, size_t len);
/* `len` bytes of the stream were not copied: fine within a record, lost beyond it. */
enum tls_state tls_handshake_skip(struct tls_handshake *h, int dir, uint64_t len);
/* The head of the first record of application data was seen elsewhere (in the kernel). */
void tls_handshake_application(struct tls_handshake *h, int dir, int64_t now_us);
/* The stream of a direction did not begin with what is fed: hellos may be missing. */
void tls_handshake_joined(struct tls_handshake *h);
/*
 * Of QUIC (quic_initial.h calls them): its version, bytes of the CRYPTO stream, which are messages
 * without records, and an alert, which has no record either.
 */
void tls_handshake_quic(struct tls_handshake *h, uint32_t version);
enum tls_state tls_handshake_crypto(struct tls_handshake *h, int dir, int64_t now_us,
				    const void *bytes, size_t len);
void tls_handshake_alert(struct tls_handshake *h, int dir, int64_t now_us, uint8_t level,
			 uint8_t description);

enum tls_state tls_handshake_state(const struct tls_handshake *h, int dir);
/* All that the wire will tell of it was told: both directions are done, or an alert ended it. */
bool tls_handshake_complete(const struct tls_handshake *h);
/* Is there anything to tell: a hello, in either direction, or an alert? */
bool tls_handshake_seen(const struct tls_handshake *h);
/* What is known so far; lives as long as `h`, and changes with each feed. */
const struct tls_info *tls_handshake_info(const struct tls_handshake *h);
/* Let go of what is only needed to read on; the info stays. What follows is passed over. */
void tls_handshake_settle(struct tls_handshake *h);
/* Memory that it holds. */
size_t tls_handshake_bytes(const struct tls_handshake *h);

#endif
