// SPDX-License-Identifier: GPL-2.0-or-later
#include "redact/names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/percent.h"

#define NAME_LOOKED_AT (3 * NAME_MAX_BYTES) /* the end of a longer name tells what it is */

static bool is_ignored(char c)
{
	return c == '-' || c == '_';
}

size_t name_normal(const char *text, size_t len, char out[static NAME_MAX_BYTES])
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];
		if (is_ignored(c))
			continue;
		if (n == NAME_MAX_BYTES - 1)
			return 0;
		out[n++] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
	}
	out[n] = '\0';
	return n;
}

int names_add(struct names *n, const char *name)
{
	char normal[NAME_MAX_BYTES];
	size_t len = name_normal(name, strlen(name), normal);

	if (!len)
		return -EINVAL;
	if (names_find(n, name, strlen(name)))
		return 0;
	void *list = realloc(n->list, (n->count + 1) * sizeof(*n->list));
	if (!list)
		return -ENOMEM;
	n->list = list;
	memcpy(n->list[n->count++], normal, len + 1);
	n->ends[*normal & 31] |= 1U << (normal[len - 1] & 31);
	n->lengths[*normal & 31] |= 1ULL << len;
	return 0;
}

const char *names_find(const struct names *n, const char *text, size_t len)
{
	char normal[NAME_MAX_BYTES];

	while (len && is_ignored(*text))
		text++, len--;
	while (len && is_ignored(text[len - 1]))
		len--;
	/* The low five bits are the same for both cases. */
	if (!len || len > 2 * NAME_MAX_BYTES || !(n->ends[*text & 31] & 1U << (text[len - 1] & 31)))
		return NULL;
	size_t m = name_normal(text, len, normal);
	if (!m || !(n->lengths[*normal & 31] & 1ULL << m))
		return NULL;
	for (size_t i = 0; i < n->count; i++)
		if (n->list[i][0] == normal[0] && !strcmp(n->list[i], normal))
			return n->list[i];
	return NULL;
}

#define REMEMBERED	512
#define REMEMBERED_SIZE NAME_SHORT

struct name_memory {
	struct remembered {
		uint64_t first, middle, last; /* bytes, which overlap in shorter ones */
		const char *name;	      /* for what it counts */
		uint32_t len;
		enum name_kind kind;
	} list[REMEMBERED];
};

int names_remember(struct names *n)
{
	n->memory = calloc(1, sizeof(*n->memory));
	return n->memory ? 0 : -ENOMEM;
}

static struct remembered words_of(const char *text, size_t len)
{
	struct remembered r = { .len = (uint32_t)len };
	uint32_t first, last;

	if (len > 16)
		memcpy(&r.middle, text + 8, 8);
	if (len >= 8) {
		memcpy(&r.first, text, 8);
		memcpy(&r.last, text + len - 8, 8);
	} else if (len >= 4) {
		memcpy(&first, text, 4);
		memcpy(&last, text + len - 4, 4);
		r.first = first;
		r.last = last;
	} else {
		r.first = (uint8_t)text[0] | (uint64_t)(uint8_t)text[len / 2] << 8;
		r.last = (uint8_t)text[len - 1];
	}
	return r;
}

static struct remembered *place_of(const struct names *n, const struct remembered *r)
{
	uint64_t hash =
		(r->first ^ r->last * 0x9e3779b97f4a7c15 ^ r->middle ^ r->len) * 0xd6e8feb86659fd93;

	return &n->memory->list[hash >> 55];
}

void names_free(struct names *n)
{
	free(n->list);
	free(n->memory);
	*n = (struct names){ 0 };
}

enum word_where { ANY, END, PART, WEAK };

static const struct word {
	const char *text;
	enum word_where where;
} words[] = {
#define WORD(text, where) { text, where },
#include "redact/name_words.def"
#undef WORD
};

