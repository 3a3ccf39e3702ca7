/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of redaction share. */
#ifndef CLEARTAP_REDACT_INTERNAL_H
#define CLEARTAP_REDACT_INTERNAL_H

#include "message.h"
#include "redact/mask.h"

struct redact {
	struct names headers, query, body, cookies;
};

/* What became of one body. */
struct body_result {
	bool changed, decoded;
	struct buf text; /* when changed */
	struct message_masks masks;
};

/* Look through a body of that type and coding (values as sent, may be empty). 0 or -ENOMEM. */
int redact_body(const struct redact *r, const char *type, const char *encoding,
		const struct buf *body, struct body_result *ret);
/* Mask in a message and in its body, unless that was stored before. 0 or -ENOMEM. */
int redact_message(const struct redact *r, struct message *m, struct buf *body, bool kept);

#endif
