// SPDX-License-Identifier: GPL-2.0-or-later
#include "unit.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "entry.h"
#include "message.h"
#include "base/limits.h"
#include "records.h"
#include "source/uprobe.h"

#define GET "GET /a HTTP/1.1\r\nHost: www.example:8443\r\n\r\n"
#define OK  "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

struct got {
	struct sessions *sessions;
	struct entry *entries[64];
	size_t count;
};

static void collect(void *ctx, struct entry *e)
{
	struct got *g = ctx;

	assert_true(g->count < 64);
	assert_int_equal(entry_write_detail(e), 0);
	g->entries[g->count++] = e;
}

static int begin(void **state, bool split_ends)
{
	struct got *g = calloc(1, sizeof(*g));
	const struct entry_sink sink = { .emit = collect, .ctx = g };
	const struct session_options options = { .node = "host1", .split_ends = split_ends };

	g->sessions = sessions_new(&sink, &options);
	*state = g;
	return g->sessions ? 0 : -1;
}

static int setup(void **state)
{
	return begin(state, false);
}

static int setup_split(void **state)
{
	return begin(state, true);
}

static int teardown(void **state)
{
	struct got *g = *state;

	sessions_free(g->sessions);
	for (size_t i = 0; i < g->count; i++)
		entry_free(g->entries[i]);
	free(g);
	return 0;
}

static struct wire wire(struct got *g, uint32_t tgid, uint64_t conn, uint64_t gen)
{
	return (struct wire){ .sessions = g->sessions, .tgid = tgid, .conn = conn, .gen = gen };
}

static void tick(struct got *g, uint64_t ktime)
{
	sessions_tick(g->sessions, (int64_t)(ktime / 1000) + RECORDS_CLOCK_US);
}

static void test_both_ends(void **state)
{
	struct got *g = *state;
	struct wire c = wire(g, 100, 0x7f3a10, 1), s = wire(g, 200, 0x5000, 1);

	wire_open(&c, "curl", EV_LIB_OPENSSL, 1);
	wire_bind(&c, "10.0.0.4", 52144, "10.0.0.5", 443, EV_HOW_NESTED, EV_OPENED_LOCAL, true);
	wire_open(&s, "nginx", EV_LIB_BORINGSSL, 1);
	wire_bind(&s, "::ffff:10.0.0.5", 443, "::ffff:10.0.0.4", 52144, EV_HOW_BIO,
		  EV_OPENED_REMOTE, true);
	sessions_set_container(g->sessions, 200, "c0ffee");
	wire_write(&c, GET);
	wire_read(&s, GET);
	wire_write(&s, OK);
	wire_read(&c, OK);
	assert_int_equal(g->count, 2);
	for (int i = 0; i < 2; i++) {
		const struct entry *e = g->entries[i];
		assert_string_equal(e->src.ip, "10.0.0.4");
		assert_int_equal(e->src.port, 52144);
		assert_string_equal(e->src.process, "curl");
		assert_int_equal(e->src.pid, 100);
		assert_string_equal(e->dst.ip, "10.0.0.5");
		assert_int_equal(e->dst.port, 443);
		assert_string_equal(e->dst.process, "nginx");
		assert_int_equal(e->dst.pid, 200);
		assert_string_equal(e->dst.container, "c0ffee");
		assert_true(e->src.netns == 1 && e->dst.netns == 1);
		assert_string_equal(e->dst.name, "www.example");
		assert_string_equal(e->node, "host1");
		assert_true(e->tls);
		assert_int_equal(e->lock, LOCK_OPEN);
		assert_int_equal(e->goroutine, 7);
	}
	assert_string_equal(g->entries[0]->role, "server");
	assert_string_equal(g->entries[0]->bind, "bio");
	assert_string_equal(g->entries[0]->library, "boringssl");
	assert_string_equal(g->entries[1]->role, "client");
	assert_string_equal(g->entries[1]->bind, "nested");
	assert_string_equal(g->entries[1]->library, "openssl");
	assert_string_equal(g->entries[1]->connection, "100-7f3a10-1");
	assert_int_equal(g->entries[1]->timestamp_us, 1000000 + 3000);
}

