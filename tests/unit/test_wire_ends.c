// SPDX-License-Identifier: GPL-2.0-or-later
/* Packets as the sockets of this machine see them, each at its end, without the kernel's help. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "entry.h"
#include "source/file_conns.h"
#include "source/layers.h"
#include "tls/decrypt.h"
#include "tls/key_log.h"
#include "tls_bytes.h"
#include "wire/wire.h"

#define T0	1795816800000000
#define SECOND	1000000
#define NETNS	77
#define LINGERS 2000000

static struct entry *entries[64];
static size_t count;

static void on_entry(void *ctx, struct entry *e)
{
	(void)ctx;
	if (count < sizeof(entries) / sizeof(*entries))
		entries[count++] = e;
	else
		entry_free(e);
}

/* A conversation between 10.0.0.1:40000 and 10.0.0.2:443, and who looks at it. */
struct talk {
	struct wire *wire;
	struct key_log *keys;
	struct decrypt_tools *tools;
	struct file_conns *conns;
	uint32_t seq[2];
	int64_t now;
};

static void begin(struct talk *t, bool filtered)
{
	const struct entry_sink sink = { .emit = on_entry };

	*t = (struct talk){ .now = T0, .seq = { 1000, 0xfffffff0 } };
	t->wire = wire_new(&sink, &(struct wire_options){
					  .node = "n", .filtered = filtered, .by_address = true });
	t->keys = key_log_new();
	t->tools = decrypt_tools_new(t->keys);
	t->conns = file_conns_new(NULL, t->tools, t->wire);
	file_conns_set_netns(t->conns, NETNS);
}

static void end(struct talk *t)
{
	file_conns_free(t->conns);
	decrypt_tools_free(t->tools);
	key_log_free(t->keys);
	wire_free(t->wire);
	while (count)
		entry_free(entries[--count]);
}

enum { AT_CLIENT = 1, AT_SERVER = 2 };

/* A packet from a side (0: the client's), as one end or both see it. */
static void packet(struct talk *t, int ends, int from, uint8_t flags, const void *bytes, size_t len)
{
	struct datagram g = { .family = 4,
			      .flags = flags,
			      .seq = t->seq[from],
			      .ack = t->seq[!from],
			      .bytes = bytes,
			      .len = len,
			      .wire_len = len };
	static const uint8_t ip[2][4] = { { 10, 0, 0, 1 }, { 10, 0, 0, 2 } };

	for (int i = 0; i < 2; i++) {
		memcpy(g.ends.ip[i], ip[from ^ i], 4);
		g.ends.port[i] = (from ^ i) ? 443 : 40000;
	}
	t->now += 1000;
	if (ends & (from ? AT_SERVER : AT_CLIENT)) /* it leaves before it arrives */
		file_conns_take_end(t->conns, t->now, &g, true);
	if (ends & (from ? AT_CLIENT : AT_SERVER))
		file_conns_take_end(t->conns, t->now, &g, false);
	t->seq[from] += (uint32_t)(len + ((flags & (TCP_SYN | TCP_FIN)) != 0));
}

static void records(struct talk *t, int ends, int from, uint8_t type, const struct buf *b)
{
	struct buf all = { 0 };

	bytes_records(&all, type, b->data, b->len, 16384);
	for (size_t at = 0; at < all.len; at += 1400)
		packet(t, ends, from, TCP_ACK, all.data + at,
		       all.len - at < 1400 ? all.len - at : 1400);
	buf_free(&all);
}

static void app(struct talk *t, int ends, int from, size_t len)
{
	struct buf b = { 0 };

	assert_int_equal(buf_reserve(&b, len), 0);
	memset(b.data, 'x', len);
	b.len = len;
	records(t, ends, from, 23, &b);
	buf_free(&b);
}

static void handshake(struct talk *t, int ends)
{
	struct buf hello = { 0 }, answer = { 0 };

	packet(t, ends, 0, TCP_SYN, "", 0);
	packet(t, ends, 1, TCP_SYN | TCP_ACK, "", 0);
	bytes_client_hello(&hello, 0x0303, CLIENT_EXTENSIONS);
	records(t, ends, 0, 22, &hello);
	bytes_server_hello(&answer, 0x0303, 0x1301, "002b000203040033000400 1d0000");
	records(t, ends, 1, 22, &answer);
	app(t, ends, 1, 600);
	app(t, ends, 0, 58);
	buf_free(&hello);
	buf_free(&answer);
}

static void hang_up(struct talk *t, int ends)
{
	packet(t, ends, 0, TCP_FIN | TCP_ACK, "", 0);
	packet(t, ends, 1, TCP_FIN | TCP_ACK, "", 0);
	wire_tick(t->wire, t->now + LINGERS);
}

static const struct wire_address client = { .ip = { 10, 0, 0, 1 }, .port = 40000, .family = 4 },
				 server = { .ip = { 10, 0, 0, 2 }, .port = 443, .family = 4 };

