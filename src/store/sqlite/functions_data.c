// SPDX-License-Identifier: GPL-2.0-or-later
/* SQL functions that get at what an entry has: the detail, bodies, maps, paths. */
#include "store/sqlite/functions.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "base/coding.h"
#include "base/json_read.h"
#include "base/json_write.h"
#include "base/percent.h"
#include "body/body_json.h"
#include "kfl/json_path.h"
#include "kfl/value.h"
#include "kfl/xml.h"
#include "base/limits.h"
#include "base/utf8.h"

struct text sql_text(sqlite3_value *v)
{
	const char *data = NULL;

	if (sqlite3_value_type(v) == SQLITE_BLOB)
		data = sqlite3_value_blob(v);
	else if (sqlite3_value_type(v) != SQLITE_NULL)
		data = (const char *)sqlite3_value_text(v);
	return (struct text){ data, data ? (size_t)sqlite3_value_bytes(v) : 0 };
}

static void result_text(sqlite3_context *ctx, struct text t)
{
	if (!t.data)
		sqlite3_result_null(ctx);
	else
		sqlite3_result_text64(ctx, t.data, t.len, SQLITE_TRANSIENT, SQLITE_UTF8);
}

void sql_result_take(sqlite3_context *ctx, struct buf *b, int r)
{
	if (r < 0)
		sqlite3_result_error_nomem(ctx);
	else
		sqlite3_result_text64(ctx, b->data ? b->data : "", b->len, SQLITE_TRANSIENT,
				      SQLITE_UTF8);
	buf_free(b);
}

/* A value found or not in the buffer. */
static void result_found(sqlite3_context *ctx, struct buf *b, int r)
{
	if (r) {
		sql_result_take(ctx, b, r);
		return;
	}
	buf_free(b);
	sqlite3_result_null(ctx);
}

static struct text detail_member(struct text detail, struct text side, struct text member)
{
	struct text object = json_object_member(detail, side);

	return object.data && member.len ? json_object_member(object, member) : object;
}

/* kfl_member(detail, side, member): JSON or NULL; the whole side without a member */
static void run_member(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	(void)argc;
	result_text(ctx, detail_member(sql_text(argv[0]), sql_text(argv[1]), sql_text(argv[2])));
}

static void result_decoded(sqlite3_context *ctx, struct text body, const struct value *coding)
{
	struct buf encoding = { 0 }, out = { 0 };
	int r = buf_put(&encoding, coding->text.data, coding->text.len);
	const char *name = r ? NULL : buf_cstr(&encoding);

	r = name ? 0 : -ENOMEM;
	if (!r)
		r = coding_decode(name, body.data, body.len, LIMIT_FILTER_BODY, &out);
	/* What could be decoded of a broken body can be searched. */
	sql_result_take(ctx, &out, r == -ENOMEM ? r : 0);
	buf_free(&encoding);
}

/* kfl_body(detail, side, blob): text without content codings, cut at LIMIT_FILTER_BODY */
static void run_body(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	static const struct text member = { "content_encoding", 16 };
	struct text coding = detail_member(sql_text(argv[0]), sql_text(argv[1]), member);
	struct text body = sql_text(argv[2]);
	struct value v = { 0 };

	(void)argc;
	if (coding.data && json_kind(coding) == JSON_IS_STRING && value_read(coding, &v)) {
		sqlite3_result_error_nomem(ctx);
		return;
	}
	if (v.kind == JSON_IS_STRING && v.text.len) {
		result_decoded(ctx, body, &v);
	} else {
		body.data = body.data ? body.data : "";
		body.len = body.len < LIMIT_FILTER_BODY ? body.len : LIMIT_FILTER_BODY;
		result_text(ctx, body);
	}
	value_free(&v);
}

/* A name or value of a query string, %XX and + undone. */
static int put_query_part(struct jw *j, struct text t, struct buf *scratch)
{
	buf_reset(scratch);
	if (buf_reserve(scratch, t.len + 1))
		return -ENOMEM;
	jw_text(j, NULL, scratch->data, percent_decode(scratch->data, t.data, t.len));
	return 0;
}

