// SPDX-License-Identifier: GPL-2.0-or-later
/* Secrets of which nobody knows any more that they are some, since bytes before them are missing.
 */
#include <string.h>

#include "redact/scan_value.h"

#define USERINFO_REACH 512 /* bytes behind missing ones in which the "@" of a URL is looked for */

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_separator(char c)
{
	return c == ':' || c == '=';
}

static size_t skip_quotes(const struct secret_scan *s, size_t i)
{
	const char *t = s->m->text;
	size_t start = i;

	while (i < s->m->len && i - start < 16 && (is_blank(t[i]) || strchr("\"'\\]", t[i])))
		i++;
	return i;
}

/* The "@" of a URL whose beginning is missing. */
static size_t userinfo_end(const struct secret_scan *s, size_t i)
{
	const char *t = s->m->text;
	size_t end = i;

	while (end < s->m->len && end - i < USERINFO_REACH && !is_blank(t[end]) &&
	       !strchr("\"'<>\\{}", t[end]))
		end++;
	const char *at = memrchr(t + i, '@', end - i);
	return at ? (size_t)(at - t) : i;
}

/* What stands at i up to a sign that ends names and values alike. */
static size_t mask_rest(struct secret_scan *s, size_t i)
{
	const char *t = s->m->text;
	size_t end = i;

	while (end < s->m->len && !strchr("\"'<>&\r\n=:,{}", t[end]))
		end++;
	if (end > i)
		mask_value(s->m, i, end, s->o->kind, "beside missing bytes");
	return end;
}

/*
 * Bytes are missing before `gap`: what stands there may be the rest of a secret, a whole one, or
 * the rest of a name that is not known any more.
 */
size_t scan_after_gap(struct secret_scan *s, size_t i, size_t gap)
{
	const char *t = s->m->text;
	size_t end = gap < s->m->done ? s->m->done : gap;
	size_t next = skip_quotes(s, end);

	s->gap = end;
	s->label = NAME_STRONG;
	s->label_name = "beside missing bytes";
	s->label_at = end;
	s->label_is_gap = true;
	s->element = s->o->markup ? NAME_STRONG : NAME_NO;
	s->element_name = s->label_name;
	size_t at = userinfo_end(s, next);
	if (at > next) {
		mask_value(s->m, next, at, "url", "password");
		end = next = at;
	} else if (next < s->m->len && !is_separator(t[next])) {
		end = mask_rest(s, next);
		next = skip_quotes(s, end);
	}
	if (next + 1 < s->m->len && is_separator(t[next]) && t[next + 1] != '/' &&
	    (!s->o->multipart || (next > end && t[next] == ':'))) {
		struct name_place p = { .start = end, .end = end, .quoted = next > end };
		for (size_t k = end; k < next; k++)
			p.depth += t[k] == '\\';
		s->name = "beside missing bytes";
		end = t[next] == ':' ? scan_colon_value(s, &p, next + 1, NAME_STRONG)
				     : scan_equals_value(s, &p, next + 1, NAME_STRONG);
	}
	return end > i ? end : i;
}
