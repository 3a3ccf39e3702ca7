/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Header fields of an answer. */
#ifndef CLEARTAP_API_ANSWER_H
#define CLEARTAP_API_ANSWER_H

#include <stdbool.h>

struct request;

/* Add a header field to the answer, at most LIMIT_ANSWER_HEADERS of them. */
void answer_header(struct request *r, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Does If-None-Match name this tag? */
bool answer_unchanged(const struct request *r, const char *tag);

#endif
