/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds secrets in any text, in one pass: values behind a name (a=b, "a": b, <a>b</a>, a form's
 * part), and values that look like one. The text may be whole or cut off or have bytes missing: in
 * doubt too much is masked rather than too little.
 */
#ifndef CLEARTAP_SCAN_H
#define CLEARTAP_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "redact/mask.h"
#include "redact/names.h"

enum scan_mode {
	SCAN_TEXT,
	SCAN_FORM,  /* a=b&c=d from the first byte on: a value ends at "&" alone */
	SCAN_URL,   /* a whole URL or target: the same after its "?" */
	SCAN_QUERY, /* a URL's query, without its "?" */
};

/* What a document says of itself, and so of names that say nothing elsewhere. */
enum scan_context {
	SCAN_ANYTHING,
	SCAN_JWK,   /* a key (RFC 7517): its private members */
	SCAN_VAULT, /* a Secret of Kubernetes: all of its data */
};

struct scan_options {
	const struct names *names;
	const char *kind; /* of what is masked by name: "body", "query" */
	enum scan_mode mode;
	bool code;   /* HTML or a script: what stands behind "=" and ":" without quotes is code */
	bool markup; /* XML or HTML: an element that is not closed goes on to the end */
	bool multipart; /* a form in parts */
	int depth;	/* of texts inside values of texts */
	enum scan_context context;
	uint64_t columns; /* of a table: those that are secrets, a bit each */
	char sign;	  /* between them */
	/* Where bytes are missing before that position, ascending. */
	const size_t *gaps;
	size_t gap_count;
};

/* 0; -E2BIG when it is given up, because it would take too long: then nothing of it may be kept. */
int scan_text(struct masker *m, const struct scan_options *o);

/* A text without a type: does it look like a form, or a URL? */
enum scan_mode scan_mode_of(const char *text, size_t len);
enum scan_context scan_context_of(const char *text, size_t len);
/* The columns of a table that are secrets; 0: there are none, or it is no table. */
uint64_t scan_table_columns(const struct names *names, const char *text, size_t len,
			    char *ret_sign);
/* A count, a truth: nothing that a name with a word of a secret somewhere in it would hide. */
bool scan_is_plain(const char *text, size_t len);

/*
 * For words that scan_text() finds: the end of the secret that begins at or after `start`, whose
 * place is *ret_start, and what it is; 0 when there is none. `end` is the end of the word.
 */
size_t shape_find(const char *text, size_t len, size_t start, size_t end, bool broad,
		  size_t *ret_start, const char **ret_name);
/*
 * Bytes of a word that is looked at for its shape whatever its first byte. Shorter ones begin with
 * a digit from 2 to 6, "b", "p" or "-", and a blank follows.
 */
#define SHAPE_LEAST 14
/* Letters and digits without order, as far as one can tell. */
bool shape_is_random(const char *text, size_t len);

#endif
