// SPDX-License-Identifier: GPL-2.0-or-later
/* LDAP (RFC 4511): operations and their results, found by their message id; no password is told. */
#include <errno.h>
#include <string.h>

#include "base/limits.h"
#include "dissect/framed.h"
#include "dissect/ldap_text.h"
#include "entry.h"

struct ldap_exchange {
	struct framed_exchange f;
	uint8_t op;	  /* what was asked for */
	uint8_t now;	  /* what the PDU that goes on is */
	uint64_t entries; /* found by a search */
	size_t told;	  /* bytes of text of the answer */
};

static int64_t ldap_length(const struct framed *f, enum dir dir, const uint8_t *data, size_t len)
{
	uint32_t id;
	uint8_t op;

	(void)f;
	(void)dir;
	return ldap_head(data, len, &id, &op);
}

static int ldap_probe(enum dir dir, const uint8_t *data, size_t len)
{
	uint32_t id;
	uint8_t op;
	int64_t n = ldap_head(data, len, &id, &op);

	(void)dir;
	if (n < 0)
		return PROBE_NO;
	return n ? PROBE_YES : PROBE_SHORT;
}

static int ldap_begins(const struct framed *f, enum dir dir, const uint8_t *data, size_t len)
{
	int v = ldap_probe(dir, data, len);

	(void)f;
	return v == PROBE_SHORT ? PROBE_MAYBE : v;
}

static int ldap_begin(void *ctx, enum dir dir, const struct pdu *p)
{
	struct framed *f = ctx;
	uint32_t id = 0;
	uint8_t op = 0;

	ldap_head(p->data, p->len, &id, &op);
	enum part part = ldap_request_name(op) ? PART_REQUEST : PART_RESPONSE;
	framed_know_client(f, part == PART_REQUEST ? dir : !dir);
	struct exchange *x =
		part == PART_REQUEST ? framed_asked(f, id) : framed_answered(f, dir, id);
	if (x)
		((struct ldap_exchange *)x)->now = op;
	return framed_place(f, dir, x, part, p);
}

static void read_request(struct ldap_exchange *x, uint8_t op, struct ber body)
{
	struct message *m = x->f.x.message[PART_REQUEST];
	struct buf dn = { 0 }, filter = { 0 }, text = { 0 };

	x->op = op;
	ldap_put_request(op, body, &dn, &filter, &text);
	framed_text(m, "dn", (struct text){ dn.data, dn.len });
	framed_text(m, "filter", (struct text){ filter.data, filter.len });
	exchange_text(&x->f.x, PART_REQUEST, text.data, text.len);
	buf_free(&dn);
	buf_free(&filter);
	buf_free(&text);
}

static void read_answer(struct ldap_exchange *x, uint8_t op, struct ber body)
{
	struct message *m = x->f.x.message[PART_RESPONSE];
	struct buf text = { 0 };
	struct text message;
	char word[16];
	int code;

	if (op == LDAP_SEARCH_ENTRY && x->entries++)
		buf_puts(&text, "\n");
	size_t before = text.len;
	ldap_put_answer(op, body, &text, &code, &message);
	if (code >= 0) {
		const char *name = ldap_result_name(code, word);
		framed_text(m, "result", (struct text){ name, strlen(name) });
		message_add_number(m, "result_code", code);
		framed_text(m, "message", message);
		if (x->op == LDAP_SEARCH || x->entries)
			message_add_number(m, "entries", (int64_t)x->entries);
	}
	if (text.len > before && x->told < LIMIT_RENDERED_BYTES) {
		exchange_text(&x->f.x, PART_RESPONSE, text.data, text.len);
		x->told += text.len;
	}
	buf_free(&text);
}

static int ldap_whole(void *ctx, enum dir dir, const struct pdu *p)
{
	struct framed *f = ctx;
	struct ldap_exchange *x = (struct ldap_exchange *)f->now[dir];
	struct ber body = ldap_body(p->data, p->len);
	bool last = true;

	if (!x)
		return 0;
	if (f->part[dir] == PART_REQUEST) {
		read_request(x, x->now, body);
		if (x->op == LDAP_UNBIND || x->op == LDAP_ABANDON)
			framed_one_way(f, dir);
		framed_done(f, dir, p);
		return 0;
	}
	read_answer(x, x->now, body);
	/* Nobody asks for what the server tells under the id 0. */
	if (!x->f.x.key)
		framed_one_way(f, dir);
	if (x->now == LDAP_INTERMEDIATE || (ldap_answers(x->now, &last) && !last))
		framed_rest(f, dir);
	else
		framed_done(f, dir, p);
	return 0;
}

static const struct message_member *member(const struct message *m, const char *name)
{
	for (const struct message_member *p = m ? m->own : NULL; p; p = p->next)
		if (!strcmp(p->name, name))
			return p;
	return NULL;
}

static struct text member_text(const struct message *m, const char *name)
{
	const struct message_member *p = member(m, name);

	return p ? p->text : (struct text){ "", 0 };
}

static void ldap_fill(const struct exchange *x, struct entry *e)
{
	const struct message *q = e->message[0], *a = e->message[1];
	const struct message_member *code = member(a, "result_code");
	struct text dn = member_text(q, "dn"), filter = member_text(q, "filter");
	struct text result = member_text(a, "result");
	uint8_t op = ((const struct ldap_exchange *)x)->op;

	if (framed_fill(x, e))
		return;
	e->method = ldap_request_name(op) ? ldap_request_name(op) : "";
	if (filter.len)
		e->summary = entry_printf(e, "%.*s %.*s", (int)dn.len, dn.data, (int)filter.len,
					  filter.data);
	else
		e->summary = entry_text(e, dn.data, dn.len);
	e->status = entry_text(e, result.data, result.len);
	e->failed = code && ldap_result_failed((int)code->number);
}

static const struct framed_ops ldap_ops = {
	.name = "ldap",
	.pdu = { FRAMED_PDU_OPS, .keep = LIMIT_LDAP_BYTES, .begin = ldap_begin,
		 .whole = ldap_whole },
	.exchange = { "ldap", sizeof(struct ldap_exchange), ldap_fill, NULL },
	.length = ldap_length,
	.begins = ldap_begins,
};

static void *ldap_open(const struct entry_sink *sink, const struct conn_hint *hint)
{
	return framed_open(sink, hint, &ldap_ops);
}

const struct dissector dissect_ldap = {
	.name = "ldap",
	.probe = ldap_probe,
	.open = ldap_open,
	.close = framed_close,
	FRAMED_DISSECTOR_OPS,
};