static int put_query_pair(struct jw *j, struct text pair, struct buf *scratch)
{
	const char *equals = memchr(pair.data, '=', pair.len);
	size_t n = equals ? (size_t)(equals - pair.data) : pair.len;
	struct text value = { equals ? equals + 1 : "", equals ? pair.len - n - 1 : 0 };

	jw_array(j, NULL);
	int r = put_query_part(j, (struct text){ pair.data, n }, scratch);
	if (!r)
		r = put_query_part(j, value, scratch);
	jw_end_array(j);
	return r;
}

/* The array that was begun is the result. */
static void result_array(sqlite3_context *ctx, struct jw *j, int r)
{
	jw_end_array(j);
	sql_result_take(ctx, j->out, r ? r : jw_done(j));
}

/* kfl_query(text): [[name, value], ...] */
static void run_query(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	struct text t = sql_text(argv[0]);
	struct buf out = { 0 }, scratch = { 0 };
	struct jw j = jw_begin(&out);
	int r = 0;

	(void)argc;
	jw_array(&j, NULL);
	while (t.len && !r) {
		const char *end = memchr(t.data, '&', t.len);
		size_t n = end ? (size_t)(end - t.data) : t.len;
		if (n)
			r = put_query_pair(&j, (struct text){ t.data, n }, &scratch);
		n += end != NULL;
		t.data += n;
		t.len -= n;
	}
	buf_free(&scratch);
	result_array(ctx, &j, r);
}

/* Name and value of an element [name, value] */
static bool read_pair(struct text pair, struct text *ret_name, struct text *ret_value)
{
	struct json_iterator it = json_iterate(pair);
	struct text none;

	return json_next(&it, &none, ret_name) && json_kind(*ret_name) == JSON_IS_STRING &&
	       json_next(&it, &none, ret_value);
}

/* kfl_get(pairs, name, any_case): JSON of the value, an array when the name repeats, or NULL */
static void run_get(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	struct json_iterator it = json_iterate(sql_text(argv[0]));
	struct text wanted = sql_text(argv[1]), none, pair, name, value, first = { NULL, 0 };
	bool any_case = sqlite3_value_int(argv[2]);
	struct buf many = { 0 };
	struct jw j = jw_begin(&many);
	size_t count = 0;

	(void)argc;
	while (!j.error && json_next(&it, &none, &pair)) {
		if (!read_pair(pair, &name, &value) || !json_says(name, wanted, any_case))
			continue;
		if (!count++) {
			first = value;
			continue;
		}
		if (count == 2) {
			jw_array(&j, NULL);
			jw_raw(&j, NULL, first.data, first.len);
		}
		jw_raw(&j, NULL, value.data, value.len);
	}
	if (count > 1)
		result_array(ctx, &j, 0);
	else
		result_text(ctx, first);
}

static void result_column(sqlite3_context *ctx, struct text pairs, bool names)
{
	struct json_iterator it = json_iterate(pairs);
	struct text none, pair, name, value;
	struct buf out = { 0 };
	struct jw j = jw_begin(&out);

	jw_array(&j, NULL);
	while (!j.error && json_next(&it, &none, &pair)) {
		if (!read_pair(pair, &name, &value))
			continue;
		const struct text *t = names ? &name : &value;
		jw_raw(&j, NULL, t->data, t->len);
	}
	result_array(ctx, &j, 0);
}

/* kfl_keys(pairs), kfl_values(pairs): JSON arrays */
static void run_keys(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	(void)argc;
	result_column(ctx, sql_text(argv[0]), true);
}

static void run_values(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	(void)argc;
	result_column(ctx, sql_text(argv[0]), false);
}

