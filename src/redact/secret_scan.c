// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Each byte is looked at once by scan_range(), and a bounded number of times more around
 * separators: names are looked for backwards up to the next delimiter, of which every name has its
 * own, and values forwards only when they are then replaced and passed.
 */
#include "redact/secret_scan.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/percent.h"
#include "redact/scan_value.h"

#define LABEL_REACH 512 /* bytes from a name as a value ("name":"password") to its value */
#define DEPTH_MAX   3	/* of texts in values of texts */

enum { WORD = 1, EVENT = 2, BLANK = 4, DELIMITER = 8, QUOTE = 16, SHORT = 32, SPACED = 64 };

#define DELIMITER_EVENT (EVENT | DELIMITER)

/* clang-format off */
static const uint8_t kinds[256] = {
	['0' ... '1'] = WORD, ['2' ... '6'] = WORD | SHORT, ['7' ... '9'] = WORD,
	['A'] = WORD, ['B'] = WORD | SHORT, ['C' ... 'O'] = WORD, ['P'] = WORD | SHORT, ['Q' ... 'Z'] = WORD,
	['a'] = WORD, ['b'] = WORD | SHORT, ['c' ... 'o'] = WORD, ['p'] = WORD | SHORT, ['q' ... 'z'] = WORD,
	['-'] = WORD | SHORT, ['_'] = WORD, ['.'] = WORD,
	['='] = DELIMITER_EVENT, [':'] = DELIMITER_EVENT, ['<'] = DELIMITER_EVENT,
	['>'] = DELIMITER_EVENT, ['\n'] = DELIMITER_EVENT | BLANK, ['?'] = DELIMITER_EVENT,
	['%'] = EVENT | SPACED, ['\\'] = DELIMITER_EVENT | QUOTE,
	[' '] = DELIMITER | BLANK | SPACED, ['+'] = SPACED, ['\t'] = DELIMITER | BLANK, ['\r'] = DELIMITER | BLANK,
	['\v'] = DELIMITER | BLANK, ['\f'] = DELIMITER | BLANK,
	['&'] = DELIMITER, [';'] = DELIMITER, ['#'] = DELIMITER, ['"'] = DELIMITER | QUOTE,
	['\''] = DELIMITER | QUOTE, [','] = DELIMITER, ['{'] = DELIMITER, ['}'] = DELIMITER,
	['('] = DELIMITER, [')'] = DELIMITER, ['|'] = DELIMITER, ['`'] = DELIMITER,
	['/'] = DELIMITER, ['!'] = DELIMITER,
};
/* clang-format on */

static bool is_blank(char c)
{
	return kinds[(uint8_t)c] & BLANK;
}

static bool is_word(char c)
{
	return kinds[(uint8_t)c] & WORD;
}

/* The start of what ends at `end` and has no delimiter in it. */
static size_t back_to_delimiter(struct secret_scan *s, size_t end)
{
	size_t floor = end > 3 * NAME_MAX_BYTES ? end - 3 * NAME_MAX_BYTES : 0;
	size_t start = end;

	floor = floor < s->m->done ? s->m->done : floor;
	while (start > floor && !(kinds[(uint8_t)s->m->text[start - 1]] & DELIMITER))
		start--;
	s->m->work += end - start;
	return start;
}

static size_t back_over_blanks(struct secret_scan *s, size_t end)
{
	size_t floor = end > s->m->done + 8 ? end - 8 : s->m->done;

	while (end > floor && is_blank(s->m->text[end - 1]))
		end--;
	return end;
}

/* The name between quotes that ends at `end`, its last quote before that; its depth in
 * backslashes. */
static bool find_quoted(struct secret_scan *s, size_t end, struct name_place *ret)
{
	const char *t = s->m->text;
	size_t close = end - 1, least = s->m->done;

	least = close > least + 6 * NAME_MAX_BYTES ? close - 6 * NAME_MAX_BYTES : least;
	const char *open = close > least ? memrchr(t + least, t[close], close - least) : NULL;
	if (!open)
		return false;
	size_t start = (size_t)(open - t) + 1;
	s->m->work += close - start;
	ret->depth = 0;
	while (close > start && t[close - 1] == '\\')
		close--, ret->depth++;
	ret->start = start;
	ret->end = close;
	ret->quoted = true;
	return true;
}

/* Names of members and attributes that tell the name of a value beside them, and of that value. */
static inline bool word_is(const char *text, const char *word, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if ((text[i] | 0x20) != word[i])
			return false;
	return true;
}

