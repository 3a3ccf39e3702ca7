// SPDX-License-Identifier: GPL-2.0-or-later
/* What becomes of application data, and what it says of the probes. */
#include "unit.h"

#include "base/limits.h"
#include "entry.h"
#include "wire_fixture.h"

/* What is read is exact, and so is what is not, but for what lengths cannot tell. */
static void test_ledger(void **state)
{
	struct wire *w = begin(false);
	struct wire_key read = opened(w, 1, true), closed = opened(w, 2, true),
			part = opened(w, 3, true), more = opened(w, 4, true);

	(void)state;
	is_of(w, &read, 1, "a");
	is_of(w, &closed, 7, "b");
	is_of(w, &part, 3, "c");
	is_of(w, &more, 4, "d");
	carried(w, &read, true);
	carried(w, &closed, true);
	carried(w, &part, true);
	carried(w, &more, true);
	wire_read(w, 1, T0, &(struct wire_read){ "x", "openssl", { 5000, 100 }, false });
	wire_read(w, 3, T0, &(struct wire_read){ "y", "openssl", { 4000, 100 }, true });
	wire_missing(w, 3, DIR_READ, 10, REASON_LOST);
	wire_missing(w, 3, DIR_READ, 5, REASON_BUDGET);
	wire_read(w, 4, T0, &(struct wire_read){ "z", "openssl", { 9000, 100 }, false });
	struct wire_stats s = stats_of(w);
	assert_int_equal(s.tls_bytes[REASON_READ], 5100 + 4100 - 15 + 9100);
	assert_int_equal(s.tls_bytes[REASON_UNSUPPORTED], 5100);
	assert_int_equal(s.tls_bytes[REASON_STARTED_BEFORE], 1000);
	assert_int_equal(s.tls_bytes[REASON_LOST], 10);
	assert_int_equal(s.tls_bytes[REASON_BUDGET], 5);
	assert_int_equal(s.misfits, 0); /* told once it has ended */
	wire_end(w, &more, T0, WIRE_CLOSED);
	assert_int_equal(stats_of(w).misfits, 1);
	wire_tick(w, T0 + 9 * SECOND);
	assert_int_equal(stats_of(w).misfits, 1);
	assert_int_equal(stats_of(w).tls_bytes[REASON_READ], s.tls_bytes[REASON_READ]);
	end(w);
}

/* What a program maps is known later than its bytes, and no more once it has ended. */
static void test_judged(void **state)
{
	struct wire *w = begin(false);
	struct wire_key key = opened(w, 1, true), late = opened(w, 2, true);

	(void)state;
	is_of(w, &key, 3, "relay");
	is_of(w, &late, 4, "brief");
	carried(w, &key, true);
	carried(w, &late, true);
	known = false;
	wire_tick(w, T0 + SECOND);
	known = true;
	wire_tick(w, T0 + 2 * SECOND);
	known = false;
	wire_end(w, &key, T0 + 3 * SECOND, WIRE_CLOSED);
	wire_tick(w, T0 + 4 * SECOND);
	wire_end(w, &late, T0 + 5 * SECOND, WIRE_CLOSED);
	wire_tick(w, T0 + 9 * SECOND);
	assert_int_equal(stats_of(w).tls_bytes[REASON_UNSUPPORTED], 0);
	assert_int_equal(stats_of(w).tls_bytes[REASON_UNKNOWN], 10200);
	assert_string_equal(told[count - 1]->reason, reasons[REASON_UNKNOWN].sentence);
	known = true;
	end(w);
}

/* Probes that come after the first request: it was not read, and does not pass for a handshake. */
static void test_late_probes(void **state)
{
	/* Finished or, with a certificate of the client's, three; then 100 and 200 bytes */
	const struct wire_way asked[] = {
		{ .app_records = 3,
		  .app_bytes = 69 + 117 + 217,
		  .handshakes = 1,
		  .first = { 69, 117, 217 },
		  .firsts = 3,
		  .latest = 217 },
		{ .app_records = 5,
		  .app_bytes = 917 + 281 + 69 + 117 + 217,
		  .handshakes = 1,
		  .first = { 917, 281, 69, 117, 217 },
		  .firsts = 5,
		  .latest = 217 },
	};

	(void)state;
	for (int read = 200; read <= 300; read += 100) {
		struct wire *w = begin(false);
		struct wire_key key = opened(w, 1, true);
		int cert = read == 300; /* its requests are known where all was read */
		is_of(w, &key, 3, "c");
		wire_counts(w, &key, T0, &(struct wire_counts){ { { 0 }, asked[cert] } });
		wire_read(w, 1, T0,
			  &(struct wire_read){ "x", "openssl", { 0, (uint64_t)read }, false });
		wire_end(w, &key, T0, WIRE_CLOSED);
		assert_int_equal(stats_of(w).tls_bytes[REASON_READ], read);
		assert_int_equal(stats_of(w).tls_bytes[REASON_UNKNOWN], 300 - read);
		end(w);
	}
}

