// SPDX-License-Identifier: GPL-2.0-or-later
/* Names and types from a FileDescriptorSet: what protoc wrote, and files of anybody's. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/json_write.h"
#include "body/body_json.h"
#include "body/proto_set.h"

static void check_tree(const char *format, const struct body_about *about, const void *data,
		       size_t len, const char *json)
{
	struct buf out = { 0 };
	struct jw j = jw_begin(&out);

	assert_int_equal(body_put_tree(body_format_named(format), about, data, len, &j), 0);
	assert_string_equal(buf_cstr(&out), json);
	buf_free(&out);
}

static void read_data(const char *name, struct buf *ret)
{
	char path[512];

	snprintf(path, sizeof(path), "%s/tests/data/proto/%s", getenv("srcdir") ?: ".", name);
	FILE *f = fopen(path, "rb");
	assert_non_null(f);
	assert_int_equal(buf_reserve(ret, 1 << 16), 0);
	ret->len = fread(ret->data, 1, 1 << 16, f);
	fclose(f);
}

static struct proto_set *shop(void)
{
	struct proto_set *s;
	struct buf set = { 0 };
	char error[200];

	read_data("shop.set", &set);
	assert_int_equal(proto_set_new(&s), 0);
	assert_int_equal(proto_set_add(s, set.data, set.len, error, sizeof(error)), 0);
	proto_set_sort(s);
	buf_free(&set);
	return s;
}

static bool text_says(struct text t, const char *what)
{
	return t.data && t.len == strlen(what) && !memcmp(t.data, what, t.len);
}

/* What protoc made of shop.proto and order.txt. */
static void test_proto_set(void **state)
{
	static const char line[] =
		"{\"type\":\"message\",\"members\":[{\"name\":\"1\",\"alias\":\"sku\",\"type\":"
		"\"string\",\"value\":\"%s\"},{\"name\":\"2\",\"alias\":\"change\",\"type\":"
		"\"sint32\",\"value\":%d}]}";
	static const char label[] =
		"{\"type\":\"message\",\"members\":[{\"name\":\"1\",\"alias\":\"key\",\"type\":"
		"\"string\",\"value\":\"%s\"},{\"name\":\"2\",\"alias\":\"value\",\"type\":"
		"\"string\",\"value\":\"%s\"}]}";
	struct proto_set *s = shop();
	struct buf in = { 0 }, out = { 0 }, json = { 0 };
	struct jw j = jw_begin(&out);

	(void)state;
	buf_puts(&json, "{\"format\":\"protobuf\",\"tree\":{\"type\":\"message\",\"members\":["
			"{\"name\":\"1\",\"alias\":\"id\",\"type\":\"int64\",\"value\":7},"
			"{\"name\":\"2\",\"alias\":\"state\",\"type\":\"enum\",\"label\":\"PAID\","
			"\"value\":1},{\"name\":\"3\",\"alias\":\"line\",\"type\":\"repeated\","
			"\"elements\":[");
	buf_printf(&json, line, "tea", -1);
	buf_putc(&json, ',');
	buf_printf(&json, line, "cup", 2);
	buf_puts(&json,
		 "]},{\"name\":\"4\",\"alias\":\"price\",\"type\":\"packed\",\"elements\":["
		 "{\"type\":\"double\",\"value\":1.5},{\"type\":\"double\",\"value\":2}]},"
		 "{\"name\":\"5\",\"alias\":\"gift\",\"type\":\"bool\",\"value\":true},"
		 "{\"name\":\"6\",\"alias\":\"password\",\"type\":\"string\",\"value\":"
		 "\"open sesame\"},{\"name\":\"7\",\"alias\":\"label\",\"type\":\"repeated\","
		 "\"elements\":[");
	buf_printf(&json, label, "colour", "red");
	buf_putc(&json, ',');
	buf_printf(&json, label, "api_token", "not to be seen");
	buf_puts(
		&json,
		"]},{\"name\":\"8\",\"alias\":\"digest\",\"type\":\"bytes\",\"hex\":\"0102ff\","
		"\"size\":3},{\"name\":\"9\",\"alias\":\"weight\",\"type\":\"float\",\"value\":0.1}"
		","
		"{\"name\":\"10\",\"alias\":\"past\",\"type\":\"packed\",\"elements\":[{\"type\":"
		"\"enum\",\"label\":\"NEW\",\"value\":0},{\"type\":\"enum\",\"label\":\"PAID\","
		"\"value\":1}]},{\"name\":\"11\",\"alias\":\"offset\",\"type\":\"sfixed32\","
		"\"value\":-5},{\"name\":\"12\",\"alias\":\"balance\",\"type\":\"int32\",\"value\":"
		"-3}]},\"message\":\"shop.Order\"}");
	read_data("order.bin", &in);
	assert_int_equal(protobuf_tree(s, "shop.Order", (const uint8_t *)in.data, in.len, &j), 0);
	assert_string_equal(buf_cstr(&out), buf_cstr(&json));
	buf_reset(&out);
	const struct body_about about = {
		.set = s, .content_type = "application/x-protobuf; messageType=\"shop.Order\""
	};
	check_tree("protobuf", &about, in.data, in.len, buf_cstr(&json));
	/* A type that nobody knows is as good as none. */
	j = jw_begin(&out);
	assert_int_equal(protobuf_tree(s, "shop.None", (const uint8_t *)in.data, in.len, &j), 0);
	assert_non_null(strstr(buf_cstr(&out), "\"guessed\":true"));
	assert_null(strstr(buf_cstr(&out), "alias"));
	assert_true(text_says(proto_set_method(s, (struct text){ "shop.Shop", 9 },
					       (struct text){ "Put", 3 }, true),
			      "shop.Order.Line"));
	proto_set_free(s);
	buf_free(&in);
	buf_free(&out);
	buf_free(&json);
}

