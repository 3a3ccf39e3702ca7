/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a body of a structured format holds, as JSON. */
#ifndef CLEARTAP_BODY_JSON_H
#define CLEARTAP_BODY_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/text.h"

struct buf;
struct jw;
struct proto_set;
struct body_node;
struct body_walk;

struct body_format {
	const char *name; /* "protobuf" */
	void (*walk)(struct body_walk *w);
	/*
	 * A value that is a text in place of the one of node `n`, at `data`: its head, for so many
	 * bytes, is appended. NULL: the format is text itself.
	 */
	int (*put_head)(struct buf *out, const struct body_node *n, const uint8_t *data,
			size_t len);
	bool lengths;		  /* what nests has its length in front of it */
	const char *const *types; /* ends with NULL; "+cbor" is the end of one */
};

/* By its name; NULL when there is none. */
const struct body_format *body_format_named(const char *name);
/* By a Content-Type; NULL when it is none that is taken apart. */
const struct body_format *body_format_of(const char *content_type);

/* What tells of the format what the bytes do not. All may be NULL. */
struct body_about {
	const char *content_type;
	const struct proto_set *set;
	const char *message_type;
};

/*
 * Write for people, as one value: {"format":"cbor","tree":NODE,"guessed":true,"message":"a.B",
 * "cut":{"why":...,"offset":N}}, the last three where they apply. A NODE has "type", and where it
 * has them "name" (as a member), "alias" (its name by a schema), "label" (what the value means),
 * "tag", "size" (of what has a length), "cut": true (the bytes end inside it, or not all are
 * shown). A map has "members", a list "elements", both NODEs; bytes are "hex", all else is "value".
 * 0 or -ENOMEM.
 */
int body_put_tree(const struct body_format *f, const struct body_about *about, const void *data,
		  size_t len, struct jw *out);
/*
 * Append as plain JSON for people, members by the names of a schema where there is one. 0, -EILSEQ:
 * the bytes are not understood to their end (what is there is whole JSON), or -ENOMEM.
 */
int body_put_named(const struct body_format *f, const struct body_about *about, const void *data,
		   size_t len, struct buf *out);
/*
 * Append for filters: plain JSON, maps as objects and lists as arrays, bytes as hexadecimal digits.
 * 0 or -ENOMEM.
 */
int body_put_plain(const struct body_format *f, const void *data, size_t len, struct buf *out);

#endif
