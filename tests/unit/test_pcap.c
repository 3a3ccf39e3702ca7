// SPDX-License-Identifier: GPL-2.0-or-later
/* Files of packets as a source, to the entries. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/log.h"
#include "entry.h"
#include "packets.h"
#include "pcap_run.h"

#define GET	"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
#define OK_HEAD "HTTP/1.1 200 OK\r\nContent-Length: 26\r\n\r\n"
#define BODY	"abcdefghijklmnopqrstuvwxyz"
#define OK	OK_HEAD BODY
#define THEN	1000000000000000 /* 2001-09-09 */

static struct run *run_packets(struct packets *p)
{
	struct run *r = run(p->file.data, p->file.len);

	buf_free(&p->file);
	return r;
}

static struct packets packets(void)
{
	return (struct packets){
		.link = 1, .time_us = THEN, .seq = { 0xfffffff0, 0x7ffffff8 }, .port = { 40000, 80 }
	};
}

static void talk(struct packets *p)
{
	packets_open(p);
	packets_say(p, 0, GET);
	packets_say(p, 1, OK);
	packets_close(p);
}

/* The exchange of talk(), seen from outside. */
static void expect_talk(const struct entry *e, bool ipv6)
{
	assert_string_equal(e->protocol, "http");
	assert_string_equal(e->method, "GET");
	assert_int_equal(e->status_code, 200);
	assert_true(e->complete);
	assert_int_equal(e->lost_bytes, 0);
	assert_int_equal(e->lock, LOCK_NONE);
	assert_false(e->tls);
	assert_string_equal(e->role, "unknown");
	assert_string_equal(e->bind, "file");
	assert_int_equal(e->src.pid, 0);
	assert_string_equal(e->src.ip, ipv6 ? "fd00::1" : "10.0.0.1");
	assert_string_equal(e->dst.ip, ipv6 ? "fd00::2" : "10.0.0.2");
	assert_int_equal(e->src.port, 40000);
	assert_int_equal(e->dst.port, 80);
	assert_int_equal(e->response_body.len, strlen(BODY));
	assert_memory_equal(e->response_body.data, BODY, strlen(BODY));
}

static void expect_one(struct packets *p)
{
	struct run *r = run_packets(p);

	assert_int_equal(r->status, 0);
	assert_int_equal(r->count, 1);
	expect_talk(r->entries[0], p->ipv6);
	assert_int_equal(r->entries[0]->timestamp_us, THEN + 30);
	assert_null(r->stats.damage);
	assert_true(r->stats.ended);
	assert_int_equal(r->stats.broken, 0);
	assert_int_equal(r->sessions.bad_records, 0);
	assert_int_equal(r->sessions.active, 0);
	end(r);
}

/* All formats, orders of bytes, link layers, both versions of IP, tags, whole and in fragments. */
static void test_formats(void **state)
{
	static const uint16_t links[] = { 0, 1, 101, 108, 113, 276 };

	(void)state;
	for (unsigned i = 0; i < 6 * 2 * 6 * 2 * 3 * 3; i++) {
		struct packets p = packets();
		unsigned n = i;
		p.format = (enum packets_format)(n % 3), n /= 3;
		p.swapped = n % 2, n /= 2;
		p.link = links[n % 6], n /= 6;
		p.ipv6 = n % 2, n /= 2;
		p.extended = p.ipv6 && n % 2, n /= 2;
		p.vlans = n % 3, n /= 3;
		p.fragment = n % 3 ? 16 : 0;
		p.backwards = n % 3 == 2;
		packets_begin(&p);
		talk(&p);
		expect_one(&p);
	}
}

/* Sections of other orders, interfaces of other link layers and clocks, in one file. */
static void test_sections(void **state)
{
	struct packets p = packets();

	(void)state;
	p.format = PACKETS_NG;
	packets_begin(&p);
	packets_interface(&p, 9);
	packets_open(&p);
	p.swapped = true;
	p.link = 101;
	packets_begin(&p); /* interface 0 */
	p.link = 113;
	packets_interface(&p, 6); /* 1 */
	p.interface = 1;
	packets_say(&p, 0, GET);
	p.link = 101;
	p.interface = 0;
	packets_say(&p, 1, OK);
	packets_close(&p);
	expect_one(&p);
}

