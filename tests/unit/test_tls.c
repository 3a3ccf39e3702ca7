// SPDX-License-Identifier: GPL-2.0-or-later
/* Handshakes that were made by hand: however they are cut, whatever is wrong with them. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "entry.h"
#include "tls/fingerprint.h"
#include "tls/handshake.h"
#include "tls/overhead.h"
#include "tls/quic_initial.h"
#include "tls/quic_keys.h"
#include "tls/record.h"
#include "tls/tls_entry.h"
#include "tls/tls_info.h"
#include "tls/tls_names.h"
#include "tls/weak.h"
#include "tls_bytes.h"

#define CHECK_TIME 1795816800000000 /* 2026-11-27 */

/* One connection's bytes. */
struct talk {
	struct buf bytes[2];
};

static void talk_free(struct talk *t)
{
	buf_free(&t->bytes[0]);
	buf_free(&t->bytes[1]);
}

static void feed(struct tls_handshake *h, int dir, const char *bytes, size_t len)
{
	/* A block of its own, so that reading past it is seen. */
	char *copy = malloc(len ? len : 1);

	if (len)
		memcpy(copy, bytes, len);
	tls_handshake_feed(h, dir, CHECK_TIME, copy, len);
	free(copy);
}

/* Entry and detail as text; "" where there was no handshake. The caller frees it. */
static char *told(struct tls_handshake *h)
{
	struct buf out = { 0 };

	if (tls_handshake_seen(h)) {
		struct entry *e = tls_entry_new(tls_handshake_info(h));
		assert_non_null(e);
		entry_put_json(e, &out);
		buf_put(&out, e->detail.data, e->detail.len);
		entry_free(e);
	}
	return strdup(buf_cstr(&out)) ?: NULL;
}

/* In pieces of `step` bytes after a first one of `first`. */
static char *play(const struct talk *t, size_t first, size_t step)
{
	size_t held = 0;
	struct tls_handshake *h = tls_handshake_new(&held);

	for (int dir = 0; dir < 2; dir++) {
		const struct buf *b = &t->bytes[dir];
		size_t n = first < b->len ? first : b->len;
		feed(h, dir, b->data, n);
		for (size_t at = n; at < b->len; at += n) {
			n = b->len - at < step ? b->len - at : step;
			feed(h, dir, b->data + at, n);
		}
	}
	char *text = told(h);
	tls_handshake_free(h);
	assert_int_equal(held, 0);
	return text;
}

static bool says(const char *text, const char *part)
{
	if (!strstr(text, part))
		print_message("%s\nhas no %s\n", text, part);
	return strstr(text, part) != NULL;
}

/* With a certificate, a ticket and a ChangeCipherSpec; records of at most `most` bytes. */
static void make_1_2(struct talk *t, size_t most)
{
	struct buf m = { 0 };

	bytes_client_hello(&m, 0x0303, CLIENT_EXTENSIONS);
	bytes_records(&t->bytes[0], 22, m.data, m.len, most);
	buf_reset(&m);
	bytes_hex(&m, "1000002120" /* ClientKeyExchange, which is passed over */
		      "0102030405060708091011121314151617181920212223242526272829303132");
	bytes_records(&t->bytes[0], 22, m.data, m.len, most);
	bytes_hex(&t->bytes[0], "140303000101"
				"1603030020");
	for (int i = 0; i < 32; i++)
		buf_putc(&t->bytes[0], (char)(i + 1));

	buf_reset(&m);
	bytes_server_hello(&m, 0x0303, 0xc02f,
			   "00170000"
			   "ff01000100"
			   "00100005000302"
			   "6832");
	bytes_certificate(&m);
	bytes_hex(&m, "0c000049"
		      "03001d20"); /* ServerKeyExchange: x25519 */
	for (int i = 0; i < 32; i++)
		buf_putc(&m, (char)i);
	bytes_hex(&m, "08040021");
	for (int i = 0; i < 33; i++)
		buf_putc(&m, (char)i);
	bytes_hex(&m, "0e000000"); /* ServerHelloDone */
	bytes_hex(&m, "04000010"
		      "00001c20"
		      "000a"
		      "01020304050607080910"); /* a ticket */
	bytes_records(&t->bytes[1], 22, m.data, m.len, most);
	bytes_hex(&t->bytes[1], "140303000101"
				"1603030004"
				"01020304");
	buf_free(&m);
}

