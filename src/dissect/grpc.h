/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * gRPC over HTTP/2, and gRPC-Web over any HTTP: what tells a call from another exchange, how it
 * ended, and the messages of one direction, each behind a flag and its length.
 */
#ifndef CLEARTAP_GRPC_H
#define CLEARTAP_GRPC_H

#include "base/buf.h"
#include "payload.h"

struct entry;
struct item;
struct items;
struct message;

#define GRPC_HEAD 5 /* a flag, and four bytes of length */

/* The messages of one direction; from grpc_begin(). */
struct grpc_reader {
	struct message *msg;
	struct items *items;
	struct item *item;	   /* that has begun */
	const char *type, *coding; /* of messages: constants, as in struct item */
	bool web, base64;
	bool in_trailers; /* the frame has them, as gRPC-Web does */
	bool passes;	  /* the frame, or all that follows, is not kept */
	bool lost;	  /* where the next message begins */
	bool ended;	  /* the trailers were there */
	uint8_t have, head[GRPC_HEAD];
	uint32_t left;	     /* of the frame, after its head */
	uint64_t pos, begin; /* in what the direction sent; of the frame in it */
	struct buf trailers;
	unsigned bits, sextets; /* of base64 */
};

/* Is it one of a call, by its type? Takes NULL. */
bool grpc_is(const struct message *m);
/* Its head is there; what is found goes to `items`. */
void grpc_begin(struct grpc_reader *g, struct message *m, struct items *items);
void grpc_feed(struct grpc_reader *g, const uint8_t *data, size_t len, int64_t time_us);
/* `len` 0: nobody knows how many. */
void grpc_gap(struct grpc_reader *g, uint64_t len, enum gap_why why, int64_t time_us);
void grpc_end(struct grpc_reader *g);
void grpc_free(struct grpc_reader *g);

/* What a call says of itself: protocol, status, whether it failed. NULL: not seen. */
void grpc_fill(struct entry *e, const struct message *request, const struct message *response);
/* The member of the detail that only a call has: grpc_message. */
void grpc_add_members(struct message *response);

#endif
