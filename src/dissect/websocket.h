/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * WebSocket (RFC 6455): from the bytes of both sides after the handshake to messages, whatever
 * carries them: a connection (websocket.c), or a stream of HTTP/2 (RFC 8441). The same messages
 * come out however the bytes are cut.
 */
#ifndef CLEARTAP_WEBSOCKET_H
#define CLEARTAP_WEBSOCKET_H

#include "dissect/websocket_inflate.h"
#include "items.h"

enum ws_state { WS_HEAD, WS_PAYLOAD, WS_UNPLACED };

struct ws_side {
	enum ws_state state;
	bool seeking; /* WS_HEAD: what comes may not be the head of a frame */
	bool fin, masked, compressed;
	bool found;  /* the next message comes after bytes that were lost */
	bool closed; /* it has sent its close message: nothing more is to come */
	uint8_t have, opcode, code_len;
	uint8_t head[14], mask[4], code[2];
	uint64_t left, at;	     /* bytes of the frame's payload: to come, and before these */
	uint64_t begin;		     /* of the frame, in `bytes` */
	struct item *data, *control; /* that have begun */
	struct ws_inflate inflate;
	uint64_t bytes, missing[2]; /* on the stream, missing ones too; these by enum gap_why */
	uint64_t unplaced;	    /* that are of no frame */
	const char *fault;	    /* the first: a constant, NULL */
};

/* Both sides, by enum item_from. */
struct websocket {
	struct items *items; /* may be taken away, or be NULL */
	struct ws_side side[2];
	enum item_from last;
	bool spoke;
};

/* `extensions`: what the answer agreed to (Sec-WebSocket-Extensions). */
void ws_begin(struct websocket *w, struct text extensions, struct live_use *use);
/* Bytes that were taken: less than all when both sides have sent their close message. */
size_t ws_feed(struct websocket *w, enum item_from from, const uint8_t *data, size_t len,
	       int64_t time_us);
bool ws_is_over(const struct websocket *w);
/* So many bytes are missing. */
void ws_gap(struct websocket *w, enum item_from from, uint64_t len, enum gap_why why,
	    int64_t time_us);
/* No more comes: what is not whole says so. The messages stay in w->items. */
void ws_end(struct websocket *w);
/* Memory that it holds beside itself, about. */
size_t ws_bytes(const struct websocket *w);
void ws_free(struct websocket *w);

#endif
