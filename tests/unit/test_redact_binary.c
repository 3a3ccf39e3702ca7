// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Secrets in MessagePack, CBOR, protobuf and UTF-16: what is stored does not have them, is of the
 * same format and says all the rest as it was.
 */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/limits.h"
#include "body/body_json.h"
#include "body/proto_set.h"
#include "redact/redact_internal.h"

#define SECRET "hunter2"
#define JWT    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"

static struct redact *rules(const struct proto_set *set)
{
	struct redact *r;
	char error[200];

	assert_int_equal(redact_new(NULL, 0, true, &r, error, sizeof(error)), 0);
	redact_name_fields(r, set);
	return r;
}

static void put_str(struct buf *b, char head, const char *text)
{
	buf_putc(b, (char)(head + (char)strlen(text)));
	buf_puts(b, text);
}

static void redact_it(const struct redact *r, const char *type, const struct buf *in,
		      const struct payload *p, struct body_result *ret)
{
	const struct body_text text = { type, "", in, p };

	assert_int_equal(redact_body(r, &text, ret), 0);
}

static void put_plain(const char *format, const void *data, size_t len, struct buf *out)
{
	assert_int_equal(body_put_plain(body_format_named(format), data, len, out), 0);
}

/* Each mask becomes "***" to compare with. */
static char *without_tokens(struct buf *json)
{
	char *s = strdup(buf_cstr(json)), *at;

	while ((at = strstr(s, MASK))) {
		memcpy(at, "***", 3);
		memmove(at + 3, at + MASK_SIZE, strlen(at + MASK_SIZE) + 1);
	}
	return s;
}

static void check(const char *type, const char *format, const struct buf *in, const char *want)
{
	struct redact *r = rules(NULL);
	struct body_result ret;
	struct buf json = { 0 };

	redact_it(r, type, in, NULL, &ret);
	assert_true(ret.changed && !ret.why);
	assert_null(memmem(ret.text.data, ret.text.len, SECRET, strlen(SECRET)));
	assert_null(memmem(ret.text.data, ret.text.len, JWT, strlen(JWT)));
	put_plain(format, ret.text.data, ret.text.len, &json);
	char *got = without_tokens(&json);
	assert_string_equal(got, want);
	free(got);
	free(ret.masks.list);
	buf_free(&ret.text);
	buf_free(&json);
	redact_free(r);
}

#define STR(text) put_str(&b, s, text)
#define MAP(n)	  buf_putc(&b, (char)(m + (n)))
#define LIST(n)	  buf_putc(&b, (char)(l + (n)))

/* The two formats differ in the heads alone: s of a text, m of a map, l of a list. */
static void check_items(const char *type, const char *format, char s, char m, char l)
{
	struct buf b = { 0 };

	MAP(6);
	STR("user");
	STR("ann");
	STR("password");
	STR(SECRET);
	STR("nested");
	LIST(3);
	MAP(1);
	STR("api_key");
	buf_putc(&b, 42);
	STR("a=1&pwd=" SECRET);
	MAP(2);
	STR("name");
	STR("password");
	STR("value");
	STR(SECRET);
	STR("secret");
	MAP(2);
	STR("a");
	STR(SECRET);
	STR("b");
	LIST(0);
	STR("n");
	buf_putc(&b, 7);
	STR("z");
	STR("end");
	check(type, format, &b,
	      "{\"user\":\"ann\",\"password\":\"***\",\"nested\":[{\"api_key\":\"***\"},"
	      "\"a=1&pwd=***\",{\"name\":\"password\",\"value\":\"***\"}],\"secret\":{\"a\":\"***"
	      "\","
	      "\"b\":[]},\"n\":7,\"z\":\"end\"}");
	buf_free(&b);
}

static void test_msgpack(void **state)
{
	struct buf b = { 0 };

	(void)state;
	check_items("application/msgpack", "msgpack", (char)0xa0, (char)0x80, (char)0x90);
	/* by its look, as a value and as a name, with a longer head */
	buf_puts(&b, "\x82\xa1t\xd9");
	buf_putc(&b, (char)strlen(JWT));
	buf_puts(&b, JWT "\xd9");
	buf_putc(&b, (char)strlen(JWT));
	buf_puts(&b, JWT "\x01");
	check("application/x-msgpack", "msgpack", &b, "{\"t\":\"***\",\"***\":1}");
	buf_free(&b);
}