static void make_1_3(struct talk *t, size_t most)
{
	struct buf m = { 0 };

	bytes_client_hello(&m, 0x0303, CLIENT_EXTENSIONS);
	bytes_records(&t->bytes[0], 22, m.data, m.len, most);
	bytes_hex(&t->bytes[0], "140303000101");
	bytes_records(&t->bytes[0], 22, m.data, m.len, most); /* once more, as it is asked to */
	bytes_hex(&t->bytes[0], "1703030003"
				"aabbcc");
	buf_reset(&m);
	bytes_retry(&m);
	bytes_records(&t->bytes[1], 22, m.data, m.len, most);
	bytes_hex(&t->bytes[1], "140303000101");
	buf_reset(&m);
	bytes_server_hello(&m, 0x0303, 0x1301,
			   "002b00020304"
			   "0033000611ec0002beef"
			   "002900020000");
	bytes_records(&t->bytes[1], 22, m.data, m.len, most);
	bytes_hex(&t->bytes[1], "1703030011");
	for (int i = 0; i < 17; i++)
		buf_putc(&t->bytes[1], (char)i);
	buf_free(&m);
}

static void make_ssl2(struct talk *t, size_t most)
{
	(void)most;
	bytes_hex(&t->bytes[0], "803a010301"
				"0021"
				"0000"
				"0010"
				"00002f00000500000a010080020080030080040080050080060040070"
				"0c000ff0000ff"
				"0102030405060708090a0b0c0d0e0f10");
	bytes_hex(&t->bytes[1], "1503010002"
				"0228"); /* handshake_failure */
}

static void (*const makers[])(struct talk *t, size_t most) = { make_1_2, make_1_3, make_ssl2 };

static void test_what_is_told(void **state)
{
	struct talk a = { 0 }, b = { 0 }, c = { 0 };

	(void)state;
	make_1_2(&a, 1 << 14);
	char *text = play(&a, 0, 1 << 20);
	assert_true(says(text, "\"version\":\"TLS 1.2\",\"cipher\":"
			       "\"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256\",\"alpn\":\"h2\","
			       "\"group\":\"x25519\",\"post_quantum\":false,\"signature\":"
			       "\"rsa_pss_rsae_sha256\",\"resumed\":false"));
	assert_true(says(text, "\"sni\":\"a.example\",\"versions\":[\"TLS 1.3\",\"TLS 1.2\"]"));
	assert_true(says(text, "\"subject\":\"CN=a.example,O=Tests\",\"names\":[\"a.example\","
			       "\"192.0.2.7\"]"));
	assert_true(says(text, "\"ticket_length\":10,\"ticket_lifetime_s\":7200"));
	assert_true(says(text, "\"key_shares\":[\"X25519MLKEM768\",\"x25519\"]"));
	assert_true(says(text, "\"grease\":4"));
	assert_true(says(text, "\"ech\":\"outer or GREASE\""));
	assert_true(says(text, "\"name\":\"handshake_done\""));
	assert_true(says(text, "\"complete\":true"));
	free(text);

	make_1_3(&b, 1 << 14);
	text = play(&b, 0, 1 << 20);
	assert_true(says(text, "\"version\":\"TLS 1.3\",\"cipher\":\"TLS_AES_128_GCM_SHA256\","
			       "\"group\":\"X25519MLKEM768\",\"post_quantum\":true,"
			       "\"resumed\":true"));
	assert_true(says(text, "\"hello_retry_request\":{\"version\":\"TLS 1.3\",\"cipher\":"
			       "\"TLS_AES_128_GCM_SHA256\",\"group\":\"X25519MLKEM768\","
			       "\"cookie\":true}"));
	assert_true(says(text, "\"name\":\"second_client_hello\""));
	assert_true(says(text, "\"complete\":true"));
	free(text);

	make_ssl2(&c, 1);
	text = play(&c, 0, 1 << 20);
	assert_true(says(text, "\"ssl2_hello\":true"));
	assert_true(says(text, "\"versions\":[\"TLS 1.0\"],\"cipher_suites\":["
			       "\"TLS_RSA_WITH_AES_128_CBC_SHA\",\"TLS_RSA_WITH_RC4_128_SHA\","
			       "\"TLS_RSA_WITH_3DES_EDE_CBC_SHA\""));
	assert_true(says(text, "\"status\":\"handshake_failure\""));
	assert_true(says(text, "\"weak_offered\":[\"SSL 2\",\"TLS 1.0\",\"RC4\",\"3DES\"]"));
	free(text);
	talk_free(&a);
	talk_free(&b);
	talk_free(&c);
}

