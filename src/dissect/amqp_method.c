// SPDX-License-Identifier: GPL-2.0-or-later
/* What methods and content headers of AMQP say. What logs in is never copied. */
#include <float.h>
#include <inttypes.h>
#include <string.h>

#include "base/json_write.h"
#include "base/unpack.h"
#include "dissect/amqp.h"
#include "entry.h"

static const char masked[] = "•••";

/* clang-format off */
#define RESERVED(type)		 { AMQP_TYPE_##type, NULL, AMQP_ROLE_NONE }
#define NUMBER(type, name, role) { AMQP_TYPE_##type, name, AMQP_ROLE_##role }
#define BIT(name, role)		 { AMQP_TYPE_BIT, name, AMQP_ROLE_##role }
#define TAG(name)		 { AMQP_TYPE_U64, name, AMQP_ROLE_TAG }
#define SHORT(name)		 { AMQP_TYPE_SHORT, name, AMQP_ROLE_NONE }
#define LONG(name)		 { AMQP_TYPE_LONG, name, AMQP_ROLE_NONE }
#define TABLE(name)		 { AMQP_TYPE_TABLE, name, AMQP_ROLE_NONE }
#define SECRET(name)		 { AMQP_TYPE_SECRET, name, AMQP_ROLE_NONE }
#define METHOD(class_id, id, name, kind, side, answers, ...) \
	{ class_id, id, name, AMQP_KIND_##kind, AMQP_SIDE_##side, answers, { __VA_ARGS__ } },
static const struct amqp_method methods[] = {
#include "dissect/amqp_methods.def"
};
/* clang-format on */

const struct amqp_method *amqp_method(unsigned class_id, unsigned id)
{
	for (size_t i = 0; i < sizeof(methods) / sizeof(*methods); i++)
		if (methods[i].class_id == class_id && methods[i].id == id)
			return &methods[i];
	return NULL;
}

/* A field table being written as JSON. */
struct amqp_table {
	struct buf *out;
	unsigned fields;
	bool cut;
};

static void put_values(struct amqp_table *t, struct unpack *c, bool named, unsigned depth);

static void put_number(struct amqp_table *t, struct unpack *c, unsigned size, bool is_signed)
{
	uint64_t v = unpack_be(c, size);
	unsigned unused = 64 - 8 * size;

	if (is_signed)
		buf_printf(t->out, "%" PRId64, (int64_t)(v << unused) >> unused);
	else
		buf_printf(t->out, "%" PRIu64, v);
}

static void put_real(struct amqp_table *t, double v)
{
	if (v >= -DBL_MAX && v <= DBL_MAX)
		buf_printf(t->out, "%.*g", DBL_DIG, v);
	else
		buf_puts(t->out, "null");
}

static void put_float(struct amqp_table *t, struct unpack *c)
{
	uint32_t bits = (uint32_t)unpack_be(c, 4);
	float v;

	memcpy(&v, &bits, sizeof(v));
	put_real(t, (double)v);
}

static void put_double(struct amqp_table *t, struct unpack *c)
{
	uint64_t bits = unpack_be(c, 8);
	double v;

	memcpy(&v, &bits, sizeof(v));
	put_real(t, v);
}

/* Digits behind the point, then the digits as a number. */
static void put_decimal(struct amqp_table *t, struct unpack *c)
{
	unsigned scale = (unsigned)unpack_be(c, 1);

	buf_printf(t->out, "%" PRId32 "e-%u", (int32_t)unpack_be(c, 4), scale);
}

static void put_bytes(struct amqp_table *t, struct unpack *c)
{
	struct text v = unpack_text(c, unpack_be(c, 4));
	struct jw j = jw_begin(t->out);

	jw_hex(&j, NULL, v.data, v.len);
}

static void put_string(struct amqp_table *t, struct unpack *c)
{
	struct text v = unpack_text(c, unpack_be(c, 4));
	size_t shown = v.len < LIMIT_AMQP_TABLE ? v.len : LIMIT_AMQP_TABLE;

	t->cut |= shown < v.len;
	buf_put_json(t->out, v.data ? v.data : "", shown);
}

static void put_nested(struct amqp_table *t, struct unpack *c, bool named, unsigned depth)
{
	struct unpack part = unpack_part(c, unpack_be(c, 4));

	buf_putc(t->out, named ? '{' : '[');
	if (depth < LIMIT_AMQP_DEPTH)
		put_values(t, &part, named, depth + 1);
	else
		t->cut = true;
	c->failed |= part.failed;
	buf_putc(t->out, named ? '}' : ']');
}

/* The types as RabbitMQ has them, where it and the specification differ. */
static void put_value(struct amqp_table *t, struct unpack *c, unsigned depth)
{
	static const struct {
		char type;
		unsigned char size;
		bool is_signed;
	} numbers[] = { { 'b', 1, true },  { 'B', 1, false }, { 's', 2, true },
			{ 'u', 2, false }, { 'I', 4, true },  { 'i', 4, false },
			{ 'l', 8, true },  { 'L', 8, true },  { 'T', 8, false } };
	char type = (char)unpack_be(c, 1);

	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		if (type == numbers[i].type) {
			put_number(t, c, numbers[i].size, numbers[i].is_signed);
			return;
		}
	if (type == 't')
		buf_puts(t->out, unpack_be(c, 1) ? "true" : "false");
	else if (type == 'f')
		put_float(t, c);
	else if (type == 'd')
		put_double(t, c);
	else if (type == 'D')
		put_decimal(t, c);
	else if (type == 'S')
		put_string(t, c);
	else if (type == 'x')
		put_bytes(t, c);
	else if (type == 'F' || type == 'A')
		put_nested(t, c, type == 'F', depth);
	else
		buf_puts(t->out, "null");
	c->failed |= type != 'V' && !strchr("bBsuIilLTtfdDSxFA", type ? type : '?');
}

static bool table_has_room(struct amqp_table *t)
{
	t->cut |= t->fields >= LIMIT_AMQP_FIELDS || t->out->len >= LIMIT_AMQP_TABLE;
	t->fields++;
	return !t->cut;
}

static void put_values(struct amqp_table *t, struct unpack *c, bool named, unsigned depth)
{
	const char *comma = "";

	while (c->left && !c->failed && table_has_room(t)) {
		buf_puts(t->out, comma);
		comma = ",";
		if (named) {
			struct text name = unpack_text(c, unpack_be(c, 1));
			buf_put_json(t->out, name.data ? name.data : "", name.len);
			buf_putc(t->out, ':');
		}
		put_value(t, c, depth);
	}
}

static void note_cut(const struct amqp_table *t, struct message *msg)
{
	static const char what[] = "what is past the bounds of a table";

	if (t->cut)
		message_add_text(msg, "not_shown", (struct text){ what, sizeof(what) - 1 });
}

static void add_table(struct message *msg, const char *name, struct unpack c)
{
	struct buf out = { 0 };
	struct amqp_table t = { .out = &out };
	size_t len = c.left;

	buf_putc(&out, '{');
	put_values(&t, &c, true, 0);
	buf_putc(&out, '}');
	if (len)
		framed_text(msg, name, (struct text){ out.data, out.len });
	note_cut(&t, msg);
	buf_free(&out);
}

/* The headers of a message: one by one, each value as it would be in JSON but for a text. */
static void add_headers(struct message *msg, struct unpack c)
{
	struct buf out = { 0 };
	struct amqp_table t = { .out = &out };

	while (c.left && !c.failed) {
		struct text name = unpack_text(&c, unpack_be(&c, 1)), value;
		struct unpack text = c;
		out.len = 0;
		if (!table_has_room(&t))
			break;
		if (unpack_be(&text, 1) == 'S') {
			value = unpack_text(&text, unpack_be(&text, 4));
			c = text;
		} else {
			put_value(&t, &c, 0);
			value = (struct text){ out.data, out.len };
		}
		if (c.failed)
			break;
		name = message_text(msg, name.data, name.len);
		value = message_text(msg, value.data ? value.data : "", value.len);
		if (name.data && value.data)
			message_add_pair(msg, &msg->headers, name, value);
	}
	note_cut(&t, msg);
	buf_free(&out);
}

static unsigned width_of(enum amqp_type type)
{
	return type == AMQP_TYPE_U8 ? 1 : type == AMQP_TYPE_U16 ? 2 : type == AMQP_TYPE_U32 ? 4 : 8;
}

/* Bits that follow each other share bytes, the lowest first (4.2.5.2). */
static uint64_t take_value(struct unpack *c, enum amqp_type type, unsigned *bits, unsigned *left)
{
	if (type != AMQP_TYPE_BIT) {
		*left = 0;
		return unpack_be(c, width_of(type));
	}
	if (!*left) {
		*bits = (unsigned)unpack_be(c, 1);
		*left = 8;
	}
	unsigned bit = *bits >> (8 - *left) & 1;
	--*left;
	return bit;
}

/* What is no number. */
static void take_text(struct unpack *c, const struct amqp_argument *a, struct message *msg)
{
	struct text t = unpack_text(c, unpack_be(c, a->type == AMQP_TYPE_SHORT ? 1 : 4));

	if (!msg || !a->name || c->failed)
		return;
	if (a->type == AMQP_TYPE_TABLE)
		add_table(msg, a->name, unpack_at(t.data, t.len));
	else if (a->type != AMQP_TYPE_SECRET)
		framed_text(msg, a->name, t);
	else if (t.len)
		framed_text(msg, a->name, (struct text){ masked, sizeof(masked) - 1 });
}

/* What is in the frame behind its first `from` bytes. */
static struct unpack content_of(const struct pdu *p, size_t from)
{
	size_t len = p->len < p->size ? p->len : (size_t)p->size - 1;

	return len < from ? (struct unpack){ .failed = true }
			  : unpack_at(p->data + from, len - from);
}

void amqp_read_method(const struct amqp_method *m, const struct pdu *p, struct message *msg,
		      struct amqp_read *ret)
{
	struct unpack c = content_of(p, AMQP_ARGUMENTS);
	unsigned bits = 0, left = 0;

	*ret = (struct amqp_read){ 0 };
	for (const struct amqp_argument *a = m->arguments; a->type && !c.failed; a++) {
		if (a->type >= AMQP_TYPE_SHORT) {
			left = 0;
			take_text(&c, a, msg);
			continue;
		}
		uint64_t v = take_value(&c, a->type, &bits, &left);
		if (c.failed)
			break;
		if (a->role)
			ret->value[a->role] = v;
		if (msg && a->name && (v || a->type != AMQP_TYPE_BIT))
			message_add_number(msg, a->name, v > INT64_MAX ? INT64_MAX : (int64_t)v);
	}
	ret->failed = c.failed;
}

bool amqp_read_header(const struct pdu *p, struct message *msg, uint64_t *ret_size)
{
	/* By their bit, from the highest one on (1.8.3 of the definitions of basic). */
	static const struct amqp_argument properties[] = {
		{ AMQP_TYPE_SHORT, "content_type", 0 }, { AMQP_TYPE_SHORT, "content_encoding", 0 },
		{ AMQP_TYPE_TABLE, "headers", 0 },	{ AMQP_TYPE_U8, "delivery_mode", 0 },
		{ AMQP_TYPE_U8, "priority", 0 },	{ AMQP_TYPE_SHORT, "correlation_id", 0 },
		{ AMQP_TYPE_SHORT, "reply_to", 0 },	{ AMQP_TYPE_SHORT, "expiration", 0 },
		{ AMQP_TYPE_SHORT, "message_id", 0 },	{ AMQP_TYPE_U64, "timestamp", 0 },
		{ AMQP_TYPE_SHORT, "type", 0 },		{ AMQP_TYPE_SHORT, "user_id", 0 },
		{ AMQP_TYPE_SHORT, "app_id", 0 },	{ AMQP_TYPE_SHORT, "cluster_id", 0 },
	};
	struct unpack c = content_of(p, AMQP_HEAD + 4);
	uint64_t size = unpack_be(&c, 8);
	unsigned flags = (unsigned)unpack_be(&c, 2);

	if (c.failed)
		return false;
	*ret_size = size;
	for (size_t i = 0; i < sizeof(properties) / sizeof(*properties) && !c.failed; i++) {
		const struct amqp_argument *a = &properties[i];
		if (!(flags & 0x8000U >> i))
			continue;
		if (a->type == AMQP_TYPE_TABLE) {
			add_headers(msg, unpack_part(&c, unpack_be(&c, 4)));
		} else if (a->type != AMQP_TYPE_SHORT) {
			uint64_t v = unpack_be(&c, width_of(a->type));
			if (!c.failed)
				message_add_number(msg, a->name,
						   v > INT64_MAX ? INT64_MAX : (int64_t)v);
		} else if (i < 2) {
			struct text t = unpack_text(&c, unpack_be(&c, 1));
			*(i ? &msg->content_encoding : &msg->content_type) =
				t.len ? message_text(msg, t.data, t.len) : (struct text){ 0 };
		} else {
			take_text(&c, a, msg);
		}
	}
	return !c.failed && !(flags & 1);
}

const char *amqp_code(unsigned code)
{
	static const struct {
		unsigned code;
		const char *text;
	} codes[] = {
		{ 200, "OK" },
		{ 311, "311 CONTENT_TOO_LARGE" },
		{ 312, "312 NO_ROUTE" },
		{ 313, "313 NO_CONSUMERS" },
		{ 320, "320 CONNECTION_FORCED" },
		{ 402, "402 INVALID_PATH" },
		{ 403, "403 ACCESS_REFUSED" },
		{ 404, "404 NOT_FOUND" },
		{ 405, "405 RESOURCE_LOCKED" },
		{ 406, "406 PRECONDITION_FAILED" },
		{ 501, "501 FRAME_ERROR" },
		{ 502, "502 SYNTAX_ERROR" },
		{ 503, "503 COMMAND_INVALID" },
		{ 504, "504 CHANNEL_ERROR" },
		{ 505, "505 UNEXPECTED_FRAME" },
		{ 506, "506 RESOURCE_ERROR" },
		{ 530, "530 NOT_ALLOWED" },
		{ 540, "540 NOT_IMPLEMENTED" },
		{ 541, "541 INTERNAL_ERROR" },
	};

	for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++)
		if (codes[i].code == code)
			return codes[i].text;
	return code ? "unknown reply code" : "OK";
}

