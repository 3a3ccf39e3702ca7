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

size_t log_escape(const char *text, char *ret, size_t room)
{
	const unsigned char *p = (const unsigned char *)text, *end = p + strlen(text);
	size_t n = 0;

	while (p < end) {
		size_t len = utf8_printable(p, (size_t)(end - p));
		char hex[5];
		if (!len)
			snprintf(hex, sizeof(hex), *p == '\n' ? "\\n" : "\\x%02x", *p);
		const char *from = len ? (const char *)p : hex;
		size_t size = len ? len : strlen(hex);
		if (n + size >= room)
			break;
		memcpy(ret + n, from, size);
		n += size;
		p += len ? len : 1;
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
