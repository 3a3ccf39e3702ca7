// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The API over a store of made-up entries, for tests/unit/test_api.py. Commands come on standard
 * input, one a line; each is answered with a line: "append N", "rate N" (entries a second from now
 * on), "begin N" (exchanges that go on), "grow N" and "finish N" (tell the first N of these again),
 * "both" and "split" (from now on entries are of
 * both ends of an exchange, or two of each), "huge N" (bytes of the answers 4, 14, ...),
 * "cpu" (µs used so far), "clock T STEP" (the next entry begins at T, each further one STEP µs
 * later), "quit".
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>
#include <zlib.h>

#include "api/api.h"
#include "api/server_stats.h"
#include "base/buf.h"
#include "entry.h"
#include "base/limits.h"
#include "base/log.h"
#include "store/store.h"

#define BATCH_MS   50
#define LIVING_MAX 4096

/* An exchange that goes on. */
struct living {
	uint64_t n, told;
	int64_t timestamp_us;
};

struct server {
	struct store *store;
	struct api *api;
	uint64_t made;
	int64_t clock_us, step_us; /* 0: the time it is */
	bool paused, broken, unready;
	bool small;	  /* bodies */
	bool both, split; /* entries are of both ends; each exchange is two entries */
	size_t huge;	  /* bytes of the answers that miss some */
	struct living living[LIVING_MAX];
	size_t lives;
};

static int each_target(void *ctx, probed_file_fn *fn, void *fn_ctx)
{
	static const struct probed_process processes[] = {
		{ .pid = 4242, .name = "curl-7.88", .exe = "/usr/bin/curl", .container = "" },
		{ .pid = 99, .name = "idle", .exe = "/usr/bin/idle", .container = "" },
	};
	static const struct probed_file file = {
		.id = 1,
		.points = 3,
		.attached = true,
		.hits = 9,
		.path = "/usr/lib/libssl.so.3",
		.library = "openssl",
		.version = "OpenSSL 3.0.15",
		.plan = "",
		.reason = "",
		.state = "attached",
		.processes = processes,
		.process_count = 2,
	};

	(void)ctx;
	return fn(fn_ctx, &file);
}

static void take_stats(void *ctx, struct server_stats *ret)
{
	const struct server *s = ctx;

	ret->ready = !s->unready;
	ret->paused = s->paused;
	ret->kernel[EV_C_RING_FULL] = 3;
	ret->kernel[EV_C_CALLS] = 5;
	ret->sessions.lost_bytes = 77;
}

static int set_paused(void *ctx, bool paused)
{
	struct server *s = ctx;

	if (s->broken)
		return -EPIPE;
	s->paused = paused;
	return 0;
}

static void put_gzip(struct buf *out, const void *data, size_t len)
{
	z_stream z = { .next_in = (Bytef *)data, .avail_in = (uInt)len };

	if (deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) ||
	    buf_reserve(out, deflateBound(&z, len)))
		abort();
	z.next_out = (Bytef *)out->data;
	z.avail_out = (uInt)out->cap;
	deflate(&z, Z_FINISH);
	out->len = z.total_out;
	deflateEnd(&z);
}

static void set_ends(struct entry *e, uint64_t n)
{
	bool v6 = n % 10 == 6 || n % 10 == 7;

	e->src.process = "curl";
	e->src.pid = 4242;
	e->connection = entry_printf(e, "4242-7f3a10-%" PRIu64, n / 2);
	e->bind = n % 20 / 2 == 9 ? "unknown" : "nested";
	if (n % 20 / 2 == 9)
		return;
	e->src.ip = v6 ? "2001:db8::1" : "127.0.0.1";
	e->src.port = (uint16_t)(40000 + n / 2 % 20000);
	e->dst.ip = v6 ? "2001:db8::5" : "192.0.2.7";
	e->dst.port = 443;
	e->dst.name = "example.net";
}

