/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An entry: one exchange of one connection, as the list, the API, the live stream and KFL show it
 * (design section 7). A dissector makes it, the store numbers it, the API writes it as JSON.
 *
 * Text fields are NUL-terminated and never NULL; they point to constants or into the entry's own
 * memory (entry_text). The names of the fields are those of the columns in schema/ and of KFL.
 */
#ifndef CLEARTAP_ENTRY_H
#define CLEARTAP_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

enum lock { LOCK_NONE, LOCK_OPEN, LOCK_CLOSED };

struct endpoint {
	const char *ip;	     /* RFC 5952 text, "" unknown */
	const char *name;    /* DNS name, "" unknown */
	const char *process; /* comm of the thread group leader */
	const char *container, *pod, *namespace, *service;
	uint16_t port; /* 0 unknown */
	int32_t pid;   /* 0 unknown */
};

struct entry {
	int64_t id;	      /* 0 until stored */
	int64_t timestamp_us; /* µs since 1970 of the first byte */
	const char *protocol; /* http, http2, grpc, websocket, redis, ..., tls */
	const char *version;  /* of the protocol: "1.1" */
	enum lock lock;
	bool tls;
	bool complete;
	struct endpoint src, dst; /* src opened the connection */
	const char *role;	  /* which side was traced: client, server, unknown */
	const char *library;	  /* openssl, boringssl, go */
	const char *bind;	  /* how the addresses are known: go, nested, bio, unknown */
	const char *method, *summary;
	const char *status;  /* as text: "200", "OK", "" */
	int32_t status_code; /* 0 when there is none */
	int64_t elapsed_us;  /* first request byte to last response byte; -1 unknown */
	int64_t request_size, response_size; /* bytes on the stream, head and body, lost ones too */
	int64_t lost_bytes, truncated_bytes;
	const char *reason;	/* why it is not complete, "" when it is */
	const char *connection; /* "4242-7f3a10-1" */
	const char *node;
	int64_t goroutine; /* 0 unknown */
	/* It goes on: another version of it, with the same `live`, follows. */
	bool open;
	const char *ends; /* which ends of the connection were traced: client, server, both */
	int64_t server_elapsed_us; /* as the server saw it, when both ends were traced; -1 unknown
				    */

	/* For the filter; "" where the protocol has none. */
	const char *host, *path, *query_string;
	const char *tls_version, *tls_cipher, *tls_sni, *tls_alpn, *ja3, *ja4;
	const char *grpc_method, *grpc_status;
	const char *redis_command, *redis_key, *redis_type;

	/* JSON object with request, response, tls_info, events (HACKING, "Detail"); "" for none. */
	struct buf detail;
	/* Message bodies without transfer coding; content codings are kept (and named in detail).
	 */
	struct buf request_body, response_body;
	/*
	 * Of a later version (live): the body of request or response is as an earlier one brought
	 * it, and so is not here. The store leaves what it has.
	 */
	bool body_kept[2];

	/*
	 * Which exchange this is a version of, for one that is told more than once: never 0 and
	 * never used again while the server runs. Versions come in order, and the last one is not
	 * open. 0: told once, whole.
	 */
	uint64_t live;
	bool again; /* set by store_append(): the exchange had its id before */
	/*
	 * Where request and response begin in the bytes of their directions, which both ends of a
	 * connection count alike, and a digest of all bytes that were copied of them (dissectors
	 * fill it, src/session/ pairs the ends by it).
	 */
	struct entry_part {
		bool seen, whole; /* whole: no byte of it is missing */
		uint64_t offset, length;
		uint64_t digest;
		int64_t first_us, last_us;
	} part[2]; /* request, response */

	struct entry_block *blocks; /* memory of the texts */
	struct entry *next;	    /* in src/app/queue.c */
};

/* A new entry with every text "" and every number 0, elapsed_us -1; NULL when out of memory. */
struct entry *entry_new(void);
void entry_free(struct entry *e);
/* Leave the bodies out, counted as truncated; `reason` (a constant) tells why. */
void entry_drop_bodies(struct entry *e, const char *reason);
/* Memory that the entry holds, about. */
size_t entry_bytes(const struct entry *e);
/*
 * A copy of `len` bytes as text that lives as long as the entry; bytes that are not UTF-8 and NULs
 * become U+FFFD. "" when out of memory, so that a text is never NULL.
 */
const char *entry_text(struct entry *e, const void *text, size_t len);
/* The same from a format; the result is cut at 512 bytes. */
const char *entry_printf(struct entry *e, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Append the JSON object of design section 7 without request, response, tls_info and events. */
int entry_put_json(const struct entry *e, struct buf *out);
/* Append one of its ends as a member of an object, with the comma before it. */
int entry_put_endpoint(struct buf *out, const char *name, const struct endpoint *p);
/* "2026-11-21T19:10:18.123456Z" of µs since 1970; out holds at least 28 bytes. */
void entry_format_time(int64_t us, char out[static 28]);

#endif
