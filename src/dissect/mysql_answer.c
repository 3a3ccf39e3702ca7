// SPDX-License-Identifier: GPL-2.0-or-later
/* What MySQL answers: rows as JSON, the first ones; how it ended, and what has changed by it. */
#include <inttypes.h>
#include <string.h>

#include "dissect/mysql_internal.h"

/* The first byte of an answer, where it is no number of columns. */
enum { MY_OK = 0, MY_MORE_DATA = 1, MY_INFILE = 0xfb, MY_END = 0xfe, MY_ERROR = 0xff };
/* Bits of the state that an answer ends with. */
enum { MY_MORE_RESULTS = 0x8, MY_CURSOR = 0x40, MY_CHANGED = 0x4000 };

#define PROGRESS 0xffff /* the code of an error that is none */

static void say(struct my_exchange *x, const char *text, size_t len)
{
	exchange_text(&x->x, PART_RESPONSE, text, len);
}

/* Packets of an answer are numbered, so the first of the next one is told apart. */
static void end_at_next(struct mysql *m, const struct pdu *p)
{
	struct my_exchange *x = m->answering;

	if (!x || p->data[3] != 1 || !x->packet || m->split[!m->o.client])
		return;
	if (!x->may_end && m->zip)
		return;
	if (!x->may_end)
		exchange_fault(&x->x, "its answer ends before it is complete");
	x->may_end = true;
	my_answer_end(m, x, p->first_us);
}

int my_answer_begin(struct mysql *m, const struct pdu *p)
{
	struct exchange **now = &m->o.now[!m->o.client], *x;
	uint8_t number = p->data[3];
	bool first = p->size > MY_HEAD;

	end_at_next(m, p);
	if (m->answering) {
		*now = &m->answering->x;
		return 0;
	}
	/* What begins no answer is of one that was not seen. */
	x = exchange_waiting(&m->o.l);
	if (first && !number && p->data[MY_HEAD] == 10)
		x = in_order_notice(&m->o, p);
	else if (!first || (!m->zip && number != (x ? my_of(x)->answers : 1)))
		x = NULL;
	else
		x = in_order_answer(&m->o, p);
	*now = x;
	if (!x) {
		m->o.stray[!m->o.client] += p->size;
		return 0;
	}
	m->answering = my_of(x);
	m->answering->packet = number;
	return 0;
}

static void set_status(struct my_exchange *x, uint64_t n, const char *what)
{
	buf_reset(&x->status);
	buf_printf(&x->status, "%" PRIu64 "%s", n, what);
}

/* What changed of the session: variables, the database, where a replica is. */
static void put_changes(struct buf *out, struct unpack changes)
{
	while (changes.left && !changes.failed) {
		unsigned kind = (unsigned)unpack_le(&changes, 1);
		struct unpack one = unpack_part(&changes, my_number(&changes));
		if (kind > 1 || one.failed)
			continue;
		struct text name = { "database", 8 };
		if (!kind)
			name = my_string(&one);
		struct text value = my_string(&one);
		if (one.failed)
			continue;
		buf_putc(out, '\n');
		buf_put(out, name.data, name.len);
		buf_puts(out, ": ");
		buf_put(out, value.data, value.len);
	}
}

/* Text of the server; with its length before it where changes may follow. */
static void put_info(struct buf *out, struct unpack *u, bool changed)
{
	struct unpack info = *u;
	struct text t = { NULL, 0 };

	if (info.left)
		t = my_string(&info);
	if (info.failed || (info.left && !changed))
		t = (struct text){ (const char *)u->at, u->left };
	if (t.len) {
		buf_puts(out, ": ");
		buf_put(out, t.data, t.len < LIMIT_SUMMARY ? t.len : LIMIT_SUMMARY);
	}
	if (changed && info.left && !info.failed)
		put_changes(out, unpack_part(&info, my_number(&info)));
}

