// SPDX-License-Identifier: GPL-2.0-or-later
#include "tls/record_key.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>

#define HEAD	 5
#define BLOCK	 16
#define EXPLICIT 8 /* bytes of a nonce that TLS 1.2 sends along */
#define TLS_1_2	 0x0303

enum cipher {
	AES_128_GCM,
	AES_256_GCM,
	CHACHA20,
	AES_128_CCM,
	AES_256_CCM,
	AES_128_CBC,
	AES_256_CBC
};

static const struct {
	const char *name;
	uint8_t key;
} ciphers[] = {
	[AES_128_GCM] = { "AES-128-GCM", 16 },	  [AES_256_GCM] = { "AES-256-GCM", 32 },
	[CHACHA20] = { "ChaCha20-Poly1305", 32 }, [AES_128_CCM] = { "AES-128-CCM", 16 },
	[AES_256_CCM] = { "AES-256-CCM", 32 },	  [AES_128_CBC] = { "AES-128-CBC", 16 },
	[AES_256_CBC] = { "AES-256-CBC", 32 },
};

/* By RFC 5246, 5288, 5289, 5487, 6655, 7251, 7905, 8422, 8442 and 8446. */
static const struct suite {
	uint16_t number;
	enum cipher cipher;
	uint8_t tag;	  /* of an AEAD */
	const char *hash; /* of the PRF */
	const char *mac;  /* of CBC */
} suites[] = {
	{ 0x1301, AES_128_GCM, 16, "SHA256", NULL },
	{ 0x1302, AES_256_GCM, 16, "SHA384", NULL },
	{ 0x1303, CHACHA20, 16, "SHA256", NULL },
	{ 0x1304, AES_128_CCM, 16, "SHA256", NULL },
	{ 0x1305, AES_128_CCM, 8, "SHA256", NULL },

	{ 0x009c, AES_128_GCM, 16, "SHA256", NULL },
	{ 0x009d, AES_256_GCM, 16, "SHA384", NULL },
	{ 0x009e, AES_128_GCM, 16, "SHA256", NULL },
	{ 0x009f, AES_256_GCM, 16, "SHA384", NULL },
	{ 0x00a2, AES_128_GCM, 16, "SHA256", NULL },
	{ 0x00a3, AES_256_GCM, 16, "SHA384", NULL },
	{ 0x00a6, AES_128_GCM, 16, "SHA256", NULL },
	{ 0x00a7, AES_256_GCM, 16, "SHA384", NULL },
	{ 0x00a8, AES_128_GCM, 16, "SHA256", NULL },
	{ 0x00a9, AES_256_GCM, 16, "SHA384", NULL },
	{ 0x00aa, AES_128_GCM, 16, "SHA256", NULL },
	{ 0x00ab, AES_256_GCM, 16, "SHA384", NULL },
	{ 0xc02b, AES_128_GCM, 16, "SHA256", NULL },
	{ 0xc02c, AES_256_GCM, 16, "SHA384", NULL },
	{ 0xc02d, AES_128_GCM, 16, "SHA256", NULL },
	{ 0xc02e, AES_256_GCM, 16, "SHA384", NULL },
	{ 0xc02f, AES_128_GCM, 16, "SHA256", NULL },
	{ 0xc030, AES_256_GCM, 16, "SHA384", NULL },
	{ 0xc031, AES_128_GCM, 16, "SHA256", NULL },
	{ 0xc032, AES_256_GCM, 16, "SHA384", NULL },
	{ 0xd001, AES_128_GCM, 16, "SHA256", NULL },
	{ 0xd002, AES_256_GCM, 16, "SHA384", NULL },

	{ 0xcca8, CHACHA20, 16, "SHA256", NULL },
	{ 0xcca9, CHACHA20, 16, "SHA256", NULL },
	{ 0xccaa, CHACHA20, 16, "SHA256", NULL },
	{ 0xccab, CHACHA20, 16, "SHA256", NULL },
	{ 0xccac, CHACHA20, 16, "SHA256", NULL },
	{ 0xccad, CHACHA20, 16, "SHA256", NULL },
	{ 0xccae, CHACHA20, 16, "SHA256", NULL },

	{ 0xc09c, AES_128_CCM, 16, "SHA256", NULL },
	{ 0xc09d, AES_256_CCM, 16, "SHA256", NULL },
	{ 0xc09e, AES_128_CCM, 16, "SHA256", NULL },
	{ 0xc09f, AES_256_CCM, 16, "SHA256", NULL },
	{ 0xc0a0, AES_128_CCM, 8, "SHA256", NULL },
	{ 0xc0a1, AES_256_CCM, 8, "SHA256", NULL },
	{ 0xc0a2, AES_128_CCM, 8, "SHA256", NULL },
	{ 0xc0a3, AES_256_CCM, 8, "SHA256", NULL },
	{ 0xc0a4, AES_128_CCM, 16, "SHA256", NULL },
	{ 0xc0a5, AES_256_CCM, 16, "SHA256", NULL },
	{ 0xc0ac, AES_128_CCM, 16, "SHA256", NULL },
	{ 0xc0ad, AES_256_CCM, 16, "SHA256", NULL },
	{ 0xc0ae, AES_128_CCM, 8, "SHA256", NULL },
	{ 0xc0af, AES_256_CCM, 8, "SHA256", NULL },

	{ 0x002f, AES_128_CBC, 0, "SHA256", "SHA1" },
	{ 0x0035, AES_256_CBC, 0, "SHA256", "SHA1" },
	{ 0x0033, AES_128_CBC, 0, "SHA256", "SHA1" },
	{ 0x0039, AES_256_CBC, 0, "SHA256", "SHA1" },
	{ 0xc009, AES_128_CBC, 0, "SHA256", "SHA1" },
	{ 0xc00a, AES_256_CBC, 0, "SHA256", "SHA1" },
	{ 0xc013, AES_128_CBC, 0, "SHA256", "SHA1" },
	{ 0xc014, AES_256_CBC, 0, "SHA256", "SHA1" },
	{ 0x003c, AES_128_CBC, 0, "SHA256", "SHA256" },
	{ 0x003d, AES_256_CBC, 0, "SHA256", "SHA256" },
	{ 0x0067, AES_128_CBC, 0, "SHA256", "SHA256" },
	{ 0x006b, AES_256_CBC, 0, "SHA256", "SHA256" },
	{ 0xc023, AES_128_CBC, 0, "SHA256", "SHA256" },
	{ 0xc027, AES_128_CBC, 0, "SHA256", "SHA256" },
	{ 0xc024, AES_256_CBC, 0, "SHA384", "SHA384" },
	{ 0xc028, AES_256_CBC, 0, "SHA384", "SHA384" },
};

