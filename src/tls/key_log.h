/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The secrets of TLS connections that their programs wrote down: lines of the NSS key log format
 * (SSLKEYLOGFILE), from a file or from a Decryption Secrets Block of pcapng. They stay in memory.
 */
#ifndef CLEARTAP_KEY_LOG_H
#define CLEARTAP_KEY_LOG_H

#include <stddef.h>
#include <stdint.h>

#define KEY_LOG_SECRET 48 /* the longest: SHA-384's, and a master secret */

enum secret_kind {
	SECRET_MASTER,	     /* CLIENT_RANDOM: TLS 1.2 and before */
	SECRET_CLIENT_EARLY, /* the others are of TLS 1.3 */
	SECRET_CLIENT_HANDSHAKE,
	SECRET_SERVER_HANDSHAKE,
	SECRET_CLIENT_TRAFFIC,
	SECRET_SERVER_TRAFFIC,
	SECRET_KINDS
};

struct secret {
	uint8_t bytes[KEY_LOG_SECRET];
	uint8_t len; /* 32 or 48 */
};

struct buf;
struct key_log;

/* NULL when out of memory. */
struct key_log *key_log_new(void);
void key_log_free(struct key_log *k);
/*
 * Whole lines. Comments, labels that nothing is read with, and lines that are none are passed over
 * (the latter counted), as is what is past LIMIT_KEYLOG_CONNS. A secret that is there already
 * stays. 0 or -ENOMEM.
 */
int key_log_add(struct key_log *k, const char *text, size_t len);
/* Of the connection whose ClientHello has this random; NULL: not there. Valid until key_log_add().
 */
const struct secret *key_log_find(const struct key_log *k, const uint8_t random[32],
				  enum secret_kind kind);

/* Append the lines of that connection, all that is known of it. 0 or -ENOMEM. */
int key_log_put(const struct key_log *k, const uint8_t random[32], struct buf *out);

struct key_log_counts {
	uint64_t secrets, bad_lines, past_limit;
};
struct key_log_counts key_log_counts(const struct key_log *k);

#endif
