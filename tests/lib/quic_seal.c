// SPDX-License-Identifier: GPL-2.0-or-later
#include "quic_seal.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <stdbool.h>
#include <string.h>

#include "tls/quic_keys.h"

/* Before the length; a number of four bytes. */
static const uint8_t head[] = { 0xc3, 0, 0, 0, 1, 8, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0 };

static void put_number(uint8_t *end, uint32_t number, bool flip)
{
	for (int i = 0; i < 4; i++) {
		uint8_t byte = (uint8_t)(number >> 8 * i);
		end[-1 - i] = flip ? end[-1 - i] ^ byte : byte;
	}
}

size_t quic_seal(int dir, uint32_t number, const uint8_t *frames, size_t len,
		 uint8_t out[static QUIC_SEALED])
{
	uint8_t clear[1200] = { 0 }, mask[5], nonce[12];
	size_t at = sizeof(head) + 6, size = sizeof(clear) + QUIC_TAG;
	gnutls_aead_cipher_hd_t aead;
	struct quic_keys k[2];

	memcpy(clear, frames, len < sizeof(clear) ? len : sizeof(clear));
	memcpy(out, head, sizeof(head));
	out[at - 6] = (uint8_t)(0x40 | (size + 4) >> 8);
	out[at - 5] = (uint8_t)(size + 4);
	put_number(out + at, number, false);
	if (quic_keys_derive(QUIC_V1, head + 6, 8, k))
		return 0;
	memcpy(nonce, k[dir].iv, sizeof(nonce));
	put_number(nonce + sizeof(nonce), number, true);
	const gnutls_datum_t key = { k[dir].key, sizeof(k[dir].key) };
	if (gnutls_aead_cipher_init(&aead, GNUTLS_CIPHER_AES_128_GCM, &key))
		return 0;
	int r = gnutls_aead_cipher_encrypt(aead, nonce, sizeof(nonce), out, at, QUIC_TAG, clear,
					   sizeof(clear), out + at, &size);
	gnutls_aead_cipher_deinit(aead);
	if (r || quic_keys_mask(&k[dir], out + at, mask))
		return 0;
	out[0] ^= mask[0] & 0x0f;
	for (int i = 0; i < 4; i++)
		out[at - 4 + (size_t)i] ^= mask[1 + i];
	return at + size;
}
