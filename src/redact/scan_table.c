// SPDX-License-Identifier: GPL-2.0-or-later
/* CSV (RFC 4180) and its kin: the first line names the columns, and some of them are secrets. */
#include <string.h>

#include "redact/scan_value.h"

#define HEAD_MAX 2048 /* bytes of the first line */

static size_t line_length(const char *text, size_t len)
{
	const char *end = memchr(text, '\n', len);
	size_t n = end ? (size_t)(end - text) : len;

	return n && text[n - 1] == '\r' ? n - 1 : n;
}

/* Names have letters, digits and a few signs, maybe between quotes. */
static bool is_name(const char *text, size_t len)
{
	size_t signs = 0;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
		if (!letter && !(c >= '0' && c <= '9') && !strchr("_-. #/()", c))
			return false;
		signs += !letter;
	}
	return len && signs < len;
}

uint64_t scan_table_columns(const struct names *names, const char *text, size_t len, char *ret_sign)
{
	size_t head = line_length(text, len < HEAD_MAX ? len : HEAD_MAX), column = 0;
	uint64_t secret = 0;

	if (head + 2 >= len || (text[head] != '\n' && text[head] != '\r'))
		return 0;
	size_t first = scan_until(text, head, "\t,;|");
	if (first == head)
		return 0;
	for (size_t i = 0; i <= head && column < 64; column++) {
		size_t end = i;
		while (end < head && text[end] != text[first])
			end++;
		bool quoted = end - i >= 2 && text[i] == '"' && text[end - 1] == '"';
		const char *name = text + i + quoted, *known;
		size_t n = end - i - 2 * (size_t)quoted;
		if (n && !is_name(name, n))
			return 0;
		if (n && names_judge(names, name, n, &known) == NAME_STRONG)
			secret |= 1ULL << column;
		i = end + 1;
	}
	*ret_sign = text[first];
	return secret;
}

/* The end of the cell at i; a quote within quotes is doubled. */
static size_t cell_end(const struct secret_scan *s, size_t i, char sign)
{
	const char *t = s->m->text;
	size_t len = s->m->len;

	if (i < len && t[i] == '"') {
		for (i++; i < len && (t[i] != '"' || (i + 1 < len && t[i + 1] == '"')); i++)
			i += t[i] == '"';
		i += i < len;
	}
	while (i < len && t[i] != sign && t[i] != '\n')
		i++;
	return i;
}

size_t scan_table(struct secret_scan *s, uint64_t secret, char sign)
{
	const char *t = s->m->text;
	size_t len = s->m->len, head = line_length(t, len), column = 0, done = head;

	s->m->work += len;
	for (size_t i = head + 1 + (t[head] == '\r'); i < len;) {
		size_t end = cell_end(s, i, sign);
		bool quoted = end - i >= 2 && t[i] == '"';
		size_t start = i + quoted, stop = end;
		while (stop > start && (t[stop - 1] == '\r' || (quoted && t[stop - 1] == '"')))
			stop--;
		if (column < 64 && secret >> column & 1 && stop > start) {
			done = scan_range(s, done, start);
			if (done < start || s->m->error)
				return done;
			mask_value(s->m, start, stop, s->o->kind, "a column");
			done = done > stop ? done : stop;
		}
		column = end < len && t[end] == sign ? column + 1 : 0;
		i = end + 1;
	}
	return done;
}
