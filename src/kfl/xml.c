// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * XML, as far as a filter needs it: elements, attributes and text, as Expat reads them. What breaks
 * off or is broken is read up to there. Nothing grows and nothing is fetched: a document type is
 * passed over, so that references to its entities stay as they are written; where it cannot be (in
 * UTF-16) they stay so too, but in attributes, where Expat's own bound holds.
 */
#include "kfl/json_path.h"
#include "kfl/xml.h"

#include <errno.h>
#define XML_DTD 1 /* Expat has its bounds where it has this */
#include <expat.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json_read.h"
#include "base/limits.h"
#include "kfl/json_path.h"

#define GROWTH_MAX  2.0f       /* of what entities of a document may make */
#define GROWTH_FREE (64 << 10) /* bytes from which on that counts */

/* A part of a text of xml_document. */
struct slice {
	size_t at, len;
};

struct xml_attribute {
	struct slice name, value;
};

/* Element 0 is the document. Its text is that of all that is inside. */
struct xml_element {
	struct slice name, inside;
	size_t attribute, attributes;
	size_t parent;
};

struct xml_document {
	struct xml_element *elements;
	size_t count, room;
	struct xml_attribute *attributes;
	size_t attribute_count, attribute_room;
	struct buf text, names; /* what stands between tags; names and attributes */
	size_t open;
	unsigned depth;
	XML_Parser parser;
	int r;
};

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void fail(struct xml_document *d, int r)
{
	d->r = d->r ? d->r : r;
	XML_StopParser(d->parser, XML_FALSE);
}

static struct slice add_name(struct xml_document *d, const char *text)
{
	struct slice p = { d->names.len, strlen(text) };

	if (buf_put(&d->names, text, p.len))
		fail(d, -ENOMEM);
	return p;
}

/* Room for one more of an array's elements. */
static bool grow(void **array, size_t count, size_t *room, size_t size)
{
	if (count < *room)
		return true;
	size_t more = *room ? 2 * *room : 64;
	void *v = reallocarray(*array, more, size);
	if (!v)
		return false;
	*array = v;
	*room = more;
	return true;
}

static void add_attributes(struct xml_document *d, const XML_Char **pairs)
{
	for (; *pairs && !d->r; pairs += 2) {
		if (!grow((void **)&d->attributes, d->attribute_count, &d->attribute_room,
			  sizeof(*d->attributes))) {
			fail(d, -ENOMEM);
			return;
		}
		struct xml_attribute *a = &d->attributes[d->attribute_count++];
		a->name = add_name(d, pairs[0]);
		a->value = add_name(d, pairs[1]);
	}
}

static void add_element(struct xml_document *d, const char *name, const XML_Char **pairs)
{
	if (!grow((void **)&d->elements, d->count, &d->room, sizeof(*d->elements))) {
		fail(d, -ENOMEM);
		return;
	}
	struct xml_element e = { .name = add_name(d, name),
				 .inside = { .at = d->text.len },
				 .attribute = d->attribute_count,
				 .parent = d->open };
	add_attributes(d, pairs);
	e.attributes = d->attribute_count - e.attribute;
	d->elements[d->count] = e;
	d->open = d->count++;
	d->depth++;
}

static void close_element(struct xml_document *d)
{
	struct xml_element *e = &d->elements[d->open];

	e->inside.len = d->text.len - e->inside.at;
	d->open = e->parent;
	d->depth--;
}

static void XMLCALL on_start(void *ctx, const XML_Char *name, const XML_Char **pairs)
{
	struct xml_document *d = ctx;

	if (d->count > LIMIT_XML_ELEMENTS || d->depth > LIMIT_JSON_DEPTH)
		XML_StopParser(d->parser, XML_FALSE);
	else
		add_element(d, name, pairs);
}

static void XMLCALL on_end(void *ctx, const XML_Char *name)
{
	(void)name;
	close_element(ctx);
}

static void XMLCALL on_text(void *ctx, const XML_Char *text, int len)
{
	struct xml_document *d = ctx;

	if (buf_put(&d->text, text, (size_t)len))
		fail(d, -ENOMEM);
}

/* What no other handler is for: references to entities, comments, instructions. */
static void XMLCALL on_other(void *ctx, const XML_Char *text, int len)
{
	if (len > 2 && *text == '&')
		on_text(ctx, text, len);
}

/* The first of `marks` in p..end; end when there is none. */
static const char *find_any(const char *p, const char *end, const char *marks)
{
	while (p < end && !strchr(marks, *p))
		p++;
	return p;
}

static bool begins(const char *p, const char *end, const char *what)
{
	size_t n = strlen(what);

	return (size_t)(end - p) >= n && !memcmp(p, what, n);
}

static const char *after(const char *p, const char *end, const char *what)
{
	const char *at = memmem(p, (size_t)(end - p), what, strlen(what));

	return at ? at + strlen(what) : end;
}

/* After the comment or instruction at p; NULL when it is none. */
static const char *skip_remark(const char *p, const char *end)
{
	if (begins(p, end, "<!--"))
		return after(p + 4, end, "-->");
	return begins(p, end, "<?") ? after(p + 2, end, "?>") : NULL;
}

/* After the document type at p, with all that is declared in it. */
static const char *skip_doctype(const char *p, const char *end)
{
	int depth = 0;

	for (p++; p < end; p++) {
		const char *next = skip_remark(p, end);
		if (next) {
			p = next - 1;
			continue;
		}
		if (*p == '"' || *p == '\'') {
			p = memchr(p + 1, *p, (size_t)(end - p - 1));
			if (!p)
				return end;
		}
		depth += *p == '<' || *p == '[';
		if (*p == '>' && !depth)
			return p + 1;
		depth -= *p == '>' || *p == ']';
	}
	return end;
}

