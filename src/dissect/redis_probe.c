// SPDX-License-Identifier: GPL-2.0-or-later
/* How RESP looks: the first line of an element, and whether a connection begins with some. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "dissect/known.h"
#include "dissect/redis_internal.h"

static const struct command {
	const char *name;
	uint8_t key;
} commands[] = {
#define COMMAND(name, key) { name, key },
#include "dissect/redis_commands.def"
#undef COMMAND
};

#define COMMANDS   (sizeof(commands) / sizeof(*commands))
#define NUMBER_MAX 20 /* digits and a sign */

static int compare(const void *name, const void *row)
{
	return strcmp(name, ((const struct command *)row)->name);
}

int redis_command_key(const char *name)
{
	const struct command *c = bsearch(name, commands, COMMANDS, sizeof(*commands), compare);

	return c ? c->key : -1;
}

/* Digits, maybe after a sign, to the end of a line of `len` bytes. */
static bool read_number(const uint8_t *text, size_t len, int64_t *ret)
{
	size_t i = len && *text == '-';
	int64_t n = 0;

	if (i == len || len > NUMBER_MAX)
		return false;
	for (size_t first = i; i < len; i++) {
		if (text[i] < '0' || text[i] > '9' || i - first >= 18)
			return false;
		n = 10 * n + (text[i] - '0');
	}
	*ret = *text == '-' ? -n : n;
	return true;
}

static bool is_number_line(char type, const uint8_t *text, size_t len)
{
	int64_t n;

	switch (type) {
	case ':':
		return read_number(text, len, &n) || (len == 19 || len == 20);
	case '#':
		return len == 1 && (*text == 't' || *text == 'f');
	case '_':
		return !len;
	case ',':
	case '(':
		for (size_t i = 0; i < len; i++)
			if (!isalnum(text[i]) && !strchr("+-.", text[i]))
				return false;
		return len > 0;
	}
	return true;
}

/* What may stand where a number is. */
static bool is_counted(char type)
{
	return strchr("$*=!~%>|", type) != NULL;
}

int resp_head(const uint8_t *data, size_t len, size_t seen, struct resp_head *ret)
{
	char type = len ? (char)data[0] : '+';

	if (!type || !strchr("+-:_#,($*=!~%>|", type))
		return -EPROTO;
	const uint8_t *from = data + (seen > 1 ? seen - 1 : 0);
	const uint8_t *end = len ? memchr(from, '\n', len - (size_t)(from - data)) : NULL;
	size_t line = end ? (size_t)(end - data) : len;
	if (line > NUMBER_MAX + 2 && type != '+' && type != '-' && type != '(' && type != ',')
		return -EPROTO;
	if (!end)
		return 0;
	if (line < 2 || data[line - 1] != '\r')
		return -EPROTO;
	*ret = (struct resp_head){ .type = type, .n = (int64_t)line - 2, .size = line + 1 };
	if (!is_counted(type))
		return is_number_line(type, data + 1, line - 2) ? 1 : -EPROTO;
	if (!read_number(data + 1, line - 2, &ret->n))
		return -EPROTO;
	/* -1 is nothing: only strings and arrays may be. */
	return ret->n >= 0 || (ret->n == -1 && (type == '$' || type == '*')) ? 1 : -EPROTO;
}

int64_t resp_length(const uint8_t *data, size_t len, size_t seen)
{
	struct resp_head h;
	int r = resp_head(data, len, seen, &h);

	if (r <= 0)
		return r;
	bool text = (h.type == '$' || h.type == '=' || h.type == '!') && h.n >= 0;
	return (int64_t)h.size + (text ? h.n + 2 : 0);
}

