// SPDX-License-Identifier: GPL-2.0-or-later
#include "unit.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "dissect/dissect.h"
#include "redact/mask.h"
#include "redact/redact.h"
#include "entry.h"
#include "message.h"

#define M MASK

static struct redact *rules_of(const char *const *rules, size_t n, bool defaults)
{
	struct redact *r;
	char error[256];

	assert_int_equal(redact_new(rules, n, defaults, &r, error, sizeof(error)), 0);
	return r;
}

static void collect(void *ctx, struct entry *e)
{
	*(struct entry **)ctx = e;
}

struct collection {
	struct entry **list;
	size_t count;
};

static void collect_all(void *ctx, struct entry *e)
{
	struct collection *all = ctx;

	assert_true(all->count < 8);
	all->list[all->count++] = e;
}

static struct entry *exchange(const char *request, size_t request_len, const char *response,
			      size_t response_len)
{
	struct entry *e = NULL;
	const struct entry_sink sink = { collect, &e };
	const struct conn_hint hint = { 0 };
	struct dissection *d = dissect_open(&sink, &hint);

	dissect_feed(d, DIR_WRITE, (const uint8_t *)request, request_len, 0, 1000);
	dissect_feed(d, DIR_READ, (const uint8_t *)response, response_len, 0, 2000);
	dissect_close(d, 3000);
	assert_non_null(e);
	return e;
}

static void assert_json(struct entry *e)
{
	json_t *json = json_loadb(e->detail.data, e->detail.len, JSON_ALLOW_NUL, NULL);

	if (!json)
		fail_msg("not JSON: %s", buf_cstr(&e->detail));
	json_decref(json);
}

static void assert_has(struct entry *e, const char *text)
{
	if (!strstr(buf_cstr(&e->detail), text))
		fail_msg("detail lacks %s: %s", text, buf_cstr(&e->detail));
}

/* The tokens that follow the masks differ from run to run: they are taken out. */
static size_t strip_tokens(char *text, size_t len)
{
	size_t out = 0;

	for (size_t i = 0; i < len;) {
		bool mask = len - i >= MASK_SIZE && !memcmp(text + i, M, strlen(M));
		size_t n = mask ? strlen(M) : 1;
		memmove(text + out, text + i, n);
		out += n;
		i += mask ? MASK_SIZE : 1;
	}
	return out;
}

static void strip_buf(struct buf *b)
{
	b->len = strip_tokens(b->data, b->len);
}

static void strip_text(struct entry *e, const char **text)
{
	char *copy = strdup(*text);

	*text = entry_text(e, copy, strip_tokens(copy, strlen(copy)));
	free(copy);
}

static void strip_entry(struct entry *e)
{
	strip_buf(&e->detail);
	strip_buf(&e->request_body);
	strip_buf(&e->response_body);
	strip_text(e, &e->summary);
	strip_text(e, &e->path);
	strip_text(e, &e->query_string);
}

static void assert_hidden(struct entry *e, const char *secret)
{
	size_t n = strlen(secret);

	assert_null(strstr(buf_cstr(&e->detail), secret));
	assert_null(strstr(e->summary, secret));
	assert_null(strstr(e->path, secret));
	assert_null(strstr(e->query_string, secret));
	assert_null(strstr(e->host, secret));
	if (e->request_body.len)
		assert_null(memmem(e->request_body.data, e->request_body.len, secret, n));
	if (e->response_body.len)
		assert_null(memmem(e->response_body.data, e->response_body.len, secret, n));
}

static struct entry *redacted(const struct redact *r, const char *request, const char *response)
{
	struct entry *e = exchange(request, strlen(request), response, strlen(response));

	assert_int_equal(redact_entry(r, e), 0);
	assert_json(e);
	strip_entry(e);
	return e;
}

#define OK "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"

