// SPDX-License-Identifier: GPL-2.0-or-later
/* Secrets by the place where they stand: in a URL before its host, between the tags of XML. */
#include <string.h>
#include <strings.h>

#include "redact/scan_value.h"

#define FORM_LOOKED_AT	  1024	/* bytes in which a form is to show that it is one */
#define CONTEXT_LOOKED_AT 16384 /* bytes that tell what kind of document it is */
#define ELEMENT_REACH	  256	/* bytes from </key> to the value that it names */

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

/*
 * The password up to `end`; the user before it, or parameters of a URL that is none, may be secrets
 * as well.
 */
static size_t mask_password(struct secret_scan *s, size_t i, size_t start, size_t end)
{
	size_t scanned = scan_range(s, i, start);

	if (scanned < end && start < end)
		mask_value(s->m, start, end, "url", "password");
	return scanned > end ? scanned : end;
}

/* Cut off, at `end`, before its "@": what is no port is a password. */
static size_t cut_userinfo(struct secret_scan *s, size_t i, size_t end)
{
	const char *t = s->m->text;
	const char *colon = memchr(t + i, ':', end - i);
	size_t start = colon ? (size_t)(colon - t) + 1 : end;
	size_t digits = start;

	while (digits < end && is_digit(t[digits]))
		digits++;
	return digits == end || t[i] == '[' ? i : mask_password(s, i, start, end);
}

size_t scan_userinfo(struct secret_scan *s, size_t i)
{
	const char *t = s->m->text;
	size_t end = i + scan_until(t + i, s->m->len - i, "/?# \t\r\n\"'<>\\");
	const char *at = memrchr(t + i, '@', end - i);
	const char *colon = at ? memchr(t + i, ':', (size_t)(at - t) - i) : NULL;

	s->m->work += 2 * (end - i);
	if (!at && s->next_gap > i && s->next_gap <= end)
		return cut_userinfo(s, i, s->next_gap);
	if (!at)
		return end == s->m->len && end > i ? cut_userinfo(s, i, end) : i;
	/* A token instead of user and password. */
	if (!colon && !shape_is_random(t + i, (size_t)(at - t) - i))
		return i;
	return mask_password(s, i, colon ? (size_t)(colon - t) + 1 : i, (size_t)(at - t));
}

/* The next "</" from i on; what was found before is not looked for again. */
static size_t next_close(struct secret_scan *s, size_t i)
{
	if (!s->next_close || s->next_close < i) {
		const char *at = memmem(s->m->text + i, s->m->len - i, "</", 2);
		s->next_close = at ? (size_t)(at - s->m->text) : s->m->len;
	}
	return s->next_close;
}

static size_t labelled_element(struct secret_scan *s, size_t i)
{
	const char *t = s->m->text;
	size_t start = i + 1;

	while (start < s->m->len && is_blank(t[start]))
		start++;
	if (start - s->label_at > ELEMENT_REACH) {
		s->element_labelled = false;
		return i + 1;
	}
	size_t end = start + scan_until(t + start, s->m->len - start, "<");
	if (end == start)
		return i + 1;
	s->element_labelled = false;
	s->label = NAME_NO;
	mask_value(s->m, start, end, s->o->kind, s->label_name);
	return end;
}

size_t scan_element(struct secret_scan *s, size_t i)
{
	const char *t = s->m->text;
	enum name_kind kind = s->element;
	size_t start = i + 1;

	s->m->work += WORK_WORD / 2;
	s->element = NAME_NO;
	if (s->element_labelled)
		return labelled_element(s, i);
	if (kind == NAME_NO || start >= s->m->len || (i && t[i - 1] == '/'))
		return start;
	size_t end = next_close(s, start);
	if ((end == s->m->len && !s->o->markup) || s->o->code)
		return start;
	if (end == start || (kind == NAME_PART && !scan_is_secret(s, start, end, kind)))
		return start;
	mask_value(s->m, start, end, s->o->kind, s->element_name);
	return end;
}

void scan_label_element(struct secret_scan *s, size_t i)
{
	const char *t = s->m->text;
	size_t start = i, least = i > NAME_MAX_BYTES ? i - NAME_MAX_BYTES : 0;
	size_t left = s->m->len - i;

	if (s->o->code || left < 6 ||
	    (strncasecmp(t + i, "</key", 5) != 0 && strncasecmp(t + i, "</name", 6) != 0))
		return;
	while (start > least && t[start - 1] != '>')
		start--;
	enum name_kind kind = names_judge(s->o->names, t + start, i - start, &s->label_name);
	if (kind < NAME_PART)
		return;
	s->label = kind;
	s->label_at = i + 2;
	s->element_labelled = true;
	/* The ">" of this very tag is no element's. */
}

void scan_put_encoded(struct masker *m, size_t start, size_t end, const struct buf *text)
{
	static const char digits[] = "0123456789ABCDEF";
	struct buf out = { 0 };
	int error = buf_reserve(&out, 3 * text->len);

	for (size_t i = 0; i < text->len && !error; i++) {
		unsigned char c = (unsigned char)text->data[i];
		bool plain = c >= 0x80 || is_digit((char)c) || is_letter((char)c) ||
			     (c && strchr("-._~", c));
		if (plain)
			out.data[out.len++] = (char)c;
		else
			buf_put(&out, (char[]){ '%', digits[c >> 4], digits[c & 15] }, 3);
	}
	m->error = m->error ? m->error : error;
	if (!error)
		mask_replace(m, start, end, out.data, out.len);
	buf_free(&out);
}

enum scan_context scan_context_of(const char *text, size_t len)
{
	size_t look = len < CONTEXT_LOOKED_AT ? len : CONTEXT_LOOKED_AT;

	if (memmem(text, look, "\"kty\"", 5))
		return SCAN_JWK;
	if (memmem(text, look, "\"Secret\"", 8) || memmem(text, look, "\"SecretList\"", 12) ||
	    memmem(text, look, "kind: Secret", 12))
		return SCAN_VAULT;
	return SCAN_ANYTHING;
}

bool scan_context_names(enum scan_context context, const char *name, size_t len)
{
	static const char *const names[][8] = {
		[SCAN_ANYTHING] = { NULL },
		[SCAN_JWK] = { "d", "k", "p", "q", "dp", "dq", "qi" },
		[SCAN_VAULT] = { "data", "stringData", "binaryData" },
	};

	for (const char *const *n = names[context]; *n; n++)
		if (strlen(*n) == len && !memcmp(*n, name, len))
			return true;
	return false;
}

enum scan_mode scan_mode_of(const char *text, size_t len)
{
	size_t look = len < FORM_LOOKED_AT ? len : FORM_LOOKED_AT;
	size_t stop = scan_until(text, look, " \t\r\n{}()<>\"'=:");

	if (stop < look && text[stop] == ':' && look - stop > 2 && text[stop + 1] == '/')
		return scan_until(text, look, " \t\r\n\"<>") == look ? SCAN_URL : SCAN_TEXT;
	if (len && (*text == '/' || *text == '?') && scan_until(text, look, " \t\r\n\"<>") == look)
		return SCAN_URL;
	if (!stop || stop >= look || text[stop] != '=')
		return SCAN_TEXT;
	size_t line = scan_until(text, look, "\r\n");
	return line == look || memchr(text, '&', line) ? SCAN_FORM : SCAN_TEXT;
}
