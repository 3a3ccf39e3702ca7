/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Keys of the record layer: made of secrets, and what they open. */
#ifndef CLEARTAP_RECORD_KEY_H
#define CLEARTAP_RECORD_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <openssl/evp.h>

enum record_key_kind {
	RECORD_KEY_NONE,
	RECORD_KEY_TLS13,  /* nonce: iv xor number */
	RECORD_KEY_CHACHA, /* TLS 1.2: the same, other additional data */
	RECORD_KEY_AEAD,   /* TLS 1.2: 8 bytes of the nonce are in the record */
	RECORD_KEY_CBC
};

struct record_key {
	enum record_key_kind kind;
	uint16_t suite, version;
	const char *cipher, *hash; /* of OpenSSL; constants */
	uint8_t key_len, iv_len, tag_len, mac_len;
	uint8_t overhead; /* the fewest bytes of a record that are not content */
	bool ccm, encrypt_then_mac;
	uint8_t key[32], iv[16], mac[48];
	uint8_t secret[48], secret_len; /* TLS 1.3: from which the next one is made */
};

/* All three: false when the suite is not one that is read here, or has another hash. */
bool record_key_tls13(struct record_key *ret, uint16_t suite, const uint8_t *secret, size_t len);
bool record_key_tls12(struct record_key *ret, uint16_t version, uint16_t suite,
		      bool encrypt_then_mac, bool server, const uint8_t master[48],
		      const uint8_t client_random[32], const uint8_t server_random[32]);
/* The one after a KeyUpdate. */
bool record_key_update(const struct record_key *k, struct record_key *ret);
/*
 * A record with its head of 5 bytes, as record `number` of its side. True when its tag or MAC
 * proves it; plain has room for len bytes.
 */
bool record_key_open(const struct record_key *k, EVP_CIPHER_CTX *cipher, uint64_t number,
		     const uint8_t *record, size_t len, uint8_t *plain, size_t *ret_len);

#endif
