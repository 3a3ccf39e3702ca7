/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Regular expressions under a limit of steps. */
#ifndef CLEARTAP_KFL_REGEX_H
#define CLEARTAP_KFL_REGEX_H

#include <stdbool.h>
#include <stddef.h>

struct regex;

/* 0, -EINVAL with what is wrong and the offset in the pattern, -ENOMEM. Free with regex_free(). */
int regex_new(const char *pattern, size_t len, struct regex **ret, size_t *ret_offset,
	      char *message, size_t message_size);
void regex_free(struct regex *re);
/* Is the pattern one? The same results. */
int regex_check(const char *pattern, size_t len, size_t *ret_offset, char *message,
		size_t message_size);
/* Grant the steps and the time for one entry, in which `len` bytes will be looked at. */
void regex_arm(struct regex *re, size_t len);
/*
 * Does it match anywhere in the text, of which bytes may be no UTF-8? 1, 0, -E2BIG when what
 * regex_arm() granted is used up: LIMIT_REGEX_STEPS and a few for each byte, or LIMIT_REGEX_MS;
 * -ENOMEM.
 */
int regex_match(struct regex *re, const char *text, size_t len);

#endif
