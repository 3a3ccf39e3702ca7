// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A message in protobuf's wire format. Without a schema a field is its number, and what has a
 * length is guessed: a text, a message, numbers one after the other, or bytes.
 */
#include <string.h>

#include "body/body_walk.h"
#include "body/proto_set.h"
#include "body/proto_wire.h"
#include "base/utf8.h"

#define ENDS_EARLY "the bytes end inside it"
#define NO_FIELD   "bytes that are no field"
#define PACKED_FEW 12 /* bytes that are taken for packed numbers whatever their widths are */

/* What is walked through: a message, or the numbers of a packed field. */
struct message_part {
	size_t end;
	const struct proto_message *type;
	unsigned depth;
	uint32_t group; /* it is one: its number, ended by a tag */
	bool cut;	/* the data end before it does */
};

static bool walk_message(struct body_walk *w, const struct message_part *m);

/* Signs that a text has, by and large. Stops at the first that is none. */
static bool is_text(struct body_walk *w, const uint8_t *p, size_t len, bool cut)
{
	for (size_t i = 0; i < len;) {
		size_t n = utf8_length(p + i, len - i);
		w->work++;
		if (!n)
			return cut && i && len - i < 4;
		if ((p[i] < ' ' && !strchr("\t\n\r", p[i])) || !p[i] || p[i] == 0x7f)
			return false;
		i += n;
	}
	return true;
}

/* Numbers in their shortest form, to the end; short ones, for hashes and keys look like this too.
 */
static bool is_packed(struct body_walk *w, const uint8_t *p, size_t len)
{
	size_t at = 0, count = 0, zeros = 0;
	uint64_t v;

	for (; at < len; count++) {
		size_t start = at;
		if (!wire_varint(p, len, &at, &v) || at - start > 5 ||
		    (at - start > 1 && !p[at - 1]))
			return false;
		w->work += at - start;
		zeros += !v;
	}
	return count > 1 && 2 * zeros <= count && (len < PACKED_FEW || 2 * len <= 3 * count);
}

/*
 * A message often begins with the tags 0a, 12 or 1a, of which 0a is a line feed: a text seldom
 * begins with one, so what begins with a control character and is a message is one.
 */
static enum proto_type guess(struct body_walk *w, const struct wire_field *f)
{
	const uint8_t *p = w->data + f->data;
	size_t len = f->end - f->data;

	if (!len)
		return PROTO_STRING;
	bool control = *p < ' ';
	if (!control && is_text(w, p, len, f->cut))
		return PROTO_STRING;
	if (wire_is_message(p, len, f->cut, &w->work))
		return PROTO_MESSAGE;
	if (control && is_text(w, p, len, f->cut))
		return PROTO_STRING;
	return PROTO_BYTES;
}

static double as_double(uint64_t v)
{
	double d;

	memcpy(&d, &v, sizeof(d));
	return d;
}

static double as_float(uint64_t v)
{
	uint32_t low = (uint32_t)v;
	float f;

	memcpy(&f, &low, sizeof(f));
	return (double)f;
}

static bool is_likely(double d)
{
	d = d < 0 ? -d : d;
	return d >= 1e-6 && d <= 1e12;
}

static void set_real(struct body_node *n, double d, unsigned bits, const char *type)
{
	n->kind = BODY_REAL;
	n->d = d;
	n->real_bits = bits;
	n->type = type;
}

static void set_int(struct body_node *n, int64_t i, const char *type)
{
	n->kind = i < 0 ? BODY_INT : BODY_UINT;
	n->i = i;
	n->type = type;
}

/* What the wire says alone. A varint of ten bytes is a negative number more often than not. */
static void set_guessed(struct body_node *n, enum wire_type wire, uint64_t v)
{
	double d = wire == WIRE_FIXED64 ? as_double(v) : as_float(v);

	if (wire == WIRE_VARINT)
		set_int(n, (int64_t)v, "varint");
	else if (is_likely(d))
		set_real(n, d, wire == WIRE_FIXED64 ? 64 : 32,
			 wire == WIRE_FIXED64 ? "fixed64, double?" : "fixed32, float?");
	else {
		n->kind = BODY_UINT;
		n->u = v;
		n->type = wire == WIRE_FIXED64 ? "fixed64" : "fixed32";
	}
}

static enum wire_type wire_of(enum proto_type t)
{
	switch (t) {
	case PROTO_DOUBLE:
	case PROTO_FIXED64:
	case PROTO_SFIXED64:
		return WIRE_FIXED64;
	case PROTO_FLOAT:
	case PROTO_FIXED32:
	case PROTO_SFIXED32:
		return WIRE_FIXED32;
	case PROTO_STRING:
	case PROTO_BYTES:
	case PROTO_MESSAGE:
		return WIRE_LENGTH;
	case PROTO_GROUP:
		return WIRE_GROUP;
	default:
		return WIRE_VARINT;
	}
}

