/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * KFL, the filter language: text → tokens → tree → checked tree → SQL. Knows the fields of
 * an entry through their table (kfl/vocabulary.h), and nothing else of the program.
 */
#ifndef CLEARTAP_KFL_H
#define CLEARTAP_KFL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct kfl;
struct kfl_field;

struct kfl_error {
	char message[256]; /* one sentence, suggests the nearest known name */
	size_t column;	   /* from 1, in characters (code points) */
	size_t length;	   /* of the offending text, at least 1 */
};

/*
 * Compile `len` bytes of query. 0, -EINVAL with *ret_error filled, or -ENOMEM. The caller frees
 * *ret with kfl_free(). Nothing of a query with an error is ever run.
 */
int kfl_compile(const char *query, size_t len, struct kfl **ret, struct kfl_error *ret_error);
void kfl_free(struct kfl *k);

/* Does it look at the detail or the bodies of entries? */
bool kfl_needs_detail(const struct kfl *k);
/*
 * The i-th field that some condition compares with values (field == value, <, in, startsWith), or
 * flag, that an index may serve; NULL past the last. Not all of many are told.
 */
const struct kfl_field *kfl_compared(const struct kfl *k, size_t i);
/* No entry with a timestamp outside of from_us <= t < to_us can match. */
void kfl_time_range(const struct kfl *k, int64_t *ret_from_us, int64_t *ret_to_us);
/* limit(n): n, or -1 without one. */
int64_t kfl_limit(const struct kfl *k);

/* A path of redact(). */
struct kfl_redaction {
	const char *field; /* a name of /api/kfl/fields, never an alias */
	const char
		*decoder;  /* "json" or "xml" when the path leads into what a body says, or NULL */
	const char *steps; /* that follow, into the field or the decoded body (json_read_step) */
	size_t steps_len;
};
/* The i-th path of redact("path", ...), NULL past the last. */
const struct kfl_redaction *kfl_redacted(const struct kfl *k, size_t i);
/* Two queries with the same meaning text share one evaluation: the query with blanks folded. */
const char *kfl_normal(const struct kfl *k);

/* Append the JSON of /api/kfl/fields:
 * {"fields":[{name,type,help,aliases}],"functions":[...],"flags":[...]}. */
int kfl_put_fields_json(struct buf *out);

#endif
