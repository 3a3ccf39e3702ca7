// SPDX-License-Identifier: GPL-2.0-or-later
#include "dissect/http1.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "dissect/pairs.h"
#include "entry.h"
#include "base/limits.h"

struct text {
	const char *p;
	size_t len;
};

struct field {
	struct text name, value;
};

/* Fields past LIMIT_HEADERS that say where the message ends; they count, but are not listed. */
#define MORE_FRAMING 16

struct head {
	struct text start;
	size_t count, listed;
	struct field fields[LIMIT_HEADERS + MORE_FRAMING];
};

static struct text trim(struct text t)
{
	while (t.len && (*t.p == ' ' || *t.p == '\t'))
		t.p++, t.len--;
	while (t.len && (t.p[t.len - 1] == ' ' || t.p[t.len - 1] == '\t'))
		t.len--;
	return t;
}

/* Always inline, like those that pass a word on: its length is then known when this is compiled. */
static inline __attribute__((always_inline)) bool text_is(struct text t, const char *word)
{
	return t.len == strlen(word) && !strncasecmp(t.p, word, t.len);
}

/* Up to the first `c`, which is taken away too; the rest stays in *t. */
static struct text take_until(struct text *t, char c)
{
	const char *at = t->len ? memchr(t->p, c, t->len) : NULL;
	struct text first = { t->p, at ? (size_t)(at - t->p) : t->len };
	size_t skip = first.len + (at ? 1 : 0);

	*t = (struct text){ t->p + skip, t->len - skip };
	return first;
}

/* The next line; with `fold`, lines that begin with a blank are joined to it (obs-fold). */
static struct text take_line(struct h1_message *m, struct text *rest, bool fold)
{
	struct text line = take_until(rest, '\n');

	while (fold && line.len && rest->len && (*rest->p == ' ' || *rest->p == '\t')) {
		((char *)line.p)[line.len] = ' ';
		line.len += 1 + take_until(rest, '\n').len;
		m->notes |= 1U << H1_NOTE_FOLDED;
	}
	return line;
}

static void split_field(struct h1_message *m, struct head *h, struct text line)
{
	struct text value = line;
	struct text name = take_until(&value, ':');

	if (name.len == line.len)
		m->notes |= 1U << H1_NOTE_FIELD_BAD;
	name = trim(name);
	bool listed = h->listed < LIMIT_HEADERS;
	if (listed)
		h->listed++;
	else
		m->notes |= 1U << H1_NOTE_FIELDS_CUT;
	if (listed || (h->count < LIMIT_HEADERS + MORE_FRAMING &&
		       (text_is(name, "content-length") || text_is(name, "transfer-encoding"))))
		h->fields[h->count++] = (struct field){ name, trim(value) };
}

static void split_head(struct h1_message *m, struct h1_lines *l, struct head *h, bool has_start)
{
	struct text rest = { l->text.data, l->text.len };

	h->count = h->listed = 0;
	h->start = has_start ? take_line(m, &rest, false) : (struct text){ "", 0 };
	while (rest.len) {
		struct text line = take_line(m, &rest, true);
		if (line.len)
			split_field(m, h, line);
	}
	if (l->cut)
		m->notes |= 1U << H1_NOTE_HEAD_CUT;
	if (l->bare_lf)
		m->notes |= 1U << H1_NOTE_BARE_LF;
	m->head_cut += l->cut;
}

static int put_fields(struct buf *out, const char *name, const struct head *h)
{
	int r = detail_member(out, name);

	r = r ? r : buf_putc(out, '[');
	for (size_t i = 0; !r && i < h->listed; i++) {
		const struct field *f = &h->fields[i];
		r = detail_pair(out, f->name.p, f->name.len, f->value.p, f->value.len);
	}
	return r ? r : buf_putc(out, ']');
}

/* Values of all fields of a name as one list; into out, empty when there is none. */
static inline __attribute__((always_inline)) int join_values(const struct head *h, const char *name,
							     struct buf *out)
{
	int r = 0;

	for (size_t i = 0; !r && i < h->count; i++) {
		const struct field *f = &h->fields[i];
		if (!text_is(f->name, name))
			continue;
		if (out->len)
			r = buf_puts(out, ", ");
		r = r ? r : buf_put(out, f->value.p, f->value.len);
	}
	return r;
}

static inline __attribute__((always_inline)) const struct field *find_field(const struct head *h,
									    const char *name)
{
	for (size_t i = 0; i < h->count; i++)
		if (text_is(h->fields[i].name, name))
			return &h->fields[i];
	return NULL;
}

