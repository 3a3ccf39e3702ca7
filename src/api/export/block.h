/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Blocks of pcapng, as they are written (draft-ietf-opsawg-pcapng). */
#ifndef CLEARTAP_API_BLOCK_H
#define CLEARTAP_API_BLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/writer.h"

enum block_type {
	INTERFACE = 1,
	INTERFACE_STATISTICS = 5,
	ENHANCED_PACKET = 6,
	DECRYPTION_SECRETS = 10,
	SECTION_HEADER = 0x0a0d0d0a,
};

#define OPTION_COMMENT	   1
#define OPTION_NAME	   2 /* of an interface */
#define OPTION_FLAGS	   2 /* of a packet: 1 it came in, 2 it went out */
#define OPTION_APPLICATION 4 /* of a section */
#define OPTION_DROPPED	   5 /* of statistics */
#define LINKTYPE_RAW	   101
#define SECRETS_TLS	   0x544c534b

/* One that is being made. */
struct block {
	struct buf bytes;
	struct writer w; /* fills it; its error is that of the file */
};

void block_init(struct block *b);
void block_free(struct block *b);
void block_number(struct writer *w, uint64_t v, size_t size);
void block_time(struct writer *w, int64_t us);
void block_option(struct writer *w, unsigned code, const void *data, size_t len);
void block_comment(struct writer *w, const char *text);
/* Append it, and begin the next one. 0 or -ENOMEM. */
int block_end(struct block *b, enum block_type type, struct buf *out);

#endif
