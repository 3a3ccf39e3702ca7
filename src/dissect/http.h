/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the versions of HTTP share (RFC 9110): from names and values to the members of a message,
 * and from two messages to an entry. Nothing here knows how they are written on the stream.
 */
#ifndef CLEARTAP_HTTP_H
#define CLEARTAP_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/limits.h"
#include "base/text.h"
#include "message.h"

struct entry;

/* What is worth telling about a message (message.notes); http_notes has the texts. */
enum http_note {
	HTTP_NOTE_LENGTH_CONFLICT,
	HTTP_NOTE_LENGTH_BAD,
	HTTP_NOTE_LENGTH_IGNORED,
	HTTP_NOTE_CODING_UNKNOWN,
	HTTP_NOTE_BARE_LF,
	HTTP_NOTE_FOLDED,
	HTTP_NOTE_FIELD_BAD,
	HTTP_NOTE_PROMISED,
	HTTP_NOTE_STREAM_CODED,
	/* from here on the message is not complete */
	HTTP_NOTE_FIELDS_CUT,
	HTTP_NOTE_HEAD_CUT,
	HTTP_NOTE_HEAD_GAP,
	HTTP_NOTE_CHUNK_BAD,
	HTTP_NOTE_FRAMING_LOST,
	HTTP_NOTE_STRAY,
	HTTP_NOTE_SKIPPED,
	HTTP_NOTE_ENDED_EARLY,
	/* HTTP/2: what a header block refers to was not seen; the first that is missing is told */
	HTTP_NOTE_HEAD_BAD,
	HTTP_NOTE_HEAD_MISSING,
	HTTP_NOTE_ROLES,
	HTTP_NOTE_LATE_METHOD,
	HTTP_NOTE_LATE_PATH,
	HTTP_NOTE_LATE_AUTHORITY,
	HTTP_NOTE_LATE_STATUS,
	HTTP_NOTE_LATE_FIELDS,
	HTTP_NOTE_LOST_METHOD,
	HTTP_NOTE_LOST_PATH,
	HTTP_NOTE_LOST_AUTHORITY,
	HTTP_NOTE_LOST_STATUS,
	HTTP_NOTE_LOST_FIELDS,
	HTTP_NOTE_HOLE,
	HTTP_NOTE_COUNT,
};
#define HTTP_NOTE_FIRST_FAULT HTTP_NOTE_FIELDS_CUT

extern const char *const http_notes[HTTP_NOTE_COUNT];

static inline void http_note(struct message *m, enum http_note note)
{
	m->notes |= 1U << note;
}

static inline bool http_has_note(const struct message *m, enum http_note note)
{
	return m->notes & 1U << note;
}

/* Fields past LIMIT_HEADERS that say where the message ends; they count, but are not listed. */
#define HTTP_MORE_FIELDS 16

/* The fields of a head or trailer: texts in the memory of the message, or that live as long. */
struct http_fields {
	size_t count, listed;
	struct message_pair list[LIMIT_HEADERS + HTTP_MORE_FIELDS];
};

/* Append a field; `framing`: it counts even where there is no room to list it. */
void http_fields_add(struct http_fields *f, struct message *m, struct text name, struct text value,
		     bool framing);

/* Always inline, so that the length of `word` is known when this is compiled. */
static inline __attribute__((always_inline)) bool http_is(struct text t, const char *word)
{
	return t.len == strlen(word) && (*t.data | 0x20) == (*word | 0x20) &&
	       !strncasecmp(t.data, word, t.len);
}

/* Without the blanks around it. */
struct text http_trim(struct text t);
/* Up to the first `c`, which is taken away too; the rest stays in *t. */
struct text http_take_until(struct text *t, char c);
/* The values of all fields of a name as one list, in the message's memory. 0 or -ENOMEM. */
int http_join(const struct http_fields *f, const char *name, struct message *m, struct text *ret);

/*
 * Fill the members that fields tell of: headers, cookies, content_type and content_encoding.
 * `coding`: transfer codings that are still on the body, listed after its content codings; may be
 * empty. 0 or -ENOMEM.
 */
int http_read_fields(struct message *m, const struct http_fields *f, struct text coding);
/* The pairs of the query of m->target. 0 or -ENOMEM. */
int http_read_query(struct message *m);
/* Are there fewer than LIMIT_INTERIM interim answers yet? */
bool http_wants_interim(const struct message *m);
/* An interim answer (1xx). 0 or -ENOMEM. */
int http_read_interim(struct message *m, uint16_t status, struct text reason,
		      const struct http_fields *f, int64_t time_us);
int http_read_trailers(struct message *m, const struct http_fields *f);
/* "CONNECT", "HEAD": methods are compared with their case. */
static inline __attribute__((always_inline)) bool http_is_method(const struct message *request,
								 const char *method)
{
	return request->method.len == strlen(method) &&
	       !memcmp(request->method.data, method, strlen(method));
}

/*
 * The entry of an exchange: takes its messages (NULL: not seen) and their bodies. `missing`: why
 * one of them is not there, NULL when both are or the exchange goes on. NULL when out of memory:
 * the messages are freed then.
 */
struct entry *http_entry_new_take(struct message *request, struct message *response,
				  const char *missing);
/* Derive all that it says of its messages again (struct dissector). */
void http_entry_refill(struct entry *e);

#endif
