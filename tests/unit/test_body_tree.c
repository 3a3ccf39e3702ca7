// SPDX-License-Identifier: GPL-2.0-or-later
/* Bodies as trees: the examples of the specifications, and bytes that lie. */
#include "unit.h"

#include <string.h>

#include "base/buf.h"
#include "base/hex.h"
#include "base/json_write.h"
#include "base/limits.h"
#include "body/body_json.h"
#include "body/body_walk.h"

static void put_hex(struct buf *out, const char *hex)
{
	for (; *hex; hex += 2) {
		while (*hex == ' ')
			hex++;
		assert_int_equal(buf_putc(out, (char)(hex_digit((unsigned char)hex[0]) << 4 |
						      hex_digit((unsigned char)hex[1]))),
				 0);
	}
}

struct body_case {
	const char *hex, *json;
};

static void check_plain(const char *format, const struct body_case *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct buf in = { 0 }, out = { 0 };
		put_hex(&in, list[i].hex);
		assert_int_equal(body_put_plain(body_format_named(format), in.data, in.len, &out),
				 0);
		if (strcmp(buf_cstr(&out), list[i].json) != 0)
			print_message("%s %s\n", format, list[i].hex);
		assert_string_equal(buf_cstr(&out), list[i].json);
		buf_free(&in);
		buf_free(&out);
	}
}

#define CHECK_PLAIN(format, list) check_plain(format, list, sizeof(list) / sizeof(*(list)))

/* Appendix A of RFC 8949, all of it; bytes are hexadecimal digits, undefined is null. */
static void test_cbor_appendix_a(void **state)
{
	static const struct body_case cases[] = {
		{ "00", "0" },
		{ "01", "1" },
		{ "0a", "10" },
		{ "17", "23" },
		{ "1818", "24" },
		{ "1819", "25" },
		{ "1864", "100" },
		{ "1903e8", "1000" },
		{ "1a000f4240", "1000000" },
		{ "1b000000e8d4a51000", "1000000000000" },
		{ "1bffffffffffffffff", "18446744073709551615" },
		{ "c249010000000000000000", "\"010000000000000000\"" },
		{ "3bffffffffffffffff", "-18446744073709551616" },
		{ "c349010000000000000000", "\"010000000000000000\"" },
		{ "20", "-1" },
		{ "29", "-10" },
		{ "3863", "-100" },
		{ "3903e7", "-1000" },
		{ "f90000", "0" },
		{ "f98000", "-0" },
		{ "f93c00", "1" },
		{ "fb3ff199999999999a", "1.1" },
		{ "f93e00", "1.5" },
		{ "f97bff", "65504" },
		{ "fa47c35000", "100000" },
		{ "fa7f7fffff", "3.4028235e+38" },
		{ "fb7e37e43c8800759c", "1e+300" },
		{ "f90001", "5.9604645e-08" },
		{ "f90400", "6.1035156e-05" },
		{ "f9c400", "-4" },
		{ "fbc010666666666666", "-4.1" },
		{ "f97c00", "\"Infinity\"" },
		{ "f97e00", "\"NaN\"" },
		{ "f9fc00", "\"-Infinity\"" },
		{ "fa7f800000", "\"Infinity\"" },
		{ "fa7fc00000", "\"NaN\"" },
		{ "faff800000", "\"-Infinity\"" },
		{ "fb7ff0000000000000", "\"Infinity\"" },
		{ "fb7ff8000000000000", "\"NaN\"" },
		{ "fbfff0000000000000", "\"-Infinity\"" },
		{ "f4", "false" },
		{ "f5", "true" },
		{ "f6", "null" },
		{ "f7", "null" },
		{ "f0", "16" },
		{ "f8ff", "255" },
		{ "c074323031332d30332d32315432303a30343a30305a", "\"2013-03-21T20:04:00Z\"" },
		{ "c11a514b67b0", "1363896240" },
		{ "c1fb41d452d9ec200000", "1363896240.5" },
		{ "d74401020304", "\"01020304\"" },
		{ "d818456449455446", "\"6449455446\"" },
		{ "d82076687474703a2f2f7777772e6578616d706c652e636f6d",
		  "\"http://www.example.com\"" },
		{ "40", "\"\"" },
		{ "4401020304", "\"01020304\"" },
		{ "60", "\"\"" },
		{ "6161", "\"a\"" },
		{ "6449455446", "\"IETF\"" },
		{ "62225c", "\"\\\"\\\\\"" },
		{ "62c3bc", "\"\xc3\xbc\"" },
		{ "63e6b0b4", "\"\xe6\xb0\xb4\"" },
		{ "64f0908591", "\"\xf0\x90\x85\x91\"" },
		{ "80", "[]" },
		{ "83010203", "[1,2,3]" },
		{ "8301820203820405", "[1,[2,3],[4,5]]" },
		{ "98190102030405060708090a0b0c0d0e0f101112131415161718181819",
		  "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25]" },
		{ "a0", "{}" },
		{ "a201020304", "{\"1\":2,\"3\":4}" },
		{ "a26161016162820203", "{\"a\":1,\"b\":[2,3]}" },
		{ "826161a161626163", "[\"a\",{\"b\":\"c\"}]" },
		{ "a56161614161626142616361436164614461656145",
		  "{\"a\":\"A\",\"b\":\"B\",\"c\":\"C\",\"d\":\"D\",\"e\":\"E\"}" },
		{ "5f42010243030405ff", "\"0102030405\"" },
		{ "7f657374726561646d696e67ff", "\"streaming\"" },
		{ "9fff", "[]" },
		{ "9f018202039f0405ffff", "[1,[2,3],[4,5]]" },
		{ "9f01820203820405ff", "[1,[2,3],[4,5]]" },
		{ "83018202039f0405ff", "[1,[2,3],[4,5]]" },
		{ "83019f0203ff820405", "[1,[2,3],[4,5]]" },
		{ "9f0102030405060708090a0b0c0d0e0f101112131415161718181819ff",
		  "[1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25]" },
		{ "bf61610161629f0203ffff", "{\"a\":1,\"b\":[2,3]}" },
		{ "826161bf61626163ff", "[\"a\",{\"b\":\"c\"}]" },
		{ "bf6346756ef563416d7421ff", "{\"Fun\":true,\"Amt\":-2}" },
		/* names of other kinds; "this is CBOR"; several tags */
		{ "a3f40120024101a0", "{\"false\":1,\"-1\":2,\"\\u0001\":{}}" },
		{ "a1820102820304", "{\"(name)\":[1,2],\"(value)\":[3,4]}" },
		{ "d9d9f7d81ec10a", "10" },
	};

	(void)state;
	CHECK_PLAIN("cbor", cases);
}

