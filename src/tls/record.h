/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TLS records (RFC 8446 section 5.1) in the ordered bytes of one direction, however these are cut.
 * What is in a record is handshake.h's.
 */
#ifndef CLEARTAP_TLS_RECORD_H
#define CLEARTAP_TLS_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TLS_RECORD_HEAD 5

/* Its type. SSL2_HELLO: a ClientHello in the form of SSL 2 (RFC 5246 appendix E.2). */
enum tls_content {
	TLS_SSL2_HELLO = 1,
	TLS_CHANGE_CIPHER_SPEC = 20,
	TLS_ALERT,
	TLS_HANDSHAKE,
	TLS_APPLICATION_DATA,
	TLS_HEARTBEAT
};

struct tls_record {
	uint8_t type;	  /* enum tls_content */
	uint16_t version; /* 0x0303; that of SSL 2's hello is the one it asks for */
	uint32_t length;  /* of what follows the head */
};

/* What bytes are that begin a record, or are said to. */
enum tls_is { TLS_IS, TLS_IS_UNCLEAR, TLS_IS_NOT };

/*
 * Is this the head of a record, whatever it holds? From TLS_RECORD_HEAD bytes on it is not
 * unclear. Sane: a known type, version 3.0 to 3.4, a length that the type may have (an alert 2 and
 * more, a ChangeCipherSpec 1) up to 2^14 + 2048.
 */
enum tls_is tls_record_head(const uint8_t *bytes, size_t len, struct tls_record *ret);
/*
 * Do these bytes, first of a stream or of what follows an upgrade, begin a TLS connection: a
 * ClientHello, in the form of SSL 2 as well, or what answers one (ServerHello, an alert)? Unclear:
 * they may, and more are to be asked for; never with TLS_BEGIN_BYTES or more.
 */
#define TLS_BEGIN_BYTES 11
enum tls_is tls_record_begins(const uint8_t *bytes, size_t len);

/*
 * Walks. Zero-initialise it for bytes that begin with a record, or with SSL 2's hello.
 *
 *	while ((n = tls_walk_next(&w, &bytes, &len, &part)) > 0) ...
 */
struct tls_walk {
	uint8_t head[TLS_RECORD_HEAD];
	uint8_t have;  /* bytes of the head */
	bool begun;    /* a record was walked: no SSL 2 hello follows */
	bool lost;     /* what came was no record */
	uint32_t left; /* of the record's content */
	struct tls_record record;
	uint64_t records; /* heads that were seen */
};

/* Content of one record: a piece of it, its first when `begins`, its last when `ends`. */
struct tls_piece {
	struct tls_record record;
	const uint8_t *bytes;
	size_t len;
	bool begins, ends;
};

/*
 * Take from the front of *bytes, *len what makes the next piece (of 0 bytes where a record is
 * empty, or where its head alone was there). 1; 0 when all was taken; -EPROTO when no record is
 * there, for good (w->lost).
 */
int tls_walk_next(struct tls_walk *w, const uint8_t **bytes, size_t *len, struct tls_piece *ret);
/*
 * `len` bytes follow that nobody copied. 0; -EPROTO when they end beyond the record that was begun
 * (they took heads along): lost, for good.
 */
int tls_walk_skip(struct tls_walk *w, uint64_t len);

#endif
