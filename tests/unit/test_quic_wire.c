// SPDX-License-Identifier: GPL-2.0-or-later
/* Connections of QUIC: as the kernel side tells of them, and in files of packets. */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json_write.h"
#include "base/limits.h"
#include "base/log.h"
#include "entry.h"
#include "event.h"
#include "packets.h"
#include "pcap_run.h"
#include "quic_seal.h"
#include "source/wire_slots.h"
#include "tls/quic_initial.h"
#include "tls_bytes.h"
#include "wire/wire.h"

#define T0     CHECK_TIME
#define SECOND 1000000
#define FLOW   0x8000000000001009ULL /* what the kernel side calls it */

static struct entry *told_entries[64];
static size_t count;

static void on_entry(void *ctx, struct entry *e)
{
	(void)ctx;
	if (count < sizeof(told_entries) / sizeof(*told_entries))
		told_entries[count++] = e;
	else
		entry_free(e);
}

static struct wire *begin(void)
{
	const struct entry_sink sink = { .emit = on_entry };
	struct wire *w = wire_new(&sink, &(struct wire_options){ .node = "n" });

	assert_non_null(w);
	return w;
}

static void finish(struct wire *w)
{
	wire_free(w);
	while (count)
		entry_free(told_entries[--count]);
}

/* The newest entry of a protocol. */
static const struct entry *newest(const char *protocol)
{
	for (size_t i = count; i--;)
		if (!strcmp(told_entries[i]->protocol, protocol))
			return told_entries[i];
	return NULL;
}

static void tell_open(struct wire_slots *s, uint64_t gen, bool client)
{
	struct ev_wire_open o = {
		.hdr = { .type = EV_WIRE_OPEN, .conn = FLOW, .gen = gen, .ktime = 1000 },
		.local_ip = { 10, 0, 0, client ? 1 : 2 },
		.remote_ip = { 10, 0, 0, client ? 2 : 1 },
		.local_port = client ? 40000 : 443,
		.remote_port = client ? 443 : 40000,
		.family = 4,
		.opened = client ? EV_OPENED_LOCAL : EV_OPENED_REMOTE,
		.flags = EV_WIRE_QUIC
	};

	wire_slots_tell(s, &o.hdr);
}

static void tell_bytes(struct wire_slots *s, uint64_t gen, uint8_t dir, uint32_t each,
		       const void *bytes, size_t len)
{
	struct ev_wire_bytes *b = calloc(1, sizeof(*b) + len);

	b->hdr = (struct ev_hdr){ .type = EV_WIRE_BYTES, .conn = FLOW, .gen = gen, .ktime = 1000 };
	b->seq = each;
	b->dir = dir;
	b->len = (uint32_t)len;
	memcpy(b->payload, bytes, len);
	wire_slots_tell(s, &b->hdr);
	free(b);
}

static void tell_process(struct wire_slots *s, uint64_t gen)
{
	struct ev_wire_process p = {
		.hdr = { .type = EV_WIRE_PROCESS,
			 .conn = FLOW,
			 .gen = gen,
			 .ktime = 1000,
			 .tgid = 7 },
		.comm = "browser",
		.netns = 5,
		.opened = EV_OPENED_LOCAL,
	};

	wire_slots_tell(s, &p.hdr);
}

static void tell_end(struct wire_slots *s, uint64_t gen)
{
	struct ev_wire_end e = {
		.hdr = { .type = EV_WIRE_END, .conn = FLOW, .gen = gen, .ktime = 1000 },
		.wire = { .cookie = FLOW, .gen = gen, .flags = EV_WIRE_QUIC }
	};

	e.wire.way[EV_WRITE] = (struct ev_wire_way){
		.packets = 5, .bytes = 1200 + 400, .app_records = 4, .app_bytes = 400
	};
	e.wire.way[EV_READ] = (struct ev_wire_way){
		.packets = 11, .bytes = 1200 + 9000, .app_records = 10, .app_bytes = 9000
	};
	wire_slots_tell(s, &e.hdr);
}