/* Who is at the other end is known for a while after it closed, then no more. */
static void test_other_end_expires(void **state)
{
	struct got *g = *state;
	struct wire c = wire(g, 100, 1, 1), s = wire(g, 200, 2, 1);

	wire_open(&c, "curl", EV_LIB_OPENSSL, 1);
	wire_bind(&c, "10.0.0.4", 1000, "10.0.0.5", 443, EV_HOW_NESTED, EV_OPENED_LOCAL, true);
	wire_open(&s, "nginx", EV_LIB_OPENSSL, 1);
	wire_bind(&s, "10.0.0.5", 443, "10.0.0.4", 1000, EV_HOW_NESTED, EV_OPENED_REMOTE, true);
	wire_close(&s);
	wire_exit(&s);
	wire_write(&c, GET);
	wire_read(&c, OK);
	tick(g, (LIMIT_PEER_SECONDS + 2) * 1000000000ULL);
	wire_write(&c, GET);
	wire_read(&c, OK);
	assert_int_equal(g->count, 2);
	assert_string_equal(g->entries[0]->dst.process, "nginx");
	assert_string_equal(g->entries[1]->dst.process, "");
	assert_int_equal(g->entries[1]->dst.pid, 0);
}

/* The same loopback addresses in another network namespace are another connection. */
static void test_other_namespace(void **state)
{
	static const char *const ips[] = { "127.0.0.1", "10.1.1.1" };
	struct got *g = *state;

	for (uint32_t i = 0; i < 2; i++) {
		struct wire c = wire(g, 100, 1 + i, 1), s = wire(g, 200, 2 + i, 1);
		struct ev_bind b = {
			.hdr = { .type = EV_BIND, .tgid = 200, .conn = 2 + i, .gen = 1 },
			.family = 4,
			.how = EV_HOW_NESTED,
			.netns = 2,
			.strong = 1,
			.opened = EV_OPENED_REMOTE,
			.local_port = 443,
			.remote_port = 1000
		};
		memcpy(b.local_ip, i ? "\x0a\x01\x01\x01" : "\x7f\x00\x00\x01", 4);
		memcpy(b.remote_ip, b.local_ip, 4);
		wire_open(&c, "curl", EV_LIB_OPENSSL, 1);
		wire_bind(&c, ips[i], 1000, ips[i], 443, EV_HOW_NESTED, EV_OPENED_LOCAL, true);
		wire_open(&s, "nginx", EV_LIB_OPENSSL, 2);
		uprobe_tell(g->sessions, RECORDS_CLOCK_US, &b.hdr);
		wire_write(&c, GET);
		wire_read(&c, OK);
	}
	assert_string_equal(g->entries[0]->dst.process, "");
	assert_string_equal(g->entries[1]->dst.process, "nginx");
}

static void test_unbound(void **state)
{
	struct got *g = *state;
	struct wire c = wire(g, 100, 1, 1), s = wire(g, 200, 1, 1), o = wire(g, 300, 1, 1);

	wire_open(&c, "curl", EV_LIB_OPENSSL, 1);
	wire_write(&c, GET);
	wire_read(&c, OK);
	wire_open(&s, "nginx", EV_LIB_OPENSSL, 1);
	wire_read(&s, GET);
	wire_write(&s, OK);
	wire_open(&o, "redis", EV_LIB_OPENSSL, 1);
	wire_read(&o, "PING\r\n");
	wire_close(&o);
	assert_int_equal(g->count, 3);
	assert_string_equal(g->entries[0]->role, "client");
	assert_string_equal(g->entries[0]->src.process, "curl");
	assert_string_equal(g->entries[0]->src.ip, "");
	assert_string_equal(g->entries[0]->bind, "unknown");
	assert_string_equal(g->entries[1]->role, "server");
	assert_string_equal(g->entries[1]->dst.process, "nginx");
	assert_int_equal(g->entries[1]->src.pid, 0);
	assert_string_equal(g->entries[2]->role, "unknown");
}

static void bind_weak(struct wire *w, uint16_t port)
{
	wire_bind(w, "10.0.0.1", port, "10.0.0.2", 443, EV_HOW_BIO, EV_OPENED_LOCAL, false);
}

