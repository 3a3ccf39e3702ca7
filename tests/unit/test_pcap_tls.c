// SPDX-License-Identifier: GPL-2.0-or-later
/* TLS connections in files of packets: decrypted, and as the wire has them. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/log.h"
#include "entry.h"
#include "pcap_run.h"
#include "tls/record.h"

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
		for (size_t k = 0; k < r->of_wire; k++) {
			assert_in_range(r->packets[k], 2, WIRE_PACKETS);
			assert_true(r->types[k] & 1 << (TLS_APPLICATION_DATA - 20));
		}
		assert_int_equal(r->typeless, 0); /* records over several packets, too */
		assert_int_equal(r->wire_stats.misfits, 0);
		assert_int_equal(r->wire_stats.open, 0);
		assert_true(r->wire_stats.tls_bytes[REASON_READ] > 0);
		/* also with KeyUpdates, and with early data */
		for (int why = REASON_READ + 1; why < REASON_COUNT; why++)
			assert_int_equal(r->wire_stats.tls_bytes[why], 0);
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
		cmocka_unit_test(test_decrypted),
		cmocka_unit_test(test_wire),
		cmocka_unit_test(test_holes),
		cmocka_unit_test(test_no_secrets),
	};

	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
