// SPDX-License-Identifier: GPL-2.0-or-later
#include "items.h"

#include <stdlib.h>

#include "base/json_write.h"
#include "base/limits.h"
#include "base/utf8.h"

struct items *items_new(void)
{
	struct items *l = calloc(1, sizeof(*l));

	if (l)
		l->last = &l->first;
	return l;
}

static void free_item(struct item *i)
{
	buf_free(&i->name);
	buf_free(&i->id);
	payload_free(&i->content);
	free(i);
}

void items_clear(struct items *l)
{
	for (struct item *i = l->first, *next; i; i = next) {
		next = i->next;
		free_item(i);
	}
	free(l->masks.list);
	*l = (struct items){ .last = &l->first };
}

void items_free(struct items *l)
{
	if (l)
		items_clear(l);
	free(l);
}

static size_t bytes_of(const struct item *i)
{
	return i->name.len + i->id.len + i->content.bytes.len;
}

/* Take out the oldest one that is not open; false when there is none. */
static bool leave_out(struct items *l)
{
	struct item **at = &l->first;

	while (*at && (*at)->open)
		at = &(*at)->next;
	struct item *i = *at;
	if (!i)
		return false;
	*at = i->next;
	if (l->last == &i->next)
		l->last = at;
	l->count--;
	l->omitted++;
	l->bytes -= bytes_of(i);
	free_item(i);
	return true;
}

static void bound(struct items *l)
{
	while ((l->count > LIMIT_ITEMS || l->bytes > LIMIT_ITEMS_BYTES) && leave_out(l))
		;
}

void items_omit(struct items *l)
{
	for (struct item *i = l ? l->first : NULL; i; i = i->next)
		i->open = false;
	while (l && leave_out(l))
		;
}

void items_give_way(struct items *l)
{
	while (l && leave_out(l))
		;
}

static void append(struct items *l, struct item *i)
{
	*l->last = i;
	l->last = &i->next;
	l->count++;
	l->bytes += bytes_of(i);
}

static struct item *copy_item(const struct item *from)
{
	struct item *i = malloc(sizeof(*i));

	if (!i)
		return NULL;
	*i = *from;
	i->next = NULL;
	i->name = i->id = (struct buf){ 0 };
	i->content = (struct payload){ 0 };
	bool failed = buf_put(&i->name, from->name.data, from->name.len) ||
		      buf_put(&i->id, from->id.data, from->id.len) ||
		      payload_copy(&from->content, &i->content) ||
		      buf_put(&i->content.bytes, from->content.bytes.data, from->content.bytes.len);
	if (!failed)
		return i;
	free_item(i);
	return NULL;
}

struct items *items_copy(const struct items *from)
{
	struct items *l = from ? items_new() : NULL;

	if (!l)
		return NULL;
	l->total = from->total;
	l->omitted = from->omitted;
	for (const struct item *i = from->first; i; i = i->next) {
		struct item *copy = copy_item(i);
		if (!copy) {
			items_free(l);
			return NULL;
		}
		append(l, copy);
	}
	return l;
}

struct items *items_merge_take(struct items *l, struct items *from)
{
	if (!l || !from)
		return l ? l : from;
	struct item **at = &l->first;
	while (from->first) {
		struct item *i = from->first;
		while (*at && (*at)->time_us <= i->time_us)
			at = &(*at)->next;
		from->first = i->next;
		i->next = *at;
		*at = i;
		at = &i->next;
	}
	while (*at)
		at = &(*at)->next;
	l->last = at;
	l->count += from->count;
	l->bytes += from->bytes;
	l->total += from->total;
	l->omitted += from->omitted;
	items_free(from);
	bound(l);
	return l;
}

size_t items_bytes(const struct items *l)
{
	return l ? sizeof(*l) + l->count * sizeof(struct item) + l->bytes : 0;
}

struct item *items_begin(struct items *l, enum item_from from, const char *kind, int64_t time_us)
{
	struct item *i = l ? calloc(1, sizeof(*i)) : NULL;

