/* SPDX-License-Identifier: GPL-2.0-or-later */
/* permessage-deflate (RFC 7692) of one side of a WebSocket. */
#ifndef CLEARTAP_WEBSOCKET_INFLATE_H
#define CLEARTAP_WEBSOCKET_INFLATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

struct item;
struct inflater;
struct items;
struct live_use;

struct ws_inflate {
	bool agreed;	      /* messages may be compressed */
	bool no_takeover;     /* each by itself */
	uint8_t window;	      /* bits */
	const char *fault;    /* nothing more can be inflated, because: a constant; NULL */
	uint64_t in, out;     /* bytes, for the bound on what they grow to */
	struct inflater *z;   /* NULL: nothing was inflated yet */
	struct live_use *use; /* counts those of all connections; NULL: not bounded */
};

/* What both sides agreed to, [0] for what the client sends. */
void ws_inflate_begin(struct ws_inflate side[2], struct text extensions, struct live_use *use);
/* Bytes of a compressed message; what they are goes to the item. */
void ws_inflate_put(struct ws_inflate *w, struct items *l, struct item *i, const uint8_t *data,
		    size_t len);
/* Bytes of one are missing. */
void ws_inflate_skip(struct ws_inflate *w);
/* The message has ended. */
void ws_inflate_end(struct ws_inflate *w, struct items *l, struct item *i);
/* Memory that it takes, at most. */
size_t ws_inflate_bytes(const struct ws_inflate *w);
void ws_inflate_free(struct ws_inflate *w);

#endif