/* The state of the server. */
static uint16_t take_ok(struct mysql *m, struct my_exchange *x, struct unpack *u)
{
	bool list = x->listing;
	struct buf *out = &m->scratch;

	uint64_t affected = my_number(u), id = my_number(u);
	uint16_t state = (uint16_t)unpack_le(u, 2);
	uint32_t warnings = (uint32_t)unpack_le(u, 2);
	if (u->failed)
		return 0;
	x->affected += list ? 0 : affected;
	x->insert_id = id ? id : x->insert_id;
	x->warnings += warnings;
	my_end_list(x);
	if (list) {
		set_status(x, x->rows, x->rows == 1 ? " row" : " rows");
		return state;
	}
	my_begin_line(x);
	buf_puts(out, x->command && x->command->kind == MY_LOGIN ? "authenticated" : "OK");
	if (affected)
		buf_printf(out, ", %" PRIu64 " affected", affected);
	if (id)
		buf_printf(out, ", insert id %" PRIu64, id);
	if (warnings)
		buf_printf(out, ", %" PRIu32 " warning%s", warnings, warnings == 1 ? "" : "s");
	put_info(out, u, state & MY_CHANGED);
	my_say_answer(m, x);
	set_status(x, affected, " affected");
	if (!affected) {
		buf_reset(&x->status);
		buf_puts(&x->status, "OK");
	}
	x->results++;
	return state;
}

/* What ends a list, of servers that say no OK there. */
static uint16_t take_eof(struct my_exchange *x, struct unpack *u)
{
	uint32_t warnings = (uint32_t)unpack_le(u, 2);
	uint16_t state = (uint16_t)unpack_le(u, 2);

	x->warnings += warnings;
	if (x->listing)
		set_status(x, x->rows, x->rows == 1 ? " row" : " rows");
	else if (!x->status.len)
		buf_puts(&x->status, "OK");
	my_end_list(x);
	return state;
}

static void take_error(struct mysql *m, struct my_exchange *x, struct unpack *u)
{
	x->code = (uint16_t)unpack_le(u, 2);
	my_end_list(x);
	if (u->left > 5 && *u->at == '#') {
		unpack_take(u, 1);
		memcpy(x->sqlstate, unpack_take(u, 5), 5);
	}
	struct text message = my_bytes(u, u->left);
	if (message.len > LIMIT_SUMMARY)
		message.len = LIMIT_SUMMARY;
	my_begin_line(x);
	buf_printf(&m->scratch, "ERROR %u", x->code);
	if (*x->sqlstate)
		buf_printf(&m->scratch, " (%s)", x->sqlstate);
	buf_puts(&m->scratch, ": ");
	buf_put(&m->scratch, message.data, message.len);
	my_say_answer(m, x);
	buf_reset(&x->error);
	buf_put(&x->error, message.data, message.len);
	set_status(x, x->code, "");
	x->failed = true;
}

static void add_numbers(struct my_exchange *x, struct message *a)
{
	if (x->lists)
		message_add_number(a, "rows", (int64_t)x->rows);
	if (x->affected)
		message_add_number(a, "affected_rows", (int64_t)x->affected);
	if (x->insert_id)
		message_add_number(a, "insert_id", (int64_t)x->insert_id);
	if (x->warnings)
		message_add_number(a, "warnings", x->warnings);
	if (x->failed)
		message_add_number(a, "code", x->code);
	if (*x->sqlstate)
		message_add_text(a, "sqlstate", message_text(a, x->sqlstate, 5));
	if (x->error.len)
		message_add_text(a, "error", message_text(a, x->error.data, x->error.len));
}

void my_answer_end(struct mysql *m, struct my_exchange *x, int64_t now)
{
	struct message *q = x->x.message[PART_REQUEST], *a = x->x.message[PART_RESPONSE];

	m->answering = NULL;
	if (m->sending == x)
		m->sending = NULL;
	my_end_list(x);
	a->content_type = x->lists && x->results == 1 && !x->failed
				  ? (struct text){ "application/json", 16 }
				  : (struct text){ "text/plain", 10 };
	add_numbers(x, a);
	my_count(x);
	if (q && x->keeps_open && m->asking != x && !x->x.done[PART_REQUEST] &&
	    exchange_end_part(&m->o.l, &x->x, PART_REQUEST, q->end_us))
		return;
	exchange_end_part(&m->o.l, &x->x, PART_RESPONSE, x->may_end ? a->end_us : now);
}

static bool is_eof(const struct pdu *p)
{
	return p->size == MY_HEAD + 5 && p->data[MY_HEAD] == MY_END;
}

/* Does an answer, or a list of several, end here? */
static bool is_end(const struct pdu *p)
{
	return p->data[MY_HEAD] == MY_END && p->size < MY_HEAD + MY_SPLIT;
}

