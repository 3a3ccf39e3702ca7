// SPDX-License-Identifier: GPL-2.0-or-later
#include "dissect/imap_text.h"

#include <string.h>
#include <strings.h>

static const struct imap_command commands[] = {
	{ "LOGIN", IMAP_SECRET, false },	 { "AUTHENTICATE", IMAP_MECHANISM, true },
	{ "CAPABILITY", IMAP_NOTHING, false },	 { "NOOP", IMAP_NOTHING, false },
	{ "LOGOUT", IMAP_NOTHING, false },	 { "STARTTLS", IMAP_NOTHING, false },
	{ "ID", IMAP_ARGUMENTS, false },	 { "ENABLE", IMAP_ARGUMENTS, false },
	{ "SELECT", IMAP_MAILBOX, false },	 { "EXAMINE", IMAP_MAILBOX, false },
	{ "CREATE", IMAP_MAILBOX, false },	 { "DELETE", IMAP_MAILBOX, false },
	{ "RENAME", IMAP_ARGUMENTS, false },	 { "SUBSCRIBE", IMAP_MAILBOX, false },
	{ "UNSUBSCRIBE", IMAP_MAILBOX, false },	 { "LIST", IMAP_ARGUMENTS, false },
	{ "LSUB", IMAP_ARGUMENTS, false },	 { "NAMESPACE", IMAP_NOTHING, false },
	{ "STATUS", IMAP_ARGUMENTS, false },	 { "APPEND", IMAP_MAILBOX, false },
	{ "IDLE", IMAP_NOTHING, true },		 { "CHECK", IMAP_NOTHING, false },
	{ "CLOSE", IMAP_NOTHING, false },	 { "UNSELECT", IMAP_NOTHING, false },
	{ "EXPUNGE", IMAP_NOTHING, false },	 { "SEARCH", IMAP_ARGUMENTS, false },
	{ "SORT", IMAP_ARGUMENTS, false },	 { "THREAD", IMAP_ARGUMENTS, false },
	{ "FETCH", IMAP_ARGUMENTS, false },	 { "STORE", IMAP_ARGUMENTS, false },
	{ "COPY", IMAP_ARGUMENTS, false },	 { "MOVE", IMAP_ARGUMENTS, false },
	{ "UID FETCH", IMAP_ARGUMENTS, false },	 { "UID STORE", IMAP_ARGUMENTS, false },
	{ "UID COPY", IMAP_ARGUMENTS, false },	 { "UID MOVE", IMAP_ARGUMENTS, false },
	{ "UID SEARCH", IMAP_ARGUMENTS, false }, { "UID SORT", IMAP_ARGUMENTS, false },
	{ "UID THREAD", IMAP_ARGUMENTS, false }, { "UID EXPUNGE", IMAP_ARGUMENTS, false },
	{ "GETQUOTA", IMAP_ARGUMENTS, false },	 { "GETQUOTAROOT", IMAP_MAILBOX, false },
	{ "GETACL", IMAP_MAILBOX, false },	 { "COMPRESS", IMAP_ARGUMENTS, false },
};

static struct text strip(const uint8_t *line, size_t len)
{
	len -= len && line[len - 1] == '\n';
	len -= len && line[len - 1] == '\r';
	return (struct text){ (const char *)line, len };
}

static struct text from(struct text t, size_t n)
{
	return (struct text){ t.data + n, t.len - n };
}

size_t imap_tag(const uint8_t *line, size_t len)
{
	size_t i = 0;

	while (i < len && i <= IMAP_TAG_MOST && line[i] > ' ' && line[i] < 0x7f &&
	       !strchr("(){%*\"\\+", line[i]))
		i++;
	return i < len && i && i <= IMAP_TAG_MOST && line[i] == ' ' ? i : 0;
}

uint64_t imap_key(const uint8_t *line, size_t len)
{
	uint64_t key = 0xcbf29ce484222325;
	size_t n = imap_tag(line, len);

	for (size_t i = 0; i < n; i++)
		key = (key ^ line[i]) * 0x100000001b3;
	return key < 10 || key == UINT64_MAX ? 10 : key;
}

