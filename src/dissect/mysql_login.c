// SPDX-License-Identifier: GPL-2.0-or-later
/* Who logs in to MySQL, with what, and what is agreed on. How it is proven is not kept. */
#include "dissect/mysql_internal.h"

static void set_user(struct my_exchange *x, struct text user, struct text database)
{
	struct message *q = x->x.message[PART_REQUEST];

	my_put_shown(&x->line, user);
	if (database.len) {
		buf_putc(&x->line, '@');
		my_put_shown(&x->line, database);
		message_add_text(q, "database", message_text(q, database.data, database.len));
	}
	message_add_text(q, "user", message_text(q, user.data, user.len));
}

static void say_named(struct mysql *m, struct my_exchange *x, const char *name, struct text t)
{
	if (!t.len)
		return;
	buf_puts(&m->scratch, name);
	my_put_shown(&m->scratch, t);
	my_say_line(m, x);
}

/* Who and for what; of how it proves it only the name. */
static void take_identity(struct mysql *m, struct my_exchange *x, struct unpack *u, bool changes)
{
	struct text user = my_zero_string(u);
	uint32_t can = m->can;
	uint64_t n = 0;

	if (changes)
		n = unpack_le(u, 1);
	else if (can & MY_CAN_LENENC)
		n = my_number(u);
	else if (can & MY_CAN_SECURE)
		n = unpack_le(u, 1);
	else
		my_zero_string(u);
	my_bytes(u, n == UINT64_MAX ? 0 : n);
	struct text database = { "", 0 };
	if (changes || can & MY_CAN_DATABASE)
		database = my_zero_string(u);
	if (changes)
		unpack_le(u, 2);
	set_user(x, user, database);
	say_named(m, x, "user: ", user);
	say_named(m, x, "database: ", database);
	exchange_text(&x->x, PART_REQUEST, "password: " SQL_MASK "\n",
		      sizeof("password: " SQL_MASK));
	if (can & MY_CAN_PLUGIN || (changes && u->left))
		say_named(m, x, "authentication: ", my_zero_string(u));
}

/* What a client tells of itself: "_os: Linux". */
static void take_attributes(struct mysql *m, struct my_exchange *x, struct unpack *u)
{
	struct unpack a = { .failed = true };

	if (m->can & MY_CAN_ATTRIBUTES && u->left && !u->failed)
		a = unpack_part(u, my_number(u));
	while (a.left && !a.failed) {
		struct text name = my_string(&a), value = my_string(&a);
		if (a.failed)
			return;
		my_put_shown(&m->scratch, name);
		buf_puts(&m->scratch, ": ");
		my_put_shown(&m->scratch, value);
		my_say_line(m, x);
	}
}

void my_take_login(struct mysql *m, struct my_exchange *x, struct unpack *u)
{
	m->can = (uint32_t)unpack_le(u, 4);
	m->can_known = !u->failed;
	m->eof = m->can & MY_CAN_NO_EOF ? MY_NO_EOF : MY_EOF;
	unpack_take(u, 4 + 1 + 23);
	take_identity(m, x, u, false);
	take_attributes(m, x, u);
}

void my_take_user(struct mysql *m, struct my_exchange *x, struct unpack *u)
{
	take_identity(m, x, u, true);
	take_attributes(m, x, u);
}