static void set_bodies(struct entry *e, uint64_t n, bool small)
{
	static const char html[] = "<html><script>alert(1)</script></html>";
	struct buf large = { 0 };

	if (n % 3 == 0)
		buf_puts(&e->request_body, "{\"name\":\"value\"}");
	if (n == 13 && !small) { /* a bomb */
		buf_reserve(&large, LIMIT_BODY_DECODED + 1000);
		memset(large.data, 0, LIMIT_BODY_DECODED + 1000);
		put_gzip(&e->response_body, large.data, LIMIT_BODY_DECODED + 1000);
	} else if (n == 56) { /* paths with many ".." lead through it in many ways */
		for (unsigned i = 0; i < 200; i++)
			buf_puts(&e->response_body, "{\"a\":");
		buf_puts(&e->response_body, "\"deep\"");
		for (unsigned i = 0; i < 200; i++)
			buf_puts(&e->response_body, "}");
	} else if (n == 53) { /* no gzip, whatever it says */
		buf_puts(&e->response_body, "\x1f\x8b is no gzip");
	} else if (n % 10 == 3) {
		put_gzip(&e->response_body, html, sizeof(html) - 1);
	} else if (n % 10 == 2) {
		buf_put(&e->response_body, "\x89PNG\0\xff", 6);
	} else if (n % 10 == 0 && !small) {
		for (unsigned i = 0; i < 20000; i++)
			buf_printf(&e->response_body, "%u\n", i);
	} else if (n % 10 != 8) {
		buf_put(&e->response_body, html, sizeof(html) - 1);
	}
	buf_free(&large);
}

/* Make it so long. */
static void fill_body(struct buf *b, size_t size)
{
	while (b->len < size)
		buf_printf(b, "<p>%zu</p>\n", b->len);
}

/* How the response is framed: by close, chunked, or by length; the fourth misses 100000 bytes. */
static void put_response(struct entry *e, uint64_t n)
{
	struct buf *b = &e->detail;
	size_t stored = e->response_body.len, size = stored + (n % 10 == 4 ? 100000 : 0);

	buf_printf(b,
		   ",\"response\":{\"status\":%d,\"reason\":\"Reason\",\"http_version\":\"1.1\","
		   "\"headers\":[[\"Content-Type\",\"text/html\"]",
		   e->status_code);
	if (n % 10 == 2)
		buf_puts(b, ",[\"Transfer-Encoding\",\"chunked\"]");
	else if (n % 10 != 1)
		buf_printf(b, ",[\"Content-Length\",\"%zu\"]", size);
	if (n % 10 == 3)
		buf_puts(b, ",[\"Content-Encoding\",\"gzip\"]],\"content_encoding\":\"gzip\"");
	else
		buf_putc(b, ']');
	if (n % 10 == 4)
		buf_printf(b,
			   ",\"gaps\":[{\"offset\":%zu,\"length\":100000,\"why\":\"truncated\"}]",
			   stored);
	buf_printf(b,
		   ",\"content_type\":\"text/html\",\"head_size\":50,\"body_size\":%zu,"
		   "\"body_stored\":%zu}",
		   size, stored);
}

static void put_detail(struct entry *e, uint64_t n)
{
	struct buf *b = &e->detail;
	int64_t t = e->timestamp_us;

	buf_printf(b,
		   "{\"request\":{\"method\":\"%s\",\"target\":\"/item/%" PRIu64 "?a=1&b=%%20\","
		   "\"http_version\":\"1.1\",\"headers\":[[\"Host\",\"example.net\"],[\"Cookie\","
		   "\"s=1\"],[\"Content-Length\",\"%zu\"]],\"cookies\":[[\"s\",\"1\"]],\"query\":"
		   "[[\"a\",\"1\"],[\"b\",\" \"]],\"head_size\":60,\"body_size\":%zu,"
		   "\"body_stored\":%zu}",
		   e->method, n, e->request_body.len, e->request_body.len, e->request_body.len);
	if (n % 10 != 8)
		put_response(e, n);
	buf_printf(b,
		   ",\"tls_info\":{\"version\":\"TLSv1.3\"},\"events\":["
		   "{\"name\":\"request_start\",\"time_us\":%" PRId64 "},"
		   "{\"name\":\"request_end\",\"time_us\":%" PRId64 "},"
		   "{\"name\":\"response_start\",\"time_us\":%" PRId64 "},"
		   "{\"name\":\"response_end\",\"time_us\":%" PRId64 "}]}",
		   t, t + 10, t + 200, t + 200 + e->elapsed_us);
}