static bool is_label(const char *name, size_t len)
{
	switch (len) {
	case 2:
		return word_is(name, "id", 2);
	case 3:
		return word_is(name, "key", 3) || word_is(name, "var", 3);
	case 4:
		return word_is(name, "name", 4) || word_is(name, "type", 4) ||
		       word_is(name, "path", 4);
	case 5:
		return word_is(name, "field", 5) || word_is(name, "name*", 5);
	case 8:
		return word_is(name, "variable", 8);
	case 9:
		return word_is(name, "parameter", 9);
	default:
		return false;
	}
}

static bool is_labelled(const char *name, size_t len)
{
	switch (len) {
	case 3:
		return word_is(name, "val", 3);
	case 4:
		return word_is(name, "text", 4) || word_is(name, "data", 4);
	case 5:
		return word_is(name, "value", 5);
	case 7:
		return word_is(name, "content", 7);
	case 11:
		return word_is(name, "stringvalue", 11);
	default:
		return false;
	}
}

static int hex4(const char *p)
{
	int v = 0;

	for (int i = 0; i < 4; i++) {
		int c = hex_digit((unsigned char)p[i]);
		if (c < 0)
			return -1;
		v = v << 4 | c;
	}
	return v;
}

/* A member name may be written with \u0070 for p. */
static size_t unescape(const char *text, size_t len, char out[static 6 * NAME_MAX_BYTES])
{
	size_t n = 0;

	for (size_t i = 0; i < len && n < (size_t)6 * NAME_MAX_BYTES; i++) {
		int c = text[i] == '\\' && len - i > 5 && text[i + 1] == 'u' ? hex4(text + i + 2)
									     : -1;
		out[n++] = c < 0 || c > 0x7e ? text[i] : (char)c;
		i += c < 0 ? 0 : 5;
	}
	return n;
}

static bool label_holds(const struct secret_scan *s, size_t at)
{
	return s->label != NAME_NO && at - s->label_at < LABEL_REACH;
}

/* What the name tells; a value that a name before it told of counts as that one. */
static enum name_kind judge(struct secret_scan *s, const struct name_place *p)
{
	const char *name = s->m->text + p->start;
	size_t len = p->end - p->start;
	char plain[6 * NAME_MAX_BYTES];

	if (p->quoted && p->start != s->word && len && memchr(name, '\\', len)) {
		len = unescape(name, len, plain);
		name = plain;
	}
	s->m->work += WORK_EVENT + len;
	enum name_kind kind = names_judge(s->o->names, name, len, &s->name);
	if (kind <= NAME_WEAK && s->o->context && scan_context_names(s->o->context, name, len)) {
		s->name = s->o->context == SCAN_JWK ? "private key" : "secret";
		return NAME_STRONG;
	}
	if (kind <= NAME_WEAK && label_holds(s, p->start) && is_labelled(name, len)) {
		s->name = s->label_name;
		kind = s->label;
		s->label = NAME_NO;
	}
	return kind;
}

/* "secret key: x": of a weak name, the word before it as well. */
static enum name_kind judge_words(struct secret_scan *s, struct name_place *p)
{
	const char *t = s->m->text;
	enum name_kind kind = judge(s, p);

	if (kind != NAME_WEAK || p->quoted || p->before != ' ' || p->start < s->m->done + 4)
		return kind;
	struct name_place both = *p;
	both.start = back_to_delimiter(s, p->start - 1);
	both.before = both.start ? t[both.start - 1] : '\0';
	enum name_kind more = both.start < p->start - 1 ? judge(s, &both) : NAME_NO;
	if (more <= kind)
		return judge(s, p);
	*p = both;
	return more;
}

/* "name": "password" and name="password": the value is a name itself. */
static void take_label(struct secret_scan *s, const struct name_place *p, size_t value)
{
	const char *t = s->m->text;
	size_t start = value, len = s->m->len;

	if (p->end - p->start > 9 || !is_label(t + p->start, p->end - p->start))
		return;
	while (start < len && start - value < 16 &&
	       (t[start] == '/' || kinds[(uint8_t)t[start]] & (BLANK | QUOTE)))
		start++;
	/* Numbers are no names. */
	size_t end = start;
	if (end < len && t[end] >= '0' && t[end] <= '9')
		return;
	while (end < len && end - start < 3 * NAME_MAX_BYTES &&
	       (!(kinds[(uint8_t)t[end]] & DELIMITER) || t[end] == ' ' || t[end] == '/'))
		if (t[end++] == '/')
			start = end;
	s->m->work += end - value;
	enum name_kind kind = names_judge(s->o->names, t + start, end - start, &s->label_name);
	/* type, id and path stand beside a name. */
	bool may_forget = !strchr("tip", t[p->start] | 0x20);
	if (kind == NAME_NO && label_holds(s, value) &&
	    (!may_forget || (s->label_is_gap && s->o->multipart)))
		return;
	s->label = kind == NAME_WEAK ? NAME_NO : kind;
	s->label_at = end;
	s->label_is_gap = false;
	/* <property name="password">value */
	if (s->o->markup && s->label != NAME_NO) {
		s->element = s->label;
		s->element_name = s->label_name;
	}
}

