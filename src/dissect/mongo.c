// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * MongoDB's wire protocol: OP_MSG, OP_COMPRESSED and what is left of OP_QUERY. A command and its
 * replies are one exchange, which responseTo names; with moreToCome there are several replies, or
 * none. What logins exchange never becomes text.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/coding.h"
#include "base/limits.h"
#include "dissect/bson.h"
#include "dissect/framed.h"
#include "entry.h"

#define HEAD	16
#define LARGEST (48000000 + 16384) /* maxMessageSizeBytes, and room for the message around it */

enum op { OP_REPLY = 1, OP_QUERY = 2004, OP_COMPRESSED = 2012, OP_MSG = 2013 };
enum { CHECKSUM = 1, MORE_TO_COME = 2, EXHAUST_ALLOWED = 1 << 16 }; /* flags of OP_MSG */

struct mongo_exchange {
	struct framed_exchange f; /* first */
	uint32_t asked;		  /* requestID of the command */
	bool secret;		  /* logins: what its messages hold is masked */
	unsigned replies;	  /* that were read */
	bool ok;
	bool failed;
	int64_t code;	 /* of the failure */
	char name[40];	 /* of the code */
	char method[40]; /* the command */
};

/* Header of a message, all of it. */
struct mongo_head {
	uint32_t size, id, answers, op;
};

static struct mongo_head head_of(const uint8_t *data)
{
	struct unpack u = unpack_at(data, HEAD);
	struct mongo_head h = { 0 };

	h.size = (uint32_t)unpack_le(&u, 4);
	h.id = (uint32_t)unpack_le(&u, 4);
	h.answers = (uint32_t)unpack_le(&u, 4);
	h.op = (uint32_t)unpack_le(&u, 4);
	return h;
}

static bool op_known(uint32_t op)
{
	return op == OP_REPLY || (op >= 2001 && op <= 2007 && op != 2003) || op == OP_COMPRESSED ||
	       op == OP_MSG;
}

static int64_t mongo_length(const struct framed *f, enum dir dir, const uint8_t *data, size_t len)
{
	(void)f;
	(void)dir;
	if (len < HEAD)
		return 0;
	struct mongo_head h = head_of(data);
	return h.size >= HEAD && h.size <= LARGEST && op_known(h.op) ? (int64_t)h.size : -EPROTO;
}

/* What begins with a valid header must also begin its content as its kind does. */
static int content_score(const struct mongo_head *h, const uint8_t *p, size_t len)
{
	struct unpack u = unpack_at(p, len);
	uint32_t first = (uint32_t)unpack_le(&u, 4);

	if (h->op == OP_MSG) {
		unsigned kind = (unsigned)unpack_le(&u, 1);
		bool flags = !(first & 0xffff & ~(CHECKSUM | MORE_TO_COME));
		return u.failed ? PROBE_MAYBE : flags && kind <= 1 ? PROBE_YES : PROBE_NO;
	}
	if (h->op == OP_COMPRESSED) {
		unpack_le(&u, 4);
		unsigned how = (unsigned)unpack_le(&u, 1);
		return u.failed						       ? PROBE_MAYBE
		       : op_known(first) && first != OP_COMPRESSED && how <= 3 ? PROBE_YES
									       : PROBE_NO;
	}
	if (u.failed)
		return PROBE_MAYBE;
	if (h->op == OP_REPLY)
		return !(first & ~15u) && h->answers ? 60 : PROBE_NO;
	return h->op == OP_QUERY && !(first & ~255u) && !h->answers ? 60 : PROBE_NO;
}

static int mongo_probe(enum dir dir, const uint8_t *data, size_t len)
{
	static const uint8_t zero[2];

	(void)dir;
	/* The upper half of the operation is 0, and its lower one of a few. */
	if (len >= HEAD - 2 && !op_known((uint32_t)(data[12] | data[13] << 8)))
		return PROBE_NO;
	if (len > HEAD - 2 && memcmp(data + HEAD - 2, zero, len < HEAD ? len - HEAD + 2 : 2) != 0)
		return PROBE_NO;
	if (len >= 4 && (data[3] > LARGEST >> 24 || (!data[1] && !data[2] && data[0] < HEAD)))
		return PROBE_NO;
	if (len < HEAD)
		return PROBE_SHORT;
	struct mongo_head h = head_of(data);
	if (h.size < HEAD || h.size > LARGEST)
		return PROBE_NO;
	return content_score(&h, data + HEAD, len - HEAD);
}

static int mongo_begins(const struct framed *f, enum dir dir, const uint8_t *data, size_t len)
{
	(void)f;
	return mongo_probe(dir, data, len);
}