/* What follows a word and makes it a property of the secret rather than the secret. */
static const char *const properties[] = {
	"algorithm", "changed", "consent", "count",  "created",	 "disabled",	"enabled",
	"endpoint",  "error",	"exist",   "expir",  "field",	 "format",	"hint",
	"isset",     "iz",	"label",   "length", "lifetime", "limit",	"max",
	"message",   "method",	"min",	   "mode",   "name",	 "placeholder", "polic",
	"provider",  "require", "rule",	   "sanned", "size",	 "status",	"strength",
	"ttl",	     "type",	"updated", "uri",    "url",	 "usage",	"used",
	"valid",     "version", "ary",	   "ariat",  "estim",	 "ref",		"kind",
	"visib",     "ring",	"pair",
};

/* Names that end with a word and are positions in a list, or words of a language model. */
static const char *const false_friends[] = {
	"pagetoken",	     "nexttoken",     "previoustoken",	 "prevtoken",
	"continuationtoken", "continuetoken", "paginationtoken", "synctoken",
	"cancellationtoken", "canceltoken",   "eostoken",	 "bostoken",
	"padtoken",	     "unktoken",      "stoptoken",	 "masktoken",
	"publickey",
};

#define WORDS	(sizeof(words) / sizeof(*words))
#define BUCKETS 128

/* Words are found by their first three letters, of five bits each. */
static struct {
	uint64_t begin[512]; /* a bit for each three letters that a word begins with */
	uint16_t key[WORDS];
	uint8_t first[BUCKETS], next[WORDS]; /* indices + 1 */
	uint8_t folded[256];		     /* 0: not looked at; the letters; 27 for all else */
} table;

static unsigned fold(char c)
{
	unsigned letter = (unsigned char)c | 0x20;

	if (letter >= 'a' && letter <= 'z')
		return letter - 'a' + 1;
	return c == '-' || c == '_' || c == '.' || c == ' ' ? 0 : 27;
}

__attribute__((constructor)) static void make_table(void)
{
	for (int c = 0; c < 256; c++)
		table.folded[c] = (uint8_t)fold((char)c);
	for (size_t i = 0; i < WORDS; i++) {
		const char *w = words[i].text;
		unsigned key = fold(w[0]) << 10 | fold(w[1]) << 5 | fold(w[2]);
		uint8_t *first = &table.first[key % BUCKETS];
		table.begin[key >> 6] |= 1ULL << (key & 63);
		table.key[i] = (uint16_t)key;
		table.next[i] = *first;
		*first = (uint8_t)(i + 1);
	}
}

static bool begins_word(unsigned key)
{
	return table.begin[key >> 6] & 1ULL << (key & 63);
}

static bool may_hold_word(const char *text, size_t len)
{
	unsigned key = 0;

	for (size_t i = 0; i < len; i++) {
		unsigned v = table.folded[(uint8_t)text[i]];
		if (!v)
			continue;
		key = (key << 5 | v) & 0x7fff;
		if (begins_word(key))
			return true;
	}
	return false;
}

/* Letters and digits in lower case, each with its place in the name. */
struct normal {
	const char *name;
	size_t name_len;
	char text[NAME_LOOKED_AT + 1];
	uint8_t at[NAME_LOOKED_AT + 1];
	size_t len;
};

static void normal_fill(struct normal *n, const char *text, size_t len)
{
	n->name = text;
	n->name_len = len;
	n->len = 0;
	for (size_t i = 0; i < len; i++) {
		if (!table.folded[(uint8_t)text[i]])
			continue;
		n->at[n->len] = (uint8_t)i;
		n->text[n->len++] =
			text[i] >= 'A' && text[i] <= 'Z' ? (char)(text[i] | 0x20) : text[i];
	}
	n->text[n->len] = '\0';
}

static bool is_lower(char c)
{
	return c >= 'a' && c <= 'z';
}

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_letter(char c)
{
	return is_lower(c) || is_upper(c);
}

/* Is the word a part of its own: db_pwd, userPin, "X-PIN-1"? */
static bool is_part(const struct normal *n, size_t start, size_t len)
{
	const char *name = n->name;
	size_t first = n->at[start], last = n->at[start + len - 1];
	bool begins = !first || !is_letter(name[first - 1]) ||
		      (is_upper(name[first]) && is_lower(name[first - 1]));
	bool ends = last + 1 >= n->name_len || !is_letter(name[last + 1]) ||
		    (is_upper(name[last + 1]) && is_lower(name[last]));

	return begins && ends;
}