/* What the schema says otherwise than the bytes counts for nothing, and nothing is lost. */
static void test_schema_mismatch(void **state)
{
	struct proto_set *s = shop();
	const struct body_about about = { .set = s, .message_type = "shop.Order" };

	(void)state;
	/* id as a text; line that is no message; a text that is none; a field of nobody */
	check_tree(
		"protobuf", &about, "\x0a\x02hi\x1a\x01\xff\x32\x02\xff\xfe\x78\x05", 13,
		"{\"format\":\"protobuf\",\"tree\":{\"type\":\"message\",\"members\":["
		"{\"name\":\"1\",\"alias\":\"id\",\"type\":\"packed\",\"elements\":["
		"{\"type\":\"int64\",\"value\":104},{\"type\":\"int64\",\"value\":105}]},"
		"{\"name\":\"3\",\"alias\":\"line\",\"type\":\"bytes\",\"hex\":\"ff\",\"size\":1},"
		"{\"name\":\"6\",\"alias\":\"password\",\"type\":\"bytes\",\"hex\":\"fffe\","
		"\"size\":2},{\"name\":\"15\",\"type\":\"varint\",\"value\":5}]},"
		"\"message\":\"shop.Order\"}");
	proto_set_free(s);
}

/* A file of anybody's: every byte of it cut off or changed is refused or taken, never more. */
static void test_hostile_set(void **state)
{
	struct buf set = { 0 };
	char error[200];
	struct proto_set *s;

	(void)state;
	read_data("shop.set", &set);
	for (size_t i = 0; i < 2 * set.len; i++) {
		struct buf copy = { 0 };
		assert_int_equal(buf_put(&copy, set.data, i < set.len ? i : set.len), 0);
		if (i >= set.len)
			copy.data[i - set.len] ^= 0xff;
		assert_int_equal(proto_set_new(&s), 0);
		int r = proto_set_add(s, copy.data, copy.len, error, sizeof(error));
		assert_true(!r || r == -EINVAL || r == -E2BIG);
		proto_set_sort(s);
		const struct proto_message *m =
			proto_set_message(s, (struct text){ "shop.Order", 10 });
		proto_message_field(s, m, 3);
		proto_set_free(s);
		buf_free(&copy);
	}
	assert_int_equal(proto_set_new(&s), 0);
	assert_int_equal(proto_set_add(s, "\x01\x02", 2, error, sizeof(error)), -EINVAL);
	assert_non_null(strstr(error, "protoc"));
	/* more rows than are taken: a file of empty messages */
	buf_reset(&set);
	buf_puts(&set, "\x0a\x80\x80\x20");
	for (int i = 0; i < 1 << 18; i++)
		buf_put(&set, "\x22", 2);
	assert_int_equal(set.len, 4 + (1 << 19));
	assert_int_equal(proto_set_add(s, set.data, set.len, error, sizeof(error)), 0);
	assert_int_equal(proto_set_add(s, set.data, set.len, error, sizeof(error)), -E2BIG);
	assert_int_equal(proto_set_read(s, "/dev/zero", error, sizeof(error)), -EINVAL);
	assert_non_null(strstr(error, "--proto-set /dev/zero"));
	assert_int_equal(proto_set_read(s, "/nonexistent", error, sizeof(error)), -ENOENT);
	proto_set_free(s);
	buf_free(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_proto_set),
		cmocka_unit_test(test_schema_mismatch),
		cmocka_unit_test(test_hostile_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