/* A value that holds a text of its own, percent-encoded: JSON, another URL. */
static size_t nested_text(struct secret_scan *s, size_t start, size_t end)
{
	const char *t = s->m->text + start;
	size_t len = end - start;
	struct buf plain = { 0 }, out = { 0 };

	if (s->nested_end >= end)
		return start;
	s->nested_end = end;
	s->m->work += len;
	if (s->o->depth >= DEPTH_MAX || len < 8 || !memchr(t, '%', len))
		return start;
	s->m->error = s->m->error ? s->m->error : buf_reserve(&plain, len);
	if (s->m->error)
		return start;
	s->m->work += WORK_NESTED;
	plain.len = percent_decode(plain.data, t, len);
	struct scan_options inner = *s->o;
	inner.depth++;
	inner.mode = scan_mode_of(plain.data, plain.len);
	inner.gap_count = 0;
	struct masker m = mask_begin(plain.data, plain.len, s->m->key, &out, s->m->masks);
	m.work_max = s->work_limit - s->m->work;
	int error = s->work_limit > s->m->work ? scan_text(&m, &inner) : -E2BIG;
	error = error ? error : mask_end(&m);
	s->m->error = s->m->error ? s->m->error : error;
	s->m->work += m.work;
	if (!error && m.changed) {
		scan_put_encoded(s->m, start, end, &out);
		start = end;
	}
	buf_free(&plain);
	buf_free(&out);
	return start;
}

static bool is_url_mode(const struct secret_scan *s)
{
	return s->o->mode != SCAN_TEXT;
}

/* The value of a parameter whose name is not one of a secret's. */
static size_t plain_parameter(struct secret_scan *s, const struct name_place *p, size_t value)
{
	take_label(s, p, value);
	if (!is_url_mode(s))
		return value;
	size_t end = scan_parameter_end(s, value);
	return end > value ? nested_text(s, value, end) : value;
}

/* name=value, name = "value", 'name' => 'value' */
static size_t on_equals(struct secret_scan *s, size_t i)
{
	const char *t = s->m->text;
	size_t len = s->m->len, value = i + 1;
	struct name_place p = { .end = is_url_mode(s) ? i : back_over_blanks(s, i) };

	if (value < len && t[value] == '=' && !is_url_mode(s))
		return value + 1;
	if (value < len && t[value] == '>' && !s->o->markup)
		value++;
	/* $db['password'] = 'x' */
	if (p.end > s->m->done + 2 && t[p.end - 1] == ']' && kinds[(uint8_t)t[p.end - 2]] & QUOTE)
		p.end--;
	char last = p.end > s->m->done ? t[p.end - 1] : '\0';
	if (!last || last == '!' || last == '<' || last == '>')
		return value;
	if ((last == '"' || last == '\'') && p.end > s->m->done + 1) {
		if (!find_quoted(s, p.end, &p))
			return value;
	} else {
		p.start = back_to_delimiter(s, p.end);
		p.before = p.start ? t[p.start - 1] : '\0';
	}
	enum name_kind kind = is_url_mode(s) ? judge(s, &p) : judge_words(s, &p);
	if (kind == NAME_NO || value >= len)
		return plain_parameter(s, &p, value);
	size_t end = scan_equals_value(s, &p, value, kind);
	return end > value ? end : plain_parameter(s, &p, value);
}

static size_t named_colon(struct secret_scan *s, const struct name_place *p, size_t value)
{
	enum name_kind kind = judge(s, p);
	size_t end = value;

	if (kind != NAME_NO && value < s->m->len)
		end = scan_colon_value(s, p, value, kind);
	if (end == value)
		take_label(s, p, value);
	return end;
}

