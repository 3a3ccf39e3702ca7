// SPDX-License-Identifier: GPL-2.0-or-later
/* GraphQL (October 2021) as it is sent over HTTP: JSON, application/graphql, or in a query string.
 */
#include "dissect/graphql.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/coding.h"
#include "base/json_read.h"
#include "base/limits.h"
#include "dissect/http.h"
#include "entry.h"
#include "message.h"

#define SNIFFED 4096 /* first bytes of JSON on any path in which "query" is looked for */

static bool is_name_sign(char c)
{
	return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '_';
}

static void drop(struct text *t, size_t n)
{
	t->data += n;
	t->len -= n;
}

/* Past a string, which may be a block string; its first quote is at hand. */
static void skip_string(struct text *t)
{
	bool block = t->len > 2 && !memcmp(t->data, "\"\"\"", 3);

	drop(t, block ? 3 : 1);
	while (t->len) {
		if (*t->data == '\\' && t->len > 1)
			drop(t, 1);
		else if (block ? t->len > 2 && !memcmp(t->data, "\"\"\"", 3) : *t->data == '"')
			break;
		drop(t, 1);
	}
	drop(t, t->len < (block ? 3 : 1) ? t->len : block ? 3 : 1);
}

static void skip_comment(struct text *t)
{
	while (t->len && *t->data != '\n')
		drop(t, 1);
}

static void skip_ignored(struct text *t)
{
	while (t->len && strchr(" \t\r\n,#", *t->data) && *t->data) {
		if (*t->data == '#')
			skip_comment(t);
		else
			drop(t, 1);
	}
}

static struct text take_name(struct text *t)
{
	struct text name = { t->data, 0 };

	while (t->len && is_name_sign(*t->data)) {
		drop(t, 1);
		name.len++;
	}
	return name;
}

/* Past the definition at hand: to behind the braces that end it. False: they do not. */
static bool skip_definition(struct text *t)
{
	size_t depth = 0;

	while (t->len) {
		char c = *t->data;
		if (c == '"') {
			skip_string(t);
			continue;
		}
		if (c == '#') {
			skip_comment(t);
			continue;
		}
		drop(t, 1);
		depth += c == '{';
		if (c == '}' && depth && !--depth)
			return true;
	}
	return false;
}

static bool text_is(struct text t, const char *word)
{
	return t.len == strlen(word) && !memcmp(t.data, word, t.len);
}

static bool is_operation(struct text word)
{
	return text_is(word, "query") || text_is(word, "mutation") || text_is(word, "subscription");
}

int graphql_operation(struct text t, struct text name, struct buf *out)
{
	struct text first_type = { 0 }, first_name = { 0 };

	for (skip_ignored(&t); t.len; skip_ignored(&t)) {
		bool anonymous = *t.data == '{';
		struct text type = anonymous ? (struct text){ "query", 5 } : take_name(&t),
			    own = { 0 };
		if (!is_operation(type) && !text_is(type, "fragment"))
			break;
		skip_ignored(&t);
		if (!anonymous)
			own = take_name(&t);
		skip_ignored(&t);
		bool fits = t.len && strchr("{(@", *t.data);
		if (!is_operation(type) ? !own.len : !fits)
			break;
		bool wanted =
			name.len && own.len == name.len && !memcmp(own.data, name.data, own.len);
		if (is_operation(type) && (!first_type.len || wanted)) {
			first_type = type;
			first_name = own;
		}
		if (wanted || !skip_definition(&t))
			break;
	}
	if (!first_type.len)
		return 0;
	int r = buf_put(out, first_type.data, first_type.len);
	if (!r && first_name.len)
		r = buf_putc(out, ' ');
	return r ? r : buf_put(out, first_name.data, first_name.len);
}

static struct text buf_text(const struct buf *b)
{
	return (struct text){ b->data, b->len };
}

static bool is_name(const struct buf *b)
{
	struct text t = { b->data, b->len };

	return b->len && b->len < LIMIT_GRAPHQL_NAME && take_name(&t).len == b->len;
}

