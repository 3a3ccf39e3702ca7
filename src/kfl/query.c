// SPDX-License-Identifier: GPL-2.0-or-later
#include "kfl/tree.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kfl/kfl.h"
#include "base/utf8.h"

#define QUERY_BLOCK_SIZE 8192

struct query_block {
	struct query_block *next;
	size_t used, size;
	_Alignas(16) char data[];
};

void *query_alloc(struct query *q, size_t size)
{
	struct query_block *b = q->blocks;

	size = (size + 15) & ~(size_t)15;
	if (!b || b->size - b->used < size) {
		size_t room = size > QUERY_BLOCK_SIZE ? size : QUERY_BLOCK_SIZE;
		b = calloc(1, sizeof(*b) + room);
		if (!b)
			return NULL;
		b->next = q->blocks;
		b->size = room;
		q->blocks = b;
	}
	b->used += size;
	return b->data + b->used - size;
}

void query_free(struct query *q)
{
	for (struct query_block *b = q->blocks, *next; b; b = next) {
		next = b->next;
		free(b);
	}
	q->blocks = NULL;
}

/* Code points; a byte that is not UTF-8 counts as one. */
static size_t count_chars(const char *text, size_t len)
{
	size_t n = 0;

	for (size_t i = 0; i < len; n++) {
		size_t u = utf8_length((const unsigned char *)text + i, len - i);
		i += u ? u : 1;
	}
	return n;
}

int query_fail(struct query *q, size_t pos, size_t len, const char *fmt, ...)
{
	struct kfl_error *e = q->error;
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(e->message, sizeof(e->message), fmt, ap);
	va_end(ap);
	e->column = count_chars(q->text, pos) + 1;
	/* What is missing at the end has a length of 1 there. */
	e->length = count_chars(q->text + pos, len < q->len - pos ? len : q->len - pos);
	if (!e->length)
		e->length = 1;
	return -EINVAL;
}

struct shown query_show(const char *text, size_t len)
{
	struct shown s;
	size_t n = 0, i = 0;

	while (i < len && n < sizeof(s.text) - 8) {
		size_t u = utf8_length((const unsigned char *)text + i, len - i);
		if (!u || (u == 1 && ((unsigned char)text[i] < 0x20 || text[i] == 0x7f))) {
			n += (size_t)sprintf(s.text + n, "\\x%02x", (unsigned char)text[i++]);
			continue;
		}
		memcpy(s.text + n, text + i, u);
		n += u;
		i += u;
	}
	if (i < len) {
		memcpy(s.text + n, "...", 3);
		n += 3;
	}
	s.text[n] = '\0';
	return s;
}

struct node *node_new(struct query *q, enum node_kind kind, size_t pos, size_t len)
{
	struct node *n = query_alloc(q, sizeof(*n));

	if (n) {
		n->kind = kind;
		n->pos = pos;
		n->len = len;
	}
	return n;
}

void node_add(struct node *parent, struct node *child)
{
	if (parent->last)
		parent->last->next = child;
	else
		parent->first = child;
	parent->last = child;
	parent->count++;
	if (parent->height <= child->height)
		parent->height = child->height + 1;
}