/* What is opaque has bytes alone. */
static void put_opaque(struct entry *e)
{
	buf_puts(&e->request_body, "PING\r\n");
	buf_puts(&e->response_body, "+PONG\r\n");
	buf_puts(&e->detail, "{\"request\":{\"body_size\":6,\"body_stored\":6},"
			     "\"response\":{\"body_size\":7,\"body_stored\":7}}");
}

/* Entry 46 has a value in every field that an entry can have. */
static void set_all(struct entry *e)
{
	static const char request[] =
		"{\"user\":{\"name\":\"Ann\",\"key\":\"K3Y\"},\"list\":"
		"[{\"key\":\"one\"},{\"key\":\"two\",\"x\":[7,{\"key\":8}]}]}";
	static const char answer[] = "{\"token\":\"T0KEN\",\"rest\":\"plain\"}";

	e->src.name = "src.example";
	e->src.container = "c0ffee";
	e->dst.process = "nginx";
	e->dst.pid = 777;
	e->dst.container = "decaf";
	e->goroutine = 1717;
	e->lost_bytes = 41;
	e->truncated_bytes = 43;
	e->elapsed_us = 123457;
	e->server_elapsed_us = 123101;
	e->ends = "both";
	e->reason = "a reason";
	buf_reset(&e->request_body);
	buf_reset(&e->response_body);
	buf_reset(&e->detail);
	buf_put(&e->request_body, request, sizeof(request) - 1);
	put_gzip(&e->response_body, answer, sizeof(answer) - 1);
	buf_printf(&e->detail,
		   "{\"request\":{\"method\":\"GET\",\"target\":\"/item/46?a=1&b=%%20\","
		   "\"http_version\":\"1.1\",\"headers\":[[\"Host\",\"example.net\"],[\"Cookie\","
		   "\"s=c00kie\"],[\"X-Key\",\"headerkey\"],[\"Content-Length\",\"%zu\"]],"
		   "\"cookies\":[[\"s\",\"c00kie\"]],\"query\":[[\"a\",\"1\"],[\"b\",\" \"]],"
		   "\"head_size\":6061,\"body_size\":%zu,\"body_stored\":%zu}",
		   e->request_body.len, e->request_body.len, e->request_body.len);
	buf_printf(&e->detail,
		   ",\"response\":{\"status\":200,\"reason\":\"Why\",\"http_version\":\"1.1\","
		   "\"headers\":[[\"Set-Cookie\",\"t=biscuit\"],[\"Content-Encoding\",\"gzip\"],"
		   "[\"Content-Length\",\"%zu\"]],\"cookies\":[[\"t\",\"biscuit\"]],"
		   "\"content_type\":\"application/json\",\"content_encoding\":\"gzip\","
		   "\"head_size\":6263,\"body_size\":%zu,\"body_stored\":%zu}",
		   e->response_body.len, e->response_body.len, e->response_body.len);
	buf_printf(&e->detail,
		   ",\"tls_info\":{\"version\":\"TLSv1.3\",\"sni\":\"sni.example\",\"cipher\":"
		   "\"TLS_CIPHER\",\"alpn\":\"alpn\",\"ja3\":\"ja3ja3\",\"ja4\":\"ja4ja4\","
		   "\"cipher_suites\":[\"RC4\"]},\"events\":[{\"name\":\"request_start\","
		   "\"time_us\":%" PRId64 "}]}",
		   e->timestamp_us);
}

/* The last digit of n tells the kind, so that the scripts know what to expect of an id. */
static struct entry *make_entry(const struct server *s, uint64_t n, int64_t timestamp_us)
{
	bool http = n % 10 != 9;
	struct entry *e = entry_new();

