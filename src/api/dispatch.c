// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/dispatch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "api/auth.h"
#include "api/compress.h"
#include "api/clients.h"
#include "api/problem.h"
#include "api/answer.h"
#include "api/request.h"
#include "api/route.h"
#include "api/state.h"
#include "base/clock.h"

#define STRICTEST_CSP                                                                              \
	"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"

#define STREAM_BLOCK (64 << 10)

/* On every answer: nothing of this server belongs into another page, a cache or a referrer. */
static const char *const common_headers[][2] = {
	{ "X-Content-Type-Options", "nosniff" },
	{ "X-Frame-Options", "DENY" },
	{ "Referrer-Policy", "no-referrer" },
	{ "Cross-Origin-Opener-Policy", "same-origin" },
	{ "Cross-Origin-Resource-Policy", "same-origin" },
	{ "Cross-Origin-Embedder-Policy", "require-corp" },
};

static enum method method_of(const char *name)
{
	static const struct {
		const char *name;
		enum method method;
	} methods[] = {
		{ "GET", METHOD_GET },
		{ "HEAD", METHOD_HEAD },
		{ "POST", METHOD_POST },
		{ "OPTIONS", METHOD_OPTIONS },
	};

	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
		if (!strcmp(methods[i].name, name))
			return methods[i].method;
	return METHOD_OTHER;
}

static ssize_t read_stream(void *ctx, uint64_t pos, char *out, size_t max)
{
	struct request *r = ctx;
	const struct answer_stream *s = &r->answer.stream;
	ssize_t n = s->read(s->ctx, out, max < STREAM_BLOCK ? max : STREAM_BLOCK);

	(void)pos;
	return n;
}

static ssize_t read_nothing(void *ctx, uint64_t pos, char *out, size_t max)
{
	(void)ctx;
	(void)pos;
	(void)out;
	(void)max;
	return MHD_CONTENT_READER_END_OF_STREAM;
}

/*
 * HEAD of a stream, whose length nobody knows: 0 would be wrong, and of a chunked answer to HEAD
 * libmicrohttpd 0.9.75 sends the last chunk. What ends with the connection has neither.
 */
static struct MHD_Response *make_bodiless(void)
{
	struct MHD_Response *response = MHD_create_response_from_callback(
		MHD_SIZE_UNKNOWN, STREAM_BLOCK, read_nothing, NULL, NULL);

	if (response)
		MHD_set_response_options(response, MHD_RF_HTTP_1_0_COMPATIBLE_STRICT, MHD_RO_END);
	return response;
}

static struct MHD_Response *make_response(struct request *r)
{
	struct answer *a = &r->answer;
	struct MHD_Response *response;

	if (!a->stream.ctx && a->stream.read)
		return make_bodiless();
	if (a->stream.ctx)
		return MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, STREAM_BLOCK,
							 read_stream, r, NULL);
	if (a->fixed)
		return MHD_create_response_from_buffer(a->fixed_size, (void *)a->fixed,
						       MHD_RESPMEM_PERSISTENT);
	response =
		MHD_create_response_from_buffer(a->body.len, a->body.data, MHD_RESPMEM_MUST_FREE);
	if (response)
		a->body = (struct buf){ 0 };
	return response;
}

static bool has_header(const struct answer *a, const char *name)
{
	for (size_t i = 0; i < a->headers; i++)
		if (!strcasecmp(a->header[i].name, name))
			return true;
	return false;
}

static void add_headers(struct MHD_Response *response, const struct answer *a)
{
	for (size_t i = 0; i < sizeof(common_headers) / sizeof(*common_headers); i++)
		MHD_add_response_header(response, common_headers[i][0], common_headers[i][1]);
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_SECURITY_POLICY,
				a->csp ? a->csp : STRICTEST_CSP);
	if (a->type)
		MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, a->type);
	if (!has_header(a, MHD_HTTP_HEADER_CACHE_CONTROL))
		MHD_add_response_header(response, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	for (size_t i = 0; i < a->headers; i++)
		MHD_add_response_header(response, a->header[i].name, a->header[i].value);
}

static size_t metrics_row(const struct route *route)
{
	for (size_t i = 0; i < METRICS_ASSETS && api_routes[i].path; i++)
		if (route == &api_routes[i])
			return i;
	return route ? METRICS_ASSETS : METRICS_UNKNOWN;
}

static enum MHD_Result respond(struct request *r)
{
	struct MHD_Response *response = make_response(r);

	if (!response)
		return MHD_NO;
	metrics_count(&r->api->metrics, metrics_row(r->route), r->answer.status);
	add_headers(response, &r->answer);
	enum MHD_Result ok = MHD_queue_response(r->conn, r->answer.status, response);
	MHD_destroy_response(response);
	return ok;
}

static void handle(struct request *r)
{
	r->route->handle(r);
	if (!r->answer.status)
		problem_errno(r, -EIO);
	compress_answer(r);
}

static void run_request(struct task *t)
{
	struct request *r = (struct request *)((char *)t - offsetof(struct request, task));
	uint64_t begin = (uint64_t)clock_us(CLOCK_MONOTONIC);

	handle(r);
	metrics_observe(&r->api->metrics, (uint64_t)clock_us(CLOCK_MONOTONIC) - begin);
	MHD_resume_connection(r->conn);
}

static const char *allowed(const struct route *route)
{
	return route->methods & METHOD_POST ? "POST, OPTIONS" : "GET, HEAD, OPTIONS";
}

