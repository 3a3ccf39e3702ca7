/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the HTTP/1.x dissector share (RFC 9110, RFC 9112). */
#ifndef CLEARTAP_HTTP1_H
#define CLEARTAP_HTTP1_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "dissect/http.h"
#include "dissect/http_stream.h"
#include "dissect/live.h"
#include "dissect/upgraded.h"
#include "entry.h"
#include "message.h"

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
	uint64_t line_size; /* its bytes on the stream */
	uint64_t size;	    /* bytes on the stream in all */
	uint64_t cut;	    /* of these not kept, for a bound */
	uint32_t start;	    /* in text, of the line that is not whole */
	bool bare_lf;
	size_t *account; /* where the buffer counts, NULL: nowhere */
};

/* Take bytes up to the end of an empty line; the number taken, *ret_end tells whether it came. */
size_t h1_lines_feed(struct h1_lines *l, const uint8_t *data, size_t len, bool *ret_end);
void h1_lines_reset(struct h1_lines *l);

/* One message of an exchange, and where its end is. */
struct h1_message {
	bool begun, done;
	bool chunked, has_length, close_delimited;
	uint64_t length;	   /* Content-Length */
	struct entry_part part;	   /* interim answers too */
	struct message *msg;	   /* NULL until something of it was seen */
	struct http_stream *items; /* what its body is made of; NULL: nothing */
	size_t items_bytes;	   /* that count for it */
};

/* One request and its answer. */
struct h1_exchange {
	struct h1_exchange *next;
	uint32_t number; /* of the request on its connection, of those that were seen */
	bool queued;	 /* waits in the queue of its connection */
	bool alone;	 /* which answer is its own cannot be told */
	bool unproven;	 /* so far it cannot be told whether this is its answer */
	bool after_hole; /* which request of the connection it is, a client that waits alone tells
			  */
	struct h1_message request, response;
	const char *missing; /* why one of the two is not there, NULL when both are */
	struct live live;
};

/*
 * Read a whole head: fills the message and finds the framing. The lines end with an empty one or
 * where the head was cut. 0 or -ENOMEM.
 */
int h1_head_read(struct h1_message *m, const struct h1_lines *l);
/* The status code of a response head that begins with `text`, 0 for none. */
uint16_t h1_head_status(const struct buf *text);
/* An interim (1xx) answer before the message. */
int h1_head_read_interim(struct message *m, const struct h1_lines *l, int64_t time_us);
int h1_trailer_read(struct message *m, const struct h1_lines *l);

/* What its body is made of has changed: so has what counts for it. */
void h1_message_account(struct h1_message *m, size_t *account);
/* What it holds. */
void h1_message_free(struct h1_message *m, size_t *account);

/* They count on the account as long as they live. */
struct h1_exchange *h1_exchange_new(size_t *account);
void h1_exchange_free(struct h1_exchange *x, size_t *account);
/* An entry of it that takes these messages, NULL where not seen; NULL when out of memory. */
struct entry *h1_entry_new_take(const struct h1_exchange *x, struct message *request,
				struct message *response, bool client);
/* The same with its own messages. */
struct entry *h1_exchange_take_entry(struct h1_exchange *x, bool client);
/* What goes on in another protocol, and the end of x; NULL when out of memory. */
struct upgraded *h1_exchange_take_upgraded(struct h1_exchange *x, const struct entry_sink *sink,
					   enum dir request_dir);

#endif
