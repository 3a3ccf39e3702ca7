// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A connection as records: a byte of what (bytes, bytes that are skipped, a datagram of QUIC,
 * frames of one that is sealed here, joined midway, the kernel's word), its lowest bit the
 * direction; two of length; so many bytes. What comes out must be JSON, must be the same for bytes
 * one by one, hold no more than its bound and leave nothing. Certificates and packets of QUIC cost
 * more than other bytes, and are few.
 */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "entry.h"
#include "fuzz.h"
#include "quic_seal.h"
#include "tls/handshake.h"
#include "tls/overhead.h"
#include "tls/quic_initial.h"
#include "tls/tls_entry.h"
#include "tls/tls_info.h"

#define BOUND (2 * LIMIT_TLS_MESSAGE + 2 * LIMIT_QUIC_CRYPTO + (384 << 10))

enum { FEED, SKIP, DATAGRAM, FRAMES, JOINED, APPLICATION };

struct play {
	struct tls_handshake *h;
	struct quic_initial *q;
	int64_t now;
	size_t held;
	bool one_by_one;
	uint32_t packets[2];
};

static void feed(struct play *p, int dir, const uint8_t *data, size_t len)
{
	size_t step = p->one_by_one ? 1 : len;

	for (size_t at = 0; at < len; at += step) {
		uint8_t *copy = malloc(step);
		memcpy(copy, data + at, step);
		tls_handshake_feed(p->h, dir, p->now, copy, step);
		free(copy);
		require(p->held <= BOUND);
	}
}

static void record(struct play *p, uint8_t what, const uint8_t *data, size_t len)
{
	uint8_t packet[QUIC_SEALED];
	int dir = what & 1;

	p->now += 1000;
	switch (what >> 1 & 7) {
	case SKIP:
		tls_handshake_skip(p->h, dir, len);
		break;
	case DATAGRAM:
		quic_initial_feed(p->q, dir, p->now, data, len);
		break;
	case FRAMES:
		len = quic_seal(dir, p->packets[dir]++, data, len, packet);
		require(len != 0);
		quic_initial_feed(p->q, dir, p->now, packet, len);
		break;
	case JOINED:
		tls_handshake_joined(p->h);
		break;
	case APPLICATION:
		tls_handshake_application(p->h, dir, p->now);
		break;
	default:
		feed(p, dir, data, len);
	}
	require(p->held <= BOUND);
}

/* Plaintext is never more than what carries it, whatever was agreed. */
static void look_at_bounds(const struct tls_info *i)
{
	const struct tls_sealing sealing = tls_info_sealing(i);
	uint64_t least, most;

	for (uint64_t bytes = 0; bytes < 100000; bytes = 3 * bytes + 16) {
		tls_plain_bounds(&sealing, 1, bytes, &least, &most);
		require(least <= most && (most <= bytes || sealing.compressed));
	}
}

static void look_at(const struct tls_handshake *h, struct buf *out)
{
	struct entry *e = tls_entry_new(tls_handshake_info(h));

	require(e != NULL);
	json_t *detail = json_loadb(e->detail.data, e->detail.len, JSON_ALLOW_NUL, NULL);
	require(detail != NULL);
	json_decref(detail);
	require(e->complete == !*e->reason);
	require(e->elapsed_us >= -1);
	look_at_bounds(tls_handshake_info(h));
	entry_put_json(e, out);
	buf_put(out, e->detail.data, e->detail.len);
	entry_free(e);
}

static void run(const uint8_t *data, size_t size, bool one_by_one, struct buf *out)
{
	struct play p = { .one_by_one = one_by_one };

	p.h = tls_handshake_new(&p.held);
	p.q = quic_initial_new(p.h, &p.held);
	for (size_t i = 0; i + 3 <= size;) {
		size_t len = data[i + 1] | (size_t)data[i + 2] << 8, left = size - i - 3;
		len = len < left ? len : left;
		record(&p, data[i], data + i + 3, len);
		i += 3 + len;
	}
	if (out && tls_handshake_seen(p.h))
		look_at(p.h, out);
	quic_initial_free(p.q);
	tls_handshake_free(p.h);
	require(p.held == 0);
}

/* All of it as what one side sends. */
static void pass(void *ctx, const uint8_t *data, size_t size)
{
	struct play p = { 0 };

	p.h = tls_handshake_new(NULL);
	tls_handshake_joined(p.h);
	tls_handshake_feed(p.h, *(const int *)ctx, 1000, data, size);
	tls_handshake_free(p.h);
}

static void whole_run(void *ctx, const uint8_t *data, size_t size)
{
	(void)ctx;
	run(data, size, false, NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole = { 0 }, bytes = { 0 };
	int dir = size && data[0] & 1;

	if (size > 1 << 17)
		return 0;
	if (size > 3)
		fuzz_weigh(pass, &dir, data + 3, size - 3);
	/* Two certificates, and the packets of QUIC that are tried each way. */
	if (fuzz_weighed(data, size))
		fuzz_weigh_once(whole_run, NULL, data, size,
				FUZZ_BYTE_NS * 20 * (100 + 2 * 60 * LIMIT_QUIC_PACKETS));
	run(data, size, false, &whole);
	run(data, size, true, &bytes);
	require(whole.len == bytes.len);
	require(!whole.len || !memcmp(whole.data, bytes.data, whole.len));
	buf_free(&whole);
	buf_free(&bytes);
	return 0;
}