static bool check_method(struct request *r)
{
	unsigned methods = r->route->methods | METHOD_OPTIONS;

	if (methods & METHOD_GET)
		methods |= METHOD_HEAD;
	if (r->method & methods && r->method != METHOD_OPTIONS)
		return true;
	answer_header(r, MHD_HTTP_HEADER_ALLOW, "%s", allowed(r->route));
	if (r->method == METHOD_OPTIONS)
		r->answer.status = MHD_HTTP_NO_CONTENT;
	else
		problem(r, MHD_HTTP_METHOD_NOT_ALLOWED, NULL, "%s takes %s", r->route->path,
			allowed(r->route));
	return false;
}

static bool check_params(struct request *r)
{
	if (r->bad_param) {
		problem(r, MHD_HTTP_BAD_REQUEST, r->bad_name, "%s", r->bad_param);
		return false;
	}
	for (size_t i = 0; i < r->params; i++) {
		if (route_takes(r->route, r->param[i].name))
			continue;
		problem(r, MHD_HTTP_BAD_REQUEST, r->param[i].name,
			"there is no such parameter here; there %s:%.*s",
			strlen(r->route->params) > 1 ? "are" : "is",
			strlen(r->route->params) > 1 ? (int)strlen(r->route->params) - 1 : 5,
			strlen(r->route->params) > 1 ? r->route->params : " none");
		return false;
	}
	return true;
}

static bool check_route(struct request *r)
{
	bool all = !strcmp(r->path, "*") && r->method == METHOD_OPTIONS;

	if (all) {
		answer_header(r, MHD_HTTP_HEADER_ALLOW, "GET, HEAD, POST, OPTIONS");
		r->answer.status = MHD_HTTP_NO_CONTENT;
	} else if (!r->route) {
		problem(r, MHD_HTTP_NOT_FOUND, NULL, "there is nothing at %.200s", r->path);
	}
	return r->route && !all;
}

static enum MHD_Result start(struct request *r)
{
	bool open;

	r->dispatched = true;
	r->route = route_find(r->path, r->id, sizeof(r->id));
	open = r->route && r->route->flags & ROUTE_OPEN;
	if (!auth_check_origin(r))
		return respond(r);
	if (r->route && r->route->flags & ROUTE_PAGE && request_param(r, "token")) {
		auth_log_in(r, request_param(r, "token"));
		return respond(r);
	}
	if ((!open && !auth_check_token(r)) || !check_route(r) || !check_method(r) ||
	    !check_params(r))
		return respond(r);
	if (!(r->route->flags & ROUTE_SLOW)) {
		handle(r);
		return respond(r);
	}
	r->task.run = run_request;
	if (workers_suspend(r->api->workers, r->conn, &r->task))
		problem_errno(r, -EAGAIN);
	return MHD_YES;
}

struct fields {
	size_t size;
	const char *length; /* Content-Length */
	bool lengths_differ;
};

static enum MHD_Result add_field(void *ctx, enum MHD_ValueKind kind, const char *name,
				 const char *value)
{
	struct fields *f = ctx;

	(void)kind;
	f->size += strlen(name) + (value ? strlen(value) : 0);
	if (!strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) && value) {
		f->lengths_differ |= f->length && strcmp(f->length, value);
		f->length = value;
	}
	return MHD_YES;
}

/* What is wrong with the request before its body is read; false: answered. */
static bool check_sizes(struct request *r)
{
	struct fields fields = { 0 };

	MHD_get_connection_values(r->conn, MHD_HEADER_KIND, add_field, &fields);
	if (clients_full(r->client)) {
		answer_header(r, MHD_HTTP_HEADER_RETRY_AFTER, "5");
		problem(r, MHD_HTTP_SERVICE_UNAVAILABLE, NULL,
			"all %d connections are taken; close one, or try again later",
			LIMIT_HTTP_CONNS);
	} else if (r->bad_uri == MHD_HTTP_URI_TOO_LONG) {
		problem(r, MHD_HTTP_URI_TOO_LONG, NULL, "the URL is longer than %d bytes",
			LIMIT_URI_BYTES);
	} else if (r->bad_uri) {
		problem(r, MHD_HTTP_BAD_REQUEST, NULL, "the path is not percent-encoded UTF-8");
	} else if (fields.lengths_differ) {
		problem(r, MHD_HTTP_BAD_REQUEST, NULL, "there are two lengths of the body");
	} else if (fields.size > LIMIT_FIELD_BYTES) {
		problem(r, MHD_HTTP_REQUEST_HEADER_FIELDS_TOO_LARGE, NULL,
			"the header fields are longer than %d bytes", LIMIT_FIELD_BYTES);
	} else if (r->body_too_large ||
		   (fields.length && strtoull(fields.length, NULL, 10) > LIMIT_REQUEST_BODY)) {
		problem(r, MHD_HTTP_CONTENT_TOO_LARGE, NULL, "the body is longer than %d bytes",
			LIMIT_REQUEST_BODY);
	} else {
		return true;
	}
	answer_header(r, MHD_HTTP_HEADER_CONNECTION, "close");
	return false;
}

enum MHD_Result dispatch(void *ctx, struct MHD_Connection *conn, const char *url,
			 const char *method, const char *version, const char *data, size_t *size,
			 void **request)
{
	struct request *r = *request;

	(void)ctx;
	(void)conn;
	(void)url;
	(void)version;
	if (!r)
		return MHD_NO;
	if (!r->started) {
		r->started = true;
		clients_head(r->client);
		r->method = method_of(method);
		return check_sizes(r) ? MHD_YES : respond(r);
	}
	if (*size) {
		if (*size > LIMIT_REQUEST_BODY - r->body.len || buf_put(&r->body, data, *size))
			r->body_too_large = true;
		*size = 0;
		return MHD_YES;
	}
	if (r->dispatched)
		return respond(r);
	clients_complete(r->client);
	return check_sizes(r) ? start(r) : respond(r);
}
