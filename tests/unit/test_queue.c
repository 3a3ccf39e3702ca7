// SPDX-License-Identifier: GPL-2.0-or-later
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "app/queue.h"
#include "base/limits.h"
#include "entry.h"

static struct entry *version(uint64_t live, int32_t status, const char *request,
			     const char *response)
{
	struct entry *e = entry_new();

	e->live = live;
	e->status_code = status;
	e->body_kept[0] = !request;
	e->body_kept[1] = !response;
	buf_puts(&e->request_body, request ? request : "");
	buf_puts(&e->response_body, response ? response : "");
	return e;
}

static void assert_entry(struct entry *e, uint64_t live, int32_t status, const char *request,
			 const char *response)
{
	assert_int_equal(e->live, live);
	assert_int_equal(e->status_code, status);
	assert_int_equal(e->body_kept[0], !request);
	assert_int_equal(e->body_kept[1], !response);
	assert_string_equal(buf_cstr(&e->request_body), request ? request : "");
	assert_string_equal(buf_cstr(&e->response_body), response ? response : "");
	entry_free(e);
}

/* A version that waits is replaced, in its place; one that was taken is not. */
static void test_versions(void **state)
{
	struct queue *q = queue_new(LIMIT_QUEUE_BYTES);
	struct entry *got[8];

	(void)state;
	queue_push_take(q, version(1, 0, "question", ""));
	queue_push_take(q, version(0, 1, "", ""));
	queue_push_take(q, version(0, 2, "", ""));
	queue_push_take(q, version(2, 0, NULL, NULL));
	queue_push_take(q, version(1, 200, NULL, "answer"));
	queue_push_take(q, version(2, 404, NULL, "new"));
	queue_push_take(q, version(1, 201, NULL, NULL));
	assert_int_equal(queue_pop(q, got, 8, 0), 4);
	assert_entry(got[0], 1, 201, "question", "answer");
	assert_entry(got[1], 0, 1, "", "");
	assert_entry(got[2], 0, 2, "", "");
	assert_entry(got[3], 2, 404, NULL, "new");
	assert_int_equal(queue_bytes(q), 0);
	queue_push_take(q, version(1, 500, NULL, NULL));
	assert_int_equal(queue_pop(q, got, 8, 0), 1);
	assert_entry(got[0], 1, 500, NULL, NULL);
	queue_free(q);
}

/* All exchanges that may be open, told again and again: one version of each waits at the most. */
static void test_many(void **state)
{
	const uint64_t open = 5000;
	struct queue *q = queue_new(LIMIT_QUEUE_BYTES);
	struct entry *got[LIMIT_BATCH];
	size_t count = 0;
	int n;

	(void)state;
	for (int32_t round = 1; round <= 10; round++)
		for (uint64_t i = 1; i <= open; i++)
			queue_push_take(q, version(i, round, NULL, NULL));
	assert_true(queue_bytes(q) > 0);
	while ((n = queue_pop(q, got, LIMIT_BATCH, 0)) > 0)
		for (int i = 0; i < n; i++)
			assert_entry(got[i], ++count, 10, NULL, NULL);
	assert_int_equal(count, open);
	assert_int_equal(queue_bytes(q), 0);
	queue_free(q);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
