// SPDX-License-Identifier: GPL-2.0-or-later
/* How MySQL's packets look: their length, their number, and what their first byte says. */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/utf8.h"
#include "dissect/mysql_internal.h"

#define OK_MOST	   1024 /* bytes of an OK by which the protocol is known */
#define LOGIN_HEAD 36	/* bytes of a login that are alike, with the packet's head */

static uint32_t le24(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16;
}

int64_t my_length(const uint8_t *data, size_t len)
{
	if (len < MY_HEAD)
		return 0;
	/* What begins with it has to be known at once. */
	if (len == MY_HEAD && le24(data))
		return 0;
	return MY_HEAD + (int64_t)le24(data);
}

/* The 4.1 protocol, a charset, and bytes of zero: MariaDB's client has 4 other ones behind them. */
int my_is_login(const uint8_t *data, size_t len)
{
	if (len > 3 && (data[3] < 1 || data[3] > 3 || le24(data) < LOGIN_HEAD - MY_HEAD + 2 ||
			le24(data) > 1 << 16))
		return -EPROTO;
	for (size_t i = 13; i < 32 && i < len; i++)
		if (data[i])
			return -EPROTO;
	if (len > 5 && !(data[5] & MY_CAN_41 >> 8))
		return -EPROTO;
	return len >= LOGIN_HEAD;
}

/* Does it begin with a word of SQL? `ends` says that no more comes. */
static bool is_sql(const uint8_t *data, size_t len, bool ends)
{
	static const char *const words[] = {
		"select",   "insert", "update", "delete",   "replace", "create", "alter",
		"drop",	    "set",    "show",	"use",	    "begin",   "start",	 "commit",
		"rollback", "call",   "with",	"load",	    "grant",   "revoke", "explain",
		"analyze",  "lock",   "unlock", "prepare",  "execute", "do",	 "desc",
		"describe", "flush",  "kill",	"truncate",
	};
	size_t n = 0;

	for (; len && isspace(*data); len--)
		data++;
	while (n < len && isalpha(data[n]))
		n++;
	if (n == len && !ends)
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (strlen(words[i]) == n && !strncasecmp((const char *)data, words[i], n))
			return true;
	return false;
}

/* What is asked in that many bytes, of which `len` are there: 0: not that; else how likely. */
static int score_command(const uint8_t *data, size_t len, uint32_t size)
{
	const struct my_command *c = my_command(data[0]);

	if (!c)
		return PROBE_NO;
	switch (data[0]) {
	case 0x03:
	case 0x16:
		if (size < 3 || len < 2 || (!isprint(data[1]) && !isspace(data[1])))
			return size > 3 && len > 2 && data[1] < 9 && data[2] == 1 ? 30 : PROBE_NO;
		return is_sql(data + 1, len - 1, len == size) ? PROBE_YES : 40;
	case 0x17:
		return size >= 10 && len >= 10 && data[5] < 16 && !memcmp(data + 6, "\1\0\0\0", 4)
			       ? PROBE_YES
			       : PROBE_NO;
	case 0x19:
	case 0x1a:
		return size == 5 ? 40 : PROBE_NO;
	case 0x1c:
		return size == 9 ? 40 : PROBE_NO;
	case 0x02:
		return size > 1 && size < 200 && utf8_is_text(data + 1, len - 1) ? 40 : PROBE_NO;
	case 0x01:
	case 0x09:
	case 0x0d:
	case 0x0e:
	case 0x1f:
		return size == 1 ? PROBE_ALONE : PROBE_NO;
	}
	return 0;
}

/* OK, with text behind it that has its length before it, or none; or what was prepared. */
static bool is_ok(const uint8_t *data, uint32_t size)
{
	struct unpack u = unpack_at(data + 1, size - 1);

	if (size == 12 && !data[9])
		return true;
	my_number(&u);
	my_number(&u);
	unsigned state = (unsigned)unpack_le(&u, 2);
	unpack_le(&u, 2);
	if (utf8_is_text(u.at, u.left))
		return !u.failed && state < 0x8000;
	my_string(&u);
	if (u.left && state & 0x4000)
		my_string(&u);
	return !u.failed && !u.left && state < 0x8000;
}

