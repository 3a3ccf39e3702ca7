/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Looks into JSON text where it lies: no tree, no memory, bounded depth. What is handed out is
 * valid JSON; text that breaks off or goes wrong further on is good up to there.
 */
#ifndef CLEARTAP_JSON_READ_H
#define CLEARTAP_JSON_READ_H

#include <stdbool.h>
#include <stddef.h>

#include "base/text.h"

struct buf;

enum json_kind {
	JSON_IS_NONE,
	JSON_IS_NULL,
	JSON_IS_BOOL,
	JSON_IS_NUMBER,
	JSON_IS_STRING,
	JSON_IS_ARRAY,
	JSON_IS_OBJECT
};

/* The value at the start of the text, blanks aside; {NULL, 0} when there is none. */
struct text json_value(struct text in);
enum json_kind json_kind(struct text value);

/*
 * One walk through a whole text: each key (before its value), scalar, and begin and end of an
 * object or array. The walk ends when fn does not return 0. 0, or -EINVAL: it ended early, or the
 * text is not one JSON value, which is known only then.
 */
enum json_event { JSON_KEY, JSON_SCALAR, JSON_BEGIN, JSON_END };
typedef int json_visit_fn(void *ctx, enum json_event event, struct text at);
int json_visit(struct text in, unsigned levels, json_visit_fn *fn, void *ctx);

/* Members of an object or elements of an array; keys are strings with their quotes. */
struct json_iterator {
	const char *p, *end;
	bool object, started;
};
struct json_iterator json_iterate(struct text value);
bool json_next(struct json_iterator *it, struct text *ret_key, struct text *ret_value);
size_t json_count(struct text value);

/* Append what a string says. */
int json_put_string(struct text string, struct buf *out);
/* Does the string say this? */
bool json_says(struct text string, struct text what, bool any_case);
/* The member of an object; {NULL, 0} when there is none. */
struct text json_object_member(struct text object, struct text name);

#endif
