// SPDX-License-Identifier: GPL-2.0-or-later
#include "tls/fingerprint.h"

#include <gnutls/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/number.h"
#include "base/sha256.h"
#include "tls/tls_names.h"

enum { EXT_SNI = 0, EXT_ALPN = 16 };

/* The next number that is not GREASE; false at the end. */
static bool next_code(struct unpack *u, unsigned width, uint16_t *ret)
{
	while (u->left >= width) {
		*ret = (uint16_t)unpack_be(u, width);
		if (width == 1 || !tls_is_grease(*ret))
			return true;
	}
	return false;
}

static bool next_extension(struct unpack *u, uint16_t *ret)
{
	while (u->left >= 4) {
		*ret = (uint16_t)unpack_be(u, 2);
		unpack_take(u, unpack_be(u, 2));
		if (!tls_is_grease(*ret))
			return true;
	}
	return false;
}

static void put_decimals(struct buf *b, struct unpack u, unsigned width)
{
	uint16_t code;

	for (const char *between = ""; next_code(&u, width, &code); between = "-")
		buf_printf(b, "%s%u", between, code);
}

static void put_extensions(struct buf *b, struct unpack u)
{
	uint16_t code;

	for (const char *between = ""; next_extension(&u, &code); between = "-")
		buf_printf(b, "%s%u", between, code);
}

static void put_hex(const uint8_t *bytes, size_t n, char *out)
{
	for (size_t i = 0; i < n; i++)
		sprintf(out + 2 * i, "%02x", bytes[i]);
}

static void put_md5(struct buf *b, char out[static 33])
{
	uint8_t md5[16];

	out[0] = 0;
	if (b->len && !gnutls_hash_fast(GNUTLS_DIG_MD5, b->data, b->len, md5))
		put_hex(md5, sizeof(md5), out);
	buf_free(b);
}

void tls_ja3(const struct tls_print *p, char out[static 33])
{
	struct buf b = { 0 };

	buf_printf(&b, "%u,", p->legacy_version);
	put_decimals(&b, p->suites, 2);
	buf_putc(&b, ',');
	put_extensions(&b, p->extensions);
	buf_putc(&b, ',');
	put_decimals(&b, p->groups, 2);
	buf_putc(&b, ',');
	put_decimals(&b, p->point_formats, 1);
	put_md5(&b, out);
}

void tls_ja3s(const struct tls_print *p, uint16_t suite, char out[static 33])
{
	struct buf b = { 0 };

	buf_printf(&b, "%u,%u,", p->legacy_version, suite);
	put_extensions(&b, p->extensions);
	put_md5(&b, out);
}

/* By both bytes, in linear time: a hello may have 16,000 of them. */
static void sort(uint16_t *list, uint16_t *other, size_t n)
{
	for (unsigned shift = 0; shift < 16; shift += 8) {
		size_t at[257] = { 0 };
		for (size_t i = 0; i < n; i++)
			at[1 + (list[i] >> shift & 0xff)]++;
		for (int i = 1; i < 256; i++)
			at[i] += at[i - 1];
		for (size_t i = 0; i < n; i++)
			other[at[list[i] >> shift & 0xff]++] = list[i];
		uint16_t *was = list;
		list = other;
		other = was;
	}
}

static void put_sorted(struct buf *b, uint16_t *list, size_t n)
{
	sort(list, list + n, n);
	for (size_t i = 0; i < n; i++)
		buf_printf(b, "%s%04x", i ? "," : "", list[i]);
}

/* The first 12 digits of SHA-256, zeros for nothing. */
static void put_sha(struct buf *b, char out[static 13])
{
	uint8_t sum[SHA256_SIZE];

	strcpy(out, "000000000000");
	if (!b->len)
		return;
	sha256(b->data, b->len, sum);
	put_hex(sum, 6, out);
}

static unsigned hash_suites(const struct tls_print *p, uint16_t *list, char out[static 13])
{
	struct unpack u = p->suites;
	struct buf b = { 0 };
	unsigned n = 0;

	while (next_code(&u, 2, &list[n]))
		n++;
	put_sorted(&b, list, n);
	put_sha(&b, out);
	buf_free(&b);
	return n;
}

static unsigned hash_extensions(const struct tls_print *p, uint16_t *list, char out[static 13],
				bool *ret_sni)
{
	struct unpack u = p->extensions, signatures = p->signatures;
	struct buf b = { 0 };
	unsigned n = 0, kept = 0;
	uint16_t code;

	for (; next_extension(&u, &code); n++) {
		*ret_sni |= code == EXT_SNI;
		if (code != EXT_SNI && code != EXT_ALPN)
			list[kept++] = code;
	}
	put_sorted(&b, list, kept);
	for (char between = '_'; next_code(&signatures, 2, &code); between = ',')
		buf_printf(&b, "%c%04x", between, code);
	put_sha(&b, out);
	buf_free(&b);
	return n;
}

static bool is_alphanumeric(uint8_t c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* First and last character of the first name, of its digits when it is no text. */
static void put_alpn(struct text name, char out[static 3])
{
	char first[3], last[3];

	strcpy(out, "00");
	if (!name.len)
		return;
	uint8_t a = (uint8_t)name.data[0], z = (uint8_t)name.data[name.len - 1];
	put_hex(&a, 1, first);
	put_hex(&z, 1, last);
	bool text = is_alphanumeric(a) && is_alphanumeric(z);
	out[0] = text ? (char)a : first[0];
	out[1] = text ? (char)z : last[1];
}

static const char *version_mark(uint16_t version)
{
	switch (version) {
	case 0x0304:
		return "13";
	case 0x0303:
		return "12";
	case 0x0302:
		return "11";
	case 0x0301:
		return "10";
	case 0x0300:
		return "s3";
	case 0x0002:
		return "s2";
	default:
		return "00";
	}
}

void tls_ja4(const struct tls_print *p, char out[static 37])
{
	size_t most = p->suites.left / 2;
	char suites[13], extensions[13], alpn[3];
	bool sni = false;

	if (most < p->extensions.left / 4)
		most = p->extensions.left / 4;
	uint16_t *list = malloc(2 * sizeof(*list) * (most + 1));
	out[0] = 0;
	if (!list)
		return;
	unsigned n = hash_suites(p, list, suites), m = hash_extensions(p, list, extensions, &sni);
	free(list);
	put_alpn(p->alpn, alpn);
	snprintf(out, 37, "%c%s%c%02u%02u%s_%s_%s", p->quic ? 'q' : 't', version_mark(p->version),
		 sni ? 'd' : 'i', n > 99 ? 99 : n, m > 99 ? 99 : m, alpn, suites, extensions);
}
