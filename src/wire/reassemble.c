// SPDX-License-Identifier: GPL-2.0-or-later
#include "wire/reassemble.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/share.h"

#define PIECES_MIN 8
#define PAST_MIN   512

/* Bytes that wait for what is before them. */
struct reassemble_piece {
	uint64_t at;
	uint8_t *bytes;
	uint32_t len;
};

/* What of a segment has not been told. */
struct fresh {
	uint64_t at, end;
	const uint8_t *bytes;
};

static uint64_t end_of(const struct reassemble_piece *p)
{
	return p->at + p->len;
}

void reassemble_begin(struct reassemble *r, uint32_t seq)
{
	if (r->begun)
		return;
	r->begun = true;
	r->first = seq;
}

/* How far from the next byte a sequence number is, before it or after it. */
static int32_t distance(const struct reassemble *r, uint32_t seq)
{
	return (int32_t)(seq - (r->first + (uint32_t)r->next));
}

/* The offset of a sequence number. false: it is before the first byte, or far from all others. */
static bool place(const struct reassemble *r, uint32_t seq, uint64_t *ret)
{
	int32_t d = distance(r, seq);

	if (d > LIMIT_REASSEMBLE_WINDOW || d < -LIMIT_REASSEMBLE_WINDOW ||
	    (d < 0 && (uint64_t) - (int64_t)d > r->next))
		return false;
	*ret = r->next + (uint64_t)(int64_t)d;
	return true;
}

/* Room for the past, as much as was told until now asks for. */
static void grow_past(struct reassemble *r, const struct reassemble_to *to, size_t len)
{
	size_t room = r->past_room ? r->past_room : PAST_MIN;
	uint64_t wanted = r->next - r->past_from + len;

	while (room < wanted && room < LIMIT_REASSEMBLE_PAST)
		room *= 2;
	if (room == r->past_room || (to->share && !share_allows(to->share, LIMIT_REASSEMBLE_ALL)))
		return;
	uint8_t *past = malloc(room);
	if (!past)
		return;
	for (uint64_t at = r->past_from; at < r->next; at++)
		past[at % room] = r->past[at % r->past_room];
	free(r->past);
	r->past = past;
	if (to->share)
		share_change(to->share, r->past_room, room);
	r->past_room = room;
}

/* Of what is told from r->next on, the last bytes are remembered. */
static void remember(struct reassemble *r, const struct reassemble_to *to, const uint8_t *bytes,
		     size_t len)
{
	if (r->past_room < LIMIT_REASSEMBLE_PAST && r->next - r->past_from + len > r->past_room)
		grow_past(r, to, len);
	if (!r->past_room) {
		r->past_from = r->next + len;
		return;
	}
	size_t skip = len > r->past_room ? len - r->past_room : 0;
	uint64_t at = r->next + skip, end = r->next + len;
	while (at < end) {
		size_t to_end = r->past_room - (size_t)(at % r->past_room);
		size_t n = to_end < end - at ? to_end : (size_t)(end - at);
		memcpy(r->past + at % r->past_room, bytes + (at - r->next), n);
		at += n;
	}
	if (end - r->past_from > r->past_room)
		r->past_from = end - r->past_room;
}

static bool is_past(const struct reassemble *r, uint64_t at, const uint8_t *bytes, size_t len)
{
	while (len) {
		size_t place = (size_t)(at % r->past_room), n = r->past_room - place;
		n = n < len ? n : len;
		if (memcmp(r->past + place, bytes, n) != 0)
			return false;
		at += n;
		bytes += n;
		len -= n;
	}
	return true;
}

/* What has been told before: does it say the same? The part is shortened to what has not. */
static void skip_told(struct reassemble *r, const struct reassemble_to *to, struct fresh *p)
{
	if (p->at >= r->next)
		return;
	uint64_t end = p->end < r->next ? p->end : r->next;
	uint64_t from = p->at > r->past_from ? p->at : r->past_from;
	to->counts->again += end - p->at;
	if (r->past_room && from < end)
		to->counts->differ +=
			!is_past(r, from, p->bytes + (from - p->at), (size_t)(end - from));
	p->bytes += end - p->at;
	p->at = end;
}

static void tell(struct reassemble *r, const struct reassemble_to *to, const uint8_t *bytes,
		 size_t len)
{
	uint64_t at = r->next;

	remember(r, to, bytes, len);
	r->next += len;
	to->bytes(to->ctx, at, bytes, len);
}

static void tell_gap(struct reassemble *r, const struct reassemble_to *to, uint64_t end)
{
	uint64_t at = r->next;

	to->counts->gaps++;
	to->counts->lost += end - at;
	r->next = r->past_from = end; /* of a hole nothing is remembered, nor of what was before */
	to->gap(to->ctx, at, end - at);
}

static void drop_pieces(struct reassemble *r, const struct reassemble_to *to, size_t n)
{
	size_t bytes = 0;

	for (size_t i = 0; i < n; i++) {
		bytes += r->pieces[i].len;
		free(r->pieces[i].bytes);
	}
	r->count -= (uint16_t)n;
	r->held -= bytes;
	memmove(r->pieces, r->pieces + n, r->count * sizeof(*r->pieces));
	if (to->share)
		share_change(to->share, bytes, 0);
}