/* Both versions: a closed lock with all that the hellos tell, and a handshake. */
static void test_live(void **state)
{
	static const char *const files[] = { "rfc9001.txt", "rfc9369.txt" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct buf d[2] = { 0 };
		struct wire *w = begin();
		struct wire_slots *s = wire_slots_new(NULL, w, T0);
		bytes_datagrams(files[i], d);
		tell_open(s, 1, true);
		tell_bytes(s, 1, EV_WRITE, 0, d[0].data, d[0].len);
		tell_bytes(s, 1, EV_READ, 0, d[1].data, d[1].len);
		tell_process(s, 1);
		assert_true(wire_has_quic(w, 7));
		assert_false(wire_has_quic(w, 0) || wire_has_quic(w, 7 + 1024));
		wire_tick(w, T0 + SECOND);
		assert_int_equal(count, 2);
		assert_true(newest("tcp")->open);
		tell_end(s, 1);
		wire_tick(w, T0 + 9 * SECOND);
		const struct entry *e = newest("tcp");
		assert_string_equal(e->version, i ? "QUIC v2" : "QUIC v1");
		assert_int_equal(e->lock, LOCK_CLOSED);
		assert_string_equal(e->reason, reasons[REASON_QUIC].sentence);
		assert_string_equal(e->tls_sni, "example.com");
		assert_string_equal(e->tls_alpn, "alpn");
		assert_string_equal(e->tls_version, "TLS 1.3");
		assert_string_equal(e->src.process, "browser");
		assert_int_equal(e->dst.port, 443);
		assert_int_equal(e->packets, 16);
		assert_int_equal(e->request_size, 1600);
		assert_int_equal(e->response_size, 10200);
		assert_false(e->open);
		e = newest("tlsx");
		assert_string_equal(e->status, "TLS 1.3");
		assert_true(e->complete);
		assert_string_equal(e->connection, newest("tcp")->connection);
		struct wire_stats stats;
		wire_stats(w, &stats);
		assert_int_equal(stats.tls_bytes[REASON_QUIC], 9400);
		wire_slots_free(s);
		finish(w);
		buf_free(&d[0]);
		buf_free(&d[1]);
	}
}

/* A part of a hello as a packet of its own. */
static size_t seal_part(const struct buf *hello, size_t part, size_t parts,
			uint8_t out[static QUIC_SEALED])
{
	size_t each = (hello->len + parts - 1) / parts, from = part * each;
	size_t len = hello->len - from < each ? hello->len - from : each;
	struct buf frames = { 0 };

	buf_putc(&frames, 6);
	buf_putc(&frames, (char)(0x40 | from >> 8));
	buf_putc(&frames, (char)from);
	buf_putc(&frames, (char)(0x40 | len >> 8));
	buf_putc(&frames, (char)len);
	buf_put(&frames, hello->data + from, len);
	size_t size = quic_seal(0, (uint32_t)part, (uint8_t *)frames.data, frames.len, out);
	buf_free(&frames);
	return size;
}

/* A hello in three datagrams of one super-packet, the last one first, with rubbish around it. */
static void test_super_packet(void **state)
{
	uint8_t bytes[3 * QUIC_SEALED];
	struct wire *w = begin();
	struct wire_slots *s = wire_slots_new(NULL, w, T0);
	struct buf hello = { 0 };

	(void)state;
	bytes_client_hello(&hello, 0x0303, CLIENT_EXTENSIONS);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(seal_part(&hello, 2 - i, 3, bytes + i * QUIC_SEALED), QUIC_SEALED);
	tell_open(s, 1, true);
	tell_process(s, 1);
	tell_bytes(s, 1, EV_WRITE, 1, "GET /", 5);
	tell_bytes(s, 1, EV_WRITE, QUIC_SEALED, bytes, sizeof(bytes));
	tell_bytes(s, 1, EV_READ, 0, bytes, 100);
	wire_tick(w, T0 + 11 * SECOND);
	assert_string_equal(newest("tcp")->tls_sni, "a.example");
	assert_string_equal(newest("tcp")->version, "QUIC v1");
	assert_string_equal(newest("tlsx")->reason, "no ServerHello was seen");
	wire_slots_free(s);
	finish(w);
	buf_free(&hello);
}