	e->timestamp_us = timestamp_us;
	e->protocol = http ? "http" : "tls";
	e->version = http ? "1.1" : "";
	e->lock = LOCK_OPEN;
	e->tls = true;
	e->complete = n % 10 != 8;
	e->reason = e->complete ? "" : "no answer was seen";
	e->role = "client";
	e->library = "openssl";
	set_ends(e, n);
	e->node = "host1";
	e->elapsed_us = (int64_t)(n % 1000) * 10;
	e->request_size = 100;
	e->response_size = 1000;
	if (!http) {
		put_opaque(e);
		return e;
	}
	e->method = n % 3 ? "GET" : "POST";
	e->path = entry_printf(e, "/item/%" PRIu64, n);
	e->summary = e->path;
	e->query_string = "a=1&b=%20";
	e->host = "example.net";
	e->status_code = n % 10 == 8 ? 0 : n % 10 == 5 ? 500 : n % 10 == 4 ? 404 : 200;
	e->status = e->status_code ? entry_printf(e, "%d", e->status_code) : "";
	set_bodies(e, n, s->small);
	if (n % 10 == 4)
		fill_body(&e->response_body, s->huge);
	put_detail(e, n);
	if (n == 46)
		set_all(e);
	return e;
}

static int64_t next_time(struct server *s)
{
	struct timespec t;
	int64_t us = s->clock_us;

	clock_gettime(CLOCK_REALTIME, &t);
	s->clock_us += s->step_us;
	return us ? us : (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int store_batch(struct server *s, struct entry **batch, size_t n)
{
	int r = store_append(s->store, batch, n);

	if (!r)
		api_publish(s->api, batch, n);
	for (size_t i = 0; i < n; i++)
		entry_free(batch[i]);
	return r;
}

/* As --split-ends shows the other end: another connection, its own sizes of what was lost. */
static void see_as_server(struct entry *e)
{
	e->role = e->ends = "server";
	e->timestamp_us += 20;
	e->connection = entry_printf(e, "777-%s", e->connection + 5);
}

static int append(struct server *s, uint64_t count)
{
	struct entry *batch[LIMIT_BATCH];
	int r = 0;

	while (!r && count) {
		size_t n = count < LIMIT_BATCH ? count : LIMIT_BATCH;
		for (size_t i = 0; i < n; i++) {
			uint64_t number = s->made += !s->split || i % 2 == 0;
			batch[i] = make_entry(s, number, next_time(s));
			if (s->both)
				batch[i]->ends = "both";
			if (s->split && i % 2)
				see_as_server(batch[i]);
		}
		r = store_batch(s, batch, n);
		count -= n;
	}
	return r;
}

/* A version of one that lives: while it is open, its answer is on the way and grows. */
static struct entry *make_version(const struct server *s, const struct living *l, bool open)
{
	struct entry *e = make_entry(s, l->n, l->timestamp_us);

	e->live = l->n;
	e->open = open;
	if (!open)
		return e;
	e->complete = false;
	e->reason = "";
	e->status = "";
	e->status_code = 0;
	e->response_size = (int64_t)l->told;
	buf_reset(&e->response_body);
	return e;
}

/* Tell the first `count` that live again; open: they go on. */
static int tell_again(struct server *s, size_t count, bool open)
{
	struct entry *batch[LIMIT_BATCH];
	size_t n = count < s->lives ? count : s->lives;

	n = n < LIMIT_BATCH ? n : LIMIT_BATCH;
	for (size_t i = 0; i < n; i++) {
		s->living[i].told++;
		batch[i] = make_version(s, &s->living[i], open);
	}
	if (!open) {
		s->lives -= n;
		memmove(s->living, s->living + n, s->lives * sizeof(*s->living));
	}
	return store_batch(s, batch, n);
}

static int begin(struct server *s, size_t count)
{
	struct entry *batch[LIMIT_BATCH];
	size_t n = 0;

	for (; n < count && n < LIMIT_BATCH && s->lives < LIVING_MAX; n++) {
		struct living *l = &s->living[s->lives++];
		*l = (struct living){ .n = ++s->made, .timestamp_us = next_time(s) };
		batch[n] = make_version(s, l, true);
	}
	return store_batch(s, batch, n);
}

static int64_t cpu_us(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (int64_t)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 + u.ru_utime.tv_usec +
	       u.ru_stime.tv_usec;
}

/* false: quit. */
static bool command(struct server *s, char *line, uint64_t *rate)
{
	if (!strncmp(line, "append ", 7))
		printf("%s\n", append(s, strtoull(line + 7, NULL, 10)) ? "failed" : "ok");
	else if (!strncmp(line, "begin ", 6))
		printf("%s\n", begin(s, strtoull(line + 6, NULL, 10)) ? "failed" : "ok");
	else if (!strncmp(line, "grow ", 5))
		printf("%s\n", tell_again(s, strtoull(line + 5, NULL, 10), true) ? "failed" : "ok");
	else if (!strncmp(line, "finish ", 7))
		printf("%s\n",
		       tell_again(s, strtoull(line + 7, NULL, 10), false) ? "failed" : "ok");
	else if (!strncmp(line, "rate ", 5))
		printf("ok %" PRIu64 "\n", *rate = strtoull(line + 5, NULL, 10));
	else if (!strcmp(line, "both"))
		printf("ok %d\n", s->both = !s->both);
	else if (!strcmp(line, "split"))
		printf("ok %d\n", s->split = !s->split);
	else if (!strncmp(line, "huge ", 5))
		printf("ok %zu\n", s->huge = strtoull(line + 5, NULL, 10));
	else if (!strcmp(line, "cpu"))
		printf("%" PRId64 "\n", cpu_us());
	else if (!strcmp(line, "made"))
		printf("%" PRIu64 "\n", s->made);
	else if (sscanf(line, "clock %" SCNd64 " %" SCNd64, &s->clock_us, &s->step_us) == 2)
		printf("ok\n");
	else if (!strcmp(line, "break"))
		printf("ok %d\n", s->broken = !s->broken);
	else if (!strcmp(line, "unready"))
		printf("ok %d\n", s->unready = !s->unready);
	else
		return false;
	return true;
}

static int64_t now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static void serve(struct server *s)
{
	struct pollfd p = { .fd = STDIN_FILENO, .events = POLLIN };
	uint64_t rate = 0, owed = 0; /* owed: in millionths of an entry */
	int64_t last = now_us();
	char line[128];

	for (bool go = true; go;) {
		int n = poll(&p, 1, rate ? BATCH_MS : -1);
		int64_t now = now_us();
		owed += rate * (uint64_t)(now - last);
		last = now;
		if (rate && owed >= 1000000)
			append(s, owed / 1000000);
		owed %= 1000000;
		if (n > 0) {
			if (!fgets(line, sizeof(line), stdin))
				return;
			line[strcspn(line, "\n")] = '\0';
			go = command(s, line, &rate);
			fflush(stdout);
		}
	}
}

int main(int argc, char **argv)
{
	static struct server s;
	struct store_options so = { .readers = LIMIT_API_WORKERS + 1 };
	struct api_options o = { .listen = "127.0.0.1:0", .token = "secret-token", .version = "0" };
	const struct api_source source = { &s, take_stats, each_target, set_paused };
	char error[256] = "";
	int opt;

	while ((opt = getopt(argc, argv, "s:l:u:c:k:h:m:vb")) != -1) {
		if (opt == 's')
			so.uri = optarg;
		else if (opt == 'l')
			o.listen = optarg;
		else if (opt == 'u')
			o.unix_socket = optarg;
		else if (opt == 'c')
			o.tls_cert = optarg;
		else if (opt == 'k')
			o.tls_key = optarg;
		else if (opt == 'b')
			s.small = true;
		else if (opt == 'm')
			so.max_size = strtoull(optarg, NULL, 10);
		else if (opt == 'h')
			o.hosts = optarg;
		else
			log_set_level(LOG_LEVEL_DEBUG);
	}
	setvbuf(stdin, NULL, _IONBF, 0);
	if (store_open(&so, getuid(), getgid(), &s.store, error, sizeof(error)) ||
	    api_start(&o, &source, s.store, &s.api, error, sizeof(error))) {
		printf("# %s\n", error);
		store_close(s.store);
		return 1;
	}
	printf("%u\n", api_port(s.api));
	fflush(stdout);
	serve(&s);
	api_stop(s.api);
	store_close(s.store);
	return 0;
}