/* At each byte, and byte by byte; in records of each size. */
static void test_cuts(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(makers) / sizeof(*makers); n++) {
		struct talk t = { 0 };
		makers[n](&t, 1 << 14);
		char *whole = play(&t, 0, 1 << 20);
		size_t most = t.bytes[0].len > t.bytes[1].len ? t.bytes[0].len : t.bytes[1].len;
		for (size_t at = 0; at <= most; at++) {
			char *cut = play(&t, at, 1 << 20);
			assert_string_equal(cut, whole);
			free(cut);
		}
		for (size_t step = 1; step < 12; step++) {
			char *cut = play(&t, 0, step);
			assert_string_equal(cut, whole);
			free(cut);
		}
		for (size_t size = 1; size <= 600; size += size < 50 ? 1 : 37) {
			struct talk small = { 0 };
			makers[n](&small, size);
			char *cut = play(&small, 0, 7);
			assert_string_equal(cut, whole);
			free(cut);
			talk_free(&small);
		}
		free(whole);
		talk_free(&t);
	}
}

/* A connection may end at each byte: what is told then says what misses. */
static void test_ends_early(void **state)
{
	(void)state;
	for (size_t n = 0; n < sizeof(makers) / sizeof(*makers); n++) {
		struct talk t = { 0 };
		makers[n](&t, 1 << 14);
		for (size_t len = 0; len < t.bytes[0].len; len++) {
			struct tls_handshake *h = tls_handshake_new(NULL);
			feed(h, 0, t.bytes[0].data, len);
			char *text = told(h);
			assert_true(!*text || says(text, "\"complete\":false"));
			assert_int_equal(tls_handshake_state(h, 1), TLS_MORE);
			free(text);
			tls_handshake_free(h);
		}
		talk_free(&t);
	}
}

static enum tls_is begins(const char *hex, size_t len)
{
	struct buf b = { 0 };

	bytes_hex(&b, hex);
	enum tls_is is = tls_record_begins((const uint8_t *)b.data, len < b.len ? len : b.len);
	buf_free(&b);
	return is;
}

static void test_begins(void **state)
{
	static const struct {
		const char *hex;
		enum tls_is is;
	} cases[] = {
		{ "16030100c8010000c40303aa", TLS_IS },
		{ "16030300370200003303 03aa", TLS_IS },
		{ "1603010001"
		  "01"
		  "160301",
		  TLS_IS },				      /* one byte a record */
		{ "15030100020228", TLS_IS },		      /* the server refuses */
		{ "802e0103010015000000100000", TLS_IS },     /* SSL 2's form */
		{ "802e0100020015000000100000", TLS_IS },     /* SSL 2 */
		{ "802e0103010016000000100000", TLS_IS_NOT }, /* lengths that do not agree */
		{ "802e0103010015000000000000", TLS_IS_NOT },
		{ "1603010000", TLS_IS_NOT }, /* an empty record */
		{ "160301ffff010000c40303", TLS_IS_NOT },
		{ "16030148000100479c0303", TLS_IS }, /* 2^14 + 2048 */
		{ "16030148010100479d0303", TLS_IS_NOT },
		{ "1603010005010000010303", TLS_IS_NOT }, /* a hello of one byte */
		{ "1603010100050000c40303", TLS_IS_NOT }, /* no hello */
		{ "1603010100010300000303", TLS_IS_NOT }, /* of 196,608 bytes */
		{ "16030100c8010000c40203", TLS_IS_NOT },
		{ "1604010100010000c40303", TLS_IS_NOT },
		{ "1703030010000102030405", TLS_IS_NOT },
		{ "1403030001010102030405", TLS_IS_NOT },
		{ "474554202f20485454502f", TLS_IS_NOT }, /* GET / */
		{ "15030100030228000000000", TLS_IS_NOT },
	};

	(void)state;
	assert_int_equal(tls_record_begins(NULL, 0), TLS_IS_UNCLEAR);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		enum tls_is is = TLS_IS_UNCLEAR;
		/* It never changes its mind, and has one by then. */
		for (size_t len = 0; len <= TLS_BEGIN_BYTES; len++) {
			enum tls_is now = begins(cases[i].hex, len);
			if (is != TLS_IS_UNCLEAR && now != is)
				fail_msg("%s: another at %zu", cases[i].hex, len);
			is = now;
		}
		if (is != cases[i].is)
			fail_msg("%s: %d", cases[i].hex, is);
	}
}

