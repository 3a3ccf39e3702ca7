// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * XML, as far as a filter needs it: elements, attributes, text, CDATA, the five named entities and
 * numbered ones. No DTD is read, so nothing expands. What is broken is read as far as it goes.
 */
#include "kfl/json_path.h"
#include "kfl/xml.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json_read.h"
#include "base/limits.h"
#include "kfl/json_path.h"

/* Element 0 is the document. */
struct element {
	struct text name, attributes, inside;
	size_t parent;
};

struct document {
	struct element *elements;
	size_t count, room;
	unsigned depth;
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static const char *find(const char *p, const char *end, const char *what)
{
	const char *at = memmem(p, (size_t)(end - p), what, strlen(what));

	return at ? at + strlen(what) : end;
}

static bool begins(const char *p, const char *end, const char *what)
{
	size_t n = strlen(what);

	return (size_t)(end - p) >= n && !memcmp(p, what, n);
}

/* After a comment, CDATA, declaration or instruction that begins at p; NULL if it is a tag. */
static const char *skip_special(const char *p, const char *end)
{
	if (begins(p, end, "<!--"))
		return find(p + 4, end, "-->");
	if (begins(p, end, "<![CDATA["))
		return find(p + 9, end, "]]>");
	if (begins(p, end, "<?"))
		return find(p + 2, end, "?>");
	return begins(p, end, "<!") ? find(p + 2, end, ">") : NULL;
}

/* The ">" that ends the tag, quotes aside. */
static const char *tag_end(const char *p, const char *end)
{
	char quote = '\0';

	for (; p < end; p++) {
		if (quote ? *p == quote : *p == '"' || *p == '\'')
			quote = quote ? '\0' : *p;
		else if (!quote && *p == '>')
			return p;
	}
	return NULL;
}

static int add_element(struct document *d, struct element e)
{
	if (d->count == d->room) {
		size_t room = d->room ? 2 * d->room : 64;
		struct element *more = realloc(d->elements, room * sizeof(*more));
		if (!more)
			return -ENOMEM;
		d->elements = more;
		d->room = room;
	}
	d->elements[d->count++] = e;
	return 0;
}

static void close_element(struct document *d, size_t *open, const char *at)
{
	struct element *e = &d->elements[*open];

	e->inside.len = (size_t)(at - e->inside.data);
	*open = e->parent;
	d->depth--;
}

/* The tag between p (after "<") and stop (at ">"). */
static int read_tag(struct document *d, const char *p, const char *stop, size_t *open)
{
	bool empty = stop > p && stop[-1] == '/';
	const char *name = p, *after = stop - (empty ? 1 : 0);

	while (p < after && !is_space(*p))
		p++;
	struct element e = { .name = { name, (size_t)(p - name) },
			     .attributes = { p, (size_t)(after - p) },
			     .inside = { stop + 1, 0 },
			     .parent = *open };
	int r = add_element(d, e);
	if (!r && !empty) {
		*open = d->count - 1;
		d->depth++;
	}
	return r;
}

static int read_document(struct document *d, struct text xml)
{
	const char *p = xml.data, *end = p + xml.len;
	size_t open = 0;
	int r = add_element(d, (struct element){ .inside = xml });

	while (!r && p < end && d->count <= LIMIT_XML_ELEMENTS && d->depth <= LIMIT_JSON_DEPTH) {
		p = memchr(p, '<', (size_t)(end - p));
		if (!p)
			break;
		const char *special = skip_special(p, end);
		if (special) {
			p = special;
			continue;
		}
		const char *stop = tag_end(p + 1, end);
		if (!stop)
			break;
		if (p[1] != '/')
			r = read_tag(d, p + 1, stop, &open);
		else if (open)
			close_element(d, &open, p);
		p = stop + 1;
	}
	while (open)
		close_element(d, &open, end);
	return r;
}

static size_t put_code_point(char *out, unsigned long c)
{
	if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000) || !c)
		c = 0xfffd;
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
	static const unsigned char lead[] = { 0, 0, 0xc0, 0xe0, 0xf0 };
	for (size_t i = n; i-- > 1; c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3f));
	out[0] = (char)(lead[n] | c);
	return n;
}

/* The entity at p ("&"): its character in out, and where it ends. NULL when it is none. */
static const char *read_entity(const char *p, const char *end, char out[4], size_t *len)
{
	static const char *const names[] = { "&lt;", "&gt;", "&amp;", "&quot;", "&apos;" };
	char digits[12], *stop;
	size_t n = 0;

	for (size_t i = 0; i < 5; i++)
		if (begins(p, end, names[i])) {
			out[0] = "<>&\"'"[i];
			*len = 1;
			return p + strlen(names[i]);
		}
	if (!begins(p, end, "&#"))
		return NULL;
	for (p += 2; p < end && *p != ';' && n < sizeof(digits) - 1; p++)
		digits[n++] = *p;
	digits[n] = '\0';
	if (p >= end || *p != ';' || !n || digits[0] == '-' || digits[0] == '+')
		return NULL;
	bool hex = digits[0] == 'x';
	unsigned long c = strtoul(digits + hex, &stop, hex ? 16 : 10);
	if (*stop || stop == digits + hex)
		return NULL;
	*len = put_code_point(out, c);
	return p + 1;
}

static int put_text(struct text t, struct buf *out)
{
	const char *p = t.data, *end = p + t.len;
	int r = 0;

	while (p < end && !r) {
		const char *mark = memchr(p, '&', (size_t)(end - p));
		char piece[4];
		size_t n;
		if (!mark)
			return buf_put(out, p, (size_t)(end - p));
		r = buf_put(out, p, (size_t)(mark - p));
		const char *after = read_entity(mark, end, piece, &n);
		p = after ? after : mark + 1;
		r = r ? r : after ? buf_put(out, piece, n) : buf_putc(out, '&');
	}
	return r;
}

