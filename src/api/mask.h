/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What redact("path", ...) of a query hides in its own answers. */
#ifndef CLEARTAP_API_MASK_H
#define CLEARTAP_API_MASK_H

#include <jansson.h>

struct buf;
struct entry;
struct kfl;

/* The entry as JSON, the fields that the filter redacts as "[redacted]". filter NULL: none. */
int mask_put_entry(const struct entry *e, const struct kfl *filter, struct buf *out);
/* A copy of the entry's own fields with those masked; texts and payload are still the entry's. */
void mask_entry(const struct entry *e, const struct kfl *filter, struct entry *ret);
/*
 * The entry's detail (detail_load()) with what the filter redacts masked in it; a body that is
 * redacted leaves "body_redacted". NULL: no memory.
 */
json_t *mask_detail(const struct entry *e, const struct kfl *filter);

#endif
