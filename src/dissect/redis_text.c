// SPDX-License-Identifier: GPL-2.0-or-later
/* Commands as people write them, without the secrets in them. */
#include <ctype.h>
#include <string.h>

#include "base/utf8.h"
#include "dissect/redis_internal.h"
#include "redact/names.h"

#define MASK "\xe2\x80\xa2\xe2\x80\xa2\xe2\x80\xa2"

void redis_word(char out[static REDIS_WORD], const uint8_t *text, size_t len)
{
	size_t n = len < REDIS_WORD - 1 ? len : REDIS_WORD - 1;

	for (size_t i = 0; i < n; i++)
		out[i] = (char)toupper(text[i]);
	out[n] = '\0';
}

static bool is_plain(const uint8_t *text, size_t len)
{
	for (size_t i = 0, n; i < len; i += n) {
		n = utf8_length(text + i, len - i);
		if (!n || text[i] <= ' ' || text[i] == 0x7f)
			return false;
	}
	return len && *text != '"' && *text != '\'';
}

void redis_put_argument(struct buf *out, const uint8_t *text, size_t len)
{
	static const char from[] = "\n\r\t\"\\", to[] = "nrt\"\\";

	if (is_plain(text, len)) {
		buf_put(out, text, len);
		return;
	}
	buf_putc(out, '"');
	for (size_t i = 0, n; i < len; i += n) {
		n = utf8_length(text + i, len - i);
		const char *at = text[i] ? strchr(from, text[i]) : NULL;
		if (at)
			buf_put(out, (char[]){ '\\', to[at - from] }, 2);
		else if (!n || text[i] < ' ' || text[i] == 0x7f)
			buf_printf(out, "\\x%02x", text[i]);
		else
			buf_put(out, text + i, n);
		n = n ? n : 1;
	}
	buf_putc(out, '"');
}

static bool is_one_of(const char *word, const char *list)
{
	size_t n = strlen(word);

	for (const char *p = list; n && (p = strstr(p, word)); p += n)
		if ((p == list || p[-1] == ' ') && (p[n] == ' ' || !p[n]))
			return true;
	return false;
}

bool redis_names_secret(const uint8_t *text, size_t len)
{
	static const struct names broad = { .broad = true };
	const char *part = (const char *)text, *end = part + len, *name;

	if (len > 4 * NAME_MAX_BYTES)
		return false;
	if ((len == 11 && !strncasecmp(part, "requirepass", len)) ||
	    (len == 10 && !strncasecmp(part, "masterauth", len)))
		return true;
	for (const char *colon; part < end; part = colon + 1) {
		colon = memchr(part, ':', (size_t)(end - part));
		colon = colon ? colon : end;
		enum name_kind kind =
			colon > part ? names_judge(&broad, part, (size_t)(colon - part), &name)
				     : NAME_NO;
		if (kind == NAME_STRONG || kind == NAME_PART)
			return true;
	}
	return false;
}

/* Commands that store values: from which argument on, and whether names stand before them. */
static bool is_value(const struct redis_exchange *x, unsigned i)
{
	if (is_one_of(x->name, "SET SETNX GETSET APPEND"))
		return i == 2;
	if (is_one_of(x->name, "SETEX PSETEX SETRANGE LSET"))
		return i == 3;
	return i >= 2 && is_one_of(x->name, "HSET HMSET HSETNX MSET MSETNX CONFIG XADD LPUSH RPUSH "
					    "LPUSHX RPUSHX LINSERT SADD ZADD PUBLISH SPUBLISH");
}

static bool names_values(const struct redis_exchange *x, unsigned i)
{
	return i == 1 || is_one_of(x->name, "HSET HMSET HSETNX MSET MSETNX CONFIG XADD SENTINEL");
}

/* Is the argument a secret, by what came before it? `word`: it is upper case. */
static bool is_secret(struct redis_exchange *x, unsigned i, const uint8_t *text, size_t len)
{
	char word[REDIS_WORD];

	redis_word(word, text, len);
	if (x->unknown)
		return true;
	if (x->masked)
		return --x->masked == 0;
	if (!strcmp(x->name, "AUTH"))
		return i > 1 || x->arguments != 3;
	if (!strcmp(x->name, "ACL") && !strcmp(x->sub, "SETUSER"))
		return len && strchr("><#!", *text);
	if (is_one_of(x->name, "HELLO MIGRATE") && is_one_of(word, "AUTH AUTH2"))
		x->masked = !strcmp(word, "AUTH2") || *x->name == 'H' ? 2 : 1;
	else if (!strcmp(x->name, "CONFIG") || !strcmp(x->name, "SENTINEL"))
		return i > 2 && x->named;
	return x->named && is_value(x, i);
}

