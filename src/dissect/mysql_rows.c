// SPDX-License-Identifier: GPL-2.0-or-later
/* Lists of rows that MySQL answers: their columns, and the first rows as JSON. */
#include <errno.h>

#include "dissect/mysql_internal.h"

#define MOST_COLUMNS 65535

static void say(struct my_exchange *x, const char *text, size_t len)
{
	exchange_text(&x->x, PART_RESPONSE, text, len);
}

void my_say_answer(struct mysql *m, struct my_exchange *x)
{
	say(x, m->scratch.data, m->scratch.len);
	buf_reset(&m->scratch);
}

/* On a line of its own. */
void my_begin_line(struct my_exchange *x)
{
	if (x->x.message[PART_RESPONSE]->body.size)
		say(x, "\n", 1);
}

static void put_row(struct mysql *m, struct my_exchange *x, struct unpack *u)
{
	struct unpack columns = unpack_at(x->columns.data, x->columns.len);
	const uint8_t *nulls = NULL;
	struct my_column c = { 0 };

	buf_puts(&m->scratch, x->shown ? ",\n{" : "{");
	if (x->binary) {
		unpack_take(u, 1);
		nulls = unpack_take(u, (x->total + 9) / 8);
		if (!nulls)
			columns.left = 0;
	}
	for (uint32_t i = 0; !u->failed && my_next_column(&columns, &c); i++) {
		bool null =
			nulls ? nulls[(i + 2) / 8] >> (i + 2) % 8 & 1 : u->left && *u->at == 0xfb;
		if (!null && !u->left)
			break;
		buf_puts(&m->scratch, i ? "," : "");
		buf_put_json(&m->scratch, c.name.data, c.name.len);
		buf_putc(&m->scratch, ':');
		if (null)
			buf_puts(&m->scratch, "null");
		else if (x->binary)
			my_put_binary(&m->scratch, &c, u);
		else
			my_put_text(&m->scratch, &c, my_string(u));
		if (null && !x->binary)
			unpack_take(u, 1);
	}
	buf_putc(&m->scratch, '}');
}

void my_begin_list(struct my_exchange *x)
{
	if (x->listing)
		return;
	my_begin_line(x);
	say(x, "[", 1);
	x->listing = x->lists = true;
	x->rows = x->shown = 0;
}

void my_end_list(struct my_exchange *x)
{
	if (x->listing)
		say(x, "]", 1);
	x->results += x->listing;
	x->listing = false;
}

void my_take_row(struct mysql *m, struct my_exchange *x, struct unpack *u)
{
	my_begin_list(x);
	x->rows++;
	/* Of columns that are not told again, and values that are none, much is little to send. */
	size_t said = x->x.message[PART_RESPONSE]->body.bytes.len;
	if (x->shown == LIMIT_SQL_ROWS || !x->columns.len || said > LIMIT_SQL_SHOWN ||
	    said > LIMIT_SUMMARY + 16 * x->x.size[PART_RESPONSE])
		return;
	put_row(m, x, u);
	if (m->scratch.len > LIMIT_SQL_SHOWN / 4) {
		buf_reset(&m->scratch);
		return;
	}
	my_say_answer(m, x);
	x->shown++;
}

/* Columns of prepared statements may not be told again. */
static void recall_columns(struct mysql *m, struct my_exchange *x)
{
	const struct sql_statement *s = x->numbered ? my_statement(m, x->statement) : NULL;

	buf_reset(&x->columns);
	if (s && s->total == x->total)
		buf_put(&x->columns, s->columns.data, s->columns.len);
}

void my_remember_columns(struct mysql *m, const struct my_exchange *x)
{
	struct sql_statement *s = x->numbered ? my_statement(m, x->statement) : NULL;

	if (s)
		sql_statement_set_columns(&m->statements, s, &x->columns, x->total);
}

/* How many columns a list has: what follows are descriptions of these. 0 or -EPROTO. */
int my_begin_columns(struct mysql *m, struct my_exchange *x, struct unpack u)
{
	bool told = true;

	/* MySQL says before, MariaDB behind it, whether descriptions follow. */
	if (m->can_known && m->can & MY_CAN_MYSQL && m->can & MY_CAN_NO_COLUMNS)
		told = unpack_le(&u, 1);
	uint64_t n = my_number(&u);
	if (u.left == 1)
		told = unpack_le(&u, 1);
	if (u.failed || !n || n > MOST_COLUMNS) {
		exchange_fault(&x->x, "an answer that begins like none");
		return -EPROTO;
	}
	x->total = (uint32_t)n;
	x->left = told ? (uint32_t)n : 0;
	x->next = told ? MY_DEFINITION : MY_DEFINED;
	if (told)
		buf_reset(&x->columns);
	else
		recall_columns(m, x);
	return 0;
}

/* A description of a column; of the last one, what follows is a row. */
void my_take_definition(struct mysql *m, struct my_exchange *x, struct unpack u)
{
	if (x->total - x->left < MY_COLUMNS)
		my_add_column(&x->columns, u);
	if (--x->left)
		return;
	my_remember_columns(m, x);
	x->next = MY_DEFINED;
}
