// SPDX-License-Identifier: GPL-2.0-or-later
#include "dissect/sql.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/account.h"
#include "base/limits.h"
#include "redact/names.h"

enum token {
	TOKEN_END,
	TOKEN_WORD,
	TOKEN_TEXT,
	TOKEN_QUOTED, /* in double quotes: a text or a word */
	TOKEN_NUMBER,
	TOKEN_PARAMETER,
	TOKEN_SIGN,
};

#define COLUMNS 64 /* of an INSERT, whose names are looked at */

/* Where in a statement, and what its words have announced. */
struct sql_words {
	const char *sql;
	size_t len, at, end; /* the token is from `at` to `end` */
	enum sql_dialect dialect;
	bool announced;	 /* the next text or parameter is a secret */
	bool identified; /* all texts are, up to a comma */
	bool function;	 /* the last word is one of a secret's */
	unsigned call;	 /* the depth of the arguments of one; 0: none */
	unsigned depth, list_depth;
	/* INSERT INTO t (names) VALUES (values), ... */
	enum { NOTHING, INSERT, NAMES, NAMED, VALUES } insert;
	uint64_t columns; /* that are secret */
	unsigned column;
	unsigned parameter; /* how many "?" came */
};

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || (unsigned char)c >= 0x80;
}

/* The end of what begins with a quote; a quote within is doubled or behind a backslash. */
static size_t quoted_end(const struct sql_words *s, size_t at)
{
	const char *p = s->sql;
	size_t len = s->len;
	char quote = p[at++];
	bool escapes = quote == '\'' || (quote == '"' && s->dialect == SQL_MYSQL);

	for (; at < len; at++) {
		if (p[at] == '\\' && escapes)
			at++;
		else if (p[at] == quote && at + 1 < len && p[at + 1] == quote)
			at++;
		else if (p[at] == quote)
			return at + 1;
	}
	return len;
}

/* $tag$ text $tag$; 0: that is none. Looked for once, as the tag is a byte or few. */
static size_t dollar_end(const char *p, size_t len, size_t at)
{
	size_t tag = at + 1;

	while (tag < len && tag - at < 32 && (isalpha((unsigned char)p[tag]) || p[tag] == '_'))
		tag++;
	if (tag >= len || p[tag] != '$')
		return 0;
	const char *end = memmem(p + tag + 1, len - tag - 1, p + at, tag + 1 - at);
	return end ? (size_t)(end - p) + (tag + 1 - at) : len;
}

/* The end of the comment that begins here; 0: none does. What MySQL runs of one is none. */
static size_t comment_end(const struct sql_words *s, size_t at)
{
	const char *p = s->sql + at, *end;
	size_t len = s->len - at;
	bool my = s->dialect == SQL_MYSQL;

	if (len > 2 && p[0] == '/' && p[1] == '*') {
		if (my && (p[2] == '!' || (p[2] == 'M' && len > 3 && p[3] == '!')))
			return at + 3;
		end = memmem(p + 2, len - 2, "*/", 2);
		return end ? at + (size_t)(end - p) + 2 : s->len;
	}
	bool line = len > 2 && p[0] == '-' && p[1] == '-' && (!my || isspace((unsigned char)p[2]));
	if (!line && !(my && *p == '#'))
		return 0;
	end = memchr(p, '\n', len);
	return end ? at + (size_t)(end - p) + 1 : s->len;
}

static enum token next_token(struct sql_words *s)
{
	const char *p = s->sql;
	size_t i = s->end, comment = 0;

	while (i < s->len && (isspace((unsigned char)p[i]) || (comment = comment_end(s, i))))
		i = isspace((unsigned char)p[i]) ? i + 1 : comment;
	s->at = i;
	if (i == s->len)
		return s->end = i, TOKEN_END;
	s->end = i + 1;
	if (p[i] == '\'')
		return s->end = quoted_end(s, i), TOKEN_TEXT;
	if (p[i] == '"' && s->dialect == SQL_MYSQL)
		return s->end = quoted_end(s, i), TOKEN_QUOTED;
	if (p[i] == '"' || p[i] == '`')
		return s->end = quoted_end(s, i), TOKEN_WORD;
	if (p[i] == '?')
		return TOKEN_PARAMETER;
	bool dollars = p[i] == '$' && s->dialect == SQL_POSTGRES;
	if (dollars && i + 1 < s->len && isdigit((unsigned char)p[i + 1])) {
		while (s->end < s->len && isdigit((unsigned char)p[s->end]))
			s->end++;
		return TOKEN_PARAMETER;
	}
	size_t dollar = dollars ? dollar_end(p, s->len, i) : 0;
	if (dollar)
		return s->end = dollar, TOKEN_TEXT;
	if (!is_word(p[i]))
		return TOKEN_SIGN;
	while (s->end < s->len && is_word(p[s->end]))
		s->end++;
	/* E'..', X'..', N'..' */
	if (s->end == i + 1 && s->end < s->len && p[s->end] == '\'')
		return s->end = quoted_end(s, s->end), TOKEN_TEXT;
	return isdigit((unsigned char)p[i]) ? TOKEN_NUMBER : TOKEN_WORD;
}

