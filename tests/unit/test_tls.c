// SPDX-License-Identifier: GPL-2.0-or-later
/* Handshakes that were made by hand: however they are cut, whatever is wrong with them. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "entry.h"
#include "message.h"
#include "tls/handshake.h"
#include "tls/record.h"
#include "tls/tls_entry.h"
#include "tls/tls_info.h"
#include "tls_bytes.h"

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

	/* 128 KiB are claimed and sent. */
	struct tls_handshake *h = tls_handshake_new(&held);
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

	/* And a certificate of 16 MiB from the other side: at some point it is no handshake. */
	buf_reset(&m);
	bytes_server_hello(&m, 0x0303, 0xc02f, "");
	bytes_hex(&m, "0bffffff");
	buf_reset(&t.bytes[1]);
	bytes_records(&t.bytes[1], 22, m.data, m.len, 1 << 14);
	feed(h, 1, t.bytes[1].data, t.bytes[1].len);
	size_t sent = 0;
	for (; sent < 16 << 20 && tls_handshake_state(h, 1) == TLS_MORE; sent += 1 << 14) {
		feed(h, 1, head, 5);
		feed(h, 1, zeros, 1 << 14);
		assert_true(held < 4 * LIMIT_TLS_MESSAGE);
	}
	assert_int_equal(tls_handshake_state(h, 1), TLS_LOST);
	assert_true(sent >= LIMIT_TLS_HANDSHAKE - (1 << 15) && sent <= LIMIT_TLS_HANDSHAKE);
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

	h = tls_handshake_new(NULL);
	tls_handshake_joined(h);
	feed(h, 0, "\x80\x03\x01\x03\x01", 5);
	assert_int_equal(tls_handshake_state(h, 0), TLS_LOST);
	assert_false(tls_handshake_seen(h));
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

/* What any entry of the connection learns is in its columns and its detail. */
static void test_learned(void **state)
{
	struct talk t = { 0 };
	struct tls_handshake *h = tls_handshake_new(NULL);
	struct entry *e = entry_new();

	(void)state;
	make_1_2(&t, 1 << 14);
	feed(h, 0, t.bytes[0].data, t.bytes[0].len);
	feed(h, 1, t.bytes[1].data, t.bytes[1].len);
	e->message[0] = message_new(true, NULL);
	tls_entry_learn(e, tls_handshake_info(h));
	tls_handshake_free(h);
	assert_string_equal(e->tls_version, "TLS 1.2");
	assert_string_equal(e->tls_subject, "CN=a.example,O=Tests");
	assert_string_equal(e->tls_weak, "");
	assert_int_equal(entry_write_detail(e), 0);
	assert_true(says(buf_cstr(&e->detail),
			 "\"tls_info\":{\"version\":\"TLS 1.2\",\"cipher\":"
			 "\"TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256\",\"sni\":\"a.example\","
			 "\"alpn\":\"h2\",\"ja3\":\""));
	assert_true(says(e->detail.data, "\"not_after\":\"2033-05-18T03:33:20.000000Z\"}"));
	entry_free(e);
	talk_free(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_what_is_told), cmocka_unit_test(test_cuts),
		cmocka_unit_test(test_ends_early),   cmocka_unit_test(test_begins),
		cmocka_unit_test(test_lengths),	     cmocka_unit_test(test_large),
		cmocka_unit_test(test_broken),	     cmocka_unit_test(test_pieces),
		cmocka_unit_test(test_other_way),    cmocka_unit_test(test_learned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