static const struct suite *suite_of(uint16_t number)
{
	for (size_t i = 0; i < sizeof(suites) / sizeof(*suites); i++)
		if (suites[i].number == number)
			return &suites[i];
	return NULL;
}

static size_t hash_len(const char *hash)
{
	return !strcmp(hash, "SHA384") ? 48 : !strcmp(hash, "SHA256") ? 32 : 20;
}

static const EVP_MD *digest(const char *hash)
{
	return !strcmp(hash, "SHA384")	 ? EVP_sha384()
	       : !strcmp(hash, "SHA256") ? EVP_sha256()
					 : EVP_sha1();
}

static struct record_key with_suite(const struct suite *s, uint16_t version)
{
	return (struct record_key){ .suite = s->number,
				    .version = version,
				    .cipher = ciphers[s->cipher].name,
				    .hash = s->mac ? s->mac : s->hash,
				    .key_len = ciphers[s->cipher].key,
				    .tag_len = s->tag,
				    .ccm = s->cipher == AES_128_CCM || s->cipher == AES_256_CCM };
}

/* HKDF-Expand-Label (RFC 8446 section 7.1) of no context, for what one block of the hash has. */
static bool expand(const char *hash, const uint8_t *secret, size_t secret_len, const char *label,
		   uint8_t *ret, size_t len)
{
	uint8_t info[64], block[EVP_MAX_MD_SIZE];
	size_t label_len = strlen(label), n = 0;
	unsigned size = 0;

	info[n++] = 0;
	info[n++] = (uint8_t)len;
	info[n++] = (uint8_t)(6 + label_len);
	memcpy(info + n, "tls13 ", 6);
	n += 6;
	memcpy(info + n, label, label_len);
	n += label_len;
	info[n++] = 0;
	info[n++] = 1; /* the first block */
	bool good =
		HMAC(digest(hash), secret, (int)secret_len, info, n, block, &size) && size >= len;
	if (good)
		memcpy(ret, block, len);
	OPENSSL_cleanse(block, sizeof(block));
	return good;
}

bool record_key_tls13(struct record_key *ret, uint16_t number, const uint8_t *secret, size_t len)
{
	const struct suite *s = suite_of(number);

	if (!s || number >> 8 != 0x13 || hash_len(s->hash) != len)
		return false;
	struct record_key k = with_suite(s, 0x0304);
	k.kind = RECORD_KEY_TLS13;
	k.iv_len = 12;
	k.overhead = (uint8_t)(k.tag_len + 1);
	k.secret_len = (uint8_t)len;
	memcpy(k.secret, secret, len);
	if (!expand(s->hash, secret, len, "key", k.key, k.key_len) ||
	    !expand(s->hash, secret, len, "iv", k.iv, k.iv_len))
		return false;
	*ret = k;
	return true;
}

