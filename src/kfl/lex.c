// SPDX-License-Identifier: GPL-2.0-or-later
/* Text → tokens. */
#include "kfl/tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/hex.h"
#include "base/buf.h"
#include "base/utf8.h"

static bool is_name_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static char char_at(const struct query *q, size_t pos)
{
	return pos < q->len ? q->text[pos] : '\0';
}

/* Blanks and comments. "#" begins one too, as in the examples of Kubeshark's documentation. */
static size_t skip_blanks(const struct query *q, size_t pos)
{
	while (pos < q->len) {
		char c = q->text[pos];
		if (c == '#' || (c == '/' && char_at(q, pos + 1) == '/')) {
			const char *end = memchr(q->text + pos, '\n', q->len - pos);
			pos = end ? (size_t)(end - q->text) : q->len;
		} else if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
			pos++;
		} else {
			break;
		}
	}
	return pos;
}

static const struct {
	const char *word;
	enum token_kind kind;
} keywords[] = {
	{ "and", TOK_AND },   { "or", TOK_OR },	      { "not", TOK_NOT }, { "in", TOK_IN },
	{ "true", TOK_TRUE }, { "false", TOK_FALSE }, { "nil", TOK_NIL }, { "null", TOK_NIL },
};

static void lex_name(struct query *q, struct token *t)
{
	while (is_name_start(char_at(q, t->pos + t->len)) || is_digit(char_at(q, t->pos + t->len)))
		t->len++;
	t->kind = TOK_NAME;
	t->text = (struct text){ q->text + t->pos, t->len };
	for (size_t i = 0; i < sizeof(keywords) / sizeof(*keywords); i++)
		if (strlen(keywords[i].word) == t->len &&
		    !memcmp(keywords[i].word, t->text.data, t->len))
			t->kind = keywords[i].kind;
}

static size_t skip_digits(const struct query *q, size_t pos)
{
	while (is_digit(char_at(q, pos)))
		pos++;
	return pos;
}

/* The end of a number; "1..x" and "1.x" end before the dot. */
static size_t number_end(const struct query *q, size_t pos, bool *ret_real)
{
	size_t end = skip_digits(q, pos);

	*ret_real = false;
	if (char_at(q, end) == '.' && is_digit(char_at(q, end + 1))) {
		*ret_real = true;
		end = skip_digits(q, end + 1);
	}
	if (char_at(q, end) == 'e' || char_at(q, end) == 'E') {
		size_t sign = end + 1;
		if (char_at(q, sign) == '+' || char_at(q, sign) == '-')
			sign++;
		if (is_digit(char_at(q, sign))) {
			*ret_real = true;
			end = skip_digits(q, sign);
		}
	}
	return end;
}

static int lex_number(struct query *q, struct token *t)
{
	bool real, hex = char_at(q, t->pos) == '0' && char_at(q, t->pos + 1) == 'x';
	char copy[64];
	size_t end = hex ? t->pos + 2 : number_end(q, t->pos, &real);

	if (hex) {
		real = false;
		while (strchr("0123456789abcdefABCDEF", char_at(q, end)) && char_at(q, end))
			end++;
	}
	size_t word = end;
	while (is_name_start(char_at(q, word)) || is_digit(char_at(q, word)))
		word++;
	t->len = word - t->pos;
	if (word != end || t->len >= sizeof(copy) || (hex && t->len == 2))
		return query_fail(q, t->pos, t->len, "\"%s\" is not a number",
				  query_show(q->text + t->pos, t->len).text);
	memcpy(copy, q->text + t->pos, t->len);
	copy[t->len] = '\0';
	errno = 0;
	t->kind = TOK_INTEGER;
	t->integer = strtoll(copy, NULL, hex ? 16 : 10);
	if (real || errno) {
		t->kind = TOK_REAL;
		t->real = strtod(copy, NULL);
	}
	return 0;
}

static size_t put_utf8(char *out, unsigned c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	size_t n = c < 0x10000 ? 3 : 4;
	out[0] = (char)(n == 3 ? 0xe0 | c >> 12 : 0xf0 | c >> 18);
	for (size_t i = 1; i < n; i++)
		out[i] = (char)(0x80 | (c >> 6 * (n - 1 - i) & 0x3f));
	return n;
}

/* \xHH, \uHHHH, \UHHHHHHHH: a code point. Returns the bytes used after the backslash, 0 if bad. */
static size_t hex_escape(const struct query *q, size_t pos, unsigned *ret)
{
	char c = char_at(q, pos);
	size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : 8;
	unsigned v = 0;

	for (size_t i = 1; i <= digits; i++) {
		int h = hex_digit((unsigned char)char_at(q, pos + i));
		if (h < 0)
			return 0;
		v = v << 4 | (unsigned)h;
	}
	if (v > 0x10ffff || (v >= 0xd800 && v < 0xe000))
		return 0;
	*ret = v;
	return digits + 1;
}