/* A number of a field that the schema knows. */
static void set_number(const struct body_walk *w, struct body_node *n, const struct proto_field *s,
		       uint64_t v)
{
	switch (s->type) {
	case PROTO_DOUBLE:
		set_real(n, as_double(v), 64, "double");
		return;
	case PROTO_FLOAT:
		set_real(n, as_float(v), 32, "float");
		return;
	case PROTO_INT64:
	case PROTO_SFIXED64:
		set_int(n, (int64_t)v, s->type == PROTO_INT64 ? "int64" : "sfixed64");
		return;
	case PROTO_INT32:
	case PROTO_SFIXED32:
		set_int(n, (int32_t)v, s->type == PROTO_INT32 ? "int32" : "sfixed32");
		return;
	case PROTO_SINT32:
	case PROTO_SINT64:
		set_int(n, (int64_t)(v >> 1 ^ -(v & 1)),
			s->type == PROTO_SINT32 ? "sint32" : "sint64");
		return;
	case PROTO_BOOL:
		n->kind = BODY_BOOL;
		n->b = v != 0;
		n->type = "bool";
		return;
	case PROTO_ENUM:
		set_int(n, (int32_t)v, "enum");
		n->label = proto_set_value(w->set, s->type_name, (int32_t)v);
		return;
	default:
		n->kind = BODY_UINT;
		n->u = v;
		n->type = s->type == PROTO_FIXED64   ? "fixed64"
			  : s->type == PROTO_FIXED32 ? "fixed32"
			  : s->type == PROTO_UINT32  ? "uint32"
						     : "uint64";
	}
}

/* Numbers one after the other, without tags. */
static bool walk_packed(struct body_walk *w, const struct wire_field *f,
			const struct proto_field *s, const struct body_node *list)
{
	enum wire_type wire = s ? wire_of(s->type) : WIRE_VARINT;
	unsigned width = wire == WIRE_FIXED64 ? 8 : wire == WIRE_FIXED32 ? 4 : 0;
	bool good = body_open(w, list);

	if (!good)
		return false;
	for (size_t at = f->data; good && at < f->end;) {
		struct body_node n = { .start = at, .head_end = at };
		uint64_t v = 0;
		if (!width && !wire_varint(w->data, f->end, &at, &v))
			good = body_cut(w, ENDS_EARLY, at);
		if (width && f->end - at < width)
			good = body_cut(w, ENDS_EARLY, at);
		for (unsigned i = width; good && i--;)
			v = v << 8 | w->data[at + i];
		at += good ? width : 0;
		n.end = at;
		w->work += at - n.start;
		if (s)
			set_number(w, &n, s, v);
		else
			set_guessed(&n, WIRE_VARINT, v);
		good = good && body_leaf(w, &n);
	}
	body_close(w, f->end);
	return good;
}

static bool walk_nested(struct body_walk *w, const struct message_part *m,
			const struct wire_field *f, const struct proto_field *s,
			struct body_node *n)
{
	struct message_part inner = { .end = f->type == WIRE_GROUP ? m->end : f->end,
				      .type = s ? proto_set_message(w->set, s->type_name) : NULL,
				      .depth = m->depth + 1,
				      .group = f->type == WIRE_GROUP ? f->number : 0,
				      .cut = f->cut || (f->type == WIRE_GROUP && m->cut) };

	if (inner.depth >= LIMIT_BODY_DEPTH)
		return body_cut(w, BODY_TOO_DEEP, f->start);
	n->kind = BODY_MAP;
	n->type = f->type == WIRE_GROUP ? "group" : "message";
	/* A group has no length. */
	n->head_end = f->type == WIRE_GROUP ? f->start : f->data;
	n->u = f->value;
	if (!body_open(w, n))
		return false;
	w->at = f->type == WIRE_GROUP ? f->end : f->data;
	bool good = walk_message(w, &inner);
	body_close(w, good ? w->at : inner.end);
	return good;
}

/* What has a length. */
static bool walk_length(struct body_walk *w, const struct message_part *m,
			const struct wire_field *f, const struct proto_field *s,
			struct body_node *n)
{
	const uint8_t *p = w->data + f->data;
	size_t len = f->end - f->data;
	enum proto_type type = s ? s->type : guess(w, f);

