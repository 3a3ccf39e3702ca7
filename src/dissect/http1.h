/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the HTTP/1.x dissector share (RFC 9110, RFC 9112). */
#ifndef CLEARTAP_HTTP1_H
#define CLEARTAP_HTTP1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "dissect/payload.h"
#include "entry.h"

/* Which start lines may follow; both as long as the roles of the directions are not known. */
enum h1_kind { H1_REQUEST = 1, H1_RESPONSE = 2 };

enum h1_verdict { H1_NO, H1_MORE, H1_YES };

/* Recognises a start line byte by byte. Zero-initialise it, then set kinds. */
struct h1_start_line {
	uint8_t kinds;	   /* enum h1_kind bits that are still possible */
	uint8_t in_target; /* request: past the method */
	uint8_t version;   /* request: characters of " HTTP/1.x" matched */
	uint8_t status;	   /* response: characters of "HTTP/1.x 000" matched */
	uint32_t method;   /* request: length of the method */
};

/* YES at the LF that ends a start line; kinds then says of what. */
enum h1_verdict h1_start_line_step(struct h1_start_line *s, uint8_t c);

/* Lines of a head or trailer, taken in any portions. */
struct h1_lines {
	struct buf text;    /* whole lines, each ended by one LF, then the line that is not whole */
	size_t start;	    /* of that line in text */
	uint64_t line_size; /* its bytes on the stream */
	uint64_t size;	    /* bytes on the stream in all */
	uint64_t cut;	    /* of these not kept, for a bound */
	bool bare_lf;
};

/* Take bytes up to the end of an empty line; the number taken, *ret_end tells whether it came. */
size_t h1_lines_feed(struct h1_lines *l, const uint8_t *data, size_t len, bool *ret_end);
void h1_lines_reset(struct h1_lines *l);

/* What is worth telling about a message; h1_notes has the texts. */
enum h1_note {
	H1_NOTE_LENGTH_CONFLICT,
	H1_NOTE_LENGTH_BAD,
	H1_NOTE_LENGTH_IGNORED,
	H1_NOTE_CODING_UNKNOWN,
	H1_NOTE_BARE_LF,
	H1_NOTE_FOLDED,
	H1_NOTE_FIELD_BAD,
	H1_NOTE_FIELDS_CUT,
	/* from here on the message is not complete */
	H1_NOTE_HEAD_CUT,
	H1_NOTE_HEAD_GAP,
	H1_NOTE_CHUNK_BAD,
	H1_NOTE_FRAMING_LOST,
	H1_NOTE_STRAY,
	H1_NOTE_SKIPPED,
	H1_NOTE_ENDED_EARLY,
	H1_NOTE_COUNT,
};
#define H1_NOTE_FIRST_FAULT H1_NOTE_HEAD_CUT

struct h1_message {
	bool begun, done;
	bool has_head;
	bool chunked, has_length, close_delimited;
	uint16_t status;
	uint32_t notes;	       /* bits of enum h1_note */
	uint64_t length;       /* Content-Length */
	uint64_t head_size;    /* bytes on the stream: start line and header fields */
	uint64_t framing_size; /* chunk lines, trailers, interim answers */
	uint64_t head_cut;
	uint64_t skipped;  /* bytes before its start that are no message */
	uint64_t unplaced; /* bytes after its framing was lost, not kept */
	uint64_t expected; /* body bytes that were to come when it ended early */
	int64_t start_us, end_us;
	struct entry_part part; /* interim answers too */
	struct buf json;	/* members of its object so far */
	struct buf interim;	/* response: objects of 1xx answers */
	unsigned interims;
	struct payload body;
};

/* One request and its answer. */
struct h1_exchange {
	struct h1_exchange *next;
	bool queued; /* waits in the queue of its connection */
	bool alone;  /* which answer is its own cannot be told */
	bool head_method, connect_method;
	struct entry *entry;
	struct h1_message request, response;
	const char *missing; /* why one of the two is not there, NULL when both are */
};

/*
 * Read a whole head: writes the message's members, fills the entry's fields, finds the framing.
 * The lines end with an empty one or where the head was cut. 0 or -ENOMEM.
 */
int h1_head_read(struct h1_exchange *x, struct h1_message *m, struct h1_lines *l);
/* The status code of a response head that begins with `text`, 0 for none. */
uint16_t h1_head_status(const struct buf *text);
/* An interim (1xx) answer: append its object to m->interim. */
int h1_head_read_interim(struct h1_message *m, struct h1_lines *l, int64_t time_us);
int h1_trailer_read(struct h1_message *m, struct h1_lines *l);

/* Complete the entry: sizes, reason, detail. Takes the bodies out of the messages. */
struct entry *h1_exchange_take_entry(struct h1_exchange *x, bool client);
struct h1_exchange *h1_exchange_new(void);
void h1_exchange_free(struct h1_exchange *x);

#endif