/* Units of time: of nanoseconds, of powers of two. */
static void test_units(void **state)
{
	static const struct {
		unsigned char unit;
		int64_t ticks, us;
	} cases[] = { { 9, 1700000000123456789, 1700000000123456 },
		      { 3, 1700000000123, 1700000000123000 },
		      { 0, 1700000000123456, 1700000000123456 },
		      { 0x80 | 20, 1700000000LL << 20 | 1 << 19, 1700000000500000 },
		      { 0, INT64_MAX, 253402300799LL * 1000000 } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct packets p = packets();
		p.format = PACKETS_NG;
		packets_begin(&p);
		packets_interface(&p, cases[i].unit);
		p.interface = 1;
		for (int k = 0; k < 4; k++) {
			p.time_us = cases[i].ticks;
			packets_segment(&p, 0, 1000, PACKET_ACK, "GET", 3);
		}
		struct run *r = run_packets(&p);
		assert_int_equal(r->stats.first_us, cases[i].us);
		end(r);
	}
}

/* Cut anywhere: an error, or what is before, and why there is no more. */
static void test_cut(void **state)
{
	(void)state;
	for (int format = 0; format < 3; format++) {
		struct packets p = packets();
		p.format = (enum packets_format)format;
		packets_begin(&p);
		packets_open(&p);
		packets_say(&p, 0, GET);
		packets_say(&p, 1, OK);
		size_t whole = p.file.len;
		packets_close(&p);
		for (size_t len = 0; len < p.file.len; len++) {
			struct run *r = run(p.file.data, len);
			if (r->status) {
				assert_true(*r->error != '\0');
				assert_true(len < 24);
			} else {
				assert_true(r->stats.ended);
				assert_true(r->stats.damage || r->stats.offset == len);
				assert_true(r->count == 1 || len < whole);
			}
			if (len >= whole)
				expect_talk(r->entries[0], false);
			end(r);
		}
		buf_free(&p.file);
	}
}

/* Any byte wrong: no more than what is told. */
static void test_corrupted(void **state)
{
	(void)state;
	for (int format = 0; format < 3; format++) {
		struct packets p = packets();
		p.format = (enum packets_format)format;
		packets_begin(&p);
		talk(&p);
		for (size_t i = 0; i < p.file.len; i++) {
			for (int bit = 0; bit < 8; bit++) {
				p.file.data[i] ^= (char)(1 << bit);
				struct run *r = run(p.file.data, p.file.len);
				assert_true(r->status || r->stats.ended);
				end(r);
				p.file.data[i] ^= (char)(1 << bit);
			}
		}
		buf_free(&p.file);
	}
}

static void expect_error(const void *bytes, size_t len, const char *words)
{
	struct run *r = run(bytes, len);

	assert_true(r->status < 0);
	assert_non_null(strstr(r->error, words));
	end(r);
}

static void test_errors(void **state)
{
	struct run r = { 0 };

	(void)state;
	expect_error("", 0, "empty");
	expect_error("\n\r", 2, "neither pcap nor pcapng");
	expect_error("GET / HTTP/1.1\r\n\r\n", 18, "neither pcap nor pcapng");
	read_all(&r, &(struct source_options){ .file = "/nowhere/f" });
	assert_int_equal(r.status, -ENOENT);
	read_all(&r, &(struct source_options){ .file = "/dev/null" });
	assert_non_null(strstr(r.error, "no regular file"));
}

/* Sent again, late, overlapping: the same entry. With other content: the first copy, counted. */
static void test_reordered(void **state)
{
	struct packets p = packets();

	(void)state;
	packets_begin(&p);
	packets_open(&p);
	uint32_t seq = p.seq[0];
	packets_segment(&p, 0, seq + 10, PACKET_ACK, GET + 10, strlen(GET) - 10);
	packets_segment(&p, 0, seq, PACKET_ACK, GET, 12);
	packets_segment(&p, 0, seq, PACKET_ACK, "GET /evil", 9);
	p.seq[0] += (uint32_t)strlen(GET);
	uint32_t back = p.seq[1];
	packets_segment(&p, 1, back + 40, PACKET_ACK, OK + 40, strlen(OK) - 40);
	packets_segment(&p, 1, back + 30, PACKET_ACK, OK + 30, 20);
	packets_segment(&p, 1, back, PACKET_ACK, OK, 31);
	p.seq[1] += (uint32_t)strlen(OK);
	packets_close(&p);
	struct run *r = run_packets(&p);
	assert_int_equal(r->count, 1);
	expect_talk(r->entries[0], false);
	assert_string_equal(r->entries[0]->summary, "/a");
	assert_int_equal(r->stats.conns.tcp.differ, 1);
	end(r);
}

