// SPDX-License-Identifier: GPL-2.0-or-later
/* What a client of PostgreSQL sends: which exchange it belongs to, and what it says. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "dissect/postgres_internal.h"

struct text pg_string(struct pg_reader *r)
{
	const uint8_t *end = r->len ? memchr(r->p, 0, r->len) : NULL;
	size_t n = end ? (size_t)(end - r->p) : r->len;
	struct text t = { (const char *)r->p, n };

	r->cut |= !end;
	r->p += n + (end != NULL);
	r->len -= n + (end != NULL);
	return t;
}

static void say(struct pg_exchange *x, const char *text, size_t len)
{
	exchange_text(&x->x, PART_REQUEST, text, len);
}

static void say_line(struct postgres *p, struct pg_exchange *x)
{
	buf_putc(&p->scratch, '\n');
	say(x, p->scratch.data, p->scratch.len);
	buf_reset(&p->scratch);
}

static void expect(struct pg_exchange *x, char type)
{
	if (x->expected < PG_EXPECT)
		x->expect[x->expected++] = type;
}

static const char *method_of(char type)
{
	switch (type) {
	case 0:
		return "Startup";
	case 'Q':
		return "Query";
	case 'F':
		return "FunctionCall";
	case 'X':
		return "Terminate";
	case 'd':
	case 'c':
	case 'f':
		return "CopyData";
	case 'p':
		return "Password";
	}
	return "Extended";
}

void pg_unit_end(struct postgres *p, int64_t now)
{
	struct pg_exchange *x = p->unit;

	p->unit = NULL;
	if (!x)
		return;
	struct message *m = x->x.message[PART_REQUEST];
	m->content_type = (struct text){ "application/sql", 15 };
	if (x->statement.len)
		message_add_text(m, "statement",
				 message_text(m, x->statement.data, x->statement.len));
	if (!x->expected)
		exchange_leave_alone(&p->o.l, &x->x, NULL);
	else if (x->answered == x->expected)
		pg_end_answer(p, x, now);
	/* What is copied is part of it. */
	if (p->copy != x)
		exchange_end_part(&p->o.l, &x->x, PART_REQUEST, now);
}

/* Is it part of the request that goes on? */
static bool continues(const struct postgres *p, char type)
{
	const struct pg_exchange *x = p->unit;

	if (!x)
		return false;
	if (type == 'p')
		return true;
	if (!strcmp(x->method, "Startup"))
		return false;
	if (type == 'S' || type == 'H')
		return true;
	return type && strchr("PBDCE", type) && !x->executes && x->expected < PG_EXPECT - 2;
}

/* One that waits for its answer may be told as it is, when too many do. */
static void make_room(struct postgres *p, int64_t now)
{
	struct pg_exchange *x = p->copy;

	if (!x || p->o.l.count < LIMIT_PIPELINE)
		return;
	p->copy = NULL;
	exchange_end_part(&p->o.l, &x->x, PART_REQUEST, now);
}

void pg_request_begin(struct postgres *p, const struct pdu *d)
{
	char type = (char)d->data[0];

	if (type && strchr("dcf", type) && p->copy) {
		p->o.now[p->o.client] = &p->copy->x;
		return;
	}
	if (!continues(p, type)) {
		pg_unit_end(p, d->first_us);
		make_room(p, d->first_us);
		struct exchange *x = in_order_request(&p->o, d);
		p->unit = x ? pg_of(x) : NULL;
		if (x)
			p->unit->method = method_of(type);
	}
	p->o.now[p->o.client] = p->unit ? &p->unit->x : NULL;
}

static void take_startup(struct postgres *p, struct pg_exchange *x, struct pg_reader *r)
{
	struct message *m = x->x.message[PART_REQUEST];
	struct text user = { "", 0 }, database = { "", 0 };

	if (pg_be(r, 4) >> 16 != 3) {
		x->method = "Cancel";
		buf_printf(&x->line, "of process %" PRIu32, pg_be(r, 4));
		return;
	}
	while (r->len > 1 && !r->cut) {
		struct text name = pg_string(r), value = pg_string(r);
		buf_printf(&p->scratch, "%.*s: %.*s", (int)name.len, name.data, (int)value.len,
			   value.data);
		say_line(p, x);
		if (name.len == 4 && !memcmp(name.data, "user", 4))
			user = value;
		else if (name.len == 8 && !memcmp(name.data, "database", 8))
			database = value;
	}
	database = database.len ? database : user;
	message_add_text(m, "user", message_text(m, user.data, user.len));
	message_add_text(m, "database", message_text(m, database.data, database.len));
	buf_printf(&x->line, "%.*s@%.*s", (int)user.len, user.data, (int)database.len,
		   database.data);
	expect(x, 'U');
}

