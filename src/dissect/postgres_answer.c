// SPDX-License-Identifier: GPL-2.0-or-later
/* What PostgreSQL answers: rows as JSON, the first ones; how it ended; what it says by itself. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "dissect/postgres_internal.h"

static void say(struct pg_exchange *x, const char *text, size_t len)
{
	exchange_text(&x->x, PART_RESPONSE, text, len);
}

static void say_scratch(struct postgres *p, struct pg_exchange *x)
{
	say(x, p->scratch.data, p->scratch.len);
	buf_reset(&p->scratch);
}

/* The exchanges behind an error, up to a Sync, are not run and get no answer. */
static void skip_aborted(struct postgres *p)
{
	struct exchange *x;

	while (p->aborted && (x = exchange_waiting(&p->o.l))) {
		struct pg_exchange *q = pg_of(x);
		bool syncs = q->expected && q->expect[q->expected - 1] == 'S';
		buf_reset(&q->status);
		buf_puts(&q->status, "skipped");
		if (syncs) {
			q->answered = q->expected - 1;
			return;
		}
		if (q == p->unit)
			return;
		q->answered = q->expected;
		exchange_leave_alone(&p->o.l, x, NULL);
	}
}

/* Notices, parameters and notifications come at any time. */
static bool is_notice(struct postgres *p, char type)
{
	return type == 'A' || ((type == 'N' || type == 'S') && !exchange_waiting(&p->o.l));
}

int pg_answer_begin(struct postgres *p, const struct pdu *d)
{
	char type = (char)d->data[0];
	struct exchange *x;

	if (p->alone) {
		p->o.now[!p->o.client] = &p->alone->x;
		return 0;
	}
	skip_aborted(p);
	if (is_notice(p, type)) {
		x = in_order_notice(&p->o, d);
		if (x)
			pg_of(x)->method = type == 'A' ? "Notification" : "Notice";
	} else {
		x = in_order_answer(&p->o, d);
		if (x && !x->message[PART_REQUEST]) {
			pg_of(x)->method = "";
			p->alone = pg_of(x);
		}
	}
	p->o.now[!p->o.client] = x;
	return x ? 0 : -ENOMEM;
}

void pg_forget_columns(struct pg_exchange *x)
{
	for (unsigned i = 0; i < x->column_count; i++)
		buf_free(&x->columns[i].name);
	x->column_count = 0;
}

static void take_columns(struct pg_exchange *x, struct pg_reader *r)
{
	pg_forget_columns(x);
	for (uint32_t i = pg_be(r, 2); i && x->column_count < PG_COLUMNS && !r->cut; i--) {
		struct pg_column *c = &x->columns[x->column_count++];
		struct text name = pg_string(r);
		*c = (struct pg_column){ 0 };
		buf_put(&c->name, name.data, name.len < 256 ? name.len : 256);
		pg_be(r, 4);
		pg_be(r, 2);
		c->type = pg_be(r, 4);
		pg_be(r, 2);
		pg_be(r, 4);
		c->binary = pg_be(r, 2) == 1;
	}
}

static void put_row(struct postgres *p, struct pg_exchange *x, struct pg_reader *r)
{
	struct buf *out = &p->scratch;

	buf_puts(out, x->shown ? ",\n{" : "{");
	for (uint32_t i = 0, n = pg_be(r, 2); i < n && i < PG_COLUMNS && !r->cut; i++) {
		const struct pg_column *c = i < x->column_count ? &x->columns[i] : NULL;
		uint32_t size = pg_be(r, 4);
		size_t len = size < r->len ? size : r->len;
		buf_puts(out, i ? "," : "");
		if (c)
			buf_put_json(out, c->name.data, c->name.len);
		else
			buf_printf(out, "\"%" PRIu32 "\"", i + 1);
		buf_putc(out, ':');
		if (size == UINT32_MAX) {
			buf_puts(out, "null");
			continue;
		}
		pg_put_value(out, c ? c->type : 0, c && c->binary, r->p, len);
		r->p += len;
		r->len -= len;
		r->cut |= len < size;
	}
	buf_putc(out, '}');
}

static void begin_list(struct pg_exchange *x)
{
	if (x->listing)
		return;
	if (x->results)
		say(x, "\n", 1);
	say(x, "[", 1);
	x->listing = true;
	x->rows = x->shown = 0;
}

static void take_row(struct postgres *p, struct pg_exchange *x, struct pg_reader *r)
{
	begin_list(x);
	x->rows++;
	if (x->shown == LIMIT_SQL_ROWS ||
	    x->x.message[PART_RESPONSE]->body.bytes.len > LIMIT_SQL_SHOWN)
		return;
	put_row(p, x, r);
	if (p->scratch.len > LIMIT_SQL_SHOWN / 4) {
		buf_reset(&p->scratch);
		return;
	}
	say_scratch(p, x);
	x->shown++;
}

