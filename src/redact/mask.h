/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A copy of a text with parts replaced, in order; nothing is copied until something is replaced. */
#ifndef CLEARTAP_MASK_H
#define CLEARTAP_MASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/siphash.h"

struct message_masks;

/* What stands for a secret: this, and a token of it in MASK_TOKEN letters and digits. */
#define MASK	   "\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2"
#define MASK_TOKEN 6
#define MASK_SIZE  (sizeof(MASK) - 1 + MASK_TOKEN)

/* The mask of a secret. */
void mask_token(const struct siphash_key *key, const char *secret, size_t len,
		char out[static MASK_SIZE]);

/*
 * What it costs is counted, so that the same bytes always have the same fate: in steps of some
 * quarter of a nanosecond of a processor of 2023.
 */
#define WORK_EVENT  48	/* a separator with its name */
#define WORK_WORD   32	/* a word that is long; a tag of XML */
#define WORK_MASK   160 /* a secret */
#define WORK_NODE   120 /* a value of a binary format */
#define WORK_NESTED 400 /* a text in a value */
#define WORK_RUNE   8	/* a character of another encoding */

struct masker {
	const char *text;
	size_t len, done;
	struct buf *out;	       /* the caller's, empty */
	const struct siphash_key *key; /* of the tokens: same secret, same token */
	struct message_masks *masks;   /* the caller's: what was masked; NULL: not wanted */
	size_t work, work_max;	       /* in steps; work_max 0: as much as scan_text() allows */
	const char *last_kind, *last_name;
	bool changed;
	int error;
};

struct masker mask_begin(const char *text, size_t len, const struct siphash_key *key,
			 struct buf *out, struct message_masks *masks);
/* A position that is not past what was replaced already is moved there. */
void mask_replace(struct masker *m, size_t start, size_t end, const char *by, size_t by_len);
/* Replace by the mask, between `quote`s when that is not NULL; say that `kind` `name` was masked.
 */
void mask_value(struct masker *m, size_t start, size_t end, const char *kind, const char *name);
void mask_quoted(struct masker *m, size_t start, size_t end, const char *quote, const char *kind,
		 const char *name);
void mask_hit(struct masker *m, const char *kind, const char *name);
/* Copies the rest. 0 or -ENOMEM; m->changed tells whether out holds the result. */
int mask_end(struct masker *m);

#endif
