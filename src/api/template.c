// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/template.h"

#include <ctype.h>
#include <string.h>

#include "base/buf.h"

#define UUID_LENGTH  36
#define HASH_LENGTH  8	/* hexadecimal digits, one of them 0 to 9 */
#define TOKEN_LENGTH 20 /* letters and digits */

static size_t count_of(const char *text, size_t len, int (*is)(int))
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		n += is((unsigned char)text[i]) != 0;
	return n;
}

static int is_hex_or_dash(int c)
{
	return isxdigit(c) || c == '-';
}

/* Digits and what stands between them in dates, versions of files and coordinates. */
static int is_of_number(int c)
{
	return isdigit(c) || strchr("-:.,+_TZ", c);
}

static int is_of_token(int c)
{
	return isalnum(c) || strchr("-_=.~%*", c);
}

/* Does this segment name one thing of many? */
static bool varies(const char *text, size_t len)
{
	size_t digits = count_of(text, len, isdigit);

	if (!digits)
		return false;
	if (digits == len)
		return true;
	if (len == UUID_LENGTH && count_of(text, len, is_hex_or_dash) == len)
		return true;
	if (len >= HASH_LENGTH && count_of(text, len, isxdigit) == len)
		return true;
	if (isdigit((unsigned char)*text) && count_of(text, len, is_of_number) == len)
		return true;
	return len >= TOKEN_LENGTH && digits > 1 && count_of(text, len, is_of_token) == len;
}

/* Where the ending of a file begins, len where there is none. */
static size_t stem(const char *text, size_t len)
{
	for (size_t n = len; n-- > 1 && len - n <= 6;)
		if (text[n] == '.')
			return isalpha((unsigned char)text[n + 1]) ? n : len;
	return len;
}

int template_path(const char *path, struct buf *ret)
{
	size_t end = strcspn(path, "?#");
	int r = 0;

	for (size_t at = 0; !r && at < end;) {
		size_t n = strcspn(path + at, "/?#"), base = stem(path + at, n);
		if (varies(path + at, base)) {
			r = buf_puts(ret, TEMPLATE_ID);
			r = r ? r : buf_put(ret, path + at + base, n - base);
		} else {
			r = buf_put(ret, path + at, n);
		}
		at += n;
		if (!r && path[at] == '/')
			r = buf_putc(ret, path[at++]);
	}
	return r;
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_' || c == '$';
}

/* Behind a quoted text, in which the quote stands doubled or behind a backslash. */
static const char *skip_quoted(const char *p)
{
	char quote = *p++;

	for (; *p; p++) {
		if (*p == '\\' && p[1])
			p++;
		else if (*p == quote && p[1] == quote)
			p++;
		else if (*p == quote)
			return p + 1;
	}
	return p;
}

/* One ? for a value; none behind "?, " which stands for a list already. */
static int put_value(struct buf *ret, size_t from)
{
	size_t n = ret->len - from;
	const char *end = n ? ret->data + ret->len : NULL;

	if (n >= 3 && !memcmp(end - 3, "?, ", 3))
		ret->len -= 2;
	else if (n >= 2 && !memcmp(end - 2, "?,", 2))
		ret->len -= 1;
	else
		return buf_putc(ret, '?');
	return 0;
}

int template_sql(const char *sql, struct buf *ret)
{
	size_t from = ret->len;
	int r = 0;

	for (const char *p = sql; !r && *p;) {
		bool begins = p == sql || !is_word(p[-1]);
		if (*p == '\'' || (*p == '"' && p[1] == '*')) {
			p = skip_quoted(p);
			r = put_value(ret, from);
		} else if (begins && (isdigit((unsigned char)*p) ||
				      (*p == '$' && isdigit((unsigned char)p[1])))) {
			while (is_word(*p) || (*p == '.' && isdigit((unsigned char)p[1])))
				p++;
			r = put_value(ret, from);
		} else if (*p == '?') {
			p++;
			r = put_value(ret, from);
		} else {
			r = buf_putc(ret, *p++);
		}
	}
	return r;
}

static int put_literal(struct buf *ret, char c)
{
	int r = strchr("\\^$.|?*+()[]{}", c) ? buf_putc(ret, '\\') : 0;

	return r ? r : buf_putc(ret, c);
}

static bool skip(const char **p, const char *text)
{
	size_t n = strlen(text);

	if (strncmp(*p, text, n) != 0)
		return false;
	*p += n;
	return true;
}

int template_pattern(const char *template, bool is_path, struct buf *ret)
{
	const char *p = template;
	int r = buf_putc(ret, '^');

	while (!r && *p) {
		if (is_path && skip(&p, TEMPLATE_ID))
			r = buf_puts(ret, "[^/?#]*[0-9][^/?#]*");
		else if (is_path && skip(&p, TEMPLATE_MANY))
			r = buf_puts(ret, "[^/?#]+");
		else if (!is_path && skip(&p, "?"))
			r = buf_puts(ret, ".+");
		else
			r = put_literal(ret, *p++);
	}
	return r ? r : buf_putc(ret, '$');
}
