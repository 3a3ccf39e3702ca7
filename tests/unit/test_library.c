// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of TLS libraries: rows that make sense, and what reads it. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "event.h"
#include "trace/gobin.h"
#include "trace/library.h"

static void test_rows(void **state)
{
	size_t count;
	const struct library *row = library_rows(&count);

	(void)state;
	assert_true(count >= 3);
	for (size_t i = 0; i < count; i++) {
		assert_true(row[i].number && row[i].number <= UINT8_MAX); /* ev_open.library */
		assert_true(row[i].inspect && row[i].mark[0].size && *row[i].what);
		assert_true(strlen(row[i].name) > 0 && strlen(row[i].name) < 16);
		assert_string_equal(library_name(row[i].number), row[i].name);
		assert_ptr_equal(library_find(row[i].number), &row[i]);
		for (size_t k = 0; k < i; k++) {
			assert_int_not_equal(row[k].number, row[i].number);
			assert_string_not_equal(row[k].name, row[i].name);
		}
		for (size_t k = 0; k < LIBRARY_MARKS; k++) /* inspect_may_find()'s overlap */
			assert_true(row[i].mark[k].size <= 16);
		for (size_t k = 0; k < LIBRARY_FUNCTIONS && row[i].function[k].name; k++)
			assert_int_not_equal(row[i].function[k].shape, SHAPE_NONE);
	}
	assert_null(library_find(0));
	assert_string_equal(library_name(0), "");
	assert_string_equal(library_name(255), "");
}

/* What the numbers mean is in databases and in kernels that still run. */
static void test_numbers(void **state)
{
	(void)state;
	assert_int_equal(EV_LIB_OPENSSL, 1);
	assert_int_equal(EV_LIB_BORINGSSL, 2);
	assert_int_equal(EV_LIB_GO, 3);
	assert_int_equal(EV_LIB_GNUTLS, 4);
}

static void test_wants(void **state)
{
	static const char *const yes[] = {
		"libssl.so.3",		"libssl-8f3a.so.1.1",
		"libboringssl.so",	"libnetty_tcnative_linux_x86_64.so",
		"libnetty-tcnative.so", "libconscrypt_jni.so",
		"libgnutls.so.30"
	};
	static const char *const no[] = {
		"libcrypto.so.3",      "libssl.a", "xlibssl.so", "curl", "libgnutlsxx.so.30",
		"libcurl-gnutls.so.4", ""
	};

	(void)state;
	for (size_t i = 0; i < sizeof(yes) / sizeof(*yes); i++)
		assert_true(library_wants(yes[i]));
	for (size_t i = 0; i < sizeof(no) / sizeof(*no); i++)
		assert_false(library_wants(no[i]));
}

static void test_marked(void **state)
{
	static const char go[] = "x\4\0\0\0Go\0\0x";

	(void)state;
	assert_true(library_marked("....SSL_read", 12));
	assert_true(library_marked(go, sizeof(go)));
	assert_true(library_marked("runtime.gopclntab", 17));
	assert_true(library_marked("gnutls_record_recv", 18));
	assert_false(library_marked("....ssl_read", 12));
	assert_false(library_marked("", 0));
}

static void test_go_functions(void **state)
{
	(void)state;
	assert_string_equal(gobin_name(GOBIN_READ), "crypto/tls.(*Conn).Read");
	assert_string_equal(gobin_name(GOBIN_WRITE), "crypto/tls.(*Conn).Write");
	assert_string_equal(gobin_name(GOBIN_CLOSE), "crypto/tls.(*Conn).Close");
	assert_string_equal(gobin_name(GOBIN_WRITE_RECORD), "crypto/tls.(*Conn).writeRecordLocked");
	assert_string_equal(gobin_name(GOBIN_MEMMOVE), "runtime.memmove");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),	     cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_wants),	     cmocka_unit_test(test_marked),
		cmocka_unit_test(test_go_functions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
