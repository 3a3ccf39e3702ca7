// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/export/stored.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/writer.h"
#include "entry.h"

static int64_t time_of(const json_t *detail, const char *name)
{
	const json_t *events = json_object_get(detail, "events"), *event;
	size_t i;

	json_array_foreach(events, i, event)
	{
		const char *n = json_string_value(json_object_get(event, "name"));
		if (n && !strcmp(n, name))
			return json_integer_value(json_object_get(event, "time_us"));
	}
	return 0;
}

void stored_both(const struct entry *e, const json_t *detail, struct stored *ret_request,
		 struct stored *ret_response)
{
	*ret_request = (struct stored){
		.detail = json_object_get(detail, "request"),
		.body = &e->request_body,
		.is_request = true,
		.begin_us = time_of(detail, "request_start"),
		.end_us = time_of(detail, "request_end"),
	};
	*ret_response = (struct stored){
		.detail = json_object_get(detail, "response"),
		.body = &e->response_body,
		.begin_us = time_of(detail, "response_start"),
		.end_us = time_of(detail, "response_end"),
	};
}

const char *stored_text(const struct stored *m, const char *name)
{
	const char *text = json_string_value(json_object_get(m->detail, name));

	return text ? text : "";
}

int64_t stored_number(const struct stored *m, const char *name, int64_t preset)
{
	const json_t *n = json_object_get(m->detail, name);

	return json_is_integer(n) ? json_integer_value(n) : preset;
}

bool stored_pair(const struct stored *m, const char *list, size_t i, const char **ret_name,
		 const char **ret_value)
{
	const json_t *all = json_object_get(m->detail, list);
	const json_t *pair = json_array_get(all, i);
	const char *name = json_string_value(json_array_get(pair, 0));
	const char *value = json_string_value(json_array_get(pair, 1));

	if (i >= json_array_size(all))
		return false;
	*ret_name = name ? name : "";
	*ret_value = value ? value : "";
	return true;
}

const char *stored_header(const struct stored *m, const char *name)
{
	const char *n, *value;

	for (size_t i = 0; stored_pair(m, "headers", i, &n, &value); i++)
		if (!strcasecmp(n, name))
			return value;
	return NULL;
}

bool stored_is_http(const struct stored *m)
{
	return json_object_get(m->detail, m->is_request ? "method" : "status");
}

/* No body is longer, whatever a store says: such numbers can be added. */
#define PLACE_MAX (1ULL << 56)

static uint64_t place_of(const json_t *number)
{
	int64_t n = json_integer_value(number);

	return n < 0 ? 0 : (uint64_t)n < PLACE_MAX ? (uint64_t)n : PLACE_MAX;
}

int64_t stored_missing(const struct stored *m)
{
	uint64_t offset, length;
	uint64_t sum = 0;

	for (size_t i = 0; stored_gap(m, i, &offset, &length); i++)
		sum += length < PLACE_MAX - sum ? length : PLACE_MAX - sum;
	return (int64_t)sum;
}

bool stored_gap(const struct stored *m, size_t i, uint64_t *ret_offset, uint64_t *ret_length)
{
	const json_t *gaps = json_object_get(m->detail, "gaps"), *gap = json_array_get(gaps, i);

	*ret_offset = place_of(json_object_get(gap, "offset"));
	*ret_length = place_of(json_object_get(gap, "length"));
	return gap;
}

int stored_put_url(const struct stored *m, const struct entry *e, struct buf *out)
{
	const char *target = stored_text(m, "target");
	const char *host = *e->host ? e->host : *e->dst.name ? e->dst.name : e->dst.ip;

	if (!strncmp(target, "http://", 7) || !strncmp(target, "https://", 8))
		return buf_puts(out, target);
	/* "*" and the authority of CONNECT are no paths. */
	return buf_printf(out, "%s://%s%s", e->tls ? "https" : "http", *host ? host : "unknown",
			  *target == '/' ? target : "/");
}

static bool is_chunked(const struct stored *m)
{
	return stored_header(m, "Transfer-Encoding") != NULL;
}

/* Protocols that frame by other means than HTTP/1.x lack both fields. */
static bool is_framed_elsewhere(const struct stored *m)
{
	return stored_text(m, "http_version")[0] > '1';
}

