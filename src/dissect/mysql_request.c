// SPDX-License-Identifier: GPL-2.0-or-later
/* What a client of MySQL sends: which exchange it belongs to, and what it says. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "dissect/mysql_internal.h"

static const struct my_command commands[] = {
	[0x01] = { "Quit", MY_NONE },
	[0x02] = { "InitDB", MY_PLAIN },
	[0x03] = { "Query", MY_RESULT },
	[0x04] = { "FieldList", MY_FIELDS },
	[0x05] = { "CreateDB", MY_PLAIN },
	[0x06] = { "DropDB", MY_PLAIN },
	[0x07] = { "Refresh", MY_PLAIN },
	[0x08] = { "Shutdown", MY_PLAIN },
	[0x09] = { "Statistics", MY_TEXT },
	[0x0a] = { "ProcessInfo", MY_RESULT },
	[0x0c] = { "ProcessKill", MY_PLAIN },
	[0x0d] = { "Debug", MY_PLAIN },
	[0x0e] = { "Ping", MY_PLAIN },
	[0x11] = { "ChangeUser", MY_LOGIN },
	[0x12] = { "BinlogDump", MY_BINLOG },
	[0x13] = { "TableDump", MY_BINLOG },
	[0x15] = { "RegisterReplica", MY_PLAIN },
	[0x16] = { "Prepare", MY_PREPARE },
	[0x17] = { "Execute", MY_RESULT },
	[0x18] = { "SendLongData", MY_NONE },
	[0x19] = { "Close", MY_NONE },
	[0x1a] = { "Reset", MY_PLAIN },
	[0x1b] = { "SetOption", MY_PLAIN },
	[0x1c] = { "Fetch", MY_FETCH },
	[0x1e] = { "BinlogDumpGTID", MY_BINLOG },
	[0x1f] = { "ResetConnection", MY_PLAIN },
	[0x20] = { "Clone", MY_PLAIN },
	[0xfa] = { "BulkExecute", MY_RESULT },
};
static const struct my_command login = { "Login", MY_LOGIN };

const struct my_command *my_command(uint8_t code)
{
	const struct my_command *c =
		code < sizeof(commands) / sizeof(*commands) ? &commands[code] : NULL;

	return c && c->name ? c : NULL;
}

static void say(struct my_exchange *x, const char *text, size_t len)
{
	exchange_text(&x->x, PART_REQUEST, text, len);
}

void my_say_line(struct mysql *m, struct my_exchange *x)
{
	buf_putc(&m->scratch, '\n');
	say(x, m->scratch.data, m->scratch.len);
	buf_reset(&m->scratch);
}

void my_put_shown(struct buf *out, struct text t)
{
	buf_put(out, t.data, t.len < LIMIT_SUMMARY ? t.len : LIMIT_SUMMARY);
}

/* What may have ended does, since something new is asked for. */
static void end_answered(struct mysql *m, int64_t now)
{
	if (m->answering && m->answering->may_end)
		my_answer_end(m, m->answering, now);
}

static int begin_command(struct mysql *m, const struct pdu *p, const struct my_command *c)
{
	end_answered(m, p->first_us);
	struct exchange *x = in_order_request(&m->o, p);
	m->asking = x ? my_of(x) : NULL;
	if (!x)
		return -ENOMEM;
	m->asking->command = c;
	m->asking->keeps_open = c->kind == MY_LOGIN;
	if (c->kind == MY_NONE)
		exchange_leave_alone(&m->o.l, x, NULL);
	else if (c->kind == MY_BINLOG)
		exchange_leave_alone(&m->o.l, x, "replication begins, which is not taken apart");
	if (c->kind == MY_LOGIN)
		m->sending = m->asking;
	return 0;
}

int my_request_begin(struct mysql *m, const struct pdu *p)
{
	uint8_t number = p->data[3];
	bool first = !m->spoke;
	int r = 0;

	m->spoke = true;
	if (!m->split[m->o.client]) {
		m->asking = NULL;
		if (!number && p->size > MY_HEAD)
			r = begin_command(m, p, my_command(p->data[MY_HEAD]));
		else if (first && my_is_login(p->data, p->len) > 0)
			r = begin_command(m, p, &login);
		else if (number)
			m->asking = m->sending;
	}
	m->o.now[m->o.client] = m->asking ? &m->asking->x : NULL;
	if (m->asking)
		m->asking->answers = (uint8_t)(number + 1);
	return r;
}

/* The number, as a name. */
static struct text name_of(uint32_t id, char buf[static 12])
{
	return (struct text){ buf, (size_t)snprintf(buf, 12, "%" PRIu32, id) };
}

