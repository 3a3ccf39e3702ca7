// SPDX-License-Identifier: GPL-2.0-or-later
/* Files of packets as a source, to the entries. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/limits.h"
#include "base/log.h"
#include "entry.h"
#include "packets.h"
#include "session/session.h"
#include "source/pcap.h"
#include "source/source.h"
#include "wire/wire.h"

#define GET	"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
#define OK_HEAD "HTTP/1.1 200 OK\r\nContent-Length: 26\r\n\r\n"
#define BODY	"abcdefghijklmnopqrstuvwxyz"
#define OK	OK_HEAD BODY
#define THEN	1000000000000000 /* 2001-09-09 */
#define ENTRIES 64

struct run {
	struct entry *entries[ENTRIES], *wire[ENTRIES]; /* the latter of protocols tcp and tlsx */
	size_t count, of_wire;
	struct wire_stats wire_stats;
	struct pcap_stats stats;
	struct session_stats sessions;
	int status;
	char error[512];
};

static void collect(void *ctx, struct entry *e)
{
	struct run *r = ctx;

	bool wire = !strcmp(e->protocol, "tcp") || !strcmp(e->protocol, "tlsx");

	if (e->open || (wire ? r->of_wire : r->count) == ENTRIES)
		entry_free(e);
	else if (wire)
		r->wire[r->of_wire++] = e;
	else
		r->entries[r->count++] = e;
}

static void read_all(struct run *r, const struct source_options *o)
{
	void *state = NULL;
	int64_t now = 0, ticked = 0;
	int n = 1;

	r->status = source_pcap.open(o, &state, r->error, sizeof(r->error));
	for (int turns = 0; !r->status && n > 0; turns++) {
		assert_true(turns < 100000);
		n = source_pcap.poll(state, 0, &now);
		assert_true(n >= 0);
		if (now - ticked >= SESSION_TICK_US)
			sessions_tick(o->sessions, ticked = now), wire_tick(o->wire, now);
	}
	if (!r->status)
		pcap_stats_take(state, &r->stats);
	source_pcap.close(state);
}

/* Reads these bytes as a file; what it tells has the name "f". */
static struct run *run(const void *bytes, size_t len)
{
	struct run *r = calloc(1, sizeof(*r));
	const struct entry_sink sink = { .emit = collect, .ctx = r };
	struct wire *w = wire_new(&sink, &(struct wire_options){ .node = "n", .file = true });
	struct sessions *s =
		sessions_new(&sink, &(struct session_options){ .node = "n", .wire = w });
	int fd = memfd_create("f", MFD_CLOEXEC);
	char path[64];

	assert_int_equal(write(fd, bytes, len), len);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	read_all(r, &(struct source_options){ .sessions = s, .wire = w, .file = path });
	wire_stats(w, &r->wire_stats);
	r->sessions = sessions_stats(s);
	sessions_free(s);
	wire_free(w);
	close(fd);
	return r;
}

static struct run *run_packets(struct packets *p)
{
	struct run *r = run(p->file.data, p->file.len);

	buf_free(&p->file);
	return r;
}

