// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/utf8.h"

#define LOG_LINE_MAX 2048

static enum log_level max_level = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
	max_level = level;
}

/* Control characters of C0 and C1, line separators, marks of direction (Trojan Source). */
static bool is_plain(const unsigned char *p, size_t len)
{
	if (len == 1)
		return *p >= ' ' && *p != 0x7f;
	if (len == 2)
		return !(p[0] == 0xc2 && p[1] < 0xa0) && !(p[0] == 0xd8 && p[1] == 0x9c);
	if (len == 3 && p[0] == 0xe2 && p[1] == 0x80)
		return p[2] != 0x8e && p[2] != 0x8f && !(p[2] >= 0xa8 && p[2] <= 0xae);
	if (len == 3 && p[0] == 0xe2 && p[1] == 0x81)
		return p[2] < 0xa6 || p[2] > 0xa9;
	return true;
}

size_t log_escape(const char *text, char *ret, size_t room)
{
	const unsigned char *p = (const unsigned char *)text, *end = p + strlen(text);
	size_t n = 0;

	while (p < end) {
		size_t len = utf8_length(p, (size_t)(end - p));
		char hex[5];
		bool plain = len && is_plain(p, len);
		if (!plain) {
			len = 1;
			snprintf(hex, sizeof(hex), *p == '\n' ? "\\n" : "\\x%02x", *p);
		}
		const char *from = plain ? (const char *)p : hex;
		size_t size = plain ? len : strlen(hex);
		if (n + size >= room)
			break;
		memcpy(ret + n, from, size);
		n += size;
		p += len;
	}
	ret[n] = '\0';
	return n;
}

void log_at(enum log_level level, const char *fmt, ...)
{
	static const char *const prefix[] = { "error: ", "warning: ", "", "debug: " };
	char text[LOG_LINE_MAX], line[LOG_LINE_MAX];
	va_list ap;

	if (level > max_level)
		return;
	va_start(ap, fmt);
	int m = vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	if (m < 0)
		return;
	size_t n = (size_t)snprintf(line, sizeof(line), "cleartap: %s", prefix[level]);
	n += log_escape(text, line + n, sizeof(line) - n - 1);
	line[n++] = '\n';
	/* One write, so that lines of the two processes never mix. Nobody to tell if it fails. */
	if (write(STDERR_FILENO, line, n) < 0)
		return;
}
