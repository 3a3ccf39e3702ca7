/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An entry: one exchange of one connection, as the list, the API, the live stream and KFL show it
 * (design section 7). A dissector makes it, the store numbers it, the API writes it as JSON.
 *
 * Text fields are NUL-terminated and never NULL; they point to constants or into the entry's own
 * memory (entry_text).
 */
#ifndef CLEARTAP_ENTRY_H
#define CLEARTAP_ENTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct jw;
struct items;
struct message;

enum lock { LOCK_NONE, LOCK_OPEN, LOCK_CLOSED };

/* The members are the rows of entry.def, which tells what they are. */
#define ENTRY_ID      int64_t
#define ENTRY_TEXT    const char *
#define ENTRY_WORD    const char *
#define ENTRY_PAIRS   const char *
#define ENTRY_I64     int64_t
#define ENTRY_I32     int32_t
#define ENTRY_U16     uint16_t
#define ENTRY_ELAPSED int64_t
#define ENTRY_TIME    int64_t
#define ENTRY_BOOL    bool
#define ENTRY_LOCK    enum lock

/* clang-format off */
struct endpoint {
#define END(kind, member, ...) ENTRY_##kind member;
#define DERIVED(...)
#define LATER(...)
#define LATER_END(...)
#include "endpoint.def"
#undef END
#undef DERIVED
#undef LATER
#undef LATER_END
};
/* clang-format on */

struct entry {
	struct endpoint src, dst; /* src opened the connection */
#define FIELD(kind, place, member, ...) ENTRY_##kind member;
#include "entry.def"

	/*
	 * Request and response as a dissector left them, NULL where not seen, until redaction has
	 * run and entry_write_detail() (message.h) has written `detail` from them. The entry owns
	 * them; their bodies are below.
	 */
	struct message *message[2];
	struct items *items; /* the messages of a long exchange (items.h), until then too; NULL */
	const char *remark;  /* a constant, in the detail's "notes"; NULL */
	/* JSON object with request, response, tls_info, events (HACKING, "Detail"); "" for none. */
	struct buf detail;
	/* Message bodies without transfer coding; content codings are kept (and named in detail).
	 */
	struct buf request_body, response_body;
	/*
	 * Of a later version (live): the body of request or response is as an earlier one brought
	 * it, and so is not here. The store leaves what it has.
	 */
	bool body_kept[2];

	/*
	 * Which exchange this is a version of, for one that is told more than once: never 0 and
	 * never used again while the server runs. Versions come in order, and the last one is not
	 * open. 0: told once, whole.
	 */
	uint64_t live;
	bool again; /* set by store_append(): the exchange had its id before */
	/*
	 * Where request and response begin in the bytes of their directions, which both ends of a
	 * connection count alike, and a digest of all bytes that were copied of them (dissectors
	 * fill it, src/session/ pairs the ends by it).
	 */
	struct entry_part {
		bool seen, whole; /* whole: no byte of it is missing */
		uint64_t offset, length;
		uint64_t digest;
		int64_t first_us, last_us;
	} part[2]; /* request, response */
	/* Its protocol tells that this end was seen from the first byte of both directions on. */
	bool from_start;

	struct entry_block *blocks; /* memory of the texts */
	struct entry *next;	    /* in src/app/queue.c */
};

/*
 * A new entry with every text "", words "unknown", numbers 0, elapsed times -1; NULL when out of
 * memory.
 */
struct entry *entry_new(void);
void entry_free(struct entry *e);
/* Leave bodies and messages out, counted as truncated and omitted; `reason` (a constant) tells why.
 */
void entry_drop_bodies(struct entry *e, const char *reason);
/* Memory that the entry holds, about. */
size_t entry_bytes(const struct entry *e);
/*
 * A copy of `len` bytes as text that lives as long as the entry; bytes that are not UTF-8 and NULs
 * become U+FFFD. "" when out of memory, so that a text is never NULL.
 */
const char *entry_text(struct entry *e, const void *text, size_t len);
/* The same from a format; the result is cut at 512 bytes. */
const char *entry_printf(struct entry *e, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/* Append the JSON object of design section 7 without request, response, tls_info and events. */
int entry_put_json(const struct entry *e, struct buf *out);
/* The same as members of an object that was begun; one of its ends as a member of that name. */
void entry_put_members(struct jw *j, const struct entry *e);
void entry_put_lock(struct jw *j, const char *name, enum lock lock);
void entry_put_end(struct jw *j, const char *name, const struct endpoint *p);
/* "2026-11-21T19:10:18.123456Z" of µs since 1970; out holds at least 28 bytes. */
void entry_format_time(int64_t us, char out[static 28]);

#endif
