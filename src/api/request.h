/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One request and its answer. The event loop (server.c) fills the request and sends the answer; a
 * handler, on the loop or on a worker, reads the one and makes the other. Never both at a time.
 */
#ifndef CLEARTAP_API_REQUEST_H
#define CLEARTAP_API_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "api/workers.h"
#include "base/buf.h"
#include "base/limits.h"

struct api;
struct kfl;
struct listener;
struct MHD_Connection;
struct client;
struct route;

enum method {
	METHOD_GET = 1,
	METHOD_HEAD = 2,
	METHOD_POST = 4,
	METHOD_OPTIONS = 8,
	METHOD_OTHER = 16,
};

struct param {
	const char *name, *value; /* decoded, NUL-terminated, without NULs inside */
};

/* An answer whose bytes come bit by bit. */
struct answer_stream {
	/* Up to max bytes into out: how many, 0 when the connection was suspended, -1 at the end.
	 */
	ssize_t (*read)(void *ctx, char *out, size_t max);
	void (*free)(void *ctx);
	void *ctx; /* NULL: the answer is not streamed, or to HEAD when there is a read() */
};

struct answer_header {
	const char *name; /* constant */
	char *value;	  /* owned */
};

struct answer {
	unsigned status;  /* 0: none yet */
	const char *type; /* of the content, constant; NULL without content */
	struct buf body;
	const void *fixed; /* constant content in place of body */
	size_t fixed_size;
	struct answer_stream stream;
	const char *csp; /* Content-Security-Policy in place of the strictest one, constant */
	struct answer_header header[LIMIT_ANSWER_HEADERS];
	size_t headers;
};

struct request {
	struct api *api;
	const struct listener *listener;
	struct MHD_Connection *conn;
	struct client *client;
	const struct route *route;
	enum method method;
	char *path;  /* decoded; points into uri */
	char *uri;   /* owned */
	int bad_uri; /* what the URI's form already earned: an HTTP status, or 0 */
	struct param param[LIMIT_PARAMS];
	size_t params;
	const char *bad_param;	/* why the parameters cannot be used, NULL when they can */
	const char *bad_name;	/* which one, NULL when it has no name */
	char id[LIMIT_PATH_ID]; /* what {id} in the route stands for */
	struct buf body;
	bool started, body_too_large, dispatched, counted;
	struct job job;
	struct answer answer;
};

/* Take the raw request target apart. Never fails: what is wrong is kept for the answer. */
struct request *request_new(struct api *api, const struct listener *listener, const char *uri);
void request_free(struct request *r);
/* The value of a header field, NULL without one. */
const char *request_header(const struct request *r, const char *name);

/* The value of a parameter, NULL without one. */
const char *request_param(const struct request *r, const char *name);
/*
 * A whole number from min to max, `preset` without the parameter. False when it is neither: the
 * answer is then made.
 */
bool request_integer(struct request *r, const char *name, int64_t min, int64_t max, int64_t preset,
		     int64_t *ret);
/* 0 or 1. */
bool request_flag(struct request *r, const char *name, bool *ret);
/* The filter in ?q=, NULL without one. The caller frees it. False: the answer is made. */
bool request_filter(struct request *r, struct kfl **ret);

/* Add a header field to the answer, at most LIMIT_ANSWER_HEADERS of them. */
void answer_header(struct request *r, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The body that the handler wrote is JSON and complete, unless `error` (-errno) says otherwise. */
void answer_json(struct request *r, int error);
/* The handler's body has this type and may be revalidated: makes ETag, 304 where it matches. */
void answer_tagged(struct request *r, const char *type, int error);
/* Does If-None-Match name this tag? */
bool answer_unchanged(const struct request *r, const char *tag);

#endif
