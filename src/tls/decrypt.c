// SPDX-License-Identifier: GPL-2.0-or-later
#include "tls/decrypt.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

#include "base/limits.h"
#include "tls/key_log.h"
#include "tls/record_key.h"

#define HEAD	 5
#define TLS_1_3	 0x0304
#define TLS_1_2	 0x0303
#define LARGEST	 (16384 + 2048)
#define SMALLEST 22 /* an encrypted record with its head, about: what lost bytes may have been */

enum content { CHANGE_CIPHER_SPEC = 20, ALERT, HANDSHAKE, APPLICATION_DATA };

/*
 * One side. A tls13 side goes through stages: early data, handshake, application data, and from
 * there from key to key. A key is found by trying, so it may skip stages.
 */
enum stage { STAGE_NONE, STAGE_EARLY, STAGE_HANDSHAKE, STAGE_TRAFFIC };

struct keyed_side {
	struct record_key key; /* that opened the last record; kind NONE: none yet */
	enum stage stage;
	uint64_t number;     /* of the next record */
	uint64_t maybe_lost; /* at most so many records were lost before it */
	uint32_t failed;     /* tries that may still fail */
	bool encrypted;	     /* TLS 1.2: its ChangeCipherSpec came */
	bool lost;	     /* since the last record that was opened */
};

struct decrypt_tools {
	const struct key_log *keys;
	EVP_CIPHER_CTX *cipher;
	uint8_t plain[LARGEST + 32];
};

struct decrypt {
	struct decrypt_tools *tools;
	struct keyed_side senders[2];
	uint8_t client_random[32], server_random[32];
	bool client_known, server_known, tls13, has_keys;
	bool encrypt_then_mac;
	bool far; /* numbers are tried as if records were lost before them */
	uint16_t version, suite;
};

struct decrypt_tools *decrypt_tools_new(const struct key_log *keys)
{
	struct decrypt_tools *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->keys = keys;
	t->cipher = EVP_CIPHER_CTX_new();
	if (t->cipher)
		return t;
	free(t);
	return NULL;
}

void decrypt_tools_free(struct decrypt_tools *t)
{
	if (!t)
		return;
	EVP_CIPHER_CTX_free(t->cipher);
	explicit_bzero(t, sizeof(*t));
	free(t);
}

struct decrypt *decrypt_new(struct decrypt_tools *t)
{
	struct decrypt *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->tools = t;
	for (int i = 0; i < 2; i++)
		d->senders[i].failed = LIMIT_DECRYPT_FAILED;
	return d;
}

void decrypt_free(struct decrypt *d)
{
	if (!d)
		return;
	explicit_bzero(d, sizeof(*d));
	free(d);
}

static const struct secret *secret_of(const struct decrypt *d, enum secret_kind kind)
{
	return d->client_known ? key_log_find(d->tools->keys, d->client_random, kind) : NULL;
}

void decrypt_client_hello(struct decrypt *d, const uint8_t random[32])
{
	memcpy(d->client_random, random, sizeof(d->client_random));
	d->client_known = true;
	d->server_known = false;
	d->tls13 = false;
	for (int k = SECRET_CLIENT_EARLY; k < SECRET_KINDS; k++)
		d->tls13 |= secret_of(d, (enum secret_kind)k) != NULL;
	d->has_keys = d->tls13 || secret_of(d, SECRET_MASTER);
}

void decrypt_server_hello(struct decrypt *d, uint16_t version, uint16_t suite,
			  const uint8_t random[32], bool encrypt_then_mac)
{
	memcpy(d->server_random, random, sizeof(d->server_random));
	d->server_known = true;
	d->version = version;
	d->suite = suite;
	d->encrypt_then_mac = encrypt_then_mac;
}

bool decrypt_has_keys(const struct decrypt *d)
{
	return d->has_keys;
}

/* The key opens it as this number: the state moves on behind it. */
static bool try_key(struct decrypt *d, struct keyed_side *s, const struct record_key *key,
		    uint64_t number, const uint8_t *record, size_t len, struct decrypted *ret)
{
	size_t plain;

	if (!s->failed ||
	    !record_key_open(key, d->tools->cipher, number, record, len, d->tools->plain, &plain)) {
		s->failed -= s->failed > 0;
		return false;
	}
	uint32_t more = s->failed + LIMIT_DECRYPT_AHEAD;
	s->failed = more < LIMIT_DECRYPT_AT_ONCE ? more : LIMIT_DECRYPT_AT_ONCE;
	s->number = number + 1;
	*ret = (struct decrypted){
		.result = DECRYPT_OPEN, .type = record[0], .bytes = d->tools->plain, .len = plain
	};
	s->lost = false;
	s->maybe_lost = 0;
	return true;
}

