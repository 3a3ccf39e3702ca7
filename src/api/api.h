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

#include "context/registry.h"

struct api;
struct api_sockets;
struct entry;
struct keep_files;
struct proto_set;
struct server_stats;
struct store;
struct wire;

struct api_options {
	const char *listen;	 /* ADDR:PORT, [ADDR]:PORT; "" or NULL no TCP listener */
	const char *unix_socket; /* path, NULL none; mode 0600 */
	const char *token;	 /* what requests over TCP must show: letters, digits and -._~ */
	const char *tls_cert, *tls_key; /* PEM files, NULL none */
	bool allow_plain_remote;	/* listen beyond loopback without TLS */
	const char *hosts; /* further names for the Host check, between commas; NULL none */
	const char *version;
	const char *scope; /* the options that leave programs out, as given; NULL: none */
	const struct proto_set *proto_set; /* names for bodies in protobuf; NULL none */
	struct api_sockets *sockets;	   /* from api_bind(); NULL: api_start() binds */
};

/* What the rest of the server tells; each is called from API threads and must be safe there. */
struct api_source {
	void *ctx;
	/* *ret is all 0 before. */
	void (*stats)(void *ctx, struct server_stats *ret);
	/* Call fn for each file that was looked at, as registry_each() does. */
	int (*targets)(void *ctx, probed_file_fn *fn, void *fn_ctx);
	/* Ask the tracer; 0 or -errno. */
	int (*set_paused)(void *ctx, bool paused);
	struct keep_files *packets; /* that are kept; NULL: none are */
	int key_log;		    /* of an open file with secrets for them; -1: none */
	struct wire *wire;	    /* the TLS connections of the wire; NULL: it is not watched */
};

/*
 * Do what needs privileges: bind the sockets and read the certificate's files. Uses listen,
 * unix_socket, tls_* and allow_plain_remote. 0, or -errno with a sentence in error. Hand the
 * result to api_start(), which takes it whatever it returns, or to api_unbind().
 */
int api_bind(const struct api_options *options, struct api_sockets **ret, char *error,
	     size_t error_size);
void api_unbind(struct api_sockets *s);
/*
 * Start the threads and serve. 0, or -errno with a sentence in error. Call it after privileges
 * are dropped. The options' texts and the store must outlive the API. Uses at most
 * LIMIT_API_WORKERS + 1 of the store's readers at once.
 */
int api_start(const struct api_options *options, const struct api_source *source,
	      struct store *store, struct api **ret, char *error, size_t error_size);
/*
 * What store_append() just stored, to live readers: new entries in order of id, and among them
 * later versions of known ones (again). What has no id is passed over. Borrowed; never waits for a
 * reader.
 */
void api_publish(struct api *a, struct entry *const *batch, size_t count);
void api_stop(struct api *a);
/* The TCP port really used (for port 0), 0 without a TCP listener. */
uint16_t api_port(const struct api *a);

#endif