static void bind_strong(struct wire *w, uint16_t port)
{
	wire_bind(w, "10.0.0.1", port, "10.0.0.2", 443, EV_HOW_NESTED, EV_OPENED_LOCAL, true);
}

static void expect_port(struct got *g, struct wire *w, uint16_t port, const char *bind)
{
	wire_write(w, GET);
	wire_read(w, OK);
	const struct entry *e = g->entries[g->count - 1];
	assert_int_equal(e->src.port, port);
	assert_string_equal(e->bind, bind);
	assert_int_equal(*e->src.ip != '\0', port != 0);
}

static void test_bind_evidence(void **state)
{
	struct got *g = *state;
	struct wire w = wire(g, 1, 1, 1);

	wire_open(&w, "p", EV_LIB_OPENSSL, 1);
	bind_weak(&w, 10);
	expect_port(g, &w, 10, "bio");
	bind_weak(&w, 10);
	expect_port(g, &w, 10, "bio");
	bind_strong(&w, 20);
	expect_port(g, &w, 20, "nested");
	bind_weak(&w, 30);
	expect_port(g, &w, 20, "nested");
	bind_strong(&w, 40);
	expect_port(g, &w, 0, "unknown");
	bind_strong(&w, 20);
	expect_port(g, &w, 0, "unknown");
	w = wire(g, 1, 2, 1);
	wire_open(&w, "p", EV_LIB_OPENSSL, 1);
	bind_weak(&w, 10);
	bind_weak(&w, 11);
	expect_port(g, &w, 0, "unknown");
	bind_weak(&w, 10);
	expect_port(g, &w, 0, "unknown");
	bind_strong(&w, 12);
	expect_port(g, &w, 12, "nested");
}

static void test_generations(void **state)
{
	struct got *g = *state;
	struct wire w = wire(g, 5, 0xabc, 1), old = w, fork = wire(g, 6, 0xabc, 1);

	wire_open(&w, "p", EV_LIB_OPENSSL, 1);
	wire_write(&w, GET);
	/* the address is used again without a CLOSE */
	w.gen = 2;
	memset(w.offset, 0, sizeof(w.offset));
	wire_open(&w, "p", EV_LIB_OPENSSL, 1);
	assert_int_equal(g->count, 1);
	assert_false(g->entries[0]->complete);
	wire_write(&w, GET);
	/* what is late from before is not taken for the new one */
	old.offset[EV_READ] = 0;
	wire_read(&old, OK);
	assert_int_equal(sessions_stats(g->sessions).bad_records, 1);
	wire_read(&w, OK);
	wire_close(&w);
	w.gen = 3;
	memset(w.offset, 0, sizeof(w.offset));
	wire_open(&w, "p", EV_LIB_OPENSSL, 1);
	wire_write(&w, GET);
	wire_read(&w, OK);
	/* after a fork the child has the same address, and is its own */
	wire_open(&fork, "child", EV_LIB_OPENSSL, 1);
	wire_write(&fork, GET);
	wire_read(&fork, OK);
	assert_int_equal(g->count, 4);
	assert_string_equal(g->entries[0]->connection, "5-abc-1");
	assert_string_equal(g->entries[1]->connection, "5-abc-2");
	assert_string_equal(g->entries[2]->connection, "5-abc-3");
	assert_string_equal(g->entries[3]->connection, "6-abc-1");
	assert_true(g->entries[1]->complete);
}

static void test_gaps(void **state)
{
	struct got *g = *state;
	struct wire w = wire(g, 5, 1, 1);
	const char *head = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n";

	wire_open(&w, "p", EV_LIB_OPENSSL, 1);
	wire_write(&w, GET);
	wire_read(&w, head);
	wire_data(&w, EV_READ, "0123456789", 10, 30, EV_F_FAULT);
	w.offset[EV_READ] += 40; /* records that found no room */
	wire_data(&w, EV_READ, "0123456789", 10, 15, EV_F_BUDGET);
	wire_data(&w, EV_READ, NULL, 0, 15, EV_F_PAUSED);
	assert_int_equal(g->count, 1);
	const struct entry *e = g->entries[0];
	assert_int_equal(e->lost_bytes, 60);
	assert_int_equal(e->truncated_bytes, 20);
	assert_int_equal(e->response_size, strlen(head) + 100);
	assert_int_equal(e->response_body.len, 20);
	assert_false(e->complete);
	assert_non_null(strstr(buf_cstr((struct buf *)&e->detail),
			       "\"gaps\":[{\"offset\":10,\"length\":60,\"why\":\"lost\"},"
			       "{\"offset\":80,\"length\":20,\"why\":\"truncated\"}]"));
	assert_int_equal(sessions_stats(g->sessions).lost_bytes, 60);
	assert_int_equal(sessions_stats(g->sessions).truncated_bytes, 20);
}