static void end(struct run *r)
{
	for (size_t i = 0; i < r->count; i++)
		entry_free(r->entries[i]);
	for (size_t i = 0; i < r->of_wire; i++)
		entry_free(r->wire[i]);
	free(r);
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

/* A recording of tests/fuzz/make_pcap.py. */
static struct buf recording(const char *name)
{
	const char *folder = getenv("srcdir") ? getenv("srcdir") : ".";
	struct buf b = { 0 };
	char path[512];
	size_t n;

	snprintf(path, sizeof(path), "%s/tests/data/pcap/%s.pcapng", folder, name);
	FILE *in = fopen(path, "re");
	assert_non_null(in);
	do {
		assert_int_equal(buf_reserve(&b, 65536), 0);
		n = fread(b.data + b.len, 1, 65536, in);
		b.len += n;
	} while (n);
	fclose(in);
	return b;
}

/* What make_pcap.py's pattern() makes, or what read_talk.py answers. */
static bool is_body(const struct entry *e, const struct buf *body, bool answer)
{
	unsigned n = 0, size = 0;
	char text[64] = "";

	if (sscanf(e->summary, "/%u/%u", &n, &size) == 2) {
		for (unsigned i = 0; i < body->len; i++)
			if ((uint8_t)body->data[i] != (i * 7 + n) % 251)
				return false;
		return body->len == size;
	}
	if (sscanf(e->summary, "/update/%u", &n) == 1)
		snprintf(text, sizeof(text), "update %u\n", n);
	else if (strstr(e->summary, "/resumed/"))
		snprintf(text, sizeof(text), "resumed %d\n", strstr(e->summary, "True") != NULL);
	else
		return false;
	return answer ? body->len == strlen(text) && !memcmp(body->data, text, body->len)
		      : !body->len;
}

static bool is_as_said(const struct entry *e)
{
	return !strcmp(e->protocol, "http") && e->complete && !e->lost_bytes &&
	       e->lock == LOCK_OPEN && is_body(e, &e->request_body, false) &&
	       is_body(e, &e->response_body, true);
}

static const struct {
	const char *name;
	size_t entries;
} recordings[] = { { "tls13", 3 }, { "tls12", 3 },  { "chacha", 3 },
		   { "cbc", 3 },   { "update", 4 }, { "resumed", 4 } };

#define RECORDINGS (sizeof(recordings) / sizeof(*recordings))

/* TLS 1.2 and 1.3, KeyUpdate, resumption and early data, by the secrets in the file. */
static void test_decrypted(void **state)
{
	(void)state;
	for (size_t i = 0; i < RECORDINGS; i++) {
		struct buf file = recording(recordings[i].name);
		struct run *r = run(file.data, file.len);
		assert_int_equal(r->count, recordings[i].entries);
		for (size_t k = 0; k < r->count; k++)
			assert_true(is_as_said(r->entries[k]));
		assert_int_equal(r->stats.conns.tls.failed, 0);
		assert_int_equal(r->stats.conns.tls.no_key, 0);
		end(r);
		buf_free(&file);
	}
}

/* The entry of the wire that is of the same connection and of this protocol. */
static const struct entry *of_wire(const struct run *r, const struct entry *e, const char *protocol)
{
	const struct entry *found = NULL;

	for (size_t i = 0; i < r->of_wire; i++) {
		const struct entry *w = r->wire[i];
		if (strcmp(w->protocol, protocol) || w->src.port != e->src.port ||
		    w->dst.port != e->dst.port)
			continue;
		assert_null(found);
		found = w;
	}
	assert_non_null(found);
	return found;
}

/* Each connection as the wire has it: its lock is open, its handshake is told, both are known. */
static void test_wire(void **state)
{
	(void)state;
	for (size_t i = 0; i < RECORDINGS; i++) {
		struct buf file = recording(recordings[i].name);
		struct run *r = run(file.data, file.len);
		for (size_t k = 0; k < r->count; k++) {
			const struct entry *e = r->entries[k], *tcp = of_wire(r, e, "tcp"),
					   *tlsx = of_wire(r, e, "tlsx");
			assert_int_equal(tcp->lock, LOCK_OPEN);
			assert_string_equal(tcp->connection, e->connection);
			assert_string_equal(tlsx->connection, e->connection);
			assert_true(tlsx->complete);
			assert_true(strncmp(e->tls_version, "TLS 1.", 6) == 0);
			assert_string_equal(e->tls_version, tlsx->tls_version);
			assert_string_equal(e->tls_cipher, tlsx->tls_cipher);
			assert_string_equal(e->ja3, tlsx->ja3);
			assert_int_equal(strlen(e->ja3), 32);
			assert_true(tcp->request_size > e->request_size);
		}
		assert_int_equal(r->wire_stats.misfits, 0);
		assert_int_equal(r->wire_stats.open, 0);
		assert_true(r->wire_stats.tls_bytes[REASON_READ] > 0);
		/* the wire takes for data: six KeyUpdates of 5 bytes; after early data, the
		 * server's EncryptedExtensions of 10 */
		uint64_t rest = !strcmp(recordings[i].name, "update")	 ? 30
				: !strcmp(recordings[i].name, "resumed") ? 10
									 : 0;
		for (int why = REASON_READ + 1; why < REASON_COUNT; why++)
			assert_int_equal(r->wire_stats.tls_bytes[why],
					 why == REASON_UNKNOWN ? rest : 0);
		end(r);
		buf_free(&file);
	}
}

/* The next block of the file from `at` on that has a packet: its length, 0 there is none. */
static size_t find_packet(const struct buf *file, size_t *at)
{
	uint32_t head[2];

	while (*at + 8 <= file->len) {
		memcpy(head, file->data + *at, 8);
		if (head[0] == 6)
			return head[1];
		*at += head[1];
	}
	return 0;
}

/*
 * Each packet is missing once: what is complete is as it was said, and of a conversation of several
 * exchanges others than the one that it was of are there.
 */
static void test_holes(void **state)
{
	(void)state;
	for (size_t i = 0; i < RECORDINGS; i++) {
		struct buf file = recording(recordings[i].name);
		size_t at = 0, len, packets = 0, complete = 0, lossy = 0;

		while ((len = find_packet(&file, &at))) {
			struct buf less = { 0 };
			buf_put(&less, file.data, at);
			buf_put(&less, file.data + at + len, file.len - at - len);
			struct run *r = run(less.data, less.len);
			for (size_t k = 0; k < r->count; k++) {
				const struct entry *e = r->entries[k];
				assert_true(!e->complete || strcmp(e->protocol, "http") != 0 ||
					    is_as_said(e));
				complete += e->complete && is_as_said(e);
				lossy += e->lost_bytes != 0;
			}
			end(r);
			buf_free(&less);
			at += len;
			packets++;
		}
		print_message("%s: %zu packets, %zu of %zu complete, %zu miss bytes\n",
			      recordings[i].name, packets, complete,
			      packets * recordings[i].entries, lossy);
		assert_true(complete > packets * recordings[i].entries / 2);
		buf_free(&file);
	}
}

/* Without its secrets, or with others, nothing is read, and the lock is closed. */
static void test_no_secrets(void **state)
{
	struct buf file = recording("tls13");

	(void)state;
	for (int other = 0; other < 2; other++) {
		char *label = memmem(file.data, file.len, "SERVER_TRAFFIC_SECRET_0", 23);
		for (char *p = file.data;
		     other &&
		     (p = memmem(p, (size_t)(file.data + file.len - p), "TRAFFIC_SECRET", 14));
		     p++)
			p[82] = p[82] == '0' ? '1' : '0'; /* of a secret */
		for (char *p = file.data;
		     !other &&
		     (p = memmem(p, (size_t)(file.data + file.len - p), "TRAFFIC_SECRET", 14));
		     p++)
			*p = 'X';
		assert_non_null(label);
		struct run *r = run(file.data, file.len);
		assert_true(r->count > 0);
		for (size_t k = 0; k < r->count; k++) {
			assert_string_not_equal(r->entries[k]->protocol, "http");
			assert_int_equal(r->entries[k]->request_body.len, 0);
			assert_int_equal(r->entries[k]->response_body.len, 0);
			assert_false(r->entries[k]->complete);
			if (!other)
				assert_int_equal(r->entries[k]->lock, LOCK_CLOSED);
		}
		assert_int_equal(r->stats.conns.tls.opened, 0);
		if (!other) {
			const struct entry *tcp = of_wire(r, r->entries[0], "tcp");
			assert_int_equal(tcp->lock, LOCK_CLOSED);
			assert_string_equal(tcp->reason, reasons[REASON_NO_SECRETS].sentence);
			assert_string_equal(of_wire(r, tcp, "tlsx")->tls_version, "TLS 1.3");
			assert_int_equal(r->wire_stats.read, 0);
			assert_true(r->wire_stats.tls_bytes[REASON_NO_SECRETS] > 0);
		}
		end(r);
		buf_free(&file);
		file = recording("tls13");
	}
	buf_free(&file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_formats),	   cmocka_unit_test(test_sections),
		cmocka_unit_test(test_units),	   cmocka_unit_test(test_cut),
		cmocka_unit_test(test_corrupted),  cmocka_unit_test(test_errors),
		cmocka_unit_test(test_reordered),  cmocka_unit_test(test_missing),
		cmocka_unit_test(test_again),	   cmocka_unit_test(test_joined),
		cmocka_unit_test(test_many),	   cmocka_unit_test(test_decrypted),
		cmocka_unit_test(test_wire),	   cmocka_unit_test(test_holes),
		cmocka_unit_test(test_no_secrets),
	};

	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
