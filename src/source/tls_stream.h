/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Both directions of a TLS connection of a file: from ordered bytes to records, to what programs
 * said in them, where the key log has the secrets. After missing bytes the next record is sought.
 */
#ifndef CLEARTAP_TLS_STREAM_H
#define CLEARTAP_TLS_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct decrypt_tools;
struct decrypted;
struct share;
struct tls_stream;

/* Of all streams. */
struct tls_stream_counts {
	uint64_t connections,
		readable; /* that sent application data, and whose secrets are known */
	uint64_t records, opened, failed, no_key; /* encrypted records */
	uint64_t not_held;			  /* given up for want of memory */
};

/* Application data of a side (0, 1), in order: what was in it, or at most how much it was. */
struct tls_stream_to {
	void (*plain)(void *ctx, int side, const uint8_t *bytes, size_t len);
	void (*missing)(void *ctx, int side, uint64_t len);
	/* Each whole record, with its head, before what was in it is told. */
	void (*record)(void *ctx, int side, const uint8_t *record, size_t len,
		       const struct decrypted *d);
	struct decrypt_tools *tools;
	struct tls_stream_counts *counts;
	struct share *share; /* of LIMIT_REASSEMBLE_ALL: whose memory it is */
};

/* NULL when out of memory. `to` is copied. */
struct tls_stream *tls_stream_new(const struct tls_stream_to *to);
void tls_stream_free(struct tls_stream *s);
/* `ctx` is what is told along. */
void tls_stream_bytes(struct tls_stream *s, void *ctx, int side, int64_t now_us,
		      const uint8_t *bytes, size_t len);
void tls_stream_gap(struct tls_stream *s, void *ctx, int side, uint64_t len);
/* No more comes from this side. */
void tls_stream_end(struct tls_stream *s, void *ctx, int side);
/* The side that is the client, by its ClientHello; -1: not seen. */
int tls_stream_client(const struct tls_stream *s);
/* Are there secrets of it? Until then, what was said is only missing. */
bool tls_stream_readable(const struct tls_stream *s);

#endif
