/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a store is made of. A new one is a folder beside sqlite/ with one struct store_ops, and a
 * row in stores.c. Each function keeps the contract of the one in store.h that calls it.
 */
#ifndef CLEARTAP_STORE_OPS_H
#define CLEARTAP_STORE_OPS_H

#include "store/store.h"

struct store_ops {
	const char *scheme; /* of its URIs: "sqlite" */
	const char *usage;  /* what one looks like */

	/* `place` is the URI after the scheme. error is "" when it is called. */
	int (*open)(const struct store_options *options, const char *place, uid_t owner_uid,
		    gid_t owner_gid, struct store **ret, char *error, size_t error_size);
	void (*close)(struct store *s);

	int (*append)(struct store *s, struct entry *const *batch, size_t count);
	void (*maintain)(struct store *s, int64_t now_us);
	void (*error)(struct store *s, char *out, size_t size);

	int (*check)(struct store *s, const struct kfl *filter, struct kfl_error *ret_error);
	int (*select)(struct store *s, const struct store_query *q, store_row_fn *row, void *ctx,
		      struct store_page *ret, char *error, size_t error_size);
	int (*get)(struct store *s, int64_t id, struct entry **ret);
	int (*count)(struct store *s, const struct store_histogram *q, uint64_t (*counts)[OUTCOMES],
		     struct store_counted *ret, char *error, size_t error_size);
	struct store_stats (*stats)(struct store *s);
	/* The file beside which others may lie; NULL: it has none. */
	const char *(*path)(const struct store *s);
};

/* The first member of what open() makes; set by store_open(). */
struct store {
	const struct store_ops *ops;
};

/* Ends with NULL. A path without a scheme is of the first. */
extern const struct store_ops *const store_table[];

#endif
