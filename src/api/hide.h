/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What redact("path", ...) of a query hides in its own answers. What repeats a hidden value
 * elsewhere is hidden with it (the header Cookie repeats the cookies, the target the path, ...),
 * and where a part cannot be told from the rest the whole is hidden.
 */
#ifndef CLEARTAP_API_HIDE_H
#define CLEARTAP_API_HIDE_H

#include "api/hide_detail.h"

struct buf;
struct kfl;

/* Append the entry as JSON. filter NULL: nothing is hidden. */
int hide_put_entry(const struct entry *e, const struct kfl *filter, struct buf *out);

/* A copy of the entry (texts are borrowed) whose columns are hidden as asked; NULL: none are. */
struct entry hide_columns(const struct entry *e, const struct kfl *filter);

/* 0 or -ENOMEM; hide_free() in any case. */
int hide_whole(const struct entry *e, const struct kfl *filter, struct hidden *ret);
void hide_free(struct hidden *m);

#endif