/* "name": value, name: value, and scheme://user:password@host */
static size_t on_colon(struct secret_scan *s, size_t i)
{
	const char *t = s->m->text;
	size_t len = s->m->len, value = i + 1;

	/* Most are "name": with a word between the quotes. */
	if (s->word_end + 1 == i && s->word > s->m->done && t[i - 1] == '"' &&
	    t[s->word - 1] == '"') {
		const struct name_place p = { .start = s->word, .end = i - 1, .quoted = true };
		return named_colon(s, &p, value);
	}
	struct name_place p = { .end = back_over_blanks(s, i) };
	if (len - value >= 2 && t[value] == '/' && t[value + 1] == '/')
		return scan_userinfo(s, value + 2);
	char last = p.end > s->m->done ? t[p.end - 1] : '\0';
	if (last == '"' || last == '\'') {
		if (p.end < s->m->done + 2 || !find_quoted(s, p.end, &p))
			return value;
	} else {
		if (!last || !is_word(last))
			return value;
		/* In a form that is not encoded: GraphQL. */
		while (is_url_mode(s) && value < len && (t[value] == ' ' || t[value] == '+'))
			value++;
		if (is_url_mode(s) && (value >= len || !(kinds[(uint8_t)t[value]] & QUOTE)))
			return i + 1;
		p.start = back_to_delimiter(s, p.end);
		p.before = p.start ? t[p.start - 1] : '\0';
	}
	enum name_kind kind = judge_words(s, &p);
	size_t end = kind == NAME_NO || value >= len ? value : scan_colon_value(s, &p, value, kind);
	if (end == value)
		take_label(s, &p, value);
	return end;
}

/* <ns:name: its value begins after the tag. "</key>" may end the name of the value that follows. */
static size_t on_tag(struct secret_scan *s, size_t i)
{
	const char *t = s->m->text;
	size_t name = i + 1, end = name, len = s->m->len;

	s->element = NAME_NO;
	if (end < len && t[end] == '/') {
		scan_label_element(s, i);
		return end;
	}
	while (end < len && end - name < 2 * NAME_MAX_BYTES && (is_word(t[end]) || t[end] == ':'))
		if (t[end++] == ':')
			name = end;
	s->m->work += WORK_WORD + (end - i);
	if (end == name)
		return end;
	enum name_kind kind = names_judge(s->o->names, t + name, end - name, &s->element_name);
	s->element = kind == NAME_WEAK ? NAME_NO : kind;
	return end;
}

/* After the blank line of a form's part (RFC 7578): its content up to the next boundary. */
static size_t on_newline(struct secret_scan *s, size_t i)
{
	const char *t = s->m->text;
	size_t len = s->m->len, start = i + 1;

	if (!label_holds(s, i) || (s->label_is_gap && !s->o->multipart))
		return start;
	start += start < len && t[start] == '\r';
	if (start >= len || t[start] != '\n')
		return i + 1;
	const char *at = memmem(t + start, len - start, "\n--", 3);
	size_t end = at ? (size_t)(at - t) : len;
	end -= at && end > start && t[end - 1] == '\r';
	start++;
	s->label = NAME_NO;
	if (start >= end)
		return i + 1;
	mask_value(s->m, start, end, s->o->kind, s->label_name);
	return end;
}

static bool is_hex(char c)
{
	return hex_digit((unsigned char)c) >= 0;
}

/* The letter after a backslash is no part of a word, nor are the digits after "%" or "\u". */
static size_t on_escape(const struct secret_scan *s, size_t i)
{
	const char *t = s->m->text;
	size_t left = s->m->len - i;

	if (t[i] == '%')
		return i + (left > 2 && is_hex(t[i + 1]) && is_hex(t[i + 2]) ? 3 : 1);
	if (left > 1 && t[i + 1] == 'u')
		return i + (left > 6 ? 6 : 2);
	return i + (left > 1 && is_word(t[i + 1]) ? 2 : 1);
}

static size_t on_event(struct secret_scan *s, size_t i)
{
	switch (s->m->text[i]) {
	case '=':
		return on_equals(s, i);
	case ':':
		return on_colon(s, i);
	case '<':
		return on_tag(s, i);
	case '>':
		return scan_element(s, i);
	case '\n':
		return on_newline(s, i);
	case '?':
		s->in_query = true;
		return i + 1;
	default:
		return on_escape(s, i);
	}
}

/* A private key whose first line has bytes missing is known by its last. */
static bool ends_key(const struct secret_scan *s, size_t start, size_t end)
{
	const char *t = s->m->text;
	size_t line = s->m->len - end < 48 ? s->m->len - end : 48;

	return s->gap && end - start == 8 && !memcmp(t + start, "-----END", 8) &&
	       memmem(t + end, line, "PRIVATE KEY", 11);
}