/* What it asks for is a secret by its name; a name with a hole may be anything. */
static void note_name(struct redis_exchange *x, unsigned i, const uint8_t *text, size_t len,
		      bool hole)
{
	bool secret = hole || redis_names_secret(text, len);

	if (names_values(x, i))
		x->named = secret || (x->named && i > 1 && !strcmp(x->name, "SENTINEL"));
	if (secret && !is_one_of(x->name, "KEYS SCAN COMMAND CLIENT PUBSUB SUBSCRIBE PSUBSCRIBE "
					  "SSUBSCRIBE UNSUBSCRIBE PUNSUBSCRIBE EVAL FCALL"))
		x->hides = true;
}

static void note_command(struct redis_exchange *x, const uint8_t *text, size_t len)
{
	redis_word(x->name, text, len);
	int key = redis_command_key(x->name);
	/* Commands of modules have their key first, as most have. */
	x->key_at = (uint8_t)(key >= 0 ? key : strchr(x->name, '.') ? 1 : 0);
	x->pairs = is_one_of(x->name, "HGETALL CONFIG");
	x->replies = is_one_of(x->name, "SUBSCRIBE PSUBSCRIBE SSUBSCRIBE UNSUBSCRIBE PUNSUBSCRIBE "
					"SUNSUBSCRIBE")
			     ? (int64_t)x->arguments - 1
			     : 1;
}

static void note_argument(struct redis_exchange *x, unsigned i, const uint8_t *text, size_t len)
{
	if (i == 1) {
		redis_word(x->sub, text, len);
		x->pairs &= strcmp(x->name, "CONFIG") || !strcmp(x->sub, "GET");
		x->hides |= !strcmp(x->name, "ACL") && is_one_of(x->sub, "GENPASS GETUSER LIST");
	}
	if (i == x->key_at && !x->key.len)
		buf_put(&x->key, text, len < LIMIT_SUMMARY ? len : LIMIT_SUMMARY);
	/* XREAD ... STREAMS key */
	if (!x->key_at && *x->name == 'X' && len == 7 &&
	    !strncasecmp((const char *)text, "STREAMS", 7))
		x->key_at = (uint8_t)(i < 254 ? i + 1 : 0);
}

void redis_request_argument(struct redis *r, struct redis_exchange *x, const uint8_t *text,
			    size_t len, uint64_t missing)
{
	unsigned i = r->resp[r->o.client].argument++;
	struct buf *out = &r->scratch;

	buf_reset(out);
	if (!i)
		note_command(x, text, len);
	else
		note_argument(x, i, text, len);
	if (i)
		buf_putc(out, ' ');
	if (!i && len < REDIS_WORD)
		buf_puts(out, x->name);
	else if (i && is_secret(x, i, text, len))
		buf_puts(out, MASK);
	else
		redis_put_argument(out, text, len);
	if (i)
		note_name(x, i, text, len, missing > 0);
	x->unknown |= missing && !i;
	if (x->line.len < LIMIT_SUMMARY)
		buf_put(&x->line, out->data, out->len);
	exchange_text(&x->x, PART_REQUEST, out->data, out->len);
	redis_count(x);
	if (missing)
		payload_skip(&x->x.message[PART_REQUEST]->body, missing, r->o.why[r->o.client]);
}

/* The end of the quoted argument that begins at `at`. */
static size_t quoted_end(const uint8_t *line, size_t len, size_t at)
{
	size_t i = at + 1;

	while (i < len && line[i] != '"')
		i += line[i] == '\\' ? 2 : 1;
	return i < len ? i + 1 : len;
}

/* 1700000000.123456 [0 127.0.0.1:6379] "SET" "user:1:password" "hunter2" */
void redis_put_monitored(struct buf *out, const uint8_t *line, size_t len)
{
	struct redis_exchange x = { 0 };
	unsigned argument = 0;

	for (size_t i = 0, end; i < len; i = end) {
		const uint8_t *quote = memchr(line + i, '"', len - i);
		size_t at = quote ? (size_t)(quote - line) : len;
		buf_put(out, line + i, at - i);
		end = quote ? quoted_end(line, len, at) : len;
		if (!quote)
			break;
		const uint8_t *text = line + at + 1;
		size_t n = end - at > 2 ? end - at - 2 : 0;
		if (!argument)
			note_command(&x, text, n);
		else
			note_argument(&x, argument, text, n);
		if (argument && is_secret(&x, argument, text, n))
			buf_puts(out, "\"" MASK "\"");
		else
			buf_put(out, line + at, end - at);
		if (argument)
			note_name(&x, argument, text, n, false);
		argument++;
	}
	buf_free(&x.key);
	buf_putc(out, '\n');
}
