/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reading the store for one answer. */
#ifndef CLEARTAP_API_PAGE_H
#define CLEARTAP_API_PAGE_H

#include <stdbool.h>

#include "store/store.h"

struct entry;
struct hidden;
struct request;

/* store_select(); false: it failed and the answer is made. */
bool page_select(struct request *r, const struct store_query *q, store_row_fn *row, void *ctx,
		 struct store_page *ret);
/*
 * The entry that {id} names, with its payload, without what redact() in ?q= hides, which is all of
 * q that counts here; false: there is none, or it failed, and the answer is made. The caller frees
 * *ret_entry and *ret, in any case.
 */
bool page_masked(struct request *r, struct entry **ret_entry, struct hidden *ret);

#endif