struct text amqp_member(const struct message *m, const char *name)
{
	const struct message_member *p = m ? m->own : NULL;

	while (p && strcmp(p->name, name) != 0)
		p = p->next;
	return p && p->text.data ? p->text : (struct text){ 0 };
}

static void put_word(struct buf *out, const char *before, struct text t)
{
	if (t.len && out->len)
		buf_puts(out, before);
	buf_put(out, t.data, t.len);
}

/* "orders order.paid", "orders order.* → jobs", or the first of what else names it. */
const char *amqp_summary(struct entry *e)
{
	static const char *const others[] = { "vhost", "reply_text", "consumer_tag", "mechanism" };
	const struct message *q = e->message[0], *a = e->message[1];
	struct buf out = { 0 };

	put_word(&out, " ", amqp_member(q, "exchange"));
	put_word(&out, " ", amqp_member(q, "routing_key"));
	struct text queue = amqp_member(q, "queue");
	put_word(&out, " → ", queue.len ? queue : amqp_member(a, "queue"));
	put_word(&out, " → ", amqp_member(q, "destination"));
	for (size_t i = 0; i < sizeof(others) / sizeof(*others) && !out.len; i++)
		put_word(&out, "", amqp_member(q, others[i]));
	const char *s = entry_text(e, out.data, out.len < LIMIT_SUMMARY ? out.len : LIMIT_SUMMARY);
	buf_free(&out);
	return s;
}