static struct sql_statement *find(const struct mysql *m, uint32_t id)
{
	char name[12];

	return sql_statement_find(&m->statements, name_of(id, name));
}

static bool is_same(const struct sql_statement *s, const struct sql_statement *of)
{
	return s && of && s->sql.len == of->sql.len &&
	       (!s->sql.len || !memcmp(s->sql.data, of->sql.data, s->sql.len));
}

struct sql_statement *my_statement(const struct mysql *m, uint32_t id)
{
	struct sql_statement *s = find(m, id), *told = find(m, m->prepared);

	/* Its number may have been told meanwhile. */
	return id == MY_LAST_PREPARED && is_same(told, s) ? told : s;
}

struct sql_statement *my_statement_new(struct mysql *m, uint32_t id, const struct my_exchange *x,
				       uint32_t parameters)
{
	char name[12];
	struct sql_statement *s = sql_statement_new(&m->statements, name_of(id, name));

	if (!s)
		return NULL;
	sql_statement_set(&m->statements, s, (struct text){ x->sql.data, x->sql.len }, x->secret);
	s->parameters = parameters;
	s->described = true;
	/* It may have been run before its number was told. */
	const struct sql_statement *last = find(m, MY_LAST_PREPARED);
	if (last != s && is_same(last, s)) {
		memcpy(s->types, last->types, sizeof(s->types));
		s->type_count = last->type_count;
	}
	return s;
}

/* The SQL of the exchange, of which secrets are masked already. */
static void set_sql(struct my_exchange *x, struct text sql)
{
	buf_reset(&x->line);
	sql_put_line(&x->line, sql);
	say(x, sql.data, sql.len);
	say(x, "\n", 1);
}

static bool holds_word(const struct buf *sql, const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; i + n <= sql->len; i++)
		if (!strncasecmp(sql->data + i, word, n))
			return true;
	return false;
}

/* Values of attributes stand before the statement. */
static void skip_attributes(const struct mysql *m, struct unpack *u)
{
	bool has = m->can_known
			   ? (m->can & MY_CAN_QUERY_ATTRIBUTES) && !(m->can & MY_CAN_MYSQL) == 0
			   : u->left > 2 && u->at[0] < 9 && u->at[1] == 1;

	if (!has)
		return;
	uint64_t n = my_number(u);
	my_number(u);
	if (!n || n > u->left)
		return;
	struct unpack types = *u;
	unpack_take(&types, (n + 7) / 8);
	const uint8_t *nulls = u->at;
	unpack_le(&types, 1);
	struct unpack values = types;
	for (uint64_t i = 0; i < n && !values.failed; i++) {
		unpack_le(&values, 2);
		my_string(&values);
	}
	struct buf unused = { 0 };
	for (uint64_t i = 0; i < n && !values.failed; i++) {
		struct my_column c = { .type = (uint8_t)unpack_le(&types, 2) };
		my_string(&types);
		if (!(nulls[i / 8] >> i % 8 & 1))
			my_put_binary(&unused, &c, &values);
		buf_reset(&unused);
	}
	buf_free(&unused);
	*u = values;
}

/* Returns how many parameters it has. */
static unsigned take_sql(struct mysql *m, struct my_exchange *x, struct unpack *u)
{
	unsigned parameters;

	sql_put_masked(&m->scratch, my_bytes(u, u->left), SQL_MYSQL, &x->secret, &parameters);
	set_sql(x, (struct text){ m->scratch.data, m->scratch.len });
	return parameters;
}

static void take_query(struct mysql *m, struct my_exchange *x, struct unpack *u)
{
	skip_attributes(m, u);
	take_sql(m, x, u);
	x->keeps_open = holds_word(&m->scratch, "infile");
}

/* It may be run before its number is told. */
static void take_prepare(struct mysql *m, struct my_exchange *x, struct unpack *u)
{
	unsigned parameters = take_sql(m, x, u);

	buf_put(&x->sql, m->scratch.data,
		m->scratch.len < LIMIT_SQL_KEPT ? m->scratch.len : LIMIT_SQL_KEPT);
	my_statement_new(m, MY_LAST_PREPARED, x, parameters);
}

static struct sql_statement *take_statement(struct mysql *m, struct my_exchange *x,
					    struct unpack *u)
{
	x->statement = (uint32_t)unpack_le(u, 4);
	x->numbered = !u->failed;
	struct sql_statement *s = my_statement(m, x->statement);
	if (s) {
		set_sql(x, (struct text){ s->sql.data, s->sql.len });
		x->secret = s->secret;
	} else {
		buf_printf(&x->line, "statement %" PRIu32 ", which was prepared before",
			   x->statement);
		x->secret = UINT64_MAX;
	}
	return s;
}

