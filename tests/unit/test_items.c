// SPDX-License-Identifier: GPL-2.0-or-later
/* The messages of a long exchange: bounds, versions, what is written of them, what is masked. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "base/json_write.h"
#include "base/limits.h"
#include "entry.h"
#include "items.h"
#include "redact/mask.h"
#include "redact/redact.h"
#include "message.h"

static struct item *add(struct items *l, enum item_from from, const char *kind, const char *text)
{
	struct item *i = items_begin(l, from, kind, 1001 + (int64_t)l->total);

	items_put(l, i, text, strlen(text));
	i->size += strlen(text);
	items_end(l, i);
	return i;
}

static void assert_json(const struct items *l, const char *want)
{
	struct buf b = { 0 };
	struct jw j = jw_begin(&b);

	jw_object(&j, NULL);
	items_put_json(&j, l);
	jw_end_object(&j);
	assert_int_equal(jw_done(&j), 0);
	assert_string_equal(buf_cstr(&b), want);
	buf_free(&b);
}

static void test_json(void **state)
{
	struct items *l = items_new();
	struct item *i;

	(void)state;
	assert_json(NULL, "{}");
	assert_json(l, "{}");
	add(l, ITEM_CLIENT, "text", "h\xc3\xa9");
	i = add(l, ITEM_SERVER, "binary", "\xff\x01");
	i->size = 9;
	items_name(l, i, "a/b", 3);
	i->note = "odd";
	i = items_begin(l, ITEM_SERVER, "text", 7);
	items_put(l, i, "a\xe2\x82", 3); /* ends inside a character */
	i->size = 3;
	struct items *copy = items_copy(l);
	const char *want =
		"{\"messages\":["
		"{\"from\":\"client\",\"time_us\":1001,\"size\":3,\"kind\":\"text\","
		"\"text\":\"h\xc3\xa9\"},"
		"{\"from\":\"server\",\"time_us\":1002,\"size\":9,\"length\":2,\"kind\":\"binary\","
		"\"name\":\"a/b\",\"hex\":\"ff01\",\"note\":\"odd\"},"
		"{\"from\":\"server\",\"time_us\":7,\"size\":3,\"kind\":\"text\",\"text\":\"a\","
		"\"open\":true}],\"messages_total\":3}";
	assert_json(l, want);
	items_end(l, i);
	items_free(l);
	/* A version is as it was told. */
	assert_json(copy, want);
	items_free(copy);
	items_free(NULL);
	assert_null(items_copy(NULL));
}

static void test_gaps(void **state)
{
	struct items *l = items_new();
	struct item *i = items_begin(l, ITEM_CLIENT, "text", 1);

	(void)state;
	items_put(l, i, "ab", 2);
	items_skip(i, 5, GAP_LOST);
	items_put(l, i, "cd", 2);
	items_end(l, i);
	i->size = 9;
	assert_json(
		l, "{\"messages\":[{\"from\":\"client\",\"time_us\":1,\"size\":9,\"kind\":\"text\","
		   "\"text\":\"abcd\",\"lost\":5,"
		   "\"gaps\":[{\"offset\":2,\"length\":5,\"why\":\"lost\"}]}],"
		   "\"messages_total\":1}");
	for (int n = 0; n < 100; n++) {
		items_skip(i, 1, GAP_TRUNCATED);
		items_put(l, i, "x", 1);
	}
	assert_true(i->cut);
	assert_true(i->content.gap_count <= LIMIT_ITEM_GAPS + 1);
	assert_int_equal(i->length, 209);
	items_free(l);
}

/* However many there are and however long they are, the newest are kept, and those that are open.
 */
