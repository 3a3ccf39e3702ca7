// SPDX-License-Identifier: GPL-2.0-or-later
/* Names by the schema that a server told (server reflection): whose they are, and their bounds. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "entry.h"
#include "items.h"
#include "message.h"
#include "redact/redact.h"

#define REFLECTION(version) "/grpc.reflection." version ".ServerReflection/ServerReflectionInfo"

static struct redact *redact;

static struct entry *call(uint16_t port, const char *path)
{
	struct entry *e = entry_new();

	assert_non_null(e);
	e->protocol = "grpc";
	e->path = path;
	e->dst.ip = port ? "192.0.2.7" : "";
	e->dst.port = port;
	for (int i = 0; i < 2; i++) {
		e->message[i] = message_new(!i, NULL);
		assert_non_null(e->message[i]);
		e->message[i]->has_head = true;
		e->message[i]->content_type = message_text(e->message[i], "application/grpc", 16);
	}
	return e;
}

static void put_length(struct buf *b, unsigned tag, size_t len)
{
	buf_putc(b, (char)tag);
	for (; len > 0x7f; len >>= 7)
		buf_putc(b, (char)(0x80 | (len & 0x7f)));
	buf_putc(b, (char)len);
}

/* The FileDescriptorProto of shop.set, in which `replace` stands for "password". */
static void read_file(const char *replace, struct buf *ret)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/tests/data/proto/shop.set", getenv("srcdir") ?: ".");
	FILE *f = fopen(path, "rb");
	assert_non_null(f);
	assert_int_equal(buf_reserve(ret, 1 << 14), 0);
	ret->len = fread(ret->data, 1, 1 << 14, f);
	fclose(f);
	char *at = memmem(ret->data, ret->len, "password", 8);
	assert_non_null(at);
	memcpy(at, replace, 8);
}

/* Copies of one file, each under a name of its own. A set of one file is its field 1 already. */
static void put_files(struct buf *list, const char *replace, int copies)
{
	struct buf set = { 0 };

	read_file(replace, &set);
	for (int i = 0; i < copies; i++) {
		size_t from = list->len;
		buf_put(list, set.data, set.len);
		char *name = memmem(list->data + from, set.len, "shop.proto", 10);
		assert_non_null(name);
		name[0] = (char)('0' + i % 10);
		name[1] = (char)('0' + i / 10 % 10);
	}
	buf_free(&set);
}

static void learn(uint16_t port, const char *path, const char *replace, int copies)
{
	struct buf list = { 0 }, message = { 0 };
	struct entry *e = call(port, path);

	put_files(&list, replace, copies);
	put_length(&message, 4 << 3 | 2, list.len);
	buf_put(&message, list.data, list.len);
	const char head[5] = { 0, (char)(message.len >> 24), (char)(message.len >> 16),
			       (char)(message.len >> 8), (char)message.len };
	buf_put(&e->response_body, head, sizeof(head));
	buf_put(&e->response_body, message.data, message.len);
	buf_free(&message);
	buf_free(&list);
	assert_int_equal(redact_entry(redact, e), 0);
	entry_free(e);
}

/* A message of shop.Shop.Put is told so. */
static void check_order(uint16_t port, const char *want)
{
	static const char order[] = "\x08\x07\x32\x07hunter2";
	struct entry *e = call(port, "/shop.Shop/Put");

	e->items = items_new();
	struct item *i = items_begin(e->items, ITEM_CLIENT, "message", 1);
	assert_non_null(i);
	i->type = "application/x-protobuf";
	items_put(e->items, i, order, sizeof(order) - 1);
	items_end(e->items, i);
	assert_int_equal(redact_entry(redact, e), 0);
	const char *detail = buf_cstr(&e->detail);
	if (!strstr(detail, want))
		fail_msg("port %u: no %s: %s", port, want, detail);
	assert_int_equal(!strstr(want, "\u2022"), strstr(detail, "hunter2") != NULL);
	entry_free(e);
}

