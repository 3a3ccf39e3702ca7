// SPDX-License-Identifier: GPL-2.0-or-later
#include "synthetic.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "entry.h"

/* splitmix64: the same for the same i, and no pattern that a B-tree could profit from */
static uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
	x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
	return x ^ (x >> 31);
}

static int status_of(uint64_t h)
{
	unsigned per_mille = (unsigned)(h % 1000);

	if (per_mille == 0)
		return 503;
	return per_mille < 50 ? 404 : per_mille < 100 ? 304 : per_mille < 150 ? 201 : 200;
}

static void put_detail(struct entry *e, uint64_t h, size_t body)
{
	buf_printf(&e->detail,
		   "{\"request\":{\"method\":\"%s\",\"target\":\"%s\",\"http_version\":\"1.1\","
		   "\"headers\":[[\"Host\",\"%s\"],[\"User-Agent\",\"bench/1.0\"],"
		   "[\"Accept\",\"application/json\"],[\"X-Request-Id\",\"%016" PRIx64 "\"]],"
		   "\"head_size\":180,\"body_size\":0,\"body_stored\":0},"
		   "\"response\":{\"status\":%d,\"reason\":\"%s\",\"http_version\":\"1.1\","
		   "\"headers\":[[\"Content-Type\",\"application/json\"],[\"Server\",\"bench\"],"
		   "[\"Content-Length\",\"%zu\"]],\"content_type\":\"application/json\","
		   "\"head_size\":120,\"body_size\":%zu,\"body_stored\":%zu},"
		   "\"tls_info\":{\"version\":\"1.3\",\"cipher\":\"TLS_AES_256_GCM_SHA384\"}}",
		   e->method, e->summary, e->host, h, e->status_code,
		   e->status_code < 400 ? "OK" : "Not OK", body, body, body);
}

static void put_body(struct entry *e, uint64_t h, size_t body)
{
	if (buf_reserve(&e->response_body, body + 32))
		return;
	while (e->response_body.len < body) {
		h = mix(h);
		buf_printf(&e->response_body, "{\"item\":\"%016" PRIx64 "\"},", h);
	}
	e->response_body.len = body;
}

static void put_ends(struct entry *e, uint64_t h)
{
	static const char *const processes[] = { "curl", "nginx", "python3", "node",
						 "ruby", "php",	  "java",    "go-service" };

	e->src.ip = entry_printf(e, "10.0.%u.%u", (unsigned)(h >> 8) % 4, (unsigned)h % 250 + 1);
	e->src.port = (uint16_t)(32768 + (h >> 16) % 28000);
	e->src.process = processes[(h >> 5) % 8];
	e->src.pid = (int32_t)(1000 + (h >> 5) % 8);
	e->dst.ip = entry_printf(e, "10.1.0.%u", (unsigned)(h >> 24) % 20 + 1);
	e->dst.port = 443;
	e->dst.name = e->host;
}

struct entry *synthetic_entry(uint64_t i, int64_t timestamp_us, size_t body)
{
	static const char *const methods[] = { "GET", "GET", "GET", "POST", "PUT", "DELETE" };
	struct entry *e = entry_new();
	uint64_t h = mix(i);

	if (!e)
		return NULL;
	e->timestamp_us = timestamp_us;
	e->protocol = i % 20 ? "http" : "tls";
	e->version = i % 20 ? "1.1" : "";
	e->lock = LOCK_OPEN;
	e->tls = e->complete = true;
	e->role = "client";
	e->library = "openssl";
	e->bind = "nested";
	e->host = entry_printf(e, "api%u.example.com", (unsigned)(h >> 24) % 20);
	put_ends(e, h);
	e->method = methods[h % 6];
	e->path = entry_printf(e, "/v1/items/%u", (unsigned)(h >> 40) % 100000);
	e->summary = e->path;
	e->status_code = status_of(h >> 7);
	e->status = entry_printf(e, "%d", e->status_code);
	e->elapsed_us = (int64_t)(h % 50000);
	e->request_size = 180;
	e->response_size = (int64_t)body + 120;
	e->connection = entry_printf(e, "%d-7f%010" PRIx64 "-1", e->src.pid, mix(i / 10) >> 24);
	e->node = "host1";
	put_detail(e, h, body);
	put_body(e, h, body);
	return e;
}