static bool has_body(const struct stored *m)
{
	int64_t status = stored_number(m, "status", 200);

	return !m->is_request && status >= 200 && status != 204 && status != 304;
}

bool stored_ends_by_close(const struct stored *m)
{
	return has_body(m) && stored_is_http(m) && !is_framed_elsewhere(m) && !is_chunked(m) &&
	       !stored_header(m, "Content-Length") && m->body->len;
}

/* The body is stored decoded, because something in it is masked. */
static bool is_coding_gone(const struct stored *m, const char *name)
{
	return json_object_get(m->detail, "decoded") && !strcasecmp(name, "Content-Encoding");
}

static void put_fields(const struct stored *m, const char *list, const char *but, struct writer *w)
{
	const char *name, *value;

	for (size_t i = 0; stored_pair(m, list, i, &name, &value); i++)
		if ((!but || strcasecmp(name, but)) && !is_coding_gone(m, name))
			writer_printf(w, "%s: %s\r\n", name, value);
}

static void put_framing(const struct stored *m, uint64_t body_size, struct writer *w)
{
	const char *length = stored_header(m, "Content-Length");
	bool known = body_size || json_object_get(m->detail, "body_redacted");
	bool wrong = length && known && strtoull(length, NULL, 10) != body_size;

	put_fields(m, "headers", wrong ? "Content-Length" : NULL, w);
	if (wrong || (!length && is_framed_elsewhere(m) && !is_chunked(m)))
		writer_printf(w, "Content-Length: %" PRIu64 "\r\n", body_size);
	writer_puts(w, "\r\n");
	if (is_chunked(m) && body_size)
		writer_printf(w, "%" PRIx64 "\r\n", body_size);
}

void stored_put_head(const struct stored *m, uint64_t body_size, struct writer *w)
{
	const char *version = stored_text(m, "http_version");

	/* Later versions have no text form of their own; shown as the one that has. */
	if (strcmp(version, "1.0"))
		version = "1.1";
	if (m->is_request)
		writer_printf(w, "%s %s HTTP/%s\r\n", stored_text(m, "method"),
			      stored_text(m, "target"), version);
	else
		writer_printf(w, "HTTP/%s %" PRId64 " %s\r\n", version,
			      stored_number(m, "status", 0), stored_text(m, "reason"));
	put_framing(m, body_size, w);
}

void stored_put_end(const struct stored *m, uint64_t body_size, struct writer *w)
{
	if (!is_chunked(m) || !stored_is_http(m))
		return;
	writer_puts(w, body_size ? "\r\n0\r\n" : "0\r\n");
	put_fields(m, "trailers", NULL, w);
	writer_puts(w, "\r\n");
}

static int opcode_of(const char *kind)
{
	static const char *const kinds[] = { "continuation", "text", "binary", "", "", "", "", "",
					     "close",	     "ping", "pong" };

	for (int i = 0; i < (int)(sizeof(kinds) / sizeof(*kinds)); i++)
		if (!strcmp(kinds[i], kind))
			return i;
	return 2;
}

bool stored_item(const json_t *detail, size_t i, struct stored_item *ret)
{
	const json_t *item = json_array_get(json_object_get(detail, "messages"), i);
	const struct stored m = { .detail = item };
	const json_t *text = json_object_get(item, "text");
	const char *hex = stored_text(&m, "hex");
	size_t len = strlen(hex) / 2;

	if (!item)
		return false;
	*ret = (struct stored_item){ .kind = stored_text(&m, "kind"),
				     .name = stored_text(&m, "name"),
				     .by_client = !strcmp(stored_text(&m, "from"), "client"),
				     .is_text = text != NULL,
				     .opcode = opcode_of(stored_text(&m, "kind")),
				     .time_us = stored_number(&m, "time_us", 0),
				     .lost = stored_number(&m, "lost", 0),
				     .cut = json_is_true(json_object_get(item, "cut")) };
	if (text)
		ret->error =
			buf_put(&ret->bytes, json_string_value(text), json_string_length(text));
	else
		ret->error = buf_reserve(&ret->bytes, len);
	for (size_t k = 0; !text && !ret->error && k < len; k++)
		ret->error =
			buf_putc(&ret->bytes, (char)(hex_digit((unsigned char)hex[2 * k]) << 4 |
						     hex_digit((unsigned char)hex[2 * k + 1])));
	return true;
}