static bool token_is(const struct sql_words *s, const char *word)
{
	return s->end - s->at == strlen(word) && !strncasecmp(s->sql + s->at, word, s->end - s->at);
}

static bool is_any(const struct sql_words *s, const char *const *words)
{
	for (; *words; words++)
		if (token_is(s, *words))
			return true;
	return false;
}

static bool names_secret(const struct sql_words *s)
{
	static const struct names broad = { .broad = true };
	const char *p = s->sql + s->at, *name;
	size_t n = s->end - s->at;

	if (n > 2 && (*p == '"' || *p == '`')) {
		p++;
		n -= 2;
	}
	enum name_kind kind = n && n < NAME_MAX_BYTES ? names_judge(&broad, p, n, &name) : NAME_NO;
	return kind == NAME_STRONG || kind == NAME_PART;
}

/* Words that may stand between the name of a secret and its value. */
static const char *const between[] = { "is",	"not",	  "like", "ilike", "in",
				       "as",	"by",	  "for",  "to",	   "encrypted",
				       "using", "hashed", "any",  "with",  NULL };
/* Functions whose arguments are secrets. */
static const char *const functions[] = { "crypt",
					 "pgp_sym_encrypt",
					 "pgp_sym_decrypt",
					 "aes_encrypt",
					 "aes_decrypt",
					 "old_password",
					 "dblink_connect",
					 "des_encrypt",
					 "sha1",
					 "sha2",
					 "md5",
					 NULL };

static void take_word(struct sql_words *s)
{
	if (token_is(s, "identified"))
		s->identified = true;
	if (token_is(s, "insert") || token_is(s, "replace"))
		s->insert = INSERT;
	else if (s->insert == NAMED && (token_is(s, "values") || token_is(s, "value")))
		s->insert = VALUES;
	else if (s->insert == NAMES && s->column < COLUMNS && names_secret(s))
		s->columns |= 1ULL << s->column;
	s->function = is_any(s, functions);
	if (names_secret(s))
		s->announced = true;
	else if (!is_any(s, between))
		s->announced = false;
}

static void take_sign(struct sql_words *s)
{
	char c = s->sql[s->at];

	if (c == '(') {
		s->depth++;
		if (s->function && !s->call)
			s->call = s->depth;
		if (s->insert == INSERT)
			s->insert = NAMES;
		if (s->insert == NAMES || (s->insert == VALUES && s->depth == 1))
			s->column = 0;
	} else if (c == ')') {
		s->depth -= s->depth > 0;
		if (s->depth < s->call)
			s->call = 0;
		if (s->insert == NAMES && !s->depth)
			s->insert = NAMED;
		s->announced = false;
	} else if (c == ',') {
		s->column += s->depth == 1;
		s->announced = s->identified = false;
	} else if (c == ';') {
		s->announced = s->identified = false;
		s->insert = NOTHING;
		s->columns = s->depth = s->call = 0;
	}
}

static bool is_secret(const struct sql_words *s)
{
	return s->announced || s->identified || (s->call && s->depth >= s->call) ||
	       (s->insert == VALUES && s->depth && s->column < COLUMNS &&
		s->columns >> s->column & 1);
}

static void note_parameter(struct sql_words *s, uint64_t *secret)
{
	bool numbered = s->sql[s->at] == '$';
	unsigned n = numbered ? (unsigned)strtoul(s->sql + s->at + 1, NULL, 10) - 1 : s->parameter;

	s->parameter += !numbered;
	if (n < 64 && is_secret(s))
		*secret |= 1ULL << n;
}