static struct text text_of(const struct buf *b)
{
	return (struct text){ b->data, b->len };
}

static bool holds_word(struct text sql, const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; i + n <= sql.len; i++)
		if (!strncasecmp(sql.data + i, word, n))
			return true;
	return false;
}

/* COPY t FROM STDIN: data follow the statement. */
static bool is_copy(const struct pg_exchange *x)
{
	struct text line = { x->line.data, x->line.len };

	return line.len > 4 && !strncasecmp(line.data, "COPY", 4) && holds_word(line, "FROM STDIN");
}

/* The SQL of the exchange, of which secrets are masked already. */
static void set_sql(struct pg_exchange *x, struct text sql)
{
	buf_reset(&x->line);
	sql_put_line(&x->line, sql);
	say(x, sql.data, sql.len);
	say(x, "\n", 1);
}

static void take_query(struct postgres *p, struct pg_exchange *x, struct pg_reader *r)
{
	sql_put_masked(&p->scratch, pg_string(r), SQL_POSTGRES, &x->secret, NULL);
	set_sql(x, text_of(&p->scratch));
	buf_reset(&p->scratch);
	expect(x, 'Q');
	if (is_copy(x))
		p->copy = x;
}

static void take_parse(struct postgres *p, struct pg_exchange *x, struct pg_reader *r)
{
	struct text name = pg_string(r);
	bool named = !r->cut;
	struct text sql = pg_string(r);
	struct sql_statement *s = NULL;

	/* Of what is not here whole nobody knows what it stands for. */
	if (!named)
		sql_statements_free(&p->statements);
	else if (r->cut)
		sql_statement_drop(&p->statements, name);
	else
		s = sql_statement_new(&p->statements, name);

	sql_put_masked(&p->scratch, sql, SQL_POSTGRES, &x->secret, NULL);
	set_sql(x, text_of(&p->scratch));
	buf_reset(&x->statement);
	buf_put(&x->statement, name.data, name.len < LIMIT_SUMMARY ? name.len : LIMIT_SUMMARY);
	if (s) {
		sql_statement_set(&p->statements, s, text_of(&p->scratch), x->secret);
		for (uint32_t i = pg_be(r, 2); i && s->type_count < SQL_TYPES; i--)
			s->types[s->type_count++] = pg_be(r, 4);
	}
	buf_reset(&p->scratch);
	if (!x->executes)
		x->method = "Parse";
	expect(x, 'P');
}

static void put_parameter(struct postgres *p, struct pg_exchange *x, struct pg_reader *r,
			  unsigned i, uint32_t type, bool binary)
{
	uint32_t size = pg_be(r, 4);
	size_t n = size < r->len ? size : r->len;

	buf_printf(&p->scratch, "$%u = ", i + 1);
	if (size == UINT32_MAX) {
		buf_puts(&p->scratch, "null");
		n = 0;
	} else if (i < 64 && x->secret >> i & 1) {
		buf_puts(&p->scratch, "\"" SQL_MASK "\"");
	} else {
		pg_put_value(&p->scratch, type, binary, r->p, n);
	}
	say_line(p, x);
	r->p += n;
	r->len -= n;
	r->cut |= n < size && size != UINT32_MAX;
}

static void put_parameters(struct postgres *p, struct pg_exchange *x, struct pg_reader *r,
			   const struct sql_statement *s)
{
	uint16_t formats[16] = { 0 };
	uint32_t count = pg_be(r, 2);

	for (uint32_t i = 0; i < count && !r->cut; i++) {
		uint32_t format = pg_be(r, 2);
		if (i < 16)
			formats[i] = (uint16_t)format;
	}
	for (uint32_t i = 0, n = pg_be(r, 2); i < n && !r->cut; i++) {
		uint32_t type = s && i < s->type_count ? s->types[i] : 0;
		bool binary = count == 1 ? formats[0] : i < 16 && i < count && formats[i];
		put_parameter(p, x, r, i, type, binary);
	}
}