/* What an answer begins with. */
static int score_answer(const uint8_t *data, size_t len, uint32_t size)
{
	switch (data[0]) {
	case 0x00:
		if (size < 7 || size > OK_MOST)
			return PROBE_NO;
		return len < size ? PROBE_MAYBE : is_ok(data, size) ? 40 : PROBE_NO;
	case 0xff:
		return size > 9 && len > 3 && data[3] == '#' ? PROBE_YES : PROBE_NO;
	case 0xfe:
		return size == 5 ? 40 : PROBE_NO;
	}
	if (size > 2)
		return PROBE_NO;
	/* A number of columns, and the first of them: "def". */
	const uint8_t *next = data + size;
	if (len < size + 8)
		return PROBE_MAYBE;
	return next[3] == 2 && !memcmp(next + 4, "\3def", 4) ? PROBE_YES : PROBE_NO;
}

static int score_greeting(const uint8_t *data, size_t len, uint32_t size)
{
	const uint8_t *end = memchr(data + 1, 0, len - 1);
	size_t version = end ? (size_t)(end - data) - 1 : len - 1;

	if (data[0] != 10 || size < 40 || size > 300 || version > 100 ||
	    (version && !isdigit(data[1])))
		return PROBE_NO;
	if (!end || len < version + 15)
		return PROBE_MAYBE;
	return utf8_is_text(data + 1, version) && !data[version + 14] ? PROBE_YES : PROBE_NO;
}

/* A packet that is here whole, or the first bytes of one, and nothing else. */
static int score_packet(const uint8_t *data, size_t len)
{
	uint32_t size = le24(data);
	size_t there = len - MY_HEAD;

	if (!size || there < 1)
		return size ? PROBE_SHORT : PROBE_NO;
	if (!data[3] && data[MY_HEAD] == 10 && size > 30)
		return score_greeting(data + MY_HEAD, there, size);
	if (data[3] > 1)
		return PROBE_NO;
	if (data[3])
		return score_answer(data + MY_HEAD, there, size);
	/* A word of SQL is enough; else a command is known by where it ends. */
	size_t n = there < size ? there : size;
	int score = score_command(data + MY_HEAD, n, size);
	if (score == PROBE_YES || n == size || n >= 64)
		return score;
	return my_command(data[MY_HEAD]) ? PROBE_SHORT : PROBE_NO;
}

int my_probe(enum dir dir, const uint8_t *data, size_t len)
{
	(void)dir;
	if (len < MY_HEAD)
		return PROBE_SHORT;
	int login = my_is_login(data, len);
	if (login >= 0)
		return login ? PROBE_YES : PROBE_MAYBE;
	return score_packet(data, len);
}

int my_resumes(bool request, const uint8_t *data, size_t len)
{
	if (len >= MY_HEAD && !le24(data))
		return -EPROTO;
	if (len < MY_HEAD + 1)
		return 0;
	if (data[3] != (request ? 0 : 1) && my_is_login(data, len) < 0)
		return -EPROTO;
	/* What more bytes follow must not change the answer, so the first ones alone count. */
	uint32_t size = le24(data);
	size_t need = MY_HEAD + (size < 64 ? size : 64) + (request || size > 2 ? 0 : 8);
	if (!request && !data[MY_HEAD] && size <= OK_MOST)
		need = MY_HEAD + size;
	if (len < need)
		return 0;
	int score = my_probe(DIR_READ, data, need);
	return score > PROBE_NO || (score == PROBE_MAYBE && data[MY_HEAD]) ? 1 : -EPROTO;
}

enum dir my_client_of(const struct first_bytes *first)
{
	for (int dir = 0; dir < 2; dir++) {
		const uint8_t *data = first[dir].data;
		if (first[dir].len <= MY_HEAD)
			continue;
		if (my_is_login(data, first[dir].len) >= 0)
			return (enum dir)dir;
		if (!data[3] && data[MY_HEAD] == 10 && le24(data) > 30)
			return (enum dir) !dir;
		return (enum dir)(data[3] ? !dir : dir);
	}
	return DIR_WRITE;
}