static void test_headers(void **state)
{
	struct redact *r = rules_of(NULL, 0, true);

	(void)state;
	struct entry *e = redacted(
		r,
		"GET http://user:hunter2@h.example/p?q=1&access%5ftoken=hunter2&a=b HTTP/1.1\r\n"
		"Authorization: Bearer hunter2.abc\r\nproxy-authorization: Basic aHVudGVyMg==\r\n"
		"X-API-Key: hunter2\r\nCookie: sid=hunter2; theme=dark \"hunter2\"; hunter2\r\n"
		"Referer: https://x/?token=hunter2#id_token=hunter2\r\n"
		"X-Next: /?u=http://a:hunter2@h&x=ftp://a:hunter2@h/&pwd=hunter2\r\nAccept: "
		"a/b;q=0.9\r\n\r\n",
		"HTTP/1.1 302 Found\r\nSet-Cookie: sid=hunter2; Path=/; HttpOnly\r\n"
		"Location: /cb?code=1&client_secret=hunter2\r\nContent-Length: 0\r\n\r\n");
	assert_hidden(e, "hunter2");
	assert_hidden(e, "aHVudGVyMg");
	assert_string_equal(e->query_string, "q=1&access%5ftoken=" M "&a=b");
	assert_string_equal(e->summary, "/p?q=1&access%5ftoken=" M "&a=b");
	assert_has(e, "[\"Authorization\",\"Bearer " M "\"]");
	assert_has(e, "[\"proxy-authorization\",\"Basic " M "\"]");
	assert_has(e, "[\"X-API-Key\",\"" M "\"]");
	assert_has(e, "[\"Cookie\",\"sid=" M "; theme=" M "; " M "\"]");
	assert_has(e, "[\"Referer\",\"https://x/?token=" M "#id_token=" M "\"]");
	assert_has(e, "[\"X-Next\",\"/?u=http://a:" M "@h&x=ftp://a:" M "@h/&pwd=" M "\"]");
	assert_has(e, "[\"Accept\",\"a/b;q=0.9\"]");
	assert_has(e, "[\"Set-Cookie\",\"sid=" M "; Path=/; HttpOnly\"]");
	assert_has(e, "[\"Location\",\"/cb?code=1&client_secret=" M "\"]");
	assert_has(e, "\"cookies\":[[\"sid\",\"" M "\"],[\"theme\",\"" M "\"],[\"" M "\",\"\"]]");
	assert_has(e, "\"query\":[[\"q\",\"1\"],[\"access_token\",\"" M "\"],[\"a\",\"b\"]]");
	assert_has(e, "\"target\":\"http://user:" M "@h.example/p?q=1&access%5ftoken=" M "&a=b\"");
	assert_has(e, "\"redacted\":[");
	assert_has(e, "\"header authorization\"");
	assert_has(e, "\"query accesstoken\"");
	entry_free(e);
	redact_free(r);
}

static void test_nothing_to_mask(void **state)
{
	static const char request[] =
		"POST /a?b=c HTTP/1.1\r\nHost: h\r\nContent-Type: "
		"application/json\r\nContent-Length: 17\r\n\r\n{\"name\":\"value\"}\n";
	struct redact *r = rules_of(NULL, 0, true);
	struct entry *e = exchange(request, strlen(request), OK, strlen(OK));
	struct entry *same = exchange(request, strlen(request), OK, strlen(OK));

	(void)state;
	assert_int_equal(entry_write_detail(same), 0);
	assert_int_equal(redact_entry(r, e), 0);
	assert_string_equal(buf_cstr(&same->detail), buf_cstr(&e->detail));
	assert_int_equal(e->request_body.len, 17);
	entry_free(same);
	entry_free(e);
	redact_free(r);
}