static uint64_t key_of(enum dir asks, uint32_t id)
{
	return (uint64_t)asks << 32 | id;
}

/* Later replies to one command may name the reply before them, or the command. */
static struct exchange *answered(struct framed *f, enum dir dir, uint32_t id)
{
	uint64_t key = key_of(!dir, id);

	struct exchange *x = exchange_find(&f->l, key) ? NULL : f->l.head;

	while (x && (((struct mongo_exchange *)x)->asked != id || !x->message[PART_RESPONSE]))
		x = x->next;
	if (x)
		exchange_set_key(&f->l, x, key);
	return framed_answered(f, dir, key);
}

static int mongo_begin(void *ctx, enum dir dir, const struct pdu *p)
{
	struct framed *f = ctx;
	struct mongo_head h = head_of(p->data);

	if (!f->client_known)
		framed_know_client(f, h.answers ? !dir : dir);
	if (h.answers)
		return framed_place(f, dir, answered(f, dir, h.answers), PART_RESPONSE, p);
	struct exchange *x = framed_asked(f, key_of(dir, h.id));
	if (x)
		((struct mongo_exchange *)x)->asked = h.id;
	return framed_place(f, dir, x, PART_REQUEST, p);
}

/* A message being read, when its compression was undone. */
struct mongo_message {
	struct mongo_exchange *x;
	struct message *msg;
	bool request;
	uint32_t op;
	struct unpack u;
	uint32_t flags;
	const uint8_t *command; /* the document that is the command, or the reply */
	size_t command_len;
	struct buf database; /* of an OP_QUERY */
};

static bool is_login(const char *command)
{
	static const char *const names[] = { "saslStart",      "saslContinue", "hello",
					     "isMaster",       "ismaster",     "authenticate",
					     "createUser",     "updateUser",   "copydbsaslstart",
					     "copydbgetnonce", "getnonce",     "logout" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!strcmp(command, names[i]))
			return true;
	return false;
}

/* Members that hold passwords, or the steps of a login. */
static bool secret_member(struct text key)
{
	static const char *const names[] = { "payload", "pwd", "key", "nonce", "password" };

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (key.len == strlen(names[i]) && !memcmp(key.data, names[i], key.len))
			return true;
	return false;
}

static void copy_name(char *to, size_t size, struct text t)
{
	size_t n = 0;

	while (n < t.len && n + 1 < size && t.data[n] > ' ' && t.data[n] < 0x7f)
		n++;
	memcpy(to, t.data, n);
	to[n] = '\0';
}

static bool key_is(const struct bson *b, const char *name)
{
	return b->key.len == strlen(name) && !memcmp(b->key.data, name, b->key.len);
}

static int64_t count_elements(const void *data, size_t len)
{
	struct bson b = bson_begin(data, len);
	int64_t n = 0;

	while (bson_next(&b))
		n++;
	return n;
}

/* The command is the first member; its value names the collection, but for getMore. */
static void read_command(struct mongo_message *m)
{
	struct bson b = bson_begin(m->command, m->command_len);
	struct text database = { m->database.data, m->database.len }, collection = { 0 };
	bool first = true;

	for (; bson_next(&b); first = false) {
		if (first)
			copy_name(m->x->method, sizeof(m->x->method), b.key);
		if (first || key_is(&b, "collection"))
			collection = bson_text(&b).len ? bson_text(&b) : collection;
		if (key_is(&b, "$db"))
			database = bson_text(&b);
	}
	m->x->secret = is_login(m->x->method);
	framed_text(m->msg, "database", database);
	framed_text(m->msg, "collection", collection);
}

/* {writeErrors: [{code: 11000, ...}, ...]} of a reply that is "ok". */
static int64_t first_code(const struct bson *array)
{
	struct bson b = bson_begin(array->value, array->len);

	if (!bson_next(&b) || b.type != BSON_DOCUMENT)
		return 0;
	struct bson error = bson_begin(b.value, b.len);
	while (bson_next(&error))
		if (key_is(&error, "code"))
			return bson_number(&error);
	return 0;
}

static void count_batch(struct mongo_message *m, const struct bson *cursor)
{
	struct bson b = bson_begin(cursor->value, cursor->len);

	while (bson_next(&b))
		if (b.type == BSON_ARRAY && (key_is(&b, "firstBatch") || key_is(&b, "nextBatch")))
			message_add_number(m->msg, "documents", count_elements(b.value, b.len));
}

