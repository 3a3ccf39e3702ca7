/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * HTTP: the REST routes, the live stream and the embedded dashboard (design section 8). Reads the
 * store, and what the other parts publish through struct api_source.
 */
#ifndef CLEARTAP_API_H
#define CLEARTAP_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct api;
struct buf;
struct entry;
struct store;

struct api_options {
	const char *listen;	 /* ADDR:PORT, [ADDR]:PORT; "" no TCP listener */
	const char *unix_socket; /* path, NULL none; mode 0600 */
	const char *token;	 /* what requests over TCP must show */
	const char *tls_cert, *tls_key; /* PEM files, NULL none */
	const char *version;
};

/* What the rest of the server tells; each is called from API threads and must be safe there. */
struct api_source {
	void *ctx;
	/* Append the JSON value of the route. */
	int (*put_targets)(void *ctx, struct buf *out);
	int (*put_stats)(void *ctx, struct buf *out); /* members without the braces */
	int (*put_metrics)(void *ctx, struct buf *out); /* Prometheus text */
	bool (*ready)(void *ctx);
	bool (*paused)(void *ctx);
	/* Ask the tracer; 0 or -errno. */
	int (*set_paused)(void *ctx, bool paused);
};

/*
 * Bind and start serving. 0, or -errno with a sentence in error. The descriptors are bound here;
 * worker threads are started too, so call it after privileges are dropped, with descriptors from
 * api_bind() when they needed any.
 */
int api_start(const struct api_options *options, const struct api_source *source,
	      struct store *store, struct api **ret, char *error, size_t error_size);
/* The entries just stored, in order of id, to live readers. Borrowed; never waits for a reader. */
void api_publish(struct api *a, struct entry *const *batch, size_t count);
void api_stop(struct api *a);
/* The TCP port really used (for port 0). */
uint16_t api_port(const struct api *a);

#endif