static bool is_property(const char *rest)
{
	for (size_t i = 0; i < sizeof(properties) / sizeof(*properties); i++)
		if (!strncmp(rest, properties[i], strlen(properties[i])))
			return true;
	return (!strncmp(rest, "at", 2) || !strncmp(rest, "on", 2)) && !rest[2];
}

static bool is_false_friend(const struct normal *n)
{
	for (size_t i = 0; i < sizeof(false_friends) / sizeof(*false_friends); i++) {
		size_t len = strlen(false_friends[i]);
		if (n->len >= len && !strcmp(n->text + n->len - len, false_friends[i]))
			return true;
	}
	return false;
}

/* What the word at `start` of the name says of it. */
static enum name_kind judge_word(const struct normal *n, const struct word *w, size_t start)
{
	size_t len = strlen(w->text);
	const char *rest = n->text + start + len;

	if (strncmp(n->text + start, w->text, len) != 0)
		return NAME_NO;
	if (w->where == WEAK)
		return start || *rest ? NAME_NO : NAME_WEAK;
	if (w->where == PART && !is_part(n, start, len))
		return NAME_NO;
	while (*rest >= '0' && *rest <= '9')
		rest++;
	if (w->where == END && *rest)
		return NAME_NO;
	if (!n->text[start + len])
		return NAME_STRONG;
	return is_property(rest) ? NAME_NO : NAME_PART;
}

static enum name_kind judge_words(const char *text, size_t len, const char **ret_name)
{
	enum name_kind best = NAME_NO;
	unsigned key = 0;
	struct normal n;

	normal_fill(&n, text, len);
	for (size_t i = 0; i < n.len && best < NAME_STRONG; i++) {
		key = (key << 5 | table.folded[(uint8_t)n.text[i]]) & 0x7fff;
		if (i < 2 || !begins_word(key))
			continue;
		for (unsigned w = table.first[key % BUCKETS]; w; w = table.next[w - 1]) {
			enum name_kind k = table.key[w - 1] != key
						   ? NAME_NO
						   : judge_word(&n, &words[w - 1], i - 2);
			if (k > best) {
				best = k;
				*ret_name = words[w - 1].text;
			}
		}
	}
	return best > NAME_WEAK && is_false_friend(&n) ? NAME_NO : best;
}

static enum name_kind judge_anew(const struct names *n, const char *text, size_t len,
				 const char **ret_name)
{
	char decoded[NAME_LOOKED_AT];

	if (len > NAME_LOOKED_AT) {
		text += len - NAME_LOOKED_AT;
		len = NAME_LOOKED_AT;
	}
	if (len > 2 && memchr(text, '%', len)) {
		len = percent_decode(decoded, text, len);
		text = decoded;
	}
	while (len && (text[len - 1] == ']' || text[len - 1] == '['))
		len--;
	size_t part = len;
	while (part && text[part - 1] != '[' && text[part - 1] != '.')
		part--;
	const char *found = names_find(n, text + part, len - part);
	if (!found && part)
		found = names_find(n, text, len);
	if (found) {
		*ret_name = found;
		return NAME_STRONG;
	}
	return n->broad && may_hold_word(text, len) ? judge_words(text, len, ret_name) : NAME_NO;
}

enum name_kind names_judge(const struct names *n, const char *text, size_t len,
			   const char **ret_name)
{
	if (!n->memory || len > REMEMBERED_SIZE || !len)
		return judge_anew(n, text, len, ret_name);
	struct remembered name = words_of(text, len), *known = place_of(n, &name);
	if ((known->first ^ name.first) | (known->middle ^ name.middle) |
	    (known->last ^ name.last) | (known->len ^ name.len)) {
		name.kind = judge_anew(n, text, len, &name.name);
		*known = name;
	}
	if (known->kind != NAME_NO)
		*ret_name = known->name;
	return known->kind;
}
