/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Cuts the bytes of one direction into PDUs whose first bytes tell how long they are: frames of
 * a binary protocol, lines, elements of RESP. However the bytes come, the protocol sees the same
 * PDUs. A length that is known carries across missing bytes; else the footing is lost, and the
 * protocol is asked at the start of each later call whether a PDU begins there.
 */
#ifndef CLEARTAP_PDU_H
#define CLEARTAP_PDU_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "dissect/dissect.h"

struct pdu {
	const uint8_t *data; /* from its start, without a hole */
	size_t len;	     /* of these: less than size when long, or when bytes are missing */
	uint64_t size;	     /* on the stream */
	uint64_t missing;    /* of these */
	uint64_t offset;     /* of its first byte */
	int64_t first_us, last_us;
};

struct pdu_ops {
	size_t keep; /* bytes of one that are handed over at most */
	/*
	 * Bytes of the PDU that begins with `data`; 0: more are needed to tell (`seen` of them
	 * were there at the last call); -EPROTO: no PDU begins here. What tells the length must
	 * come within `keep` bytes.
	 */
	int64_t (*length)(void *ctx, enum dir dir, const uint8_t *data, size_t len, size_t seen);
	/* Its length is known. NULL: no interest. 0, or -EPROTO to give up. */
	int (*begin)(void *ctx, enum dir dir, const struct pdu *p);
	/* All its bytes, in order, each once, and those that are missing. NULL: no interest. */
	void (*bytes)(void *ctx, enum dir dir, const uint8_t *data, size_t len, uint64_t offset,
		      int64_t now);
	void (*gap)(void *ctx, enum dir dir, uint64_t len, enum gap_why why, int64_t now);
	/* The PDU has ended. 0, or any other value, which pdu_feed() returns at once. */
	int (*whole)(void *ctx, enum dir dir, const struct pdu *p);
	/* The footing is lost: how many PDUs have come since nobody knows. */
	void (*lost)(void *ctx, enum dir dir, uint64_t len, enum gap_why why, int64_t now);
	/*
	 * Does a PDU begin with these bytes, which begin a call? 1; 0: more are needed to tell;
	 * -EPROTO. NULL: as length() says.
	 */
	int (*resumes)(void *ctx, enum dir dir, const uint8_t *data, size_t len);
	/* Bytes that are no PDU, after the footing was lost. */
	void (*stray)(void *ctx, enum dir dir, uint64_t len, int64_t now);
};

/* One direction. Zero-initialise it, and let it have the account of the sink. */
struct pdu_stream {
	struct buf held; /* first bytes of the PDU that goes on */
	struct pdu now;	 /* size 0: its length is not known yet */
	uint64_t left;	 /* of its bytes, those to come */
	size_t seen;	 /* bytes held when its length was last asked for */
	bool lost;
	size_t counted; /* of `held` */
	size_t *account;
};

/*
 * `offset` of the direction. 0, -EPROTO when the bytes are no PDUs, or what whole() returned;
 * *ret_taken (NULL: no interest) is then how many bytes were taken, that PDU's with them.
 */
int pdu_feed(struct pdu_stream *p, const struct pdu_ops *ops, void *ctx, enum dir dir,
	     const uint8_t *data, size_t len, uint64_t offset, int64_t now, size_t *ret_taken);
int pdu_gap(struct pdu_stream *p, const struct pdu_ops *ops, void *ctx, enum dir dir, uint64_t len,
	    uint64_t offset, enum gap_why why, int64_t now);
/* Bytes of a PDU that has not ended. */
static inline uint64_t pdu_begun(const struct pdu_stream *p)
{
	return p->now.size ? p->now.size - p->left : p->held.len;
}
/* Nobody waits for more of what may begin a PDU since the footing was lost: stray() is told of it.
 */
void pdu_drop_held(struct pdu_stream *p, const struct pdu_ops *ops, void *ctx, enum dir dir,
		   int64_t now);
/*
 * After pdu_feed() of `dir` took so many bytes and failed: what goes on to another protocol, as
 * become() tells it. What has begun of a PDU is of the one that ends.
 */
void pdu_become(struct pdu_stream in[2], enum dir dir, size_t taken, struct become *ret);
void pdu_free(struct pdu_stream *p);

#endif
