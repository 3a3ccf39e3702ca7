// SPDX-License-Identifier: GPL-2.0-or-later
#include "dissect/http.h"

#include <errno.h>

#include "base/percent.h"

struct text http_trim(struct text t)
{
	while (t.len && (*t.data == ' ' || *t.data == '\t'))
		t.data++, t.len--;
	while (t.len && (t.data[t.len - 1] == ' ' || t.data[t.len - 1] == '\t'))
		t.len--;
	return t;
}

struct text http_take_until(struct text *t, char c)
{
	const char *at = t->len ? memchr(t->data, c, t->len) : NULL;
	struct text first = { t->data, at ? (size_t)(at - t->data) : t->len };
	size_t skip = first.len + (at ? 1 : 0);

	*t = (struct text){ skip ? t->data + skip : t->data, t->len - skip };
	return first;
}

void http_fields_add(struct http_fields *f, struct message *m, struct text name, struct text value,
		     bool framing)
{
	bool listed = f->listed < LIMIT_HEADERS;

	if (listed)
		f->listed++;
	else
		http_note(m, HTTP_NOTE_FIELDS_CUT);
	if (listed || (framing && f->count < LIMIT_HEADERS + HTTP_MORE_FIELDS))
		f->list[f->count++] = (struct message_pair){ name, value };
}

/* Fields that repeat, as one list with ", " between; one that does not is not copied. */
static int append_list(struct message *m, struct text *list, struct text more)
{
	if (!list->len) {
		*list = more;
		return 0;
	}
	char *p = arena_alloc(&m->arena, list->len + 2 + more.len);
	if (!p)
		return -ENOMEM;
	memcpy(p, list->data, list->len);
	memcpy(p + list->len, ", ", 2);
	if (more.len)
		memcpy(p + list->len + 2, more.data, more.len);
	*list = (struct text){ p, list->len + 2 + more.len };
	return 0;
}

int http_join(const struct http_fields *f, const char *name, struct message *m, struct text *ret)
{
	size_t len = strlen(name), total = 0, count = 0;

	*ret = (struct text){ 0 };
	for (size_t i = 0; i < f->count; i++) {
		struct text t = f->list[i].name;
		if (t.len != len || strncasecmp(t.data, name, len) != 0)
			continue;
		*ret = f->list[i].value;
		total += ret->len + 2;
		count++;
	}
	if (count < 2)
		return 0;
	char *p = arena_alloc(&m->arena, total);
	if (!p)
		return -ENOMEM;
	*ret = (struct text){ p, 0 };
	for (size_t i = 0; i < f->count; i++) {
		struct text t = f->list[i].name, v = f->list[i].value;
		if (t.len != len || strncasecmp(t.data, name, len) != 0)
			continue;
		if (ret->len)
			p = mempcpy(p, ", ", 2);
		if (v.len)
			p = mempcpy(p, v.data, v.len);
		ret->len = (size_t)(p - ret->data);
	}
	return 0;
}

static int add_headers(struct message *m, struct message_pairs *p, const struct http_fields *f)
{
	p->present = true;
	if (!f->listed)
		return 0;
	p->list = arena_alloc(&m->arena, f->listed * sizeof(*p->list));
	if (!p->list)
		return -ENOMEM;
	memcpy(p->list, f->list, f->listed * sizeof(*p->list));
	p->count = p->room = f->listed;
	return 0;
}

/* a=1; b=2 are cookies of a request; of Set-Cookie only the first pair is one. */
static int read_cookies(struct message *m, struct text value)
{
	m->cookies.present = true;
	while (value.len && m->cookies.count < LIMIT_HEADERS) {
		struct text pair = http_take_until(&value, ';');
		while (pair.len && (*pair.data == ' ' || *pair.data == '\t'))
			pair.data++, pair.len--;
		if (pair.len) {
			struct text name = http_take_until(&pair, '=');
			int r = message_add_pair(m, &m->cookies, name, pair);
			if (r)
				return r;
		}
		if (!m->request)
			break;
	}
	return 0;
}

static int read_field(struct message *m, const struct message_pair *f)
{
	if (m->request ? http_is(f->name, "cookie") : http_is(f->name, "set-cookie"))
		return read_cookies(m, f->value);
	if (http_is(f->name, "content-type") && !m->content_type.data)
		m->content_type = f->value;
	else if (http_is(f->name, "content-encoding"))
		return append_list(m, &m->content_encoding, f->value);
	return 0;
}

int http_read_fields(struct message *m, const struct http_fields *f, struct text coding)
{
	int r = add_headers(m, &m->headers, f);

	for (size_t i = 0; !r && i < f->count; i++)
		r = read_field(m, &f->list[i]);
	if (!r && coding.len)
		r = append_list(m, &m->content_encoding, coding);
	if (!m->content_encoding.len)
		m->content_encoding = (struct text){ 0 };
	return r;
}

int http_read_query(struct message *m)
{
	struct text query = m->target;

	http_take_until(&query, '?');
	if (!query.len)
		return 0;
	m->query.present = true;
	char *p = arena_alloc(&m->arena, query.len);
	int r = p ? 0 : -ENOMEM;
	for (size_t count = 0; !r && query.len && count < LIMIT_HEADERS; count++) {
		struct text value = http_take_until(&query, '&');
		if (!value.len)
			continue;
		struct text raw = http_take_until(&value, '=');
		struct text name = { p, percent_decode(p, raw.data, raw.len) };
		p += name.len;
		struct text decoded = { p, percent_decode(p, value.data, value.len) };
		p += decoded.len;
		r = message_add_pair(m, &m->query, name, decoded);
	}
	return r;
}

bool http_wants_interim(const struct message *m)
{
	size_t count = 0;

	for (const struct message_interim *i = m->interim; i; i = i->next)
		count++;
	return count < LIMIT_INTERIM;
}

int http_read_interim(struct message *m, uint16_t status, struct text reason,
		      const struct http_fields *f, int64_t time_us)
{
	struct message_interim *i = message_add_interim(m);

	if (!i)
		return -ENOMEM;
	i->status = status;
	i->reason = reason;
	i->time_us = time_us;
	return add_headers(m, &i->headers, f);
}

int http_read_trailers(struct message *m, const struct http_fields *f)
{
	return f->count ? add_headers(m, &m->trailers, f) : 0;
}
