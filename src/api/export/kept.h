/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The packets of the wire that are kept, in an export: with whose they are, and with their keys. */
#ifndef CLEARTAP_API_KEPT_H
#define CLEARTAP_API_KEPT_H

#include <stdbool.h>

struct block;
struct buf;
struct entry;
struct kept;
struct request;

/*
 * Of the request are taken: is there a filter, which chooses the connections, and are keys asked
 * for. NULL when out of memory.
 */
struct kept *kept_new(struct request *r);
/* Takes NULL. */
void kept_free(struct kept *k);
/* An entry of a connection whose packets are in the file, or that tells whose it is. */
int kept_look(struct kept *k, const struct entry *e);
/* Some of the packets, oldest first, as of interface 0. */
int kept_put(struct kept *k, struct block *b, struct buf *out, bool *ret_done);

#endif