void sql_put_masked(struct buf *out, struct text sql, enum sql_dialect dialect,
		    uint64_t *ret_secret, unsigned *ret_count)
{
	struct sql_words s = { .sql = sql.data, .len = sql.len, .dialect = dialect };
	size_t done = 0;

	*ret_secret = 0;
	for (enum token t; (t = next_token(&s)) != TOKEN_END;) {
		bool text = t == TOKEN_TEXT || t == TOKEN_QUOTED;
		bool hidden = (text || t == TOKEN_NUMBER) && is_secret(&s);
		if (t == TOKEN_WORD || (t == TOKEN_QUOTED && !hidden))
			take_word(&s);
		else if (t == TOKEN_SIGN)
			take_sign(&s);
		else if (t == TOKEN_PARAMETER)
			note_parameter(&s, ret_secret);
		if (!hidden)
			continue;
		buf_put(out, s.sql + done, s.at - done);
		buf_puts(out, text ? "'" SQL_MASK "'" : SQL_MASK);
		done = s.end;
	}
	buf_put(out, sql.data + done, sql.len - done);
	if (ret_count)
		*ret_count = s.parameter;
}

void sql_put_line(struct buf *out, struct text sql)
{
	bool blank = true;

	for (size_t i = 0; i < sql.len && out->len < LIMIT_SUMMARY; i++) {
		bool space = isspace((unsigned char)sql.data[i]);
		if (!space || !blank)
			buf_putc(out, space ? ' ' : sql.data[i]);
		blank = space;
	}
	while (out->len && out->data[out->len - 1] == ' ')
		out->len--;
}

static void free_statement(struct sql_statements *l, struct sql_statement *s)
{
	account_change(l->account, s->counted, 0);
	buf_free(&s->name);
	buf_free(&s->sql);
	buf_free(&s->columns);
	free(s);
}

static bool is_named(const struct sql_statement *s, struct text name)
{
	return s->name.len == name.len && (!name.len || !memcmp(s->name.data, name.data, name.len));
}

struct sql_statement *sql_statement_find(const struct sql_statements *l, struct text name)
{
	struct sql_statement *s = l->first;

	while (s && !is_named(s, name))
		s = s->next;
	return s;
}

void sql_statement_drop(struct sql_statements *l, struct text name)
{
	for (struct sql_statement **p = &l->first; *p; p = &(*p)->next) {
		struct sql_statement *s = *p;
		if (!is_named(s, name))
			continue;
		*p = s->next;
		l->count--;
		free_statement(l, s);
		return;
	}
}

static void drop_last(struct sql_statements *l)
{
	struct sql_statement **p = &l->first;

	while ((*p)->next)
		p = &(*p)->next;
	free_statement(l, *p);
	*p = NULL;
	l->count--;
}

static void count_statement(struct sql_statements *l, struct sql_statement *s)
{
	size_t n = sizeof(*s) + s->name.cap + s->sql.cap + s->columns.cap;

	account_change(l->account, s->counted, n);
	s->counted = n;
}

struct sql_statement *sql_statement_new(struct sql_statements *l, struct text name)
{
	struct sql_statement *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	sql_statement_drop(l, name);
	if (l->count == LIMIT_SQL_STATEMENTS)
		drop_last(l);
	buf_put(&s->name, name.data, name.len < LIMIT_SUMMARY ? name.len : LIMIT_SUMMARY);
	count_statement(l, s);
	s->next = l->first;
	l->first = s;
	l->count++;
	return s;
}

void sql_statement_set(struct sql_statements *l, struct sql_statement *s, struct text sql,
		       uint64_t secret)
{
	buf_put(&s->sql, sql.data, sql.len < LIMIT_SQL_KEPT ? sql.len : LIMIT_SQL_KEPT);
	s->secret = secret;
	count_statement(l, s);
}

void sql_statement_set_columns(struct sql_statements *l, struct sql_statement *s,
			       const struct buf *columns, uint32_t total)
{
	buf_reset(&s->columns);
	buf_put(&s->columns, columns->data, columns->len);
	s->total = total;
	count_statement(l, s);
}

void sql_statements_free(struct sql_statements *l)
{
	while (l->first) {
		struct sql_statement *s = l->first;
		l->first = s->next;
		free_statement(l, s);
	}
	l->count = 0;
}
