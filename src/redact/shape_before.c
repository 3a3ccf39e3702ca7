// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Secrets that are known by what stands before them: a word that names one and a blank (as people
 * and SQL write), the step of a path, the beginning of a hashed password.
 */
#include <string.h>
#include <strings.h>

#include "redact/scan_value.h"

#define PHRASE_LOOKED_AT 128 /* bytes of a value behind a blank */
#define HASH_REACH	 80  /* bytes from "$6$" to the hash: parameters and salt */

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
	return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

static bool is_hash_sign(char c)
{
	return is_alnum(c) || (c && strchr("./+,=-_$", c));
}

/* crypt(3), bcrypt, Apache, Argon2: "$6$salt$hash"; the end of the hash, 0 for none. */
static size_t find_hash(const char *t, size_t len, size_t start, size_t *ret_start)
{
	static const char *const ids[] = { "$1$", "$2",	    "$5$",     "$6$",	  "$7$",
					   "$y$", "$apr1$", "$argon2", "$pbkdf2", "$scrypt$" };
	size_t i = start, least = start > HASH_REACH ? start - HASH_REACH : 0;

	if (!start || t[start - 1] != '$')
		return 0;
	while (i > least && is_hash_sign(t[i - 1]))
		i--;
	while (i < start && t[i] != '$')
		i++;
	for (size_t k = 0; k < sizeof(ids) / sizeof(*ids); k++) {
		if (strncmp(t + i, ids[k], strlen(ids[k])) != 0)
			continue;
		*ret_start = i;
		for (i = start; i < len && is_hash_sign(t[i]);)
			i++;
		return i;
	}
	return 0;
}

/* Telegram's bots: digits, ":" and some 35 bytes. */
static bool is_bot(const char *t, size_t start, size_t end, size_t *ret_start)
{
	size_t i = start - 1;

	if (end - start < 30 || end - start > 40 || !start || t[i] != ':')
		return false;
	while (i && is_digit(t[i - 1]))
		i--;
	*ret_start = i;
	return start - 1 - i >= 8 && start - 1 - i <= 10;
}

/* Steps of a path behind which a secret stands that looks like one. */
static bool names_step(const struct secret_scan *s, const char *text, size_t len)
{
	static const char *const steps[] = {
		"webhooks", "hooks",	   "confirm", "invite",	  "verify",	  "activate",
		"reset",    "unsubscribe", "magic",   "services", "confirmation", "invitations"
	};
	const char *name;

	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++)
		if (len == strlen(steps[i]) && !strncasecmp(text, steps[i], len))
			return true;
	return len && names_judge(s->o->names, text, len, &name) >= NAME_PART;
}

static size_t step_start(const char *t, size_t end, size_t least)
{
	while (end > least && t[end - 1] != '/')
		end--;
	return end;
}

/* /reset-password/SECRET, /api/webhooks/4711/SECRET */
static bool is_step(const struct secret_scan *s, size_t start, size_t end)
{
	const char *t = s->m->text;
	size_t least = start > PHRASE_LOOKED_AT ? start - PHRASE_LOOKED_AT : 0;

	if (start < least + 2 || t[start - 1] != '/' || !shape_is_random(t + start, end - start))
		return false;
	size_t last = start - 1;
	for (int i = 0; i < 3 && last > least; i++) {
		size_t first = step_start(t, last, least);
		if (names_step(s, t + first, last - first))
			return true;
		/* A number may stand between. */
		bool number = first < last;
		for (size_t k = first; k < last; k++)
			number &= is_digit(t[k]) || (t[k] >= 'A' && t[k] <= 'Z');
		if (!number || first < 2)
			return false;
		last = first - 1;
	}
	return false;
}

/* "token SECRET": a word that names a secret, and a blank. */
static bool is_named(struct secret_scan *s, size_t start, size_t end)
{
	const char *t = s->m->text;
	size_t i = start, least = start > NAME_MAX_BYTES ? start - NAME_MAX_BYTES : 0;

	if (start < least + 3 || t[start - 1] != ' ' || !shape_is_random(t + start, end - start))
		return false;
	least = least < s->m->done ? s->m->done : least;
	for (i = start - 1; i > least && (is_alnum(t[i - 1]) || t[i - 1] == '_');)
		i--;
	return i < start - 1 &&
	       names_judge(s->o->names, t + i, start - 1 - i, &s->name) == NAME_STRONG;
}

size_t scan_long_word(struct secret_scan *s, size_t start, size_t end, size_t *ret_start,
		      const char **ret_name)
{
	const char *t = s->m->text;
	size_t found;

	*ret_start = start;
	*ret_name = "hashed password";
	if ((found = find_hash(t, s->m->len, start, ret_start)))
		return found;
	*ret_name = "bot token";
	if (is_bot(t, start, end, ret_start))
		return end;
	*ret_start = start;
	*ret_name = "in a path";
	if (is_step(s, start, end))
		return end;
	*ret_name = s->name;
	if (is_named(s, start, end))
		return *ret_name = s->name, end;
	return 0;
}