/* Handshakes that go on and on take their owner's share of memory, and no more. */
static void test_half_open(void **state)
{
	uint8_t packet[QUIC_SEALED];
	const uint8_t far[] = { 6, 0x7f, 0xf0, 1,
				0xaa }; /* one byte, near the end of what is kept */
	size_t size = quic_seal(0, 0, far, sizeof(far), packet);
	struct wire *w = begin();
	struct wire_stats stats;

	(void)state;
	for (uint64_t i = 1; i <= 20000; i++) {
		const struct wire_key key = { i, 1 };
		wire_open(w, &key, T0,
			  &(struct wire_open){
				  .family = 4, .owner = i == 20000 ? 6 : 5, .quic = true });
		wire_bytes(w, &key, T0, DIR_READ, 0, packet, size);
	}
	wire_stats(w, &stats);
	/* some 18 KiB each, and none is taken past half of the room */
	assert_in_range(stats.handshake_bytes / size, 500, 3000);
	assert_int_equal(stats.refused + stats.handshake_bytes, 20000 * size);
	finish(w);
}

/* Nothing comes for long: it has ended, when nobody knows. TLS may be silent. */
static void test_idle(void **state)
{
	struct wire *w = begin();
	const struct wire_key quic = { 1, 1 }, tls = { 2, 1 };
	struct wire_stats stats;

	(void)state;
	wire_open(w, &quic, T0, &(struct wire_open){ .family = 4, .quic = true });
	wire_open(w, &tls, T0, &(struct wire_open){ .family = 4 });
	wire_tick(w, T0 + (LIMIT_QUIC_IDLE_SECONDS - 1LL) * SECOND);
	wire_stats(w, &stats);
	assert_int_equal(stats.open, 2);
	wire_tick(w, T0 + (LIMIT_QUIC_IDLE_SECONDS + 1LL) * SECOND);
	wire_stats(w, &stats);
	assert_int_equal(stats.open, 1);
	finish(w);
}

/* TLS and QUIC between the same ports are two connections. */
static void test_same_ports(void **state)
{
	struct wire *w = begin();

	(void)state;
	for (uint64_t i = 1; i <= 2; i++) {
		const struct wire_key key = { i, 1 };
		struct wire_open o = { .family = 4,
				       .local_port = i == 1 ? 40000 : 443,
				       .remote_port = i == 1 ? 443 : 40000,
				       .opener_known = true,
				       .opener = i == 1 ? DIR_WRITE : DIR_READ,
				       .quic = i == 1 };
		wire_open(w, &key, T0, &o);
		wire_process(w, &key, T0, &(struct wire_process){ .tgid = 7, .comm = "x" });
	}
	wire_tick(w, T0 + LIMIT_WIRE_WAIT_MS * 1000);
	assert_int_equal(count, 2);
	assert_string_equal(told_entries[0]->ends, "client");
	assert_string_equal(told_entries[1]->ends, "server");
	finish(w);
}

static struct packets packets(void)
{
	return (struct packets){ .link = 1, .time_us = T0, .port = { 40000, 443 } };
}

static struct run *run_packets(struct packets *p)
{
	struct run *r = run(p->file.data, p->file.len);

	buf_free(&p->file);
	return r;
}

/* 100 and 1,000 bytes with all keys, each way; the server leaves out the fixed bit (RFC 9287). */
static void put_data(struct packets *p)
{
	uint8_t data[1000] = { 0x41 };

	packets_datagram(p, 0, data, 100);
	data[0] = 1;
	packets_datagram(p, 1, data, sizeof(data));
}

static const struct entry *of_protocol(const struct run *r, const char *protocol, size_t n)
{
	for (size_t i = 0; i < r->of_wire; i++)
		if (!strcmp(r->wire[i]->protocol, protocol) && !n--)
			return r->wire[i];
	return NULL;
}

/* In a file, over IPv4 and IPv6; whoever sends from the lower address. */
static void test_file(void **state)
{
	struct buf d[2] = { 0 };

	(void)state;
	bytes_datagrams("rfc9001.txt", d);
	for (int i = 0; i < 4; i++) {
		struct packets p = packets();
		int client = i & 1;
		p.ipv6 = i & 2;
		packets_begin(&p);
		packets_datagram(&p, client, d[0].data, d[0].len);
		packets_datagram(&p, client, d[0].data, d[0].len); /* sent again */
		packets_datagram(&p, !client, d[1].data, d[1].len);
		if (client)
			put_data(&p);
		struct run *r = run_packets(&p);
		assert_int_equal(r->of_wire, 2);
		const struct entry *e = of_protocol(r, "tcp", 0);
		assert_string_equal(e->version, "QUIC v1");
		assert_string_equal(e->tls_sni, "example.com");
		assert_int_equal(e->src.port, client ? 443 : 40000);
		assert_int_equal(e->packets, client ? 5 : 3);
		assert_int_equal(e->request_size, 2 * d[0].len + (client ? 1000 : 0));
		assert_string_equal(e->reason, reasons[REASON_QUIC].sentence);
		assert_int_equal(r->wire_stats.tls_bytes[REASON_QUIC], client ? 1100 : 0);
		assert_true(of_protocol(r, "tlsx", 0)->complete);
		end(r);
	}
	buf_free(&d[0]);
	buf_free(&d[1]);
}

