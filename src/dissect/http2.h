/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the HTTP/2 dissector share (RFC 9113). */
#ifndef CLEARTAP_HTTP2_H
#define CLEARTAP_HTTP2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/types.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/account.h"
#include "base/buf.h"
#include "dissect/dissect.h"
#include "dissect/http.h"
#include "dissect/http2_hpack.h"
#include "dissect/http_stream.h"
#include "dissect/live.h"
#include "entry.h"
#include "message.h"

enum h2_type {
	H2_DATA,
	H2_HEADERS,
	H2_PRIORITY,
	H2_RST_STREAM,
	H2_SETTINGS,
	H2_PUSH_PROMISE,
	H2_PING,
	H2_GOAWAY,
	H2_WINDOW_UPDATE,
	H2_CONTINUATION,
};

enum { H2_END_STREAM = 1, H2_END_HEADERS = 4, H2_PADDED = 8, H2_WITH_PRIORITY = 32 };

/* Frames of a stream that was reset may be on their way: so many are known. */
#define H2_RESET_IDS	16
#define H2_HEAD_SIZE	9
#define H2_FRAME_SIZE	16384 /* of a frame, unless SETTINGS allow more */
#define H2_PREFACE	"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
#define H2_PREFACE_SIZE (sizeof(H2_PREFACE) - 1)

struct h2_frame {
	uint32_t len, stream;
	uint8_t type, flags;
};

/* What one direction brings to a stream. */
struct h2_side {
	struct message *msg;	   /* NULL until something of it was seen */
	struct http_stream *items; /* what its body is made of; NULL: nothing */
	struct entry_part part;
	XXH64_state_t digest; /* of the frames of the stream in this direction */
	bool done;
	bool lost;     /* bytes of it are, or may be, missing */
	bool hole;     /* since the last that was seen of it */
	bool unframed; /* it was there when frames were not known */
};

/* One stream: an exchange, and what flows in the tunnel that it made. */
struct h2_stream {
	struct h2_stream *next; /* with the same hash */
	TAILQ_ENTRY(h2_stream) of_conn;
	uint32_t id, promised_on;
	struct h2_side side[2]; /* by enum dir */
	size_t held;		/* by its messages, of what the connection holds */
	size_t listed;		/* of these by `items` of both sides */
	struct live live;
	struct dissection *tunnel; /* NULL: none */
};

/* A header block, from its first frame to END_HEADERS. */
struct h2_block {
	struct h2_stream *stream; /* NULL: nobody's, read for what it inserts */
	struct message *msg;	  /* the stream's, where the texts live */
	uint32_t id;		  /* of the frames that it is in */
	bool promise, end_stream;
	bool spoiled;	  /* the rest of it is not read */
	unsigned unknown; /* fields that were sent before */
	struct text method, scheme, authority, path, protocol, status;
	int64_t start_us;
	size_t kept, size; /* bytes of its fields, and of its frames */
	struct http_fields fields;
};

enum h2_state {
	H2_PRELUDE, /* the client's preface may come */
	H2_SEEK,    /* a frame is looked for */
	H2_HEAD,
	H2_FIXED, /* what is before the content: padding's length, priority, ... */
	H2_CONTENT,
	H2_PADDING,
};

/* One direction. */
struct h2_flow {
	enum h2_state state;
	struct h2_frame frame;
	uint8_t bytes[H2_PREFACE_SIZE]; /* of a head, or of what is fixed; so many are there: */
	uint8_t have, fixed;
	uint8_t pad;
	uint32_t left;		  /* of the frame, from what is fixed on */
	struct h2_stream *stream; /* that a DATA frame is of, NULL: no matter */
	struct h2_block *block;	  /* NULL: none is begun */
	struct hpack hpack;
	bool lost; /* why the table of hpack is partial: bytes were lost, else joined late */
	uint64_t at, head_at; /* offsets of the next byte, and of the frame */
	int64_t head_us;
	size_t table;	 /* bytes of hpack, as they count */
	struct buf seek; /* H2_SEEK: bytes that are looked through, from seek_from on */
	size_t seek_from;
	bool seek_first;	   /* nothing was skipped yet */
	bool strict;		   /* H2_SEEK, after a loss: by a chain of frames (http2_prove.c) */
	uint8_t ends;		   /* how often that ended with the other side's turn */
	uint32_t chain, chain_end; /* its length; where it ended so last */
	uint64_t skipped;	   /* bytes that begin none, since one was lost */
	uint32_t frame_size;	   /* the largest that may come */
	uint32_t credit;	   /* bytes that header fields may become */
	uint32_t goaway;	   /* error code that it told, plus one; 0: none */
	uint8_t goaways;
	int64_t last_us; /* of the last byte */
};