static void read_length(struct h1_message *m, struct text list)
{
	while (list.len) {
		struct text t = trim(take_until(&list, ','));
		uint64_t v = 0;
		size_t i = 0;
		for (; i < t.len && t.p[i] >= '0' && t.p[i] <= '9' && v < 1ULL << 58; i++)
			v = v * 10 + (uint64_t)(t.p[i] - '0');
		if (!t.len || i < t.len) {
			m->notes |= 1U << H1_NOTE_LENGTH_BAD;
		} else if (m->has_length && v != m->length) {
			m->notes |= 1U << H1_NOTE_LENGTH_CONFLICT;
		} else {
			m->has_length = true;
			m->length = v;
		}
	}
}

/* Transfer codings but the final chunked count as content codings: they are still on the body. */
static int read_codings(struct h1_message *m, struct text list, struct buf *encoding)
{
	int r = 0;

	m->chunked = false;
	while (!r && list.len) {
		struct text t = trim(take_until(&list, ','));
		m->chunked = text_is(t, "chunked");
		if (m->chunked || !t.len || text_is(t, "identity"))
			continue;
		if (encoding->len)
			r = buf_puts(encoding, ", ");
		r = r ? r : buf_put(encoding, t.p, t.len);
	}
	if (!m->chunked)
		m->notes |= 1U << H1_NOTE_CODING_UNKNOWN;
	return r;
}

/* RFC 9112 section 6.3, what the fields say; method and status come on top in http1.c. */
static int read_framing(struct h1_message *m, const struct head *h, struct buf *encoding)
{
	struct buf codings = { 0 };

	for (size_t i = 0; i < h->count; i++)
		if (text_is(h->fields[i].name, "content-length"))
			read_length(m, h->fields[i].value);
	int r = join_values(h, "transfer-encoding", &codings);
	if (!r && codings.len) {
		r = read_codings(m, (struct text){ codings.data, codings.len }, encoding);
		if (m->has_length)
			m->notes |= 1U << H1_NOTE_LENGTH_IGNORED;
		m->has_length = false;
		m->close_delimited = !m->chunked;
	}
	buf_free(&codings);
	return r;
}

static int read_content(struct h1_message *m, const struct head *h)
{
	const struct field *type = find_field(h, "content-type");
	struct buf encoding = { 0 };
	int r = type ? detail_text(&m->json, "content_type", type->value.p, type->value.len) : 0;

	r = r ? r : join_values(h, "content-encoding", &encoding);
	r = r ? r : read_framing(m, h, &encoding);
	if (!r && encoding.len)
		r = detail_text(&m->json, "content_encoding", encoding.data, encoding.len);
	buf_free(&encoding);
	return r;
}

static int put_version(struct buf *json, struct entry *e, struct text version)
{
	struct text number = version.len > 5 ? (struct text){ version.p + 5, version.len - 5 }
					     : (struct text){ "", 0 };

	if (!*e->version)
		e->version = entry_text(e, number.p, number.len);
	return detail_text(json, "http_version", number.p, number.len);
}

/* "http://host/path": moves past scheme and authority, which names the host (RFC 9112, 3.2.2). */
static struct text take_authority(struct entry *e, struct text target)
{
	const char *scheme =
		target.len && *target.p != '/' ? memmem(target.p, target.len, "://", 3) : NULL;
	if (!scheme)
		return target;
	size_t skip = (size_t)(scheme - target.p) + 3;
	struct text rest = { target.p + skip, target.len - skip };
	size_t n = 0;
	while (n < rest.len && !strchr("/?#", rest.p[n]))
		n++;
	const char *at = memrchr(rest.p, '@', n);
	size_t userinfo = at ? (size_t)(at - rest.p) + 1 : 0;
	e->host = entry_text(e, rest.p + userinfo, n - userinfo);
	return (struct text){ rest.p + n, rest.len - n };
}

static void fill_target(struct h1_exchange *x, struct text target, const struct head *h)
{
	struct entry *e = x->entry;
	const struct field *host = find_field(h, "host");

	struct text rest = x->connect_method ? target : take_authority(e, target);
	if (!*e->host && host)
		e->host = entry_text(e, host->value.p, host->value.len);
	if (!*e->host && x->connect_method)
		e->host = entry_text(e, target.p, target.len);
	e->summary = entry_text(e, rest.p, rest.len < LIMIT_SUMMARY ? rest.len : LIMIT_SUMMARY);
	if (x->connect_method)
		return;
	struct text path = take_until(&rest, '?');
	e->path = entry_text(e, path.p, path.len);
	e->query_string = entry_text(e, rest.p, rest.len);
}