static void test_lengths(void **state)
{
	static const struct {
		const char *hex;
		enum tls_state state;
	} cases[] = {
		{ "1703030000", TLS_NOT_TLS }, /* first it must begin */
		{ "16030100c8010000c40303"
		  "1603",
		  TLS_MORE },
		{ "16030100060100002603"
		  "03"
		  "1703030000",
		  TLS_DONE },
		{ "16030100060100002603"
		  "03"
		  "170303ffff",
		  TLS_LOST },
		{ "16030100060100002603"
		  "03"
		  "1603030000",
		  TLS_LOST },
		{ "16030100060100002603"
		  "03"
		  "16030148010000",
		  TLS_LOST },
		{ "16030100060100002603"
		  "03"
		  "180303000303",
		  TLS_MORE },
		{ "16030100060100002603"
		  "03"
		  "420303000303",
		  TLS_LOST },
		{ "160301000601ffffff0303", TLS_NOT_TLS },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct tls_handshake *h = tls_handshake_new(NULL);
		struct buf b = { 0 };
		bytes_hex(&b, cases[i].hex);
		feed(h, 0, b.data, b.len);
		if (tls_handshake_state(h, 0) != cases[i].state)
			fail_msg("%s: %d", cases[i].hex, tls_handshake_state(h, 0));
		buf_free(&b);
		tls_handshake_free(h);
	}
}

/* A message of 64 KiB of extensions is read; memory has its bound whatever is claimed. */
static void test_large(void **state)
{
	struct buf extensions = { 0 }, m = { 0 };
	struct talk t = { 0 };
	size_t held = 0;

	(void)state;
	buf_puts(&extensions, "0000000e000c0000096c617267652e6578"
			      "61"); /* large.exa */
	for (size_t n = 0; n < 16374; n++) {
		char hex[9];
		snprintf(hex, sizeof(hex), "%04x0000", (unsigned)(n + 100));
		buf_puts(&extensions, hex);
	}
	bytes_client_hello(&m, 0x0303, buf_cstr(&extensions));
	bytes_records(&t.bytes[0], 22, m.data, m.len, 1 << 14);
	char *text = play(&t, 0, 1000);
	assert_true(says(text, "\"sni\":\"large.exa\""));
	assert_true(says(text, "\"ja4\":\"t12d0499"));
	assert_true(says(text, "\"values_omitted\":16"));
	free(text);

	/* 16 MiB are claimed and sent. */
	struct tls_handshake *h = tls_handshake_new(&held);
	bytes_hex(&extensions, "");
	static const char head[] = "\x16\x03\x01\x40\x00\x01\x01\xff\xff\x03\x03";
	feed(h, 0, head, sizeof(head) - 1);
	char *zeros = calloc(1, 1 << 14);
	feed(h, 0, zeros, (1 << 14) - 6);
	for (int i = 0; i < 1024 && tls_handshake_state(h, 0) == TLS_MORE; i++) {
		feed(h, 0, head, 5);
		feed(h, 0, zeros, 1 << 14);
		assert_true(held < 4 * LIMIT_TLS_MESSAGE);
		assert_int_equal(held, tls_handshake_bytes(h));
	}
	/* What is longer than a ClientHello may be was read as far as it goes. */
	assert_true(tls_handshake_info(h)->hello.cut);
	free(zeros);
	tls_handshake_free(h);
	assert_int_equal(held, 0);
	buf_free(&extensions);
	buf_free(&m);
	talk_free(&t);
}