/* The first record of a direction that was not read passes neither for a Finished nor for tickets.
 */
static void test_missed_first(void **state)
{
	static const struct {
		struct wire_way way;
		bool server;
		uint64_t read, unknown;
	} cases[] = {
		/* no Finished is seen; a server's first record, after no ticket, one and two */
		{ { .app_records = 2, .app_bytes = 117 + 217, .first = { 117, 217 }, .firsts = 2 },
		  false,
		  200,
		  100 },
		{ { .app_records = 2, .app_bytes = 57 + 217, .first = { 57, 217 }, .firsts = 2 },
		  true,
		  200,
		  40 },
		{ { .app_records = 3,
		    .app_bytes = 250 + 1017 + 217,
		    .first = { 250, 1017, 217 },
		    .firsts = 3 },
		  true,
		  200,
		  1000 + 233 },
		{ { .app_records = 4,
		    .app_bytes = 250 + 250 + 1017 + 217,
		    .first = { 250, 250, 1017, 217 },
		    .firsts = 4 },
		  true,
		  200,
		  1000 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct wire *w = begin(false);
		struct wire_key key = opened(w, 1, !cases[i].server);
		struct wire_counts c = { 0 };
		struct wire_read r = { "x", "openssl", { 0 }, false };
		c.way[DIR_WRITE] = cases[i].way;
		c.way[DIR_WRITE].handshakes = 1;
		r.plain[DIR_WRITE] = cases[i].read;
		is_of(w, &key, 3, "c");
		wire_counts(w, &key, T0, &c);
		wire_read(w, 1, T0, &r);
		wire_end(w, &key, T0, WIRE_CLOSED);
		assert_int_equal(stats_of(w).tls_bytes[REASON_READ], cases[i].read);
		assert_int_equal(stats_of(w).tls_bytes[REASON_UNKNOWN], cases[i].unknown);
		end(w);
	}
}

/* The kernel encrypts, which is found when data flows: what was not read has that reason. */
static void test_ktls(void **state)
{
	struct wire *w = begin(false);
	struct wire_key part = opened(w, 1, true), none = opened(w, 2, true);

	(void)state;
	is_of(w, &part, 1, "a");
	is_of(w, &none, 7, "b");
	carried(w, &part, true);
	carried(w, &none, true);
	wire_read(w, 1, T0, &(struct wire_read){ "x", "openssl", { 1000, 100 }, false });
	for (int i = 0; i < 2; i++)
		wire_process(w, i ? &none : &part, T0,
			     &(struct wire_process){ .tgid = 7, .comm = "x", .ktls = true });
	struct wire_stats s = stats_of(w);
	assert_int_equal(s.tls_bytes[REASON_READ], 1100);
	assert_int_equal(s.tls_bytes[REASON_KTLS], 4000 + 5100);
	wire_end(w, &none, T0, WIRE_CLOSED);
	wire_tick(w, T0 + 9 * SECOND);
	assert_string_equal(told[count - 1]->reason, reasons[REASON_KTLS].sentence);
	assert_string_equal(told[count - 1]->src.process, "b");
	end(w);
}

/* Two sessions on one socket, of which the first is told of last. */
static void test_sessions(void **state)
{
	struct wire *w = begin(false);
	struct wire_key key = opened(w, 9, true);
	struct wire_read a = { "1-a-1", "openssl", { 4000, 60 }, false },
			 b = { "1-b-1", "openssl", { 900, 30 }, false };

	(void)state;
	is_of(w, &key, 1, "a");
	carried(w, &key, true);
	wire_read(w, 9, T0, &a);
	wire_read(w, 9, T0, &b);
	a.plain[0] += 50;
	wire_read(w, 9, T0, &a);
	b.plain[0] += 50;
	b.plain[1] += 10;
	wire_read(w, 9, T0, &b);
	assert_int_equal(stats_of(w).tls_bytes[REASON_READ], 5100);
	wire_end(w, &key, T0, WIRE_CLOSED);
	wire_tick(w, T0 + 9 * SECOND);
	assert_int_equal(stats_of(w).misfits, 0);
	assert_string_equal(told[0]->connection, "1-b-1");
	end(w);
}

/* Out of order: of three records, the length of the last was noted. */
static void test_out_of_order(void **state)
{
	const struct wire_way asked = { .app_records = 3,
					.app_bytes = 69 + 117 + 19,
					.handshakes = 1,
					.first = { 19 },
					.firsts = 1,
					.latest = 19 };

	(void)state;
	for (uint64_t read = 100; read > 0; read -= 50) {
		struct wire *w = begin(false);
		struct wire_key key = opened(w, 1, true);
		is_of(w, &key, 3, "c");
		wire_counts(w, &key, T0, &(struct wire_counts){ { { 0 }, asked } });
		wire_read(w, 1, T0, &(struct wire_read){ "x", "openssl", { 0, read }, false });
		wire_end(w, &key, T0, WIRE_CLOSED);
		assert_int_equal(stats_of(w).tls_bytes[REASON_READ], read);
		assert_int_equal(stats_of(w).tls_bytes[REASON_UNKNOWN], read == 100 ? 0 : 52 + 50);
		end(w);
	}
}

/* 0-RTT: 200 bytes that the client sends before all, also where the server throws them away. */
static void test_early_data(void **state)
{
	const struct wire_way asked = { .app_records = 4,
					.app_bytes = 217 + 21 + 53 + 117,
					.early_records = 1,
					.early_bytes = 217,
					.handshakes = 1,
					.first = { 21, 53, 117 },
					.firsts = 3,
					.latest = 117 };

	(void)state;
	for (int n = 0; n < 3; n++) {
		struct wire *w = begin(false);
		struct wire_key key = opened(w, 1, true);
		uint64_t read = n == 2 ? 0 : n ? 100 : 300;
		is_of(w, &key, 3, "c");
		wire_counts(w, &key, T0, &(struct wire_counts){ { { 0 }, asked } });
		wire_read(w, 1, T0, &(struct wire_read){ "x", "openssl", { 0, read }, false });
		wire_end(w, &key, T0, WIRE_CLOSED);
		assert_int_equal(stats_of(w).misfits, 0);
		assert_int_equal(stats_of(w).tls_bytes[REASON_READ], read);
		assert_int_equal(stats_of(w).tls_bytes[REASON_UNKNOWN], n == 2 ? 300 : 0);
		end(w);
	}
}

/* Records that it sends, of 100 bytes, each second one; of them so many are read. */
static void sends(struct wire *w, const struct wire_key *key, uint64_t *sent, bool read, int64_t at)
{
	*sent += 10;
	wire_counts(w, key, at,
		    &(struct wire_counts){ { { 0 },
					     { .app_records = *sent,
					       .app_bytes = 117 * *sent,
					       .handshakes = 1,
					       .last_us = at } } });
	if (read)
		wire_read(w, key->id, at,
			  &(struct wire_read){ "s", "openssl", { 0, 100 * *sent }, false });
	wire_tick(w, at);
}

/* Probes that fire no more are found out; a relay's always were silent. */
static void test_silent(void **state)
{
	struct wire *w = begin(false);
	struct wire_key key = opened(w, 1, true), relay = opened(w, 2, true),
			never = opened(w, 3, true);
	uint64_t sent[3] = { 0 };
	int64_t at = T0;

	(void)state;
	silents = 0;
	is_of(w, &key, 3, "a");
	is_of(w, &relay, 3, "a");
	is_of(w, &never, 4, "never read");
	for (int i = 0; i < 20; i++, at += SECOND) {
		sends(w, &key, &sent[0], true, at);
		sends(w, &never, &sent[2], false, at);
	}
	for (int i = 0; i < 4; i++, at += SECOND)
		sends(w, &key, &sent[0], false, at);
	assert_int_equal(silents, 0);
	for (int i = 0; i < 3; i++, at += SECOND)
		sends(w, &key, &sent[0], false, at);
	assert_int_equal(silents, 1);
	assert_int_equal(silent[0], 3);
	assert_int_equal(stats_of(w).silent, 1);
	for (int i = 0; i < 10; i++, at += SECOND) {
		sends(w, &key, &sent[0], true, at);
		sends(w, &relay, &sent[1], false, at);
	}
	for (int i = 0; i < 20; i++, at += SECOND)
		sends(w, &relay, &sent[1], false, at);
	assert_int_equal(silents, 1);
	end(w);
}

/* QUIC of a program whose TLS is read is not read, and says nothing of the probes. */
static void test_quic_goes_on(void **state)
{
	struct wire *w = begin(false);
	struct wire_key key = opened(w, 1, true), quic = { 9, 9 };
	struct wire_open o = { .family = 4,
			       .local_ip = { 10, 0, 0, 1 },
			       .local_port = 40001,
			       .remote_ip = { 10, 0, 0, 3 },
			       .remote_port = 443,
			       .quic = true,
			       .opener_known = true,
			       .opener = DIR_WRITE };
	uint64_t sent[2] = { 0 };
	int64_t at = T0;

	(void)state;
	silents = 0;
	wire_open(w, &quic, T0, &o);
	is_of(w, &key, 3, "a");
	is_of(w, &quic, 3, "a");
	for (int i = 0; i < 3; i++, at += SECOND)
		sends(w, &key, &sent[0], true, at);
	for (int i = 0; i < 20; i++, at += SECOND)
		sends(w, &quic, &sent[1], false, at);
	assert_int_equal(silents, 0);
	end(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ledger),	     cmocka_unit_test(test_late_probes),
		cmocka_unit_test(test_missed_first), cmocka_unit_test(test_judged),
		cmocka_unit_test(test_sessions),     cmocka_unit_test(test_early_data),
		cmocka_unit_test(test_silent),	     cmocka_unit_test(test_quic_goes_on),
		cmocka_unit_test(test_ktls),	     cmocka_unit_test(test_out_of_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
