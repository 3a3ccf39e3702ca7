// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * multipart/form-data (RFC 7578) and its kin (RFC 2046, 5.1): a list of parts, of which each is a
 * map of its header fields, its size, and the beginning of its content.
 */
#include <string.h>
#include <strings.h>

#include "base/utf8.h"
#include "body/body_walk.h"

#define BOUNDARY_MAX 70	  /* RFC 2046, 5.1.1 */
#define FIELD_MAX    1024 /* bytes of a header line that is looked at */
#define FIELDS_MAX   32	  /* of one part */

struct part {
	struct text name, filename, type;
	size_t start, content, end;
};

/* The boundary that the type names, else what the first line begins with. */
static struct text find_boundary(const struct body_walk *w)
{
	const char *p = w->content_type ? strcasestr(w->content_type, "boundary=") : NULL;
	struct text t = { 0 };

	if (p) {
		p += strlen("boundary=");
		t.data = p + (*p == '"');
		t.len = *p == '"' ? strcspn(t.data, "\"") : strcspn(p, "; \t,");
	} else if (w->len > 2 && !memcmp(w->data, "--", 2)) {
		size_t n = w->len < BOUNDARY_MAX + 4 ? w->len : BOUNDARY_MAX + 4;
		t.data = (const char *)w->data + 2;
		for (t.len = 0; t.len + 2 < n && !strchr("\r\n", t.data[t.len]); t.len++)
			;
	}
	return t.len && t.len <= BOUNDARY_MAX ? t : (struct text){ 0 };
}

/* The next line that begins with the boundary; w->len when there is none. */
static size_t find_line(struct body_walk *w, struct text boundary, size_t at)
{
	while (at < w->len) {
		const uint8_t *p = memmem(w->data + at, w->len - at, "--", 2);
		if (!p)
			return w->len;
		size_t start = (size_t)(p - w->data);
		w->work += start + 2 - at;
		if (w->len - start >= boundary.len + 2 && (!start || p[-1] == '\n')) {
			w->work += 8;
			if (!memcmp(p + 2, boundary.data, boundary.len))
				return start;
		}
		/* Of a row of dashes only the first two may begin the line. */
		at = start + 1;
	}
	return w->len;
}

static struct text trim(struct text t)
{
	while (t.len && (*t.data == ' ' || *t.data == '\t'))
		t.data++, t.len--;
	while (t.len && strchr(" \t\r\n", t.data[t.len - 1]))
		t.len--;
	return t;
}

/* name="x" or name=x in a header field */
static struct text parameter(struct text field, const char *name)
{
	size_t n = strlen(name);

	for (size_t i = 1; i + n < field.len; i++) {
		if (strncasecmp(field.data + i, name, n) || !strchr("; \t", field.data[i - 1]))
			continue;
		struct text t = { field.data + i + n, field.len - i - n };
		bool quoted = t.len && *t.data == '"';
		t.data += quoted;
		t.len -= quoted;
		for (size_t k = 0; k < t.len; k++)
			if (quoted ? t.data[k] == '"' && (!k || t.data[k - 1] != '\\')
				   : strchr("; \t\r\n", t.data[k]) != NULL)
				t.len = k;
		return t;
	}
	return (struct text){ 0 };
}

static bool starts(struct text t, const char *name)
{
	return t.len >= strlen(name) && !strncasecmp(t.data, name, strlen(name));
}

static void read_field(struct part *p, struct text line)
{
	line.len = line.len < FIELD_MAX ? line.len : FIELD_MAX;
	if (starts(line, "content-disposition:")) {
		p->name = parameter(line, "name=");
		p->filename = parameter(line, "filename=");
	} else if (starts(line, "content-type:")) {
		p->type = trim((struct text){ line.data + 13, line.len - 13 });
	}
}

