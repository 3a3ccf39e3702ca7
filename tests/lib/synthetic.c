// SPDX-License-Identifier: GPL-2.0-or-later
#include "synthetic.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "entry.h"
#include "fields.h"

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

static int set_bytes(struct buf *out, const json_t *v)
{
	const char *hex = json_string_value(json_object_get(v, "hex"));
	unsigned byte;
	int r = 0;

	buf_reset(out);
	if (json_is_string(v))
		return buf_put(out, json_string_value(v), json_string_length(v));
	if (!hex)
		return -EINVAL;
	for (; !r && sscanf(hex, "%2x", &byte) == 1; hex += 2)
		r = buf_putc(out, (char)byte);
	return r;
}

static int set_detail(struct buf *out, const json_t *v)
{
	char *text = json_is_object(v) ? json_dumps(v, JSON_COMPACT) : NULL;
	int r = -EINVAL;

	buf_reset(out);
	if (text)
		r = buf_puts(out, text);
	free(text);
	return r;
}

static int set_text(struct entry *e, void *at, const json_t *v)
{
	if (!json_is_string(v))
		return -EINVAL;
	*(const char **)at = entry_text(e, json_string_value(v), json_string_length(v));
	return 0;
}

static int set_number(const struct field *f, void *at, const json_t *v)
{
	int64_t n = json_is_boolean(v) ? json_is_true(v) : json_integer_value(v);

	if (!json_is_integer(v) && !json_is_boolean(v))
		return -EINVAL;
	if (f->kind == FIELD_IS_BOOL)
		*(bool *)at = n;
	else if (f->kind == FIELD_IS_LOCK)
		*(enum lock *)at = (enum lock)n;
	else if (f->kind == FIELD_IS_U16)
		*(uint16_t *)at = (uint16_t)n;
	else if (f->kind == FIELD_IS_I32)
		*(int32_t *)at = (int32_t)n;
	else
		*(int64_t *)at = n;
	return 0;
}

static int set_field(struct entry *e, const char *name, const json_t *v)
{
	const struct field *f = field_of_column(name);
	void *at = (char *)e + (f ? f->offset : 0);

	if (!strcmp(name, "detail"))
		return set_detail(&e->detail, v);
	if (!strcmp(name, "request_body"))
		return set_bytes(&e->request_body, v);
	if (!strcmp(name, "response_body"))
		return set_bytes(&e->response_body, v);
	if (!strcmp(name, "live")) {
		e->live = (uint64_t)json_integer_value(v);
		return 0;
	}
	if (!f || f->kind == FIELD_IS_OTHER)
		return -EINVAL;
	if (f->kind == FIELD_IS_TEXT || f->kind == FIELD_IS_WORD || f->kind == FIELD_IS_PAIRS)
		return set_text(e, at, v);
	return set_number(f, at, v);
}

int synthetic_set(struct entry *e, const json_t *fields, const char **ret_name)
{
	const char *name;
	json_t *v;
	int r = 0;

	json_object_foreach((json_t *)fields, name, v)
	{
		r = set_field(e, name, v);
		*ret_name = r ? name : *ret_name;
		if (r)
			break;
	}
	return r;
}