static void test_broken(void **state)
{
	static const struct {
		const char *extensions, *says;
	} cases[] = {
		{ "00170000"
		  "00170000",
		  "\"extension_twice\":\"extended_master_secret\"" },
		{ "0000000e000c0000096c617267652e6578"
		  "61"
		  "0000000a000800000561612e6262",
		  "\"sni\":\"large.exa\"" }, /* the first counts */
		{ "0000000500030000ff", "\"client_hello_cut\":true" },
		{ "0000ffff", "\"client_hello_cut\":true" },
		{ "000a0003ffff00", "\"client_hello_cut\":true" },
		{ "00330006000400170064", "\"client_hello_cut\":true" },
		{ "0010000400020568", "\"client_hello_cut\":true" },
		{ "00290006fffe00000000", "\"client_hello_cut\":true" },
		{ "002b00030203", "\"client_hello_cut\":true" },
		{ "fe0d0000", "\"ech\":\"broken\"" },
		{ "fe0d000101", "\"ech\":\"inner\"" },
		{ "ffce0000", "\"ech\":\"draft (ESNI)\"" },
		{ "0a0a00001a1a0001004a4a0000", "\"grease\":4" }, /* and a suite */
		{ "001500051111111111"
		  "001c00024001"
		  "0001000102",
		  "\"padding\":5,\"record_size_limit\":16385,\"max_fragment_length\":1024" },
		{ "002a0000", "\"early_data\":true" },
		{ "0029000d0007"
		  "0001aa00000000"
		  "0002bbbb",
		  "\"psk_identities\":1" },
		{ "0023000411223344", "\"ticket_supported\":true,\"ticket_offered_length\":4" },
		{ "1234000199", "\"extensions\":[\"0x1234\"]" },
		{ "0000000600040000012"
		  "2",
		  "\"sni\":\"\\\"\"" },
		{ "000000060004000001ff", "\"sni\":\"\xef\xbf\xbd\"" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct buf m = { 0 };
		struct talk t = { 0 };
		bytes_client_hello(&m, 0x0303, cases[i].extensions);
		bytes_records(&t.bytes[0], 22, m.data, m.len, 1 << 14);
		char *text = play(&t, 0, 1 << 20);
		if (!says(text, cases[i].says))
			fail_msg("%s", cases[i].extensions);
		/* Nothing that would resume a session is kept. */
		assert_null(strstr(text, "11223344"));
		free(text);
		buf_free(&m);
		talk_free(&t);
	}
}

/* What is skipped, joined, or told by the kernel. */
static void test_pieces(void **state)
{
	struct talk t = { 0 };

	(void)state;
	make_1_3(&t, 1 << 14);
	struct tls_handshake *h = tls_handshake_new(NULL);
	size_t client = t.bytes[0].len - 8, server = t.bytes[1].len - 22;
	feed(h, 0, t.bytes[0].data, client);
	feed(h, 1, t.bytes[1].data, server);
	assert_false(tls_handshake_complete(h));
	tls_handshake_application(h, 1, CHECK_TIME + 5);
	tls_handshake_application(h, 0, CHECK_TIME + 9);
	assert_true(tls_handshake_complete(h));
	assert_int_equal(tls_info_elapsed(tls_handshake_info(h)), 9);
	tls_handshake_settle(h);
	assert_int_equal(tls_handshake_feed(h, 0, 1, "GET", 3), TLS_DONE);
	tls_handshake_free(h);

	/* Joined: no hello needs to be there. */
	h = tls_handshake_new(NULL);
	tls_handshake_joined(h);
	feed(h, 1, t.bytes[1].data, t.bytes[1].len);
	assert_int_equal(tls_handshake_state(h, 1), TLS_DONE);
	char *text = told(h);
	assert_true(says(text, "\"reason\":\"its ClientHello was not seen\""));
	assert_true(says(text, "\"joined\":true"));
	free(text);
	tls_handshake_free(h);

	/* The middle of a record of application data may miss, not that of a hello. */
	h = tls_handshake_new(NULL);
	feed(h, 0, t.bytes[0].data, 20);
	assert_int_equal(tls_handshake_skip(h, 0, 1), TLS_LOST);
	tls_handshake_free(h);
	talk_free(&t);
}

/* Whoever says ClientHello is the client: FTP's data connections are opened by the server. */
static void test_other_way(void **state)
{
	struct talk t = { 0 };

	(void)state;
	make_1_2(&t, 1 << 14);
	struct tls_handshake *h = tls_handshake_new(NULL);
	feed(h, 1, t.bytes[0].data, t.bytes[0].len);
	feed(h, 0, t.bytes[1].data, t.bytes[1].len);
	assert_int_equal(tls_handshake_info(h)->client, 1);
	char *text = told(h), *whole = play(&t, 0, 1 << 20);
	assert_string_equal(text, whole);
	free(text);
	free(whole);
	tls_handshake_free(h);
	talk_free(&t);
}

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

/* RFC 9001 appendix A.1, RFC 9369 appendix A.1. */
static void test_quic_keys(void **state)
{
	static const struct {
		uint32_t version;
		const char *hex; /* key, iv, hp of client and server */
	} cases[] = {
		{ QUIC_V1, "1f369613dd76d5467730efcbe3b1a22dfa044b2f42a3fd3b46fb255c"
			   "9f50449e04a0e810283a1e9933adedd2"
			   "cf3a5331653c364c88f0f379b6067e370ac1493ca1905853b0bba03e"
			   "c206b8d9b9f0f37644430b490eeaa314" },
		{ QUIC_V2, "8b1a0bc121284290a29e0971b5cd045d91f73e2351d8fa91660e909f"
			   "45b95e15235d6f45a6b19cbcb0294ba9"
			   "82db637861d55e1d011f19ea71d5d2a7dd13c276499c0249d3310652"
			   "edf6d05c83121201b436e16877593c3a" },
	};
	struct quic_keys keys[2];
	struct buf b = { 0 }, cid = { 0 };

	(void)state;
	bytes_hex(&cid, "8394c8f03e515708");
	for (size_t i = 0; i < 2; i++) {
		buf_reset(&b);
		bytes_hex(&b, cases[i].hex);
		assert_int_equal(
			quic_keys_derive(cases[i].version, (uint8_t *)cid.data, cid.len, keys), 0);
		assert_int_equal(b.len, sizeof(keys));
		assert_memory_equal(keys, b.data, b.len);
	}
	assert_int_equal(quic_keys_derive(0xff00001d, (uint8_t *)cid.data, cid.len, keys),
			 -ENOTSUP);
	buf_free(&b);
	buf_free(&cid);
}

/* The packets of both RFCs (tests/data/tls): "C HEX" and "S HEX". */
static void read_datagrams(const char *name, struct buf ret[2])
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

static char *play_quic(const struct buf d[2], size_t cut_to, int times)
{
	size_t held = 0;
	struct tls_handshake *h = tls_handshake_new(&held);
	struct quic_initial *q = quic_initial_new(h, &held);

	for (int i = 0; i < times; i++)
		for (int dir = 0; dir < 2; dir++) {
			size_t len = d[dir].len < cut_to ? d[dir].len : cut_to;
			uint8_t *copy = malloc(len + 1);
			memcpy(copy, d[dir].data, len);
			quic_initial_feed(q, dir, CHECK_TIME, copy, len);
			free(copy);
		}
	char *text = told(h);
	quic_initial_free(q);
	tls_handshake_free(h);
	assert_int_equal(held, 0);
	return text;
}

static void test_quic_packets(void **state)
{
	static const char *const names[] = { "rfc9001.txt", "rfc9369.txt" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct buf d[2] = { 0 };
		read_datagrams(names[i], d);
		assert_int_equal(d[0].len, 1200);
		assert_true(quic_initial_begins((uint8_t *)d[0].data, d[0].len));
		assert_false(quic_initial_begins((uint8_t *)d[0].data, 1199));
		char *text = play_quic(d, 1 << 16, 1), *twice = play_quic(d, 1 << 16, 2);
		assert_string_equal(text, twice);
		assert_true(says(text, "\"sni\":\"example.com\""));
		assert_true(says(text, "\"alpn_offered\":[\"alpn\"]"));
		assert_true(says(text, "\"version\":\"TLS 1.3\""));
		assert_true(says(text, "\"ja4\":\"q13d0211an_"));
		assert_true(says(text, i ? "\"quic_version\":\"0x6b3343cf\""
					 : "\"quic_version\":\"0x00000001\""));
		assert_true(says(text, "\"complete\":true"));
		free(text);
		free(twice);
		for (size_t cut = 0; cut < d[0].len; cut++) {
			text = play_quic(d, cut, 1);
			assert_string_equal(text, "");
			free(text);
		}
		/* A bit that is not as it was sent: nothing is opened. */
		for (size_t bit = 0; bit < 8 * d[0].len; bit += 97) {
			d[0].data[bit / 8] ^= (char)(1 << bit % 8);
			text = play_quic(d, 1 << 16, 1);
			assert_null(strstr(text, "example.com"));
			free(text);
			d[0].data[bit / 8] ^= (char)(1 << bit % 8);
		}
		buf_free(&d[0]);
		buf_free(&d[1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_told),	 cmocka_unit_test(test_cuts),
		cmocka_unit_test(test_ends_early),	 cmocka_unit_test(test_begins),
		cmocka_unit_test(test_lengths),		 cmocka_unit_test(test_large),
		cmocka_unit_test(test_broken),		 cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_other_way),	 cmocka_unit_test(test_fingerprints),
		cmocka_unit_test(test_overhead),	 cmocka_unit_test(test_all_suites),
		cmocka_unit_test(test_names_are_sorted), cmocka_unit_test(test_weak),
		cmocka_unit_test(test_quic_keys),	 cmocka_unit_test(test_quic_packets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
