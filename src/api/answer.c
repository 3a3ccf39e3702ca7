// SPDX-License-Identifier: GPL-2.0-or-later
#include "config.h"

#include "api/answer.h"

#include <microhttpd.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "api/request.h"

void answer_header(struct request *r, const char *name, const char *fmt, ...)
{
	struct answer *a = &r->answer;
	va_list ap;

	if (a->headers == LIMIT_ANSWER_HEADERS)
		return;
	va_start(ap, fmt);
	if (vasprintf(&a->header[a->headers].value, fmt, ap) >= 0)
		a->header[a->headers++].name = name;
	va_end(ap);
}

bool answer_unchanged(const struct request *r, const char *tag)
{
	const char *wanted = request_header(r, MHD_HTTP_HEADER_IF_NONE_MATCH);
	size_t n = strlen(tag);

	if (!wanted || !(r->method & (METHOD_GET | METHOD_HEAD)))
		return false;
	if (!strcmp(wanted, "*"))
		return true;
	/* Weak comparison (RFC 9110 section 8.8.3.2): W/ before the tag does not matter. */
	for (const char *p = strstr(wanted, tag); p; p = strstr(p + 1, tag))
		if (p[n] == '\0' || p[n] == ',' || p[n] == ' ')
			return true;
	return false;
}