static const struct {
	const char *type, *body, *want;
} bodies[] = {
	{ "application/json", "{\"user\":\"u\",\"password\":\"hunter2\",\"n\":1}",
	  "{\"user\":\"u\",\"password\":\"" M "\",\"n\":1}" },
	{ "application/json", "{\"a\":[{\"b\":{ \"Access-Token\" : \"hun\\\"ter2\\\\\" }}]}",
	  "{\"a\":[{\"b\":{ \"Access-Token\" : \"" M "\" }}]}" },
	{ "application/problem+json", "{\"token\":123456,\"x\":2}",
	  "{\"token\":\"" M "\",\"x\":2}" },
	{ "application/json", "{\"secret\":{\"a\":\"}hunter2\",\"b\":[1]},\"x\":2}",
	  "{\"secret\":\"" M "\",\"x\":2}" },
	{ "application/json", "[{\"apiKey\":[\"hunter2\",\"]\"]}, 1]",
	  "[{\"apiKey\":\"" M "\"}, 1]" },
	{ "application/json", "{\"password\":null,\"token\":true,\"pwd\":\"\"}",
	  "{\"password\":null,\"token\":\"" M "\",\"pwd\":\"\"}" },
	/* cut off, or with its beginning missing */
	{ "application/json", "{\"password\":\"hunter2", "{\"password\":\"" M },
	{ "application/json", "{\"password\":\"hunter2\\", "{\"password\":\"" M },
	{ "application/json", "{\"secret\":{\"a\":\"hunter2", "{\"secret\":\"" M "\"" },
	{ "application/json", "ll\",\"password\":\"hunter2\"}", "ll\",\"password\":\"" M "\"}" },
	{ "application/json", "{\"password\":", "{\"password\":" },
	/* other spellings of the name */
	{ "application/json", "{\"p\\u0061ssword\":\"hunter2\"}",
	  "{\"p\\u0061ssword\":\"" M "\"}" },
	{ "application/json", "{\"PASS-WORD\":\"hunter2\"}", "{\"PASS-WORD\":\"" M "\"}" },
	{ "application/json", "{\"passwords\":\"plural\"}", "{\"passwords\":\"" M "\"}" },
	{ "application/json", "{\"a\":\"password\",\"b\":\"token: x\"}", NULL },
	{ "application/json", "{\"token\":\"password\":\"hunter2\"}",
	  "{\"token\":\"" M "\":\"" M "\"}" },
	/* JSON inside a string, twice over */
	{ "application/json", "{\"m\":\"{\\\"password\\\":\\\"hunter2\\\",\\\"a\\\":1}\"}",
	  "{\"m\":\"{\\\"password\\\":\\\"" M "\\\",\\\"a\\\":1}\"}" },
	{ "application/json", "{\"m\":\"{\\\"token\\\":12,\\\"a\\\":1}\"}",
	  "{\"m\":\"{\\\"token\\\":\\\"" M "\\\",\\\"a\\\":1}\"}" },
	{ "application/json", "\"{\\\\\\\"token\\\\\\\":\\\\\\\"hunter2\\\\\\\"}\"",
	  "\"{\\\\\\\"token\\\\\\\":\\\\\\\"" M "\\\\\\\"}\"" },
	{ "text/event-stream", "data: {\"token\":\"hunter2\"}\n\n",
	  "data: {\"token\":\"" M "\"}\n\n" },
	{ "", " {\"token\": \"hunter2\"}", " {\"token\": \"" M "\"}" },
	{ "application/x-www-form-urlencoded",
	  "user=u&password=hunter2&x=", "user=u&password=" M "&x=" },
	{ "application/x-www-form-urlencoded; charset=utf-8",
	  "p%61sswd=hunter2&u[Password]=hunter2", "p%61sswd=" M "&u[Password]=" M },
	{ "", "user=u&pwd=hunter2", "user=u&pwd=" M },
	{ "multipart/form-data; boundary=XX",
	  "--XX\r\nContent-Disposition: form-data; name=\"user\"\r\n\r\nme\r\n--XX\r\n"
	  "Content-Disposition: form-data; name=\"password\"\r\n\r\nhunter2\r\nmore\r\n--XX--\r\n",
	  "--XX\r\nContent-Disposition: form-data; name=\"user\"\r\n\r\nme\r\n--XX\r\n"
	  "Content-Disposition: form-data; name=\"password\"\r\n\r\n" M "\r\n--XX--\r\n" },
	{ "multipart/form-data",
	  "--X1\nContent-Disposition: form-data; filename=a; name=token\n\nhunter2",
	  "--X1\nContent-Disposition: form-data; filename=a; name=token\n\n" M },
	{ "text/xml", "<a><wsse:Password Type=\"x\">hunter2</wsse:Password><b/></a>",
	  "<a><wsse:Password Type=\"x\">" M "</wsse:Password><b/></a>" },
	{ "text/xml", "<a><password/>text<password>hunter2", "<a><password/>text<password>" M },
	{ "image/png", "{\"password\":\"x\"}", "{\"password\":\"" M "\"}" },
	{ "image/png", "\x89PNG\r\n\x1a\n{\"password\":\"x\"}", NULL },
};