/* The last version of the newest entry of this protocol. */
static const struct entry *newest(const char *protocol)
{
	for (size_t i = count; i--;)
		if (!strcmp(entries[i]->protocol, protocol))
			return entries[i];
	return NULL;
}

/* Seen at the client's end alone: one connection, which nobody reads. */
static void test_one_end(void **state)
{
	struct talk t;
	struct wire_stats s;

	(void)state;
	begin(&t, false);
	handshake(&t, AT_CLIENT);
	app(&t, AT_CLIENT, 0, 100);
	app(&t, AT_CLIENT, 1, 5000);
	wire_stats(t.wire, &s);
	assert_int_equal(s.seen, 1);
	hang_up(&t, AT_CLIENT);
	const struct entry *e = newest("tcp");
	assert_non_null(e);
	assert_string_equal(e->src.ip, "10.0.0.1");
	assert_int_equal(e->dst.port, 443);
	assert_int_equal(e->lock, LOCK_CLOSED);
	assert_string_equal(e->role, "client");
	assert_string_equal(newest("tlsx")->tls_sni, "a.example");
	end(&t);
}

/* At the server's, whose side did not open it. */
static void test_other_end(void **state)
{
	struct talk t;

	(void)state;
	begin(&t, false);
	handshake(&t, AT_SERVER);
	hang_up(&t, AT_SERVER);
	const struct entry *e = newest("tcp");
	assert_non_null(e);
	assert_string_equal(e->src.ip, "10.0.0.1");
	assert_string_equal(e->role, "server");
	end(&t);
}

/* Both on this machine are one entry; sequence numbers wrap. */
static void test_both(void **state)
{
	struct talk t;
	struct wire_stats s;

	(void)state;
	begin(&t, false);
	handshake(&t, AT_CLIENT | AT_SERVER);
	wire_stats(t.wire, &s);
	assert_int_equal(s.seen, 2);
	hang_up(&t, AT_CLIENT | AT_SERVER);
	assert_string_equal(newest("tcp")->ends, "both");
	end(&t);
}

static const struct wire_read said = { .connection = "7-a-1",
				       .library = "openssl",
				       .plain = { 4983, 83 },
				       .tgid = 7,
				       .comm = "curl" };

/* A session finds it by its addresses, and says whose it is: with a filter only then is it shown.
 */
static void test_read(void **state)
{
	struct talk t;

	(void)state;
	begin(&t, true);
	handshake(&t, AT_CLIENT);
	app(&t, AT_CLIENT, 0, 100);
	app(&t, AT_CLIENT, 1, 5000);
	assert_int_equal(wire_cookie(t.wire, &server, &client, NETNS), 0);
	assert_int_equal(wire_cookie(t.wire, &client, &server, NETNS + 1), 0);
	uint64_t cookie = wire_cookie(t.wire, &client, &server, NETNS);
	assert_true(cookie);
	wire_tick(t.wire, t.now);
	assert_null(newest("tcp"));
	wire_read(t.wire, cookie, t.now, &said);
	hang_up(&t, AT_CLIENT);
	const struct entry *e = newest("tcp");
	assert_non_null(e);
	assert_int_equal(e->lock, LOCK_OPEN);
	assert_string_equal(e->src.process, "curl");
	assert_int_equal(e->src.pid, 7);
	assert_string_equal(e->connection, "7-a-1");
	end(&t);
}

/* The session was over before the first packet was told: it is taken, once, and by its own alone.
 */
static void test_ahead(void **state)
{
	struct talk t;
	struct wire_stats s;

	(void)state;
	begin(&t, true);
	wire_read_ahead(t.wire, &client, &server, NETNS + 1, t.now, &said);
	handshake(&t, AT_CLIENT);
	wire_stats(t.wire, &s);
	assert_int_equal(s.read, 0); /* of another namespace */
	end(&t);

	begin(&t, true);
	wire_read_ahead(t.wire, &client, &server, NETNS, t.now, &said);
	t.now += 5 * SECOND;
	handshake(&t, AT_CLIENT);
	wire_stats(t.wire, &s);
	assert_int_equal(s.read, 0); /* too long ago */
	end(&t);

	begin(&t, true);
	wire_read_ahead(t.wire, &client, &server, NETNS, t.now, &said);
	handshake(&t, AT_CLIENT);
	wire_stats(t.wire, &s);
	assert_int_equal(s.read, 1);
	hang_up(&t, AT_CLIENT);
	assert_string_equal(newest("tcp")->src.process, "curl");
	t.seq[0] += 100000;
	t.seq[1] += 100000;
	handshake(&t, AT_CLIENT);
	wire_stats(t.wire, &s);
	assert_int_equal(s.seen, 2);
	assert_int_equal(s.read, 1);
	end(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_end), cmocka_unit_test(test_other_end),
		cmocka_unit_test(test_both),	cmocka_unit_test(test_read),
		cmocka_unit_test(test_ahead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
