/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Send what a handler wrote into the body of its answer. */
#ifndef CLEARTAP_API_REPLY_H
#define CLEARTAP_API_REPLY_H

struct request;

/* It is of this type and complete, unless `error` (-errno) says otherwise. */
void reply_text(struct request *r, const char *type, int error);
/* The same for JSON. */
void reply_json(struct request *r, int error);
/* It has this type and may be revalidated: makes ETag, 304 where it matches. */
void reply_tagged(struct request *r, const char *type, int error);

#endif
