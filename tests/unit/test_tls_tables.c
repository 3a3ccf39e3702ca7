// SPDX-License-Identifier: GPL-2.0-or-later
/* Names of TLS, and what they say: overhead, weak points; fingerprints by their examples. */
#include "unit.h"

#include <string.h>

#include "base/buf.h"
#include "tls/fingerprint.h"
#include "tls/overhead.h"
#include "tls/tls_info.h"
#include "tls/tls_names.h"
#include "tls/weak.h"
#include "tls_bytes.h"

static struct unpack unhex(struct buf *b, const char *hex)
{
	buf_reset(b);
	bytes_hex(b, hex);
	return unpack_at(b->data, b->len);
}

/* The examples that came with JA3 and JA4. */
static void test_fingerprints(void **state)
{
	struct buf a = { 0 }, b = { 0 }, c = { 0 }, d = { 0 };
	struct tls_print p = { .legacy_version = 769, .version = 769 };
	char ja3[33], ja4[37];

	(void)state;
	p.suites = unhex(&a, "002f00350005000ac009c00ac013c01400320038001300 04");
	p.extensions = unhex(&b, "00000000000a0000000b0000");
	p.groups = unhex(&c, "001700180019");
	p.point_formats = unhex(&d, "00");
	tls_ja3(&p, ja3);
	assert_string_equal(ja3, "ada70206e40642a3e4461f35503241d5");
	p = (struct tls_print){ .legacy_version = 769, .version = 769 };
	p.suites = unhex(&a, "00040005000a000900640062000300060013001200 63");
	tls_ja3(&p, ja3);
	assert_string_equal(ja3, "de350869b8c85de67a350c8d186f11e6");
	tls_ja4(&p, ja4);
	assert_memory_equal(ja4, "t10i110000_", 11);
	assert_string_equal(ja4 + 23, "_000000000000");

	p = (struct tls_print){ .legacy_version = 0x0303, .version = 0x0304, .alpn = { "h2", 2 } };
	p.suites = unhex(&a, "1a1a130113021303c02bc02fc02cc030cca9cca8c013c014009c009d002f0035");
	p.extensions = unhex(&b, "0a0a00000000000000170000ff0100"
				 "00000a0000000b00000023000000100000000500"
				 "00000d0000001200000033 0000002d0000002b0000001b0000"
				 "4469000000150000");
	p.signatures = unhex(&c, "0403080404010503080505010806060 1");
	tls_ja4(&p, ja4);
	assert_string_equal(ja4, "t13d1516h2_8daaf6152771_e5627efa2ab1");
	p.quic = true;
	static const struct {
		const char *name;
		size_t len;
		const char *mark;
	} alpn[] = { { "", 0, "00" },
		     { "h", 1, "hh" },
		     { "http/1.1", 8, "h1" },
		     { "\xab", 1, "ab" },
		     { "\xab\xcd", 2, "ad" },
		     { "\x30\xab", 2, "3b" },
		     { "0\xab\xcd"
		       "1",
		       4, "01" },
		     { "0123 ", 5, "30" } };
	for (size_t i = 0; i < sizeof(alpn) / sizeof(*alpn); i++) {
		p.alpn = (struct text){ alpn[i].name, alpn[i].len };
		tls_ja4(&p, ja4);
		assert_memory_equal(ja4, "q13d1516", 8);
		assert_memory_equal(ja4 + 8, alpn[i].mark, 2);
	}
	buf_free(&a);
	buf_free(&b);
	buf_free(&c);
	buf_free(&d);
}