/* How likely the array is a command: the name of one stands first. */
static int score_array(const uint8_t *data, size_t len, const struct resp_head *h)
{
	struct resp_head first;
	char word[REDIS_WORD];

	if (h->n <= 0)
		return 40;
	if (len == h->size)
		return PROBE_MAYBE;
	int r = resp_head(data + h->size, len - h->size, 0, &first);
	if (r <= 0)
		return r ? PROBE_NO : PROBE_MAYBE;
	if (first.type != '$')
		return 45;
	size_t at = h->size + first.size;
	if (first.n < 1 || first.n >= REDIS_WORD)
		return 45;
	if (len - at < (size_t)first.n + 2)
		return PROBE_MAYBE;
	if (memcmp(data + at + first.n, "\r\n", 2) != 0)
		return PROBE_NO;
	redis_word(word, data + at, (size_t)first.n);
	return redis_command_key(word) >= 0 || strchr(word, '.') ? PROBE_YES : 45;
}

/* Status lines that Redis has; other protocols have such lines too ("+OK ready"). */
static int score_status(const uint8_t *line, size_t len)
{
	static const char *const known[] = { "OK", "PONG", "QUEUED", "RESET" };

	for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
		if (strlen(known[i]) == len && !memcmp(line, known[i], len))
			return 45;
	for (size_t i = 0; i < len; i++)
		if (line[i] < 'a' || line[i] > 'z')
			return PROBE_NO;
	return len ? 20 : PROBE_NO;
}

/* An error begins with a word in capitals: "-ERR unknown command", "-WRONGTYPE ...". */
static int score_error(const uint8_t *line, size_t len)
{
	size_t i = 0;

	while (i < len && line[i] >= 'A' && line[i] <= 'Z')
		i++;
	return i > 2 && i < len && line[i] == ' ' && i + 3 < len ? 40 : PROBE_NO;
}

static int score_element(const uint8_t *data, size_t len)
{
	struct resp_head h;
	int r = resp_head(data, len, 0, &h);

	if (r <= 0)
		return r ? PROBE_NO : PROBE_MAYBE;
	if (h.type == '*' || h.type == '>')
		return score_array(data, len, &h);
	if (h.type == '+')
		return score_status(data + 1, (size_t)h.n);
	if (h.type == '-')
		return score_error(data + 1, (size_t)h.n);
	if (h.type != '$' || h.n < 0 || h.n > LIMIT_SUMMARY)
		return 40;
	if (len < h.size + (size_t)h.n + 2)
		return PROBE_MAYBE;
	return memcmp(data + h.size + h.n, "\r\n", 2) ? PROBE_NO : 45;
}

/* A command as people type it: the name of one, then a line of text. */
static int score_inline(const uint8_t *data, size_t len)
{
	const uint8_t *end = memchr(data, '\n', len < 1024 ? len : 1024);
	size_t line = end ? (size_t)(end - data) : len, n = 0;
	char word[REDIS_WORD];

	while (n < line && (isalpha(data[n]) || data[n] == '_'))
		n++;
	if (!n || n >= REDIS_WORD || (n < line && !strchr(" \r\n", data[n])) || line >= 1024)
		return PROBE_NO;
	for (size_t i = 0; i < line; i++)
		if ((data[i] < ' ' && data[i] != '\r' && data[i] != '\t') || data[i] > '~')
			return PROBE_NO;
	redis_word(word, data, n);
	if (!end && n == line) {
		for (size_t i = 0; i < COMMANDS; i++)
			if (!strncmp(commands[i].name, word, n))
				return PROBE_MAYBE;
		return PROBE_NO;
	}
	if (redis_command_key(word) < 0 || memmem(data, line, " HTTP/", 6) ||
	    known_protocol(data, line))
		return PROBE_NO;
	return end ? 30 : PROBE_MAYBE;
}

int redis_probe(enum dir dir, const uint8_t *data, size_t len)
{
	(void)dir;
	if (!len)
		return PROBE_MAYBE;
	return isalpha(*data) ? score_inline(data, len) : score_element(data, len);
}

int redis_resumes(bool request, const uint8_t *data, size_t len)
{
	/* What more bytes follow must not change the answer. */
	if (!request && *data == '$')
		return resp_head(data, len, 0, &(struct resp_head){ 0 });
	int score = redis_probe(DIR_READ, data, len);
	if (score == PROBE_MAYBE)
		return 0;
	return score >= (request ? PROBE_YES : 40) ? 1 : -EPROTO;
}
