// SPDX-License-Identifier: GPL-2.0-or-later
#include "unit.h"

#include "tls_bytes.h"

#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/hex.h"
#include "entry.h"
#include "tls/handshake.h"
#include "tls/tls_entry.h"

void bytes_hex(struct buf *b, const char *hex)
{
	int high = -1;

	for (; *hex; hex++) {
		int digit = hex_digit((unsigned char)*hex);
		if (digit < 0)
			continue;
		if (high >= 0)
			buf_putc(b, (char)(high << 4 | digit));
		high = high >= 0 ? -1 : digit;
	}
}

void bytes_datagrams(const char *name, struct buf ret[2])
{
	char path[512], *line = NULL;
	const char *srcdir = getenv("srcdir");
	size_t room = 0;

	snprintf(path, sizeof(path), "%s/tests/data/tls/%s", srcdir ? srcdir : ".", name);
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	for (int i = 0; i < 2 && getline(&line, &room, f) > 2; i++)
		bytes_hex(&ret[i], line + 2);
	free(line);
	fclose(f);
}

static void put(struct buf *b, unsigned width, size_t value)
{
	while (width--)
		buf_putc(b, (char)(value >> 8 * width));
}

/* A message: its type, the length of what `body` has, and that. */
static void put_message(struct buf *b, uint8_t type, struct buf *body)
{
	put(b, 1, type);
	put(b, 3, body->len);
	buf_put(b, body->data, body->len);
	buf_free(body);
}

static void put_random(struct buf *b)
{
	for (int i = 0; i < 32; i++)
		buf_putc(b, (char)(0x40 + i));
}

static void put_extensions(struct buf *b, const char *hex)
{
	struct buf e = { 0 };

	bytes_hex(&e, hex);
	if (e.len) {
		put(b, 2, e.len);
		buf_put(b, e.data, e.len);
	}
	buf_free(&e);
}

void bytes_client_hello(struct buf *b, uint16_t version, const char *extensions)
{
	struct buf body = { 0 };

	put(&body, 2, version);
	put_random(&body);
	bytes_hex(&body, "04"
			 "01020304"
			 "000a"
			 "2a2a1301c02f009cc013"
			 "0100");
	put_extensions(&body, extensions);
	put_message(b, 1, &body);
}

void bytes_server_hello(struct buf *b, uint16_t version, uint16_t suite, const char *extensions)
{
	struct buf body = { 0 };

	put(&body, 2, version);
	put_random(&body);
	put(&body, 1, 0);
	put(&body, 2, suite);
	put(&body, 1, 0);
	put_extensions(&body, extensions);
	put_message(b, 2, &body);
}

void bytes_retry(struct buf *b)
{
	struct buf body = { 0 };

	put(&body, 2, 0x0303);
	bytes_hex(&body, "cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c"
			 "00"
			 "1301"
			 "00");
	put_extensions(&body, "002b00020304"
			      "0033000211ec"
			      "002c00040002abcd");
	put_message(b, 2, &body);
}

static gnutls_datum_t make_certificate(void)
{
	static const unsigned char ip[] = { 192, 0, 2, 7 };
	gnutls_datum_t der = { 0 };
	gnutls_x509_privkey_t key;
	gnutls_x509_crt_t c;

	gnutls_x509_privkey_init(&key);
	gnutls_x509_privkey_generate(key, GNUTLS_PK_ECDSA,
				     GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
	gnutls_x509_crt_init(&c);
	gnutls_x509_crt_set_version(c, 3);
	gnutls_x509_crt_set_serial(c, "\x07", 1);
	gnutls_x509_crt_set_dn(c, "CN=a.example,O=Tests", NULL);
	gnutls_x509_crt_set_activation_time(c, 1700000000);
	gnutls_x509_crt_set_expiration_time(c, 2000000000);
	gnutls_x509_crt_set_subject_alt_name(c, GNUTLS_SAN_DNSNAME, "a.example", 9, 0);
	gnutls_x509_crt_set_subject_alt_name(c, GNUTLS_SAN_IPADDRESS, ip, sizeof(ip),
					     GNUTLS_FSAN_APPEND);
	gnutls_x509_crt_set_key(c, key);
	gnutls_x509_crt_sign2(c, c, key, GNUTLS_DIG_SHA256, 0);
	gnutls_x509_crt_export2(c, GNUTLS_X509_FMT_DER, &der);
	gnutls_x509_crt_deinit(c);
	gnutls_x509_privkey_deinit(key);
	return der;
}

void bytes_certificate(struct buf *b)
{
	static gnutls_datum_t der;
	struct buf body = { 0 };

	if (!der.size)
		der = make_certificate();
	put(&body, 3, 3 + der.size);
	put(&body, 3, der.size);
	buf_put(&body, der.data, der.size);
	put_message(b, 11, &body);
}

void bytes_records(struct buf *b, uint8_t type, const char *bytes, size_t len, size_t most)
{
	for (size_t at = 0, n; at < len; at += n) {
		n = len - at < most ? len - at : most;
		put(b, 1, type);
		put(b, 2, 0x0301);
		put(b, 2, n);
		buf_put(b, bytes + at, n);
	}
}

char *told(struct tls_handshake *h)
{
	struct buf out = { 0 };

	if (tls_handshake_seen(h)) {
		struct entry *e = tls_entry_new(tls_handshake_info(h));
		assert_non_null(e);
		entry_put_json(e, &out);
		buf_put(&out, e->detail.data, e->detail.len);
		entry_free(e);
	}
	char *text = strdup(buf_cstr(&out));
	assert_non_null(text);
	buf_free(&out);
	return text;
}

bool says(const char *text, const char *part)
{
	if (!strstr(text, part))
		print_message("%s\nhas no %s\n", text, part);
	return strstr(text, part) != NULL;
}
