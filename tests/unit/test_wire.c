// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of wire connections and the ledger, told by hand what the kernel side tells. */
#include "unit.h"

#include <errno.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json_write.h"
#include "base/limits.h"
#include "entry.h"
#include "event.h"
#include "source/wire_slots.h"
#include "wire_fixture.h"

/* Closed until it is read; the same entry, then with the session's name. */
static void test_lock(void **state)
{
	struct wire *w = begin(false);
	struct wire_key key = opened(w, 9, true);

	(void)state;
	is_of(w, &key, 7, "curl");
	carried(w, &key, true);
	wire_tick(w, T0 + SECOND / 4);
	assert_int_equal(count, 0);
	wire_tick(w, T0 + LIMIT_WIRE_WAIT_MS * 1000 - 1); /* it may be about to open */
	assert_int_equal(count, 0);
	wire_tick(w, T0 + LIMIT_WIRE_WAIT_MS * 1000);
	assert_int_equal(count, 1);
	assert_string_equal(told[0]->protocol, "tcp");
	assert_int_equal(told[0]->lock, LOCK_CLOSED);
	assert_string_equal(told[0]->connection, "wire-9");
	assert_string_equal(told[0]->reason, reasons[REASON_UNSUPPORTED].sentence);
	assert_true(told[0]->open);
	assert_int_equal(told[0]->packets, 8);
	assert_int_equal(told[0]->request_size, 800);
	assert_string_equal(told[0]->src.process, "curl");
	assert_int_equal(told[0]->dst.port, 443);
	wire_tick(w, T0 + 3 * SECOND);
	assert_int_equal(count, 1); /* nothing changed */

	wire_read(w, 9, T0,
		  &(struct wire_read){
			  .connection = "7-a-1", .library = "openssl", .plain = { 5000, 100 } });
	wire_tick(w, T0 + 4 * SECOND);
	assert_int_equal(count, 2);
	assert_int_equal(told[1]->lock, LOCK_OPEN);
	assert_string_equal(told[1]->connection, "7-a-1");
	assert_int_equal(told[1]->live, told[0]->live);
	wire_end(w, &key, T0 + 5 * SECOND, WIRE_CLOSED);
	wire_tick(w, T0 + 5 * SECOND);
	assert_int_equal(count, 2); /* the session may have more to say */
	wire_tick(w, T0 + 7 * SECOND);
	assert_int_equal(count, 3);
	assert_false(told[2]->open);
	assert_int_equal(told[2]->elapsed_us, 5 * SECOND);
	assert_int_equal(stats_of(w).open, 0);
	end(w);
}

/* Its slot was taken and it got another: what was read before is not counted again. */
static void test_again(void **state)
{
	const struct wire_open o = { .family = 4, .midway = true };
	struct wire *w = begin(false);
	struct wire_key key = opened(w, 9, true);
	struct wire_read r = { "x", "openssl", { 5000, 100 }, false };

	(void)state;
	is_of(w, &key, 1, "a");
	carried(w, &key, true);
	wire_read(w, 9, T0, &r);
	for (uint64_t gen = 2; gen <= 3; gen++) {
		key.gen = gen;
		wire_open(w, &key, T0, &o);
		is_of(w, &key, 1, "a");
		r.plain[0] += 30;
		wire_read(w, 9, T0, &r);
		assert_int_equal(stats_of(w).tls_bytes[REASON_READ], r.plain[0] + r.plain[1]);
	}
	end(w);
}

/* A slot that is told of again is of another socket, even if the end of the first was lost. */
static void test_slot(void **state)
{
	struct ev_wire_open o = { .hdr = { .type = EV_WIRE_OPEN, .conn = 9, .gen = 1 },
				  .slot = 5,
				  .family = 4 };
	struct wire *w = begin(false);
	struct wire_slots *s = wire_slots_new(NULL, w, 0);

	(void)state;
	assert_non_null(s);
	for (int again = 0; again < 2; again++) {
		wire_slots_tell(s, &o.hdr);
		assert_int_equal(stats_of(w).open, 1);
	}
	o.hdr.conn = 10;
	o.hdr.gen = 2;
	wire_slots_tell(s, &o.hdr);
	assert_int_equal(stats_of(w).open, 1);
	assert_int_equal(stats_of(w).seen, 2);
	wire_slots_free(s);
	end(w);
}

