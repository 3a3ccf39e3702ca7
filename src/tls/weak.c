// SPDX-License-Identifier: GPL-2.0-or-later
#include "tls/weak.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "tls/tls_info.h"
#include "tls/tls_names.h"

#define SHORT_KEY 2048
#define DAY_US	  (86400LL * 1000000)

static const struct {
	const char *name, *help;
} points[] = {
#define WEAK(point, name, help) { name, help },
#include "tls/weak.def"
#undef WEAK
};

const char *tls_weak_name(enum tls_weak_point p)
{
	return points[p].name;
}

const char *tls_weak_help(enum tls_weak_point p)
{
	return points[p].help;
}

static uint32_t bit(enum tls_weak_point p, bool weak)
{
	return (uint32_t)weak << p;
}

/* What is wrong with a suite stands in its name. */
static uint32_t of_suite(uint16_t suite)
{
	const char *s = tls_name(TLS_SUITES, suite);

	if (!s || strstr(s, "SCSV"))
		return 0;
	return bit(TLS_WEAK_NULL_CIPHER, strstr(s, "_NULL") || !strncmp(s, "TLS_SHA", 7)) |
	       bit(TLS_WEAK_ANONYMOUS, strstr(s, "_anon_") != NULL) |
	       bit(TLS_WEAK_EXPORT, strstr(s, "EXPORT") != NULL) |
	       bit(TLS_WEAK_RC4, strstr(s, "RC4") != NULL) |
	       bit(TLS_WEAK_DES, strstr(s, "_DES_") || strstr(s, "_DES40_")) |
	       bit(TLS_WEAK_TRIPLE_DES, strstr(s, "3DES") != NULL) |
	       bit(TLS_WEAK_MD5, strstr(s, "_MD5") != NULL);
}

static uint32_t of_version(uint16_t version)
{
	return bit(TLS_WEAK_SSL2, version == 2) | bit(TLS_WEAK_SSL3, version == 0x0300) |
	       bit(TLS_WEAK_TLS10, version == 0x0301) | bit(TLS_WEAK_TLS11, version == 0x0302);
}

/* Of TLS 1.2 as well: hash and signature have the numbers that TLS 1.3 gave to schemes. */
static uint32_t of_signature(uint16_t scheme)
{
	const char *s = tls_name(TLS_SIGNATURES, scheme);

	return s ? bit(TLS_WEAK_SHA1, strstr(s, "_sha1") != NULL) |
			       bit(TLS_WEAK_MD5, strstr(s, "_md5") != NULL)
		 : 0;
}

static uint32_t of_certificate(const struct tls_certificate *c, int64_t now)
{
	if (!c->seen || c->broken)
		return 0;
	int64_t left = c->not_after_us - now;
	return bit(TLS_WEAK_MD5, c->md5) | bit(TLS_WEAK_SHA1, c->sha1) |
	       bit(TLS_WEAK_RSA_SHORT, c->rsa && c->key_bits && c->key_bits < SHORT_KEY) |
	       bit(TLS_WEAK_EXPIRED, c->not_after_us && left < 0) |
	       bit(TLS_WEAK_EXPIRING,
		   c->not_after_us && left >= 0 && left <= LIMIT_TLS_EXPIRING * DAY_US) |
	       bit(TLS_WEAK_NOT_YET, c->not_before_us > now);
}

static uint32_t chosen(const struct tls_info *i, int64_t now)
{
	const struct tls_server_hello *s = &i->server;

	if (!s->time_us)
		return 0;
	return of_version(s->version) | of_suite(s->suite) | of_signature(i->key_signature) |
	       of_certificate(&i->certificate, now) | of_certificate(&i->client_certificate, now) |
	       bit(TLS_WEAK_DH_SHORT, i->dh_bits && i->dh_bits < SHORT_KEY) |
	       bit(TLS_WEAK_COMPRESSION, s->deflate);
}

static uint32_t offered(const struct tls_client_hello *h)
{
	uint32_t weak = bit(TLS_WEAK_SSL2, h->ssl2) | bit(TLS_WEAK_COMPRESSION, h->deflate);

	if (!h->versions.count)
		weak |= of_version(h->legacy_version);
	for (unsigned n = 0; n < h->versions.count; n++)
		weak |= of_version(h->versions.list[n]);
	for (unsigned n = 0; n < h->suites.count; n++)
		weak |= of_suite(h->suites.list[n]);
	for (unsigned n = 0; n < h->signatures.count; n++)
		weak |= of_signature(h->signatures.list[n]);
	return weak;
}

struct tls_weak tls_weak_points(const struct tls_info *i, int64_t now_us)
{
	return (struct tls_weak){ chosen(i, now_us), i->hello.time_us ? offered(&i->hello) : 0 };
}