static void test_bodies(void **state)
{
	struct redact *r = rules_of(NULL, 0, true);

	(void)state;
	for (size_t i = 0; i < sizeof(bodies) / sizeof(*bodies); i++) {
		struct buf request = { 0 };
		buf_puts(&request, "POST / HTTP/1.1\r\n");
		if (*bodies[i].type)
			buf_printf(&request, "Content-Type: %s\r\n", bodies[i].type);
		buf_printf(&request, "Content-Length: %zu\r\n\r\n%s", strlen(bodies[i].body),
			   bodies[i].body);
		struct entry *e = redacted(r, buf_cstr(&request), OK);
		const char *want = bodies[i].want ? bodies[i].want : bodies[i].body;
		assert_string_equal(buf_cstr(&e->request_body), want);
		char stored[64];
		size_t tokens = 0;
		for (const char *p = strstr(want, M); p; p = strstr(p + 1, M))
			tokens += MASK_TOKEN;
		snprintf(stored, sizeof(stored), "\"body_stored\":%zu", strlen(want) + tokens);
		assert_has(e, stored);
		assert_int_equal(strstr(buf_cstr(&e->detail), "redacted") != NULL,
				 strstr(want, M) != NULL);
		entry_free(e);
		buf_free(&request);
	}
	redact_free(r);
}

/* What stands for a secret already, of a dissector that masks what it renders, is none. */
static void test_masked_already(void **state)
{
	static const char *const masked[] = { "ALTER USER app PASSWORD '" M "'",
					      "{\"password\":\"" M "\"}", "password=" M };
	struct redact *r = rules_of(NULL, 0, true);

	(void)state;
	for (size_t i = 0; i < sizeof(masked) / sizeof(*masked); i++) {
		struct buf request = { 0 };
		buf_printf(&request, "POST / HTTP/1.1\r\nContent-Length: %zu\r\n\r\n%s",
			   strlen(masked[i]), masked[i]);
		struct entry *e = redacted(r, buf_cstr(&request), OK);
		assert_null(strstr(buf_cstr(&e->detail), "redacted"));
		entry_free(e);
		buf_free(&request);
	}
	redact_free(r);
}

static void gzip(const char *text, size_t len, struct buf *out)
{
	z_stream z = { 0 };

	deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
	buf_reserve(out, deflateBound(&z, len) + 64);
	z.next_in = (Bytef *)text;
	z.avail_in = (uInt)len;
	z.next_out = (Bytef *)out->data;
	z.avail_out = (uInt)out->cap;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	out->len = z.total_out;
	deflateEnd(&z);
}

static struct entry *encoded_answer(const struct redact *r, const char *text, size_t len,
				    size_t cut)
{
	struct buf body = { 0 }, response = { 0 };

	gzip(text, len, &body);
	buf_printf(&response,
		   "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
		   "Content-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n",
		   body.len);
	buf_put(&response, body.data, body.len - cut);
	struct entry *e = exchange("GET / HTTP/1.1\r\n\r\n", 18, response.data, response.len);
	assert_int_equal(redact_entry(r, e), 0);
	assert_json(e);
	strip_entry(e);
	buf_free(&body);
	buf_free(&response);
	return e;
}

static void test_encoded(void **state)
{
	static const char secret[] = "{\"token\":\"hunter2\",\"text\":\"some more of it\"}";
	static const char plain[] = "{\"text\":\"nothing\"}";
	struct redact *r = rules_of(NULL, 0, true);
	struct entry *e = encoded_answer(r, secret, strlen(secret), 0);

	(void)state;
	assert_string_equal(buf_cstr(&e->response_body),
			    "{\"token\":\"" M "\",\"text\":\"some more of it\"}");
	assert_has(e, "\"decoded\":\"gzip\"");
	assert_null(strstr(buf_cstr(&e->detail), "\"content_encoding\""));
	assert_has(e, "\"redacted\":[\"body token\"]");
	entry_free(e);
	e = encoded_answer(r, plain, strlen(plain), 0);
	assert_has(e, "\"content_encoding\":\"gzip\"");
	assert_int_equal((uint8_t)e->response_body.data[0], 0x1f);
	entry_free(e);
	/* cut off: what can be decoded is looked at all the same */
	e = encoded_answer(r, secret, strlen(secret), 12);
	assert_hidden(e, "hunter2");
	assert_has(e, "\"decoded\":\"gzip\"");
	entry_free(e);
	redact_free(r);
}

