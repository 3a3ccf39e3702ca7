/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of scan.h share: where values end. */
#ifndef CLEARTAP_SCAN_VALUE_H
#define CLEARTAP_SCAN_VALUE_H

#include "base/hex.h"
#include "redact/secret_scan.h"

#define SCAN_WORK_FACTOR 128 /* steps for each byte where there is no other bound */
#define SCAN_WORK_LEAST	 (64 << 10)

struct secret_scan {
	struct masker *m;
	const struct scan_options *o;
	size_t work_limit;
	size_t word, word_end;	/* the last one */
	const char *name;	/* for what the name that was judged last counts */
	bool in_query;		/* of a URL: behind its "?" */
	enum name_kind element; /* of XML, whose tag goes on */
	const char *element_name;
	enum name_kind label; /* a name that was the value of "name" */
	const char *label_name;
	size_t label_at;
	size_t next_gap;		       /* where bytes are missing next */
	size_t gap;			       /* where bytes are missing last; 0: nowhere yet */
	bool label_is_gap;		       /* it may have been there: bytes are missing */
	bool element_labelled;		       /* the next element's text is the value of `label` */
	size_t parameter_start, parameter_end; /* of a URL or form, the one that was looked at */
	size_t nested_end;		       /* up to where texts in values were looked for */
	size_t next_close; /* where "</" is known to be next; 0: not looked for */
};

struct name_place {
	size_t start, end;
	size_t depth; /* backslashes before its quotes */
	bool quoted;
	char before; /* the delimiter before it, when not quoted */
};

/*
 * The value that begins at `value`, behind "=" or ":". Masks it, if it is a secret, and returns its
 * end; else `value`.
 */
size_t scan_equals_value(struct secret_scan *s, const struct name_place *p, size_t value,
			 enum name_kind kind);
size_t scan_colon_value(struct secret_scan *s, const struct name_place *p, size_t value,
			enum name_kind kind);
/* Is a value of that kind to be masked? */
bool scan_is_secret(const struct secret_scan *s, size_t start, size_t end, enum name_kind kind);
/* Bytes before the first of `set`. */
size_t scan_until(const char *text, size_t len, const char *set);
/* Bytes are missing before `gap`; where to go on, at i or behind. */
size_t scan_after_gap(struct secret_scan *s, size_t i, size_t gap);
/* Where a parameter of a URL or form ends. */
size_t scan_parameter_end(struct secret_scan *s, size_t value);
/* "scheme://user:password@host": i is after "://"; where to go on. */
size_t scan_userinfo(struct secret_scan *s, size_t i);
/*
 * A word of SHAPE_LEAST bytes and more that is a secret by what stands before it: its end, from
 * *ret_start on, and for what it counts; 0 when it is none.
 */
size_t scan_long_word(struct secret_scan *s, size_t start, size_t end, size_t *ret_start,
		      const char **ret_name);
/* "--password SECRET", "-u", "me:SECRET": the option is a word; where to go on. */
size_t scan_option(struct secret_scan *s, size_t start, size_t end);
/* Letters of both cases and digits: no name of a file, no port. */
bool scan_is_mixed(const char *text, size_t len);
/* Does a word that is not short end like a password's name? */
#define PASSWORD_LEAST 8
static inline bool scan_ends_password(const char *text, size_t start, size_t end)
{
	return end - start >= PASSWORD_LEAST && (text[end - 1] | 0x20) == 'd' &&
	       (text[end - 2] | 0x20) != 'e';
}
/* "password SECRET", "IDENTIFIED BY 'SECRET'": the word is the one before it; where to go on. */
size_t scan_phrase(struct secret_scan *s, size_t start, size_t end);
/* Does the document make that a name of a secret? */
bool scan_context_names(enum scan_context context, const char *name, size_t len);
/* The rows of a table, up to the last secret; where to go on. */
size_t scan_table(struct secret_scan *s, uint64_t secret, char sign);
/* Look through a part of the text; where that ended, at `limit` or behind. */
size_t scan_range(struct secret_scan *s, size_t i, size_t limit);
/* The text of the element whose tag ends at i; where to go on. */
size_t scan_element(struct secret_scan *s, size_t i);
/* <key>password</key>: at its end, which is at i. */
void scan_label_element(struct secret_scan *s, size_t i);
/* Replace a parameter by a text, percent-encoded. */
void scan_put_encoded(struct masker *m, size_t start, size_t end, const struct buf *text);

#endif