/* A connection. */
struct h2 {
	struct entry_sink sink;
	struct h2_flow flow[2];
	bool roles_known, lossy, upgraded;
	unsigned broken;  /* frames that were none, in both directions */
	bool at_start[2]; /* the direction began with what it has to begin with */
	uint8_t depth;
	enum dir client : 8;
	struct h2_stream **buckets;
	size_t size, count;
	TAILQ_HEAD(, h2_stream) streams; /* in the order in which they began */
	size_t held;			 /* bytes that their messages hold */
	int64_t ticked_us;
	uint32_t last_id;	      /* the highest stream that was begun */
	uint32_t reset[H2_RESET_IDS]; /* the last that were reset, as a ring */
	unsigned resets;
};

/* http2.c */
/* What was begun to be read in this direction ends here, and its frames are not known any more. */
int h2_lose_framing(struct h2 *h, enum dir dir, enum http_note note, int64_t now);

/* http2_read.c: frames, from their first byte. Number of bytes taken, or -errno. */
ssize_t h2_feed_frame(struct h2 *h, enum dir dir, const uint8_t *data, size_t len, int64_t now);
/* `n` of the bytes that are left of the frame are missing. */
int h2_gap_frame(struct h2 *h, enum dir dir, uint32_t n, enum gap_why why, int64_t now);

/* http2_frame.c: heads of frames. */
struct h2_frame h2_frame_read(const uint8_t *p);
/* Are its length and its stream as its type wants them? */
bool h2_frame_is_valid(const struct h2_frame *f);
/* Would anybody send this head? */
bool h2_frame_is_plausible(const uint8_t *p, uint32_t frame_size);
int h2_probe(enum dir dir, const uint8_t *data, size_t len);
/*
 * Does a frame begin at f->seek_from, or after it? Moves on to where one may begin. `end`: no more
 * bytes come for now.
 */
int h2_seek(struct h2_flow *f, bool end);
/* A constant that tells of an error code. */
enum h2_told { H2_RESET_CLIENT, H2_RESET_SERVER, H2_GONE, H2_NOT_PROCESSED, H2_TOLD };
const char *h2_error(uint32_t code, enum h2_told told);

/* http2_prove.c: where frames begin after a loss. */
void h2_prove_begin(struct h2_flow *f);
/* How many bytes are passed over. Once a frame is proven, its head is in f->bytes, the state
 * H2_HEAD. */
size_t h2_prove(const struct h2 *h, struct h2_flow *f, const uint8_t *data, size_t len);
/* The other side takes its turn, or it is quiet. */
void h2_prove_end(struct h2_flow *f, bool quiet);

/* http2_stream.c: the exchanges. */
struct h2_stream *h2_stream_find(const struct h2 *h, uint32_t id);
/* May finish another, when there are too many. NULL when out of memory. */
struct h2_stream *h2_stream_new(struct h2 *h, uint32_t id);
/* Of a stream that was reset bytes may still come. */
void h2_stream_note_reset(struct h2 *h, uint32_t id);
bool h2_stream_was_reset(const struct h2 *h, uint32_t id);
/* The message of a direction, begun when there is none; NULL when out of memory. */
struct message *h2_message(struct h2 *h, struct h2_stream *s, enum dir dir, int64_t now);
/* The messages of the stream have changed: so has what the connection holds. */
void h2_account(struct h2 *h, struct h2_stream *s);
/* Both directions are known from now on. */
void h2_set_client(struct h2 *h, enum dir client);
/* Nothing more comes to it in this direction; may free it. */
void h2_stream_end_side(struct h2 *h, struct h2_stream *s, enum dir dir);
/* Tell of it as it is, and free it. `why` it is not whole: a constant; NULL: it just ends. */
void h2_stream_finish(struct h2 *h, struct h2_stream *s, const char *why);
/*
 * It made a tunnel: it is told, and what flows in it is dissected by itself. `end`: so the answer
 * ends. May free it.
 */
void h2_stream_open_tunnel(struct h2 *h, struct h2_stream *s, bool end);
/* Memory is short (struct dissector). */
void h2_streams_give_way(struct h2 *h);
void h2_streams_tick(struct h2 *h, int64_t now);
/* It has been quiet: of what may have lost its end no more is awaited. */
void h2_streams_idle(struct h2 *h, int64_t now);
void h2_streams_free(struct h2 *h, const char *why);

/* http2_head.c: from a header block to a message. */
/* `s` NULL: nobody's. 0 or -ENOMEM. */
int h2_block_begin(struct h2 *h, enum dir dir, struct h2_stream *s, int64_t now);
/* 0 or -ENOMEM. */
int h2_block_feed(struct h2 *h, enum dir dir, const uint8_t *data, size_t len);
/* Bytes of it are missing, or cannot be read. */
void h2_block_spoil(struct h2 *h, enum dir dir, enum http_note note);
/* END_HEADERS: the message has its head, its trailers, or an interim answer. 0 or -ENOMEM. */
int h2_block_end(struct h2 *h, enum dir dir, int64_t now);
void h2_block_free(struct h2 *h, enum dir dir);

#endif