static void read_reply(struct mongo_message *m)
{
	struct bson b = bson_begin(m->command, m->command_len);

	while (bson_next(&b)) {
		if (key_is(&b, "ok")) {
			m->x->ok = true;
			m->x->failed |= bson_number(&b) == 0;
		} else if (key_is(&b, "code")) {
			m->x->code = bson_number(&b);
		} else if (key_is(&b, "codeName")) {
			copy_name(m->x->name, sizeof(m->x->name), bson_text(&b));
		} else if (key_is(&b, "writeErrors") && b.type == BSON_ARRAY) {
			m->x->failed = true;
			m->x->code = first_code(&b);
			copy_name(m->x->name, sizeof(m->x->name),
				  (struct text){ "WriteError", 10 });
		} else if (!m->x->replies && key_is(&b, "cursor") && b.type == BSON_DOCUMENT) {
			count_batch(m, &b);
		}
	}
}

/* The bytes of a document that begins there, as far as they are there. */
static struct unpack take_document(struct unpack *u)
{
	struct unpack size = *u;
	uint64_t n = unpack_le(&size, 4);

	return unpack_part(u, n < u->left ? n : u->left);
}

/* Documents of a sequence follow the command as a member that is an array. */
static void write_sequence(struct mongo_message *m, struct bson_writer *w, struct unpack u)
{
	const uint8_t *nul = u.left ? memchr(u.at, 0, u.left) : NULL;
	struct text name = unpack_text(&u, nul ? (uint64_t)(nul - u.at) : u.left + 1);
	int64_t count = 0;

	unpack_take(&u, 1);
	if (u.failed)
		return;
	buf_puts(w->out, w->out->len > 1 ? "," : "");
	buf_put_json(w->out, name.data, name.len);
	buf_puts(w->out, ":[");
	while (u.left >= 5) {
		struct unpack document = take_document(&u);
		if (document.left < 5)
			break;
		if (w->out->len < w->limit) {
			buf_puts(w->out, count ? "," : "");
			bson_write(w, document.at, document.left);
		} else {
			w->omitted += document.left;
		}
		count++;
	}
	buf_putc(w->out, ']');
	message_add_number(m->msg, "documents", count);
}

/* One section: its kind, and what it has. False: there is none. */
static bool next_section(struct unpack *u, unsigned *ret_kind, struct unpack *ret)
{
	if (!u->left || u->failed)
		return false;
	*ret_kind = (unsigned)unpack_le(u, 1);
	if (!*ret_kind) {
		*ret = take_document(u);
		return ret->left >= 5;
	}
	uint64_t size = unpack_le(u, 4);
	if (u->failed || *ret_kind != 1 || size < 4)
		return false;
	*ret = unpack_part(u, size - 4 < u->left ? size - 4 : u->left);
	return true;
}

static void find_command(struct mongo_message *m)
{
	struct unpack u = m->u, section;
	unsigned kind;

	while (!m->command && next_section(&u, &kind, &section))
		if (!kind) {
			m->command = section.at;
			m->command_len = section.left;
		}
}

static void write_body(struct mongo_message *m)
{
	struct buf out = { 0 };
	/* A reply whose command was not seen may be one of a login. */
	bool secret = m->x->secret || (!m->request && !*m->x->method);
	size_t used = m->msg->body.bytes.len;
	struct bson_writer w = { .out = &out,
				 .limit = LIMIT_RENDERED_BYTES - (used < LIMIT_RENDERED_BYTES
									  ? used
									  : LIMIT_RENDERED_BYTES),
				 .secret = secret ? secret_member : NULL };
	struct unpack u = m->u, section;
	unsigned kind;

	buf_putc(&out, '{');
	bson_write_members(&w, m->command, m->command_len);
	while (m->op == OP_MSG && next_section(&u, &kind, &section))
		if (kind)
			write_sequence(m, &w, section);
	buf_puts(&out, "}\n");
	payload_put(&m->msg->body, out.data, out.len, SIZE_MAX);
	payload_skip(&m->msg->body, w.omitted, GAP_TRUNCATED);
	const char *type = m->x->replies ? "application/x-ndjson" : "application/json";
	m->msg->content_type = message_text(m->msg, type, strlen(type));
	buf_free(&out);
}

/* OP_QUERY and OP_REPLY, which have one document after what they say of themselves. */
static void open_legacy(struct mongo_message *m)
{
	if (m->op == OP_QUERY) {
		const uint8_t *nul = m->u.left ? memchr(m->u.at, 0, m->u.left) : NULL;
		struct text name =
			unpack_text(&m->u, nul ? (uint64_t)(nul - m->u.at) : m->u.left + 1);
		const char *dot = name.len ? memchr(name.data, '.', name.len) : NULL;
		if (dot)
			buf_put(&m->database, name.data, (size_t)(dot - name.data));
	}
	unpack_take(&m->u, m->op == OP_QUERY ? 1 + 8 : 16);
	struct unpack document = m->u;
	document = take_document(&document);
	m->command = document.at;
	m->command_len = document.left;
}