/* No word of a sentence and no path: a digit or a sign, and letters or more signs. */
static bool is_odd(const char *text, size_t len)
{
	size_t digits = 0, signs = 0, inner = 0;

	for (size_t i = 0; i < len; i++) {
		digits += is_digit(text[i]);
		signs += text[i] && strchr("!@#$%^&*+=~_", text[i]) != NULL;
		inner += i && text[i] >= 'A' && text[i] <= 'Z';
	}
	return len >= 6 && digits < len && !memchr(text, '/', len) && (digits || signs) &&
	       (inner || signs || digits > 1);
}

/* IDENTIFIED BY, IDENTIFIED WITH plugin BY */
static bool follows_identified(const char *t, size_t start)
{
	size_t n = start < 48 ? start : 48;

	for (size_t i = start - n; i + 11 <= start; i++)
		if (!strncasecmp(t + i, "identified ", 11))
			return true;
	return false;
}

/* A word that names a secret, or the last of "IDENTIFIED BY". */
static bool is_phrase(struct secret_scan *s, size_t start, size_t end)
{
	const char *t = s->m->text;
	size_t len = end - start;

	if (len == 2)
		return follows_identified(t, start);
	return len >= 4 && len < NAME_SHORT &&
	       names_judge(s->o->names, t + start, len, &s->name) == NAME_STRONG;
}

/* Where the value behind a name in quotes begins: "password", "x" and s:8:"password";s:11:"x". */
static size_t listed_value(const char *t, size_t len, size_t i)
{
	size_t start = i;

	while (i < len && i - start < 4 && (t[i] == '\\' || t[i] == '"' || t[i] == '\''))
		i++;
	if (len - i < 4 || (t[i] != ',' && memcmp(t + i, ";s:", 3) != 0))
		return 0;
	i += t[i] == ',' ? 1 : 3;
	while (i < len && i - start < 16 && (is_digit(t[i]) || t[i] == ':' || t[i] == ' '))
		i++;
	return i < len && (t[i] == '\\' || t[i] == '"' || t[i] == '\'') ? i : 0;
}

/* Where the value behind a name and a blank begins. */
static size_t spoken_value(const char *t, size_t len, size_t i)
{
	if (len - i < 4 || t[i] != ' ')
		return 0;
	i++;
	return i + (!strncasecmp(t + i, "is ", 3) || !strncasecmp(t + i, "to ", 3) ? 3 : 0);
}

size_t scan_phrase(struct secret_scan *s, size_t start, size_t end)
{
	const char *t = s->m->text;
	size_t len = s->m->len, i;

	if (s->o->code || end >= len)
		return end;
	/* "by", and what begins or ends as a password does. */
	char first = t[start] | 0x20;
	bool by = first == 'b' && end - start == 2 && (t[start + 1] | 0x20) == 'y';
	if (!by && first != 'p' && !scan_ends_password(t, start, end))
		return end;
	bool listed = t[end] != ' ';
	i = listed ? listed_value(t, len, end) : spoken_value(t, len, end);
	if (!i || !is_phrase(s, start, end))
		return end;
	bool quoted = i < len && (t[i] == '\'' || t[i] == '"' || t[i] == '\\');
	while (i < len && (t[i] == '\\' || t[i] == '\'' || t[i] == '"') && i - end < 24)
		i++;
	size_t bound = len - i < PHRASE_LOOKED_AT ? len - i : PHRASE_LOOKED_AT;
	size_t n = scan_until(t + i, bound, quoted ? "'\"\\\n" : " \t\r\n'\"\\;,)<>&");
	s->m->work += n;
	if (!n || ((listed || !quoted) && !is_odd(t + i, n)) || (quoted && n == bound))
		return end;
	if (quoted && (t[i] == ' ' || t[i] == ',' || t[i] == ')' || (n < 4 && !is_digit(t[i]))))
		return end;
	mask_value(s->m, i, i + n, s->o->kind, end - start == 2 ? "password" : s->name);
	return i + n;
}

bool scan_is_mixed(const char *text, size_t len)
{
	bool digit = false, lower = false, upper = false, other = false;

	for (size_t i = 0; i < len; i++) {
		digit |= is_digit(text[i]);
		lower |= text[i] >= 'a' && text[i] <= 'z';
		upper |= text[i] >= 'A' && text[i] <= 'Z';
		other |= text[i] && strchr("/.:=", text[i]) != NULL;
	}
	return len >= 8 && digit && lower && upper && !other;
}