/* The formats of the specification, each at the edges of what it can say. */
static void test_msgpack(void **state)
{
	static const struct body_case cases[] = {
		/* the specification's picture: {"compact":true,"schema":0} */
		{ "82a7636f6d70616374c3a6736368656d6100", "{\"compact\":true,\"schema\":0}" },
		{ "c0", "null" },
		{ "c2", "false" },
		{ "c3", "true" },
		{ "00", "0" },
		{ "7f", "127" },
		{ "ff", "-1" },
		{ "e0", "-32" },
		{ "ccff", "255" },
		{ "cdffff", "65535" },
		{ "ceffffffff", "4294967295" },
		{ "cfffffffffffffffff", "18446744073709551615" },
		{ "d080", "-128" },
		{ "d18000", "-32768" },
		{ "d280000000", "-2147483648" },
		{ "d38000000000000000", "-9223372036854775808" },
		{ "d37fffffffffffffff", "9223372036854775807" },
		{ "ca3fc00000", "1.5" },
		{ "ca3dcccccd", "0.1" },
		{ "cb3fb999999999999a", "0.1" },
		{ "cb7ff8000000000000", "\"NaN\"" },
		{ "a0", "\"\"" },
		{ "a3616263", "\"abc\"" },
		{ "d903616263", "\"abc\"" },
		{ "da0003616263", "\"abc\"" },
		{ "db00000003616263", "\"abc\"" },
		{ "c4020001", "\"0001\"" },
		{ "c500020001", "\"0001\"" },
		{ "c6000000020001", "\"0001\"" },
		{ "90", "[]" },
		{ "93010203", "[1,2,3]" },
		{ "dc00020102", "[1,2]" },
		{ "dd000000020102", "[1,2]" },
		{ "80", "{}" },
		{ "8101a161", "{\"1\":\"a\"}" },
		{ "de0001a16101", "{\"a\":1}" },
		{ "df00000001a16181a16290", "{\"a\":{\"b\":[]}}" },
		{ "d40510", "\"10\"" },
		{ "d5051011", "\"1011\"" },
		{ "c7030a010203", "\"010203\"" },
		{ "d6ff514b67b0", "\"514b67b0\"" },
		{ "82c001cb3ff800000000000002", "{\"null\":1,\"1.5\":2}" },
	};

	(void)state;
	CHECK_PLAIN("msgpack", cases);
}