/* Header fields up to a blank line. */
static void read_fields(struct body_walk *w, struct part *p)
{
	size_t at = p->content;

	for (int i = 0; i < FIELDS_MAX && at < p->end; i++) {
		const uint8_t *end = memchr(w->data + at, '\n', p->end - at);
		size_t next = end ? (size_t)(end - w->data) + 1 : p->end;
		const struct text line = { (const char *)w->data + at, next - at };
		w->work += next - at;
		at = next;
		if (!trim(line).len)
			break;
		read_field(p, line);
	}
	p->content = at;
}

static bool put_text(struct body_walk *w, const struct part *p, const char *name, struct text t)
{
	const struct body_node n = { .kind = BODY_TEXT,
				     .type = "text",
				     .name = { name, strlen(name) },
				     .text = t,
				     .start = p->start };

	return !t.data || body_leaf(w, &n);
}

static bool is_text(const uint8_t *p, size_t len)
{
	for (size_t i = 0, n; i < len; i += n) {
		n = utf8_length(p + i, len - i);
		if (!n)
			return len - i < 4 && i;
		if (p[i] < ' ' && (!p[i] || !strchr("\t\r\n\f", p[i])))
			return false;
	}
	return true;
}

static bool put_content(struct body_walk *w, const struct part *p)
{
	size_t len = p->end - p->content;
	struct body_node n = { .kind = BODY_UINT,
			       .type = "bytes",
			       .name = { "size", 4 },
			       .u = len,
			       .start = p->content };

	if (!body_leaf(w, &n))
		return false;
	n.name = (struct text){ "preview", 7 };
	n.text.len = len < LIMIT_BODY_PREVIEW ? len : LIMIT_BODY_PREVIEW;
	n.text.data = (const char *)w->data + p->content;
	n.cut = n.text.len < len;
	n.kind = is_text(w->data + p->content, n.text.len) ? BODY_TEXT : BODY_BYTES;
	n.type = n.kind == BODY_TEXT ? "text" : "bytes";
	return body_leaf(w, &n);
}

static bool put_part(struct body_walk *w, const struct part *p)
{
	const struct body_node n = { .kind = BODY_MAP, .type = "part", .start = p->start };

	if (!body_open(w, &n))
		return false;
	bool good = put_text(w, p, "name", p->name) && put_text(w, p, "filename", p->filename) &&
		    put_text(w, p, "type", p->type) && put_content(w, p);
	body_close(w, p->end);
	return good;
}

/* The part behind the boundary line at `at`. */
static bool walk_part(struct body_walk *w, struct text boundary, size_t at, size_t *ret_next)
{
	const uint8_t *line = memchr(w->data + at, '\n', w->len - at);
	struct part p = { .start = at };

	p.content = line ? (size_t)(line - w->data) + 1 : w->len;
	w->work += p.content - at;
	p.end = *ret_next = find_line(w, boundary, p.content);
	read_fields(w, &p);
	/* The line break before a boundary belongs to it. */
	if (*ret_next < w->len && p.end > p.content) {
		p.end--;
		p.end -= p.end > p.content && w->data[p.end - 1] == '\r';
	}
	return put_part(w, &p);
}

static void walk_parts(struct body_walk *w, struct text boundary)
{
	size_t at = find_line(w, boundary, 0), next = 0;

	for (unsigned parts = 0; at < w->len; at = next, parts++) {
		size_t after = at + 2 + boundary.len;
		if (w->len - after >= 2 && !memcmp(w->data + after, "--", 2))
			return;
		if (parts == LIMIT_BODY_PARTS) {
			body_cut(w, "more parts than are shown", at);
			return;
		}
		if (!walk_part(w, boundary, at, &next))
			return;
	}
	body_cut(w, "its last boundary is missing", w->len);
}

void multipart_walk(struct body_walk *w)
{
	static const struct body_node all = { .kind = BODY_LIST, .type = "parts" };
	struct text boundary = find_boundary(w);

	if (!body_open(w, &all))
		return;
	if (boundary.len)
		walk_parts(w, boundary);
	else
		body_cut(w, "no boundary is named", 0);
	body_close(w, w->len);
}
