// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where frames begin again after a loss. What follows it may be inside of a body, which may be made
 * of frames: what looks like one is none before it is proven, and nothing of it is read.
 *
 * What proves is a chain: heads of frames, each where the one before says, that name streams which
 * may be. It has to be longer than any frame, so that it leads over heads that no body holds; or it
 * ends, more than once, where the other side takes its turn, or where it is quiet.
 */
#include <string.h>

#include "base/limits.h"
#include "dissect/http2.h"

void h2_prove_begin(struct h2_flow *f)
{
	f->state = H2_SEEK;
	f->strict = true;
	f->have = 0;
	f->left = f->chain = f->chain_end = 0;
	f->ends = 0;
}

static bool may_be(const struct h2 *h, const struct h2_flow *f)
{
	uint32_t stream = h2_frame_read(f->bytes).stream;

	return h2_frame_is_plausible(f->bytes, f->frame_size) &&
	       stream <= h->last_id + (uint64_t)LIMIT_H2_AHEAD;
}

/* The chain does not go on here: one may begin at the next byte. */
static void break_chain(struct h2_flow *f)
{
	memmove(f->bytes, f->bytes + 1, --f->have);
	f->chain = f->chain_end = 0;
	f->ends = 0;
}

/* The bytes of a head are there: true when the frame is proven to begin with them. */
static bool take_head(const struct h2 *h, struct h2_flow *f)
{
	uint32_t longest = f->frame_size < LIMIT_H2_SEEK / 4 ? f->frame_size : LIMIT_H2_SEEK / 4;

	if (!may_be(h, f)) {
		break_chain(f);
		return false;
	}
	if (f->chain > 2 * longest)
		return true;
	f->left = h2_frame_read(f->bytes).len;
	f->chain += H2_HEAD_SIZE + f->left;
	f->have = 0;
	return false;
}

size_t h2_prove(const struct h2 *h, struct h2_flow *f, const uint8_t *data, size_t len)
{
	size_t at = 0;

	while (at < len && f->state == H2_SEEK) {
		size_t n = f->left < len - at ? f->left : len - at;
		at += n;
		f->left -= (uint32_t)n;
		if (at == len)
			break;
		f->bytes[f->have++] = data[at++];
		if (f->have == H2_HEAD_SIZE && take_head(h, f))
			f->state = H2_HEAD;
	}
	return at;
}

void h2_prove_end(struct h2_flow *f, bool quiet)
{
	if (f->left || f->have || !f->chain)
		return;
	f->ends += f->chain != f->chain_end;
	f->chain_end = f->chain;
	if (f->ends >= 2 || quiet)
		f->state = H2_HEAD;
}
