/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The state of an HTTP/1.x connection, shared by http1.c, http1_pair.c and http1_seek.c. */
#ifndef CLEARTAP_HTTP1_CONN_H
#define CLEARTAP_HTTP1_CONN_H

#include <sys/types.h>

#include "dissect/digest.h"
#include "dissect/dissect.h"
#include "dissect/http1.h"

enum h1_state {
	H1_SEEK, /* between messages, or looking for the next one */
	H1_HEAD,
	H1_FIXED,
	H1_UNTIL_CLOSE,
	H1_CHUNK_SIZE,
	H1_CHUNK_EXT,
	H1_CHUNK_DATA,
	H1_CHUNK_END,
	H1_TRAILER,
};

/* One direction. */
struct h1_stream {
	enum h1_state state : 8;
	bool candidate; /* H1_SEEK: a message may begin with the next byte, or has begun */
	bool digits;	/* H1_CHUNK_SIZE: one was there */
	bool interim;	/* one came before what comes next */
	bool hole;	/* how many messages began since the last known one cannot be told */
	uint8_t doubt;	/* H1_FIXED: bytes taken that may be the next answer's (http1_body.c) */
	bool found;	/* H1_SEEK: what begins was found among bytes that begin no message */
	struct h1_start_line start_line;
	struct h1_lines lines;
	uint64_t left;	       /* of the body, or of the chunk */
	uint64_t early[2];     /* missing before the roles are known, by enum gap_why */
	int64_t start_us;      /* of the first byte in lines, or of those in doubt */
	struct digest digest;  /* of the message, and interim answers before it */
	struct h1_exchange *x; /* whose message this is, NULL between messages */
};

struct h1 {
	const struct entry_sink *sink;
	struct h1_stream stream[2]; /* by enum dir */
	bool roles_known, spoke;
	bool switched; /* to another protocol */
	bool goes_on;  /* the exchange that switched does, in that: it is `head` */
	/* Which answer belongs to which request (http1_pair.c). */
	bool pipelined;	    /* a request was sent before the end of the answer to another */
	bool overlap;	    /* so it seems, unless bytes of the answer were lost */
	bool asked;	    /* a request began, or may have, after the last bytes of answers */
	bool missed;	    /* the answer to the last request but one was lost, it seems */
	bool ahead;	    /* in_order: one that nobody saw may have been sent ahead of others */
	bool in_order;	    /* gaps come where they belong (struct conn_hint) */
	bool lossy;	    /* since the start, or since it was quiet */
	bool uncertain;	    /* what begins belongs to nobody until it is quiet */
	uint8_t one_by_one; /* exchanges before anything was lost */
	enum dir request_dir : 8, last_dir : 8;
	uint32_t requests;		  /* seen */
	uint32_t least;			  /* bytes of the shortest of them */
	struct h1_exchange *unproven;	  /* what the client sends next tells whether it is one */
	struct h1_exchange *head, **tail; /* requests without their whole answer, in order */
	size_t queued;
	/* After a switch of protocols: own bytes of that feed, and what the client sent early. */
	size_t taken;
	struct buf early;
	uint64_t early_at;
};

/* http1_pair.c: which answer belongs to which request. */
bool h1_is_request_dir(const struct h1 *h, enum dir dir);
/* What this direction is in; only while stream[dir].x is set. */
struct h1_message *h1_framing_of(const struct h1 *h, enum dir dir);
struct message *h1_message_of(const struct h1 *h, enum dir dir);
struct entry_part *h1_part_of(const struct h1 *h, enum dir dir);
/* Where the bytes in lines, which may belong to the next message, begin; else the next byte. */
uint64_t h1_candidate_offset(const struct h1_stream *s);
/* Back to between messages. */
void h1_stream_reset(struct h1_stream *s);
/* Would what begins in this direction be the answer to a request that was not seen? */
bool h1_lacks_request(const struct h1 *h, enum dir dir);
/* A message, or bytes that are none, begins in this direction. 0 or -ENOMEM. */
int h1_begin_message(struct h1 *h, enum dir dir, int64_t now);
/* It has ended at `now`, or at its last byte when that is 0; emits the exchange when both have. */
void h1_end_message(struct h1 *h, enum dir dir, int64_t now);
/* Give up on requests that wait, but for `keep`. */
void h1_drop_unanswered(struct h1 *h, const struct h1_exchange *keep, const char *missing);
/* So many bytes between messages are missing. */
void h1_note_hidden(struct h1 *h, enum dir dir, uint64_t len);
/* From here on messages of this direction may have begun that nobody saw. */
void h1_note_hole(struct h1 *h, enum dir dir);
/* The next bytes of this direction are here. */
void h1_note_bytes(struct h1 *h, enum dir dir);
/* What has begun to come as an answer is none: the request still waits. */
void h1_set_apart(struct h1 *h);
/* A message begins: is what the direction is in another one? It ends then. */
bool h1_is_apart(const struct h1 *h, enum dir dir);
void h1_end_apart(struct h1 *h, enum dir dir);
/* What is not proven by now is not one exchange. */
void h1_give_up(struct h1 *h);
/* It has been quiet: no more is awaited. */
void h1_be_quiet(struct h1 *h);

/* http1_body.c: what follows the head. Number of bytes taken, or -errno. */
ssize_t h1_feed_body(struct h1 *h, enum dir dir, const uint8_t *data, size_t len, int64_t now);
/* Has an answer that may have a body, or none, been read just up to there? */
bool h1_is_doubtful(const struct h1 *h, enum dir dir);
/* What is in doubt is body after all. */
void h1_end_doubt(struct h1 *h, enum dir dir, int64_t now);
/* The part of a gap that a body of known length covers; the body may end with it. */
uint64_t h1_gap_body(struct h1 *h, enum dir dir, uint64_t len, enum gap_why why, int64_t now);
/* The end of the body can no longer be found by its framing. */
void h1_lose_framing(struct h1 *h, enum dir dir, enum http_note note);

/* http1_live.c: tell what goes on. */
void h1_tell_live(struct h1 *h, int64_t now);

/* http1_seek.c: where does a message begin? Number of bytes taken, or -errno. */
ssize_t h1_feed_seek(struct h1 *h, enum dir dir, const uint8_t *data, size_t len, int64_t now);
int h1_gap_seek(struct h1 *h, enum dir dir, uint64_t len, enum gap_why why, int64_t now);
/* What is missing between messages is of one after all. 0 or -ENOMEM. */
int h1_place_early(struct h1 *h, enum dir dir, int64_t now);
/* Bytes that might have begun a message begin none: no more come, or not of them. */
void h1_close_seek(struct h1 *h, enum dir dir);

#endif