static bool is_secret(const struct my_exchange *x, uint64_t i)
{
	return i < 64 ? x->secret >> i & 1 : x->secret == UINT64_MAX;
}

/* A value of a parameter; it is read also where it is not shown. */
static void put_value(struct mysql *m, struct my_exchange *x, uint64_t i, uint32_t type,
		      struct unpack *u)
{
	const struct my_column c = { .type = (uint8_t)type, .is_unsigned = type >> 8 & 0x80 };
	size_t at = m->scratch.len;

	my_put_binary(&m->scratch, &c, u);
	if (!is_secret(x, i))
		return;
	m->scratch.len = at;
	buf_puts(&m->scratch, "\"" SQL_MASK "\"");
}

/* Types of the first parameters are remembered: later executions may leave them out. */
static struct unpack take_types(struct sql_statement *s, struct unpack *u, uint64_t n, bool named)
{
	struct unpack types = *u;

	s->type_count = 0;
	for (uint64_t i = 0; i < n && !u->failed; i++) {
		uint32_t type = (uint32_t)unpack_le(u, 2);
		if (named)
			my_string(u);
		if (s->type_count < SQL_TYPES)
			s->types[s->type_count++] = type;
	}
	return types;
}

static void put_parameters(struct mysql *m, struct my_exchange *x, struct sql_statement *s,
			   struct unpack *u, bool named)
{
	uint64_t n = named ? my_number(u) : s->parameters;
	const uint8_t *nulls = n ? unpack_take(u, (n + 7) / 8) : NULL;
	struct unpack types = { .failed = true };

	if (nulls && unpack_le(u, 1) == 1)
		types = take_types(s, u, n, named);
	for (uint64_t i = 0; nulls && i < n && !u->failed; i++) {
		uint32_t type = i < s->type_count ? s->types[i] : 0;
		if (!types.failed) {
			type = (uint32_t)unpack_le(&types, 2);
			if (named)
				my_string(&types);
		} else if (i >= s->type_count) {
			break;
		}
		if (m->scratch.len > LIMIT_SQL_SHOWN)
			break;
		buf_printf(&m->scratch, "?%" PRIu64 " = ", i + 1);
		if (i < 64 && s->elsewhere >> i & 1)
			buf_puts(&m->scratch, "as sent before");
		else if (nulls[i / 8] >> i % 8 & 1)
			buf_puts(&m->scratch, "null");
		else
			put_value(m, x, i, type, u);
		buf_putc(&m->scratch, '\n');
	}
	say(x, m->scratch.data, m->scratch.len);
}

static void take_execute(struct mysql *m, struct my_exchange *x, struct unpack *u)
{
	struct sql_statement *s = take_statement(m, x, u);
	unsigned flags = (unsigned)unpack_le(u, 1);
	bool named = flags & 8 && m->can & MY_CAN_QUERY_ATTRIBUTES && m->can & MY_CAN_MYSQL;

	unpack_le(u, 4);
	x->binary = true;
	if (s && s->described)
		put_parameters(m, x, s, u, named);
	else if (u->left)
		say(x, "its parameters cannot be told apart\n", 36);
	if (s)
		s->elsewhere = 0;
}

/* MariaDB's: a statement for many rows of parameters. */
static void take_bulk(struct mysql *m, struct my_exchange *x, struct unpack *u)
{
	struct sql_statement *s = take_statement(m, x, u);
	unsigned flags = (unsigned)unpack_le(u, 2);
	uint64_t n = s ? s->parameters : 0;

	x->binary = true;
	if (!n || !s->described)
		return;
	if (flags & 128)
		take_types(s, u, n, false);
	while (u->left && !u->failed && n <= s->type_count && m->scratch.len < LIMIT_SQL_SHOWN) {
		static const char *const instead[] = { "", "null", "default", "ignored" };
		for (uint64_t i = 0; i < n && !u->failed; i++) {
			unsigned how = (unsigned)unpack_le(u, 1);
			buf_puts(&m->scratch, i ? ", " : "(");
			if (how)
				buf_puts(&m->scratch, how < 4 ? instead[how] : "?");
			else
				put_value(m, x, i, s->types[i], u);
		}
		buf_puts(&m->scratch, ")\n");
	}
	say(x, m->scratch.data, m->scratch.len);
}