/* The examples of protobuf's description of its encoding, and what is guessed. */
static void test_protobuf(void **state)
{
	static const struct body_case cases[] = {
		{ "089601", "{\"1\":150}" },
		{ "120774657374696e67", "{\"2\":\"testing\"}" },
		{ "1a03089601", "{\"3\":{\"1\":150}}" },
		{ "220568656c6c6f280128022803", "{\"4\":\"hello\",\"5\":[1,2,3]}" },
		{ "3206038e029ea705", "{\"6\":[3,270,86942]}" },
		{ "08feffffffffffffffff01", "{\"1\":-2}" },
		{ "0d0000c03f", "{\"1\":1.5}" },
		{ "0d01000000", "{\"1\":1}" },
		{ "090000000000004540", "{\"1\":42}" },
		{ "0b0801100214", "{\"1\":{\"1\":1,\"2\":2}}" },
		{ "0a00", "{\"1\":\"\"}" },
		/* a message whose bytes are text, as one with a line feed in front seldom is */
		{ "0a260a2435353065383430302d653239622d343164342d613731362d34343636353534343030303"
		  "0",
		  "{\"1\":{\"1\":\"550e8400-e29b-41d4-a716-446655440000\"}}" },
		{ "0a10d41d8cd98f00b204e9800998ecf8427e",
		  "{\"1\":\"d41d8cd98f00b204e9800998ecf8427e\"}" },
	};

	(void)state;
	CHECK_PLAIN("protobuf", cases);
}

static void check_tree(const char *format, const struct body_about *about, const void *data,
		       size_t len, const char *json)
{
	struct buf out = { 0 };
	struct jw j = jw_begin(&out);

	assert_int_equal(body_put_tree(body_format_named(format), about, data, len, &j), 0);
	assert_string_equal(buf_cstr(&out), json);
	buf_free(&out);
}

static void check_hex_tree(const char *format, const char *hex, const char *json)
{
	struct buf in = { 0 };

	put_hex(&in, hex);
	check_tree(format, NULL, in.data, in.len, json);
	buf_free(&in);
}

static void test_tree(void **state)
{
	(void)state;
	check_hex_tree("cbor", "a26161c11a514b67b06162420102",
		       "{\"format\":\"cbor\",\"tree\":{\"type\":\"map\",\"members\":["
		       "{\"name\":\"a\",\"type\":\"unsigned\",\"label\":\"2013-03-21T20:04:00Z\","
		       "\"tag\":1,\"value\":1363896240},"
		       "{\"name\":\"b\",\"type\":\"bytes\",\"hex\":\"0102\",\"size\":2}]}}");
	check_hex_tree("msgpack", "92d6ff514b67b0a3616263",
		       "{\"format\":\"msgpack\",\"tree\":{\"type\":\"array\",\"elements\":["
		       "{\"type\":\"timestamp\",\"label\":\"2013-03-21T20:04:00Z\",\"tag\":-1,"
		       "\"hex\":\"514b67b0\",\"size\":4},{\"type\":\"str\",\"value\":\"abc\"}]}}");
	check_hex_tree("protobuf", "089601150000c03f",
		       "{\"format\":\"protobuf\",\"tree\":{\"type\":\"message\",\"members\":["
		       "{\"name\":\"1\",\"type\":\"varint\",\"value\":150},"
		       "{\"name\":\"2\",\"type\":\"fixed32, float?\",\"value\":1.5}]},"
		       "\"guessed\":true}");
}

