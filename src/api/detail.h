/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One entry in full (HACKING, "Detail"). */
#ifndef CLEARTAP_API_DETAIL_H
#define CLEARTAP_API_DETAIL_H

#include <jansson.h>
#include <stdbool.h>

struct buf;
struct entry;
struct jw;

/* The stored detail as an object, {} when there is none or it cannot be read. NULL: no memory. */
json_t *detail_load(const struct entry *e);
/* The value of content_encoding of "request" or "response", "" without one. Borrowed. */
const char *detail_encoding(const json_t *detail, const char *side);
/* The members of an entry as the API shows it, in an object that was begun. */
void detail_put_members(struct jw *j, const struct entry *e);
/*
 * Append the entry with its detail, to which the bodies are added, and where to fetch them; `query`
 * (or "") is what the URLs of bodies end with. 0 or -errno.
 */
int detail_put(const struct entry *e, const json_t *detail, const char *query, struct buf *out);

#endif