static void read_message(struct mongo_message *m)
{
	m->flags = (uint32_t)unpack_le(&m->u, 4);
	if (m->op == OP_MSG && m->flags & CHECKSUM && m->u.left >= 4)
		m->u.left -= 4;
	if (m->op == OP_MSG)
		find_command(m);
	else if (m->op == OP_QUERY || m->op == OP_REPLY)
		open_legacy(m);
	if (!m->command || m->command_len < 5)
		return;
	if (m->request)
		read_command(m);
	else
		read_reply(m);
	write_body(m);
}

/* Undo the compression, as far as it can be. `plain` holds the result. */
static void decompress(struct mongo_message *m, struct buf *plain)
{
	static const char *const names[] = { "none", "snappy, not undone", "zlib", "zstd" };
	static const char *const codings[] = { "", NULL, "deflate", "zstd" };

	m->op = (uint32_t)unpack_le(&m->u, 4);
	unpack_le(&m->u, 4);
	unsigned how = (unsigned)unpack_le(&m->u, 1);
	if (m->u.failed || how > 3)
		return;
	if (!m->x->replies)
		framed_text(m->msg, "compression", (struct text){ names[how], strlen(names[how]) });
	if (how && codings[how])
		coding_decode(codings[how], m->u.at, m->u.left,
			      coding_limit(m->u.left, LIMIT_MONGO_MESSAGE), plain);
	if (how)
		m->u = unpack_at(plain->data, plain->len);
}

/* Replies go on when they say so; commands then have none. */
static void finish(struct framed *f, enum dir dir, const struct pdu *p,
		   const struct mongo_message *m, uint32_t id)
{
	struct exchange *x = &m->x->f.x;
	bool more = m->op == OP_MSG && m->flags & MORE_TO_COME && m->command;

	if (m->request && more)
		framed_one_way(f, dir);
	if (!m->request && more && x->message[PART_REQUEST]) {
		exchange_set_key(&f->l, x, key_of(!dir, id));
		framed_rest(f, dir);
	} else {
		framed_done(f, dir, p);
	}
}

static int mongo_whole(void *ctx, enum dir dir, const struct pdu *p)
{
	struct framed *f = ctx;
	struct exchange *x = f->now[dir];
	struct mongo_head h = head_of(p->data);
	struct buf plain = { 0 };

	if (!x)
		return 0;
	struct mongo_message m = { .x = (struct mongo_exchange *)x,
				   .msg = x->message[f->part[dir]],
				   .request = f->part[dir] == PART_REQUEST,
				   .op = h.op,
				   .u = unpack_at(p->data + HEAD, p->len - HEAD) };
	if (h.op == OP_COMPRESSED)
		decompress(&m, &plain);
	read_message(&m);
	payload_skip(&m.msg->body, p->missing, GAP_LOST);
	payload_skip(&m.msg->body, p->size - p->missing - p->len, GAP_TRUNCATED);
	if (!m.request)
		m.x->replies++;
	finish(f, dir, p, &m, h.id);
	buf_free(&plain);
	buf_free(&m.database);
	return 0;
}

static void mongo_fill(const struct exchange *x, struct entry *e)
{
	const struct mongo_exchange *q = (const struct mongo_exchange *)x;

	if (framed_fill(x, e))
		return;
	e->method = entry_text(e, q->method, strlen(q->method));
	const char *database = framed_summary(e, "database");
	const char *collection = framed_summary(e, "collection");
	e->summary = entry_printf(e, "%s%s%s", database, *database && *collection ? "." : "",
				  collection);
	e->failed = q->failed;
	if (q->failed && q->code)
		e->status = entry_printf(e, "%lld%s%s", (long long)q->code, *q->name ? " " : "",
					 q->name);
	else if (q->failed)
		e->status = "failed";
	else if (q->ok)
		e->status = "OK";
}

static const struct framed_ops mongo_ops = {
	.name = "mongodb",
	.pdu = { FRAMED_PDU_OPS, .keep = LIMIT_MONGO_MESSAGE, .begin = mongo_begin,
		 .whole = mongo_whole },
	.exchange = { "mongodb", sizeof(struct mongo_exchange), mongo_fill, NULL },
	.length = mongo_length,
	.begins = mongo_begins,
};

static void *mongo_open(const struct entry_sink *sink, const struct conn_hint *hint)
{
	return framed_open(sink, hint, &mongo_ops);
}

const struct dissector dissect_mongo = {
	.name = "mongodb",
	.probe = mongo_probe,
	.open = mongo_open,
	.close = framed_close,
	FRAMED_DISSECTOR_OPS,
};