/* Of a connection that is a week old. */
static void test_old(void **state)
{
	const uint64_t gen = 1000, later = gen + 7 * 24 * 3600 * 1000000000ULL;
	struct ev_wire_open o = { .hdr = { .type = EV_WIRE_OPEN, .conn = 9, .gen = gen },
				  .family = 4 };
	struct ev_wire_end e = { .hdr = { .type = EV_WIRE_END, .conn = 9, .gen = gen },
				 .wire = { .cookie = 9, .gen = gen, .packets = 2 } };
	struct wire_packet packets[WIRE_PACKETS];
	struct wire *w = begin(false);
	struct wire_slots *s = wire_slots_new(NULL, w, 0);

	(void)state;
	e.wire.way[1].last = later;
	e.wire.packet[0].when = (uint32_t)((later - gen - 5000000000) >> 16);
	e.wire.packet[1].when = (uint32_t)((later - gen + 1000000) >> 16);
	wire_slots_tell(s, &o.hdr);
	wire_slots_tell(s, &e.hdr);
	assert_int_equal(wire_packets(w, "wire-9", packets), 2);
	assert_in_range(packets[0].time_us, later / 1000 - 5000100, later / 1000 - 5000000);
	assert_in_range(packets[1].time_us, later / 1000 + 900, later / 1000 + 1000);
	wire_tick(w, T0 + 9 * SECOND); /* forgotten, its packets are not */
	assert_int_equal(wire_packets(w, "wire-9", packets), 2);
	assert_int_equal(wire_packets(w, "wire-a", packets), -ENOENT);
	wire_slots_free(s);
	end(w);
}

/* Both ends are one entry, whichever ends first. */
static void test_ends(void **state)
{
	(void)state;
	for (int first = 0; first < 2; first++) {
		struct wire *w = begin(false);
		struct wire_key client = opened(w, 1, true), server = opened(w, 2, false);

		is_of(w, &client, 1, "curl");
		is_of(w, &server, 2, "nginx");
		carried(w, &client, true);
		carried(w, &server, false);
		wire_read(w, 2, T0,
			  &(struct wire_read){ "2-b-1", "openssl", { 100, 5000 }, false });
		wire_end(w, first ? &server : &client, T0 + SECOND, WIRE_CLOSED);
		wire_end(w, first ? &client : &server, T0 + SECOND + 9, WIRE_CLOSED);
		wire_tick(w, T0 + 9 * SECOND);
		assert_int_equal(count, 1);
		assert_string_equal(told[0]->ends, "both");
		assert_string_equal(told[0]->role, "client");
		assert_string_equal(told[0]->dst.process, "nginx");
		assert_int_equal(told[0]->lock, LOCK_OPEN);
		assert_string_equal(told[0]->connection, "2-b-1");
		end(w);
	}
}

static char *coverage(struct wire *w, struct buf *ret)
{
	struct jw j = jw_begin(ret);

	jw_object(&j, NULL);
	wire_put_coverage(w, &j);
	jw_end_object(&j);
	assert_int_equal(jw_done(&j), 0);
	return ret->data;
}

/* Nothing is shown of what a filter leaves out, or may leave out. */
static void test_filter(void **state)
{
	struct wire *w = begin(true);
	struct wire_key unknown = opened(w, 1, true), out = opened(w, 2, true);
	struct wire_packet packets[WIRE_PACKETS];
	struct buf text = { 0 };

	(void)state;
	wire_process(w, &out, T0, &(struct wire_process){ .comm = "", .filtered_out = true });
	carried(w, &unknown, true);
	carried(w, &out, true);
	wire_tick(w, T0 + 3 * SECOND);
	assert_int_equal(wire_packets(w, "wire-1", packets), -ENOENT);
	assert_int_equal(wire_packets(w, "wire-2", packets), -ENOENT);
	assert_non_null(strstr(coverage(w, &text), "\"programs\":[]"));
	buf_free(&text);
	wire_end(w, &unknown, T0, WIRE_CLOSED);
	wire_end(w, &out, T0, WIRE_CLOSED);
	wire_tick(w, T0 + 9 * SECOND);
	assert_int_equal(count, 0);
	assert_int_equal(stats_of(w).tls_bytes[REASON_FILTERED], 10200);
	end(w);
}

static size_t text_count(const char *text, const char *what)
{
	size_t n = 0;

	for (; (text = strstr(text, what)); text++)
		n++;
	return n;
}