#define BY_NUMBER   "{\\\"1\\\":7,\\\"6\\\":\\\"hunter2\\\"}"
#define BY_PASSWORD "{\\\"id\\\":7,\\\"password\\\":\\\"\u2022"
#define BY_NICKNAME "{\\\"id\\\":7,\\\"nickname\\\":\\\"hunter2\\\"}"
#define BY_PET_NAME "{\\\"id\\\":7,\\\"pet_name\\\":\\\"hunter2\\\"}"

static void test_scope(void **state)
{
	(void)state;
	check_order(501, BY_NUMBER);
	learn(501, REFLECTION("v1"), "password", 1);
	check_order(501, BY_PASSWORD);
	check_order(502, BY_NUMBER);
	check_order(0, BY_NUMBER);
	/* Another server calls it otherwise. */
	learn(502, REFLECTION("v1alpha"), "nickname", 1);
	check_order(502, BY_NICKNAME);
	check_order(501, BY_PASSWORD);
	/* It has a new version. */
	learn(501, REFLECTION("v1"), "pet_name", 1);
	check_order(501, BY_PET_NAME);
	/* Nobody learns from what only looks like a reflection, or from a server that is not known.
	 */
	learn(503, "/shop.Shop/Reflect", "password", 1);
	check_order(503, BY_NUMBER);
	learn(0, REFLECTION("v1"), "password", 1);
	check_order(0, BY_NUMBER);
}

static uint64_t refused(void)
{
	return redact_stats(redact).schemas;
}

/* What is known stays within bounds, and what is not taken is counted. */
static void test_bounds(void **state)
{
	uint64_t before = refused();

	(void)state;
	learn(600, REFLECTION("v1"), "password", LIMIT_SCHEMA_FILES);
	assert_int_equal(refused(), before);
	learn(601, REFLECTION("v1"), "password", LIMIT_SCHEMA_FILES + 3);
	assert_int_equal(refused(), before + 3);
	/* The last that was taken is told again twice, which changes nothing. */
	for (int i = 0; i < LIMIT_SCHEMA_CHANGES + 5; i++)
		learn(602, REFLECTION("v1"), i % 2 ? "password" : "nickname", 1);
	assert_int_equal(refused(), before + 3 + 2);
	check_order(602, BY_NICKNAME);
	/* One host has its share of the places: the longest unused of its servers is forgotten. */
	for (uint16_t port = 700; port < 700 + LIMIT_SCHEMA_SERVERS / LIMIT_SHARE; port++)
		learn(port, REFLECTION("v1"), "nickname", 1);
	check_order(700, BY_NICKNAME);
	check_order(602, BY_NUMBER);
}

/* Names that would take far more than the bytes that tell them: none is taken. */
static void test_names(void **state)
{
	struct buf file = { 0 }, message = { 0 }, list = { 0 };
	uint64_t before = refused();
	struct entry *e = call(800, REFLECTION("v1"));

	(void)state;
	put_length(&file, 1 << 3 | 2, 1);
	buf_puts(&file, "n");
	put_length(&file, 2 << 3 | 2, 500);
	for (int i = 0; i < 500; i++)
		buf_putc(&file, 'p');
	/* Messages without anything. */
	for (int i = 0; i < 10000; i++)
		put_length(&file, 4 << 3 | 2, 0);
	put_length(&list, 1 << 3 | 2, file.len);
	buf_put(&list, file.data, file.len);
	put_length(&message, 4 << 3 | 2, list.len);
	buf_put(&message, list.data, list.len);
	const char head[5] = { 0, 0, (char)(message.len >> 16), (char)(message.len >> 8),
			       (char)message.len };
	buf_put(&e->response_body, head, sizeof(head));
	buf_put(&e->response_body, message.data, message.len);
	assert_int_equal(redact_entry(redact, e), 0);
	assert_int_equal(refused(), before + 1);
	buf_free(&file);
	buf_free(&list);
	buf_free(&message);
	entry_free(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_scope),
					    cmocka_unit_test(test_bounds),
					    cmocka_unit_test(test_names) };
	char error[200];

	if (redact_new(NULL, 0, true, &redact, error, sizeof(error)))
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	redact_free(redact);
	return failed;
}
