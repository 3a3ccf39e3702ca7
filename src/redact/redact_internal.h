/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of redaction share. */
#ifndef CLEARTAP_REDACT_INTERNAL_H
#define CLEARTAP_REDACT_INTERNAL_H

#include "redact/mask.h"

struct redact {
	struct names headers, query, body, cookies;
};

struct entry;

/* A part of a text. */
struct span {
	size_t start, end;
};

/* What became of one body. */
struct body_result {
	bool changed, decoded;
	struct buf text; /* when changed */
	struct buf hits;
};

/* Look through a body of that type and coding (values as sent, may be empty). 0 or -ENOMEM. */
int redact_body(const struct redact *r, const char *type, const char *encoding,
		const struct buf *body, struct body_result *ret);
/* Rewrite the detail and replace the bodies of an entry. 0 or -ENOMEM. */
int redact_detail(const struct redact *r, struct entry *e);

#endif
