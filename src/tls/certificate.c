// SPDX-License-Identifier: GPL-2.0-or-later
#include "tls/certificate.h"

#include <arpa/inet.h>
#include <gnutls/x509-ext.h>
#include <gnutls/x509.h>
#include <stdio.h>
#include <string.h>

#include "base/sha256.h"
#include "base/unpack.h"
#include "tls/hello.h"
#include "tls/tls_info.h"

#define OID_SUBJECT_ALT_NAME "2.5.29.17"
#define NEVER		     253402300799 /* 9999-12-31: RFC 5280 4.1.2.5 */

static struct text copy_string(struct arena *a, const char *text)
{
	return text ? tls_text_copy(a, text, strlen(text)) : (struct text){ 0 };
}

static struct text read_name(struct arena *a, gnutls_x509_crt_t c,
			     int (*get)(gnutls_x509_crt_t c, gnutls_datum_t *dn, unsigned flags))
{
	struct text t = { 0 };
	gnutls_datum_t dn = { 0 };

	if (!get(c, &dn, 0)) {
		t = tls_text_copy(a, dn.data, dn.size);
		gnutls_free(dn.data);
	}
	return t;
}

static struct text read_serial(struct arena *a, gnutls_x509_crt_t c)
{
	uint8_t serial[64];
	char hex[2 * sizeof(serial) + 1];
	size_t size = sizeof(serial);

	if (gnutls_x509_crt_get_serial(c, serial, &size))
		return (struct text){ 0 };
	for (size_t i = 0; i < size; i++)
		sprintf(hex + 2 * i, "%02x", serial[i]);
	return tls_text_copy(a, hex, 2 * size);
}

static struct text alt_name(struct arena *a, unsigned type, const gnutls_datum_t *name)
{
	char ip[INET6_ADDRSTRLEN];

	if (type != GNUTLS_SAN_IPADDRESS)
		return tls_text_copy(a, name->data, name->size);
	if ((name->size != 4 && name->size != 16) ||
	    !inet_ntop(name->size == 4 ? AF_INET : AF_INET6, name->data, ip, sizeof(ip)))
		return (struct text){ 0 };
	return copy_string(a, ip);
}

static void list_names(struct arena *a, gnutls_subject_alt_names_t names, struct tls_texts *ret)
{
	struct text *kept = arena_alloc(a, LIMIT_TLS_NAMES * sizeof(*kept));
	gnutls_datum_t name;
	unsigned type;

	for (unsigned i = 0; !gnutls_subject_alt_names_get(names, i, &type, &name, NULL); i++) {
		if (type == GNUTLS_SAN_DN || type == GNUTLS_SAN_OTHERNAME)
			continue;
		struct text t = { 0 };
		if (kept && ret->count < LIMIT_TLS_NAMES)
			t = alt_name(a, type, &name);
		if (t.data)
			kept[ret->count++] = t;
		else
			ret->omitted++;
	}
	ret->list = kept;
}

static void read_names(struct arena *a, gnutls_x509_crt_t c, struct tls_texts *ret)
{
	gnutls_subject_alt_names_t names;
	gnutls_datum_t ext = { 0 };

	if (gnutls_x509_crt_get_extension_by_oid2(c, OID_SUBJECT_ALT_NAME, 0, &ext, NULL))
		return;
	if (!gnutls_subject_alt_names_init(&names)) {
		if (!gnutls_x509_ext_import_subject_alt_names(&ext, names, 0))
			list_names(a, names, ret);
		gnutls_subject_alt_names_deinit(names);
	}
	gnutls_free(ext.data);
}

/* What GnuTLS cannot read is (time_t)-1. */
static int64_t time_us(time_t t)
{
	if (t == (time_t)-1)
		return 0;
	return (t > NEVER ? NEVER : (int64_t)t) * 1000000;
}