/* One who names his programs anew each time leaves rows for those of others. */
static void test_names(void **state)
{
	struct wire *w = begin(false);
	struct buf text = { 0 };
	char name[WIRE_COMM_LEN + 1];

	(void)state;
	for (uint32_t i = 0; i < 2 * LIMIT_WIRE_PROGRAMS; i++) {
		const struct wire_key key = { 100 + i, 1 };
		wire_open(w, &key, T0,
			  &(struct wire_open){ .family = 4,
					       .opener_known = true,
					       .opener = DIR_WRITE,
					       .owner = 5 });
		snprintf(name, sizeof(name), "bad-%u", i);
		is_of(w, &key, 9, name);
		carried(w, &key, true);
		if (i % 2)
			wire_end(w, &key, T0, WIRE_CLOSED);
	}
	const struct wire_key key = { 1, 1 };
	wire_open(w, &key, T0, &(struct wire_open){ .family = 4, .owner = 6 });
	is_of(w, &key, 9, "good");
	for (int later = 0; later < 2; later++) {
		const char *all = coverage(w, &text);
		assert_int_equal(text_count(all, "\"process\":\"bad-"), LIMIT_WIRE_PROGRAMS / 2);
		assert_int_equal(text_count(all, "\"process\":\"good\""), 1);
		buf_free(&text);
		wire_tick(w, T0 + 9 * SECOND); /* those that ended are forgotten */
	}
	assert_int_equal(stats_of(w).tls_bytes[REASON_UNKNOWN], 5100 * 2 * LIMIT_WIRE_PROGRAMS);
	end(w);
}

/* A ClientHello of TLS 1.3, and the begin of one of 64 KiB, in records of 16 KiB. */
static const uint8_t hello[50] = { 22, 3, 1, 0, 45, 1, 0, 0, 41, 3, 3, [45] = 2, 0x13, 1, 1, 0 };
#define RECORD (5 + 16384)

static uint8_t *make_long_hello(void)
{
	static uint8_t bytes[4 * RECORD];
	const uint8_t first[] = { 1, 0, 0xff, 0xff, 3, 3 };

	for (int i = 0; i < 4; i++)
		memcpy(bytes + i * RECORD, "\x16\x03\x01\x40", 5);
	memcpy(bytes + 5, first, sizeof(first));
	return bytes;
}

/* Handshakes without an end: their memory is bound, and those of others are understood. */
static void test_memory(void **state)
{
	const uint32_t many = LIMIT_WIRE_FLOWS / LIMIT_SHARE, part = RECORD / 2;
	const uint8_t *bytes = make_long_hello();
	struct wire *w = begin(false);
	size_t before = mallinfo2().uordblks;

	(void)state;
	for (uint32_t round = 0; round < 2; round++)
		for (uint32_t i = 0; i < many; i++) {
			const struct wire_key key = { 100 + i, 1 };
			size_t from = round ? 20 : 0, len = round ? 7 * part : 20;
			if (!round)
				wire_open(w, &key, T0,
					  &(struct wire_open){ .family = 4, .owner = 5 });
			wire_bytes(w, &key, T0, DIR_WRITE, (uint32_t)from, bytes + from, len);
		}
#ifndef __SANITIZE_ADDRESS__
	assert_true(mallinfo2().uordblks - before <
		    LIMIT_WIRE_TLS_MEMORY * 3 / 4 + many * (size_t)1500);
#endif
	(void)before;
	assert_true(stats_of(w).refused > 0);
	struct wire_key key = { 1, 1 };
	wire_open(w, &key, T0, &(struct wire_open){ .family = 4, .owner = 6 });
	wire_bytes(w, &key, T0, DIR_WRITE, 0, hello, sizeof(hello));
	assert_non_null(wire_tls(w, 1));
	end(w);
}

/* A million connections that never end: so many are held, the rest is counted. */
static void test_many(void **state)
{
	struct wire *w = begin(true);
	size_t before = mallinfo2().uordblks;

	(void)state;
	for (uint64_t i = 1; i <= 1000000; i++) {
		const struct wire_key key = { i, i };
		struct wire_open o = { .family = 4 };
		memcpy(o.local_ip, &i, 4);
		wire_open(w, &key, T0 + (int64_t)i, &o);
	}
	assert_int_equal(stats_of(w).open, LIMIT_WIRE_FLOWS);
	assert_int_equal(stats_of(w).gave_way, 1000000 - LIMIT_WIRE_FLOWS);
#ifndef __SANITIZE_ADDRESS__
	assert_true(mallinfo2().uordblks - before < (size_t)128 << 20);
#endif
	(void)before;
	end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lock),   cmocka_unit_test(test_ends),
		cmocka_unit_test(test_filter), cmocka_unit_test(test_many),
		cmocka_unit_test(test_again),  cmocka_unit_test(test_slot),
		cmocka_unit_test(test_names),  cmocka_unit_test(test_memory),
		cmocka_unit_test(test_old),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
