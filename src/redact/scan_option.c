// SPDX-License-Identifier: GPL-2.0-or-later
/* Secrets among the options of a command, as people and programs write them. */
#include <string.h>

#include "redact/scan_value.h"

/* Quotes with their backslashes, and commas of lists. */
static bool is_between(char c)
{
	return c && strchr(" \t\r\n\v\f\"'\\,", c);
}

/* Behind an option: blanks, quotes and a comma. */
static size_t skip_to_value(const struct secret_scan *s, size_t end)
{
	const char *t = s->m->text;
	size_t value = end;

	while (value < s->m->len && value - end < 8 && is_between(t[value]))
		value++;
	return value;
}

static bool is_user_option(const char *text, size_t len)
{
	return (len == 2 && (text[1] | 0x20) == 'u') || (len == 6 && !memcmp(text, "--user", 6)) ||
	       (len == 12 && !memcmp(text, "--proxy-user", 12));
}

/* -u me:password, of curl */
static size_t user_option(struct secret_scan *s, size_t end)
{
	const char *t = s->m->text;
	size_t len = s->m->len, value = skip_to_value(s, end);

	size_t left = len - value < 2 * NAME_MAX_BYTES ? len - value : 2 * NAME_MAX_BYTES;
	size_t n = scan_until(t + value, left, " \t\r\n\"'\\,/");
	const char *colon = memchr(t + value, ':', n);
	size_t start = colon ? (size_t)(colon - t) + 1 : end, stop = value + n;
	s->m->work += stop - end;
	if (!colon || scan_is_plain(t + start, stop - start))
		return end;
	mask_value(s->m, start, stop, s->o->kind, "password");
	return stop;
}

/* -p, -a and -w of many commands, where what follows looks like a password. */
static size_t short_option(struct secret_scan *s, size_t end)
{
	const char *t = s->m->text;
	size_t value = skip_to_value(s, end), left = s->m->len - value;

	left = left < NAME_MAX_BYTES ? left : NAME_MAX_BYTES;
	size_t n = scan_until(t + value, left, " \t\r\n\"'\\,");
	s->m->work += n;
	if (value == end || !scan_is_mixed(t + value, n))
		return end;
	mask_value(s->m, value, value + n, s->o->kind, "password");
	return value + n;
}

/* --password value, "--password", "value": of a command */
size_t scan_option(struct secret_scan *s, size_t start, size_t end)
{
	const char *t = s->m->text;
	size_t len = s->m->len;

	if (is_user_option(t + start, end - start))
		return user_option(s, end);
	if (end - start >= 10 && t[start + 1] == 'p' &&
	    scan_is_mixed(t + start + 2, end - start - 2)) {
		mask_value(s->m, start + 2, end, s->o->kind, "password");
		return end;
	}
	if (end - start == 2 && strchr("paw", t[start + 1]))
		return short_option(s, end);
	if (end - start < 5 || t[start + 1] != '-' ||
	    names_judge(s->o->names, t + start, end - start, &s->name) != NAME_STRONG)
		return end;
	size_t value = skip_to_value(s, end), stop = value;
	while (value > end && stop < len && !is_between(t[stop]))
		stop++;
	if (stop == value || t[value] == '-')
		return end;
	mask_value(s->m, value, stop, s->o->kind, s->name);
	return stop;
}
