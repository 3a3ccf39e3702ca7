// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where the values are. These work on what a peer sent, whole or cut off or with bytes missing, so
 * none of them requires a valid document: in doubt they mask too much rather than too little.
 */
#include <string.h>

#include "base/percent.h"
#include "redact/mask.h"

/* Bytes before the first of `set`. */
static size_t span_until(const char *text, size_t len, const char *set)
{
	uint64_t bits[4] = { 0 };
	size_t i = 0;

	for (; *set; set++)
		bits[(uint8_t)*set >> 6] |= 1ULL << (*set & 63);
	while (i < len && !(bits[(uint8_t)text[i] >> 6] & 1ULL << (text[i] & 63)))
		i++;
	return i;
}

static size_t find_byte(const struct masker *m, size_t from, char c)
{
	const char *at = from < m->len ? memchr(m->text + from, c, m->len - from) : NULL;

	return at ? (size_t)(at - m->text) : m->len;
}

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static size_t skip_blanks(const struct masker *m, size_t i)
{
	while (i < m->len && is_blank(m->text[i]))
		i++;
	return i;
}

/* The name may be percent-encoded; "a[password]" and "user.password" are known by their last part.
 */
static const char *find_parameter(const struct names *n, const char *text, size_t len)
{
	char decoded[3 * MASK_NAME_MAX];

	if (len > sizeof(decoded))
		return NULL;
	if (memchr(text, '%', len) || memchr(text, '+', len)) {
		len = percent_decode(decoded, text, len);
		text = decoded;
	}
	while (len && (text[len - 1] == ']' || text[len - 1] == '['))
		len--;
	size_t part = len;
	while (part && text[part - 1] != '[' && text[part - 1] != '.')
		part--;
	return names_find(n, text + part, len - part);
}

/* One name=value between start and end; true when it was masked. */
static bool mask_parameter(struct masker *m, const struct names *n, size_t start, size_t end,
			   const char *kind)
{
	const char *equals = memchr(m->text + start, '=', end - start);

	if (!equals)
		return false;
	size_t value = (size_t)(equals - m->text) + 1;
	const char *name =
		value < end ? find_parameter(n, m->text + start, value - 1 - start) : NULL;
	if (name)
		mask_value(m, value, end, kind, name);
	return name != NULL;
}

void mask_form(struct masker *m, const struct names *n, const char *kind)
{
	for (size_t i = 0, end; i < m->len; i = end + 1) {
		end = find_byte(m, i, '&');
		mask_parameter(m, n, i, end, kind);
	}
}

/* "scheme://user:password@host": i is after "://"; where to go on. */
static size_t mask_userinfo(struct masker *m, size_t i)
{
	size_t end = i + span_until(m->text + i, m->len - i, "/?# \t\"'<>\\");
	const char *at = memrchr(m->text + i, '@', end - i);
	const char *colon = at ? memchr(m->text + i, ':', (size_t)(at - m->text) - i) : NULL;

	if (!colon)
		return i;
	/* What looks like a parameter before the colon may be one. */
	const char *equals = memchr(m->text + i, '=', (size_t)(colon - m->text) - i);
	const char *start = (equals ? equals : colon) + 1;
	if (start < at)
		mask_value(m, (size_t)(start - m->text), (size_t)(at - m->text), "url", "password");
	return (size_t)(at - m->text);
}

void mask_url(struct masker *m, const struct names *n)
{
	size_t i = 0;

	if (!memchr(m->text, '=', m->len) && !memchr(m->text, '@', m->len))
		return;
	for (;;) {
		i += span_until(m->text + i, m->len - i, "?&;#:");
		if (i >= m->len)
			return;
		if (m->text[i++] != ':') {
			size_t end = i + span_until(m->text + i, m->len - i, "?&;# \t\"'<>,\\");
			if (mask_parameter(m, n, i, end, "query"))
				i = end;
		} else if (m->len - i >= 2 && m->text[i] == '/' && m->text[i + 1] == '/') {
			i = mask_userinfo(m, i + 2);
		}
	}
}

/* Backslashes before position i, but not before `from`. */
static size_t backslashes(const struct masker *m, size_t from, size_t i)
{
	size_t n = 0;

	while (i > from && m->text[i - 1] == '\\')
		i--, n++;
	return n;
}

