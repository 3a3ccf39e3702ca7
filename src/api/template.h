/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Calls of one endpoint, told by what stays the same: paths without their numbers and identifiers,
 * statements without their values. Pure functions of text.
 */
#ifndef CLEARTAP_API_TEMPLATE_H
#define CLEARTAP_API_TEMPLATE_H

#include <stdbool.h>
#include <stddef.h>

struct buf;

/* What stands for a part of a path that varies: by its form, or because there are too many. */
#define TEMPLATE_ID   "{id}"
#define TEMPLATE_MANY "{*}"

/*
 * Append the path (without query) with each segment that is a number, a UUID, a hash, a date or a
 * long token as {id}; all these hold a digit. An ending (".json") stays. 0 or -ENOMEM.
 */
int template_path(const char *path, struct buf *ret);
/* Append a statement with numbers and quoted texts as ?, lists of these as one. 0 or -ENOMEM. */
int template_sql(const char *sql, struct buf *ret);
/* Append a regular expression (PCRE) that finds what became this path, or this statement. */
int template_pattern(const char *template, bool is_path, struct buf *ret);

#endif