static void test_overhead(void **state)
{
	static const struct {
		struct tls_sealing sealing;
		uint64_t records, bytes, least, most;
	} cases[] = {
		{ { 0x0304, 0x1301 }, 2, 134, 0, 100 },
		{ { 0x0304, 0x1303 }, 1, 117, 0, 100 },
		{ { 0x0304, 0x1305 }, 1, 109, 0, 100 }, /* CCM_8 */
		{ { 0x0304, 0xc0b4 }, 1, 133, 0, 100 }, /* integrity alone */
		{ { 0x0303, 0xc02f }, 2, 148, 100, 100 },
		{ { 0x0303, 0xcca8 }, 1, 116, 100, 100 },
		{ { 0x0303, 0xc09c }, 1, 124, 100, 100 }, /* CCM */
		{ { 0x0303, 0xc0a0 }, 1, 116, 100, 100 }, /* CCM_8 */
		{ { 0x0303, 0x0005 }, 1, 120, 100, 100 }, /* RC4, SHA-1 */
		{ { 0x0300, 0x0004 }, 1, 116, 100, 100 }, /* RC4, MD5 */
		{ { 0x0303, 0x003b }, 1, 132, 100, 100 }, /* NULL, SHA-256 */
		{ { 0x0303, 0x002f }, 1, 16 + 20 + 300, 300 - 256, 299 },
		{ { 0x0301, 0x002f }, 1, 20 + 300, 300 - 256, 299 },
		{ { 0x0300, 0x002f }, 1, 20 + 300, 300 - 16, 299 },
		{ { 0x0303, 0x000a }, 1, 8 + 20 + 300, 300 - 256, 299 },
		{ { 0x0303, 0xc028, true }, 1, 16 + 48 + 300, 300 - 256, 299 },
		{ { 0x0303, 0x009c, .compressed = true }, 1, 124, 0, UINT64_MAX },
		{ { 0x0303, 0xc02f }, UINT64_MAX, 1000, 0, 0 },
		{ { 0x0303, 0xc02f }, 0, 0, 0, 0 },
	};
	uint64_t least, most;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_true(tls_plain_bounds(&cases[i].sealing, cases[i].records, cases[i].bytes,
					     &least, &most));
		if (least != cases[i].least || most != cases[i].most)
			fail_msg("%04x: %lu..%lu", cases[i].sealing.suite, (unsigned long)least,
				 (unsigned long)most);
	}
	const struct tls_sealing unknown = { 0x0303, 0x4242 }, wrong = { 0x0303, 0x1301 };
	assert_false(tls_plain_bounds(&unknown, 1, 100, &least, &most));
	assert_true(least == 0 && most == 100);
	assert_false(tls_plain_bounds(&wrong, 1, 100, &least, &most));
}

/* Each suite with a cipher is understood, but for those of GOST. */
static void test_all_suites(void **state)
{
	uint64_t least, most;
	unsigned known = 0;

	(void)state;
	for (unsigned suite = 0; suite < 65536; suite++) {
		const char *name = tls_name(TLS_SUITES, (uint16_t)suite);
		if (!name)
			continue;
		const struct tls_sealing old = { 0x0303, (uint16_t)suite },
					 new = { 0x0304, (uint16_t)suite };
		bool any = tls_plain_bounds(&old, 1, 1000, &least, &most) ||
			   tls_plain_bounds(&new, 1, 1000, &least, &most);
		known += any;
		if (!any && !strstr(name, "GOST") && !strstr(name, "SCSV"))
			fail_msg("%s is not understood", name);
	}
	assert_true(known > 330);
	assert_string_equal(tls_name(TLS_GROUPS, 4588), "X25519MLKEM768");
	assert_string_equal(tls_name(TLS_SIGNATURES, 0x0804), "rsa_pss_rsae_sha256");
	assert_string_equal(tls_name(TLS_ALERTS, 40), "handshake_failure");
	assert_string_equal(tls_name(TLS_CERT_COMPRESSIONS, 3), "zstd");
	assert_null(tls_name(TLS_GROUPS, 0xffff));
	assert_true(tls_group_post_quantum(4588) && !tls_group_post_quantum(29));
}

