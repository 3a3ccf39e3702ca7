/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Entries by what was called: rows with their sums, and the calls of each. */
#ifndef CLEARTAP_API_ENDPOINT_ROWS_H
#define CLEARTAP_API_ENDPOINT_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/index.h"
#include "base/buf.h"

struct entry;
struct kfl;

/* How what was called is told from the summary. */
enum endpoint_form { FORM_PATH, FORM_SQL, FORM_WHOLE, FORM_COMMAND };

/* A row's key: its texts, each with a NUL. */
enum endpoint_part { PART_PROTOCOL, PART_HOST, PART_METHOD, PART_TEMPLATE, PARTS };

struct endpoint_call {
	size_t row;
	int64_t elapsed_us, timestamp_us; /* elapsed -1: unknown */
};

struct endpoint_row {
	uint64_t calls, client_errors, server_errors, incomplete, bytes, timed;
	size_t key;   /* where it is in the texts of the index */
	size_t first; /* its calls in the sorted list */
};

/* Zero-initialise it; endpoint_rows_free() frees what is in it. */
struct endpoints {
	const struct kfl *filter; /* whose redact() is kept; NULL: none */
	struct index keys;
	struct buf rows;  /* struct endpoint_row, by number of key */
	struct buf calls; /* struct endpoint_call */
	struct buf key;	  /* scratch */
};

enum endpoint_form endpoint_form_of(const char *protocol);
/* One text of a key. */
const char *endpoint_key_part(const char *key, enum endpoint_part part);
const char *endpoint_key(const struct endpoints *x, const struct endpoint_row *row);
struct endpoint_row *endpoint_row_at(const struct endpoints *x, size_t n);
/* Count an entry. 0 or -ENOMEM. */
int endpoint_rows_add(struct endpoints *x, const struct entry *e);
/*
 * Where more than LIMIT_ENDPOINT_BRANCHES different texts follow one beginning of a path, make them
 * one ({*}). 0 or -ENOMEM.
 */
int endpoint_rows_fold(struct endpoints *x);
void endpoint_rows_free(struct endpoints *x);

#endif
