// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Inflates message by message. Where each builds on those before it (context takeover), what comes
 * after a missing or a broken one cannot be inflated: it is counted, and its note says why.
 */
#include "dissect/websocket_inflate.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>

#include "base/limits.h"
#include "dissect/dissect.h"
#include "dissect/http.h"
#include "items.h"

#define OUT_BYTES 4096

/* What goes in is cut into blocks of its own, so that what is too much does not depend on how it
 * came. */
struct inflater {
	z_stream z;
	size_t have;
	uint8_t block[256];
};

static const char lost[] = "compressed, and bytes of it or before it were lost: not inflated";
static const char broken[] = "its compression is broken";
static const char after_broken[] = "compressed, and what came before it was broken: not inflated";
static const char bomb[] = "compressed to so little that it is not inflated";
static const char crowded[] = "compressed, not inflated: too many connections are";

static uint8_t window_of(struct text value)
{
	value = http_trim(value);
	while (value.len && *value.data == '"')
		value.data++, value.len--;
	unsigned bits = 0;
	for (size_t i = 0; i < value.len && value.data[i] >= '0' && value.data[i] <= '9'; i++)
		bits = bits * 10 + (unsigned)(value.data[i] - '0') % 10;
	/* zlib's deflate says 8 and uses 9. */
	return bits < 9 || bits > 15 ? (bits == 8 ? 9 : 15) : (uint8_t)bits;
}

static void take_parameter(struct ws_inflate side[2], struct text parameter)
{
	struct text value = parameter;
	struct text name = http_trim(http_take_until(&value, '='));

	if (http_is(name, "client_no_context_takeover"))
		side[0].no_takeover = true;
	else if (http_is(name, "server_no_context_takeover"))
		side[1].no_takeover = true;
	else if (http_is(name, "client_max_window_bits") && value.len)
		side[0].window = window_of(value);
	else if (http_is(name, "server_max_window_bits") && value.len)
		side[1].window = window_of(value);
}

void ws_inflate_begin(struct ws_inflate side[2], struct text extensions, struct live_use *use)
{
	/* Their bound is of all owners. */
	use = use && use->all ? use->all : use;
	while (extensions.len) {
		struct text rest = http_take_until(&extensions, ',');
		struct text name = http_trim(http_take_until(&rest, ';'));
		if (!name.len || !http_is(name, "permessage-deflate"))
			continue;
		for (int i = 0; i < 2; i++)
			side[i] = (struct ws_inflate){ .agreed = true, .window = 15, .use = use };
		while (rest.len)
			take_parameter(side, http_take_until(&rest, ';'));
		return;
	}
}

void ws_inflate_free(struct ws_inflate *w)
{
	if (!w->z)
		return;
	inflateEnd(&w->z->z);
	free(w->z);
	w->z = NULL;
	if (w->use)
		w->use->inflaters--;
}

/* Its state and its window (zlib.h). */
size_t ws_inflate_bytes(const struct ws_inflate *w)
{
	return w->z ? sizeof(*w->z) + (7 << 10) + ((size_t)1 << w->window) : 0;
}

static bool open_inflater(struct ws_inflate *w)
{
	if (w->z)
		return true;
	if (w->use && w->use->inflaters >= LIMIT_INFLATERS) {
		w->use->inflaters_refused++;
		return false;
	}
	w->z = calloc(1, sizeof(*w->z));
	if (!w->z || inflateInit2(&w->z->z, -w->window) != Z_OK) {
		free(w->z);
		w->z = NULL;
		return false;
	}
	if (w->use)
		w->use->inflaters++;
	return true;
}

/* This message cannot be inflated, and those that build on it cannot either. */
static void fail(struct ws_inflate *w, struct item *i, const char *why, const char *after)
{
	w->fault = after;
	if (i)
		i->note = why;
	ws_inflate_free(w);
}

static bool within_bound(const struct ws_inflate *w)
{
	return w->out <= LIMIT_INFLATE_FREE + LIMIT_INFLATE_EXPANSION * w->in;
}

static void inflate_bytes(struct ws_inflate *w, struct items *l, struct item *i,
			  const uint8_t *data, size_t len)
{
	z_stream *z = &w->z->z;
	uint8_t out[OUT_BYTES];
	int r;

	w->in += len;
	z->next_in = (Bytef *)data;
	z->avail_in = (uInt)len;
	do {
		z->next_out = out;
		z->avail_out = sizeof(out);
		r = inflate(z, Z_SYNC_FLUSH);
		size_t n = sizeof(out) - z->avail_out;
		w->out += n;
		items_put(l, i, out, n);
		/* A last block is not the last one: RFC 7692, 7.2.3.4. */
		if (r == Z_STREAM_END)
			r = inflateResetKeep(z);
	} while (r == Z_OK && (z->avail_in || !z->avail_out));
	if (r != Z_OK && r != Z_BUF_ERROR)
		fail(w, i, broken, after_broken);
	else if (!within_bound(w))
		fail(w, i, bomb, bomb);
}

static void inflate_block(struct ws_inflate *w, struct items *l, struct item *i)
{
	size_t n = w->z->have;

	w->z->have = 0;
	inflate_bytes(w, l, i, w->z->block, n);
}

void ws_inflate_put(struct ws_inflate *w, struct items *l, struct item *i, const uint8_t *data,
		    size_t len)
{
	if (!w->fault && !open_inflater(w))
		w->fault = crowded;
	if (w->fault && i && !i->note)
		i->note = w->fault;
	while (len && !w->fault) {
		size_t room = sizeof(w->z->block) - w->z->have, n = len < room ? len : room;
		memcpy(w->z->block + w->z->have, data, n);
		w->z->have += n;
		data += n;
		len -= n;
		if (n == room)
			inflate_block(w, l, i);
	}
}

void ws_inflate_skip(struct ws_inflate *w)
{
	if (!w->agreed)
		return;
	w->fault = lost;
	ws_inflate_free(w);
}

void ws_inflate_end(struct ws_inflate *w, struct items *l, struct item *i)
{
	static const uint8_t tail[] = { 0, 0, 0xff, 0xff };

	if (!w->fault && w->z)
		inflate_block(w, l, i);
	if (!w->fault && w->z)
		inflate_bytes(w, l, i, tail, sizeof(tail));
	if (!w->no_takeover)
		return;
	/* What follows is compressed by itself. */
	w->fault = NULL;
	if (w->z)
		inflateReset(&w->z->z);
}