/*
 * The end of a string whose opening quote is before i and has `depth` backslashes: the first quote
 * with as many. At depth 0 an escaped quote has an odd number of them.
 */
static size_t string_end(const struct masker *m, size_t i, size_t depth)
{
	for (size_t q = find_byte(m, i, '"'); q < m->len; q = find_byte(m, q + 1, '"')) {
		size_t n = backslashes(m, i, q);
		if (depth ? n <= depth : n % 2 == 0)
			return q - (n < depth ? n : depth);
	}
	return m->len;
}

/* The end of an object or array that opens at i; strings inside may hold brackets. */
static size_t nested_end(const struct masker *m, size_t i, size_t depth)
{
	size_t level = 0;

	for (; i < m->len; i++) {
		char c = m->text[i];
		if (c == '"')
			i = string_end(m, i + 1, depth) + depth;
		else if (c == '{' || c == '[')
			level++;
		else if ((c == '}' || c == ']') && !--level)
			return i + 1;
	}
	return m->len;
}

static size_t literal_end(const struct masker *m, size_t i)
{
	return i + span_until(m->text + i, m->len - i, ",}] \t\r\n\\\"");
}

/* Mask the value that begins at i; where it ends. */
static size_t mask_json_value(struct masker *m, size_t i, size_t depth, const char *name)
{
	static const char quote[] = "\\\\\\\\\\\\\\\"";
	size_t slashes = i;

	while (slashes < m->len && m->text[slashes] == '\\')
		slashes++;
	if (slashes < m->len && m->text[slashes] == '"') {
		size_t end = string_end(m, slashes + 1, slashes - i);
		if (end > slashes + 1)
			mask_value(m, slashes + 1, end, "body", name);
		return end;
	}
	if (i >= m->len)
		return i;
	bool nested = m->text[i] == '{' || m->text[i] == '[';
	size_t end = nested ? nested_end(m, i, depth) : literal_end(m, i);
	if (end <= i || (end - i == 4 && !memcmp(m->text + i, "null", 4)))
		return end;
	/* Not a string: what stands for it is one, with quotes as deep as those of its name. */
	char by[2 * sizeof(quote) + sizeof(MASK)];
	size_t q = depth < sizeof(quote) - 2 ? depth : sizeof(quote) - 2;
	size_t len = 0;
	memcpy(by, quote + sizeof(quote) - 2 - q, q + 1);
	len += q + 1;
	memcpy(by + len, MASK, strlen(MASK));
	len += strlen(MASK);
	memcpy(by + len, quote + sizeof(quote) - 2 - q, q + 1);
	mask_replace(m, i, end, by, len + q + 1);
	mask_hit(m, "body", name);
	return end;
}

/* Does a colon follow the value that ends at i, before its closing quote if it has one? */
static bool is_colon(const struct masker *m, size_t i, size_t *ret_colon)
{
	while (i < m->len && m->text[i] == '\\')
		i++;
	i += i < m->len && m->text[i] == '"';
	*ret_colon = skip_blanks(m, i);
	return *ret_colon < m->len && m->text[*ret_colon] == ':';
}

static int hex4(const char *p)
{
	int v = 0;

	for (int i = 0; i < 4; i++) {
		char c = p[i] >= '0' && p[i] <= '9' ? p[i] - '0' : (p[i] | 0x20) - 'a' + 10;
		if (c < 0 || c > 15)
			return -1;
		v = v << 4 | c;
	}
	return v;
}

/* A member name may be written with \u0070 for p. */
static const char *find_member(const struct names *n, const char *text, size_t len)
{
	char plain[2 * MASK_NAME_MAX];
	size_t out = 0;

	if (!memchr(text, '\\', len))
		return names_find(n, text, len);
	for (size_t i = 0; i < len && out < sizeof(plain); i++) {
		int c = text[i] == '\\' && len - i > 5 && text[i + 1] == 'u' ? hex4(text + i + 2)
									     : -1;
		plain[out++] = c < 0 || c > 0x7e ? text[i] : (char)c;
		i += c < 0 ? 0 : 5;
	}
	return names_find(n, plain, out);
}

