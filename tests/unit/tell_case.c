// SPDX-License-Identifier: GPL-2.0-or-later
/* tell_case FILE: what is told of each case, as the lines that expect it (tests/record/record.py).
 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "cases.h"
#include "entry.h"

/* As a case has it, where it is short. */
static void tell_body(const char *name, const struct buf *body)
{
	if (!body->len || body->len > 200)
		return;
	printf("%s \"", name);
	for (size_t i = 0; i < body->len; i++) {
		unsigned char c = (unsigned char)body->data[i];
		printf(c < ' ' || c > '~' || c == '"' || c == '\\' ? "\\x%02x" : "%c", c);
	}
	puts("\"");
}

static void tell_messages(struct entry *e)
{
	const char *from = strstr(buf_cstr(&e->detail), "\"messages\":["),
		   *to = from ? strstr(from, ",\"messages_total\"") : NULL;

	if (to)
		printf("+ %.*s\n", (int)(to - from), from);
}

static void tell(const struct test_case *c)
{
	struct outcome o = { 0 };

	case_feed(c, (struct cut){ 0 }, &o);
	for (size_t i = 0; i < o.count; i++) {
		struct entry *e = o.entries[i];
		printf("= protocol=%s|method=%s|summary=%s|status=%s|failed=%d|complete=%d",
		       e->protocol, e->method, e->summary, e->status, e->failed, e->complete);
		printf("|request_size=%lld|response_size=%lld|reason=%s\n",
		       (long long)e->request_size, (long long)e->response_size, e->reason);
		tell_body("request_body", &e->request_body);
		tell_body("response_body", &e->response_body);
		tell_messages(e);
	}
	outcome_free(&o);
}

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	cases_run(argv[1], tell);
	return cases_failed != 0;
}
