/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The bytes of one direction of a TCP connection, in order, from its segments as somebody else saw
 * them: sent again, out of order, overlapping, with sequence numbers that wrap, missing.
 *
 * The first copy of a byte wins. A later copy is compared with it, as long as it still waits or is
 * among the last LIMIT_REASSEMBLE_PAST bytes that were told; one that differs is counted. What is
 * ahead of a hole waits, within LIMIT_REASSEMBLE_HELD and LIMIT_REASSEMBLE_PIECES and the share of
 * whose connection it is; past them, or when the caller knows that they will not come
 * (reassemble_lose), the hole is told as a gap. The same bytes come out
 * however they were cut into segments, sent again and reordered within these bounds.
 */
#ifndef CLEARTAP_REASSEMBLE_H
#define CLEARTAP_REASSEMBLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct share;
struct reassemble_piece;

struct reassemble_counts {
	uint64_t again;		/* bytes that had come before, */
	uint64_t differ;	/* and segments whose bytes were others the first time */
	uint64_t reordered;	/* segments that had to wait for what is before them */
	uint64_t gaps, lost;	/* holes that were told, and bytes of them */
	uint64_t gave_up;	/* of them, told because too much waited */
	uint64_t out_of_window; /* segments too far from all others to belong to it */
};

/* Who is told. Offsets count from the first byte of the direction; each follows the last. */
struct reassemble_to {
	void (*bytes)(void *ctx, uint64_t offset, const uint8_t *bytes, size_t len);
	void (*gap)(void *ctx, uint64_t offset, uint64_t len);
	void *ctx;
	struct share *share; /* of LIMIT_REASSEMBLE_ALL: whose memory it is */
	struct reassemble_counts *counts;
};

/* One direction. Zero-initialise it; reassemble_free() leaves it ready for use again. */
struct reassemble {
	bool begun;
	uint16_t count;			 /* of pieces */
	uint16_t room;			 /* for pieces */
	uint32_t first;			 /* sequence number of offset 0 */
	uint64_t next;			 /* offset of the next byte to be told */
	struct reassemble_piece *pieces; /* that wait, by offset, none empty, none overlapping */
	size_t held;			 /* bytes of them */
	uint8_t *past; /* the last bytes that were told: that of offset n at n % past_room */
	size_t past_room;
	uint64_t past_from; /* offset of the first of them */
};

/*
 * The first byte of the direction has sequence number `seq` (that of the SYN, plus one). Without
 * this it is the first one of the first segment. Only before the first segment.
 */
void reassemble_begin(struct reassemble *r, uint32_t seq);
/* A segment; may tell bytes and gaps. Pointers are not kept. */
void reassemble_segment(struct reassemble *r, const struct reassemble_to *to, uint32_t seq,
			const uint8_t *bytes, size_t len);
/* Are all bytes before `seq` told, or none known of the direction at all? */
bool reassemble_has(const struct reassemble *r, uint32_t seq);
/* The other side has all before `seq`, and what is missing of it will not come any more. */
void reassemble_lose(struct reassemble *r, const struct reassemble_to *to, uint32_t seq);
/* Nothing more comes: tell all that waits, and the holes between. */
void reassemble_end(struct reassemble *r, const struct reassemble_to *to);
/* Forgets all, telling nothing. */
void reassemble_free(struct reassemble *r, struct share *share);

#endif