/* The quoted text that ends before the colon, blanks between allowed: the places of its quotes. */
static bool find_quoted(const struct masker *m, size_t from, size_t colon, size_t *ret_open,
			size_t *ret_close)
{
	size_t end = colon;

	while (end > from && is_blank(m->text[end - 1]))
		end--;
	if (end < from + 2 || m->text[end - 1] != '"')
		return false;
	size_t close = end - 1;
	size_t least = close - from > 6 * MASK_NAME_MAX ? close - 6 * MASK_NAME_MAX : from;
	const char *open = memrchr(m->text + least, '"', close - least);
	if (!open)
		return false;
	*ret_open = (size_t)(open - m->text);
	*ret_close = close;
	return true;
}

/*
 * What matters is a known name between quotes with a colon after it, wherever it stands. So it
 * makes no difference whether a document is whole, or where in it bytes are missing.
 */
void mask_json(struct masker *m, const struct names *n)
{
	size_t from = 0, open, close;

	for (size_t colon = n->count ? find_byte(m, 0, ':') : m->len; colon < m->len;) {
		const char *name = NULL;
		size_t depth = 0, next = colon + 1;
		if (find_quoted(m, from, colon, &open, &close)) {
			depth = backslashes(m, open + 1, close);
			name = find_member(n, m->text + open + 1, close - open - 1 - depth);
		}
		if (name) {
			/* In a broken document the value may look like a name itself: go on. */
			do
				from = mask_json_value(m, skip_blanks(m, colon + 1), depth, name);
			while (is_colon(m, from, &colon));
			next = from;
		}
		colon = find_byte(m, next, ':');
	}
}

/* The line of a part's head that names it; a name ends at its quote. */
static const char *part_name(const struct masker *m, size_t head, size_t end, const struct names *n)
{
	const char *at = memmem(m->text + head, end - head, "name=", 5);

	while (at && at > m->text + head && at[-1] != ' ' && at[-1] != ';' && at[-1] != '\t')
		at = memmem(at + 1, (size_t)(m->text + end - at) - 1, "name=", 5);
	if (!at)
		return NULL;
	size_t i = (size_t)(at - m->text) + 5;
	i += i < end && m->text[i] == '"';
	size_t len = span_until(m->text + i, end - i, "\";\r\n");
	return find_parameter(n, m->text + i, len);
}

static size_t find_text(const struct masker *m, size_t from, const char *what, size_t len)
{
	const char *at = from < m->len ? memmem(m->text + from, m->len - from, what, len) : NULL;

	return at ? (size_t)(at - m->text) : m->len;
}

void mask_multipart(struct masker *m, const struct names *n)
{
	size_t part = find_text(m, 0, "--", 2);
	size_t line = part + span_until(m->text + part, m->len - part, "\r\n");
	const char *boundary = m->text + part;
	size_t boundary_len = line - part;

	if (boundary_len < 3 || boundary_len > 256)
		return;
	while (part < m->len) {
		size_t crlf = find_text(m, part, "\r\n\r\n", 4), lf = find_text(m, part, "\n\n", 2);
		size_t head = crlf < lf ? crlf : lf;
		size_t content = head + (crlf < lf ? 4 : 2);
		part = find_text(m, head, boundary, boundary_len);
		const char *name = head < m->len ? part_name(m, line, head, n) : NULL;
		line = part + boundary_len;
		size_t end = part;
		if (part < m->len && end > content && m->text[end - 1] == '\n')
			end -= end - content > 1 && m->text[end - 2] == '\r' ? 2 : 1;
		if (name && content < end)
			mask_value(m, content, end, "body", name);
	}
}

/* <ns:name attributes>value</ns:name> */
void mask_xml(struct masker *m, const struct names *n)
{
	size_t i = n->count ? find_byte(m, 0, '<') : m->len;

	for (; i < m->len; i = find_byte(m, i, '<')) {
		size_t name = ++i;
		size_t end = i + span_until(m->text + i, m->len - i, " \t\r\n/>");
		const char *colon = memchr(m->text + i, ':', end - i);
		if (colon)
			name = (size_t)(colon - m->text) + 1;
		const char *found = names_find(n, m->text + name, end - name);
		size_t value = found ? find_byte(m, end, '>') + 1 : m->len;
		if (value >= m->len || m->text[value - 2] == '/')
			continue;
		size_t close = find_text(m, value, "</", 2);
		if (close > value)
			mask_value(m, value, close, "body", found);
		i = close;
	}
}