/* Is it this word, in any case, and nothing or a space behind it? */
static bool begins(struct text t, const char *word)
{
	size_t n = strlen(word);

	return t.len >= n && !strncasecmp(t.data, word, n) && (t.len == n || t.data[n] == ' ');
}

const struct imap_command *imap_command(const uint8_t *line, size_t len, struct text *ret_rest)
{
	size_t tag = imap_tag(line, len);
	struct text t = strip(line, len);

	if (!tag || t.len <= tag)
		return NULL;
	t = from(t, tag + 1);
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		const struct imap_command *c = &commands[i];
		size_t n = strlen(c->name);
		if (!begins(t, c->name))
			continue;
		*ret_rest = t.len > n ? from(t, n + 1) : (struct text){ 0 };
		return c;
	}
	return NULL;
}

const char *imap_status(const uint8_t *line, size_t len, struct text *ret_text)
{
	static const char *const names[] = { "OK", "NO", "BAD" };
	size_t tag = imap_tag(line, len);
	struct text t = strip(line, len);

	if (!tag || t.len <= tag)
		return NULL;
	t = from(t, tag + 1);
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		size_t n = strlen(names[i]);
		if (!begins(t, names[i]))
			continue;
		*ret_text = t.len > n ? from(t, n + 1) : (struct text){ 0 };
		return names[i];
	}
	return NULL;
}

bool imap_begun(const uint8_t *data, size_t len)
{
	static const char *const statuses[] = { "OK", "NO", "BAD" };

	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		size_t n = strlen(commands[i].name);
		if (!strncasecmp((const char *)data, commands[i].name, len < n ? len : n))
			return true;
	}
	for (size_t i = 0; i < sizeof(statuses) / sizeof(*statuses); i++) {
		size_t n = strlen(statuses[i]);
		if (!strncasecmp((const char *)data, statuses[i], len < n ? len : n))
			return true;
	}
	return false;
}

bool imap_untagged(const uint8_t *line, size_t len)
{
	static const char *const words[] = {
		"OK",	     "NO",     "BAD",	   "PREAUTH",  "BYE",	 "CAPABILITY",
		"LIST",	     "LSUB",   "STATUS",   "FLAGS",    "SEARCH", "ESEARCH",
		"SORT",	     "THREAD", "ID",	   "ENABLED",  "QUOTA",	 "QUOTAROOT",
		"NAMESPACE", "ACL",    "VANISHED", "METADATA",
	};
	static const char *const counted[] = { "EXISTS", "RECENT", "EXPUNGE", "FETCH" };
	struct text t = strip(line, len);
	size_t i = 2;

	if (t.len < 3 || t.data[0] != '*' || t.data[1] != ' ')
		return false;
	while (i < t.len && t.data[i] >= '0' && t.data[i] <= '9')
		i++;
	bool number = i > 2 && i < t.len && t.data[i] == ' ';
	t = from(t, number ? i + 1 : 2);
	for (i = 0; !number && i < sizeof(words) / sizeof(*words); i++)
		if (begins(t, words[i]))
			return true;
	for (i = 0; number && i < sizeof(counted) / sizeof(*counted); i++)
		if (begins(t, counted[i]))
			return true;
	return false;
}

bool imap_literal(const uint8_t *line, size_t len, uint64_t *ret)
{
	struct text t = strip(line, len);
	uint64_t n = 0, digit = 1;
	size_t i = t.len;

	if (i < 3 || t.data[--i] != '}')
		return false;
	i -= t.data[i - 1] == '+';
	size_t end = i;
	for (; i && t.data[i - 1] >= '0' && t.data[i - 1] <= '9' && end - i < 18; digit *= 10)
		n += digit * (uint64_t)(t.data[--i] - '0');
	if (i == end || !i || t.data[i - 1] != '{')
		return false;
	*ret = n;
	return true;
}

struct text imap_argument(struct text t)
{
	bool quoted = t.len && *t.data == '"';
	size_t i = quoted;

	if (!t.len)
		return t;
	while (i < t.len && t.data[i] != (quoted ? '"' : ' '))
		i++;
	return (struct text){ t.data + quoted, i - quoted };
}
