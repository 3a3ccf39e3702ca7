/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decrypts the records of one TLS connection with the secrets of a key log: TLS 1.2 (RFC 5246,
 * 5288, 7905; CBC as well, RFC 7366) and TLS 1.3 (RFC 8446). A tag or MAC proves each record, so
 * nothing is guessed: keys and sequence numbers are tried in the order in which they may follow,
 * and what none of them opens stays closed. That is how changes of keys (handshake to application,
 * KeyUpdate, early data) and numbers after lost records are found, without reading what is inside.
 */
#ifndef CLEARTAP_DECRYPT_H
#define CLEARTAP_DECRYPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct decrypt;
struct key_log;

enum decrypt_side { DECRYPT_CLIENT, DECRYPT_SERVER }; /* who sends */

enum decrypt_result {
	DECRYPT_CLEAR,	/* it was not encrypted: `bytes` are those of the record */
	DECRYPT_OPEN,	/* decrypted, and proven */
	DECRYPT_NO_KEY, /* no secret of this connection is known, or its cipher suite is not read */
	DECRYPT_FAILED, /* no key opens it */
};

/*
 * What its number proves of records that were lost before it, since the last that was opened: were
 * there any that may have held application data?
 */
enum decrypt_before { DECRYPT_NOTHING, DECRYPT_SOME, DECRYPT_UNCLEAR };

/* What was in a record; `bytes` are valid until the next call for any. */
struct decrypted {
	enum decrypt_result result;
	uint8_t type; /* ContentType; of TLS 1.3 the inner one where it is open */
	const uint8_t *bytes;
	size_t len;		    /* where it is not open, the most that it can hold */
	enum decrypt_before before; /* DECRYPT_OPEN */
};

/* What all connections of one thread share. NULL when out of memory; the key log is borrowed. */
struct decrypt_tools;
struct decrypt_tools *decrypt_tools_new(const struct key_log *keys);
void decrypt_tools_free(struct decrypt_tools *t);

/* NULL when out of memory. */
struct decrypt *decrypt_new(struct decrypt_tools *t);
void decrypt_free(struct decrypt *d);
/* The last ClientHello and ServerHello, as they come; a HelloRetryRequest is none. */
void decrypt_client_hello(struct decrypt *d, const uint8_t random[32]);
void decrypt_server_hello(struct decrypt *d, uint16_t version, uint16_t suite,
			  const uint8_t random[32], bool encrypt_then_mac);
/* Is there any secret of this connection? Known from its ClientHello on. */
bool decrypt_has_keys(const struct decrypt *d);
/* A whole record with its header of 5 bytes. */
struct decrypted decrypt_record(struct decrypt *d, enum decrypt_side from, const uint8_t *record,
				size_t len);
/* At least `bytes` of records are missing before the next one; so their number is not known. */
void decrypt_lost(struct decrypt *d, enum decrypt_side from, uint64_t bytes);
/* One record, of `len` bytes with its head, is missing: the most that it can have held. */
size_t decrypt_skip(struct decrypt *d, enum decrypt_side from, size_t len);

#endif
