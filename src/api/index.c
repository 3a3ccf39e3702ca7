// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hash.h"

struct index_slot {
	uint64_t hash;
	size_t key, len;
	size_t number; /* from 1; 0: free */
};

static int grow(struct index *x)
{
	size_t size = x->size ? x->size * 2 : 64;
	struct index_slot *slots = calloc(size, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < x->size; i++) {
		size_t at = x->slots[i].hash & (size - 1);
		if (!x->slots[i].number)
			continue;
		while (slots[at].number)
			at = (at + 1) & (size - 1);
		slots[at] = x->slots[i];
	}
	free(x->slots);
	x->slots = slots;
	x->size = size;
	return 0;
}

static uint64_t hash_of(const char *text, size_t len)
{
	uint64_t hash = hash_bytes(text, len);

	return hash ^ hash >> 32;
}

/* Its slot, or the free one where it would be. The table has some. */
static struct index_slot *seek(const struct index *x, uint64_t hash, const char *text, size_t len)
{
	size_t at = hash & (x->size - 1);

	for (; x->slots[at].number; at = (at + 1) & (x->size - 1)) {
		const struct index_slot *s = &x->slots[at];
		if (s->hash == hash && s->len == len && !memcmp(x->keys.data + s->key, text, len))
			break;
	}
	return &x->slots[at];
}

int64_t index_find(const struct index *x, const char *text, size_t len)
{
	const struct index_slot *s = x->size ? seek(x, hash_of(text, len), text, len) : NULL;

	return s && s->number ? (int64_t)s->number - 1 : -ENOENT;
}

int64_t index_of(struct index *x, const char *text, size_t len)
{
	uint64_t hash = hash_of(text, len);

	if (x->count * 2 >= x->size && grow(x))
		return -ENOMEM;
	struct index_slot *s = seek(x, hash, text, len);
	if (s->number)
		return (int64_t)s->number - 1;
	/* One byte more, so that there is data to compare even for the empty text. */
	size_t key = x->keys.len;
	if (buf_put(&x->keys, text, len) || buf_putc(&x->keys, 0))
		return -ENOMEM;
	*s = (struct index_slot){ hash, key, len, ++x->count };
	return (int64_t)x->count - 1;
}

void index_free(struct index *x)
{
	free(x->slots);
	buf_free(&x->keys);
	*x = (struct index){ 0 };
}
