/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What redact("path", ...) of a query hides in its own answers. */
#ifndef CLEARTAP_API_REDACT_H
#define CLEARTAP_API_REDACT_H

struct buf;
struct entry;
struct kfl;

/* The entry as JSON, the fields that the filter redacts as "[redacted]". filter NULL: none. */
int redact_put_entry(const struct entry *e, const struct kfl *filter, struct buf *out);

#endif
