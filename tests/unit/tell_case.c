// SPDX-License-Identifier: GPL-2.0-or-later
/* tell_case FILE: what is told of each case, as the lines that expect it (tests/record/record.py).
 */
#include "unit.h"

#include <stdio.h>

#include "cases.h"
#include "entry.h"

static void tell(const struct test_case *c)
{
	struct outcome o = { 0 };

	case_feed(c, (struct cut){ 0 }, &o);
	for (size_t i = 0; i < o.count; i++) {
		const struct entry *e = o.entries[i];
		printf("= protocol=%s|method=%s|summary=%s|status=%s|failed=%d|complete=%d",
		       e->protocol, e->method, e->summary, e->status, e->failed, e->complete);
		printf("|request_size=%lld|response_size=%lld|reason=%s\n",
		       (long long)e->request_size, (long long)e->response_size, e->reason);
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
