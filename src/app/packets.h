/* SPDX-License-Identifier: GPL-2.0-or-later */
/* --keep-packets, and --keylog beside it: what is opened before privileges go. */
#ifndef CLEARTAP_PACKETS_H
#define CLEARTAP_PACKETS_H

#include <stddef.h>

struct keep;
struct serve_options;

/*
 * NULL and -1 stay where the options ask for neither. `store` is the path of the store, NULL where
 * it has none. 0, or -errno with a sentence in error.
 */
int packets_open(const struct serve_options *s, const char *store, struct keep **ret_keep,
		 int *ret_key_log, char *error, size_t size);

#endif
