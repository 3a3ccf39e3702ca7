// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/export/block.h"

#include <string.h>

void block_init(struct block *b)
{
	*b = (struct block){ 0 };
	b->w.out = &b->bytes;
}

void block_free(struct block *b)
{
	buf_free(&b->bytes);
}

void block_number(struct writer *w, uint64_t v, size_t size)
{
	writer_put(w, &v, size); /* in the order of bytes that the section header tells */
}

void block_time(struct writer *w, int64_t us)
{
	block_number(w, (uint64_t)us >> 32, 4);
	block_number(w, (uint64_t)us & UINT32_MAX, 4);
}

void block_option(struct writer *w, unsigned code, const void *data, size_t len)
{
	static const char zeros[4];

	block_number(w, code, 2);
	block_number(w, len, 2);
	writer_put(w, data, len);
	writer_put(w, zeros, -len & 3);
}

void block_comment(struct writer *w, const char *text)
{
	block_option(w, OPTION_COMMENT, text, strlen(text));
}

int block_end(struct block *b, enum block_type type, struct buf *out)
{
	static const char zeros[4];
	size_t len = b->bytes.len + (-b->bytes.len & 3) + 12;
	struct writer w = { .out = out, .error = b->w.error };

	block_number(&w, type, 4);
	block_number(&w, len, 4);
	writer_put(&w, b->bytes.data, b->bytes.len);
	writer_put(&w, zeros, -b->bytes.len & 3);
	block_number(&w, len, 4);
	buf_reset(&b->bytes);
	return w.error;
}
