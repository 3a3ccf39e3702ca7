// SPDX-License-Identifier: GPL-2.0-or-later
/* Turns: who brings much waits for himself. And a file that changes all the time. */
#include "unit.h"

#include <stdbool.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "trace/fair.h"
#include "trace/mounts.h"
#include "trace/seen.h"

enum { ROOM = 64, HOSTILE = 1000, OTHER = 1001 };

static char item[4 * ROOM];

static void *pop(struct fair *f, uint64_t *owner)
{
	void *p = fair_pop(f, owner);

	if (p)
		fair_done(f, *owner);
	return p;
}

/* A real library among 60 slow programs of somebody else. */
static void test_turns(void **state)
{
	struct fair *f = fair_new(4 * ROOM, 2, 6);
	uint64_t owner;

	(void)state;
	for (int i = 0; i < 60; i++)
		assert_null(fair_push_take(f, HOSTILE, &item[i]));
	assert_ptr_equal(fair_pop(f, &owner), &item[0]);
	assert_null(fair_push_take(f, OTHER, &item[60]));
	assert_ptr_equal(fair_pop(f, &owner), &item[60]);
	assert_int_equal(owner, OTHER);
	assert_ptr_equal(fair_pop(f, &owner), &item[1]);
	assert_null(fair_pop(f, &owner)); /* two of his are under way */
	assert_int_equal(fair_running(f, HOSTILE), 2);
	fair_done(f, HOSTILE);
	assert_ptr_equal(fair_pop(f, &owner), &item[2]);
	fair_free(f);
}

static void test_order(void **state)
{
	struct fair *f = fair_new(ROOM, 1, 1);
	uint64_t owner;

	(void)state;
	for (int i = 0; i < 12; i++)
		fair_push_take(f, HOSTILE + i / 4, &item[i]); /* aaaabbbbcccc */
	for (int i = 0; i < 12; i++)
		assert_ptr_equal(pop(f, &owner), &item[i % 3 * 4 + i / 3]); /* abcabc... */
	assert_null(pop(f, &owner));
	assert_int_equal(fair_count(f), 0);
	fair_free(f);
}

static void test_shares(void **state)
{
	struct fair *f = fair_new(ROOM, 1, 1);

	(void)state;
	for (int i = 0; i < ROOM / 4; i++)
		assert_null(fair_push_take(f, HOSTILE, &item[i]));
	assert_ptr_equal(fair_push_take(f, HOSTILE, &item[99]), &item[99]);
	/* the machine itself may have all; who comes then takes from who has most */
	for (int i = 0; i < ROOM * 3 / 4; i++)
		assert_null(fair_push_take(f, 0, &item[ROOM + i]));
	assert_int_equal(fair_count(f), ROOM);
	assert_ptr_equal(fair_push_take(f, 0, &item[99]), &item[99]);
	assert_ptr_equal(fair_push_take(f, OTHER, &item[99]), &item[ROOM + ROOM * 3 / 4 - 1]);
	assert_int_equal(fair_waiting(f, OTHER), 1);
	fair_free(f);
}

static void test_changes(void **state)
{
	struct seen_files s;
	struct stat st = { .st_dev = 1, .st_ino = 2, .st_size = 3 };
	int looks = 0;

	(void)state;
	assert_int_equal(seen_open(&s), 0);
	for (int64_t ms = 100000; ms < 110000; ms++) { /* another content each ms, for 10 s */
		struct seen *f = seen_slot(&s, 1, 2);
		st.st_mtim.tv_nsec++;
		if (f->inode && !seen_may_look(f, ms))
			continue;
		assert_non_null(seen_remember(&s, &st, ms));
		looks++;
	}
	assert_in_range(looks, 10, 10 + LIMIT_CHANGES_BURST);
	/* and one that changed long ago may do so at once */
	assert_true(seen_may_look(seen_slot(&s, 1, 2), 200000));
	seen_close(&s);
}

/* What it was a moment ago is believed, but not of one that is to be looked at again. */
static void test_lately(void **state)
{
	struct stat st = { .st_dev = 1, .st_ino = 2, .st_size = 3 };
	struct seen_files s;

	(void)state;
	assert_int_equal(seen_open(&s), 0);
	assert_false(seen_lately(seen_slot(&s, 1, 2), 0));
	struct seen *f = seen_remember(&s, &st, 1000);
	assert_true(seen_lately(f, 1000 + LIMIT_SEEN_MS - 1));
	assert_false(seen_lately(f, 1000 + LIMIT_SEEN_MS));
	f->size = -1;
	assert_false(seen_lately(f, 1000));
	seen_close(&s);
}

static ino_t lives[64];

static ino_t namespace_of(uint32_t tgid)
{
	return lives[tgid];
}

/* The number of a mount namespace is given away again as soon as it is free. */
static void test_namespaces(void **state)
{
	struct mounts *m = mounts_new(namespace_of);

	(void)state;
	lives[1] = lives[2] = 77;
	assert_true(mounts_first_seen(m, 1, 77));
	assert_false(mounts_first_seen(m, 1, 77));
	assert_false(mounts_first_seen(m, 2, 77));
	lives[1] = 0; /* the other one still is in it */
	lives[3] = 77;
	assert_false(mounts_first_seen(m, 3, 77));
	lives[2] = lives[3] = 0;
	lives[4] = 77; /* a new container with the old number */
	assert_true(mounts_first_seen(m, 4, 77));
	assert_false(mounts_first_seen(m, 4, 77));
	/* a member whose number belongs to a process elsewhere now */
	lives[4] = 78;
	lives[5] = 77;
	assert_true(mounts_first_seen(m, 5, 77));
	for (uint32_t i = 6; i < 64; i++) { /* more than are remembered, one that stays */
		lives[i] = 77;
		assert_false(mounts_first_seen(m, i, 77));
	}
	for (uint32_t i = 6; i < 64; i++)
		lives[i] = 0;
	assert_false(mounts_first_seen(m, 5, 77));
	assert_false(mounts_first_seen(m, 0, 0));
	mounts_free(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_turns),  cmocka_unit_test(test_order),
		cmocka_unit_test(test_shares), cmocka_unit_test(test_changes),
		cmocka_unit_test(test_lately), cmocka_unit_test(test_namespaces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
