// SPDX-License-Identifier: GPL-2.0-or-later
#include "dissect/http1.h"

#include <string.h>
#include <strings.h>

#include "base/account.h"
#include "base/limits.h"

#define METHOD_MAX 32
/* What stays of the end of a line that is cut, so that a request line keeps its version. */
#define LINE_TAIL 16

/* RFC 9110 section 5.6.2 */
static bool is_tchar(uint8_t c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
	       (c && strchr("!#$%&'*+-.^_`|~", c));
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static enum h1_verdict request_version(struct h1_start_line *s, uint8_t c)
{
	static const char pattern[] = " HTTP/1.";

	if (s->version == 9 && c == '\r') {
		s->version = 10;
		return H1_MORE;
	}
	if (s->version >= 9 && c == '\n')
		return H1_YES;
	if (s->version == 8 ? is_digit(c) : s->version < 8 && c == (uint8_t)pattern[s->version])
		s->version++;
	else
		s->version = c == ' ';
	return H1_MORE;
}

/* method SP target SP HTTP/1.x; blanks inside a target are tolerated, as servers do. */
static enum h1_verdict request_step(struct h1_start_line *s, uint8_t c)
{
	if (!s->in_target) {
		if (is_tchar(c))
			return ++s->method <= METHOD_MAX ? H1_MORE : H1_NO;
		s->in_target = 1;
		return c == ' ' && s->method ? H1_MORE : H1_NO;
	}
	if (s->in_target == 1) {
		s->in_target = 2;
		return c > ' ' && c != 0x7f ? H1_MORE : H1_NO;
	}
	enum h1_verdict v = request_version(s, c);
	return v == H1_MORE && (c < ' ' || c == 0x7f) && s->version != 10 ? H1_NO : v;
}

static enum h1_verdict response_step(struct h1_start_line *s, uint8_t c)
{
	static const char pattern[] = "HTTP/1.0 000";

	if (s->status < sizeof(pattern) - 1) {
		uint8_t want = (uint8_t)pattern[s->status];
		s->status++;
		return want == '0' ? (is_digit(c) ? H1_MORE : H1_NO) : c == want ? H1_MORE : H1_NO;
	}
	if (s->status == sizeof(pattern) - 1) {
		s->status++;
		if (c != ' ' && c != '\r' && c != '\n')
			return H1_NO;
	}
	return c == '\n' ? H1_YES : H1_MORE;
}

enum h1_verdict h1_start_line_step(struct h1_start_line *s, uint8_t c)
{
	enum h1_verdict request = s->kinds & H1_REQUEST ? request_step(s, c) : H1_NO;
	enum h1_verdict response = s->kinds & H1_RESPONSE ? response_step(s, c) : H1_NO;

	if (request == H1_YES || response == H1_YES) {
		s->kinds = request == H1_YES ? H1_REQUEST : H1_RESPONSE;
		return H1_YES;
	}
	s->kinds = (uint8_t)((request == H1_MORE ? H1_REQUEST : 0) |
			     (response == H1_MORE ? H1_RESPONSE : 0));
	return s->kinds ? H1_MORE : H1_NO;
}

/* The fields that say where a message ends are kept whatever else is cut. */
static bool is_framing(const char *line, size_t len)
{
	static const char *const names[] = { "content-length:", "transfer-encoding:" };

	for (size_t i = 0; i < 2; i++)
		if (len >= strlen(names[i]) && (*line | 0x20) == *names[i] &&
		    !strncasecmp(line, names[i], strlen(names[i])))
			return true;
	return false;
}

/* Part of a line, up to LIMIT_HEAD_LINE of it; past that its last bytes slide along. */
static void put_part(struct h1_lines *l, const uint8_t *data, size_t len)
{
	size_t have = l->text.len - l->start;
	size_t room = have < LIMIT_HEAD_LINE ? LIMIT_HEAD_LINE - have : 0;
	size_t n = len < room ? len : room;

	l->line_size += len;
	/* Most heads fit. */
	if (!l->text.cap)
		buf_reserve(&l->text, 512);
	if (buf_put(&l->text, data, n)) {
		l->cut += len;
		return;
	}
	data += n;
	len -= n;
	l->cut += len;
	if (!len)
		return;
	char *tail = l->text.data + l->text.len - LINE_TAIL;
	size_t keep = len < LINE_TAIL ? LINE_TAIL - len : 0;
	memmove(tail, tail + LINE_TAIL - keep, keep);
	memcpy(tail + keep, data + len - (LINE_TAIL - keep), LINE_TAIL - keep);
}

/* The LF came. True when the line is empty. */
static bool end_line(struct h1_lines *l)
{
	char *line = l->text.data ? l->text.data + l->start : NULL;
	size_t len = l->text.len - l->start;
	size_t bound = LIMIT_HEAD_BYTES;

	if (len && line[len - 1] == '\r')
		l->text.len = l->start + --len;
	else
		l->bare_lf = true;
	bool empty = l->line_size <= 1 && !len;
	if (len && is_framing(line, len))
		bound += LIMIT_HEAD_LINE;
	if (l->text.len + 1 > bound) {
		l->cut += len;
		l->text.len = l->start;
	} else if (buf_putc(&l->text, '\n')) {
		l->text.len = l->start;
	}
	l->start = (uint32_t)l->text.len;
	l->line_size = 0;
	return empty;
}

size_t h1_lines_feed(struct h1_lines *l, const uint8_t *data, size_t len, bool *ret_end)
{
	size_t done = 0, cap = l->text.cap;

	*ret_end = false;
	while (done < len && !*ret_end) {
		const uint8_t *lf = memchr(data + done, '\n', len - done);
		size_t n = lf ? (size_t)(lf - data) - done : len - done;
		put_part(l, data + done, n);
		done += n;
		if (lf) {
			done++;
			*ret_end = end_line(l);
		}
	}
	l->size += done;
	account_change(l->account, cap, l->text.cap);
	return done;
}

void h1_lines_reset(struct h1_lines *l)
{
	/* An idle connection holds no buffer. */
	account_change(l->account, l->text.cap, 0);
	buf_free(&l->text);
	*l = (struct h1_lines){ .account = l->account };
}
