// SPDX-License-Identifier: GPL-2.0-or-later
/* The operation of a GraphQL request: in documents, in JSON, in query strings, in coded bodies. */
#include "unit.h"

#include <string.h>
#include <zlib.h>

#include "base/buf.h"
#include "dissect/dissect.h"
#include "dissect/graphql.h"
#include "entry.h"
#include "redact/redact.h"

static void test_documents(void **state)
{
	static const struct {
		const char *document, *name, *want;
	} cases[] = {
		{ "query GetUser { user { id } }", "", "query GetUser" },
		{ "{ user { id } }", "", "query" },
		{ "mutation { a }", "", "mutation" },
		{ "subscription OnMessage($id: ID!) { message(id: $id) { text } }", "",
		  "subscription OnMessage" },
		{ "# query Wrong\n,, query\tRight @live { a }", "", "query Right" },
		{ "fragment F on User { id } query Q { user { ...F } }", "", "query Q" },
		{ "query A { a } query B { b }", "B", "query B" },
		{ "query A { a } query B { b }", "C", "query A" },
		{ "query A { a(s: \"} query B {\") } mutation B { b }", "B", "mutation B" },
		{ "query A { a(s: \"\"\"} \" query B {\"\"\") } mutation B { b }", "B",
		  "mutation B" },
		{ "query A(", "", "query A" },
		{ "query", "", "" },
		{ "query string to look for", "", "" },
		{ "queryA { a }", "", "" },
		{ "select * from a", "", "" },
		{ "", "", "" },
		{ "\"", "", "" },
		{ "query A { \"", "B", "query A" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct buf out = { 0 };
		const struct text d = { cases[i].document, strlen(cases[i].document) };
		const struct text n = { cases[i].name, strlen(cases[i].name) };
		assert_int_equal(graphql_operation(d, n, &out), 0);
		assert_string_equal(buf_cstr(&out), cases[i].want);
		buf_free(&out);
	}
}

static void on_entry(void *ctx, struct entry *e)
{
	char *out = ctx;
	struct redact *r;
	char error[200];

	graphql_entry(e);
	strcpy(out, e->graphql_operation);
	/* It is there when all else is masked and written. */
	assert_int_equal(redact_new(NULL, 0, true, &r, error, sizeof(error)), 0);
	assert_int_equal(redact_entry(r, e), 0);
	assert_string_equal(out, e->graphql_operation);
	redact_free(r);
	entry_free(e);
}

static void check(const char *start, const char *fields, const void *body, size_t len,
		  const char *want)
{
	char got[200] = "none";
	const struct entry_sink sink = { on_entry, got, NULL };
	const struct conn_hint hint = { 0 };
	struct dissection *d = dissect_open(&sink, &hint);
	struct buf b = { 0 };

	buf_printf(&b, "%s HTTP/1.1\r\nHost: a\r\n%sContent-Length: %zu\r\n\r\n", start, fields,
		   len);
	buf_put(&b, body, len);
	dissect_feed(d, DIR_WRITE, (const uint8_t *)b.data, b.len, 0, 1);
	dissect_close(d, 2);
	assert_string_equal(got, want);
	buf_free(&b);
}

#define JSON "Content-Type: application/json\r\n"

static void test_requests(void **state)
{
	static const struct {
		const char *start, *fields, *body, *want;
	} cases[] = {
		{ "POST /graphql", JSON, "{\"query\":\"query GetUser{me{id}}\",\"variables\":{}}",
		  "query GetUser" },
		{ "POST /any", JSON,
		  "{\"operationName\":\"B\",\"query\":\"query A{a} query B{b}\"}", "query B" },
		{ "POST /any", JSON, "{\"query\":\"query string\"}", "" },
		{ "POST /any", JSON, "{\"operationName\":\"B\"}", "" },
		{ "POST /graphql", JSON,
		  "{\"operationName\":\"GetCart\",\"extensions\":{\"persistedQuery\":{}}}",
		  "persisted GetCart" },
		{ "POST /graphql", JSON, "{\"operationName\":\"Get \\u0007\"}", "" },
		{ "POST /graphql", JSON, "[{\"query\":\"mutation M{a}\"},{\"query\":\"{b}\"}]",
		  "mutation M" },
		{ "POST /graphql", JSON, "{\"query\":\"query Cut { a", "" },
		{ "POST /q", "Content-Type: application/graphql; charset=utf-8\r\n",
		  "query G { a }", "query G" },
		{ "GET /graphql?query=query+G%28%24a%3AInt%29%7Ba%7D", "", "", "query G" },
		{ "GET /graphql?query=query+A%7Ba%7Dquery+B%7Ba%7D&operationName=B", "", "",
		  "query B" },
		{ "GET /search?query=%7Ba%7D", "", "", "" },
		{ "POST /graphql", "Content-Type: text/plain\r\n", "{\"query\":\"{a}\"}", "" },
		{ "POST /graphql", JSON, "", "" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		check(cases[i].start, cases[i].fields, cases[i].body, strlen(cases[i].body),
		      cases[i].want);
}

static void test_coded(void **state)
{
	static const char body[] = "{\"query\":\"query Zipped{a}\"}";
	static const char fields[] = JSON "Content-Encoding: gzip\r\n";
	uint8_t out[256];
	z_stream z = { .next_in = (Bytef *)body,
		       .avail_in = sizeof(body) - 1,
		       .next_out = out,
		       .avail_out = sizeof(out) };

	(void)state;
	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, 0), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	check("POST /v1/graphql", fields, out, z.total_out, "query Zipped");
	/* Where neither path nor type says so nothing is decoded. */
	check("POST /any", fields, out, z.total_out, "");
	deflateEnd(&z);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_documents),
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_coded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