	if (!l)
		return NULL;
	l->total++;
	if (!i) {
		l->omitted++;
		return NULL;
	}
	i->from = from;
	i->open = true;
	i->kind = kind;
	i->time_us = time_us;
	append(l, i);
	bound(l);
	return i;
}

void items_put(struct items *l, struct item *i, const void *data, size_t len)
{
	if (!i)
		return;
	size_t before = i->content.bytes.len, room = LIMIT_ITEM_BYTES - before;
	size_t n = i->cut ? 0 : len < room ? len : room;

	i->length += len;
	payload_put(&i->content, data, n, LIMIT_ITEM_BYTES);
	i->cut |= n < len;
	l->bytes += i->content.bytes.len - before;
	bound(l);
}

void items_skip(struct item *i, uint64_t len, enum gap_why why)
{
	if (!i || !len)
		return;
	i->length += len;
	payload_skip(&i->content, len, why);
	i->cut |= i->content.gap_count >= LIMIT_ITEM_GAPS;
}

static void append_bounded(struct items *l, struct buf *b, const void *data, size_t len)
{
	size_t room = LIMIT_ITEM_NAME - b->len;
	size_t n = len < room ? len : room;

	if (!buf_put(b, data, n))
		l->bytes += n;
	bound(l);
}

void items_name(struct items *l, struct item *i, const void *data, size_t len)
{
	if (i)
		append_bounded(l, &i->name, data, len);
}

void items_id(struct items *l, struct item *i, const void *data, size_t len)
{
	if (i)
		append_bounded(l, &i->id, data, len);
}

void items_end(struct items *l, struct item *i)
{
	if (!i)
		return;
	i->open = false;
	bound(l);
}

/* Bytes of a text that ends inside a character, without that. */
static size_t whole_characters(const unsigned char *p, size_t len)
{
	size_t n = len;

	while (n && len - n < 3 && (p[n - 1] & 0xc0) == 0x80)
		n--;
	if (n && p[n - 1] >= 0xc0 && !utf8_length(p + n - 1, len - n + 1))
		return n - 1;
	return len;
}

static void put_content(struct jw *j, const struct item *i)
{
	const struct buf *b = &i->content.bytes;
	const unsigned char *p = (const unsigned char *)b->data;
	bool whole = !i->cut && !i->open && !i->content.gap_count;
	size_t len = whole ? b->len : whole_characters(p, b->len);

	if (!b->len)
		return;
	if (i->text || utf8_is_text(p, len))
		jw_text(j, "text", p, len);
	else
		jw_hex(j, "hex", p, b->len);
}

static void put_item(struct jw *j, const struct item *i)
{
	uint64_t missing = i->content.missing[GAP_LOST] + i->content.missing[GAP_TRUNCATED];

	jw_object(j, NULL);
	jw_string(j, "from", i->from == ITEM_CLIENT ? "client" : "server");
	jw_int(j, "time_us", i->time_us);
	jw_uint(j, "size", i->size);
	if (i->length && i->length != i->size)
		jw_uint(j, "length", i->length);
	jw_string(j, "kind", i->kind);
	if (i->name.len)
		jw_text(j, "name", i->name.data, i->name.len);
	if (i->id.len)
		jw_text(j, "id", i->id.data, i->id.len);
	put_content(j, i);
	if (i->cut)
		jw_bool(j, "cut", true);
	if (missing)
		jw_uint(j, "lost", missing);
	message_put_gaps(j, "gaps", &i->content);
	if (i->note)
		jw_string(j, "note", i->note);
	if (i->open)
		jw_bool(j, "open", true);
	jw_end_object(j);
}

void items_put_json(struct jw *j, const struct items *l)
{
	if (!l || !l->total)
		return;
	jw_array(j, "messages");
	for (const struct item *i = l->first; i; i = i->next)
		put_item(j, i);
	jw_end_array(j);
	jw_uint(j, "messages_total", l->total);
	if (l->omitted)
		jw_uint(j, "messages_omitted", l->omitted);
	if (!l->masks.count)
		return;
	jw_array(j, "messages_redacted");
	message_put_masks(j, &l->masks);
	jw_end_array(j);
}