static int put_query(struct buf *json, struct text target)
{
	take_until(&target, '?');
	return target.len ? detail_query(json, "query", target.p, target.len) : 0;
}

static inline __attribute__((always_inline)) int put_cookies(struct buf *json, const struct head *h,
							     const char *field, bool attributes)
{
	bool any = false;
	int r = 0;

	for (size_t i = 0; !r && i < h->count; i++) {
		const struct field *f = &h->fields[i];
		if (!text_is(f->name, field))
			continue;
		if (!any)
			r = detail_member(json, "cookies");
		if (!any && !r)
			r = buf_putc(json, '[');
		any = true;
		r = r ? r : detail_cookies(json, f->value.p, f->value.len, attributes);
	}
	return r || !any ? r : buf_putc(json, ']');
}

/* "GET /a b HTTP/1.1": what is between the first and the last blank is the target. */
static int read_request_line(struct h1_exchange *x, struct h1_message *m, const struct head *h)
{
	struct text target = h->start;
	struct text method = take_until(&target, ' ');
	const char *blank = target.len ? memrchr(target.p, ' ', target.len) : NULL;
	struct text version = { "", 0 };
	struct entry *e = x->entry;

	if (blank) {
		size_t n = (size_t)(blank - target.p);
		version = (struct text){ blank + 1, target.len - n - 1 };
		target.len = n;
	}
	e->method = entry_text(e, method.p, method.len);
	x->head_method = method.len == 4 && !memcmp(method.p, "HEAD", 4);
	x->connect_method = method.len == 7 && !memcmp(method.p, "CONNECT", 7);
	fill_target(x, target, h);
	int r = detail_text(&m->json, "method", method.p, method.len);
	r = r ? r : detail_text(&m->json, "target", target.p, target.len);
	r = r ? r : put_version(&m->json, e, version);
	return r ? r : put_query(&m->json, target);
}

uint16_t h1_head_status(const struct buf *text)
{
	const char *p = text->data;

	return text->len < 12 ? 0
			      : (uint16_t)((p[9] - '0') * 100 + (p[10] - '0') * 10 + p[11] - '0');
}

/* "HTTP/1.1 200 OK", which h1_start_line_step() has seen to be one. */
static int put_status(struct buf *json, uint16_t status, struct text line)
{
	int r = detail_number(json, "status", status);

	return r || line.len <= 13 ? r : detail_text(json, "reason", line.p + 13, line.len - 13);
}

static int read_status_line(struct h1_exchange *x, struct h1_message *m, const struct head *h)
{
	struct entry *e = x->entry;

	e->status = entry_text(e, h->start.p + 9, 3);
	e->status_code = m->status;
	int r = put_status(&m->json, m->status, h->start);
	return r ? r : put_version(&m->json, e, (struct text){ h->start.p, 8 });
}

int h1_head_read(struct h1_exchange *x, struct h1_message *m, struct h1_lines *l)
{
	bool request = m == &x->request;
	struct head h;

	m->status = request ? 0 : h1_head_status(&l->text);
	m->head_size += l->size;
	m->has_head = true;
	split_head(m, l, &h, true);
	int r = buf_reserve(&m->json, l->text.len + l->text.len / 2 + 256);
	if (!r)
		r = request ? read_request_line(x, m, &h) : read_status_line(x, m, &h);
	r = r ? r : put_fields(&m->json, "headers", &h);
	r = r ? r : put_cookies(&m->json, &h, request ? "cookie" : "set-cookie", !request);
	return r ? r : read_content(m, &h);
}

int h1_head_read_interim(struct h1_message *m, struct h1_lines *l, int64_t time_us)
{
	struct buf *out = &m->interim;
	struct head h;

	m->framing_size += l->size;
	if (m->interims++ >= LIMIT_INTERIM)
		return 0;
	uint16_t status = h1_head_status(&l->text);
	split_head(m, l, &h, true);
	int r = buf_puts(out, m->interims > 1 ? ",{" : "{");
	r = r ? r : put_status(out, status, h.start);
	r = r ? r : detail_number(out, "time_us", time_us);
	r = r ? r : put_fields(out, "headers", &h);
	return r ? r : buf_putc(out, '}');
}

int h1_trailer_read(struct h1_message *m, struct h1_lines *l)
{
	struct head h;

	m->framing_size += l->size;
	split_head(m, l, &h, false);
	return h.count ? put_fields(&m->json, "trailers", &h) : 0;
}
