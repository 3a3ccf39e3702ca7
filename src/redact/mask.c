// SPDX-License-Identifier: GPL-2.0-or-later
#include "redact/mask.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"

static bool is_ignored(char c)
{
	return c == '-' || c == '_';
}

size_t name_normal(const char *text, size_t len, char out[static MASK_NAME_MAX])
{
	char *p = out;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		if (p == out + MASK_NAME_MAX - 1 && !is_ignored(c))
			return 0;
		*p = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
		p += !is_ignored(c);
	}
	*p = '\0';
	return (size_t)(p - out);
}

int names_add(struct names *n, const char *name)
{
	char normal[MASK_NAME_MAX];
	size_t len = name_normal(name, strlen(name), normal);

	if (!len)
		return -EINVAL;
	if (names_find(n, name, strlen(name)))
		return 0;
	struct mask_name *list = realloc(n->list, (n->count + 1) * sizeof(*n->list));
	if (!list)
		return -ENOMEM;
	n->list = list;
	struct mask_name *added = &n->list[n->count++];
	memcpy(added->text, normal, len + 1);
	added->next = n->first[*normal & 31];
	n->first[*normal & 31] = n->count;
	n->ends[*normal & 31] |= 1U << (normal[len - 1] & 31);
	n->lengths[*normal & 31] |= 1ULL << len;
	return 0;
}

const char *names_find(const struct names *n, const char *text, size_t len)
{
	char normal[MASK_NAME_MAX];

	while (len && is_ignored(*text))
		text++, len--;
	while (len && is_ignored(text[len - 1]))
		len--;
	/* The low five bits are the same for both cases. */
	if (!len || len > 2 * MASK_NAME_MAX || !(n->ends[*text & 31] & 1U << (text[len - 1] & 31)))
		return NULL;
	size_t m = name_normal(text, len, normal);
	if (!m || !(n->lengths[*normal & 31] & 1ULL << m))
		return NULL;
	for (size_t i = n->first[*normal & 31]; i; i = n->list[i - 1].next)
		if (!strcmp(n->list[i - 1].text, normal))
			return n->list[i - 1].text;
	return NULL;
}

void names_free(struct names *n)
{
	free(n->list);
	*n = (struct names){ 0 };
}

struct masker mask_begin(const char *text, size_t len, struct buf *out, struct message_masks *masks)
{
	return (struct masker){ .text = text, .len = len, .out = out, .masks = masks };
}

void mask_replace(struct masker *m, size_t start, size_t end, const char *by, size_t by_len)
{
	if (!m->changed && !m->error)
		m->error = buf_reserve(m->out, m->len + 64);
	m->changed = true;
	if (!m->error)
		m->error = buf_put(m->out, m->text + m->done, start - m->done);
	if (!m->error)
		m->error = buf_put(m->out, by, by_len);
	m->done = end;
}

void mask_hit(struct masker *m, const char *kind, const char *name)
{
	if (m->masks && !m->error)
		m->error = message_masks_add(m->masks, kind, name);
}

void mask_value(struct masker *m, size_t start, size_t end, const char *kind, const char *name)
{
	mask_replace(m, start, end, MASK, strlen(MASK));
	mask_hit(m, kind, name);
}

int mask_end(struct masker *m)
{
	if (m->changed && !m->error)
		m->error = buf_put(m->out, m->text + m->done, m->len - m->done);
	return m->error;
}