static void test_bounds(void **state)
{
	struct items *l = items_new();
	char big[LIMIT_ITEM_BYTES + 100];
	struct item *first = items_begin(l, ITEM_SERVER, "text", 1);

	(void)state;
	memset(big, 'x', sizeof(big));
	items_put(l, first, "first", 5);
	for (int n = 0; n < 10 * LIMIT_ITEMS; n++)
		add(l, ITEM_CLIENT, "text", "small");
	assert_int_equal(l->count, LIMIT_ITEMS);
	assert_int_equal(l->total, 10 * LIMIT_ITEMS + 1);
	assert_int_equal(l->omitted, l->total - l->count);
	assert_ptr_equal(l->first, first);
	items_end(l, first);
	struct item *long_one = items_begin(l, ITEM_CLIENT, "text", 1);
	assert_ptr_not_equal(l->first, first);
	for (int n = 0; n < 3; n++)
		items_put(l, long_one, big, sizeof(big));
	items_name(l, long_one, big, sizeof(big));
	items_end(l, long_one);
	assert_true(long_one->cut);
	assert_int_equal(long_one->length, 3 * sizeof(big));
	assert_int_equal(long_one->content.bytes.len, LIMIT_ITEM_BYTES);
	assert_int_equal(long_one->content.gap_count, 0);
	assert_int_equal(long_one->name.len, LIMIT_ITEM_NAME);
	for (int n = 0; n < 100; n++) {
		struct item *i = items_begin(l, ITEM_CLIENT, "text", 1);
		items_put(l, i, big, sizeof(big));
		items_end(l, i);
		assert_true(l->bytes <= LIMIT_ITEMS_BYTES);
	}
	assert_true(l->count >= LIMIT_ITEMS_BYTES / LIMIT_ITEM_BYTES - 1);
	size_t kept = 0;
	for (struct item *i = l->first; i; i = i->next)
		kept += i->content.bytes.len + i->name.len;
	assert_int_equal(kept, l->bytes);
	items_omit(l);
	assert_int_equal(l->omitted, l->total);
	assert_int_equal(l->bytes, 0);
	add(l, ITEM_CLIENT, "text", "after");
	assert_string_equal(buf_cstr(&l->first->content.bytes), "after");
	items_free(l);
}

/* Secrets never reach the detail, in texts, in bytes that are none, and beside missing bytes. */
static void test_redact(void **state)
{
	struct redact *r;
	char error[256];
	struct entry *e = entry_new();
	struct items *l = items_new();

	(void)state;
	assert_int_equal(redact_new(NULL, 0, true, &r, error, sizeof(error)), 0);
	e->protocol = "websocket";
	add(l, ITEM_CLIENT, "text", "{\"password\":\"hunter2\",\"a\":1}");
	add(l, ITEM_CLIENT, "binary", "\x01\x02{\"password\":\"hunter2\"}");
	struct item *i = add(l, ITEM_SERVER, "event", "id=7");
	items_name(l, i, "?token=hunter2", 14);
	i = items_begin(l, ITEM_CLIENT, "text", 1);
	items_put(l, i, "{\"password\":\"hun", 16);
	items_skip(i, 2, GAP_LOST);
	items_put(l, i, "r2hunter2\"}", 11);
	items_end(l, i);
	e->items = l;
	assert_int_equal(redact_entry(r, e), 0);
	const char *detail = buf_cstr(&e->detail);
	assert_null(e->items);
	assert_null(strstr(detail, "hunter2"));
	assert_null(strstr(detail, "68756e74657232"));
	assert_non_null(strstr(detail, "{\\\"password\\\":\\\"" MASK));
	assert_non_null(strstr(detail, "id=7"));
	assert_non_null(strstr(detail, "\"messages_redacted\":[\"body password\""));
	entry_free(e);
	redact_free(r);
}

/* What is given up for a store that is slow is told. */
static void test_drop(void **state)
{
	struct entry *e = entry_new();

	(void)state;
	e->items = items_new();
	add(e->items, ITEM_CLIENT, "text", "x");
	size_t with = entry_bytes(e);
	entry_drop_bodies(e, "why");
	assert_true(entry_bytes(e) < with);
	assert_int_equal(entry_write_detail(e), 0);
	assert_non_null(strstr(buf_cstr(&e->detail), "\"messages\":[],\"messages_total\":1,"
						     "\"messages_omitted\":1"));
	entry_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_json),   cmocka_unit_test(test_gaps),
		cmocka_unit_test(test_bounds), cmocka_unit_test(test_redact),
		cmocka_unit_test(test_drop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