/* One after the other between the same ports; what comes late of the first one is none. */
static void test_one_after_the_other(void **state)
{
	struct buf d[2] = { 0 }, e[2] = { 0 };
	struct packets p = packets();

	(void)state;
	bytes_datagrams("rfc9001.txt", d);
	bytes_datagrams("rfc9369.txt", e);
	/* the same bytes with another connection id: only that it is another counts here */
	e[0].data[6] ^= 1;
	packets_begin(&p);
	packets_datagram(&p, 0, d[0].data, d[0].len);
	packets_datagram(&p, 1, d[1].data, d[1].len);
	put_data(&p);
	packets_datagram(&p, 0, d[0].data, d[0].len);
	packets_datagram(&p, 0, e[0].data, e[0].len);
	struct run *r = run_packets(&p);
	assert_string_equal(of_protocol(r, "tcp", 0)->version, "QUIC v1");
	assert_int_equal(of_protocol(r, "tcp", 0)->packets, 5);
	assert_int_equal(of_protocol(r, "tcp", 1)->packets, 1);
	assert_null(of_protocol(r, "tcp", 2));
	end(r);
	for (int i = 0; i < 2; i++) {
		buf_free(&d[i]);
		buf_free(&e[i]);
	}
}

/* Other UDP, an Initial that is cut at each length or has a wrong bit: no connection, or nothing
 * that it did not say. */
static void test_no_quic(void **state)
{
	struct buf d[2] = { 0 };
	struct packets p = packets();
	uint8_t bytes[1500];

	(void)state;
	bytes_datagrams("rfc9001.txt", d);
	packets_begin(&p);
	for (unsigned i = 0; i < 2000; i++) {
		for (size_t n = 0; n < sizeof(bytes); n++)
			bytes[n] = (uint8_t)(rand() >> 7);
		packets_datagram(&p, i & 1, bytes, 1 + i % sizeof(bytes));
	}
	for (size_t len = 0; len < d[0].len; len++)
		packets_datagram(&p, 0, d[0].data, len);
	struct run *r = run_packets(&p);
	assert_int_equal(r->of_wire, 0);
	assert_int_equal(r->stats.udp, 2000 + d[0].len);
	end(r);
	for (size_t bit = 0; bit < 8 * d[0].len; bit += 61) {
		p = packets();
		packets_begin(&p);
		d[0].data[bit / 8] ^= (char)(1 << bit % 8);
		packets_datagram(&p, 0, d[0].data, d[0].len);
		d[0].data[bit / 8] ^= (char)(1 << bit % 8);
		r = run_packets(&p);
		assert_true(r->of_wire <= 1);
		assert_true(!r->of_wire || !*r->wire[0]->tls_sni);
		end(r);
	}
	buf_free(&d[0]);
	buf_free(&d[1]);
}

/* More connections than are followed at once. */
static void test_many(void **state)
{
	struct buf d[2] = { 0 };
	struct packets p = packets();

	(void)state;
	bytes_datagrams("rfc9001.txt", d);
	packets_begin(&p);
	for (unsigned i = 0; i < LIMIT_PCAP_QUIC + 10; i++) {
		p.port[0] = (uint16_t)(1024 + i);
		packets_datagram(&p, 0, d[0].data, d[0].len);
	}
	struct run *r = run_packets(&p);
	assert_int_equal(r->wire_stats.seen, LIMIT_PCAP_QUIC + 10);
	end(r);
	buf_free(&d[0]);
	buf_free(&d[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_live),
		cmocka_unit_test(test_super_packet),
		cmocka_unit_test(test_half_open),
		cmocka_unit_test(test_idle),
		cmocka_unit_test(test_same_ports),
		cmocka_unit_test(test_file),
		cmocka_unit_test(test_one_after_the_other),
		cmocka_unit_test(test_no_quic),
		cmocka_unit_test(test_many),
	};

	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