/* What grows too much when it is decoded is not kept, and that is said and counted. */
static void test_bomb(void **state)
{
	struct redact *r = rules_of(NULL, 0, true);
	size_t n = 8 << 20;
	char *text = calloc(1, n);

	(void)state;
	memcpy(text, "{\"token\":\"hunter2\",\"", 20);
	struct entry *e = encoded_answer(r, text, n, 0);
	assert_int_equal(e->response_body.len, 0);
	assert_false(e->complete);
	assert_non_null(strstr(e->reason, "response: "));
	assert_non_null(strstr(e->reason, "larger than what is looked through"));
	assert_true(e->truncated_bytes > 1000);
	assert_has(e, "\"body_stored\":0");
	assert_has(e, "\"body_digest\":\"");
	assert_has(e, " bytes, not kept: decoded it is larger");
	assert_hidden(e, "hunter2");
	assert_int_equal(redact_stats(r).over_budget, 1);
	entry_free(e);
	/* Small ones may grow a lot, large ones four times. */
	memset(text, ' ', n);
	e = encoded_answer(r, text, 400 << 10, 0);
	assert_true(e->complete && e->response_body.len > 0);
	entry_free(e);
	free(text);
	redact_free(r);
}

static void test_rules(void **state)
{
	static const char *const rules[] = { "off", "header:X-Mine", "cookie:s_id", "query:pin",
					     "body:ssn" };
	static const char *const bad[] = { "",	      "header",	  "headers:x",
					   "header:", "body:a b", "query:a\"b" };
	struct redact *r = rules_of(rules, 5, true);
	char error[256];

	(void)state;
	struct entry *e =
		redacted(r,
			 "POST /?pin=1234&token=shown HTTP/1.1\r\nX-Mine: 1234\r\n"
			 "Authorization: Bearer shown\r\nCookie: s_id=1234; b=shown\r\n"
			 "Content-Length: 33\r\n\r\n{\"ssn\":\"1234\",\"password\":\"shown\"}",
			 "HTTP/1.1 200 OK\r\nSet-Cookie: S_ID=1234\r\n"
			 "Set-Cookie: b=shown; x=1\r\n\r\n");
	assert_hidden(e, "1234");
	assert_has(e, "[\"Authorization\",\"Bearer shown\"]");
	assert_has(e, "[\"Cookie\",\"s_id=" M "; b=shown\"]");
	assert_has(e, "[\"Set-Cookie\",\"b=shown; x=1\"]");
	assert_has(e, "\"redacted\":[\"query pin\",\"header xmine\",\"cookie sid\",\"body ssn\"]");
	assert_string_equal(e->query_string, "pin=" M "&token=shown");
	entry_free(e);
	redact_free(r);
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		*error = '\0';
		assert_int_equal(redact_new(&bad[i], 1, true, &r, error, sizeof(error)), -EINVAL);
		assert_int_not_equal(*error, '\0');
	}
}

static void test_off(void **state)
{
	static const char *const rules[] = { "off" };
	struct redact *r = rules_of(rules, 1, true);
	struct entry *e = redacted(r, "GET /?token=a HTTP/1.1\r\nAuthorization: b\r\n\r\n", OK);

	(void)state;
	assert_string_equal(e->query_string, "token=a");
	assert_has(e, "[\"Authorization\",\"b\"]");
	entry_free(e);
	redact_free(r);
}

static struct entry *opaque(const struct redact *r)
{
	struct entry *e = exchange("\x01{\"token\":\"a\"}", 14, "x", 1);

	assert_string_equal(e->protocol, "tls");
	assert_int_equal(redact_entry(r, e), 0);
	return e;
}

