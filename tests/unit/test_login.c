// SPDX-License-Identifier: GPL-2.0-or-later
/* Cookies of browsers: random, bounded, ending; and the hash under which they are kept. */
#include "unit.h"

#include <stdio.h>
#include <string.h>

#include "api/login.h"
#include "base/limits.h"
#include "base/sha256.h"

/* FIPS 180-4's own examples, and lengths around the end of a block. */
static void test_sha256(void **state)
{
	static const struct {
		const char *unit;
		size_t times;
		const char *hash;
	} cases[] = {
		{ "", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" },
		{ "abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
		  "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1" },
		{ "a", 55, "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318" },
		{ "a", 64, "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb" },
		{ "a", 1000, "41edece42d63e8d9bf515a9ba6932e1c20cbc9f5a5d134645adb5db1b9737ea3" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char text[1024] = "", hex[2 * SHA256_SIZE + 1];
		uint8_t hash[SHA256_SIZE];
		for (size_t n = 0; n < cases[i].times; n++)
			strcat(text, cases[i].unit);
		sha256(text, strlen(text), hash);
		for (size_t n = 0; n < SHA256_SIZE; n++)
			snprintf(hex + 2 * n, 3, "%02x", hash[n]);
		assert_string_equal(hex, cases[i].hash);
	}
}

static void test_given(void **state)
{
	char a[LOGIN_COOKIE_SIZE], b[LOGIN_COOKIE_SIZE];
	struct logins *p = logins_new();

	(void)state;
	assert_false(logins_use(p, 0, ""));
	assert_int_equal(logins_add(p, 0, a), 0);
	assert_int_equal(logins_add(p, 0, b), 0);
	assert_int_equal(strlen(a), LOGIN_COOKIE_SIZE - 1);
	assert_string_not_equal(a, b);
	assert_true(logins_use(p, 0, a));
	assert_true(logins_use(p, 0, b));
	a[5] ^= 1;
	assert_false(logins_use(p, 0, a));
	assert_false(logins_use(p, 0, ""));
	logins_free(p);
}

static void test_end(void **state)
{
	char a[LOGIN_COOKIE_SIZE], b[LOGIN_COOKIE_SIZE];
	struct logins *p = logins_new();

	(void)state;
	logins_add(p, 100, a);
	logins_add(p, 100, b);
	assert_true(logins_use(p, 100 + LIMIT_LOGIN_SECONDS - 1, a));
	assert_false(logins_use(p, 100 + LIMIT_LOGIN_SECONDS, b));
	assert_true(logins_use(p, 100 + LIMIT_LOGIN_SECONDS, a)); /* it was used since */
	assert_false(logins_use(p, 100 + 3 * LIMIT_LOGIN_SECONDS, a));
	logins_free(p);
}

static void test_bound(void **state)
{
	char cookie[LIMIT_LOGINS + 1][LOGIN_COOKIE_SIZE];
	struct logins *p = logins_new();

	(void)state;
	for (int i = 0; i < LIMIT_LOGINS; i++)
		logins_add(p, i, cookie[i]);
	assert_true(logins_use(p, LIMIT_LOGINS, cookie[0]));
	logins_add(p, LIMIT_LOGINS + 1, cookie[LIMIT_LOGINS]);
	/* Which of them was used longest ago? */
	assert_false(logins_use(p, LIMIT_LOGINS + 2, cookie[1]));
	for (int i = 0; i <= LIMIT_LOGINS; i++)
		if (i != 1)
			assert_true(logins_use(p, LIMIT_LOGINS + 2, cookie[i]));
	logins_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sha256),
		cmocka_unit_test(test_given),
		cmocka_unit_test(test_end),
		cmocka_unit_test(test_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