static void take_long_data(struct mysql *m, struct my_exchange *x, struct unpack *u)
{
	struct sql_statement *s = take_statement(m, x, u);
	uint32_t i = (uint32_t)unpack_le(u, 2);
	const struct my_column c = { .is_bytes = true };

	if (s && i < 64)
		s->elsewhere |= 1ULL << i;
	else if (s)
		s->described = false; /* which of them are left out is not remembered */
	buf_printf(&m->scratch, "?%" PRIu32 " = ", i + 1);
	if (is_secret(x, i))
		buf_puts(&m->scratch, "\"" SQL_MASK "\"");
	else
		my_put_text(&m->scratch, &c, my_bytes(u, u->left));
	my_say_line(m, x);
}

static void take_close(struct mysql *m, struct my_exchange *x, struct unpack *u, bool close)
{
	struct sql_statement *s = take_statement(m, x, u);
	char name[12];

	if (close)
		sql_statement_drop(&m->statements, name_of(x->statement, name));
	else if (s)
		s->elsewhere = 0;
}

static void take_fetch(struct mysql *m, struct my_exchange *x, struct unpack *u)
{
	const struct sql_statement *s = take_statement(m, x, u);

	x->binary = true;
	x->total = s ? s->total : 0;
	if (s)
		buf_put(&x->columns, s->columns.data, s->columns.len);
	buf_printf(&m->scratch, "%" PRIu64 " rows", unpack_le(u, 4));
	my_say_line(m, x);
}

static void take_name(struct my_exchange *x, struct text name)
{
	my_put_shown(&x->line, name);
	say(x, x->line.data, x->line.len);
}

static void take_binlog(struct my_exchange *x, struct unpack *u, bool gtid)
{
	uint64_t at = 0;

	if (!gtid)
		at = unpack_le(u, 4);
	unpack_le(u, 6);
	struct text name = gtid ? my_bytes(u, unpack_le(u, 4)) : my_bytes(u, u->left);
	if (gtid)
		at = unpack_le(u, 8);
	my_put_shown(&x->line, name);
	buf_printf(&x->line, " from %" PRIu64, at);
	say(x, x->line.data, x->line.len);
}

static void take_command(struct mysql *m, struct my_exchange *x, uint8_t code, struct unpack *u)
{
	switch (code) {
	case 0x02:
	case 0x05:
	case 0x06:
		take_name(x, my_bytes(u, u->left));
		break;
	case 0x03:
		take_query(m, x, u);
		break;
	case 0x04:
		take_name(x, my_zero_string(u));
		break;
	case 0x0c:
		buf_printf(&x->line, "%" PRIu64, unpack_le(u, 4));
		break;
	case 0x11:
		my_take_user(m, x, u);
		break;
	case 0x12:
	case 0x1e:
		take_binlog(x, u, code == 0x1e);
		break;
	case 0x16:
		take_prepare(m, x, u);
		break;
	case 0x17:
		take_execute(m, x, u);
		break;
	case 0x18:
		take_long_data(m, x, u);
		break;
	case 0x19:
	case 0x1a:
		take_close(m, x, u, code == 0x19);
		break;
	case 0x1c:
		take_fetch(m, x, u);
		break;
	case 0x1f:
		sql_statements_free(&m->statements);
		break;
	case 0xfa:
		take_bulk(m, x, u);
		break;
	}
}

/* What is sent besides commands: a file, or an answer to what the server asks of a login. */
static void take_more(struct my_exchange *x, const struct unpack *u)
{
	if (x->command->kind == MY_LOGIN)
		return;
	say(x, (const char *)u->at, u->left);
}

static void end_request(struct mysql *m, struct my_exchange *x, const struct pdu *p)
{
	struct message *q = x->x.message[PART_REQUEST];

	x->asked = true;
	q->content_type = (struct text){ "application/sql", 15 };
	if (x->numbered && x->statement != MY_LAST_PREPARED)
		message_add_number(q, "statement", x->statement);
	if (!x->keeps_open)
		exchange_end_part(&m->o.l, &x->x, PART_REQUEST, p->last_us);
}

int my_request_whole(struct mysql *m, const struct pdu *p)
{
	struct my_exchange *x = m->asking;
	struct unpack u = my_payload(p);

	m->o.now[m->o.client] = NULL;
	if (!x)
		return 0;
	buf_reset(&m->scratch);
	/* What is long is read in its first packet. */
	if (x->asked)
		take_more(x, &u);
	else if (!x->read && x->command == &login)
		my_take_login(m, x, &u);
	else if (!x->read)
		take_command(m, x, (uint8_t)unpack_le(&u, 1), &u);
	x->read = true;
	buf_free(&m->scratch);
	my_count(x);
	if (m->split[m->o.client])
		return 0;
	m->asking = NULL;
	bool binlog = x->command->kind == MY_BINLOG;
	if (!x->asked)
		end_request(m, x, p);
	return binlog ? -EPROTO : 0;
}