static void test_cbor(void **state)
{
	struct buf b = { 0 };

	(void)state;
	check_items("application/cbor", "cbor", 0x60, (char)0xa0, (char)0x80);
	/* in pieces, in maps without a count, as bytes, behind a tag */
	buf_puts(&b, "\xbf\x68password\x7f\x63hun\x64ter2\xff\x63pwd\x47" SECRET
		     "\x65token\xc1\x67" SECRET "\x61z\x01\xff");
	check("application/x+cbor", "cbor", &b,
	      "{\"password\":\"***\",\"pwd\":\"***\",\"token\":\"***\",\"z\":1}");
	buf_free(&b);
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

/* Lengths around a mask are those of what is there now; names by a schema, and of maps without. */
static void test_protobuf(void **state)
{
	struct buf order = { 0 }, set = { 0 }, json = { 0 }, deep = { 0 };
	struct body_result ret;
	struct proto_set *s;
	char error[200];

	(void)state;
	read_data("order.bin", &order);
	read_data("shop.set", &set);
	check("application/x-protobuf", "protobuf", &order,
	      "{\"1\":7,\"2\":1,\"3\":[{\"1\":\"tea\",\"2\":1},{\"1\":\"cup\",\"2\":4}],\"4\":"
	      "\"000000000000f83f0000000000000040\",\"5\":1,\"6\":\"open "
	      "sesame\",\"7\":[{\"1\":"
	      "\"colour\",\"2\":\"red\"},{\"1\":\"api_token\",\"2\":\"***\"}],\"8\":\"0102ff\","
	      "\"9\":"
	      "0.1,\"10\":[0,1],\"11\":4294967291,\"12\":-3}");
	assert_int_equal(proto_set_new(&s), 0);
	assert_int_equal(proto_set_add(s, set.data, set.len, error, sizeof(error)), 0);
	proto_set_sort(s);
	struct redact *r = rules(s);
	redact_it(r, "application/x-protobuf; messageType=shop.Order", &order, NULL, &ret);
	assert_true(ret.changed);
	assert_null(memmem(ret.text.data, ret.text.len, "sesame", 6));
	put_plain("protobuf", ret.text.data, ret.text.len, &json);
	assert_non_null(strstr(buf_cstr(&json), "\"6\":\"" MASK));
	redact_free(r);
	proto_set_free(s);
	free(ret.masks.list);
	buf_free(&ret.text);
	/* a text that holds one, three messages deep; the lengths of all three grow by a byte's
	 * width */
	buf_puts(&deep, "\x0a\x7c\x0a\x7a\x0a\x78\x12\x04tail\x1a\x70pwd=x&");
	for (int i = 0; i < 106; i++)
		buf_putc(&deep, '~');
	buf_puts(&deep, "\x10\x05");
	r = rules(NULL);
	redact_it(r, "application/x-protobuf", &deep, NULL, &ret);
	assert_true(ret.changed);
	assert_int_equal((uint8_t)ret.text.data[1], 0x8c);
	buf_reset(&json);
	put_plain("protobuf", ret.text.data, ret.text.len, &json);
	assert_non_null(
		strstr(buf_cstr(&json), "{\"1\":{\"1\":{\"1\":{\"2\":\"tail\",\"3\":\"pwd=" MASK));
	assert_non_null(strstr(buf_cstr(&json), "~~\"}}},\"2\":5}"));
	free(ret.masks.list);
	buf_free(&ret.text);
	/* Cut off behind the mask, it is still said to be longer than what is there. */
	const struct buf cut = { (char *)"\x0a\x7c\x0a\x7a\x1a\x05pwd=x\x12\x70"
					 "more",
				 17, 0 };
	redact_it(r, "application/x-protobuf", &cut, NULL, &ret);
	assert_true(ret.changed);
	assert_int_equal((uint8_t)ret.text.data[1], 0x8b);
	free(ret.masks.list);
	buf_free(&ret.text);
	redact_free(r);
	buf_free(&order);
	buf_free(&set);
	buf_free(&json);
	buf_free(&deep);
}

/* Nothing to mask: nothing changes. */
static void test_untouched(void **state)
{
	const struct buf in = { (char *)"\x82\xa1"
					"a\x01\xa1"
					"b\xc4\x02\x00\xff",
				10, 0 };
	struct redact *r = rules(NULL);
	struct body_result ret;

	(void)state;
	redact_it(r, "application/msgpack", &in, NULL, &ret);
	assert_true(!ret.changed && !ret.why && !ret.masks.count);
	redact_free(r);
}

/* Cut off inside a secret; behind missing bytes; no such format at all; too deep to look. */
static void test_broken(void **state)
{
	struct redact *r = rules(NULL);
	const struct buf cut = { (char *)"\x82\xa8password\xdb\x00\x00\x01\x00" SECRET, 22, 0 };
	const struct buf json = { (char *)"{\"password\":\"" SECRET "\"}", 22, 0 };
	const struct buf wrong = { (char *)"\x01"
					   "x=1&password=" SECRET "&y=2",
				   26, 0 };
	const struct buf gap = { (char *)"\x83\xa1"
					 "a\x01\xa1"
					 "b\xda\x00\x20"
					 "xxxx" SECRET,
				 20, 0 };
	struct payload p = { .size = 1020,
			     .gaps = &(struct payload_gap){ 13, 1000, GAP_LOST },
			     .gap_count = 1 };
	struct body_result ret;
	struct buf deep = { 0 };

	(void)state;
	const struct buf *const all[] = { &cut, &json, &wrong, &gap };
	for (int i = 0; i < 4; i++) {
		redact_it(r, "application/msgpack", all[i], i == 3 ? &p : NULL, &ret);
		assert_true(ret.changed);
		assert_null(memmem(ret.text.data, ret.text.len, "hunt", 4));
		if (i == 2)
			assert_non_null(memmem(ret.text.data, ret.text.len, "&y=2", 4));
		if (i == 3)
			assert_int_equal(ret.text.len, 13);
		free(ret.masks.list);
		buf_free(&ret.text);
	}
	for (int i = 0; i < 200; i++)
		buf_putc(&deep, (char)0x91);
	redact_it(r, "application/msgpack", &deep, NULL, &ret);
	assert_string_equal(ret.why, "not kept: nested too deep to be looked through for secrets");
	redact_free(r);
	buf_free(&deep);
}

/* By its mark or by its type; what is masked in it is UTF-8 then, what is not stays as it is. */
static void test_utf16(void **state)
{
	static const char json[] = "{\"password\":\"" SECRET "\",\"n\":\"\xff\"}";
	static const char *const types[] = { "application/json", "text/plain; charset=utf-16be",
					     "application/json; charset=UTF-16LE" };
	struct redact *r = rules(NULL);

	(void)state;
	for (int i = 0; i < 6; i++) {
		bool big = i % 3 == 1, mark = i % 3 == 0;
		struct buf in = { 0 };
		struct body_result ret;
		if (mark)
			buf_put(&in, "\xff\xfe", 2);
		for (const char *p = i < 3 ? json : json + 22; *p; p++)
			buf_put(&in, big ? (char[]){ 0, *p } : (char[]){ *p, 0 }, 2);
		redact_it(r, types[i % 3], &in, NULL, &ret);
		assert_int_equal(ret.changed, i < 3);
		if (i < 3) {
			assert_null(memmem(ret.text.data, ret.text.len, "hunt", 4));
			assert_non_null(
				memmem(ret.text.data, ret.text.len, "\"n\":\"\xc3\xbf\"", 8));
			assert_null(memchr(ret.text.data, 0, ret.text.len));
		}
		free(ret.masks.list);
		buf_free(&ret.text);
		buf_free(&in);
	}
	redact_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_msgpack),	 cmocka_unit_test(test_cbor),
		cmocka_unit_test(test_protobuf), cmocka_unit_test(test_untouched),
		cmocka_unit_test(test_broken),	 cmocka_unit_test(test_utf16),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
