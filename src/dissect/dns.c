// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * DNS over TLS (RFC 7858): messages with their length before them, answers in any order, found by
 * their id.
 */
#include <errno.h>
#include <string.h>

#include "base/limits.h"
#include "dissect/dns_text.h"
#include "dissect/framed.h"
#include "entry.h"

#define TYPE_AXFR 252
#define HEAD	  (2 + DNS_HEADER)

struct dns_exchange {
	struct framed_exchange f;
	uint16_t type; /* asked for */
	unsigned soa;  /* seen in the answer: a zone ends with the second */
};

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static int64_t dns_length(const struct framed *f, enum dir dir, const uint8_t *data, size_t len)
{
	(void)f;
	(void)dir;
	/* The header tells whose message it is. */
	if (len < HEAD)
		return len >= 2 && be16(data) < DNS_HEADER ? -EPROTO : 0;
	return be16(data) < DNS_HEADER ? -EPROTO : 2 + be16(data);
}

/* No byte of it is left over, and each of its records can be read. */
static bool is_message(const uint8_t *data, size_t len)
{
	struct dns_message m;
	struct buf out = { 0 };
	bool ok = !dns_read(data, len, &m) && m.count[0] <= 1 && (m.flags >> 11 & 15) <= 6 &&
		  (m.count[0] || dns_is_answer(&m)) && !dns_put_records(&m, SIZE_MAX, &out, NULL);

	buf_free(&out);
	return ok;
}

static int dns_probe(enum dir dir, const uint8_t *data, size_t len)
{
	(void)dir;
	if (len < HEAD)
		return len >= 2 && be16(data) < DNS_HEADER + 5 ? PROBE_NO : PROBE_SHORT;
	size_t size = be16(data);
	/* One question, and in a question no answer; the reserved bit is not set. */
	if (size < DNS_HEADER + 5 || be16(data + 6) != 1 || data[5] & 0x40 ||
	    (!(data[4] & 0x80) && be16(data + 8)))
		return PROBE_NO;
	if (len - 2 < size)
		return PROBE_MAYBE;
	return is_message(data + 2, size) ? PROBE_YES : PROBE_NO;
}

static int dns_begins(const struct framed *f, enum dir dir, const uint8_t *data, size_t len)
{
	int v = dns_probe(dir, data, len);

	(void)f;
	return v == PROBE_SHORT ? PROBE_MAYBE : v;
}

static int dns_begin(void *ctx, enum dir dir, const struct pdu *p)
{
	struct framed *f = ctx;
	enum part part = p->data[4] & 0x80 ? PART_RESPONSE : PART_REQUEST;
	uint16_t id = be16(p->data + 2);

	framed_know_client(f, part == PART_REQUEST ? dir : !dir);
	return framed_place(
		f, dir, part == PART_REQUEST ? framed_asked(f, id) : framed_answered(f, dir, id),
		part, p);
}

static void add_text(struct message *m, const char *name, const char *text)
{
	framed_text(m, name, (struct text){ text, strlen(text) });
}

static void read_request(struct dns_exchange *x, const struct dns_message *d)
{
	struct message *m = x->f.x.message[PART_REQUEST];
	char word[16];

	x->type = d->type;
	add_text(m, "name", d->name);
	add_text(m, "type", dns_type_name(d->type, word));
}

static void read_response(struct dns_exchange *x, const struct dns_message *d, bool whole)
{
	struct message *m = x->f.x.message[PART_RESPONSE];
	struct buf out = { 0 };
	char word[16];
	unsigned soa;

	/* A zone comes in many messages, whose first one says all that the others do. */
	if (!m->own) {
		add_text(m, "name", d->name);
		add_text(m, "type", dns_type_name(d->type, word));
		add_text(m, "rcode", dns_status_name(d, word));
	}
	if (dns_put_records(d, LIMIT_RENDERED_BYTES, &out, &soa) && whole)
		exchange_fault(&x->f.x, "a record of the answer cannot be read");
	x->soa += soa;
	exchange_text(&x->f.x, PART_RESPONSE, out.data, out.len);
	buf_free(&out);
}

static bool has_ended(const struct dns_exchange *x)
{
	return x->type != TYPE_AXFR || x->soa != 1;
}

static int dns_whole(void *ctx, enum dir dir, const struct pdu *p)
{
	struct framed *f = ctx;
	struct dns_exchange *x = (struct dns_exchange *)f->now[dir];
	struct dns_message m;

	if (!x)
		return 0;
	if (dns_read(p->data + 2, p->len - 2, &m)) {
		if (!p->missing)
			exchange_fault(&x->f.x, "not a DNS message");
	} else if (f->part[dir] == PART_REQUEST) {
		read_request(x, &m);
	} else {
		read_response(x, &m, !p->missing);
	}
	if (f->part[dir] == PART_RESPONSE && !has_ended(x))
		framed_rest(f, dir);
	else
		framed_done(f, dir, p);
	return 0;
}

static const char *member(const struct message *m, const char *name, struct entry *e)
{
	for (const struct message_member *p = m ? m->own : NULL; p; p = p->next)
		if (!strcmp(p->name, name))
			return entry_text(e, p->text.data, p->text.len);
	return "";
}

static void dns_fill(const struct exchange *x, struct entry *e)
{
	const struct message *q = e->message[0], *a = e->message[1];
	const struct message *any = q && q->own ? q : a;

	if (framed_fill(x, e))
		return;
	e->host = member(any, "name", e);
	e->method = member(any, "type", e);
	e->summary = e->host;
	e->status = member(a, "rcode", e);
	e->failed = *e->status && strcmp(e->status, "NOERROR");
}

static const struct framed_ops dns_ops = {
	.name = "dns",
	.pdu = { FRAMED_PDU_OPS, .keep = 2 + 65535, .begin = dns_begin, .whole = dns_whole },
	.exchange = { "dns", sizeof(struct dns_exchange), dns_fill, NULL },
	.length = dns_length,
	.begins = dns_begins,
};

static void *dns_open(const struct entry_sink *sink, const struct conn_hint *hint)
{
	return framed_open(sink, hint, &dns_ops);
}

const struct dissector dissect_dns = {
	.name = "dns",
	.probe = dns_probe,
	.open = dns_open,
	.close = framed_close,
	FRAMED_DISSECTOR_OPS,
};
