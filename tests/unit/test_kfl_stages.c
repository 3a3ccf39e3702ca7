// SPDX-License-Identifier: GPL-2.0-or-later
/* The stages of KFL one by one: tokens, trees, what queries say of themselves, help, formats. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <jansson.h>

#include "base/buf.h"
#include "base/limits.h"
#include "kfl/vocabulary.h"
#include "kfl/json_path.h"
#include "base/json_read.h"
#include "kfl/kfl.h"
#include "kfl/regex.h"
#include "kfl/time.h"
#include "kfl/tree.h"
#include "kfl/xml.h"
#include "kfl_fixture.h"

struct pair {
	const char *text, *want;
};

/* Kinds as numbers would say nothing: a letter for each, with what the token carries. */
static void put_token(const struct token *t, struct buf *out)
{
	static const char *const names[] = {
		[TOK_AND] = "and",    [TOK_OR] = "or",	     [TOK_NOT] = "not",	 [TOK_IN] = "in",
		[TOK_TRUE] = "true",  [TOK_FALSE] = "false", [TOK_NIL] = "nil",	 [TOK_EQ] = "==",
		[TOK_NE] = "!=",      [TOK_LT] = "<",	     [TOK_LE] = "<=",	 [TOK_GT] = ">",
		[TOK_GE] = ">=",      [TOK_PLUS] = "+",	     [TOK_MINUS] = "-",	 [TOK_STAR] = "*",
		[TOK_SLASH] = "/",    [TOK_PERCENT] = "%",   [TOK_LPAREN] = "(", [TOK_RPAREN] = ")",
		[TOK_LBRACKET] = "[", [TOK_RBRACKET] = "]",  [TOK_COMMA] = ",",	 [TOK_DOT] = ".",
		[TOK_DOTDOT] = "..",  [TOK_QUESTION] = "?",  [TOK_COLON] = ":",
	};

	buf_puts(out, out->len ? " " : "");
	if (t->kind == TOK_NAME)
		buf_printf(out, "N:%.*s", (int)t->text.len, t->text.data);
	else if (t->kind == TOK_STRING || t->kind == TOK_REGEX)
		buf_printf(out, "%c:%.*s", t->kind == TOK_REGEX ? 'R' : 'S', (int)t->text.len,
			   t->text.data);
	else if (t->kind == TOK_INTEGER)
		buf_printf(out, "I:%lld", (long long)t->integer);
	else if (t->kind == TOK_REAL)
		buf_printf(out, "F:%g", t->real);
	else
		buf_puts(out, names[t->kind]);
}

