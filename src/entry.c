// SPDX-License-Identifier: GPL-2.0-or-later
#include "entry.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/utf8.h"

#define ENTRY_BLOCK_SIZE 1024
#define ENTRY_PRINTF_MAX 512

struct entry_block {
	struct entry_block *next;
	size_t used, size;
	char data[];
};

static const struct endpoint no_endpoint = {
	.ip = "",
	.name = "",
	.process = "",
	.container = "",
	.pod = "",
	.namespace = "",
	.service = "",
};

static const struct entry empty = {
	.elapsed_us = -1,
	.server_elapsed_us = -1,
	.ends = "",
	.protocol = "",
	.version = "",
	.role = "unknown",
	.library = "",
	.bind = "unknown",
	.method = "",
	.summary = "",
	.status = "",
	.reason = "",
	.connection = "",
	.node = "",
	.host = "",
	.path = "",
	.query_string = "",
	.tls_version = "",
	.tls_cipher = "",
	.tls_sni = "",
	.tls_alpn = "",
	.ja3 = "",
	.ja4 = "",
	.grpc_method = "",
	.grpc_status = "",
	.redis_command = "",
	.redis_key = "",
	.redis_type = "",
};

struct entry *entry_new(void)
{
	struct entry *e = malloc(sizeof(*e));

	if (!e)
		return NULL;
	*e = empty;
	e->src = e->dst = no_endpoint;
	return e;
}

void entry_free(struct entry *e)
{
	if (!e)
		return;
	for (struct entry_block *b = e->blocks, *next; b; b = next) {
		next = b->next;
		free(b);
	}
	buf_free(&e->detail);
	buf_free(&e->request_body);
	buf_free(&e->response_body);
	free(e);
}

void entry_drop_bodies(struct entry *e, const char *reason)
{
	e->truncated_bytes += (int64_t)(e->request_body.len + e->response_body.len);
	e->complete = false;
	e->reason = reason;
	buf_free(&e->request_body);
	buf_free(&e->response_body);
}

size_t entry_bytes(const struct entry *e)
{
	size_t n = sizeof(*e) + e->detail.cap + e->request_body.cap + e->response_body.cap;

	for (const struct entry_block *b = e->blocks; b; b = b->next)
		n += sizeof(*b) + b->size;
	return n;
}

static char *entry_alloc(struct entry *e, size_t n)
{
	struct entry_block *b = e->blocks;

	if (!b || b->size - b->used < n) {
		size_t size = n > ENTRY_BLOCK_SIZE ? n : ENTRY_BLOCK_SIZE;
		b = malloc(sizeof(*b) + size);
		if (!b)
			return NULL;
		*b = (struct entry_block){ .next = e->blocks, .size = size };
		e->blocks = b;
	}
	b->used += n;
	return b->data + b->used - n;
}

/* Copy text with bytes that are no text replaced; the length of the copy. out NULL only counts. */
static size_t clean_copy(char *out, const unsigned char *p, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len;) {
		size_t u = p[i] ? utf8_length(p + i, len - i) : 0;
		if (out)
			memcpy(out + n, u ? (const char *)p + i : "\xef\xbf\xbd", u ? u : 3);
		n += u ? u : 3;
		i += u ? u : 1;
	}
	return n;
}

/* ASCII without NULs needs no cleaning. */
static bool is_plain(const unsigned char *p, size_t len)
{
	unsigned bad = 0;

	for (size_t i = 0; i < len; i++)
		bad |= (p[i] & 0x80) | !p[i];
	return !bad;
}

const char *entry_text(struct entry *e, const void *text, size_t len)
{
	if (!len)
		return "";
	bool plain = is_plain(text, len);
	size_t n = plain ? len : clean_copy(NULL, text, len);
	char *out = entry_alloc(e, n + 1);
	if (!out)
		return "";
	if (plain)
		memcpy(out, text, len);
	else
		clean_copy(out, text, len);
	out[n] = '\0';
	return out;
}