/* All text inside, tags and comments left out. */
static int put_inside(struct text t, struct buf *out)
{
	const char *p = t.data, *end = p + t.len;
	int r = 0;

	while (p < end && !r) {
		const char *mark = memchr(p, '<', (size_t)(end - p));
		const char *stop = mark ? mark : end;
		r = put_text((struct text){ p, (size_t)(stop - p) }, out);
		if (r || !mark)
			break;
		p = skip_special(mark, end);
		if (p && begins(mark, end, "<![CDATA[")) {
			size_t close = begins(p - 3, end, "]]>") ? 3 : 0;
			r = buf_put(out, mark + 9, (size_t)(p - mark) - 9 - close);
		}
		if (!p) {
			p = tag_end(mark + 1, end);
			p = p ? p + 1 : end;
		}
	}
	return r;
}

static int put_json(struct buf *decoded, struct buf *out, bool comma)
{
	const char *p = decoded->data;
	size_t n = decoded->len;

	while (n && is_space(*p)) {
		p++;
		n--;
	}
	while (n && is_space(p[n - 1]))
		n--;
	int r = comma ? buf_putc(out, ',') : 0;
	r = r ? r : buf_put_json(out, n ? p : "", n);
	buf_reset(decoded);
	return r;
}

/* "soap:Body" is Body as well. */
static bool is_named(struct text name, struct text wanted)
{
	if (name.len > wanted.len && name.data[name.len - wanted.len - 1] == ':') {
		name.data += name.len - wanted.len;
		name.len = wanted.len;
	}
	return name.len == wanted.len && !memcmp(name.data, wanted.data, name.len);
}

static bool is_below(const struct document *d, size_t i, const bool *in, bool any_depth)
{
	do {
		i = d->elements[i].parent;
		if (in[i])
			return true;
	} while (any_depth && i);
	return false;
}

/* From the elements in `in` one step on, to those in `to`. */
static void step_elements(const struct document *d, const struct step *s, const bool *in, bool *to)
{
	int64_t n = 0;

	memset(to, 0, d->count);
	for (size_t i = 0; i < d->count; i++) {
		if (s->kind == STEP_INDEX)
			to[i] = in[i] && n++ == s->index;
		else if (i && (s->kind == STEP_ANY || is_named(d->elements[i].name, s->key)))
			to[i] = is_below(d, i, in, s->kind == STEP_DESCEND);
	}
}

/* The attribute's value as written; false when there is none. */
static bool find_attribute(struct text attributes, struct text name, struct text *ret)
{
	const char *p = attributes.data, *end = p + attributes.len;

	while (p < end) {
		while (p < end && is_space(*p))
			p++;
		const char *start = p;
		while (p < end && *p != '=' && !is_space(*p))
			p++;
		struct text found = { start, (size_t)(p - start) };
		while (p < end && (is_space(*p) || *p == '='))
			p++;
		if (p >= end || (*p != '"' && *p != '\''))
			return false;
		const char *close = memchr(p + 1, *p, (size_t)(end - p - 1));
		if (!close)
			return false;
		if (is_named(found, name)) {
			*ret = (struct text){ p + 1, (size_t)(close - p - 1) };
			return true;
		}
		p = close + 1;
	}
	return false;
}

static bool is_attribute(const struct step *s)
{
	return s->kind == STEP_KEY && s->key.len > 1 &&
	       (*s->key.data == '@' || *s->key.data == '-');
}

static int put_found(const struct document *d, const bool *in, const struct text *attribute,
		     struct buf *out, size_t *found)
{
	struct buf text = { 0 };
	struct text value;
	int r = 0;

	for (size_t i = 0; i < d->count && !r && out->len < LIMIT_FILTER_BODY; i++) {
		if (!in[i])
			continue;
		if (!attribute)
			r = put_inside(d->elements[i].inside, &text);
		else if (find_attribute(d->elements[i].attributes, *attribute, &value))
			r = put_text(value, &text);
		else
			continue;
		r = r ? r : put_json(&text, out, (*found)++);
	}
	buf_free(&text);
	return r;
}

static int put_steps(const struct document *d, struct text steps, struct buf *values, size_t *found,
		     bool *many)
{
	bool *in = calloc(2, d->count), *to = in ? in + d->count : NULL;
	struct text attribute, *wanted = NULL;
	struct step s;

	if (!in)
		return -ENOMEM;
	in[0] = true;
	bool *first = in;
	while (!wanted && json_read_step(&steps, &s)) {
		*many = *many || s.kind == STEP_ANY || s.kind == STEP_DESCEND;
		if (is_attribute(&s)) {
			attribute = (struct text){ s.key.data + 1, s.key.len - 1 };
			wanted = &attribute;
			break;
		}
		step_elements(d, &s, in, to);
		bool *swap = in;
		in = to;
		to = swap;
	}
	int r = put_found(d, in, wanted, values, found);
	free(first);
	return r;
}

int xml_put_path(struct text xml, struct text steps, struct buf *out)
{
	struct document d = { 0 };
	struct buf values = { 0 };
	size_t found = 0;
	bool many = false;
	int r = read_document(&d, xml);

	r = r ? r : put_steps(&d, steps, &values, &found, &many);
	many = many || found > 1;
	if (!r && many)
		r = buf_putc(out, '[');
	if (!r)
		r = buf_put(out, values.data, values.len);
	if (!r && many)
		r = buf_putc(out, ']');
	buf_free(&values);
	free(d.elements);
	return r ? r : many || found;
}
