// SPDX-License-Identifier: GPL-2.0-or-later
#include "redact/scan_value.h"

#include <string.h>
#include <strings.h>

#define FORM_LOOKED_AT	1024 /* bytes in which a form is to show that it is one */
#define VALUE_LOOKED_AT 256  /* of a value that is masked only when it looks like a secret */

/* Bytes before the first of `set`. */
size_t scan_until(const char *text, size_t len, const char *set)
{
	uint64_t bits[4] = { 0 };
	size_t i = 0;

	for (; *set; set++)
		bits[(uint8_t)*set >> 6] |= 1ULL << (*set & 63);
	while (i < len && !(bits[(uint8_t)text[i] >> 6] & 1ULL << (text[i] & 63)))
		i++;
	return i;
}

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_letter(char c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static bool is_quote(char c)
{
	return c == '"' || c == '\'' || c == '`';
}

static size_t skip_blanks(const struct secret_scan *s, size_t i, bool lines)
{
	const char *t = s->m->text;

	while (i < s->m->len && is_blank(t[i]) && (lines || (t[i] != '\n' && t[i] != '\r')))
		i++;
	return i;
}

static bool word_is(const char *text, size_t len, const char *word)
{
	return len == strlen(word) && !strncasecmp(text, word, len);
}

static bool is_nothing(const char *text, size_t len)
{
	return !len || word_is(text, len, "null") || word_is(text, len, "none") ||
	       word_is(text, len, "undefined") || word_is(text, len, "nil");
}

/* A count, a truth: nothing that a name with a word of a secret somewhere in it would hide. */
bool scan_is_plain(const char *text, size_t len)
{
	size_t digits = 0;

	while (digits < len && (is_digit(text[digits]) || text[digits] == '.'))
		digits++;
	return digits == len || word_is(text, len, "true") || word_is(text, len, "false");
}

/* Is a value of that kind to be masked? */
bool scan_is_secret(const struct secret_scan *s, size_t start, size_t end, enum name_kind kind)
{
	const char *text = s->m->text + start;
	size_t len = end - start;

	if (kind == NAME_WEAK)
		return shape_is_random(text, len);
	return kind == NAME_STRONG ? len > 0 : !is_nothing(text, len) && !scan_is_plain(text, len);
}

/*
 * The end of a string whose opening quote is before i and has `depth` backslashes: the first quote
 * with as many. At depth 0 an escaped quote has an odd number of them.
 */
static size_t string_end(const struct secret_scan *s, size_t i, size_t depth, char quote)
{
	const char *t = s->m->text;
	size_t len = s->m->len;

	for (size_t q = i; q < len; q++) {
		const char *at = memchr(t + q, quote, len - q);
		if (!at)
			break;
		q = (size_t)(at - t);
		size_t n = 0;
		while (q - n > i && t[q - n - 1] == '\\')
			n++;
		if (depth ? n <= depth : n % 2 == 0)
			return q - (n < depth ? n : depth);
	}
	return len;
}

/* The end of an object or array that opens at i; strings inside may hold brackets. */
static size_t nested_end(const struct secret_scan *s, size_t i, size_t depth)
{
	size_t level = 0;

	for (; i < s->m->len; i++) {
		char c = s->m->text[i];
		if (c == '"')
			i = string_end(s, i + 1, depth, '"') + depth;
		else if (c == '{' || c == '[')
			level++;
		else if ((c == '}' || c == ']') && !--level)
			return i + 1;
	}
	return s->m->len;
}

static void mask_string(struct secret_scan *s, size_t start, size_t end)
{
	mask_value(s->m, start, end, s->o->kind, s->name);
}

/* The quote at i with its backslashes, if there is one: the place behind it, and its depth. */
static bool opens_string(const struct secret_scan *s, size_t i, size_t *ret_start,
			 size_t *ret_depth)
{
	const char *t = s->m->text;
	size_t start = i;

	while (start < s->m->len && t[start] == '\\')
		start++;
	if (start >= s->m->len || !is_quote(t[start]))
		return false;
	*ret_depth = start - i;
	*ret_start = start + 1;
	return true;
}

/* A string that begins at `start`; its end, or `start` when it is no secret. */
static size_t string_value(struct secret_scan *s, size_t start, size_t depth, enum name_kind kind,
			   size_t value)
{
	char quote = s->m->text[start - 1];

	if (kind == NAME_WEAK) {
		const char *t = s->m->text + start;
		size_t left = s->m->len - start;
		left = left < VALUE_LOOKED_AT ? left : VALUE_LOOKED_AT;
		size_t looked = scan_until(t, left, "\"'`\\ ");
		s->m->work += looked;
		if (!shape_is_random(t, looked))
			return value;
	}
	size_t end = string_end(s, start, depth, quote);
	if (end == start || (kind == NAME_PART && !scan_is_secret(s, start, end, kind)))
		return value;
	mask_string(s, start, end);
	return end;
}

/* ---- name=value ---- */

size_t scan_parameter_end(struct secret_scan *s, size_t value)
{
	const char *t = s->m->text + value;
	size_t len = s->m->len - value;

	/* "a=b=c": known from the first "=" on. */
	if (value <= s->parameter_end && value > s->parameter_start)
		return s->parameter_end;
	s->parameter_start = value;
	if (s->o->mode == SCAN_FORM) {
		const char *at = memchr(t, '&', len);
		return s->parameter_end = at ? value + (size_t)(at - t) : s->m->len;
	}
	return s->parameter_end = value + scan_until(t, len, s->in_query ? "&#" : "/?;&#");
}

static size_t parameter_value(struct secret_scan *s, size_t value, enum name_kind kind)
{
	size_t end = scan_parameter_end(s, value);
	bool key = kind == NAME_WEAK && s->o->mode != SCAN_FORM && s->in_query &&
		   !strcmp(s->name, "key");

	if (kind == NAME_WEAK && end - value > VALUE_LOOKED_AT)
		return value;
	if (end == value || (!key && !scan_is_secret(s, value, end, kind)))
		return value;
	mask_string(s, value, end);
	return end;
}

/* Without quotes in a text. In a string, "\/" and "\u0026" are part of the value. */
static size_t loose_end(const struct secret_scan *s, size_t i, bool parameter)
{
	const char *t = s->m->text;
	size_t len = s->m->len;

	for (;; i += 2) {
		i += scan_until(t + i, len - i,
				parameter ? " \t\r\n\v\f\"'<>&#\\" : " \t\r\n\v\f\"<>&\\");
		if (len - i < 2 || t[i] != '\\' || (t[i + 1] != '/' && t[i + 1] != 'u'))
			return i;
	}
}

/* The same where it may turn out to be none: an "=" ends it, so that no byte is looked at twice. */
static size_t weak_end(const struct secret_scan *s, size_t i)
{
	return i + scan_until(s->m->text + i, s->m->len - i, " \t\r\n\v\f\"'<>&#\\=;,");
}

static bool at_line_start(const struct secret_scan *s, const struct name_place *p)
{
	const char *t = s->m->text;
	size_t i = p->start, least = i > 64 ? i - 64 : 0;

	while (i > least && (t[i - 1] == ' ' || t[i - 1] == '\t' || t[i - 1] == '-'))
		i--;
	return !i || t[i - 1] == '\n' || t[i - 1] == '\r';
}

static size_t line_end(const struct secret_scan *s, size_t i)
{
	return i + scan_until(s->m->text + i, s->m->len - i, "\r\n");
}

static size_t equals_value(struct secret_scan *s, const struct name_place *p, size_t value,
			   enum name_kind kind)
{
	const char *t = s->m->text;
	bool parameter = p->before == '?' || p->before == '&' || p->before == '#';
	size_t start, depth;

	if (s->o->mode != SCAN_TEXT)
		return parameter_value(s, value, kind);
	size_t at = parameter ? value : skip_blanks(s, value, false);
	if (opens_string(s, at, &start, &depth)) {
		/* '...?token=' + x: the string that the name stands in ends here. */
		if (parameter || (!p->quoted && p->before == t[start - 1]))
			return value;
		return string_value(s, start, depth, kind, value);
	}
	if (s->o->code && !parameter)
		return value;
	bool line = !parameter && kind > NAME_WEAK && !p->quoted && at_line_start(s, p);
	size_t end = line		 ? line_end(s, at)
		     : kind == NAME_WEAK ? weak_end(s, at)
					 : loose_end(s, at, parameter);
	if (end == at || !scan_is_secret(s, at, end, kind))
		return value;
	mask_string(s, at, end);
	return end;
}

/* ---- name: value ---- */

/* Not a word of a sentence: digits, capitals inside, signs. */
static bool looks_secret(const char *text, size_t len)
{
	bool odd = false;

	for (size_t i = 0; i < len; i++)
		odd |= is_digit(text[i]) || (i && text[i] >= 'A' && text[i] <= 'Z') ||
		       (text[i] && strchr("!@#$%^&*+=~_", text[i]));
	return len >= 4 && odd;
}

/* GraphQL: "$password: String!" declares, "password: $password" hands on. */
static bool is_graphql(const struct secret_scan *s, const struct name_place *p, size_t at,
		       size_t end)
{
	const char *t = s->m->text;

	if (t[p->start] == '$')
		return (t[at] >= 'A' && t[at] <= 'Z') || t[at] == '[';
	if (t[at] != '$' || end - at > 40)
		return false;
	for (size_t i = at + 1; i < end; i++)
		if (!is_letter(t[i]) && t[i] != '_')
			return false;
	return true;
}

/* Indented lines below "password: |" (YAML). */
static size_t block_end(const struct secret_scan *s, size_t i)
{
	const char *t = s->m->text;

	while (i < s->m->len) {
		i = line_end(s, i);
		i += i + 1 < s->m->len && t[i] == '\r' && t[i + 1] == '\n';
		if (i + 1 >= s->m->len || (t[i + 1] != ' ' && t[i + 1] != '\t'))
			break;
		i++;
	}
	return i < s->m->len ? i : s->m->len;
}

static size_t loose_colon_value(struct secret_scan *s, const struct name_place *p, size_t value,
				enum name_kind kind)
{
	const char *t = s->m->text;
	size_t at = skip_blanks(s, value, false);

	if (s->o->code || at >= s->m->len)
		return value;
	if (kind > NAME_WEAK && at_line_start(s, p)) {
		size_t end = line_end(s, at);
		bool block = end - at <= 2 && (t[at] == '|' || t[at] == '>');
		if (block || (end == at && s->o->context == SCAN_VAULT))
			end = block_end(s, at = end);
		if (end == at || !scan_is_secret(s, at, end, kind))
			return value;
		mask_string(s, at, end);
		return end;
	}
	size_t bound = s->m->len - at < VALUE_LOOKED_AT ? s->m->len - at : VALUE_LOOKED_AT;
	size_t end = at + scan_until(t + at, bound, " \t\r\n\"'`,;)}]<>\\:=");
	s->m->work += end - at;
	if (end == at || is_graphql(s, p, at, end) || !looks_secret(t + at, end - at) ||
	    !scan_is_secret(s, at, end, kind))
		return value;
	end += scan_until(t + end, s->m->len - end, " \t\r\n\"'`,;)}]<>\\");
	mask_string(s, at, end);
	return end;
}

/* Not a string: what stands for it is one, with quotes as deep as those of its name. */
static void mask_literal(struct secret_scan *s, const struct name_place *p, size_t start,
			 size_t end)
{
	static const char quote[] = "\\\\\\\\\\\\\\\"";
	size_t q = p->depth < sizeof(quote) - 2 ? p->depth : sizeof(quote) - 2;

	mask_quoted(s->m, start, end, quote + sizeof(quote) - 2 - q, s->o->kind, s->name);
}

/* A number, a truth, an object or an array behind a quoted name. */
static size_t literal_value(struct secret_scan *s, const struct name_place *p, size_t at,
			    size_t value, enum name_kind kind)
{
	const char *t = s->m->text;
	bool nested = t[at] == '{' || t[at] == '[';
	size_t end;

	if (nested && (kind == NAME_STRONG || (kind == NAME_PART && t[at] == '['))) {
		end = nested_end(s, at, p->depth);
	} else if (nested || (s->o->code && is_letter(t[at]))) {
		return value;
	} else {
		end = at + scan_until(t + at, s->m->len - at, ",}] \t\r\n\\\"");
		if (kind != NAME_STRONG)
			s->m->work += end - at;
	}
	if (end <= at || is_nothing(t + at, end - at) ||
	    (kind != NAME_STRONG && !scan_is_secret(s, at, end, kind)))
		return value;
	mask_literal(s, p, at, end);
	return end;
}

/* Does a colon follow the value that ends at i, before its closing quote if it has one? */
static bool is_colon(const struct secret_scan *s, size_t i, size_t *ret_colon)
{
	const char *t = s->m->text;

	while (i < s->m->len && t[i] == '\\')
		i++;
	i += i < s->m->len && is_quote(t[i]);
	*ret_colon = skip_blanks(s, i, true);
	return *ret_colon < s->m->len && t[*ret_colon] == ':';
}

static size_t colon_value(struct secret_scan *s, const struct name_place *p, size_t value,
			  enum name_kind kind)
{
	const char *t = s->m->text;
	size_t at = skip_blanks(s, value, p->quoted), start, depth, len = s->m->len;

	/* b'...' and u'...' of Python */
	if (len - at > 1 && is_letter(t[at]) && is_quote(t[at + 1]))
		at++;
	if (opens_string(s, at, &start, &depth)) {
		/* "Your password:" ends a string rather than that it begins one. */
		if (!p->quoted &&
		    (start >= len || is_blank(t[start]) || strchr(",:;)}]<>", t[start])))
			return value;
		return string_value(s, start, depth, kind, value);
	}
	if (at >= len)
		return value;
	return p->quoted ? literal_value(s, p, at, value, kind)
			 : loose_colon_value(s, p, value, kind);
}

/* In a broken document the value that ends at `end` may be a name itself: go on. */
static size_t values_after(struct secret_scan *s, const struct name_place *p, size_t end)
{
	struct name_place next = {
		.start = p->start, .end = p->end, .quoted = true, .depth = p->depth
	};
	size_t colon;

	while (is_colon(s, end, &colon)) {
		size_t further = colon_value(s, &next, colon + 1, NAME_STRONG);
		if (further == colon + 1)
			break;
		end = further;
	}
	return end;
}

size_t scan_equals_value(struct secret_scan *s, const struct name_place *p, size_t value,
			 enum name_kind kind)
{
	size_t end = equals_value(s, p, value, kind);

	return end > value && s->o->mode == SCAN_TEXT ? values_after(s, p, end) : end;
}

size_t scan_colon_value(struct secret_scan *s, const struct name_place *p, size_t value,
			enum name_kind kind)
{
	size_t end = colon_value(s, p, value, kind);

	return end > value ? values_after(s, p, end) : end;
}