/* 1: nothing follows this list or OK; 0: more does. */
static int take_end(struct mysql *m, struct my_exchange *x, const struct pdu *p, struct unpack u)
{
	uint16_t state;

	unpack_take(&u, 1);
	state = is_eof(p) ? take_eof(x, &u) : take_ok(m, x, &u);
	x->next = MY_FIRST;
	if (state & MY_CURSOR && !x->rows && x->command && x->command->kind == MY_RESULT) {
		buf_reset(&x->status);
		buf_puts(&x->status, "cursor");
	}
	return !(state & MY_MORE_RESULTS);
}

/* 1: the answer has ended; 0: it goes on; -EPROTO. */
static int take_first(struct mysql *m, struct my_exchange *x, const struct pdu *p, struct unpack u)
{
	switch (p->data[MY_HEAD]) {
	case MY_OK:
		/* Less is a number of columns, after a byte that says that they are not told. */
		if (p->size >= MY_HEAD + 7)
			return take_end(m, x, p, u);
		break;
	case MY_INFILE:
		unpack_take(&u, 1);
		my_begin_line(x);
		buf_puts(&m->scratch, "asks for the file ");
		buf_put(&m->scratch, u.at, u.left < LIMIT_SUMMARY ? u.left : LIMIT_SUMMARY);
		my_say_answer(m, x);
		m->sending = x->x.message[PART_REQUEST] ? x : NULL;
		return 0;
	case MY_END:
		if (p->size < MY_HEAD + 9)
			return take_end(m, x, p, u);
	}
	return my_begin_columns(m, x, u);
}

static int take_result(struct mysql *m, struct my_exchange *x, const struct pdu *p, struct unpack u)
{
	switch (x->next) {
	case MY_FIRST:
		return take_first(m, x, p, u);
	case MY_DEFINITION:
		my_take_definition(m, x, u);
		return 0;
	case MY_DEFINED:
		x->next = MY_ROW;
		my_begin_list(x);
		if (!is_eof(p)) {
			m->eof = MY_NO_EOF;
			break;
		}
		m->eof = MY_EOF;
		unpack_take(&u, 3);
		if (!(unpack_le(&u, 2) & MY_CURSOR))
			return 0;
		/* Its rows are fetched. */
		break;
	case MY_ROW:
		break;
	}
	if (is_end(p))
		return take_end(m, x, p, my_payload(p));
	my_take_row(m, x, &u);
	return 0;
}

static int take_fetched(struct mysql *m, struct my_exchange *x, const struct pdu *p,
			struct unpack u)
{
	if (x->next == MY_FIRST) {
		x->next = MY_ROW;
		my_begin_list(x);
	}
	return take_result(m, x, p, u);
}

static int take_fields(struct mysql *m, struct my_exchange *x, const struct pdu *p, struct unpack u)
{
	if (is_end(p))
		return take_end(m, x, p, u);
	struct text name = { NULL, 0 };
	for (int i = 0; i < 5; i++)
		name = my_string(&u);
	my_begin_line(x);
	say(x, name.data, name.len);
	x->rows++;
	return 0;
}

/* The statement's number, with which it is known from now on. */
static void take_prepared(struct mysql *m, struct my_exchange *x, struct unpack u)
{
	unpack_take(&u, 1);
	x->statement = (uint32_t)unpack_le(&u, 4);
	x->total = x->left_then = (uint32_t)unpack_le(&u, 2);
	x->left = (uint32_t)unpack_le(&u, 2);
	x->warnings = u.left > 2 ? (uint32_t)unpack_le(&u, 3) >> 8 : 0;
	if (u.failed)
		return;
	x->numbered = true;
	message_add_number(x->x.message[PART_RESPONSE], "statement", x->statement);
	buf_printf(&m->scratch, "statement %" PRIu32 ", parameters: %" PRIu32 ", columns: %" PRIu32,
		   x->statement, x->left, x->left_then);
	uint32_t parameters = x->left;
	if (u.left && !unpack_le(&u, 1))
		x->left = x->left_then = 0;
	my_say_answer(m, x);
	buf_puts(&x->status, "OK");
	if (x->x.message[PART_REQUEST])
		my_statement_new(m, x->statement, x, parameters);
	m->prepared = x->statement;
}