static size_t on_word(struct secret_scan *s, size_t start, size_t end)
{
	s->m->work += WORK_WORD;
	if (s->m->work > s->work_limit) {
		s->m->error = -E2BIG;
		return s->m->len;
	}
	if (ends_key(s, start, end))
		mask_value(s->m, s->gap, start, "value", "private key");

	const char *name;
	size_t from;
	size_t found =
		shape_find(s->m->text, s->m->len, start, end, s->o->names->broad, &from, &name);
	/* A word that bytes are missing in is, up to there, one as well. */
	if (!found && s->next_gap > start && s->next_gap < end)
		found = shape_find(s->m->text, s->next_gap, start, s->next_gap, s->o->names->broad,
				   &from, &name);

	bool more = !found && s->o->names->broad;
	if (more && end - start >= SHAPE_LEAST)
		found = scan_long_word(s, start, end, &from, &name);
	else if (more && s->m->text[start] > '9')
		return scan_phrase(s, start, end);
	if (!found || from < s->m->done)
		return s->m->text[start] == '-' ? scan_option(s, start, end) : end;
	mask_value(s->m, from, found, "value", name);
	return found > end ? found : end;
}

static size_t end_of_word(const uint8_t *t, size_t i, size_t len)
{
	for (; len - i >= 4; i += 4) {
		if (!(kinds[t[i]] & WORD))
			return i;
		if (!(kinds[t[i + 1]] & WORD))
			return i + 1;
		if (!(kinds[t[i + 2]] & WORD))
			return i + 2;
		if (!(kinds[t[i + 3]] & WORD))
			return i + 3;
	}
	while (i < len && kinds[t[i]] & WORD)
		i++;
	return i;
}

/* Is a word that is not long to be looked at? Few are: by its first sign or its end, and what
 * follows.
 */
static bool is_wanted(const struct secret_scan *s, uint8_t kind)
{
	const char *t = s->m->text;
	size_t end = s->word_end, len = s->m->len;

	if (end - s->word < 4 && (t[s->word] | 0x20) == 'p')
		return false;
	if (end >= len || !(kinds[(uint8_t)t[end]] & (SPACED | QUOTE)))
		return false;
	/* A name, which its colon finds. */
	if (t[end] == '"' && end + 1 < len && t[end + 1] == ':')
		return false;
	return kind & SHORT || scan_ends_password(t, s->word, end);
}

/* From position i on to `limit`, or past it where a word or a value ends there. */
size_t scan_range(struct secret_scan *s, size_t i, size_t limit)
{
	const uint8_t *t = (const uint8_t *)s->m->text;
	size_t len = s->m->len;

	while (i < limit) {
		uint8_t kind = kinds[t[i]];
		if (!(kind & (WORD | EVENT))) {
			i++;
		} else if (kind & WORD) {
			s->word = i;
			s->word_end = end_of_word(t, i, len);
			size_t n = s->word_end - i;
			bool wanted = n >= SHAPE_LEAST ||
				      ((kind & SHORT || n >= PASSWORD_LEAST) && is_wanted(s, kind));
			i = wanted ? on_word(s, i, s->word_end) : s->word_end;
		} else {
			i = on_event(s, i);
			if (s->m->work > s->work_limit || s->m->error)
				break;
		}
	}
	return i;
}

int scan_text(struct masker *m, const struct scan_options *o)
{
	struct secret_scan s = { .m = m, .o = o, .in_query = o->mode != SCAN_URL };
	size_t i = 0;

	s.work_limit = m->work_max ? m->work_max : m->len * SCAN_WORK_FACTOR + SCAN_WORK_LEAST;
	m->work += m->len;
	if (!o->names->count && !o->names->broad)
		return 0;
	if (o->columns && !o->gap_count)
		i = scan_table(&s, o->columns, o->sign);
	for (size_t g = 0; g < o->gap_count && o->gaps[g] < m->len; g++) {
		s.next_gap = o->gaps[g];
		i = scan_range(&s, i, o->gaps[g]);
		i = scan_after_gap(&s, i, o->gaps[g]);
	}
	i = scan_range(&s, i, m->len);
	int result = m->error ? m->error : i < m->len ? -E2BIG : 0;
	/* The caller may go on, and mask all of it. */
	if (result == -E2BIG)
		m->error = 0;
	return result;
}
