/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A file made of all entries that a filter lets through, oldest first, sent as it is made. */
#ifndef CLEARTAP_API_EXPORT_H
#define CLEARTAP_API_EXPORT_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct entry;
struct kfl;
struct request;

struct export_format {
	const char *type, *extension;
	/* The state of one file, NULL when out of memory. */
	void *(*open)(struct request *r);
	/*
	 * Told first, and without their payload, of the entries that are in the file; without a
	 * filter, of those that look_query finds. NULL: it need not know.
	 */
	int (*look)(void *state, const struct entry *e);
	const char *look_query;
	int (*begin)(void *state, struct buf *out);
	/* Some of what is before the entries; *ret_done: that is all. NULL: nothing is. */
	int (*before)(void *state, struct buf *out, bool *ret_done);
	/* An entry with its payload; filter: what it redacts (NULL nothing). */
	int (*add)(void *state, const struct entry *e, const struct kfl *filter, struct buf *out);
	int (*end)(void *state, struct buf *out);
	void (*close)(void *state);
};

/* Answer with a file of this format; takes ?q=. */
void export_start(struct request *r, const struct export_format *format);

#endif
