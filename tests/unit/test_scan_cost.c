// SPDX-License-Identifier: GPL-2.0-or-later
/* What hostile texts and heads cost to look through for secrets: twice the bytes, twice the cost.
 */
#include "unit.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dissect/dissect.h"
#include "entry.h"
#include "message.h"
#include "redact/redact.h"
#include "redact/secret_scan.h"

static struct redact *redact;

/* What hostile texts repeat. */
static const struct {
	enum scan_mode mode;
	const char *begin, *unit;
} hostile[] = {
	{ SCAN_TEXT, "--X\r\nContent-Disposition: form-data; name=\"token\"\r\n",
	  "--X\r\nContent-Disposition: form-data; name=\"a\"\r\n" },
	{ SCAN_TEXT, "", "--X\r\nContent-Disposition: form-data; name=\"token\"\r\n\r\n" },
	{ SCAN_TEXT, "", "<sid " },
	{ SCAN_TEXT, "", "<sid>" },
	{ SCAN_TEXT, "", "<key>token</key" },
	{ SCAN_TEXT, "", "\"token\":" },
	{ SCAN_TEXT, "", "\"token\":[" },
	{ SCAN_TEXT, "", "\"token\":\\\"" },
	{ SCAN_TEXT, "", "\"name\":\"token\"," },
	{ SCAN_TEXT, "\"", "\\" },
	{ SCAN_TEXT, "", "\\\"" },
	{ SCAN_TEXT, "", "\"':" },
	{ SCAN_TEXT, "", "key=" },
	{ SCAN_TEXT, "", "key:" },
	{ SCAN_TEXT, "", "tokens: 1 " },
	{ SCAN_TEXT, "", "sid=x " },
	{ SCAN_TEXT, "", "pas=" },
	{ SCAN_TEXT, "", "aaaaaaaaaaaaaaaa" },
	{ SCAN_TEXT, "", "ghp_" },
	{ SCAN_TEXT, "", "eyJ " },
	{ SCAN_TEXT, "", "bearer " },
	{ SCAN_TEXT, "", "basic+" },
	{ SCAN_TEXT, "", "basic%20" },
	{ SCAN_TEXT, "", "4111 " },
	{ SCAN_TEXT, "", "-----BEGIN PRIVATE KEY" },
	{ SCAN_TEXT, "", "://" },
	{ SCAN_TEXT, "", "://a:" },
	{ SCAN_TEXT, "", "{[" },
	{ SCAN_TEXT, "", "auth:{" },
	{ SCAN_TEXT, "", "\n\r\n" },
	{ SCAN_FORM, "", "a=" },
	{ SCAN_FORM, "", "a=%61&" },
	{ SCAN_FORM, "", "key=" },
	{ SCAN_FORM, "a=", "%2561" },
	{ SCAN_FORM, "", "a=%26a%3d" },
	{ SCAN_FORM, "", "tokens=1" },
	{ SCAN_URL, "/", ";sid=" },
	{ SCAN_URL, "/", "?a=" },
	{ SCAN_URL, "/?", "sid=x&" },
	{ SCAN_QUERY, "", "a=b%3fkey%3d" },
};

#define COST_SIZE  (64 << 10)
#define COST_TRIES 5
#define COST_RUNS  5

struct cost {
	uint64_t work, ns;
};

static uint64_t thread_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static struct cost cost_of(size_t which, size_t size)
{
	static struct names names = { .broad = true };
	static const struct siphash_key key;
	const struct scan_options o = { .names = &names,
					.kind = "body",
					.mode = hostile[which].mode };
	struct buf text = { 0 }, out = { 0 };
	struct message_masks masks = { 0 };

	buf_puts(&text, hostile[which].begin);
	while (text.len < size)
		buf_puts(&text, hostile[which].unit);
	uint64_t start = thread_ns();
	struct masker m = mask_begin(text.data, text.len, &key, &out, &masks);
	assert_int_equal(scan_text(&m, &o), 0);
	mask_end(&m);
	struct cost cost = { m.work, thread_ns() - start };
	free(masks.list);
	buf_free(&text);
	buf_free(&out);
	return cost;
}

