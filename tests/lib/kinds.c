// SPDX-License-Identifier: GPL-2.0-or-later
#include "kinds.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "base/buf.h"
#include "base/limits.h"
#include "entry.h"

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

	e->graphql_operation = "query GetItem";
	e->src.name = "src.example";
	e->src.container = "c0ffee";
	e->dst.process = "nginx";
	e->dst.pid = 777;
	e->dst.container = "decaf";
	e->src.netns = 4026531840;
	e->dst.netns = 4026532001;
	e->goroutine = 1717;
	e->tls_version = "TLSv1.3";
	e->tls_sni = "sni.example";
	e->tls_cipher = "TLS_CIPHER";
	e->tls_alpn = "alpn";
	e->ja3 = "ja3ja3";
	e->ja4 = "ja4ja4";
	e->packets = 40;
	e->tls_subject = "CN=sub.ject";
	e->tls_not_after = "2031-01-02T03:04:05Z";
	e->tls_weak = "RC9";
	e->failed = true;
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
	buf_printf(
		&e->detail,
		"{\"request\":{\"method\":\"GET\",\"target\":\"/item/46?a=1&b=%%20\","
		"\"http_version\":\"1.1\",\"headers\":[[\"Host\",\"example.net\"],[\"Cookie\","
		"\"s=c00kie\"],[\"X-Key\",\"headerkey\"],[\"Content-Length\",\"%zu\"]],"
		"\"dn\":\"dc=named\",\"filter\":\"(uid=filtered)\",\"topic\":\"on/topic\","
		"\"from\":\"mail@from\",\"to\":\"mail@to\",\"subject\":\"mail-subject\","
		"\"exchange\":\"ex-change\",\"routing_key\":\"routing-key\",\"queue\":\"que-ue\","
		"\"database\":\"data-base\",\"collection\":\"coll-ection\",\"records\":27187,"
		"\"client_id\":\"client-id\",\"qos\":27183,\"key\":\"first:key\","
		"\"cookies\":[[\"s\",\"c00kie\"]],\"query\":[[\"a\",\"1\"],[\"b\",\" \"]],"
		"\"head_size\":6061,\"body_size\":%zu,\"body_stored\":%zu}",
		e->request_body.len, e->request_body.len, e->request_body.len);
	buf_printf(&e->detail,
		   ",\"response\":{\"rows\":27185,\"affected_rows\":27189,\"insert_id\":27191,"
		   "\"warnings\":27193,\"code\":27195,\"sqlstate\":\"42P99\","
		   "\"status\":200,\"reason\":\"Why\",\"http_version\":\"1.1\","
		   "\"headers\":[[\"Set-Cookie\",\"t=biscuit\"],[\"Content-Encoding\",\"gzip\"],"
		   "[\"Content-Length\",\"%zu\"]],\"cookies\":[[\"t\",\"biscuit\"]],"
		   "\"content_type\":\"application/json\",\"content_encoding\":\"gzip\","
		   "\"head_size\":6263,\"body_size\":%zu,\"body_stored\":%zu}",
		   e->response_body.len, e->response_body.len, e->response_body.len);
	buf_printf(&e->detail,
		   ",\"tls_info\":{\"version\":\"TLSv1.3\",\"sni\":\"sni.example\",\"cipher\":"
		   "\"TLS_CIPHER\",\"alpn\":\"alpn\",\"ja3\":\"ja3ja3\",\"ja4\":\"ja4ja4\","
		   "\"ja3s\":\"ja3sja3s\",\"subject\":\"CN=sub.ject\",\"not_after\":"
		   "\"2031-01-02T03:04:05Z\",\"certificate\":{\"subject\":\"CN=sub.ject\"},"
		   "\"weak\":[\"RC9\"],\"group\":\"grou.p\",\"groups\":[\"group.s\"],"
		   "\"signatures\":[\"signature.s\"],\"extensions\":[\"extension.s\"],"
		   "\"alpn_offered\":[\"alpn.offered\"],"
		   "\"cipher_suites\":[\"RC4\"]},\"events\":[{\"name\":\"request_start\","
		   "\"time_us\":%" PRId64
		   "}],\"messages\":[{\"from\":\"server\",\"time_us\":%" PRId64
		   ",\"size\":9,\"kind\":\"text\",\"name\":\"7\",\"text\":\"said thrice\"}],"
		   "\"messages_total\":31415,\"messages_omitted\":31414}",
		   e->timestamp_us, e->timestamp_us);
}

struct entry *kind_entry(uint64_t n, int64_t timestamp_us, bool small, size_t huge)
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
	set_bodies(e, n, small);
	for (struct buf *b = &e->response_body; n % 10 == 4 && b->len < huge;)
		buf_printf(b, "<p>%zu</p>\n", b->len);
	put_detail(e, n);
	if (n == 46)
		set_all(e);
	return e;
}