/* Records that contradict what came before are counted, and change nothing. */
static void test_contradictions(void **state)
{
	struct got *g = *state;
	struct wire w = wire(g, 5, 1, 1);

	wire_open(&w, "p", EV_LIB_OPENSSL, 1);
	wire_write(&w, GET);
	w.offset[EV_WRITE] = 3;
	wire_write(&w, "garbage");
	w.offset[EV_WRITE] = UINT64_MAX - 2;
	wire_write(&w, "garbage");
	wire_data(&w, EV_WRITE, "abc", 3, 2, 0);
	wire_data(&w, 3, "abc", 3, 3, 0);
	wire_read(&w, OK);
	assert_int_equal(g->count, 1);
	assert_true(g->entries[0]->complete);
	assert_int_equal(sessions_stats(g->sessions).bad_records, 4);
}

static void test_last_bytes_lost(void **state)
{
	struct got *g = *state;
	struct wire w = wire(g, 5, 1, 1);

	wire_open(&w, "p", EV_LIB_OPENSSL, 1);
	wire_write(&w, GET);
	w.offset[EV_READ] = 40; /* the whole answer found no room; CLOSE tells */
	wire_close(&w);
	assert_int_equal(g->count, 1);
	assert_int_equal(g->entries[0]->lost_bytes, 40);
	assert_false(g->entries[0]->complete);
	/* nothing but CLOSE ever came */
	w = wire(g, 5, 2, 1);
	w.offset[EV_READ] = 40;
	wire_close(&w);
	assert_int_equal(g->count, 1);
}

/* Without an EV_OPEN nothing says what came before the first record. */
static void test_joined(void **state)
{
	struct got *g = *state;
	struct wire w = wire(g, 5, 1, 1);

	wire_join(&w, "curl", EV_LIB_OPENSSL, 1);
	wire_read(&w, "tail of something\x01\n");
	wire_write(&w, GET);
	wire_read(&w, OK);
	assert_int_equal(g->count, 2);
	assert_string_equal(g->entries[0]->protocol, "tls");
	assert_int_equal(g->entries[0]->lost_bytes, 0);
	assert_non_null(strstr(g->entries[0]->reason, "joined mid-stream: 19 bytes"));
	assert_string_equal(g->entries[1]->protocol, "http");
	assert_true(g->entries[1]->complete);
	assert_int_equal(sessions_stats(g->sessions).lost_bytes, 0);
}

static void test_exit(void **state)
{
	struct got *g = *state;
	struct wire w[3];

	for (uint32_t i = 0; i < 3; i++) {
		w[i] = wire(g, i < 2 ? 5 : 6, i, 1);
		wire_open(&w[i], "p", EV_LIB_OPENSSL, 1);
		wire_write(&w[i], GET);
	}
	wire_exit(&w[0]);
	assert_int_equal(g->count, 2);
	assert_int_equal(sessions_stats(g->sessions).active, 1);
	wire_read(&w[2], OK);
	assert_true(g->entries[2]->complete);
	wire_exit(&w[0]);
	assert_int_equal(g->count, 3);
}

/* Exchanges that were told to their end. */
static size_t finished(const struct got *g)
{
	size_t n = 0;

	for (size_t i = 0; i < g->count; i++)
		n += !g->entries[i]->open;
	return n;
}