static void take_bind(struct postgres *p, struct pg_exchange *x, struct pg_reader *r)
{
	struct text portal = pg_string(r), name = pg_string(r);
	struct sql_statement *s = r->cut ? NULL : sql_statement_find(&p->statements, name);
	bool parsed = !strcmp(x->method, "Parse") && x->statement.len == name.len;

	if (!parsed && s) {
		set_sql(x, text_of(&s->sql));
		x->secret = s->secret;
	} else if (!parsed) {
		buf_printf(&x->line, "statement \"%.*s\", which was prepared before",
			   name.len < 64 ? (int)name.len : 64, name.data);
		/* Nobody knows which of its parameters are secrets. */
		x->secret = UINT64_MAX;
	}
	buf_reset(&x->statement);
	buf_put(&x->statement, name.data, name.len < LIMIT_SUMMARY ? name.len : LIMIT_SUMMARY);
	if (r->cut)
		sql_statements_free(&p->portals);
	struct sql_statement *kept = r->cut ? NULL : sql_statement_new(&p->portals, portal);
	if (kept && s)
		sql_statement_set(&p->portals, kept, text_of(&s->sql), s->secret);
	if (!x->executes)
		x->method = "Bind";
	put_parameters(p, x, r, s);
	expect(x, 'B');
}

static void take_execute(struct postgres *p, struct pg_exchange *x, struct pg_reader *r)
{
	struct text portal = pg_string(r);
	const struct sql_statement *s = sql_statement_find(&p->portals, portal);

	if (!x->line.len && s)
		set_sql(x, text_of(&s->sql));
	x->method = "Execute";
	x->executes = true;
	if (is_copy(x))
		p->copy = x;
	expect(x, 'E');
}

static void take_describe(struct postgres *p, struct pg_exchange *x, struct pg_reader *r)
{
	char kind = (char)pg_be(r, 1);
	struct text name = pg_string(r);
	const struct sql_statement *s =
		sql_statement_find(kind == 'S' ? &p->statements : &p->portals, name);

	if (!x->line.len && s)
		set_sql(x, text_of(&s->sql));
	if (!strcmp(x->method, "Extended"))
		x->method = "Describe";
	expect(x, 'D');
}

static void take_close(struct postgres *p, struct pg_exchange *x, struct pg_reader *r)
{
	char kind = (char)pg_be(r, 1);
	struct text name = pg_string(r);

	if (!strcmp(x->method, "Extended")) {
		x->method = "Close";
		buf_printf(&x->line, "%s \"%.*s\"", kind == 'S' ? "statement" : "portal",
			   name.len < 64 ? (int)name.len : 64, name.data);
	}
	sql_statement_drop(kind == 'S' ? &p->statements : &p->portals, name);
	expect(x, 'C');
}

static void take_sync(struct pg_exchange *x)
{
	if (!strcmp(x->method, "Extended"))
		x->method = "Sync";
	expect(x, 'S');
}

/* What is copied: the first bytes of it, as they are. */
static void take_copy(struct postgres *p, struct pg_exchange *x, char type, struct pg_reader *r,
		      int64_t now)
{
	if (type == 'd')
		say(x, (const char *)r->p, r->len);
	if (type == 'd' || !p->copy)
		return;
	if (type == 'f')
		buf_put(&x->error, r->p, r->len < LIMIT_SUMMARY ? r->len : LIMIT_SUMMARY);
	p->copy = NULL;
	if (p->unit != x)
		exchange_end_part(&p->o.l, &x->x, PART_REQUEST, now);
}

int pg_request_whole(struct postgres *p, const struct pdu *d)
{
	char type = (char)d->data[0];
	struct pg_exchange *x = p->o.now[p->o.client] ? pg_of(p->o.now[p->o.client]) : NULL;
	struct pg_reader r = { d->data + (type ? 5 : 4), d->len - (type ? 5 : 4), false };

	p->o.now[p->o.client] = NULL;
	if (!x)
		return 0;
	buf_reset(&p->scratch);
	switch (type) {
	case 0:
		take_startup(p, x, &r);
		break;
	case 'p':
		say(x, "password: " SQL_MASK "\n", sizeof("password: " SQL_MASK));
		break;
	case 'Q':
		take_query(p, x, &r);
		break;
	case 'P':
		take_parse(p, x, &r);
		break;
	case 'B':
		take_bind(p, x, &r);
		break;
	case 'D':
		take_describe(p, x, &r);
		break;
	case 'E':
		take_execute(p, x, &r);
		break;
	case 'C':
		take_close(p, x, &r);
		break;
	case 'S':
		take_sync(x);
		break;
	case 'F':
		expect(x, 'F');
		break;
	case 'd':
	case 'c':
	case 'f':
		take_copy(p, x, type, &r, d->last_us);
		break;
	}
	buf_free(&p->scratch);
	pg_count(x);
	/* Of startup, passwords may come; of the extended protocol, Sync. */
	if (x == p->unit && (!type ? !x->expected : strchr("QFXS", type) != NULL))
		pg_unit_end(p, d->last_us);
	return 0;
}
