// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/request.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>

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
	if (!strncmp(r->path, "http://", 7) || !strncmp(r->path, "https://", 8)) {
		r->path = strchr(r->path, ':') + 3;
		r->path += strcspn(r->path, "/");
	}
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