static void test_idle(void **state)
{
	struct got *g = *state;
	struct wire w = wire(g, 5, 1, 1);

	wire_open(&w, "p", EV_LIB_OPENSSL, 1);
	wire_write(&w, "\x01opaque");
	tick(g, 2000000000);
	assert_int_equal(finished(g), 0);
	tick(g, (LIMIT_SESSION_IDLE_SECONDS + 1) * 1000000000ULL);
	assert_int_equal(finished(g), 1);
	tick(g, (LIMIT_SESSION_IDLE_SECONDS + 9) * 1000000000ULL);
	assert_int_equal(finished(g), 1);
	wire_read(&w, "answer");
	wire_close(&w);
	assert_int_equal(finished(g), 2);
}

/* What Go writes is seen right before it is sent, and sending it may be what tells the socket. */
static void test_held(void **state)
{
	struct got *g = *state;
	struct wire w = wire(g, 5, 1, 1);

	wire_open(&w, "p", EV_LIB_GO, 1);
	wire_read(&w, GET);
	wire_write(&w, OK);
	assert_int_equal(g->count, 0);
	bind_weak(&w, 10);
	assert_int_equal(g->count, 1);
	assert_int_equal(g->entries[0]->src.port, 10);
	wire_read(&w, GET);
	wire_write(&w, OK);
	assert_int_equal(g->entries[1]->src.port, 10);
	wire_close(&w);
	w = wire(g, 6, 1, 1); /* no socket */
	wire_open(&w, "p", EV_LIB_GO, 1);
	for (size_t i = 2; i < 5; i++) {
		wire_write(&w, GET);
		wire_read(&w, OK);
		assert_int_equal(g->count, i);
		if (i == 2) /* else the next request lets it go */
			tick(g, 2000000000);
	}
	wire_close(&w);
	assert_int_equal(g->count, 5);
	for (size_t i = 2; i < 5; i++)
		assert_string_equal(g->entries[i]->bind, "unknown");
}

/* What goes on is told with each tick that is due, under one number, and then its end. */
static void test_alive(void **state)
{
	struct got *g = *state;
	struct wire w = wire(g, 5, 1, 1), v = wire(g, 5, 2, 1);

	wire_open(&w, "p", EV_LIB_OPENSSL, 1);
	wire_open(&v, "p", EV_LIB_OPENSSL, 1);
	wire_write(&w, GET);
	wire_write(&v, GET);
	tick(g, 250000000);
	assert_int_equal(g->count, 0);
	for (uint64_t ms = 500; ms <= 1500; ms += 250)
		tick(g, ms * 1000000);
	assert_int_equal(g->count, 2);
	assert_true(g->entries[0]->open && g->entries[1]->open);
	assert_string_equal(g->entries[0]->path, "/a");
	assert_int_equal(sessions_stats(g->sessions).entries, 0);
	wire_read(&w, OK);
	assert_int_equal(g->count, 3);
	const struct entry *first = g->entries[strcmp(g->entries[0]->connection, "5-1-1") != 0];
	assert_int_equal(g->entries[2]->live, first->live);
	assert_false(g->entries[2]->open);
	assert_int_not_equal(g->entries[0]->live, g->entries[1]->live);
	wire_exit(&w);
	assert_int_equal(g->count, 4);
	assert_false(g->entries[3]->open);
	assert_int_equal(sessions_stats(g->sessions).entries, 2);
}

/* What a program writes has left it when it called, what it reads it has when the call returns. */
static void test_times(void **state)
{
	struct got *g = *state;
	struct wire c = wire(g, 100, 1, 1), s = wire(g, 200, 2, 1);

	wire_open(&c, "curl", EV_LIB_OPENSSL, 1);
	wire_bind(&c, "10.0.0.4", 52144, "10.0.0.5", 443, EV_HOW_NESTED, EV_OPENED_LOCAL, true);
	wire_open(&s, "nginx", EV_LIB_OPENSSL, 1);
	c.begin = 1000000000, c.ktime = 3000000000; /* the request: called, returned 1 ms later */
	wire_write(&c, GET);
	s.begin = 1400000000, s.ktime = 1500000000; /* that a read waited does not count */
	wire_read(&s, GET);
	s.begin = 3500000000, s.ktime = 4000000000; /* returns after the client had it */
	wire_write(&s, OK);
	c.ktime = 3600000000;
	c.begin = 0;
	wire_read(&c, OK);
	assert_int_equal(g->count, 2);
	const struct entry *server = g->entries[0], *client = g->entries[1];
	assert_int_equal(client->elapsed_us, 2601000);
	assert_int_equal(server->elapsed_us, 3500000 - 1501000);
	assert_true(client->elapsed_us >= server->elapsed_us);
	const char *sent = "\"name\":\"request_end\",\"time_us\":4001000"; /* its last byte */
	assert_non_null(memmem(client->detail.data, client->detail.len, sent, strlen(sent)));
}