/* The tables are in order, or names would not be found. */
static void test_names_are_sorted(void **state)
{
	static const struct {
		enum tls_name_of kind;
		uint16_t code;
		const char *name;
	} rows[] = {
#define NAME(kind, code, name) { TLS_##kind, code, name },
#include "tls/tls_names.def"
#undef NAME
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		assert_ptr_equal(tls_name(rows[i].kind, rows[i].code) != NULL, 1);
	for (size_t i = 1; i < sizeof(rows) / sizeof(*rows); i++)
		assert_true(rows[i].kind > rows[i - 1].kind ||
			    (rows[i].kind == rows[i - 1].kind && rows[i].code > rows[i - 1].code));
}

static uint32_t weak_of(struct tls_info *i)
{
	i->server.time_us = 1;
	return tls_weak_points(i, CHECK_TIME).chosen;
}

static void test_weak(void **state)
{
	static const struct {
		uint16_t suite;
		uint32_t bits;
	} suites[] = {
		{ 0x1301, 0 },
		{ 0x0000, 1 << TLS_WEAK_NULL_CIPHER },
		{ 0x003b, 1 << TLS_WEAK_NULL_CIPHER },
		{ 0xc0b4, 1 << TLS_WEAK_NULL_CIPHER },
		{ 0x0005, 1 << TLS_WEAK_RC4 },
		{ 0x0004, 1 << TLS_WEAK_RC4 | 1 << TLS_WEAK_MD5 },
		{ 0x000a, 1 << TLS_WEAK_TRIPLE_DES },
		{ 0x0009, 1 << TLS_WEAK_DES },
		{ 0x0008, 1 << TLS_WEAK_DES | 1 << TLS_WEAK_EXPORT },
		{ 0x0017, 1 << TLS_WEAK_ANONYMOUS | 1 << TLS_WEAK_EXPORT | 1 << TLS_WEAK_RC4 |
				  1 << TLS_WEAK_MD5 },
		{ 0x00ff, 0 },
		{ 0x4242, 0 },
	};
	const int64_t day = 86400LL * 1000000;

	(void)state;
	for (size_t n = 0; n < sizeof(suites) / sizeof(*suites); n++) {
		struct tls_info i = { .server = { .suite = suites[n].suite, .version = 0x0303 } };
		assert_int_equal(weak_of(&i), suites[n].bits);
	}
	for (unsigned v = 0x0300; v <= 0x0304; v++) {
		struct tls_info i = { .server = { .suite = 0xc02f, .version = (uint16_t)v } };
		assert_int_equal(weak_of(&i), v < 0x0303 ? 1U << (TLS_WEAK_SSL3 + v - 0x0300) : 0);
	}
	struct tls_info i = { .server = { .suite = 0xc02f, .version = 0x0303 },
			      .certificate = { .seen = true, .rsa = true, .key_bits = 2048 } };
	struct tls_certificate *c = &i.certificate;
	assert_int_equal(weak_of(&i), 0);
	c->key_bits = 2047;
	assert_int_equal(weak_of(&i), 1 << TLS_WEAK_RSA_SHORT);
	c->rsa = false;
	c->not_after_us = CHECK_TIME + 31 * day;
	assert_int_equal(weak_of(&i), 0);
	c->not_after_us = CHECK_TIME + 30 * day;
	assert_int_equal(weak_of(&i), 1 << TLS_WEAK_EXPIRING);
	c->not_after_us = CHECK_TIME - 1;
	assert_int_equal(weak_of(&i), 1 << TLS_WEAK_EXPIRED);
	c->not_after_us = 0;
	c->not_before_us = CHECK_TIME + day;
	assert_int_equal(weak_of(&i), 1 << TLS_WEAK_NOT_YET);
	c->seen = false;
	i.dh_bits = 1024;
	i.key_signature = 0x0201;
	i.server.deflate = true;
	assert_int_equal(weak_of(&i),
			 1 << TLS_WEAK_DH_SHORT | 1 << TLS_WEAK_SHA1 | 1 << TLS_WEAK_COMPRESSION);
	for (unsigned p = 0; p < TLS_WEAK_POINTS; p++)
		assert_true(*tls_weak_name((enum tls_weak_point)p) &&
			    *tls_weak_help((enum tls_weak_point)p));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fingerprints), cmocka_unit_test(test_overhead),
		cmocka_unit_test(test_all_suites),   cmocka_unit_test(test_names_are_sorted),
		cmocka_unit_test(test_weak),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
