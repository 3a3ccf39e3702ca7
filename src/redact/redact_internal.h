/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of redaction share. */
#ifndef CLEARTAP_REDACT_INTERNAL_H
#define CLEARTAP_REDACT_INTERNAL_H

#include <stdatomic.h>

#include "base/limits.h"
#include "message.h"
#include "redact/mask.h"
#include "redact/names.h"
#include "redact/redact.h"
#include "redact/secret_scan.h"

struct entry;
struct items;

struct body_format;
struct proto_set;

struct redact_counters {
	_Atomic uint64_t over_budget, not_decoded, opaque, no_memory, schemas;
};

struct redact {
	struct names headers, query, body, cookies;
	struct siphash_key key;
	bool keep_opaque;
	const struct proto_set *set; /* NULL: none */
	struct reflected *reflected;
	struct redact_counters *counters;
};

/* What servers told of their messages; redact_reflect.c. */
struct reflected;
int reflected_new(struct reflected **ret);
void reflected_free(struct reflected *l);
/*
 * Before its body is masked: what the answer of a server reflection tells of the server. Files that
 * were not taken: they are none, or past a bound.
 */
unsigned reflected_learn(struct reflected *l, const struct entry *e, const char *coding);
/* What the server that is called in the entry told; NULL: nothing. */
const struct proto_set *reflected_set(struct reflected *l, const struct entry *e);
/* What codes the messages of a body of gRPC. */
struct text redact_coding(const struct message *m);

/* Steps (mask.h) that looking for secrets in so many bytes may take: beyond, nothing is kept. */
static inline size_t redact_work_max(size_t len)
{
	return len < LIMIT_MASK_WORK_FREE / LIMIT_MASK_WORK ? LIMIT_MASK_WORK_FREE
							    : LIMIT_MASK_WORK * len;
}

#define REDACT_TOO_LONG "not kept: looking for secrets in it would take too long"

/* What became of one body. */
struct body_result {
	bool changed, decoded;
	struct buf text; /* when changed */
	struct message_masks masks;
	size_t work;	 /* steps that were taken, those before it included */
	const char *why; /* nothing of it may be kept, because: a constant; NULL: it is kept */
};

/* The body of a message as it came: type and coding as sent, may be empty. */
struct body_text {
	const char *type, *encoding;
	const struct buf *bytes;
	const struct payload *payload; /* where bytes are missing; NULL: nowhere */
	/* Of gRPC: the type of the messages that it is made of, and what codes those that are. */
	const char *frames, *coding;
	/* Of a part of a body or exchange: steps that others of it took, and that all may take. */
	size_t work, work_max;
};

/*
 * Look through the first `len` bytes of a binary format, as far as they are understood, and the
 * rest as text. 0, -E2BIG (ret->why says why nothing of it may be kept) or -ENOMEM.
 */
int redact_binary(const struct redact *r, const struct body_format *format,
		  const struct body_text *body, const void *data, size_t len,
		  struct body_result *ret);
/* Look through the messages of a body of gRPC. 0 or -ENOMEM. */
int redact_frames(const struct redact *r, const struct body_text *body, const char *data,
		  size_t len, struct body_result *ret);
/* Append the type of the messages of one side of a call. 0 or -ENOMEM. */
int redact_call_type(const struct redact *r, const struct entry *e, bool answer, struct buf *ret);
/*
 * Undo what codes messages, as far as LIMIT_ITEM_BYTES and LIMIT_ITEMS_DECODED allow; then write
 * those that have a type (`types`, of what client and server send) as JSON. 0 or -ENOMEM.
 */
int redact_decode_items(struct items *l);
int redact_render_items(const struct redact *r, struct items *l, const char *const types[2]);
/* Look through a body. 0 or -ENOMEM. */
int redact_body(const struct redact *r, const struct body_text *body, struct body_result *ret);
/*
 * Mask in a message and in its body, unless that was stored before. `frames`: the type of messages
 * of gRPC in it; NULL where it has none. *ret_why tells why nothing of
 * the body is kept although it was understood, NULL otherwise. 0 or -ENOMEM.
 */
int redact_message(const struct redact *r, struct message *m, struct buf *body, bool kept,
		   const char *frames, const char **ret_why);
/* Mask in the messages of a long exchange; takes NULL. `types` as above. 0 or -ENOMEM. */
int redact_items(const struct redact *r, struct items *l, const char *const types[2]);
/* Mask in one text, of the kind that `mode` says. *ret_changed: out holds it. */
int redact_line(const struct redact *r, struct text line, enum scan_mode mode, struct buf *out,
		struct message_masks *masks, bool *ret_changed);
/* Keep the length and a digest of a body alone; `why` is a constant. */
void redact_drop_body(const struct redact *r, struct message *m, struct buf *body, const char *why);

#endif