const char *entry_printf(struct entry *e, const char *fmt, ...)
{
	char text[ENTRY_PRINTF_MAX];
	va_list ap;

	va_start(ap, fmt);
	int n = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (n < 0)
		return "";
	return entry_text(e, text, n < ENTRY_PRINTF_MAX ? (size_t)n : ENTRY_PRINTF_MAX - 1);
}

void entry_format_time(int64_t us, char out[static 28])
{
	time_t s = (time_t)(us / 1000000);
	struct tm tm;

	gmtime_r(&s, &tm);
	strftime(out, 20, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + 19, 9, ".%06uZ", (unsigned)(us % 1000000) % 1000000);
}

int entry_put_endpoint(struct buf *out, const char *name, const struct endpoint *p)
{
	const char *const fields[][2] = {
		{ "name", p->name }, { "process", p->process },	    { "container", p->container },
		{ "pod", p->pod },   { "namespace", p->namespace }, { "service", p->service },
	};
	int r = buf_printf(out, ",\"%s\":{\"port\":%u,\"pid\":%" PRId32, name, p->port, p->pid);

	r = r ? r : buf_put_member(out, "ip", p->ip);
	for (size_t i = 0; !r && i < sizeof(fields) / sizeof(*fields); i++)
		r = buf_put_member(out, fields[i][0], fields[i][1]);
	return r ? r : buf_putc(out, '}');
}

int entry_put_json(const struct entry *e, struct buf *out)
{
	static const char *const lock_name[] = { "none", "open", "closed" };
	const char *const texts[][2] = {
		{ "protocol", e->protocol },
		{ "version", e->version },
		{ "lock", lock_name[e->lock] },
		{ "role", e->role },
		{ "library", e->library },
		{ "bind", e->bind },
		{ "method", e->method },
		{ "summary", e->summary },
		{ "status", e->status },
		{ "reason", e->reason },
		{ "connection", e->connection },
		{ "node", e->node },
		{ "host", e->host },
		{ "ends", e->ends },
	};
	char time[28];

	entry_format_time(e->timestamp_us, time);
	int r = buf_printf(out, "{\"id\":%" PRId64 ",\"timestamp\":\"%s\",\"tls\":%s", e->id, time,
			   e->tls ? "true" : "false");
	for (size_t i = 0; !r && i < sizeof(texts) / sizeof(*texts); i++)
		r = buf_put_member(out, texts[i][0], texts[i][1]);
	r = r ? r : entry_put_endpoint(out, "src", &e->src);
	r = r ? r : entry_put_endpoint(out, "dst", &e->dst);
	r = r ? r : buf_printf(out, ",\"status_code\":%" PRId32 ",\"elapsed_us\":", e->status_code);
	r = r			? r
	    : e->elapsed_us < 0 ? buf_puts(out, "null")
				: buf_printf(out, "%" PRId64, e->elapsed_us);
	r = r ? r : buf_puts(out, ",\"server_elapsed_us\":");
	r = r			       ? r
	    : e->server_elapsed_us < 0 ? buf_puts(out, "null")
				       : buf_printf(out, "%" PRId64, e->server_elapsed_us);
	r = r ? r : buf_printf(out, ",\"open\":%s", e->open ? "true" : "false");
	r = r ? r
	      : buf_printf(out,
			   ",\"request_size\":%" PRId64 ",\"response_size\":%" PRId64
			   ",\"complete\":%s,\"lost_bytes\":%" PRId64
			   ",\"truncated_bytes\":%" PRId64,
			   e->request_size, e->response_size, e->complete ? "true" : "false",
			   e->lost_bytes, e->truncated_bytes);
	if (!r && e->goroutine)
		r = buf_printf(out, ",\"goroutine\":%" PRId64, e->goroutine);
	return r ? r : buf_putc(out, '}');
}
