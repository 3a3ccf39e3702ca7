// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ServerHello and HelloRetryRequest: RFC 8446 sections 4.1.3 and 4.1.4; ServerKeyExchange: RFC 5246
 * section 7.4.3, RFC 8422 section 5.4; NewSessionTicket: RFC 5077 section 3.3.
 */
#include <string.h>

#include "tls/fingerprint.h"
#include "tls/hello.h"
#include "tls/tls_names.h"

#define TLS_1_2 0x0303

/* SHA-256 of "HelloRetryRequest". */
static const uint8_t retry_random[32] = {
	0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c,
	0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
	0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
};

bool tls_server_hello_is_retry(const uint8_t *body, size_t len)
{
	return len >= 34 && !memcmp(body + 2, retry_random, sizeof(retry_random));
}

/* RFC 8446 section 4.1.3: "DOWNGRD" and the version that it goes down to. */
static bool is_downgrade(const uint8_t random[32])
{
	return !memcmp(random + 24, "DOWNGRD", 7) && random[31] <= 1;
}

static void read_server_alpn(struct tls_info *i, struct unpack *u)
{
	struct unpack list = tls_list(u, 2);
	struct text name = unpack_text(&list, unpack_be(&list, 1));

	if (!list.failed)
		i->server.alpn = tls_text_copy(&i->arena, name.data, name.len);
	u->failed |= list.failed;
}

static void read_server_fragment(struct tls_server_hello *s, struct unpack *u)
{
	uint64_t code = unpack_be(u, 1);

	s->max_fragment = code >= 1 && code <= 4 ? (uint16_t)(256 << code) : 0;
}

static void read_server_extension(struct tls_info *i, uint16_t type, struct unpack *u)
{
	struct tls_server_hello *s = &i->server;

	switch (type) {
	case 1:
		read_server_fragment(s, u);
		break;
	case 5:
		s->status_request = true;
		break;
	case 16:
		read_server_alpn(i, u);
		break;
	case 22:
		s->encrypt_then_mac = true;
		break;
	case 23:
		s->extended_master_secret = true;
		break;
	case 28:
		s->record_size_limit = (uint16_t)unpack_be(u, 2);
		break;
	case 35:
		s->ticket_promised = true;
		break;
	case 41:
		s->psk = true;
		break;
	case 43:
		s->version = (uint16_t)unpack_be(u, 2);
		break;
	case 51:
		s->group = (uint16_t)unpack_be(u, 2);
		break;
	case 65281:
		s->secure_renegotiation = true;
		break;
	default:
		break;
	}
	s->cut |= u->failed;
}

static void read_retry_extension(struct tls_info *i, uint16_t type, struct unpack *u)
{
	switch (type) {
	case 43:
		i->retry.version = (uint16_t)unpack_be(u, 2);
		break;
	case 44:
		i->retry.cookie = true;
		break;
	case 51:
		i->retry.group = (uint16_t)unpack_be(u, 2);
		break;
	default:
		break;
	}
}

/* Each by `read`; their types are kept as well. False when they are broken. */
static bool read_extensions(struct tls_info *i, struct unpack u, struct tls_codes *ret,
			    void (*read)(struct tls_info *i, uint16_t type, struct unpack *u))
{
	uint8_t types[2 * LIMIT_TLS_LIST];
	size_t n = 0;

	while (u.left) {
		uint16_t type = (uint16_t)unpack_be(&u, 2);
		struct unpack body = unpack_part(&u, unpack_be(&u, 2));
		if (u.failed || n == sizeof(types))
			break;
		types[n++] = (uint8_t)(type >> 8);
		types[n++] = (uint8_t)type;
		read(i, type, &body);
	}
	if (ret)
		*ret = tls_codes_read(&i->arena, unpack_at(types, n), 2);
	return !u.left && !u.failed;
}

void tls_server_hello_read(struct tls_info *i, const uint8_t *body, size_t len, size_t size,
			   bool retry)
{
	struct tls_server_hello *s = &i->server;
	struct unpack u = unpack_at(body, len);
	struct tls_print print = { 0 };

	print.legacy_version = (uint16_t)unpack_be(&u, 2);
	const uint8_t *random = unpack_take(&u, 32);
	uint8_t session_id_length = (uint8_t)unpack_be(&u, 1);
	unpack_take(&u, session_id_length);
	uint16_t suite = (uint16_t)unpack_be(&u, 2);
	bool deflate = unpack_be(&u, 1) == 1;
	bool broken = u.failed;
	if (u.left) {
		size_t length = unpack_be(&u, 2);
		broken |= length != u.left;
		print.extensions = unpack_part(&u, length < u.left ? length : u.left);
	}
	if (retry) {
		i->retry.version = print.legacy_version;
		i->retry.suite = suite;
		read_extensions(i, print.extensions, NULL, read_retry_extension);
		return;
	}
	s->size = (uint32_t)size;
	s->version = s->legacy_version = print.legacy_version;
	s->suite = suite;
	s->deflate = deflate;
	s->session_id_length = session_id_length;
	if (random)
		memcpy(s->random, random, sizeof(s->random));
	s->downgrade = random && is_downgrade(random);
	broken |= !read_extensions(i, print.extensions, &s->extensions, read_server_extension);
	s->cut |= broken || len != size - 4;
	if (!s->cut)
		tls_ja3s(&print, suite, s->ja3s);
}

/* How the key exchange of a suite begins: what its name says between TLS_ and _WITH_. */
static bool key_exchange_is(uint16_t suite, const char *kind)
{
	const char *name = tls_name(TLS_SUITES, suite);

	return name && !strncmp(name, kind, strlen(kind));
}

static unsigned bits(struct text number)
{
	while (number.len && !*number.data) {
		number.data++;
		number.len--;
	}
	return number.len ? (unsigned)(8 * number.len) -
				    (unsigned)__builtin_clz((uint8_t)*number.data) + 24
			  : 0;
}

void tls_key_exchange_read(struct tls_info *i, const uint8_t *body, size_t len)
{
	struct unpack u = unpack_at(body, len);
	uint16_t suite = i->server.suite;

	/* A hint of the PSK goes before all else (RFC 4279, 5489). */
	if (key_exchange_is(suite, "TLS_ECDHE_PSK") || key_exchange_is(suite, "TLS_DHE_PSK"))
		unpack_take(&u, unpack_be(&u, 2));
	if (key_exchange_is(suite, "TLS_ECDH")) {
		uint64_t named = unpack_be(&u, 1);
		if (named != 3)
			return;
		i->server.group = (uint16_t)unpack_be(&u, 2);
		unpack_take(&u, unpack_be(&u, 1));
	} else if (key_exchange_is(suite, "TLS_DH")) {
		i->dh_bits = (uint16_t)bits(unpack_text(&u, unpack_be(&u, 2)));
		unpack_take(&u, unpack_be(&u, 2));
		unpack_take(&u, unpack_be(&u, 2));
	} else {
		return;
	}
	if (i->server.version >= TLS_1_2 && u.left >= 4)
		i->key_signature = (uint16_t)unpack_be(&u, 2);
}

void tls_ticket_read(struct tls_info *i, const uint8_t *body, size_t len)
{
	struct unpack u = unpack_at(body, len);

	i->ticket = true;
	i->ticket_lifetime = (uint32_t)unpack_be(&u, 4);
	i->ticket_length = (uint16_t)unpack_be(&u, 2);
}
