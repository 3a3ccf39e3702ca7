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
struct request;

enum method {
	METHOD_GET = 1,
	METHOD_HEAD = 2,
	METHOD_POST = 4,
	METHOD_OPTIONS = 8,
	METHOD_OTHER = 16,
};

/* A path that there is (route.c has the table). */
enum route_flag {
	ROUTE_OPEN = 1, /* needs no token: it tells nothing of the traffic */
	ROUTE_SLOW = 2, /* reads the store, so it runs on a worker */
	ROUTE_PAGE = 4, /* a browser may navigate to it from elsewhere */
};

struct route {
	const char *path; /* {id} stands for one segment */
	unsigned methods; /* enum method; HEAD and OPTIONS come by themselves */
	unsigned flags;
	void (*handle)(struct request *r);
	const char *params; /* names that it takes, between blanks: " q limit " */
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
	bool started, body_too_large, dispatched;
	struct task task;
	struct answer answer;
};

/* Take the raw request target apart. Never fails: what is wrong is kept for the answer. */
struct request *request_new(struct api *api, const struct listener *listener, const char *uri);
void request_free(struct request *r);
/* The value of a header field, NULL without one. */
const char *request_header(const struct request *r, const char *name);

/* The value of a parameter, NULL without one. */
const char *request_param(const struct request *r, const char *name);

#endif
