/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which names have values that are secrets: those of a rule, and those that say so in a part. */
#ifndef CLEARTAP_NAMES_H
#define CLEARTAP_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NAME_MAX_BYTES 64
#define NAME_SHORT     24 /* bytes of a name that is remembered */

/* Names in normal form: lower case, without "-" and "_". Zero-initialise it. */
struct names {
	char (*list)[NAME_MAX_BYTES];
	size_t count;
	/* Names that contain a word of a secret count too, and values that look like one. */
	bool broad;
	/*
	 * What short names turned out to be: most are seen again and again. NULL: not wanted. One
	 * thread at a time may use it.
	 */
	struct name_memory *memory;
	/* What most texts fail: by first and last letter, there is one; by the first, its length.
	 */
	uint32_t ends[32];
	uint64_t lengths[32];
};

/*
 * How sure it is: weak names (key, code) want a value that looks random; of names with a word of a
 * secret in their middle, numbers and truths are not secret; else all but null is.
 */
enum name_kind { NAME_NO, NAME_WEAK, NAME_PART, NAME_STRONG };

/* Normal form of at most NAME_MAX_BYTES - 1 bytes into out; its length, 0 when it is longer. */
size_t name_normal(const char *text, size_t len, char out[static NAME_MAX_BYTES]);
int names_add(struct names *n, const char *name);
/* The name of the set that `text` is, NULL for none. */
const char *names_find(const struct names *n, const char *text, size_t len);
/*
 * The same for names as documents and forms have them, "user[password]", "db.password",
 * "X-Shopify-Access-Token"; *ret_name, which stays valid, tells for what it counts.
 */
enum name_kind names_judge(const struct names *n, const char *text, size_t len,
			   const char **ret_name);
/* Remember names from now on: the set is complete. 0 or -ENOMEM. */
int names_remember(struct names *n);
void names_free(struct names *n);

#endif
