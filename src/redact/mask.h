/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of redaction: sets of names, and functions that mask values of such names in a text. */
#ifndef CLEARTAP_MASK_H
#define CLEARTAP_MASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct message_masks;

#define MASK	      "\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2"
#define MASK_NAME_MAX 64

/* Names in normal form: lower case, without "-" and "_". Zero-initialise it. */
struct names {
	struct mask_name {
		char text[MASK_NAME_MAX];
		size_t next; /* of the same first letter: its number, counted from 1 */
	} * list;
	size_t count, first[32]; /* by the first letter, counted from 1 */
	/* What most texts fail: by first and last letter, there is one; by the first, its length.
	 */
	uint32_t ends[32];
	uint64_t lengths[32];
};

/* Normal form of at most MASK_NAME_MAX - 1 bytes into out; its length, 0 when it is longer. */
size_t name_normal(const char *text, size_t len, char out[static MASK_NAME_MAX]);
int names_add(struct names *n, const char *name);
/* The name of the set that `text` is, NULL for none. */
const char *names_find(const struct names *n, const char *text, size_t len);
void names_free(struct names *n);

/* A copy of a text with parts replaced, in order; nothing is copied until something is replaced. */
struct masker {
	const char *text;
	size_t len, done;
	struct buf *out;	     /* the caller's, empty */
	struct message_masks *masks; /* the caller's: what was masked; NULL: not wanted */
	bool changed;
	int error;
};

struct masker mask_begin(const char *text, size_t len, struct buf *out,
			 struct message_masks *masks);
void mask_replace(struct masker *m, size_t start, size_t end, const char *by, size_t by_len);
/* Replace by MASK, and remember that `kind` `name` was masked. */
void mask_value(struct masker *m, size_t start, size_t end, const char *kind, const char *name);
void mask_hit(struct masker *m, const char *kind, const char *name);
/* Copies the rest. 0 or -ENOMEM; m->changed tells whether out holds the result. */
int mask_end(struct masker *m);

/* name=value after "?", "&", ";" or "#", as in a URL, and the password of user:password@. */
void mask_url(struct masker *m, const struct names *n);
/* a=b&c=d from the first byte on: a query without its "?", or a form (URL Standard, 5.1). */
void mask_form(struct masker *m, const struct names *n, const char *kind);
/* Members of JSON, also of JSON inside JSON strings and of cut-off documents. */
void mask_json(struct masker *m, const struct names *n);
/* RFC 7578; the boundary is that of the first line. */
void mask_multipart(struct masker *m, const struct names *n);
void mask_xml(struct masker *m, const struct names *n);

#endif