/* Where a document type begins; NULL when there is none, or none that is written in bytes. */
static const char *find_doctype(const char *p, const char *end)
{
	for (;;) {
		p = find_any(p, end, "<");
		const char *next = skip_remark(p, end);
		if (!next)
			return begins(p, end, "<!DOCTYPE") ? p : NULL;
		p = next;
	}
}

static bool parse(struct xml_document *d, const char *p, const char *end, bool last)
{
	return XML_Parse(d->parser, p, (int)(end - p), last) == XML_STATUS_OK;
}

static void run_parser(struct xml_document *d, struct text xml)
{
	const char *p = xml.data, *end = p + xml.len, *type = find_doctype(p, end);

	if (type && parse(d, p, type, false))
		parse(d, skip_doctype(type, end), end, true);
	else if (!type)
		parse(d, p, end, true);
	if (XML_GetErrorCode(d->parser) == XML_ERROR_NO_MEMORY)
		d->r = -ENOMEM;
}

static void set_up(struct xml_document *d)
{
	XML_SetUserData(d->parser, d);
	XML_SetElementHandler(d->parser, on_start, on_end);
	XML_SetCharacterDataHandler(d->parser, on_text);
	/* It also turns the replacement of internal entities off. */
	XML_SetDefaultHandler(d->parser, on_other);
	/* There may be declarations that we do not see: what is not declared is no error. */
	XML_UseForeignDTD(d->parser, XML_TRUE);
	XML_SetBillionLaughsAttackProtectionMaximumAmplification(d->parser, GROWTH_MAX);
	XML_SetBillionLaughsAttackProtectionActivationThreshold(d->parser, GROWTH_FREE);
}

/* An encoding that Expat does not know is read as one whose first half is the same. */
static int read_document(struct xml_document *d, struct text xml)
{
	static const XML_Char *none[] = { NULL };
	static const char *const encodings[] = { NULL, "ISO-8859-1" };
	bool unknown = true;

	while (xml.len && is_space(*xml.data)) {
		xml.data++;
		xml.len--;
	}
	for (size_t i = 0; i < 2 && unknown && !d->r; i++) {
		d->parser = XML_ParserCreate(encodings[i]);
		if (!d->parser)
			return -ENOMEM;
		set_up(d);
		if (!i) {
			add_element(d, "", none);
			d->depth = 0;
		}
		run_parser(d, xml);
		unknown = XML_GetErrorCode(d->parser) == XML_ERROR_UNKNOWN_ENCODING;
		XML_ParserFree(d->parser);
	}
	while (!d->r && d->open)
		close_element(d);
	if (!d->r)
		d->elements[0].inside.len = d->text.len;
	return d->r;
}

static void free_document(struct xml_document *d)
{
	buf_free(&d->text);
	buf_free(&d->names);
	free(d->elements);
	free(d->attributes);
}

static struct text text_of(const struct buf *b, struct slice p)
{
	return (struct text){ p.len ? b->data + p.at : "", p.len };
}

static int put_json(struct text t, struct buf *out, bool comma)
{
	while (t.len && is_space(*t.data)) {
		t.data++;
		t.len--;
	}
	while (t.len && is_space(t.data[t.len - 1]))
		t.len--;
	int r = comma ? buf_putc(out, ',') : 0;
	return r ? r : buf_put_json(out, t.data, t.len);
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

static bool is_below(const struct xml_document *d, size_t i, const bool *in, bool any_depth)
{
	do {
		i = d->elements[i].parent;
		if (in[i])
			return true;
	} while (any_depth && i);
	return false;
}

/* From the elements in `in` one step on, to those in `to`. */
static void step_elements(const struct xml_document *d, const struct step *s, const bool *in,
			  bool *to)
{
	int64_t n = 0;

	memset(to, 0, d->count);
	for (size_t i = 0; i < d->count; i++) {
		if (s->kind == STEP_INDEX)
			to[i] = in[i] && n++ == s->index;
		else if (i && (s->kind == STEP_ANY ||
			       is_named(text_of(&d->names, d->elements[i].name), s->key)))
			to[i] = is_below(d, i, in, s->kind == STEP_DESCEND);
	}
}

static bool find_attribute(const struct xml_document *d, const struct xml_element *e,
			   struct text name, struct text *ret)
{
	for (size_t i = 0; i < e->attributes; i++) {
		const struct xml_attribute *a = &d->attributes[e->attribute + i];
		if (!is_named(text_of(&d->names, a->name), name))
			continue;
		*ret = text_of(&d->names, a->value);
		return true;
	}
	return false;
}

static bool is_attribute(const struct step *s)
{
	return s->kind == STEP_KEY && s->key.len > 1 &&
	       (*s->key.data == '@' || *s->key.data == '-');
}

static int put_found(const struct xml_document *d, const bool *in, const struct text *attribute,
		     struct buf *out, size_t *found)
{
	int r = 0;

	for (size_t i = 0; i < d->count && !r && out->len < LIMIT_FILTER_BODY; i++) {
		const struct xml_element *e = &d->elements[i];
		struct text t = text_of(&d->text, e->inside);
		if (in[i] && (!attribute || find_attribute(d, e, *attribute, &t)))
			r = put_json(t, out, (*found)++);
	}
	return r;
}

static int put_steps(const struct xml_document *d, struct text steps, struct buf *values,
		     size_t *found, bool *many)
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
	struct xml_document d = { 0 };
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
	free_document(&d);
	return r ? r : many || found;
}