bool record_key_update(const struct record_key *k, struct record_key *ret)
{
	uint8_t secret[48];

	return k->kind == RECORD_KEY_TLS13 &&
	       expand(k->hash, k->secret, k->secret_len, "traffic upd", secret, k->secret_len) &&
	       record_key_tls13(ret, k->suite, secret, k->secret_len);
}

/* The key block of RFC 5246 section 6.3. */
static bool key_block(const char *hash, const uint8_t *master, const uint8_t *client_random,
		      const uint8_t *server_random, uint8_t *ret, size_t len)
{
	static char label[] = "key expansion";
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS1-PRF", NULL);
	EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)hash, 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, (void *)master, 48),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, label, sizeof(label) - 1),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, (void *)server_random, 32),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SEED, (void *)client_random, 32),
		OSSL_PARAM_construct_end(),
	};
	bool good = ctx && EVP_KDF_derive(ctx, ret, len, params) > 0;

	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return good;
}

bool record_key_tls12(struct record_key *ret, uint16_t version, uint16_t number,
		      bool encrypt_then_mac, bool server, const uint8_t master[48],
		      const uint8_t client_random[32], const uint8_t server_random[32])
{
	const struct suite *s = suite_of(number);
	uint8_t block[2 * (48 + 32 + 16)];

	if (!s || version != TLS_1_2 || number >> 8 == 0x13)
		return false;
	struct record_key k = with_suite(s, version);
	k.kind = s->mac			 ? RECORD_KEY_CBC
		 : s->cipher == CHACHA20 ? RECORD_KEY_CHACHA
					 : RECORD_KEY_AEAD;
	k.mac_len = s->mac ? (uint8_t)hash_len(s->mac) : 0;
	k.iv_len = k.kind == RECORD_KEY_CHACHA ? 12 : k.kind == RECORD_KEY_AEAD ? 4 : 0;
	k.overhead = (uint8_t)(k.kind == RECORD_KEY_CHACHA ? k.tag_len
			       : k.kind == RECORD_KEY_AEAD ? EXPLICIT + k.tag_len
							   : BLOCK + k.mac_len + 1);
	k.encrypt_then_mac = encrypt_then_mac;
	size_t half = (size_t)k.mac_len + k.key_len + k.iv_len;
	bool good = key_block(s->hash, master, client_random, server_random, block, 2 * half);
	const uint8_t *at = block;
	memcpy(k.mac, at + (server ? k.mac_len : 0), k.mac_len);
	at += 2 * k.mac_len;
	memcpy(k.key, at + (server ? k.key_len : 0), k.key_len);
	at += 2 * k.key_len;
	memcpy(k.iv, at + (server ? k.iv_len : 0), k.iv_len);
	OPENSSL_cleanse(block, sizeof(block));
	if (good)
		*ret = k;
	return good;
}

static void put_number(uint8_t *at, uint64_t number)
{
	for (int i = 7; i >= 0; i--, number >>= 8)
		at[i] = (uint8_t)number;
}

/* What one tag covers. */
struct sealed {
	uint8_t nonce[12], extra[13];
	size_t extra_len;
	const uint8_t *text;
	size_t len; /* without the tag, which follows */
};

static bool open_sealed(const struct record_key *k, EVP_CIPHER_CTX *c, const struct sealed *s,
			uint8_t *plain)
{
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, k->cipher, NULL);
	int n = 0;
	bool good = cipher && EVP_DecryptInit_ex2(c, cipher, NULL, NULL, NULL) > 0 &&
		    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_IVLEN, 12, NULL) > 0 &&
		    EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_AEAD_SET_TAG, k->tag_len,
					(void *)(s->text + s->len)) > 0 &&
		    EVP_DecryptInit_ex2(c, NULL, k->key, s->nonce, NULL) > 0;

	EVP_CIPHER_free(cipher);
	/* CCM is told its length first, and proves with the last call that takes text */
	if (good && k->ccm)
		good = EVP_DecryptUpdate(c, NULL, &n, NULL, (int)s->len) > 0;
	good = good && EVP_DecryptUpdate(c, NULL, &n, s->extra, (int)s->extra_len) > 0 &&
	       EVP_DecryptUpdate(c, plain, &n, s->text, (int)s->len) > 0;
	return good && (k->ccm || EVP_DecryptFinal_ex(c, plain + n, &n) > 0);
}