/* A key for its record `from`, or, where records before it are lost, for those after that one. */
static bool try_numbers(struct decrypt *d, struct keyed_side *s, const struct record_key *key,
			uint64_t from, const uint8_t *record, size_t len, struct decrypted *ret)
{
	uint64_t most = s->maybe_lost < LIMIT_DECRYPT_AHEAD ? s->maybe_lost : LIMIT_DECRYPT_AHEAD;

	for (uint64_t i = d->far; i <= (d->far ? most : 0) && s->failed; i++)
		if (try_key(d, s, key, from + i, record, len, ret)) {
			ret->before = i ? DECRYPT_SOME : DECRYPT_NOTHING;
			return true;
		}
	return false;
}

static enum secret_kind kind_of(enum decrypt_side from, enum stage stage)
{
	if (stage == STAGE_EARLY)
		return SECRET_CLIENT_EARLY;
	if (stage == STAGE_HANDSHAKE)
		return from == DECRYPT_CLIENT ? SECRET_CLIENT_HANDSHAKE : SECRET_SERVER_HANDSHAKE;
	return from == DECRYPT_CLIENT ? SECRET_CLIENT_TRAFFIC : SECRET_SERVER_TRAFFIC;
}

/*
 * A key from a secret, of each cipher that the suite may be: it is known from the ServerHello on,
 * which early data comes before. The hash is told by the length of the secret.
 */
static bool try_secret(struct decrypt *d, struct keyed_side *s, const struct secret *secret,
		       enum stage stage, const uint8_t *record, size_t len, struct decrypted *ret)
{
	static const uint16_t suites[] = { 0x1301, 0x1302, 0x1303, 0x1304, 0x1305 };
	bool known = d->server_known && stage != STAGE_EARLY;

	for (size_t i = 0; i < sizeof(suites) / sizeof(*suites); i++) {
		struct record_key key;
		if (!s->failed || (known && suites[i] != d->suite))
			continue;
		if (!record_key_tls13(&key, suites[i], secret->bytes, secret->len))
			continue;
		bool opened = try_numbers(d, s, &key, 0, record, len, ret);
		if (opened) {
			s->key = key;
			s->stage = stage;
		}
		explicit_bzero(&key, sizeof(key));
		if (opened)
			return true;
	}
	return false;
}

static bool try_next_stages(struct decrypt *d, enum decrypt_side from, struct keyed_side *s,
			    const uint8_t *record, size_t len, struct decrypted *ret)
{
	enum stage stage = s->stage + 1;

	if (stage == STAGE_EARLY && from == DECRYPT_SERVER)
		stage++;
	for (; stage <= STAGE_TRAFFIC; stage++) {
		const struct secret *secret = secret_of(d, kind_of(from, stage));
		if (secret && try_secret(d, s, secret, stage, record, len, ret))
			return true;
	}
	return false;
}

/* After a KeyUpdate. */
static bool try_update(struct decrypt *d, struct keyed_side *s, const uint8_t *record, size_t len,
		       struct decrypted *ret)
{
	struct record_key key;

	if (s->stage != STAGE_TRAFFIC || !s->failed || !record_key_update(&s->key, &key))
		return false;
	bool opened = try_numbers(d, s, &key, 0, record, len, ret);
	if (opened)
		s->key = key;
	explicit_bzero(&key, sizeof(key));
	return opened;
}

/* The content ends with its type, which padding of zeros follows. */
static void strip_padding(struct decrypted *r)
{
	while (r->len && !r->bytes[r->len - 1])
		r->len--;
	r->type = r->len ? r->bytes[--r->len] : 0;
}

static bool open_tls13(struct decrypt *d, enum decrypt_side from, const uint8_t *record, size_t len,
		       struct decrypted *ret)
{
	struct keyed_side *s = &d->senders[from];
	/* of data that may have ended before this key: nobody knows how many records there were */
	bool unknown = s->lost && (s->stage == STAGE_TRAFFIC || secret_of(d, SECRET_CLIENT_EARLY));
	bool same = false, opened = false;

