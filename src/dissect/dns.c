// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * DNS over TLS (RFC 7858): messages with their length before them, answers in any order, found by
 * their id.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/account.h"
#include "base/limits.h"
#include "dissect/dns_text.h"
#include "dissect/exchange.h"
#include "dissect/pdu.h"
#include "entry.h"

#define TYPE_AXFR 252
#define HEAD	  (2 + DNS_HEADER)

struct dns_exchange {
	struct exchange x;
	uint16_t type; /* asked for */
	unsigned soa;  /* seen in the answer: a zone ends with the second */
};

struct dns {
	struct exchanges list;
	struct pdu_stream in[2];
	struct exchange *now[2]; /* by enum dir: whose message goes on */
	enum part part[2];
};

static uint16_t be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static int64_t dns_length(void *ctx, enum dir dir, const uint8_t *data, size_t len, size_t seen)
{
	(void)ctx;
	(void)dir;
	(void)seen;
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

static struct exchange *exchange_of(struct dns *d, enum part part, uint16_t id)
{
	struct exchange *x = part == PART_RESPONSE ? exchange_find(&d->list, id) : NULL;

	if (x)
		return x;
	x = exchange_new(&d->list);
	if (x)
		x->key = id;
	return x;
}

static int dns_begin(void *ctx, enum dir dir, const struct pdu *p)
{
	struct dns *d = ctx;
	enum part part = p->data[4] & 0x80 ? PART_RESPONSE : PART_REQUEST;

	/* Who asks is known by the first message. */
	d->list.client = (part == PART_REQUEST) == (dir == DIR_WRITE);
	d->part[dir] = part;
	d->now[dir] = exchange_of(d, part, be16(p->data + 2));
	return d->now[dir] ? exchange_begin_part(d->now[dir], part, p->offset, p->first_us)
			   : -ENOMEM;
}

static void dns_bytes(void *ctx, enum dir dir, const uint8_t *data, size_t len, uint64_t offset,
		      int64_t now)
{
	struct dns *d = ctx;

	exchange_bytes(d->now[dir], d->part[dir], data, len, offset, now);
}

static void dns_gap(void *ctx, enum dir dir, uint64_t len, enum gap_why why, int64_t now)
{
	struct dns *d = ctx;

	exchange_gap(d->now[dir], d->part[dir], len, why, now);
}

static void add_text(struct message *m, const char *name, const char *text)
{
	struct text copy = message_text(m, text, strlen(text));

	if (copy.data)
		message_add_text(m, name, copy);
}

static void read_request(struct dns_exchange *x, const struct dns_message *d)
{
	struct message *m = x->x.message[PART_REQUEST];
	char word[16];

	x->type = d->type;
	add_text(m, "name", d->name);
	add_text(m, "type", dns_type_name(d->type, word));
}

static void read_response(struct dns_exchange *x, const struct dns_message *d, bool whole)
{
	struct message *m = x->x.message[PART_RESPONSE];
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
		exchange_fault(&x->x, "a record of the answer cannot be read");
	x->soa += soa;
	exchange_text(&x->x, PART_RESPONSE, out.data, out.len);
	buf_free(&out);
}

static bool has_ended(const struct dns_exchange *x)
{
	return x->type != TYPE_AXFR || x->soa != 1;
}

static int dns_whole(void *ctx, enum dir dir, const struct pdu *p)
{
	struct dns *d = ctx;
	enum part part = d->part[dir];
	struct exchange *x = d->now[dir];
	struct dns_exchange *own = (struct dns_exchange *)x;
	struct dns_message m;
	bool whole = !p->missing;

	d->now[dir] = NULL;
	if (dns_read(p->data + 2, p->len - 2, &m)) {
		if (whole)
			exchange_fault(x, "not a DNS message");
	} else if (part == PART_REQUEST) {
		read_request(own, &m);
	} else {
		read_response(own, &m, whole);
	}
	if (part == PART_RESPONSE && !has_ended(own))
		return 0;
	if (!exchange_end_part(&d->list, x, part, p->last_us) && part == PART_RESPONSE)
		exchange_leave_alone(&d->list, x, "the question was not seen");
	return 0;
}

static const struct pdu_ops pdus = {
	.keep = 2 + 65535,
	.length = dns_length,
	.begin = dns_begin,
	.bytes = dns_bytes,
	.gap = dns_gap,
	.whole = dns_whole,
};

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

	(void)x;
	e->host = member(any, "name", e);
	e->method = member(any, "type", e);
	e->summary = e->host;
	e->status = member(a, "rcode", e);
	e->failed = *e->status && strcmp(e->status, "NOERROR");
}

static const struct exchange_ops exchanges = { "dns", sizeof(struct dns_exchange), dns_fill, NULL };

static void *dns_open(const struct entry_sink *sink, const struct conn_hint *hint)
{
	struct dns *d = calloc(1, sizeof(*d));

	(void)hint;
	if (!d)
		return NULL;
	exchanges_begin(&d->list, sink, &exchanges);
	account_change(sink->account, 0, sizeof(*d));
	d->in[0].account = d->in[1].account = sink->account;
	return d;
}

static int dns_feed(void *state, enum dir dir, const uint8_t *data, size_t len, uint64_t offset,
		    int64_t now)
{
	struct dns *d = state;

	return pdu_feed(&d->in[dir], &pdus, d, dir, data, len, offset, now, NULL);
}

static int dns_gap_in(void *state, enum dir dir, uint64_t len, uint64_t offset, enum gap_why why,
		      int64_t now)
{
	struct dns *d = state;

	return pdu_gap(&d->in[dir], &pdus, d, dir, len, offset, why, now);
}

static void dns_idle(void *state, int64_t now)
{
	(void)state;
	(void)now;
}

static void dns_tick(void *state, int64_t now)
{
	exchanges_tick(&((struct dns *)state)->list, now);
}

static bool dns_alive(const void *state)
{
	return ((const struct dns *)state)->list.head;
}

static void dns_give_way(void *state)
{
	exchanges_give_way(&((struct dns *)state)->list);
}

static void dns_close(void *state, int64_t now)
{
	struct dns *d = state;

	(void)now;
	exchanges_end(&d->list, "the connection ended without the answer");
	pdu_free(&d->in[0]);
	pdu_free(&d->in[1]);
	account_change(d->list.sink.account, sizeof(*d), 0);
	free(d);
}

const struct dissector dissect_dns = {
	.name = "dns",
	.probe = dns_probe,
	.open = dns_open,
	.feed = dns_feed,
	.gap = dns_gap_in,
	.idle = dns_idle,
	.tick = dns_tick,
	.alive = dns_alive,
	.give_way = dns_give_way,
	.close = dns_close,
};