/* Missing packets, and packets of which not all was captured, are gaps with a size. */
static void test_missing(void **state)
{
	(void)state;
	for (int snapped = 0; snapped < 2; snapped++) {
		struct packets p = packets();
		packets_begin(&p);
		packets_open(&p);
		packets_say(&p, 0, GET);
		packets_say(&p, 1, OK_HEAD);
		p.snap = snapped ? 14 + 20 + 24 + 16 : 0;
		if (snapped)
			packets_say(&p, 1, BODY);
		else
			p.seq[1] += (uint32_t)strlen(BODY);
		p.snap = 0;
		packets_say(&p, 0, GET);
		packets_say(&p, 1, OK);
		packets_close(&p);
		struct run *r = run_packets(&p);
		assert_int_equal(r->count, 2);
		assert_int_equal(r->entries[0]->lost_bytes, snapped ? 10 : 26);
		assert_false(r->entries[0]->complete);
		assert_true(r->entries[1]->complete);
		assert_int_equal(r->stats.cut, snapped);
		end(r);
	}
}

/* The same ports again are another connection; what ends where the file ends ends. */
static void test_again(void **state)
{
	struct packets p = packets();

	(void)state;
	packets_begin(&p);
	for (int i = 0; i < 3; i++) {
		p.seq[0] += 100000;
		packets_open(&p);
		packets_say(&p, 0, GET);
		packets_say(&p, 1, OK);
		if (i == 1)
			packets_segment(&p, 0, p.seq[0], PACKET_RST, "", 0);
	}
	struct run *r = run_packets(&p);
	assert_int_equal(r->count, 3);
	for (int i = 0; i < 3; i++)
		expect_talk(r->entries[i], false);
	assert_string_not_equal(r->entries[0]->connection, r->entries[1]->connection);
	assert_int_equal(r->stats.conns.connections, 3);
	assert_int_equal(r->sessions.active, 0);
	end(r);
}

/* Joined in the middle: what the file does not have is nobody's. */
static void test_joined(void **state)
{
	struct packets p = packets();

	(void)state;
	packets_begin(&p);
	packets_say(&p, 1, "lo\r\n");
	packets_say(&p, 0, GET);
	packets_say(&p, 1, OK);
	struct run *r = run_packets(&p);
	assert_int_equal(r->stats.conns.joined, 1);
	assert_true(r->count >= 1);
	const struct entry *e = r->entries[r->count - 1];
	assert_string_equal(e->method, "GET");
	assert_int_equal(e->status_code, 200);
	end(r);
}

/* More connections than are followed at once: the longest idle one is told as far as it came. */
static void test_many(void **state)
{
	struct packets p = packets();

	(void)state;
	packets_begin(&p);
	packets_open(&p);
	packets_say(&p, 0, GET);
	for (unsigned i = 0; i < LIMIT_PCAP_CONNS + 10; i++) {
		p.port[0] = (uint16_t)(i & 0xffff);
		p.port[1] = (uint16_t)(1 + (i >> 16));
		packets_segment(&p, 0, 5, PACKET_SYN, "", 0);
	}
	struct run *r = run_packets(&p);
	assert_int_equal(r->count, 1);
	assert_false(r->entries[0]->complete);
	assert_int_equal(r->stats.conns.gave_way, 11);
	end(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formats),	  cmocka_unit_test(test_sections),
		cmocka_unit_test(test_units),	  cmocka_unit_test(test_cut),
		cmocka_unit_test(test_corrupted), cmocka_unit_test(test_errors),
		cmocka_unit_test(test_reordered), cmocka_unit_test(test_missing),
		cmocka_unit_test(test_again),	  cmocka_unit_test(test_joined),
		cmocka_unit_test(test_many),
	};

	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