static void test_opaque(void **state)
{
	struct redact *r = rules_of(NULL, 0, true);
	struct entry *e = opaque(r), *same = opaque(r);

	(void)state;
	assert_int_equal(e->request_body.len + e->response_body.len, 0);
	assert_int_equal(e->request_size, 14);
	assert_true(e->complete);
	assert_has(e, "\"body_size\":14,\"body_stored\":0,\"body_digest\":\"");
	assert_has(e, "\"why\":\"14 bytes, not kept (--keep-opaque)\"");
	/* the same bytes have the same digest */
	const char *digest = strstr(buf_cstr(&e->detail), "body_digest");
	assert_memory_equal(digest, strstr(buf_cstr(&same->detail), "body_digest"), 32);
	assert_int_equal(redact_stats(r).opaque, 4);
	entry_free(e);
	entry_free(same);
	redact_keep_opaque(r);
	e = opaque(r);
	assert_memory_equal(e->request_body.data, "\x01{\"token\":\"a\"}", 14);
	entry_free(e);
	redact_free(r);
}

/* A head whose first record was lost leaves its rest as bytes that begin no message. */
static void test_stray(void **state)
{
	static const char rest[] = "X-A: b\r\nAuthorization: Bearer hunter2\r\n\r\n";
	static const char next[] = "GET /x HTTP/1.1\r\nHost: h\r\n\r\n";
	struct redact *r = rules_of(NULL, 0, true);
	struct entry *list[8];
	struct collection all = { .list = list };
	const struct entry_sink sink = { .emit = collect_all, .ctx = &all };
	const struct conn_hint hint = { 0 };
	struct dissection *d = dissect_open(&sink, &hint);

	(void)state;
	for (int i = 0; i < 2; i++) {
		dissect_feed(d, DIR_WRITE, (const uint8_t *)next, strlen(next), 0, 1000);
		dissect_feed(d, DIR_READ, (const uint8_t *)OK, strlen(OK), 0, 2000);
		dissect_gap(d, DIR_WRITE, 4096, GAP_LOST, 3000);
		dissect_feed(d, DIR_WRITE, (const uint8_t *)rest, strlen(rest), 0, 3000);
		dissect_feed(d, DIR_READ, (const uint8_t *)OK, strlen(OK), 0, 4000);
	}
	dissect_close(d, 5000);
	bool stray = false;
	for (size_t i = 0; i < all.count; i++) {
		assert_int_equal(redact_entry(r, list[i]), 0);
		assert_hidden(list[i], "hunter2");
		stray |= strstr(buf_cstr(&list[i]->detail), "not kept (--keep-opaque)") != NULL;
		entry_free(list[i]);
	}
	assert_true(stray);
	redact_free(r);
}

/* The example of README, over HTTP/2. */
static void test_http2(void **state)
{
	static const char request[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
				      "\0\0\0\4\0\0\0\0\0"
				      "\0\0\x2a\1\4\0\0\0\1\x83\x87\x84\x41\1h\x0f\x10\x21"
				      "application/x-www-form-urlencoded"
				      "\0\0\x17\0\1\0\0\0\1"
				      "user=me&password=secret";
	static const char answer[] = "\0\0\0\4\0\0\0\0\0"
				     "\0\0\1\1\5\0\0\0\1\x88";
	struct redact *r = rules_of(NULL, 0, true);
	struct entry *e = exchange(request, sizeof(request) - 1, answer, sizeof(answer) - 1);

	(void)state;
	assert_string_equal(e->protocol, "http2");
	assert_int_equal(redact_entry(r, e), 0);
	assert_hidden(e, "password=secret");
	assert_non_null(memmem(e->request_body.data, e->request_body.len, "user=me", 7));
	entry_free(e);
	redact_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_headers), cmocka_unit_test(test_nothing_to_mask),
		cmocka_unit_test(test_bodies),	cmocka_unit_test(test_masked_already),
		cmocka_unit_test(test_encoded), cmocka_unit_test(test_bomb),
		cmocka_unit_test(test_rules),	cmocka_unit_test(test_off),
		cmocka_unit_test(test_opaque),	cmocka_unit_test(test_stray),
		cmocka_unit_test(test_http2),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
