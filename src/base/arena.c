// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/arena.h"

#include <stddef.h>
#include <stdlib.h>

#include "base/account.h"

#define BLOCK_SIZE 1008

struct arena_block {
	struct arena_block *next;
	_Alignas(max_align_t) char data[];
};

void *arena_alloc(struct arena *a, size_t size)
{
	size = (size + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
	a->used += size;
	if (size > a->left) {
		/* What is large has a block of its own, so that no room is lost before it. */
		size_t room = size > BLOCK_SIZE / 4 ? size : BLOCK_SIZE;
		struct arena_block *b = malloc(sizeof(*b) + room);
		if (!b)
			return NULL;
		b->next = a->blocks;
		a->blocks = b;
		account_change(a->account, a->held, a->held + sizeof(*b) + room);
		a->held += sizeof(*b) + room;
		if (room == size)
			return b->data;
		a->next = b->data;
		a->left = room;
	}
	void *p = a->next;
	a->next += size;
	a->left -= size;
	return p;
}

void arena_free(struct arena *a)
{
	for (struct arena_block *b = a->blocks, *next; b; b = next) {
		next = b->next;
		free(b);
	}
	account_change(a->account, a->held, 0);
	*a = (struct arena){ 0 };
}