/* kfl_path(json, steps), kfl_xml(text, steps): JSON or NULL */
static void run_path(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	struct buf out = { 0 };

	(void)argc;
	result_found(ctx, &out, json_put_path(sql_text(argv[0]), sql_text(argv[1]), &out));
}

static void run_xml(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	struct text xml = sql_text(argv[0]);
	struct buf out = { 0 };

	(void)argc;
	if (!xml.data)
		xml.data = "";
	result_found(ctx, &out, xml_put_path(xml, sql_text(argv[1]), &out));
}

/* kfl_binary(bytes, format, steps): JSON or NULL */
static void run_binary(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	const struct body_format *f = body_format_named((const char *)sqlite3_value_text(argv[1]));
	struct text body = sql_text(argv[0]);
	struct buf json = { 0 }, out = { 0 };
	int r = body.len ? body_put_plain(f, body.data, body.len, &json) : 0;

	(void)argc;
	if (!r)
		r = json_put_path((struct text){ json.data, json.len }, sql_text(argv[2]), &out);
	buf_free(&json);
	result_found(ctx, &out, r);
}

/* kfl_segments("/a/b/"): ["a","b"] */
static void run_segments(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	struct text t = sql_text(argv[0]);
	struct buf out = { 0 };
	struct jw j = jw_begin(&out);

	(void)argc;
	jw_array(&j, NULL);
	if (t.len && *t.data == '/') {
		t.data++;
		t.len--;
	}
	while (t.len && !j.error) {
		const char *slash = memchr(t.data, '/', t.len);
		size_t n = slash ? (size_t)(slash - t.data) : t.len;
		jw_text(&j, NULL, t.data, n);
		n += slash != NULL;
		t.data += n;
		t.len -= n;
	}
	result_array(ctx, &j, 0);
}

/* kfl_list(text, ...): those that are not empty, each once */
static void run_list(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	struct buf out = { 0 };
	struct jw j = jw_begin(&out);

	jw_array(&j, NULL);
	for (int i = 0; i < argc; i++) {
		struct text t = sql_text(argv[i]);
		bool seen = !t.len;
		for (int k = 0; k < i && !seen; k++) {
			struct text other = sql_text(argv[k]);
			seen = other.len == t.len && !memcmp(other.data, t.data, t.len);
		}
		if (!seen)
			jw_text(&j, NULL, t.data, t.len);
	}
	result_array(ctx, &j, 0);
}

static void put_keys(struct jw *j, struct text object)
{
	struct json_iterator it = json_iterate(object);
	struct text key, value;

	while (!j->error && json_next(&it, &key, &value))
		jw_raw(j, NULL, key.data, key.len);
}

/* kfl_elements(json): an array of the elements; of an object its names; a value alone */
static void run_elements(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	struct text json = sql_text(argv[0]);
	enum json_kind kind = json_kind(json);
	struct buf out = { 0 };

	(void)argc;
	if (kind == JSON_IS_ARRAY) {
		sqlite3_result_value(ctx, argv[0]);
		return;
	}
	struct jw j = jw_begin(&out);
	jw_array(&j, NULL);
	if (kind == JSON_IS_OBJECT)
		put_keys(&j, json);
	else if (kind > JSON_IS_NULL)
		jw_raw(&j, NULL, json.data, json.len);
	result_array(ctx, &j, 0);
}

/* kfl_element(type, value): JSON of a row of json_each() */
static void run_element(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	struct text type = sql_text(argv[0]), value = sql_text(argv[1]);
	struct buf out = { 0 };
	int r;

	(void)argc;
	if (type.len == 4 && (!memcmp(type.data, "text", 4)))
		r = buf_put_json(&out, value.data ? value.data : "", value.len);
	else if (type.len && strchr("tfn", *type.data))
		r = buf_put(&out, type.data, type.len);
	else
		r = buf_put(&out, value.data, value.len);
	sql_result_take(ctx, &out, r);
}

