/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A request or a response while it is a structure: from the dissector, which fills it, through
 * redaction, which masks in it, to entry_write_detail(), which writes it as JSON (HACKING,
 * "Detail"), once. Texts are bytes as they were sent, in the message's own memory.
 */
#ifndef CLEARTAP_MESSAGE_H
#define CLEARTAP_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/limits.h"
#include "base/text.h"
#include "payload.h"

struct entry;
struct jw;

struct message_pair {
	struct text name, value;
};

struct message_pairs {
	struct message_pair *list;
	size_t count, room;
	bool present; /* shown even when there is none */
};

/* A 1xx answer before the response. */
struct message_interim {
	struct message_interim *next;
	uint16_t status;
	struct text reason;
	int64_t time_us;
	struct message_pairs headers;
};

/* A member that only this protocol has; `name` is a constant. */
struct message_member {
	struct message_member *next;
	const char *name;
	struct text text; /* data NULL: it is `number` */
	int64_t number;
};

/* What a rule of redaction masked: "header", "authorization". Both outlive the message. */
struct message_mask {
	const char *kind, *name;
};

struct message_masks {
	struct message_mask *list;
	size_t count;
};

/* What became of a body when it was stored, for later versions that leave it as it is. */
struct message_stored {
	_Atomic unsigned references; /* versions are freed by the thread that stores them */
	bool masked, decoded;
	size_t size;
	const char *why; /* as body_why of the message, and what belongs to it */
	uint64_t not_kept, digest;
	struct message_masks masks;
	char operation[LIMIT_GRAPHQL_NAME]; /* of GraphQL, "" without one */
};

/* What is wrong with, and what is missing of, what a side sent after its message. */
struct message_after {
	const char *fault; /* a constant; NULL */
	uint64_t unplaced, missing[2];
};

struct message {
	bool request, has_head;
	bool rendered; /* the body is text that the dissector wrote, not what was sent */
	uint16_t status;
	/* data NULL: there is none */
	struct text method, target, authority, version, reason;
	struct text content_type, content_encoding;
	struct message_pairs query, headers, cookies, trailers;
	struct message_interim *interim;
	struct message_member *own;
	/* Bytes on the stream: start line and header fields; what else is not of the body. */
	uint64_t head_size, framing_size;
	uint64_t head_cut; /* of the head, not kept */
	uint64_t skipped;  /* bytes before its start that are no message */
	uint64_t unplaced; /* bytes after its framing was lost, not kept */
	uint64_t expected; /* body bytes that were to come when it ended early */
	uint32_t notes;	   /* bits, of note_texts */
	const char *const *note_texts;
	uint32_t reset;	   /* HTTP/2's error code that ended its stream, plus one; 0: none */
	const char *fault; /* why else it is not complete: a constant; NULL */
	struct message_after after; /* of a WebSocket */
	int64_t start_us, end_us;   /* 0: not seen */
	/* Its bytes go to the entry as soon as there is one. */
	struct payload body;
	/* Set by redaction: the body is not the one that was sent, it is stored decoded. */
	bool body_masked, body_decoded;
	/* Nothing of the body is kept but its length and a digest, because: a constant. */
	const char *body_why;
	uint64_t body_not_kept, body_digest;
	struct message_masks masks;
	struct message_stored *stored; /* NULL: nobody will ask */
	struct arena arena;
};

/* Its memory counts on `account` (NULL: nowhere) until message_leave(). NULL when out of memory. */
struct message *message_new(bool request, size_t *account);
void message_free(struct message *m);
/* Whoever has it now counts its memory, and may be on another thread. Takes NULL. */
void message_leave(struct message *m);
/* A copy, on no account, without the bytes of the body, that shares `stored`; NULL when out of
 * memory. */
struct message *message_copy(const struct message *m);
/* A copy of bytes in the message's memory; data NULL when out of memory. */
struct text message_text(struct message *m, const void *data, size_t len);
/* 0 or -ENOMEM; the texts are borrowed, from the message's own memory. */
int message_add_pair(struct message *m, struct message_pairs *p, struct text name,
		     struct text value);
/* Append to m->interim; NULL when out of memory. */
struct message_interim *message_add_interim(struct message *m);
int message_add_number(struct message *m, const char *name, int64_t number);
int message_add_text(struct message *m, const char *name, struct text text);
/* Bytes on the stream, lost ones too. */
uint64_t message_size(const struct message *m);
/* Memory that it holds. */
size_t message_bytes(const struct message *m);

/* Remember a mask, once. 0 or -ENOMEM. */
int message_masks_add(struct message_masks *m, const char *kind, const char *name);
/*
 * Later versions of the message will not bring the body again: what redaction makes of it is
 * remembered for them. 0 or -ENOMEM.
 */
int message_keep_stored(struct message *m);

/* As members of an object that was begun: where bytes are missing; as elements: what was masked. */
void message_put_gaps(struct jw *j, const char *name, const struct payload *p);
void message_put_masks(struct jw *j, const struct message_masks *masks);
/*
 * Write the entry's detail from its messages and free these. 0, or -ENOMEM: the detail is then
 * empty. Does nothing when they are gone already.
 */
int entry_write_detail(struct entry *e);
/* Its member `tls_info`: what it learned of its connection. */
void entry_put_tls(struct jw *j, const struct entry *e);

#endif
