// SPDX-License-Identifier: GPL-2.0-or-later
#include "tls/quic_keys.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <string.h>

#define HASH GNUTLS_MAC_SHA256

static const struct quic_version {
	uint32_t number;
	uint8_t salt[20];
	const char *key, *iv, *header;
} versions[] = {
	{ QUIC_V1,
	  { 0x38, 0x76, 0x2c, 0xf7, 0xf5, 0x59, 0x34, 0xb3, 0x4d, 0x17,
	    0x9a, 0xe6, 0xa4, 0xc8, 0x0c, 0xad, 0xcc, 0xbb, 0x7f, 0x0a },
	  "tls13 quic key",
	  "tls13 quic iv",
	  "tls13 quic hp" },
	{ QUIC_V2,
	  { 0x0d, 0xed, 0xe3, 0xde, 0xf7, 0x00, 0xa6, 0xdb, 0x81, 0x93,
	    0x81, 0xbe, 0x6e, 0x26, 0x9d, 0xcb, 0xf9, 0xbd, 0x2e, 0xd9 },
	  "tls13 quicv2 key",
	  "tls13 quicv2 iv",
	  "tls13 quicv2 hp" },
};

static gnutls_datum_t datum(const void *data, size_t len)
{
	return (gnutls_datum_t){ (unsigned char *)(uintptr_t)data, (unsigned)len };
}

/* HKDF-Expand-Label of RFC 8446 section 7.1; `label` begins with "tls13 ", the context is empty. */
static int expand(const uint8_t secret[32], const char *label, uint8_t *out, size_t len)
{
	uint8_t info[64];
	size_t n = strlen(label);
	const gnutls_datum_t key = datum(secret, 32);

	info[0] = (uint8_t)(len >> 8);
	info[1] = (uint8_t)len;
	info[2] = (uint8_t)n;
	memcpy(info + 3, label, n);
	info[3 + n] = 0;
	const gnutls_datum_t d = datum(info, 4 + n);
	return gnutls_hkdf_expand(HASH, &key, &d, out, len);
}

static int derive_side(const struct quic_version *v, const uint8_t initial[32], const char *label,
		       struct quic_keys *ret)
{
	uint8_t secret[32];

	return expand(initial, label, secret, sizeof(secret)) ||
			       expand(secret, v->key, ret->key, sizeof(ret->key)) ||
			       expand(secret, v->iv, ret->iv, sizeof(ret->iv)) ||
			       expand(secret, v->header, ret->header, sizeof(ret->header))
		       ? -EIO
		       : 0;
}

int quic_keys_derive(uint32_t version, const uint8_t *cid, size_t len, struct quic_keys ret[2])
{
	const struct quic_version *v = NULL;
	uint8_t initial[32];

	for (size_t i = 0; i < sizeof(versions) / sizeof(*versions); i++)
		if (versions[i].number == version)
			v = &versions[i];
	if (!v)
		return -ENOTSUP;
	const gnutls_datum_t key = datum(cid, len), salt = datum(v->salt, sizeof(v->salt));
	if (gnutls_hkdf_extract(HASH, &key, &salt, initial))
		return -EIO;
	int r = derive_side(v, initial, "tls13 client in", &ret[0]);
	return r ? r : derive_side(v, initial, "tls13 server in", &ret[1]);
}

/* One block of AES is that of CBC after a block of zeros: GnuTLS has no ECB. */
int quic_keys_mask(const struct quic_keys *k, const uint8_t sample[16], uint8_t ret[5])
{
	const uint8_t zeros[16] = { 0 };
	const gnutls_datum_t key = datum(k->header, 16), iv = datum(zeros, 16);
	gnutls_cipher_hd_t aes;
	uint8_t block[16];

	if (gnutls_cipher_init(&aes, GNUTLS_CIPHER_AES_128_CBC, &key, &iv))
		return -EIO;
	int r = gnutls_cipher_encrypt2(aes, sample, 16, block, sizeof(block));
	gnutls_cipher_deinit(aes);
	if (r)
		return -EIO;
	memcpy(ret, block, 5);
	return 0;
}

int quic_keys_open(const struct quic_keys *k, uint64_t number, const uint8_t *head, size_t head_len,
		   const uint8_t *bytes, size_t len, uint8_t *out)
{
	const gnutls_datum_t key = datum(k->key, sizeof(k->key));
	gnutls_aead_cipher_hd_t aead;
	uint8_t nonce[sizeof(k->iv)];
	size_t size = len - QUIC_TAG;

	memcpy(nonce, k->iv, sizeof(nonce));
	for (int i = 0; i < 8; i++)
		nonce[sizeof(nonce) - 1 - i] ^= (uint8_t)(number >> 8 * i);
	if (gnutls_aead_cipher_init(&aead, GNUTLS_CIPHER_AES_128_GCM, &key))
		return -EBADMSG;
	int r = gnutls_aead_cipher_decrypt(aead, nonce, sizeof(nonce), head, head_len, QUIC_TAG,
					   bytes, len, out, &size);
	gnutls_aead_cipher_deinit(aead);
	return r ? -EBADMSG : 0;
}