/* As many connections as are followed at once, past that they are counted; all end with EXIT. */
static void test_full(void **state)
{
	struct got *g = *state;
	struct wire w = wire(g, 5, 0, 1);

	for (w.conn = 1; w.conn <= LIMIT_SESSIONS + 10; w.conn++)
		wire_open(&w, "p", EV_LIB_OPENSSL, 1);
	assert_int_equal(sessions_stats(g->sessions).active, LIMIT_SESSIONS);
	assert_int_equal(sessions_stats(g->sessions).refused, 10);
	wire_write(&w, GET);
	assert_int_equal(sessions_stats(g->sessions).active, LIMIT_SESSIONS);
	wire_exit(&w);
	assert_int_equal(sessions_stats(g->sessions).active, 0);
	w.gen = 2;
	wire_open(&w, "p", EV_LIB_OPENSSL, 1);
	assert_int_equal(sessions_stats(g->sessions).active, 1);
}

/* A connection with nothing going on costs less than 1 KiB, its socket and dissector included. */
static void test_idle_memory(void **state)
{
#ifdef __SANITIZE_ADDRESS__
	(void)state;
	skip();
#else
	struct got *g = *state;
	struct wire w = wire(g, 5, 0, 1);
	const int n = 2000;

	size_t before = mallinfo2().uordblks;
	for (int i = 1; i <= n; i++) {
		w.conn = (uint64_t)i;
		memset(w.offset, 0, sizeof(w.offset));
		wire_open(&w, "p", EV_LIB_OPENSSL, 1);
		wire_bind(&w, "10.0.0.1", (uint16_t)i, "10.0.0.2", 443, EV_HOW_NESTED,
			  EV_OPENED_LOCAL, true);
		wire_write(&w, GET);
		wire_read(&w, OK);
		entry_free(g->entries[--g->count]);
	}
	assert_true((mallinfo2().uordblks - before) / (size_t)n < 1024);
#endif
}

/* Numbers are never given twice, even after more addresses than are remembered. */
static void test_many_addresses(void **state)
{
	struct got *g = *state;
	struct wire w = wire(g, 5, 1, 1);

	for (int round = 0; round < 2; round++) {
		for (w.conn = 1; w.conn <= LIMIT_REUSED_CONNS + 5; w.conn++) {
			w.gen++;
			memset(w.offset, 0, sizeof(w.offset));
			wire_open(&w, "p", EV_LIB_OPENSSL, 1);
			if (w.conn == 3) {
				wire_write(&w, GET);
				wire_read(&w, OK);
			}
			wire_close(&w);
		}
	}
	assert_int_equal(g->count, 2);
	assert_string_equal(g->entries[0]->connection, "5-3-1");
	assert_string_not_equal(g->entries[1]->connection, g->entries[0]->connection);
}

#define CASE(fn)  cmocka_unit_test_setup_teardown(fn, setup, teardown)
#define SPLIT(fn) cmocka_unit_test_setup_teardown(fn, setup_split, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SPLIT(test_both_ends),
		CASE(test_other_end_expires),
		SPLIT(test_other_namespace),
		CASE(test_unbound),
		CASE(test_bind_evidence),
		CASE(test_generations),
		CASE(test_gaps),
		CASE(test_contradictions),
		CASE(test_last_bytes_lost),
		CASE(test_joined),
		CASE(test_exit),
		CASE(test_idle),
		CASE(test_held),
		CASE(test_times),
		CASE(test_alive),
		CASE(test_full),
		CASE(test_idle_memory),
		CASE(test_many_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