static void read_key(struct arena *a, gnutls_x509_crt_t c, struct tls_certificate *ret)
{
	unsigned bits = 0;
	int key = gnutls_x509_crt_get_pk_algorithm(c, &bits);

	if (key < 0)
		return;
	ret->key = copy_string(a, gnutls_pk_get_name((gnutls_pk_algorithm_t)key));
	ret->key_bits = bits;
	ret->rsa = key == GNUTLS_PK_RSA || key == GNUTLS_PK_RSA_PSS;
}

static void read_signature(struct arena *a, gnutls_x509_crt_t c, struct tls_certificate *ret)
{
	int sign = gnutls_x509_crt_get_signature_algorithm(c);

	if (sign < 0)
		return;
	int hash = (int)gnutls_sign_get_hash_algorithm((gnutls_sign_algorithm_t)sign);
	ret->signature = copy_string(a, gnutls_sign_get_name((gnutls_sign_algorithm_t)sign));
	ret->md5 = hash == GNUTLS_DIG_MD5 || hash == GNUTLS_DIG_MD2;
	ret->sha1 = hash == GNUTLS_DIG_SHA1;
}

/* Signed by the one whose name it has, so by itself, or by another of the same name. */
static bool names_itself(gnutls_x509_crt_t c)
{
	gnutls_datum_t subject = { 0 }, issuer = { 0 };
	bool same = !gnutls_x509_crt_get_raw_dn(c, &subject) &&
		    !gnutls_x509_crt_get_raw_issuer_dn(c, &issuer) && subject.size == issuer.size &&
		    !memcmp(subject.data, issuer.data, subject.size);

	gnutls_free(subject.data);
	gnutls_free(issuer.data);
	return same;
}

static void read_certificate(struct arena *a, gnutls_x509_crt_t c, struct tls_certificate *ret)
{
	ret->subject = read_name(a, c, gnutls_x509_crt_get_dn3);
	ret->issuer = read_name(a, c, gnutls_x509_crt_get_issuer_dn3);
	ret->serial = read_serial(a, c);
	ret->not_before_us = time_us(gnutls_x509_crt_get_activation_time(c));
	ret->not_after_us = time_us(gnutls_x509_crt_get_expiration_time(c));
	ret->self_signed = names_itself(c);
	ret->authority = gnutls_x509_crt_get_ca_status(c, NULL) > 0;
	read_key(a, c, ret);
	read_signature(a, c, ret);
	read_names(a, c, &ret->names);
}

void tls_certificate_read_der(struct arena *a, const uint8_t *der, size_t len,
			      struct tls_certificate *ret)
{
	const gnutls_datum_t data = { (unsigned char *)(uintptr_t)der, (unsigned)len };
	uint8_t sum[SHA256_SIZE];
	gnutls_x509_crt_t c;

	ret->size = (uint32_t)len;
	if (len > LIMIT_TLS_CERTIFICATE) {
		ret->broken = "too large to be read";
		return;
	}
	sha256(der, len, sum);
	for (size_t i = 0; i < sizeof(sum); i++)
		sprintf(ret->sha256 + 2 * i, "%02x", sum[i]);
	int r = gnutls_x509_crt_init(&c);
	if (r) {
		ret->broken = gnutls_strerror(r);
		return;
	}
	r = gnutls_x509_crt_import(c, &data, GNUTLS_X509_FMT_DER);
	if (r)
		ret->broken = gnutls_strerror(r);
	else
		read_certificate(a, c, ret);
	gnutls_x509_crt_deinit(c);
}

/* Certificates behind the first are counted, as far as they are there. */
void tls_certificate_read(struct arena *a, const uint8_t *body, size_t len, size_t size,
			  struct tls_certificate *ret)
{
	struct unpack u = unpack_at(body, len);
	struct text first = { 0 };

	ret->seen = true;
	ret->cut = len < size;
	unpack_be(&u, 3);
	while (u.left && !u.failed) {
		struct text der = unpack_text(&u, unpack_be(&u, 3));
		if (u.failed)
			break;
		if (!ret->chain++)
			first = der;
	}
	ret->cut |= u.failed;
	if (first.len)
		tls_certificate_read_der(a, (const uint8_t *)first.data, first.len, ret);
	else if (ret->cut)
		ret->broken = "cut off";
}