static void end_list(struct pg_exchange *x)
{
	if (x->listing)
		say(x, "]", 1);
	x->results += x->listing;
	x->listing = false;
}

/* "SELECT 5", "INSERT 0 1": the last word is a count of rows. */
static void take_complete(struct pg_exchange *x, struct text tag)
{
	uint64_t rows = 0;
	bool counted = tag.len && tag.data[tag.len - 1] >= '0' && tag.data[tag.len - 1] <= '9';

	const char *blank = memrchr(tag.data, ' ', tag.len);
	for (const char *c = blank ? blank + 1 : tag.data; counted && c < tag.data + tag.len; c++)
		rows = *c >= '0' && *c <= '9' ? 10 * rows + (uint64_t)(*c - '0') : rows;
	if (x->listing) {
		end_list(x);
	} else {
		if (x->results++)
			say(x, "\n", 1);
		say(x, tag.data, tag.len);
	}
	if (counted)
		x->rows = rows;
	buf_reset(&x->status);
	buf_put(&x->status, tag.data, tag.len < LIMIT_SUMMARY ? tag.len : LIMIT_SUMMARY);
}

/* Fields of an error or notice: a letter, then text. */
struct report {
	struct text severity, code, message, detail, hint;
};

static struct report read_report(struct pg_reader *r)
{
	struct report e = { 0 };

	while (r->len && !r->cut && *r->p) {
		char field = (char)pg_be(r, 1);
		struct text value = pg_string(r);
		struct text *to = field == 'S'	 ? &e.severity
				  : field == 'C' ? &e.code
				  : field == 'M' ? &e.message
				  : field == 'D' ? &e.detail
				  : field == 'H' ? &e.hint
						 : NULL;
		if (to)
			*to = value;
	}
	return e;
}

static void put_part(struct buf *out, const char *before, struct text t)
{
	if (!t.len)
		return;
	buf_puts(out, before);
	buf_put(out, t.data, t.len);
}

static void put_report(struct postgres *p, struct pg_exchange *x, const struct report *e)
{
	struct buf *out = &p->scratch;

	end_list(x);
	if (x->x.message[PART_RESPONSE]->body.size)
		buf_putc(out, '\n');
	put_part(out, "", e->severity);
	put_part(out, " ", e->code);
	put_part(out, ": ", e->message);
	put_part(out, "\ndetail: ", e->detail);
	put_part(out, "\nhint: ", e->hint);
	say_scratch(p, x);
}

/* Nothing of what waits is answered, but for what ends with ReadyForQuery. */
static void abort_rest(struct postgres *p, struct pg_exchange *x, bool fatal)
{
	char last = x->expected ? x->expect[x->expected - 1] : 0;

	if (fatal || !x->expected) {
		x->answered = x->expected;
	} else if (strchr("SQUF", last)) {
		x->answered = x->expected - 1;
	} else {
		x->answered = x->expected;
		p->aborted = true;
	}
}

static void take_error(struct postgres *p, struct pg_exchange *x, struct pg_reader *r)
{
	struct report e = read_report(r);
	bool fatal = e.severity.len == 5 &&
		     (!memcmp(e.severity.data, "FATAL", 5) || !memcmp(e.severity.data, "PANIC", 5));

	put_report(p, x, &e);
	size_t n = e.code.len < 5 ? e.code.len : 5;
	if (n)
		memcpy(x->sqlstate, e.code.data, n);
	buf_reset(&x->status);
	buf_puts(&x->status, x->sqlstate);
	buf_reset(&x->error);
	buf_put(&x->error, e.message.data,
		e.message.len < LIMIT_SUMMARY ? e.message.len : LIMIT_SUMMARY);
	x->failed = true;
	abort_rest(p, x, fatal);
}

static void take_notice(struct postgres *p, struct pg_exchange *x, struct pg_reader *r)
{
	struct report e = read_report(r);

	/* Not within a list of rows. */
	if (!x->listing)
		put_report(p, x, &e);
	if (!x->line.len && !x->x.message[PART_REQUEST])
		buf_put(&x->line, e.message.data,
			e.message.len < LIMIT_SUMMARY ? e.message.len : LIMIT_SUMMARY);
}

static void take_parameter(struct postgres *p, struct pg_exchange *x, struct pg_reader *r)
{
	struct text name = pg_string(r), value = pg_string(r);

	if (x->listing)
		return;
	put_part(&p->scratch, x->x.message[PART_RESPONSE]->body.size ? "\n" : "", name);
	put_part(&p->scratch, ": ", value);
	if (!x->x.message[PART_REQUEST])
		buf_put(&x->line, p->scratch.data, p->scratch.len);
	say_scratch(p, x);
}