/* Heads that repeat something, as a whole on their way through redaction. */
static const struct {
	const char *begin, *unit, *end;
} hostile_heads[] = {
	{ "GET /?", "sid=x&", " HTTP/1.1\r\n\r\n" },
	{ "GET /", ";sid=", " HTTP/1.1\r\n\r\n" },
	{ "GET /?a=", "%2561", " HTTP/1.1\r\n\r\n" },
	{ "GET /?", "a=b%3fkey%3d", " HTTP/1.1\r\n\r\n" },
	{ "GET / HTTP/1.1\r\nCookie: ", "a=b; ", "\r\n\r\n" },
	{ "GET / HTTP/1.1\r\n", "X-Token: a\r\n", "\r\n" },
	{ "GET / HTTP/1.1\r\nSec-WebSocket-Protocol: ", "bearer,", "\r\n\r\n" },
	{ "GET / HTTP/1.1\r\nReferer: http://", "a:", "\r\n\r\n" },
};

static void take_one(void *ctx, struct entry *e)
{
	*(struct entry **)ctx = e;
}

static struct cost head_cost(size_t which, size_t size)
{
	struct entry *e = NULL;
	const struct entry_sink sink = { .emit = take_one, .ctx = &e };
	const struct conn_hint hint = { 0 };
	struct dissection *d = dissect_open(&sink, &hint);
	struct buf text = { 0 };

	buf_puts(&text, hostile_heads[which].begin);
	while (text.len < size)
		buf_puts(&text, hostile_heads[which].unit);
	buf_puts(&text, hostile_heads[which].end);
	dissect_feed(d, DIR_WRITE, (const uint8_t *)text.data, text.len, 0, 1);
	dissect_close(d, 2);
	assert_non_null(e);
	uint64_t start = thread_ns();
	assert_int_equal(redact_entry(redact, e), 0);
	struct cost cost = { 0, thread_ns() - start };
	entry_free(e);
	buf_free(&text);
	return cost;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static double ratio_of_medians(struct cost (*of)(size_t, size_t), size_t which, size_t size)
{
	uint64_t one[COST_RUNS], two[COST_RUNS];

	for (int i = 0; i < COST_RUNS; i++) {
		one[i] = of(which, size).ns;
		two[i] = of(which, 2 * size).ns;
	}
	qsort(one, COST_RUNS, sizeof(*one), compare);
	qsort(two, COST_RUNS, sizeof(*two), compare);
	return (double)two[COST_RUNS / 2] / (double)one[COST_RUNS / 2];
}

/* On a busy machine one try in several is undisturbed. */
static void assert_linear(struct cost (*of)(size_t, size_t), size_t which, size_t size,
			  const char *unit)
{
	double ratio = 9;

	for (int try = 0; try < COST_TRIES && ratio > 2.2; try++)
		ratio = ratio_of_medians(of, which, size);
	if (ratio > 2.2)
		fail_msg("time of \"%s\" grows to the %.1f-fold", unit, ratio);
}

/* Twice the bytes, twice the cost: counted exactly, and in processor time. */
static void test_cost(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(hostile) / sizeof(*hostile); i++) {
		struct cost one = cost_of(i, COST_SIZE), two = cost_of(i, 2 * COST_SIZE);
		if (getenv("COST"))
			print_message("%5.1f ns %5.1f looked at again a byte: %s\n",
				      (double)two.ns / (2 * COST_SIZE),
				      (double)two.work / (2 * COST_SIZE), hostile[i].unit);
		if (two.work * 10 > one.work * 22 + 10240)
			fail_msg("work of \"%s\" grows from %lu to %lu", hostile[i].unit,
				 (unsigned long)one.work, (unsigned long)two.work);
		assert_linear(cost_of, i, COST_SIZE, hostile[i].unit);
	}
	for (size_t i = 0; i < sizeof(hostile_heads) / sizeof(*hostile_heads); i++)
		assert_linear(head_cost, i, COST_SIZE / 8, hostile_heads[i].unit);
}

static int load(void **state)
{
	char error[200];

	(void)state;
	return redact_new(NULL, 0, true, &redact, error, sizeof(error));
}

static int unload(void **state)
{
	(void)state;
	redact_free(redact);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_cost) };

	return cmocka_run_group_tests(tests, load, unload);
}
