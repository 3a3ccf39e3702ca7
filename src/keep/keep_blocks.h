/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The blocks of pcapng that a file of kept packets is made of. */
#ifndef CLEARTAP_KEEP_BLOCKS_H
#define CLEARTAP_KEEP_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;
struct kept_packet;

#define KEEP_BLOCK_MAX (LIMIT_KEEP_PACKET + 64) /* of a packet, bytes */
#define KEEP_HEAD_MAX  256			/* what a file begins with, at most */

/* What file number `n` begins with. -ENOMEM. */
int keep_blocks_begin(uint64_t n, struct buf *out);
/* The same read: the bytes that it takes, 0: it is none. */
size_t keep_blocks_head(const void *data, size_t len, uint64_t *ret_n);
int keep_blocks_put(const struct kept_packet *p, struct buf *out);
/* The block that begins here: its bytes, 0: it is none, or not whole. */
size_t keep_blocks_get(const void *data, size_t len, struct kept_packet *ret);

#endif