/* Of parameters nothing is told but that they are there; then columns. Each may end with an EOF. */
static int take_prepare(struct mysql *m, struct my_exchange *x, const struct pdu *p,
			struct unpack u)
{
	bool ends = is_eof(p), any = x->next != MY_FIRST;

	if (!any) {
		x->next = MY_DEFINITION;
		take_prepared(m, x, u);
	} else if (ends) {
		m->eof = MY_EOF;
	} else if (x->left) {
		x->left--;
	} else if (x->left_then) {
		if (x->total - x->left_then < MY_COLUMNS)
			my_add_column(&x->columns, u);
		x->left_then--;
	}
	if (x->left || x->left_then)
		return 0;
	my_remember_columns(m, x);
	if (ends || !any || m->eof == MY_NO_EOF)
		return 1;
	x->may_end = m->eof == MY_EOF_UNKNOWN;
	return 0;
}

static int take_login(struct mysql *m, struct my_exchange *x, const struct pdu *p, struct unpack u)
{
	uint8_t kind = (uint8_t)unpack_le(&u, 1);

	if (kind == MY_OK) {
		take_ok(m, x, &u);
		return 1;
	}
	if (kind != MY_END || p->size == MY_HEAD + 1)
		return 0;
	struct text name = my_zero_string(&u);
	my_begin_line(x);
	buf_puts(&m->scratch, "authentication: ");
	buf_put(&m->scratch, name.data, name.len < LIMIT_SUMMARY ? name.len : LIMIT_SUMMARY);
	my_say_answer(m, x);
	return 0;
}

static void take_greeting(struct my_exchange *x, struct unpack u)
{
	static const struct my_command greeting = { "Greeting", MY_NONE };

	x->command = &greeting;
	unpack_take(&u, 1);
	struct text version = my_zero_string(&u);
	if (version.len > LIMIT_SUMMARY)
		version.len = LIMIT_SUMMARY;
	buf_put(&x->line, version.data, version.len);
	say(x, version.data, version.len);
}

static int take_text(struct my_exchange *x, struct unpack u)
{
	say(x, (const char *)u.at, u.left);
	buf_puts(&x->status, "OK");
	return 1;
}

/* 1: the answer has ended; 0: it goes on; -EPROTO. */
static int take_packet(struct mysql *m, struct my_exchange *x, const struct pdu *p)
{
	struct unpack u = my_payload(p);
	enum my_kind kind = x->command ? x->command->kind : MY_RESULT;

	if (p->size == MY_HEAD)
		return 0;
	if (!u.left) {
		x->may_end = true;
		return 0;
	}
	if (!p->data[3] && p->data[MY_HEAD] == 10 && !x->x.message[PART_REQUEST])
		return take_greeting(x, u), 1;
	if (p->data[MY_HEAD] == MY_ERROR) {
		unpack_take(&u, 1);
		if (u.left >= 2 && u.at[0] == 0xff && u.at[1] == 0xff)
			return 0; /* how far it has come */
		take_error(m, x, &u);
		return 1;
	}
	switch (kind) {
	case MY_TEXT:
		return take_text(x, u);
	case MY_FIELDS:
		return take_fields(m, x, p, u);
	case MY_PREPARE:
		return take_prepare(m, x, p, u);
	case MY_FETCH:
		return take_fetched(m, x, p, u);
	case MY_LOGIN:
		return take_login(m, x, p, u);
	case MY_PLAIN:
		return take_end(m, x, p, u), 1;
	default:
		return take_result(m, x, p, u);
	}
}

int my_answer_whole(struct mysql *m, const struct pdu *p)
{
	struct my_exchange *x = m->o.now[!m->o.client] ? m->answering : NULL;

	m->o.now[!m->o.client] = NULL;
	if (!x)
		return 0;
	bool logs_in = x->command && x->command->kind == MY_LOGIN;
	x->packet = p->data[3];
	buf_reset(&m->scratch);
	int r = take_packet(m, x, p);
	buf_free(&m->scratch);
	my_count(x);
	if (r <= 0)
		return r;
	bool zip = logs_in && !x->failed && !m->zip && m->can & (MY_CAN_COMPRESS | MY_CAN_ZSTD);
	m->zip |= zip;
	my_answer_end(m, x, p->last_us);
	return zip;
}
