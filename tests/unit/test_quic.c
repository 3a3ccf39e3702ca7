// SPDX-License-Identifier: GPL-2.0-or-later
/* Initial packets of QUIC: those of the RFCs, and frames in any order. */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "quic_seal.h"
#include "tls/handshake.h"
#include "tls/quic_initial.h"
#include "tls/quic_keys.h"
#include "tls_bytes.h"

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
		bytes_datagrams(names[i], d);
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

/* A hello in frames that come in any order and twice, with ACKs between, over several packets. */
static void test_quic_frames(void **state)
{
	static const size_t order[] = { 3, 1, 4, 1, 0, 2 };
	struct buf hello = { 0 };
	size_t held = 0;
	struct tls_handshake *h = tls_handshake_new(&held);
	struct quic_initial *q = quic_initial_new(h, &held);

	(void)state;
	bytes_client_hello(&hello, 0x0303, CLIENT_EXTENSIONS);
	size_t part = (hello.len + 4) / 5;
	for (size_t i = 0; i < sizeof(order) / sizeof(*order); i++) {
		size_t from = order[i] * part;
		size_t len = hello.len - from < part ? hello.len - from : part;
		uint8_t packet[QUIC_SEALED];
		struct buf frames = { 0 };
		bytes_hex(&frames, "00 02 05 00 01 02 00 03 01 06");
		buf_putc(&frames, (char)(0x40 | from >> 8));
		buf_putc(&frames, (char)from);
		buf_putc(&frames, (char)(0x40 | len >> 8));
		buf_putc(&frames, (char)len);
		buf_put(&frames, hello.data + from, len);
		assert_false(tls_handshake_seen(h));
		size_t size = quic_seal(0, (uint32_t)i, (uint8_t *)frames.data, frames.len, packet);
		assert_int_equal(size, QUIC_SEALED);
		assert_int_equal(quic_initial_feed(q, 0, CHECK_TIME, packet, size), 0);
		buf_free(&frames);
	}
	/* The server refuses: CONNECTION_CLOSE with alert 120. */
	uint8_t packet[QUIC_SEALED];
	static const uint8_t close[] = { 0x1c, 0x41, 0x78, 0, 0 };
	size_t size = quic_seal(1, 0, close, sizeof(close), packet);
	assert_int_equal(quic_initial_feed(q, 1, CHECK_TIME, packet, size), 0);
	char *text = told(h);
	assert_true(says(text, "\"sni\":\"a.example\""));
	assert_true(says(text, "\"status\":\"no_application_protocol\""));
	free(text);
	quic_initial_free(q);
	tls_handshake_free(h);
	assert_int_equal(held, 0);
	buf_free(&hello);
}

/* Bytes far from the start, many packets, and what is no QUIC: bounded, and refused. */
static void test_quic_bounds(void **state)
{
	size_t held = 0;
	struct tls_handshake *h = tls_handshake_new(&held);
	struct quic_initial *q = quic_initial_new(h, &held);
	static const uint8_t far[] = {
		0x06, 0xbf, 0xff, 0xff, 0xff, 0x01, 0xaa, 0x06, 0x00, 0x01, 1
	};
	uint8_t packet[QUIC_SEALED];

	(void)state;
	for (uint32_t i = 0; i < 2 * LIMIT_QUIC_PACKETS; i++) {
		size_t size = quic_seal(0, i, far, sizeof(far), packet);
		int r = quic_initial_feed(q, 0, CHECK_TIME, packet, size);
		assert_int_equal(r, i < LIMIT_QUIC_PACKETS ? 0 : -EPROTO);
		assert_true(held < 2 * LIMIT_QUIC_CRYPTO);
	}
	assert_int_equal(quic_initial_feed(q, 1, CHECK_TIME, (const uint8_t *)"GET /", 5), -EPROTO);
	packet[1] = 0xff;
	assert_int_equal(quic_initial_feed(q, 1, CHECK_TIME, packet, sizeof(packet)), -ENOTSUP);
	quic_initial_free(q);
	tls_handshake_free(h);
	assert_int_equal(held, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quic_keys),
		cmocka_unit_test(test_quic_packets),
		cmocka_unit_test(test_quic_frames),
		cmocka_unit_test(test_quic_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