/* What waited for no more than what has been told by now. */
static void tell_ready(struct reassemble *r, const struct reassemble_to *to)
{
	size_t n = 0;

	for (; n < r->count && r->pieces[n].at <= r->next; n++)
		tell(r, to, r->pieces[n].bytes, r->pieces[n].len);
	if (n)
		drop_pieces(r, to, n);
}

static void give_up_hole(struct reassemble *r, const struct reassemble_to *to)
{
	tell_gap(r, to, r->pieces[0].at);
	tell_ready(r, to);
}

/* The first piece that ends after `at`. */
static size_t find(const struct reassemble *r, uint64_t at)
{
	size_t low = 0, high = r->count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		if (end_of(&r->pieces[middle]) > at)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

static bool room_for_piece(struct reassemble *r)
{
	size_t room = r->room ? 2 * (size_t)r->room : PIECES_MIN;

	if (r->count < r->room)
		return true;
	struct reassemble_piece *pieces = realloc(r->pieces, room * sizeof(*pieces));
	if (!pieces)
		return false;
	r->pieces = pieces;
	r->room = (uint16_t)room;
	return true;
}

/* p->at..end as the i-th piece. */
static bool insert(struct reassemble *r, const struct reassemble_to *to, size_t i,
		   const struct fresh *p, uint64_t end)
{
	size_t len = (size_t)(end - p->at);
	uint8_t *bytes = room_for_piece(r) ? malloc(len) : NULL;

	if (!bytes)
		return false;
	memcpy(bytes, p->bytes, len);
	memmove(r->pieces + i + 1, r->pieces + i, (r->count - i) * sizeof(*r->pieces));
	r->pieces[i] =
		(struct reassemble_piece){ .at = p->at, .bytes = bytes, .len = (uint32_t)len };
	r->count++;
	r->held += len;
	if (to->share)
		share_change(to->share, 0, len);
	return true;
}

/* Keeps what no piece has, and compares the rest. */
static void keep(struct reassemble *r, const struct reassemble_to *to, struct fresh p)
{
	bool differs = false;

	for (size_t i = find(r, p.at); p.at < p.end; i++) {
		const struct reassemble_piece *next = i < r->count ? &r->pieces[i] : NULL;
		uint64_t hole = next && next->at < p.end ? next->at : p.end;
		if (p.at < hole) {
			if (r->count >= LIMIT_REASSEMBLE_PIECES || !insert(r, to, i, &p, hole))
				break;
			p.bytes += hole - p.at;
			p.at = hole;
			continue;
		}
		uint64_t end = end_of(next) < p.end ? end_of(next) : p.end;
		differs |= memcmp(next->bytes + (p.at - next->at), p.bytes, end - p.at) != 0;
		to->counts->again += end - p.at;
		p.bytes += end - p.at;
		p.at = end;
	}
	to->counts->differ += differs;
}

static bool waits_too_much(const struct reassemble *r, const struct reassemble_to *to)
{
	return r->held > LIMIT_REASSEMBLE_HELD || r->count >= LIMIT_REASSEMBLE_PIECES ||
	       (to->share && !share_allows(to->share, LIMIT_REASSEMBLE_ALL));
}

/*
 * In order, which nearly all are: told from where they are. What overlaps pieces that wait is told
 * up to these, which came first.
 */
static void take_next(struct reassemble *r, const struct reassemble_to *to, struct fresh p)
{
	while (p.at < p.end) {
		uint64_t end = r->count && r->pieces[0].at < p.end ? r->pieces[0].at : p.end;
		tell(r, to, p.bytes, (size_t)(end - p.at));
		p.bytes += end - p.at;
		p.at = end;
		tell_ready(r, to);
		skip_told(r, to, &p);
	}
	tell_ready(r, to);
}

void reassemble_segment(struct reassemble *r, const struct reassemble_to *to, uint32_t seq,
			const uint8_t *bytes, size_t len)
{
	struct fresh p = { .bytes = bytes };

	if (!len)
		return;
	reassemble_begin(r, seq);
	if (len > LIMIT_REASSEMBLE_SEGMENT || !place(r, seq, &p.at)) {
		to->counts->out_of_window++;
		return;
	}
	p.end = p.at + len;
	skip_told(r, to, &p);
	if (p.at < p.end && p.at == r->next) {
		take_next(r, to, p);
	} else if (p.at < p.end) {
		to->counts->reordered++;
		keep(r, to, p);
	}
	while (r->count && waits_too_much(r, to)) {
		to->counts->gave_up++;
		give_up_hole(r, to);
	}
}

bool reassemble_has(const struct reassemble *r, uint32_t seq)
{
	uint64_t at;

	return !r->begun || !place(r, seq, &at) || at <= r->next;
}

void reassemble_lose(struct reassemble *r, const struct reassemble_to *to, uint32_t seq)
{
	uint64_t end;

	if (!r->begun || !place(r, seq, &end))
		return;
	while (r->count && r->pieces[0].at < end)
		give_up_hole(r, to);
	if (end > r->next)
		tell_gap(r, to, end);
	tell_ready(r, to);
}

void reassemble_end(struct reassemble *r, const struct reassemble_to *to)
{
	while (r->count)
		give_up_hole(r, to);
}

void reassemble_free(struct reassemble *r, struct share *share)
{
	const struct reassemble_to to = { .share = share };

	if (r->count)
		drop_pieces(r, &to, r->count);
	if (share && r->past_room)
		share_change(share, r->past_room, 0);
	free(r->pieces);
	free(r->past);
	*r = (struct reassemble){ 0 };
}