/* The escape whose backslash is at pos; writes what it means, returns its length, 0 if unknown. */
static size_t lex_escape(const struct query *q, size_t pos, char *out, size_t *len)
{
	static const char from[] = "\"'\\/`?abfnrtv", to[] = "\"'\\/`?\a\b\f\n\r\t\v";
	char c = char_at(q, pos + 1);
	const char *known = c ? strchr(from, c) : NULL;
	unsigned v;

	if (known) {
		out[(*len)++] = to[known - from];
		return 2;
	}
	if (c != 'x' && c != 'u' && c != 'U')
		return 0;
	size_t n = hex_escape(q, pos + 1, &v);
	if (n)
		*len += put_utf8(out + *len, v);
	return n ? n + 1 : 0;
}

/* In r"..." a backslash stays, and only keeps a quote after it from ending the pattern. */
static int lex_quoted(struct query *q, struct token *t, bool raw)
{
	size_t pos = t->pos + (raw ? 2 : 1), len = 0;
	char quote = q->text[pos - 1];
	char *out = query_alloc(q, q->len - pos + 1);

	if (!out)
		return -ENOMEM;
	for (;;) {
		if (pos >= q->len)
			return query_fail(q, t->pos, q->len - t->pos, "this %s has no closing %c",
					  raw ? "regular expression" : "text", quote);
		char c = q->text[pos];
		if (c == quote)
			break;
		if (c != '\\') {
			out[len++] = c;
			pos++;
			continue;
		}
		if (raw) {
			out[len++] = c;
			if (++pos < q->len)
				out[len++] = q->text[pos++];
			continue;
		}
		size_t n = lex_escape(q, pos, out, &len);
		if (!n)
			return query_fail(q, pos, 2,
					  "unknown escape \"%s\"; a backslash is \\\\, "
					  "and r\"...\" takes a regular expression as it is",
					  query_show(q->text + pos, q->len - pos < 2 ? 1 : 2).text);
		pos += n;
	}
	t->kind = raw ? TOK_REGEX : TOK_STRING;
	t->len = pos + 1 - t->pos;
	t->text = (struct text){ out, len };
	return 0;
}

static const struct {
	char text[3];
	enum token_kind kind;
} marks[] = {
	{ "==", TOK_EQ },    { "!=", TOK_NE },	    { "<=", TOK_LE },	   { ">=", TOK_GE },
	{ "&&", TOK_AND },   { "||", TOK_OR },	    { "..", TOK_DOTDOT },  { "<", TOK_LT },
	{ ">", TOK_GT },     { "!", TOK_NOT },	    { "+", TOK_PLUS },	   { "-", TOK_MINUS },
	{ "*", TOK_STAR },   { "/", TOK_SLASH },    { "%", TOK_PERCENT },  { "(", TOK_LPAREN },
	{ ")", TOK_RPAREN }, { "[", TOK_LBRACKET }, { "]", TOK_RBRACKET }, { ",", TOK_COMMA },
	{ ".", TOK_DOT },    { "?", TOK_QUESTION }, { ":", TOK_COLON },
};

static int fail_mark(struct query *q, struct token *t)
{
	size_t n = utf8_length((const unsigned char *)q->text + t->pos, q->len - t->pos);
	const char *hint = "";

	switch (q->text[t->pos]) {
	case '=':
		hint = "; did you mean \"==\"?";
		break;
	case '&':
		hint = "; did you mean \"&&\"?";
		break;
	case '|':
		hint = "; did you mean \"||\"?";
		break;
	default:
		break;
	}
	n = n ? n : 1;
	return query_fail(q, t->pos, n, "unexpected \"%s\"%s", query_show(q->text + t->pos, n).text,
			  hint);
}

static int lex_mark(struct query *q, struct token *t)
{
	for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++) {
		size_t n = strlen(marks[i].text);
		if (n > q->len - t->pos || memcmp(marks[i].text, q->text + t->pos, n))
			continue;
		t->kind = marks[i].kind;
		t->len = n;
		return 0;
	}
	return fail_mark(q, t);
}

int lex_next(struct query *q, size_t *pos, struct token *ret)
{
	struct token t = { .kind = TOK_END, .pos = skip_blanks(q, *pos) };
	char c = char_at(q, t.pos), next = char_at(q, t.pos + 1);
	int r = 0;

	if (t.pos >= q->len)
		t.len = 0;
	else if (c == 'r' && (next == '"' || next == '\''))
		r = lex_quoted(q, &t, true);
	else if (c == '"' || c == '\'')
		r = lex_quoted(q, &t, false);
	else if (is_name_start(c))
		lex_name(q, &t);
	else if (is_digit(c))
		r = lex_number(q, &t);
	else
		r = lex_mark(q, &t);
	if (r)
		return r;
	*pos = t.pos + t.len;
	*ret = t;
	return 0;
}

int lex_put_normal(struct query *q, struct buf *out)
{
	struct token t = { 0 };
	size_t pos = 0;

	for (;;) {
		int r = lex_next(q, &pos, &t);
		if (r || t.kind == TOK_END)
			return r;
		r = out->len ? buf_putc(out, ' ') : 0;
		if (t.kind == TOK_AND)
			r = r ? r : buf_puts(out, "and");
		else if (t.kind == TOK_OR)
			r = r ? r : buf_puts(out, "or");
		else if (t.kind == TOK_NOT)
			r = r ? r : buf_puts(out, "not");
		else
			r = r ? r : buf_put(out, q->text + t.pos, t.len);
		if (r)
			return r;
	}
}