/* kfl_messages(detail): what each message of it says, text or hex, as an array */
static void run_messages(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	static const struct text messages = { "messages", 8 };
	static const struct text contents[] = { { "text", 4 }, { "hex", 3 } };
	struct json_iterator it = json_iterate(json_object_member(sql_text(argv[0]), messages));
	struct text none, message;
	struct buf out = { 0 };
	struct jw j = jw_begin(&out);

	(void)argc;
	jw_array(&j, NULL);
	while (!j.error && json_next(&it, &none, &message)) {
		struct text t = json_object_member(message, contents[0]);
		if (!t.data)
			t = json_object_member(message, contents[1]);
		if (t.data)
			jw_raw(&j, NULL, t.data, t.len);
	}
	result_array(ctx, &j, 0);
}

static size_t count_chars(struct text t)
{
	size_t n = 0;

	for (size_t i = 0; i < t.len; n++) {
		size_t u = utf8_length((const unsigned char *)t.data + i, t.len - i);
		i += u ? u : 1;
	}
	return n;
}

/* kfl_length(text): characters */
static void run_length(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	(void)argc;
	sqlite3_result_int64(ctx, (int64_t)count_chars(sql_text(argv[0])));
}

/* kfl_size(json): elements, members, characters; 0 for what has none */
static void run_size(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	struct text json = sql_text(argv[0]);
	struct value v;

	(void)argc;
	if (json_kind(json) >= JSON_IS_ARRAY) {
		sqlite3_result_int64(ctx, (int64_t)json_count(json));
		return;
	}
	if (value_read(json, &v)) {
		sqlite3_result_error_nomem(ctx);
		return;
	}
	sqlite3_result_int64(ctx, v.kind == JSON_IS_STRING ? (int64_t)count_chars(v.text) : 0);
	value_free(&v);
}

/* kfl_text(json): what a string says, else the JSON; "" for NULL */
static void run_text(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	struct text json = sql_text(argv[0]);
	struct value v;

	(void)argc;
	if (value_read(json, &v)) {
		sqlite3_result_error_nomem(ctx);
		return;
	}
	if (v.kind <= JSON_IS_NULL)
		result_text(ctx, (struct text){ "", 0 });
	else
		result_text(ctx, (struct text){ v.text.data ? v.text.data : "", v.text.len });
	value_free(&v);
}

static void result_number(sqlite3_context *ctx, const struct number *n)
{
	if (n->is_real)
		sqlite3_result_double(ctx, n->real);
	else
		sqlite3_result_int64(ctx, n->integer);
}

/* kfl_number(json): a number, also one written as text; 0 for anything else */
static void run_number(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	struct value v;
	struct number n = { 0 };

	(void)argc;
	if (value_read(sql_text(argv[0]), &v)) {
		sqlite3_result_error_nomem(ctx);
		return;
	}
	if (v.kind == JSON_IS_NUMBER)
		n = v.number;
	else if (v.kind == JSON_IS_STRING)
		number_parse(v.text.data, v.text.len, &n);
	result_number(ctx, &n);
	value_free(&v);
}

/* clang-format off */
const struct sql_function functions_data[] = {
	{ "kfl_member", 3, run_member },
	{ "kfl_body", 3, run_body },
	{ "kfl_query", 1, run_query },
	{ "kfl_get", 3, run_get },
	{ "kfl_keys", 1, run_keys },
	{ "kfl_values", 1, run_values },
	{ "kfl_path", 2, run_path },
	{ "kfl_xml", 2, run_xml },
	{ "kfl_binary", 3, run_binary },
	{ "kfl_segments", 1, run_segments },
	{ "kfl_list", -1, run_list },
	{ "kfl_elements", 1, run_elements },
	{ "kfl_element", 2, run_element },
	{ "kfl_messages", 1, run_messages },
	{ "kfl_length", 1, run_length },
	{ "kfl_size", 1, run_size },
	{ "kfl_text", 1, run_text },
	{ "kfl_number", 1, run_number },
	{ NULL, 0, NULL },
};
/* clang-format on */
