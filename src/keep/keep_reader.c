// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"
#include "keep/keep_blocks.h"
#include "keep/keep_files_internal.h"

#define READ_BYTES (256 << 10)

_Static_assert(READ_BYTES >= KEEP_BLOCK_MAX, "a block");

/* One ring of files, from the oldest on. */
struct keep_cursor {
	struct keep_ring *ring;
	struct {
		struct keep_file *file;
		uint64_t number, size; /* as they were */
	} left[KEEP_FILES];
	size_t files, file;
	uint64_t offset; /* of what is read next */
	char *bytes;
	size_t len, at;
	struct kept_packet next;
	bool has;
};

struct keep_reader {
	struct keep_files *files;
	struct keep_cursor cursor[KEEP_RINGS];
	struct keep_cursor *last; /* whose packet was told */
};

static void begin(struct keep_cursor *c, struct keep_ring *r)
{
	c->ring = r;
	for (size_t i = 0; i < KEEP_FILES; i++) {
		struct keep_file *f = &r->file[i];
		size_t at = c->files;
		if (!f->number)
			continue;
		for (; at && c->left[at - 1].number > f->number; at--)
			c->left[at] = c->left[at - 1];
		c->left[at].file = f;
		c->left[at].number = f->number;
		c->left[at].size = f->size;
		c->files++;
	}
}

struct keep_reader *keep_reader_new(struct keep_files *k)
{
	struct keep_reader *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->files = k;
	pthread_mutex_lock(&k->lock);
	for (size_t i = 0; i < KEEP_RINGS; i++)
		begin(&r->cursor[i], &k->ring[i]);
	pthread_mutex_unlock(&k->lock);
	for (size_t i = 0; i < KEEP_RINGS; i++) {
		r->cursor[i].bytes = malloc(READ_BYTES);
		if (!r->cursor[i].bytes) {
			keep_reader_free(r);
			return NULL;
		}
	}
	return r;
}

void keep_reader_free(struct keep_reader *r)
{
	for (size_t i = 0; r && i < KEEP_RINGS; i++)
		free(r->cursor[i].bytes);
	free(r);
}

/* More of the file, behind what is not used yet. False: there is no more. */
static bool fill(struct keep_files *k, struct keep_cursor *c)
{
	const struct keep_file *f = c->left[c->file].file;
	uint64_t size = c->left[c->file].size;
	ssize_t n = 0;

	memmove(c->bytes, c->bytes + c->at, c->len - c->at);
	c->len -= c->at;
	c->at = 0;
	size_t room = READ_BYTES - c->len;
	if (c->offset >= size)
		return false;
	if (room > size - c->offset)
		room = size - c->offset;
	pthread_mutex_lock(&k->lock);
	if (f->number == c->left[c->file].number)
		n = pread(f->fd, c->bytes + c->len, room, (off_t)c->offset);
	pthread_mutex_unlock(&k->lock);
	if (n <= 0)
		return false;
	c->len += (size_t)n;
	c->offset += (uint64_t)n;
	return true;
}

static size_t take(struct keep_cursor *c)
{
	uint64_t number;
	bool head = c->offset == c->len; /* the file is read from its begin */
	size_t n = keep_blocks_get(c->bytes + c->at, c->len - c->at, &c->next);

	if (n || !head || c->at)
		return n;
	n = keep_blocks_head(c->bytes, c->len, &number);
	c->at += n;
	return n ? keep_blocks_get(c->bytes + c->at, c->len - c->at, &c->next) : 0;
}

static void advance(struct keep_files *k, struct keep_cursor *c)
{
	size_t n;

	c->has = false;
	while (c->file < c->files) {
		n = take(c);
		if (n) {
			c->at += n;
			c->has = true;
			return;
		}
		if (fill(k, c))
			continue;
		c->file++;
		c->offset = c->len = c->at = 0;
	}
}

bool keep_reader_next(struct keep_reader *r, struct kept_packet *ret)
{
	struct keep_cursor *best = NULL;

	for (size_t i = 0; i < KEEP_RINGS; i++) {
		struct keep_cursor *c = &r->cursor[i];
		if (!r->last || r->last == c)
			advance(r->files, c);
		if (c->has && (!best || c->next.time_us < best->next.time_us))
			best = c;
	}
	r->last = best;
	if (best)
		*ret = best->next;
	return best;
}