static void test_tokens(void **state)
{
	static const struct pair cases[] = {
		{ "", "" },
		{ " \t\r\n", "" },
		{ "http and tls", "N:http and N:tls" },
		{ "a&&b||!c", "N:a and N:b or not N:c" },
		{ "android oregano nothing inn", "N:android N:oregano N:nothing N:inn" },
		{ "true false nil null", "true false nil nil" },
		{ "a<=b>=c==d!=e<f>g", "N:a <= N:b >= N:c == N:d != N:e < N:f > N:g" },
		{ "1 1.5 1e3 1.5e-3 0x1F", "I:1 F:1.5 F:1000 F:0.0015 I:31" },
		{ "9223372036854775807 9223372036854775808",
		  "I:9223372036854775807 F:9.22337e+18" },
		{ "1..a", "I:1 .. N:a" },
		{ "a.b[0].*..c", "N:a . N:b [ I:0 ] . * .. N:c" },
		{ "a-1 a - 1", "N:a - I:1 N:a - I:1" },
		{ "a?b:c,d%e/f", "N:a ? N:b : N:c , N:d % N:e / N:f" },
		{ "\"a\\\"b\" 'a\"b' 'a\\'b'", "S:a\"b S:a\"b S:a'b" },
		{ "\"\\x41\\u00e9\\U0001F600\"", "S:A\xc3\xa9\xf0\x9f\x98\x80" },
		{ "r\"\\d\\\"\" r'[a]' r x", "R:\\d\\\" R:[a] N:r N:x" },
		{ "a//b\nc#d", "N:a N:c" },
		{ "\"//\" '#'", "S:// S:#" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct kfl_error error;
		struct query q = { .text = cases[i].text,
				   .len = strlen(cases[i].text),
				   .error = &error };
		struct token t;
		struct buf out = { 0 };
		size_t pos = 0;
		while (assert_int_equal(lex_next(&q, &pos, &t), 0), t.kind != TOK_END)
			put_token(&t, &out);
		assert_string_equal(buf_cstr(&out), cases[i].want);
		buf_free(&out);
		query_free(&q);
	}
}

static void put_steps(const struct step *s, struct buf *out)
{
	for (; s; s = s->next) {
		if (s->kind == STEP_INDEX)
			buf_printf(out, "[%lld]", (long long)s->index);
		else
			buf_printf(out, "%s%.*s",
				   s->kind == STEP_KEY	 ? "."
				   : s->kind == STEP_ANY ? ".*"
							 : "..",
				   (int)s->key.len, s->key.data);
	}
}

/* (kind child child), as parsed. */
static void put_tree(const struct node *n, struct buf *out)
{
	static const char *const names[] = {
		[NODE_LIST] = "list",	   [NODE_PATH] = "path",     [NODE_CALL] = "call",
		[NODE_AND] = "and",	   [NODE_OR] = "or",	     [NODE_NOT] = "not",
		[NODE_NEGATE] = "neg",	   [NODE_COMPARE] = "cmp",   [NODE_IN] = "in",
		[NODE_ARITHMETIC] = "sum", [NODE_CHOOSE] = "choose",
	};

	if (n->kind == NODE_INTEGER)
		buf_printf(out, "%lld", (long long)n->integer);
	else if (n->kind == NODE_STRING || n->kind == NODE_REGEX)
		buf_printf(out, "'%.*s'", (int)n->text.len, n->text.data);
	else if (n->kind == NODE_NAME)
		buf_printf(out, "%.*s", (int)n->text.len, n->text.data);
	else if (n->kind == NODE_BOOL)
		buf_puts(out, n->integer ? "true" : "false");
	else if (n->kind == NODE_NIL)
		buf_puts(out, "nil");
	if (n->kind <= NODE_NIL || n->kind == NODE_NAME)
		return;
	buf_printf(out, "(%s",
		   n->kind == NODE_CALL ? n->method ? "method" : "call" : names[n->kind]);
	if (n->kind == NODE_CALL)
		buf_printf(out, " %.*s", (int)n->text.len, n->text.data);
	for (const struct node *i = n->first; i; i = i->next) {
		buf_putc(out, ' ');
		put_tree(i, out);
	}
	buf_puts(out, n->steps ? " " : "");
	put_steps(n->steps, out);
	buf_putc(out, ')');
}

static void test_trees(void **state)
{
	static const struct pair cases[] = {
		{ "a or b and c", "(or a (and b c))" },
		{ "a and b or c and d", "(or (and a b) (and c d))" },
		{ "a or b or c", "(or a b c)" },
		{ "(a or b) or c", "(or (or a b) c)" },
		{ "not a and b", "(and (not a) b)" },
		{ "not not a == b", "(not (cmp a b))" },
		{ "a == b and c != d", "(and (cmp a b) (cmp c d))" },
		{ "a + b * c == d", "(cmp (sum a (sum b c)) d)" },
		{ "a - b - c == d", "(cmp (sum (sum a b) c) d)" },
		{ "-a == - 5", "(cmp (neg a) -5)" },
		{ "a in [1, 'x', true, nil]", "(in a (list 1 'x' true nil))" },
		{ "a.b.c['d'][0].*[*]..e", "(path a .b.c.d[0].*.*..e)" },
		{ "a.b.f(1).c.g().d", "(path (method g (path (method f (path a .b) 1) .c)) .d)" },
		{ "f(a, g())", "(call f a (call g))" },
		{ "a ? b : c ? d : e", "(choose a b (choose c d e))" },
		{ "a or b ? c : d", "(choose (or a b) c d)" },
		{ "x.in.and.not", "(path x .in.and.not)" },
		{ "((((a))))", "a" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct kfl_error error;
		struct query q = { .text = cases[i].text,
				   .len = strlen(cases[i].text),
				   .error = &error };
		struct node *root = NULL;
		struct buf out = { 0 };
		assert_int_equal(parse_query(&q, &root), 0);
		put_tree(root, &out);
		assert_string_equal(buf_cstr(&out), cases[i].want);
		buf_free(&out);
		query_free(&q);
	}
}

/* Where in the query each node is: errors point there. */
static void test_places(void **state)
{
	static const char text[] = "  path.x.contains( 'a' )  or -status_code < -  5";
	struct kfl_error error;
	struct query q = { .text = text, .len = strlen(text), .error = &error };
	struct node *root;

	(void)state;
	assert_int_equal(parse_query(&q, &root), 0);
	const struct node *call = root->first, *cmp = root->last;
	assert_memory_equal(text + call->pos, "path.x.contains( 'a' )", call->len);
	assert_int_equal(call->len, 22);
	assert_memory_equal(text + call->first->pos, "path.x", call->first->len);
	assert_int_equal(call->first->len, 6);
	assert_memory_equal(text + cmp->pos, "-status_code < -  5", cmp->len);
	assert_int_equal(cmp->len, 19);
	assert_memory_equal(text + cmp->last->pos, "-  5", cmp->last->len);
	assert_int_equal(cmp->last->len, 4);
	query_free(&q);
}

static void test_normal(void **state)
{
	static const struct pair cases[] = {
		{ "", "" },
		{ "  http  &&\n!tls // x\n", "http and not tls" },
		{ "path==\"a  b\"", "path == \"a  b\"" },
		{ "http||tls", "http or tls" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct kfl *k = fixture_compile(cases[i].text);
		assert_string_equal(kfl_normal(k), cases[i].want);
		kfl_free(k);
	}
	/* Two moments are two queries. */
	struct kfl *k = fixture_compile("timestamp > now()");
	assert_non_null(strstr(kfl_normal(k), "timestamp > now ( ) // at "));
	kfl_free(k);
	k = fixture_compile("timestamp > timestamp(\"2026-03-14T22:00:00Z\")");
	assert_null(strstr(kfl_normal(k), "// at"));
	kfl_free(k);
}

static void assert_redacted(const struct kfl *k, size_t i, const char *field, const char *decoder,
			    const char *steps)
{
	const struct kfl_redaction *d = kfl_redacted(k, i);

	assert_non_null(d);
	assert_string_equal(d->field, field);
	assert_string_equal(d->decoder ? d->decoder : "none", decoder ? decoder : "none");
	assert_int_equal(d->steps_len, strlen(steps));
	assert_memory_equal(d->steps, steps, d->steps_len);
}

static void test_limit_and_redact(void **state)
{
	struct kfl *k = fixture_compile("http");

	(void)state;
	assert_int_equal(kfl_limit(k), -1);
	assert_null(kfl_redacted(k, 0));
	kfl_free(k);
	k = fixture_compile("limit(20) and (limit(5) or limit(7))");
	assert_int_equal(kfl_limit(k), 5);
	kfl_free(k);
	k = fixture_compile(
		"redact(\"request.path\", \"request.headers['X']\") and "
		"redact(\"response.body.json().a..b\", \"request.query.id\", \"src.service\")");
	assert_redacted(k, 0, "path", NULL, "");
	assert_redacted(k, 1, "request.headers", NULL, "k1:X");
	assert_redacted(k, 2, "response.body", "json", "k1:ad1:b");
	assert_redacted(k, 3, "query_string", NULL, "k2:id");
	assert_redacted(k, 4, "src.service.name", NULL, "");
	assert_null(kfl_redacted(k, 5));
	kfl_free(k);
	k = fixture_compile(
		"redact('response.body.json().a.json().b', 'response.body.xml()..x', 'src..ip',"
		"'request.headers.h.json().a', 'request.headers.*', 'path[1].json()[2]',"
		"'request.body.json()')");
	assert_redacted(k, 0, "response.body", "json", "k1:a");
	assert_redacted(k, 1, "response.body", "xml", "d1:x");
	assert_redacted(k, 2, "src", NULL, "d2:ip");
	assert_redacted(k, 3, "request.headers", NULL, "k1:h");
	assert_redacted(k, 4, "request.headers", NULL, "*");
	assert_redacted(k, 5, "path", NULL, "i1:");
	assert_redacted(k, 6, "request.body", "json", "");
	kfl_free(k);
}

static void check_help_list(const json_t *list, size_t count, const char *const *members)
{
	const json_t *item;
	size_t i;

	assert_int_equal(json_array_size(list), count);
	json_array_foreach(list, i,
			   item) for (const char *const *m = members; *m;
				      m++) if (!json_string_length(json_object_get(item, *m)))
		fail_msg("%s has no %s", json_string_value(json_object_get(item, "name")), *m);
}

static void test_help(void **state)
{
	static const char *const of_field[] = { "name", "type", "help", "example", NULL };
	static const char *const of_function[] = { "name", "type",    "signature",
						   "help", "example", NULL };
	struct buf b = { 0 };
	size_t fields = 0, flags = 0, functions = 0;

	(void)state;
	assert_int_equal(kfl_put_fields_json(&b), 0);
	json_t *help = json_loadb(b.data, b.len, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(help);
	for (const struct kfl_field *f = field_table; f->name; f++)
		*(f->traits & FIELD_FLAG ? &flags : &fields) += 1;
	for (const struct kfl_function *f = function_table; f->name; f++)
		functions++;
	check_help_list(json_object_get(help, "fields"), fields, of_field);
	check_help_list(json_object_get(help, "flags"), flags, of_field);
	check_help_list(json_object_get(help, "functions"), functions, of_function);
	json_decref(help);
	buf_free(&b);
}

static int match(const char *pattern, const struct buf *text, size_t len)
{
	struct regex *re;
	char message[128];
	size_t offset;

	assert_int_equal(
		regex_new(pattern, strlen(pattern), &re, &offset, message, sizeof(message)), 0);
	regex_arm(re, len);
	int r = regex_match(re, text->data, len);
	regex_free(re);
	return r;
}

/* The steps are counted over the whole text, not anew at each place where a match may begin. */
static void test_regex_steps(void **state)
{
	struct buf text = { 0 };
	struct regex *re;
	char message[128];
	size_t offset;

	(void)state;
	fixture_repeat(&text, "aaaaaaaaaaaaaaaaaaaa! ", 20000);
	assert_int_equal(match("(a|aa)+$", &text, text.len), -7);
	/* A harmless pattern may look at all of a long text. */
	assert_int_equal(match("[a-z]+@b", &text, text.len), 0);
	assert_int_equal(buf_puts(&text, "x@b"), 0);
	assert_int_equal(match("[a-z]+@b", &text, text.len), 1);
	/* Few steps, each over the whole text. */
	assert_int_equal(match("[^b]*[0-9]", &text, text.len), -7);
	/* Options that a pattern may set do not raise the limits. */
	buf_reset(&text);
	fixture_repeat(&text, "a", 40);
	buf_puts(&text, "!");
	assert_int_equal(match("^(a|aa)+$", &text, text.len), -7);
	assert_int_equal(match("(*LIMIT_MATCH=4000000000)(*LIMIT_HEAP=4000000000)^(a|aa)+$", &text,
			       text.len),
			 -7);
	assert_int_equal(regex_new("\\C", 2, &re, &offset, message, sizeof(message)), -22);
	/* What is granted is granted once. */
	assert_int_equal(regex_new("(a|aa)+$", 8, &re, &offset, message, sizeof(message)), 0);
	regex_arm(re, 10);
	int r = 0;
	for (int i = 0; i < 10000 && !r; i++)
		r = regex_match(re, "aaaaaaaaa!", 10);
	assert_int_equal(r, -7);
	regex_free(re);
	buf_free(&text);
}

static void path_is(int (*put)(struct text, struct text, struct buf *), const char *in,
		    const char *steps, const char *want)
{
	struct buf out = { 0 };
	int r = put((struct text){ in, strlen(in) }, (struct text){ steps, strlen(steps) }, &out);

	assert_int_equal(r, want ? 1 : 0);
	if (want)
		assert_string_equal(buf_cstr(&out), want);
	buf_free(&out);
}

static void test_json_text(void **state)
{
	struct buf deep = { 0 };

	(void)state;
	path_is(json_put_path, "{\"a\":{\"b\":[1,{\"c\":\"x\"}]}}", "k1:ak1:bi1:k1:c", "\"x\"");
	path_is(json_put_path, " [ 1 , 2 ] ", "i1:", "2");
	path_is(json_put_path, "[1,2", "i1:", "2");
	path_is(json_put_path, "[1,2", "", NULL);
	path_is(json_put_path, "{\"a\":1,\"a\":2}", "k1:a", "1");
	path_is(json_put_path, "{\"a\":tru}", "k1:a", NULL);
	path_is(json_put_path, "{\"a\":01}", "k1:a", NULL);
	path_is(json_put_path, "{\"a\":\"\x01\"}", "k1:a", NULL);
	path_is(json_put_path, "{\"a\":\"\\q\"}", "k1:a", NULL);
	path_is(json_put_path, "{\"a\":1,}", "k1:b", NULL);
	path_is(json_put_path, "{\"\\u0061\":1}", "k1:a", "1");
	path_is(json_put_path, "{\"a\":[1,[2,{\"a\":3}]]}", "d1:a", "[[1,[2,{\"a\":3}]],3]");
	path_is(json_put_path, "{\"a\":[1,2],\"b\":[3]}", "**", "[1,2,3]");
	path_is(json_put_path, "[]", "*", "[]");
	path_is(json_put_path, "", "*", "[]");
	fixture_repeat(&deep, "[", 100000);
	path_is(json_put_path, buf_cstr(&deep), "d1:a", "[]");
	path_is(json_put_path, deep.data, "i0:", NULL);
	buf_free(&deep);
}

static void test_xml_text(void **state)
{
	struct buf deep = { 0 };

	(void)state;
	path_is(xml_put_path, "<a><b>x</b></a>", "k1:ak1:b", "\"x\"");
	path_is(xml_put_path, "<a><b>x</b><b>y</b></a>", "k1:ak1:b", "[\"x\",\"y\"]");
	path_is(xml_put_path, "<a><b>x", "k1:ak1:b", "\"x\"");
	path_is(xml_put_path, "<a b='1' c=\"&lt;>\"/>", "k1:ak2:@c", "\"<>\"");
	path_is(xml_put_path, "<a b='1'/>", "k1:ak2:@x", NULL);
	path_is(xml_put_path, "<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;&#65;&#x42;&y;</a>", "k1:a",
		"\"&x;AB&y;\"");
	/* What is no reference breaks it off. */
	path_is(xml_put_path, "<a>AB&#0;</a>", "k1:a", "\"AB\"");
	path_is(xml_put_path, "<a><b>x</b> &bad </a>", "k1:ak1:b", "\"x\"");
	path_is(xml_put_path, "<a></b></a></a></a>", "k1:a", "\"\"");
	path_is(xml_put_path, "no xml", "k1:a", NULL);
	path_is(xml_put_path, "<a><![CDATA[<b>]]>c<!-- d --></a>", "k1:a", "\"<b>c\"");
	path_is(xml_put_path, "<a><![CDATA[", "k1:a", "\"\"");
	path_is(xml_put_path, "<", "k1:a", NULL);
	path_is(xml_put_path, "", "*", "[]");
	fixture_repeat(&deep, "<a>", 100000);
	path_is(xml_put_path, buf_cstr(&deep), "k1:b", NULL);
	buf_free(&deep);
}

static void xml_is(const void *xml, size_t len, const char *steps, const char *want)
{
	struct buf out = { 0 };
	int r = xml_put_path((struct text){ xml, len }, (struct text){ steps, strlen(steps) },
			     &out);

	assert_int_equal(r, want != NULL);
	assert_string_equal(buf_cstr(&out), want ? want : "");
	buf_free(&out);
}

static void test_xml_encodings(void **state)
{
	static const char latin[] =
		"<?xml version='1.0' encoding='ISO-8859-1'?><a b='\xe9'>\xe8</a>";
	static const char other[] = "<?xml version='1.0' encoding='koi8-r'?><a>b</a>";
	static const char mark[] = "\xef\xbb\xbf<a>\xc3\xa9</a>";
	static const char wide[] = "\xff\xfe<\0a\0>\0\xe9\0<\0/\0a\0>";
	static const char large[] = "\xfe\xff\0<\0a\0>\x20\xac\0<\0/\0a\0>";

	(void)state;
	xml_is(latin, sizeof(latin) - 1, "k1:a", "\"\xc3\xa8\"");
	xml_is(latin, sizeof(latin) - 1, "k1:ak2:@b", "\"\xc3\xa9\"");
	xml_is(other, sizeof(other) - 1, "k1:a", "\"b\"");
	xml_is(mark, sizeof(mark) - 1, "k1:a", "\"\xc3\xa9\"");
	xml_is(wide, sizeof(wide), "k1:a", "\"\xc3\xa9\"");
	xml_is(large, sizeof(large) - 1, "k1:a", "\"\xe2\x82\xac\"");
	/* Bytes that the encoding does not have break it off. */
	xml_is("<a><b>x</b><c>\xff</c></a>", 25, "k1:ak1:b", "\"x\"");
}

/* Entities that stand for others, ten of each: what one reference would be is 10^9 of them. */
static void put_laughs(struct buf *out, const char *body)
{
	buf_puts(out, "<!DOCTYPE a [<!-- ]> \" --><!ENTITY l0 \"ha]>\">");
	for (int i = 1; i < 10; i++) {
		buf_printf(out, "<!ENTITY l%d \"", i);
		for (int k = 0; k < 10; k++)
			buf_printf(out, "&l%d;", i - 1);
		buf_puts(out, "\">");
	}
	buf_printf(out, "<!ATTLIST a d CDATA \"&l9;\"><!ENTITY f SYSTEM \"/etc/passwd\">]>%s",
		   body);
}

/* The same in UTF-16, where the document type cannot be passed over. */
static void widen(const struct buf *in, struct buf *out)
{
	buf_put(out, "\xff\xfe", 2);
	for (size_t i = 0; i < in->len; i++) {
		buf_putc(out, in->data[i]);
		buf_putc(out, '\0');
	}
}

static void test_xml_entities(void **state)
{
	struct buf b = { 0 }, wide = { 0 };

	(void)state;
	put_laughs(&b, "<a x='1'><b>&l9;</b><c>&f;</c><e y='&l9;&lt;'>z</e></a>");
	xml_is(b.data, b.len, "k1:ak1:b", "\"&l9;\"");
	xml_is(b.data, b.len, "k1:ak1:c", "\"&f;\"");
	xml_is(b.data, b.len, "k1:ak2:@x", "\"1\"");
	xml_is(b.data, b.len, "k1:ak2:@d", NULL);
	xml_is(b.data, b.len, "k1:ak1:ek2:@y", "\"<\"");
	xml_is(b.data, b.len, "k1:ak1:e", "\"z\"");
	widen(&b, &wide);
	xml_is(wide.data, wide.len, "k1:ak2:@x", NULL);
	buf_reset(&b);
	buf_reset(&wide);
	put_laughs(&b, "");
	char *list = strstr(buf_cstr(&b), "<!ATTLIST"), *end = list + strcspn(list, ">") + 1;
	memmove(list, end, strlen(end) + 1);
	b.len = strlen(b.data);
	buf_puts(&b, "<a><b>&l9;</b><c>&f;</c><e y='&l9;'>z</e></a>");
	widen(&b, &wide);
	xml_is(wide.data, wide.len, "k1:ak1:b", "\"&l9;\"");
	xml_is(wide.data, wide.len, "k1:ak1:e", NULL);
	buf_free(&b);
	buf_free(&wide);
}

/* Memory and time follow the size: elements past the limit are not read. */
static void test_xml_cost(void **state)
{
	struct buf b = { 0 };

	(void)state;
	buf_puts(&b, "<a><first>1</first>");
	fixture_repeat(&b, "<b c='1'/>", LIMIT_XML_ELEMENTS + 100);
	buf_puts(&b, "<last>2</last></a>");
	xml_is(b.data, b.len, "k1:ak5:first", "\"1\"");
	xml_is(b.data, b.len, "k1:ak4:last", NULL);
	buf_reset(&b);
	buf_puts(&b, "<a");
	for (int i = 0; i < 20000; i++)
		buf_printf(&b, " b%d='%d'", i, i);
	buf_puts(&b, "/>");
	xml_is(b.data, b.len, "k1:ak6:@b9999", "\"9999\"");
	buf_reset(&b);
	fixture_repeat(&b, "<!--", 100000);
	xml_is(b.data, b.len, "k1:a", NULL);
	buf_reset(&b);
	fixture_repeat(&b, "<!DOCTYPE [<", 100000);
	xml_is(b.data, b.len, "k1:a", NULL);
	buf_free(&b);
}

static void test_months(void **state)
{
	int64_t from, to, want;

	(void)state;
	assert_true(time_parse_rfc3339("2024-01-31T10:00:00.25Z", 23, &from));
	assert_true(time_parse_rfc3339("2024-03-02T10:00:00.25Z", 23, &want));
	assert_true(time_add_months(from, 1, &to));
	assert_int_equal(to, want);
	assert_true(time_parse_rfc3339("2023-01-31T10:00:00.25Z", 23, &want));
	assert_true(time_add_months(from, -12, &to));
	assert_int_equal(to, want);
	assert_false(time_add_months(from, INT64_MAX, &to));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tokens),		 cmocka_unit_test(test_trees),
		cmocka_unit_test(test_places),		 cmocka_unit_test(test_normal),
		cmocka_unit_test(test_limit_and_redact), cmocka_unit_test(test_help),
		cmocka_unit_test(test_regex_steps),	 cmocka_unit_test(test_json_text),
		cmocka_unit_test(test_xml_text),	 cmocka_unit_test(test_xml_encodings),
		cmocka_unit_test(test_xml_entities),	 cmocka_unit_test(test_xml_cost),
		cmocka_unit_test(test_months),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