/* What breaks off or lies is told up to there, and why it ends. */
static void test_cut(void **state)
{
	static const struct {
		const char *format, *hex, *tree, *why;
		int offset;
	} cases[] = {
		{ "cbor", "83016568656c",
		  "{\"type\":\"array\",\"elements\":[{\"type\":\"unsigned\","
		  "\"value\":1},{\"type\":\"text\",\"value\":\"hel\","
		  "\"size\":3,\"cut\":true}]}",
		  "the bytes end inside it", 6 },
		{ "cbor", "9bffffffffffffffff01",
		  "{\"type\":\"array\",\"elements\":[{\"type\":\"unsigned\",\"value\":1}]}",
		  "the bytes end inside it", 10 },
		{ "cbor", "bbffffffffffffffff", "{\"type\":\"map\",\"members\":[]}",
		  "the bytes end inside it", 9 },
		{ "cbor", "5bffffffffffffffff61",
		  "{\"type\":\"bytes\",\"hex\":\"61\",\"size\":1,\"cut\":true}",
		  "the bytes end inside it", 10 },
		{ "cbor", "ff", "null", "a break where nothing ends", 0 },
		{ "cbor", "1c", "null", "a byte that begins no value", 0 },
		{ "cbor", "bf01ff", "{\"type\":\"map\",\"members\":[]}",
		  "a break where nothing ends", 2 },
		{ "cbor", "0102", "{\"type\":\"unsigned\",\"value\":1}",
		  "more bytes follow than belong to it", 1 },
		{ "cbor", "7f616141ff", "null", "a piece of a string that is none", 3 },
		{ "cbor", "", "null", "the bytes end inside it", 0 },
		{ "msgpack", "c1", "null", "a byte that begins no value", 0 },
		{ "msgpack", "ddffffffffc0",
		  "{\"type\":\"array\",\"elements\":[{\"type\":\"nil\",\"value\":null}]}",
		  "the bytes end inside it", 6 },
		{ "msgpack", "dbffffffff6162",
		  "{\"type\":\"str\",\"value\":\"ab\",\"size\":2,\"cut\":true}",
		  "the bytes end inside it", 7 },
		{ "msgpack", "cd01", "null", "the bytes end inside it", 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct buf json = { 0 };
		buf_printf(&json,
			   "{\"format\":\"%s\",\"tree\":%s,\"cut\":{\"why\":\"%s\",\"offset\":%d}}",
			   cases[i].format, cases[i].tree, cases[i].why, cases[i].offset);
		check_hex_tree(cases[i].format, cases[i].hex, buf_cstr(&json));
		buf_free(&json);
	}
	check_hex_tree("protobuf", "0801126461626364",
		       "{\"format\":\"protobuf\",\"tree\":{\"type\":\"message\",\"members\":["
		       "{\"name\":\"1\",\"type\":\"varint\",\"value\":1},{\"name\":\"2\",\"type\":"
		       "\"string\",\"value\":\"abcd\",\"size\":4,\"cut\":true}]},\"guessed\":true,"
		       "\"cut\":{\"why\":\"the bytes end inside it\",\"offset\":8}}");
	check_hex_tree("protobuf", "080107",
		       "{\"format\":\"protobuf\",\"tree\":{\"type\":\"message\",\"members\":["
		       "{\"name\":\"1\",\"type\":\"varint\",\"value\":1}]},\"guessed\":true,"
		       "\"cut\":{\"why\":\"the bytes end inside it\",\"offset\":2}}");
}

struct counting {
	struct body_sink sink;
	size_t leaves, depth, deepest;
};

static void count_open(struct body_sink *s, const struct body_node *n)
{
	struct counting *c = (struct counting *)s;

	(void)n;
	c->depth++;
	c->deepest = c->depth > c->deepest ? c->depth : c->deepest;
}

static void count_close(struct body_sink *s, size_t end)
{
	(void)end;
	((struct counting *)s)->depth--;
}

static void count_leaf(struct body_sink *s, const struct body_node *n)
{
	(void)n;
	((struct counting *)s)->leaves++;
}

static struct body_walk weigh(const char *format, const struct buf *in, struct counting *c)
{
	*c = (struct counting){ .sink = { count_open, count_close, count_leaf, NULL } };
	struct body_walk w = { .data = (const uint8_t *)in->data,
			       .len = in->len,
			       .sink = &c->sink,
			       .nodes_max = SIZE_MAX };

	body_format_named(format)->walk(&w);
	assert_int_equal(c->depth, 0);
	assert_true(c->deepest <= BODY_LEVELS);
	return w;
}

/* Nested 100,000 deep: refused at a depth, by its name, at the cost of its bytes. */
static void test_deep(void **state)
{
	static const struct {
		const char *format;
		char byte;
	} cases[] = { { "cbor", '\x81' },
		      { "cbor", '\x9f' },
		      { "cbor", '\xc1' },
		      { "msgpack", '\x91' },
		      { "protobuf", '\x0b' } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct buf in = { 0 };
		struct counting c;
		assert_int_equal(buf_reserve(&in, 100000), 0);
		memset(in.data, cases[i].byte, 100000);
		in.len = 100000;
		struct body_walk w = weigh(cases[i].format, &in, &c);
		assert_string_equal(w.cut, cases[i].byte == '\xc1' ? "the bytes end inside it"
								   : BODY_TOO_DEEP);
		assert_true(w.work <= 40 * in.len);
		buf_free(&in);
	}
}

/* Messages in messages: as deep as lengths of protobuf can say, each around all the rest. */
static void nest(struct buf *out, size_t depth)
{
	struct buf head = { 0 };
	size_t len = 0;

	/* from the inside out, backwards */
	for (size_t i = 0; i < depth; i++) {
		char varint[10];
		size_t n = 0, v = len;
		do
			varint[n++] = (char)((v & 0x7f) | (v > 0x7f ? 0x80 : 0));
		while ((v >>= 7) > 0);
		while (n)
			buf_putc(&head, varint[--n]);
		buf_putc(&head, 0x0a);
		len = head.len;
	}
	for (size_t i = head.len; i; i--)
		buf_putc(out, head.data[i - 1]);
	buf_free(&head);
}

static void test_deep_messages(void **state)
{
	struct buf one = { 0 }, two = { 0 };
	struct counting c;

	(void)state;
	nest(&one, 50000);
	nest(&two, 100000);
	struct body_walk a = weigh("protobuf", &one, &c), b = weigh("protobuf", &two, &c);
	assert_string_equal(a.cut, BODY_TOO_DEEP);
	assert_string_equal(b.cut, BODY_TOO_DEEP);
	assert_true(b.work * 10 <= a.work * 22 + 10000);
	buf_free(&one);
	buf_free(&two);
}

/* More values, more bytes than are shown. */
static void test_bounds(void **state)
{
	struct buf in = { 0 }, out = { 0 };
	struct jw j = jw_begin(&out);

	(void)state;
	put_hex(&in, "9f");
	for (int i = 0; i < LIMIT_BODY_NODES; i++)
		buf_putc(&in, 1);
	put_hex(&in, "ff");
	assert_int_equal(body_put_tree(body_format_named("cbor"), NULL, in.data, in.len, &j), 0);
	assert_non_null(strstr(buf_cstr(&out), "\"why\":\"more values than are shown\""));
	buf_free(&out);
	in.data[0] = '\x7f';
	in.len = 1;
	for (int i = 0; i < 4; i++) {
		put_hex(&in, "7a00300000");
		assert_int_equal(buf_reserve(&in, 0x300000), 0);
		memset(in.data + in.len, '\x01', 0x300000);
		in.len += 0x300000;
	}
	assert_int_equal(body_put_plain(body_format_named("cbor"), in.data, in.len, &out), 0);
	buf_free(&out);
	in.data[0] = '\x9f';
	assert_int_equal(body_put_plain(body_format_named("cbor"), in.data, in.len, &out), 0);
	assert_true(out.len < 2 * LIMIT_BODY_TREE + 6 * 0x300000);
	assert_int_equal(out.data[out.len - 1], ']');
	buf_free(&in);
	buf_free(&out);
}

static const char parts[] = "preamble\r\n--XX\r\n"
			    "Content-Disposition: form-data; name=\"user\"\r\n\r\nann\r\n"
			    "--XX\r\nContent-Disposition: form-data; name=\"f\"; "
			    "filename=\"a \\\"b\\\".png\"\r\nContent-Type: image/png\r\n\r\n"
			    "\x89PNG\r\n\r\n--XX--\r\nepilogue";

static void test_multipart(void **state)
{
	static const char user[] = "{\"type\":\"part\",\"members\":["
				   "{\"name\":\"name\",\"type\":\"text\",\"value\":\"user\"},"
				   "{\"name\":\"size\",\"type\":\"bytes\",\"value\":3},"
				   "{\"name\":\"preview\",\"type\":\"text\",\"value\":\"ann\"}]}";
	struct buf json = { 0 };
	struct body_about about = { .content_type = "multipart/form-data; boundary=\"XX\"" };

	(void)state;
	buf_printf(
		&json,
		"{\"format\":\"multipart\",\"tree\":{\"type\":\"parts\",\"elements\":[%s,"
		"{\"type\":\"part\",\"members\":["
		"{\"name\":\"name\",\"type\":\"text\",\"value\":\"f\"},"
		"{\"name\":\"filename\",\"type\":\"text\",\"value\":\"a \\\\\\\"b\\\\\\\".png\"},"
		"{\"name\":\"type\",\"type\":\"text\",\"value\":\"image/png\"},"
		"{\"name\":\"size\",\"type\":\"bytes\",\"value\":6},"
		"{\"name\":\"preview\",\"type\":\"bytes\",\"hex\":\"89504e470d0a\",\"size\":6}]}]}"
		"}",
		user);
	check_tree("multipart", &about, parts, sizeof(parts) - 1, buf_cstr(&json));
	buf_reset(&json);
	/* cut off inside the second part's head; the boundary is found in the first line */
	buf_printf(&json,
		   "{\"format\":\"multipart\",\"tree\":{\"type\":\"parts\",\"elements\":[%s,"
		   "{\"type\":\"part\",\"members\":["
		   "{\"name\":\"size\",\"type\":\"bytes\",\"value\":0},"
		   "{\"name\":\"preview\",\"type\":\"text\",\"value\":\"\"}]}]},"
		   "\"cut\":{\"why\":\"its last boundary is missing\",\"offset\":75}}",
		   user);
	check_tree("multipart", NULL, parts + 10, 75, buf_cstr(&json));
	check_tree("multipart", NULL, "no", 2,
		   "{\"format\":\"multipart\",\"tree\":{\"type\":\"parts\",\"elements\":[]},"
		   "\"cut\":{\"why\":\"no boundary is named\",\"offset\":0}}");
	buf_free(&json);
}

static void test_form(void **state)
{
	(void)state;
	check_tree("form", NULL, "a=1&b=x+y%21&&c", 15,
		   "{\"format\":\"form\",\"tree\":{\"type\":\"form\",\"members\":["
		   "{\"name\":\"a\",\"type\":\"field\",\"value\":\"1\"},"
		   "{\"name\":\"b\",\"type\":\"field\",\"value\":\"x y!\"},"
		   "{\"name\":\"c\",\"type\":\"field\",\"value\":\"\"}]}}");
}

static void test_types(void **state)
{
	static const struct {
		const char *type, *name;
	} cases[] = { { "application/x-protobuf; messageType=\"a.B\"", "protobuf" },
		      { "application/Protobuf", "protobuf" },
		      { "application/grpc+proto", NULL },
		      { "application/grpc", NULL },
		      { "application/vnd.x+msgpack", "msgpack" },
		      { "application/senml+cbor;x=1", "cbor" },
		      { "application/cbor-seq", "cbor" },
		      { "multipart/related", "multipart" },
		      { "multipart/", NULL },
		      { "application/x-www-form-urlencoded;charset=utf-8", "form" },
		      { "application/json", NULL },
		      { "+cbor", NULL },
		      { "", NULL } };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct body_format *f = body_format_of(cases[i].type);
		assert_string_equal(f ? f->name : "-", cases[i].name ? cases[i].name : "-");
	}
}

static void test_sequence(void **state)
{
	const struct body_about about = { .content_type = "application/cbor-seq" };

	(void)state;
	check_tree("cbor", &about, "\x01\x02", 2,
		   "{\"format\":\"cbor\",\"tree\":{\"type\":\"sequence\",\"elements\":["
		   "{\"type\":\"unsigned\",\"value\":1},{\"type\":\"unsigned\",\"value\":2}]}}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cbor_appendix_a),
		cmocka_unit_test(test_msgpack),
		cmocka_unit_test(test_protobuf),
		cmocka_unit_test(test_tree),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_deep),
		cmocka_unit_test(test_deep_messages),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_multipart),
		cmocka_unit_test(test_form),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_sequence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
