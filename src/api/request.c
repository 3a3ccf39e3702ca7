// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "api/request.h"

#include <errno.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/problem.h"
#include "api/server.h"
#include "kfl/kfl.h"
#include "store/store.h"
#include "base/hex.h"
#include "base/utf8.h"

/* Undo percent-encoding in place; false for a broken escape, a NUL, or what is not UTF-8. */
static bool decode(char *text, bool plus_is_blank)
{
	char *out = text;

	for (const char *p = text; *p; p++) {
		*out = plus_is_blank && *p == '+' ? ' ' : *p;
		if (*p == '%') {
			int high = hex_digit((unsigned char)p[1]),
			    low = high < 0 ? -1 : hex_digit((unsigned char)p[2]);
			if (low < 0 || (high | low) == 0)
				return false;
			*out = (char)(high << 4 | low);
			p += 2;
		}
		out++;
	}
	*out = '\0';
	for (size_t left = (size_t)(out - text), n; left; left -= n) {
		n = utf8_length((const unsigned char *)out - left, left);
		if (!n)
			return false;
	}
	return true;
}

static const char *add_param(struct request *r, char *text)
{
	char *value = strchr(text, '=');

	if (!*text)
		return NULL;
	if (r->params == LIMIT_PARAMS)
		return "there are too many parameters";
	if (value)
		*value++ = '\0';
	else
		value = text + strlen(text);
	if (!decode(text, true))
		return "the name of a parameter is not percent-encoded UTF-8";
	r->bad_name = text;
	if (!decode(value, true))
		return "a parameter is not percent-encoded UTF-8";
	if (request_param(r, text))
		return "a parameter is given twice";
	r->bad_name = NULL;
	r->param[r->params++] = (struct param){ text, value };
	return NULL;
}

static void parse_target(struct request *r)
{
	char *query;

	/* The absolute form of RFC 9112 section 3.2.2 names the authority; Host still decides. */
	if (!strncmp(r->path, "http://", 7) || !strncmp(r->path, "https://", 8))
		r->path += 8 + strcspn(r->path + 8, "/");
	if (r->path[0] != '/' && strcmp(r->path, "*"))
		r->bad_uri = MHD_HTTP_BAD_REQUEST;
	query = strchr(r->path, '?');
	if (query)
		*query++ = '\0';
	if (!decode(r->path, false))
		r->bad_uri = MHD_HTTP_BAD_REQUEST;
	while (query && !r->bad_param) {
		char *next = strchr(query, '&');
		if (next)
			*next++ = '\0';
		r->bad_param = add_param(r, query);
		query = next;
	}
}

struct request *request_new(struct api *api, const struct listener *listener, const char *uri)
{
	struct request *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->api = api;
	r->listener = listener;
	if (strlen(uri) > LIMIT_URI_BYTES) {
		r->bad_uri = MHD_HTTP_URI_TOO_LONG;
		uri = "/";
	}
	r->path = r->uri = strdup(uri);
	if (!r->uri) {
		free(r);
		return NULL;
	}
	parse_target(r);
	return r;
}

void request_free(struct request *r)
{
	if (!r)
		return;
	if (r->answer.stream.ctx)
		r->answer.stream.free(r->answer.stream.ctx);
	for (size_t i = 0; i < r->answer.headers; i++)
		free(r->answer.header[i].value);
	buf_free(&r->answer.body);
	buf_free(&r->body);
	free(r->uri);
	free(r);
}

const char *request_header(const struct request *r, const char *name)
{
	return MHD_lookup_connection_value(r->conn, MHD_HEADER_KIND, name);
}

const char *request_param(const struct request *r, const char *name)
{
	for (size_t i = 0; i < r->params; i++)
		if (!strcmp(r->param[i].name, name))
			return r->param[i].value;
	return NULL;
}

bool request_integer(struct request *r, const char *name, int64_t min, int64_t max, int64_t preset,
		     int64_t *ret)
{
	const char *text = request_param(r, name);
	char *end;

	*ret = preset;
	if (!text)
		return true;
	errno = 0;
	long long n = strtoll(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || n < min || n > max) {
		problem(r, MHD_HTTP_BAD_REQUEST, name,
			"%s is a whole number from %" PRId64 " to %" PRId64, name, min, max);
		return false;
	}
	*ret = n;
	return true;
}

bool request_flag(struct request *r, const char *name, bool *ret)
{
	int64_t n;

	if (!request_integer(r, name, 0, 1, 0, &n))
		return false;
	*ret = n;
	return true;
}

bool request_filter(struct request *r, struct kfl **ret)
{
	const char *text = request_param(r, "q");
	struct kfl_error error = { .column = 1, .length = 1 };

	*ret = NULL;
	if (!text || !*text)
		return true;
	int e = store_compile(r->api->store, text, strlen(text), ret, &error);
	if (e == -EINVAL)
		problem_filter(r, &error);
	else if (e)
		problem_errno(r, e);
	return !e;
}

void answer_header(struct request *r, const char *name, const char *fmt, ...)
{
	struct answer *a = &r->answer;
	va_list ap;

	if (a->headers == LIMIT_ANSWER_HEADERS)
		return;
	va_start(ap, fmt);
	if (vasprintf(&a->header[a->headers].value, fmt, ap) >= 0)
		a->header[a->headers++].name = name;
	va_end(ap);
}

void answer_json(struct request *r, int error)
{
	if (error) {
		problem_errno(r, error);
		return;
	}
	r->answer.status = MHD_HTTP_OK;
	r->answer.type = "application/json";
}

bool answer_unchanged(const struct request *r, const char *tag)
{
	const char *wanted = request_header(r, MHD_HTTP_HEADER_IF_NONE_MATCH);
	size_t n = strlen(tag);

	if (!wanted || !(r->method & (METHOD_GET | METHOD_HEAD)))
		return false;
	if (!strcmp(wanted, "*"))
		return true;
	/* Weak comparison (RFC 9110 section 8.8.3.2): W/ before the tag does not matter. */
	for (const char *p = strstr(wanted, tag); p; p = strstr(p + 1, tag))
		if (p[n] == '\0' || p[n] == ',' || p[n] == ' ')
			return true;
	return false;
}

/* FNV-1a; it tells versions of one resource apart and protects nothing. */
static uint64_t hash_of(const struct buf *b)
{
	uint64_t h = 0xcbf29ce484222325;

	for (size_t i = 0; i < b->len; i++)
		h = (h ^ (unsigned char)b->data[i]) * 0x100000001b3;
	return h;
}

void answer_tagged(struct request *r, const char *type, int error)
{
	char tag[24];

	if (error) {
		problem_errno(r, error);
		return;
	}
	snprintf(tag, sizeof(tag), "\"%016" PRIx64 "\"", hash_of(&r->answer.body));
	answer_header(r, MHD_HTTP_HEADER_ETAG, "%s", tag);
	r->answer.type = type;
	r->answer.status = MHD_HTTP_OK;
	if (answer_unchanged(r, tag)) {
		r->answer.status = MHD_HTTP_NOT_MODIFIED;
		r->answer.type = NULL;
		buf_free(&r->answer.body);
	}
}
