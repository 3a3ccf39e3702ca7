// SPDX-License-Identifier: GPL-2.0-or-later
#include "message.h"

#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/account.h"

/* Room for the first pairs and texts, allocated with the message: of a size that malloc() is quick
 * with (1 KiB in all). */
#define MESSAGE_ROOM (1024 - 512)

struct roomy_message {
	struct message m;
	_Alignas(max_align_t) char room[MESSAGE_ROOM];
};

struct message *message_new(bool request, size_t *account)
{
	struct roomy_message *p = malloc(sizeof(*p));

	if (!p)
		return NULL;
	p->m = (struct message){ .request = request };
	p->m.arena = (struct arena){ .next = p->room, .left = MESSAGE_ROOM, .account = account };
	p->m.body.account = account;
	account_change(account, 0, sizeof(*p));
	return &p->m;
}

static void stored_unref(struct message_stored *s)
{
	if (!s || atomic_fetch_sub(&s->references, 1) > 1)
		return;
	free(s->masks.list);
	free(s);
}

void message_free(struct message *m)
{
	if (!m)
		return;
	message_leave(m);
	payload_free(&m->body);
	free(m->masks.list);
	stored_unref(m->stored);
	arena_free(&m->arena);
	free(m);
}

void message_leave(struct message *m)
{
	if (!m || !m->arena.account)
		return;
	account_change(m->arena.account, message_bytes(m), 0);
	m->arena.account = m->body.account = NULL;
}

struct text message_text(struct message *m, const void *data, size_t len)
{
	char *p = arena_alloc(&m->arena, len ? len : 1);

	if (p && len)
		memcpy(p, data, len);
	return (struct text){ p, p ? len : 0 };
}

int message_add_pair(struct message *m, struct message_pairs *p, struct text name,
		     struct text value)
{
	if (p->count == p->room) {
		size_t room = p->room ? 2 * p->room : 4;
		struct message_pair *list = arena_alloc(&m->arena, room * sizeof(*list));
		if (!list)
			return -ENOMEM;
		if (p->count)
			memcpy(list, p->list, p->count * sizeof(*list));
		p->list = list;
		p->room = room;
	}
	p->list[p->count++] = (struct message_pair){ name, value };
	p->present = true;
	return 0;
}

struct message_interim *message_add_interim(struct message *m)
{
	struct message_interim **end = &m->interim;
	struct message_interim *i = arena_alloc(&m->arena, sizeof(*i));

	if (!i)
		return NULL;
	*i = (struct message_interim){ 0 };
	while (*end)
		end = &(*end)->next;
	return *end = i;
}

static int add_member(struct message *m, struct message_member member)
{
	struct message_member **end = &m->own;
	struct message_member *p = arena_alloc(&m->arena, sizeof(*p));

	if (!p)
		return -ENOMEM;
	*p = member;
	while (*end)
		end = &(*end)->next;
	*end = p;
	return 0;
}

int message_add_number(struct message *m, const char *name, int64_t number)
{
	return add_member(m, (struct message_member){ .name = name, .number = number });
}

int message_add_text(struct message *m, const char *name, struct text text)
{
	return add_member(m, (struct message_member){ .name = name, .text = text });
}

uint64_t message_size(const struct message *m)
{
	return m->head_size + m->framing_size + m->body.size + m->unplaced;
}

int message_masks_add(struct message_masks *m, const char *kind, const char *name)
{
	for (size_t i = 0; i < m->count; i++)
		if (!strcmp(m->list[i].kind, kind) && !strcmp(m->list[i].name, name))
			return 0;
	/* The array grows at 0, 4, 8, 16, ... */
	if (!m->count || (m->count >= 4 && !(m->count & (m->count - 1)))) {
		size_t room = m->count ? 2 * m->count : 4;
		struct message_mask *list = realloc(m->list, room * sizeof(*list));
		if (!list)
			return -ENOMEM;
		m->list = list;
	}
	m->list[m->count++] = (struct message_mask){ kind, name };
	return 0;
}

int message_keep_stored(struct message *m)
{
	if (!m->stored)
		m->stored = calloc(1, sizeof(*m->stored));
	if (!m->stored)
		return -ENOMEM;
	if (!atomic_load(&m->stored->references))
		atomic_store(&m->stored->references, 1);
	return 0;
}

size_t message_bytes(const struct message *m)
{
	return sizeof(struct roomy_message) + m->arena.held + payload_bytes(&m->body);
}

/* Copies for message_copy(): texts anew, then the arrays; the first error stays. */
struct copy {
	struct message *m;
	bool failed;
};

static struct text copy_text(struct copy *c, struct text t)
{
	if (!t.data || c->failed)
		return (struct text){ 0 };
	struct text copy = message_text(c->m, t.data, t.len);
	c->failed |= !copy.data;
	return copy;
}

static struct message_pairs copy_pairs(struct copy *c, const struct message_pairs *p)
{
	struct message_pairs copy = { .present = p->present };

	for (size_t i = 0; i < p->count && !c->failed; i++) {
		struct text name = copy_text(c, p->list[i].name);
		struct text value = copy_text(c, p->list[i].value);
		c->failed |= message_add_pair(c->m, &copy, name, value) != 0;
	}
	return copy;
}

static void copy_lists(struct copy *c, const struct message *from)
{
	for (const struct message_interim *i = from->interim; i && !c->failed; i = i->next) {
		struct message_interim *copy = message_add_interim(c->m);
		if (!copy) {
			c->failed = true;
			return;
		}
		copy->status = i->status;
		copy->time_us = i->time_us;
		copy->reason = copy_text(c, i->reason);
		copy->headers = copy_pairs(c, &i->headers);
	}
	for (const struct message_member *p = from->own; p && !c->failed; p = p->next) {
		struct message_member member = *p;
		member.next = NULL;
		member.text = copy_text(c, p->text);
		c->failed |= add_member(c->m, member) != 0;
	}
}

struct message *message_copy(const struct message *from)
{
	struct message *m = message_new(from->request, NULL);
	struct copy c = { .m = m, .failed = !m };

	if (!m)
		return NULL;
	struct arena arena = m->arena;
	*m = *from;
	m->arena = arena;
	m->interim = NULL;
	m->own = NULL;
	m->masks = (struct message_masks){ 0 };
	m->body = (struct payload){ 0 };
	if (m->stored)
		atomic_fetch_add(&m->stored->references, 1);
	m->method = copy_text(&c, from->method);
	m->target = copy_text(&c, from->target);
	m->authority = copy_text(&c, from->authority);
	m->version = copy_text(&c, from->version);
	m->reason = copy_text(&c, from->reason);
	m->content_type = copy_text(&c, from->content_type);
	m->content_encoding = copy_text(&c, from->content_encoding);
	m->query = copy_pairs(&c, &from->query);
	m->headers = copy_pairs(&c, &from->headers);
	m->cookies = copy_pairs(&c, &from->cookies);
	m->trailers = copy_pairs(&c, &from->trailers);
	copy_lists(&c, from);
	c.failed |= payload_copy(&from->body, &m->body) != 0;
	if (!c.failed)
		return m;
	message_free(m);
	return NULL;
}