static void take_notification(struct pg_exchange *x, struct pg_reader *r)
{
	uint32_t process = pg_be(r, 4);
	struct text channel = pg_string(r), payload = pg_string(r);
	size_t n = payload.len < LIMIT_SUMMARY ? payload.len : LIMIT_SUMMARY;
	struct message *m = x->x.message[PART_RESPONSE];

	buf_put(&x->line, channel.data, channel.len);
	buf_putc(&x->line, ' ');
	buf_put(&x->line, payload.data, n);
	message_add_text(m, "channel", message_text(m, channel.data, channel.len));
	message_add_number(m, "process", process);
	say(x, payload.data, payload.len);
}

static void take_authentication(struct postgres *p, struct pg_exchange *x, struct pg_reader *r)
{
	uint32_t code = pg_be(r, 4);

	if (!code)
		buf_puts(&p->scratch, "authenticated");
	else if (code == 10)
		put_part(&p->scratch, "authentication: ", pg_string(r));
	else if (code == 3 || code == 5)
		buf_puts(&p->scratch,
			 code == 3 ? "authentication: password" : "authentication: md5");
	else
		return;
	if (x->x.message[PART_RESPONSE]->body.size)
		say(x, "\n", 1);
	say_scratch(p, x);
}

/* The answer to one message, which is of that kind. */
static void answer(struct pg_exchange *x, const char *kinds)
{
	if (x->answered < x->expected && strchr(kinds, x->expect[x->answered]))
		x->answered++;
}

static void take_ready(struct postgres *p, struct pg_exchange *x)
{
	while (x->answered < x->expected && !strchr("SQUF", x->expect[x->answered]))
		x->answered++;
	x->answered += x->answered < x->expected;
	p->aborted = false;
	if (!x->status.len)
		buf_puts(&x->status, "OK");
}

void pg_end_answer(struct postgres *p, struct pg_exchange *x, int64_t now)
{
	struct message *m = x->x.message[PART_RESPONSE];

	if (!m)
		return;
	end_list(x);
	m->content_type = x->column_count && x->results == 1 && !x->failed
				  ? (struct text){ "application/json", 16 }
				  : (struct text){ "text/plain", 10 };
	if (x->rows || x->column_count)
		message_add_number(m, "rows", (int64_t)x->rows);
	if (*x->sqlstate)
		message_add_text(m, "sqlstate", message_text(m, x->sqlstate, strlen(x->sqlstate)));
	if (x->error.len)
		message_add_text(m, "error", message_text(m, x->error.data, x->error.len));
	if (p->copy == x) {
		p->copy = NULL;
		exchange_end_part(&p->o.l, &x->x, PART_REQUEST, now);
	}
	if (p->alone == x)
		p->alone = NULL;
	exchange_end_part(&p->o.l, &x->x, PART_RESPONSE, now);
}

static int take_message(struct postgres *p, struct pg_exchange *x, char type, struct pg_reader *r)
{
	switch (type) {
	case 'R':
		take_authentication(p, x, r);
		break;
	case 'S':
		take_parameter(p, x, r);
		break;
	case 'N':
		take_notice(p, x, r);
		break;
	case 'A':
		take_notification(x, r);
		break;
	case 'E':
		take_error(p, x, r);
		break;
	case 'T':
		take_columns(x, r);
		answer(x, "D");
		if (x->answered < x->expected && strchr("QE", x->expect[x->answered]))
			begin_list(x);
		break;
	case 'n':
		answer(x, "D");
		break;
	case 'D':
		take_row(p, x, r);
		break;
	case '1':
		answer(x, "P");
		break;
	case '2':
		answer(x, "B");
		break;
	case '3':
		answer(x, "C");
		break;
	case 'C':
		take_complete(x, pg_string(r));
		answer(x, "E");
		break;
	case 'I':
	case 's':
		end_list(x);
		answer(x, "E");
		break;
	case 'V':
		break;
	case 'G':
		break;
	case 'd':
		x->rows++;
		say(x, (const char *)r->p, r->len);
		break;
	case 'W':
		exchange_fault(&x->x, "replication begins, which is not taken apart");
		return -EPROTO;
	case 'Z':
		take_ready(p, x);
		break;
	}
	return 0;
}

int pg_answer_whole(struct postgres *p, const struct pdu *d)
{
	struct pg_exchange *x = pg_of(p->o.now[!p->o.client]);
	char type = (char)d->data[0];
	struct pg_reader r = { d->data + 5, d->len - 5, false };

	if (!x)
		return 0;
	bool notice = !x->x.message[PART_REQUEST] && p->alone != x;
	p->o.now[!p->o.client] = NULL;
	buf_reset(&p->scratch);
	int error = take_message(p, x, type, &r);
	buf_free(&p->scratch);
	pg_count(x);
	if (error)
		return error;
	bool unasked = p->alone == x && (type == 'Z' || type == 'E');
	if (notice || unasked ||
	    (x->x.message[PART_REQUEST] && x->answered == x->expected && p->unit != x))
		pg_end_answer(p, x, d->last_us);
	return 0;
}
