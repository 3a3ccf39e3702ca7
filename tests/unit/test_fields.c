// SPDX-License-Identifier: GPL-2.0-or-later
/* The rows of entry.def hold together; names and JSON that others rely on are there. */
#include "unit.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "entry.h"
#include "fields.h"
#include "kfl/vocabulary.h"
#include "kfl/kfl.h"

static const struct kfl_field *known(const char *name)
{
	return field_find((struct text){ name, strlen(name) });
}

static void test_rows(void **state)
{
	size_t n = 0;

	(void)state;
	for (const struct field *f = field_rows; f->kfl; f++, n++) {
		assert_string_equal(f->kfl, field_table[n].name);
		assert_ptr_equal(field_row(f->kfl), f);
		if (f->column)
			assert_ptr_equal(field_of_column(f->column), f);
		for (size_t i = 0; i < FIELD_REPEATS && f->hides[i]; i++)
			if (!field_of_column(f->hides[i]))
				fail_msg("%s hides %s", f->kfl, f->hides[i]);
		for (size_t i = 0; i < FIELD_REPEATS && f->detail[i]; i++)
			assert_true(strchr(f->detail[i], '.') ||
				    !strncmp(f->detail[i], "messages", 8));
		/* What is stored is written by something; what is not says how it is derived. */
		assert_true(!field_table[n].later || !f->column);
		assert_true(f->column || f->sql || field_table[n].later ||
			    field_table[n].type == TYPE_GROUP);
	}
	assert_null(field_table[n].name);
}

/* A name leads to one field alone. */
static void test_names(void **state)
{
	(void)state;
	for (const struct kfl_field *f = field_table; f->name; f++) {
		assert_ptr_equal(known(f->name), f);
		for (size_t i = 0; i < KFL_ALIASES && f->aliases[i]; i++)
			if (known(f->aliases[i]) != f)
				fail_msg("%s is also %s", f->aliases[i],
					 known(f->aliases[i])->name);
	}
}

/* What a query from either generation's documentation may name. */
static void test_language(void **state)
{
	static const char *const names[] = {
		/* flags */
		"tls", "decrypted", "encrypted", "tlsx", "http", "http2", "grpc", "ws", "redis",
		"postgres", "mysql", "mongodb", "kafka", "amqp", "mqtt", "ldap", "tcp", "error",
		"complete", "open", "weak", "marked",
		/* fields */
		"id", "timestamp", "protocol", "node", "node.name", "lock", "library", "role",
		"bind", "connection", "src.ip", "src.port", "src.name", "src.namespace",
		"src.process", "src.pid", "src.container", "src.pod.name", "src.pod.namespace",
		"src.service.name", "src.service.namespace", "dst.ip", "dst.port", "dst.name",
		"dst.namespace", "dst.process", "dst.pid", "dst.container", "dst.pod.name",
		"dst.pod.namespace", "dst.service.name", "dst.service.namespace", "namespaces",
		"pods", "services", "elapsed_time", "elapsedTime", "method", "request.method",
		"path", "request.path", "url", "query_string", "request.query",
		"request.queryString", "status_code", "response.status", "status", "http_version",
		"request.headers", "request.cookies", "request.body", "response.headers",
		"response.cookies", "response.body", "request_body_size", "response_body_size",
		"requestSize", "responseSize", "tls_version", "tlsx_sni", "tlsx_cipher_suite",
		"tlsx_cipher_suites", "tlsx_alpn", "tlsx_version", "ja3", "ja4", "grpc_method",
		"grpc_status", "redis_command", "redis_key", "request.key", "redis_type", "summary",
		"lost_bytes", "pid", "ends", "server_elapsed_time", "reason", "image", "workload",
		"src.labels", "dst.labels", "note"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (!known(names[i]))
			fail_msg("KFL does not know %s", names[i]);
}

/* These at least: a row may be added without a word here. */
static void assert_members(const json_t *object, const char *const *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (!json_object_get(object, names[i]))
			fail_msg("an entry's JSON lacks %s", names[i]);
}

/* The members of an entry, and those of its ends. */
static void test_json(void **state)
{
	static const char *const members[] = {
		"id",
		"timestamp",
		"protocol",
		"version",
		"tls",
		"lock",
		"src",
		"dst",
		"role",
		"library",
		"bind",
		"method",
		"summary",
		"status",
		"status_code",
		"elapsed_us",
		"request_size",
		"response_size",
		"complete",
		"reason",
		"lost_bytes",
		"connection",
		"truncated_bytes",
		"node",
		"host",
		"ends",
		"server_elapsed_us",
		"open",
	};
	static const char *const of_end[] = { "ip",	   "port", "name",	"process", "pid",
					      "container", "pod",  "namespace", "service" };
	struct entry *e = entry_new();
	struct buf b = { 0 };

	(void)state;
	assert_non_null(e);
	assert_int_equal(entry_put_json(e, &b), 0);
	json_t *v = json_loadb(b.data, b.len, JSON_REJECT_DUPLICATES, NULL);
	assert_members(v, members, sizeof(members) / sizeof(*members));
	assert_members(json_object_get(v, "src"), of_end, sizeof(of_end) / sizeof(*of_end));
	assert_members(json_object_get(v, "dst"), of_end, sizeof(of_end) / sizeof(*of_end));
	assert_true(json_is_null(json_object_get(v, "elapsed_us")));
	assert_true(json_is_null(json_object_get(v, "server_elapsed_us")));
	assert_string_equal(json_string_value(json_object_get(v, "role")), "unknown");
	assert_string_equal(json_string_value(json_object_get(v, "ends")), "");
	assert_string_equal(json_string_value(json_object_get(v, "lock")), "none");
	json_decref(v);
	buf_reset(&b);
	e->goroutine = 7;
	e->server_elapsed_us = 0;
	assert_int_equal(entry_put_json(e, &b), 0);
	v = json_loadb(b.data, b.len, JSON_REJECT_DUPLICATES, NULL);
	assert_int_equal(json_integer_value(json_object_get(v, "goroutine")), 7);
	assert_true(json_is_integer(json_object_get(v, "server_elapsed_us")));
	json_decref(v);
	entry_free(e);
	buf_free(&b);
}

static void test_help(void **state)
{
	struct buf b = { 0 };
	size_t missing = 0, i;
	json_t *f;

	(void)state;
	assert_int_equal(kfl_put_fields_json(&b), 0);
	json_t *v = json_loadb(b.data, b.len, 0, NULL);
	json_array_foreach(json_object_get(v, "fields"), i, f)
	{
		const char *name = json_string_value(json_object_get(f, "name"));
		bool available = json_is_true(json_object_get(f, "available"));
		assert_int_equal(available, !known(name)->later);
		missing += !available;
	}
	assert_true(missing > 10);
	json_decref(v);
	buf_free(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),	 cmocka_unit_test(test_names),
		cmocka_unit_test(test_language), cmocka_unit_test(test_json),
		cmocka_unit_test(test_help),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