static bool open_aead(const struct record_key *k, EVP_CIPHER_CTX *c, uint64_t number,
		      const uint8_t *record, size_t len, uint8_t *plain, size_t *ret_len)
{
	size_t explicit = k->kind == RECORD_KEY_AEAD ? EXPLICIT : 0;
	uint8_t be[8];

	if (len < HEAD + explicit + k->tag_len)
		return false;
	struct sealed s = { .text = record + HEAD + explicit,
			    .len = len - HEAD - explicit - k->tag_len };
	put_number(be, number);
	memcpy(s.nonce, k->iv, k->iv_len);
	if (explicit)
		memcpy(s.nonce + k->iv_len, record + HEAD, EXPLICIT);
	for (int i = 0; i < 8 && !explicit; i++)
		s.nonce[4 + i] ^= be[i];
	if (k->kind == RECORD_KEY_TLS13) {
		memcpy(s.extra, record, HEAD);
		s.extra_len = HEAD;
	} else {
		memcpy(s.extra, be, 8);
		memcpy(s.extra + 8, record, 3);
		s.extra[11] = (uint8_t)(s.len >> 8);
		s.extra[12] = (uint8_t)s.len;
		s.extra_len = 13;
	}
	*ret_len = s.len;
	return open_sealed(k, c, &s, plain);
}

static bool mac_is(const struct record_key *k, uint64_t number, const uint8_t *record,
		   const uint8_t *text, size_t len, const uint8_t *mac)
{
	uint8_t head[13], is[EVP_MAX_MD_SIZE];

	put_number(head, number);
	memcpy(head + 8, record, 3);
	head[11] = (uint8_t)(len >> 8);
	head[12] = (uint8_t)len;
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_HMAC, NULL, k->mac, k->mac_len);
	EVP_MD_CTX *c = EVP_MD_CTX_new();
	size_t size = sizeof(is);
	bool good = key && c && EVP_DigestSignInit(c, NULL, digest(k->hash), NULL, key) > 0 &&
		    EVP_DigestSignUpdate(c, head, sizeof(head)) > 0 &&
		    EVP_DigestSignUpdate(c, text, len) > 0 && EVP_DigestSignFinal(c, is, &size) > 0;
	EVP_MD_CTX_free(c);
	EVP_PKEY_free(key);
	return good && size == k->mac_len && !CRYPTO_memcmp(is, mac, size);
}

/* In place: the length without padding; false when that is not as RFC 5246 section 6.2.3.2 wants
 * it.
 */
static bool unpad(const uint8_t *plain, size_t *len)
{
	size_t padding = *len ? (size_t)plain[*len - 1] + 1 : 1;

	if (padding > *len)
		return false;
	for (size_t i = 1; i <= padding; i++)
		if (plain[*len - i] != padding - 1)
			return false;
	*len -= padding;
	return true;
}

static bool open_cbc(const struct record_key *k, EVP_CIPHER_CTX *c, uint64_t number,
		     const uint8_t *record, size_t len, uint8_t *plain, size_t *ret_len)
{
	size_t mac = k->encrypt_then_mac ? k->mac_len : 0;
	int n = 0;

	if (len < HEAD + 2 * BLOCK + mac || (len - HEAD - mac) % BLOCK)
		return false;
	size_t text = len - HEAD - mac;
	if (mac && !mac_is(k, number, record, record + HEAD, text, record + HEAD + text))
		return false;
	EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, k->cipher, NULL);
	bool good = cipher && EVP_DecryptInit_ex2(c, cipher, k->key, record + HEAD, NULL) > 0 &&
		    EVP_CIPHER_CTX_set_padding(c, 0) > 0 &&
		    EVP_DecryptUpdate(c, plain, &n, record + HEAD + BLOCK, (int)(text - BLOCK)) > 0;
	EVP_CIPHER_free(cipher);
	size_t plain_len = text - BLOCK;
	if (!good || !unpad(plain, &plain_len))
		return false;
	if (!mac) {
		if (plain_len < k->mac_len)
			return false;
		plain_len -= k->mac_len;
		if (!mac_is(k, number, record, plain, plain_len, plain + plain_len))
			return false;
	}
	*ret_len = plain_len;
	return true;
}

bool record_key_open(const struct record_key *k, EVP_CIPHER_CTX *cipher, uint64_t number,
		     const uint8_t *record, size_t len, uint8_t *plain, size_t *ret_len)
{
	EVP_CIPHER_CTX_reset(cipher);
	return k->kind == RECORD_KEY_CBC
		       ? open_cbc(k, cipher, number, record, len, plain, ret_len)
		       : open_aead(k, cipher, number, record, len, plain, ret_len);
}