	n->cut = f->cut;
	if (s && len && type == PROTO_MESSAGE && !wire_is_message(p, len, f->cut, &w->work))
		type = PROTO_BYTES;
	if (type == PROTO_MESSAGE)
		return walk_nested(w, m, f, s, n);
	n->kind = BODY_LIST;
	n->type = "packed";
	if (s ? wire_of(type) != WIRE_LENGTH : type == PROTO_BYTES && is_packed(w, p, len))
		return walk_packed(w, f, s, n);
	bool text = type == PROTO_STRING && (!s || is_text(w, p, len, f->cut));
	n->kind = text ? BODY_TEXT : BODY_BYTES;
	n->type = text ? "string" : "bytes";
	n->text = (struct text){ (const char *)p, len };
	return body_leaf(w, n);
}

static bool walk_field(struct body_walk *w, const struct message_part *m,
		       const struct wire_field *f, const struct proto_field *s, bool named)
{
	struct body_node n = { .start = f->start, .head_end = f->data, .end = f->end };

	/* Not what the schema says: then it says nothing. Numbers may be packed. */
	if (s && f->type != wire_of(s->type) &&
	    (f->type != WIRE_LENGTH || s->type == PROTO_GROUP || s->type == PROTO_UNKNOWN))
		s = NULL;
	w->work += 16;
	if (named) {
		n.name = body_digits(w, f->number, false);
		n.alias = s ? s->name : (struct text){ 0 };
	}
	if (f->type == WIRE_GROUP)
		return walk_nested(w, m, f, s, &n);
	if (f->type == WIRE_LENGTH)
		return walk_length(w, m, f, s, &n);
	if (s)
		set_number(w, &n, s, f->value);
	else
		set_guessed(&n, f->type, f->value);
	return body_leaf(w, &n);
}

/* Is the field at `at` one more of the same? */
static bool goes_on(const struct body_walk *w, const struct message_part *m, size_t at,
		    uint32_t number)
{
	uint64_t tag;

	return at < m->end && wire_varint(w->data, m->end, &at, &tag) && tag >> 3 == number &&
	       (tag & 7) != WIRE_END_GROUP;
}

/* A field, or all that follow each other with the same number, as a list. */
static bool walk_run(struct body_walk *w, const struct message_part *m, struct wire_field *f)
{
	const struct proto_field *s = proto_message_field(w->set, m->type, f->number);
	uint32_t number = f->number;
	bool many = f->type != WIRE_GROUP && goes_on(w, m, f->end, number);
	bool good;

	if (!many) {
		good = walk_field(w, m, f, s, true);
		if (f->type != WIRE_GROUP)
			w->at = f->end;
		return good;
	}
	const struct body_node list = { .kind = BODY_LIST,
					.type = "repeated",
					.name = body_digits(w, f->number, false),
					.alias = s ? s->name : (struct text){ 0 },
					.start = f->start,
					.head_end = f->start,
					.end = f->start };
	if (!body_open(w, &list))
		return false;
	do {
		good = walk_field(w, m, f, s, false);
		if (f->type != WIRE_GROUP)
			w->at = f->end;
	} while (good && goes_on(w, m, w->at, number) && wire_field(w->data, m->end, w->at, f));
	body_close(w, w->at);
	return good;
}

/* After a group's tag and up to its end, or to the end of the message. */
static bool walk_message(struct body_walk *w, const struct message_part *m)
{
	struct wire_field f;

	while (w->at < m->end) {
		size_t at = w->at;
		if (!wire_field(w->data, m->end, at, &f))
			return body_cut(w, m->cut ? ENDS_EARLY : NO_FIELD, at);
		if (f.type == WIRE_END_GROUP) {
			w->at = f.end;
			return f.number == m->group || body_cut(w, NO_FIELD, at);
		}
		if (!walk_run(w, m, &f))
			return false;
		if (f.cut)
			return body_cut(w, ENDS_EARLY, f.end);
	}
	return !m->group || body_cut(w, ENDS_EARLY, w->at);
}

/* application/x-protobuf; messageType="package.Message", or proto=, or message= */
static struct text type_parameter(const char *content_type)
{
	static const char *const names[] = { "messagetype=", "proto=", "message=" };

	for (size_t i = 0; content_type && i < sizeof(names) / sizeof(*names); i++) {
		const char *p = strcasestr(content_type, names[i]);
		if (!p)
			continue;
		p += strlen(names[i]);
		p += *p == '"';
		return (struct text){ p, strcspn(p, "\"; ,") };
	}
	return (struct text){ 0 };
}

void protobuf_walk(struct body_walk *w)
{
	static const struct body_node outermost = { .kind = BODY_MAP, .type = "message" };
	struct text name = w->message_type.len ? w->message_type : type_parameter(w->content_type);
	const struct message_part all = { .end = w->len,
					  .type = proto_set_message(w->set, name),
					  .cut = true };

	w->guessed = !all.type;
	w->message_type = all.type ? name : (struct text){ 0 };
	if (!body_open(w, &outermost))
		return;
	walk_message(w, &all);
	body_close(w, w->len);
}