	/* the first record of each key before later ones of any */
	for (int far = 0; far <= s->lost && !opened; far++) {
		d->far = far;
		same = s->stage && try_numbers(d, s, &s->key, s->number, record, len, ret);
		opened = same || try_update(d, s, record, len, ret) ||
			 try_next_stages(d, from, s, record, len, ret);
	}
	if (!opened)
		return false;
	if (s->stage == STAGE_HANDSHAKE)
		ret->before = DECRYPT_UNCLEAR;
	else if (!same && unknown)
		ret->before = DECRYPT_SOME;
	strip_padding(ret);
	return true;
}

static bool open_tls12(struct decrypt *d, enum decrypt_side from, const uint8_t *record, size_t len,
		       struct decrypted *ret)
{
	struct keyed_side *s = &d->senders[from];

	if (s->key.kind == RECORD_KEY_NONE) {
		const struct secret *master = secret_of(d, SECRET_MASTER);
		if (!master || !d->server_known ||
		    !record_key_tls12(&s->key, d->version, d->suite, d->encrypt_then_mac,
				      from == DECRYPT_SERVER, master->bytes, d->client_random,
				      d->server_random))
			return false;
	}
	uint64_t number = s->number;
	bool opened = false;
	for (int far = 0; far <= s->lost && !opened; far++) {
		d->far = far;
		opened = try_numbers(d, s, &s->key, number, record, len, ret);
	}
	if (!opened)
		return false;
	if (!number && s->number <= 2) /* the first of a key is the handshake's Finished */
		ret->before = DECRYPT_NOTHING;
	return true;
}

/* TLS 1.2: a new handshake on the same connection, too, ends with one. */
static void change_cipher(struct keyed_side *s)
{
	s->encrypted = true;
	s->key = (struct record_key){ 0 };
	s->number = 0;
}

static bool is_encrypted(const struct decrypt *d, const struct keyed_side *s, uint8_t type)
{
	if (d->tls13 || (d->server_known && d->version >= TLS_1_3))
		return type == APPLICATION_DATA;
	return s->encrypted || type == APPLICATION_DATA;
}

/* The most that it can hold, by what each record has beside its content. */
static size_t most_plain(const struct decrypt *d, const struct keyed_side *s, size_t len)
{
	size_t beside = s->key.kind ? s->key.overhead : d->version >= TLS_1_3 ? 17 : 24;

	return len > HEAD + beside ? len - HEAD - beside : 0;
}

struct decrypted decrypt_record(struct decrypt *d, enum decrypt_side from, const uint8_t *record,
				size_t len)
{
	struct keyed_side *s = &d->senders[from];
	struct decrypted ret = { .result = DECRYPT_CLEAR, .type = record[0] };

	if (!is_encrypted(d, s, record[0])) {
		ret.bytes = record + HEAD;
		ret.len = len - HEAD;
		if (record[0] == CHANGE_CIPHER_SPEC && !d->tls13)
			change_cipher(s);
		return ret;
	}
	if (len > LARGEST + HEAD)
		return (struct decrypted){ .result = DECRYPT_FAILED, .type = record[0] };
	if (d->has_keys && (d->tls13 ? open_tls13(d, from, record, len, &ret)
				     : open_tls12(d, from, record, len, &ret))) {
		/* under the old keys, as all of a new handshake is */
		if (!d->tls13 && ret.type == CHANGE_CIPHER_SPEC)
			change_cipher(s);
		return ret;
	}
	ret.result = d->has_keys && (d->tls13 || s->key.kind) ? DECRYPT_FAILED : DECRYPT_NO_KEY;
	ret.len = decrypt_skip(d, from, len);
	return ret;
}

void decrypt_lost(struct decrypt *d, enum decrypt_side from, uint64_t bytes)
{
	struct keyed_side *s = &d->senders[from];

	s->lost = true;
	s->maybe_lost += bytes / SMALLEST + 1;
}

size_t decrypt_skip(struct decrypt *d, enum decrypt_side from, size_t len)
{
	struct keyed_side *s = &d->senders[from];

	s->lost = true;
	s->maybe_lost++;
	return most_plain(d, s, len);
}