/* {"query": document, "operationName": name}; of a list the first. */
static int read_json(struct text json, bool sure, struct buf *out)
{
	struct json_iterator it;
	struct text key, value = json_value(json), query, operation;
	struct buf document = { 0 }, name = { 0 };
	int r = 0;

	if (json_kind(value) == JSON_IS_ARRAY) {
		it = json_iterate(value);
		if (!json_next(&it, &key, &value))
			return 0;
	}
	if (json_kind(value) != JSON_IS_OBJECT)
		return 0;
	query = json_object_member(value, (struct text){ "query", 5 });
	operation = json_object_member(value, (struct text){ "operationName", 13 });
	if (json_kind(operation) == JSON_IS_STRING)
		r = json_put_string(operation, &name);
	if (!r && json_kind(query) == JSON_IS_STRING)
		r = json_put_string(query, &document);
	if (!r && document.len)
		r = graphql_operation(buf_text(&document), buf_text(&name), out);
	else if (!r && sure && is_name(&name)) /* a document that the server knows by its hash */
		r = buf_printf(out, "persisted %s", buf_cstr(&name));
	buf_free(&document);
	buf_free(&name);
	return r;
}

static bool contains(struct text t, const char *word)
{
	size_t n = strlen(word);

	for (size_t i = 0; i + n <= t.len; i++)
		if (!strncasecmp(t.data + i, word, n))
			return true;
	return false;
}

static int read_body(const struct message *m, const struct buf *body, bool sure, struct buf *out)
{
	bool plain = !m->content_encoding.len;
	bool json = contains(m->content_type, "json");
	struct buf coding = { 0 }, decoded = { 0 };
	int r = 0;

	if (!body->len || (!json && !contains(m->content_type, "application/graphql")))
		return 0;
	struct text text = { body->data, body->len < LIMIT_GRAPHQL ? body->len : LIMIT_GRAPHQL };
	if (plain && !sure &&
	    !memmem(text.data, text.len < SNIFFED ? text.len : SNIFFED, "\"query\"", 7))
		return 0;
	if (!plain && (sure || !json)) {
		r = buf_put(&coding, m->content_encoding.data, m->content_encoding.len);
		const char *name = r ? NULL : buf_cstr(&coding);
		if (name)
			coding_decode(name, body->data, body->len, LIMIT_GRAPHQL, &decoded);
		text = buf_text(&decoded);
	}
	if ((plain || decoded.len) && !r)
		r = json ? read_json(text, sure, out)
			 : graphql_operation(text, (struct text){ 0 }, out);
	buf_free(&coding);
	buf_free(&decoded);
	return r;
}

static struct text query_value(const struct message *m, const char *name)
{
	for (size_t i = 0; i < m->query.count; i++)
		if (text_is(m->query.list[i].name, name))
			return m->query.list[i].value;
	return (struct text){ 0 };
}

void graphql_entry(struct entry *e)
{
	const struct message *m = e->message[0];
	struct text document;
	struct buf out = { 0 };
	int r = 0;

	if (!m || !m->has_head || strncmp(e->protocol, "http", 4))
		return;
	document = query_value(m, "query");
	bool post = http_is_method(m, "POST");
	if (!post && !(document.len && http_is_method(m, "GET")))
		return;
	bool sure = contains(m->target, "graphql") || contains(m->target, "gql") ||
		    contains(m->content_type, "application/graphql");
	if (post && m->stored && e->body_kept[0])
		r = buf_puts(&out, m->stored->operation);
	else if (post)
		r = read_body(m, &e->request_body, sure, &out);
	else if (sure)
		r = graphql_operation(document, query_value(m, "operationName"), &out);
	if (!r && out.len && out.len < LIMIT_GRAPHQL_NAME) {
		e->graphql_operation = entry_text(e, out.data, out.len);
		if (m->stored)
			memcpy(m->stored->operation, buf_cstr(&out), out.len + 1);
	}
	buf_free(&out);
}
