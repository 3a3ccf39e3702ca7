// SPDX-License-Identifier: GPL-2.0-or-later
/* Kept packets: files that turn, shares of them, what is left of a file that was torn. */
#include "unit.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "event.h"
#include "keep/keep_blocks.h"
#include "keep/keep_files.h"
#include "keep/keep_pending.h"
#include "keep/keep_twins.h"

#define SIZE	 (1 << 20)
#define FILES	 8
#define PAYLOAD	 1000
#define START_US 1700000000000000

static char folder[64] = "/tmp/cleartap-keep.XXXXXX";

static const char *name_of(unsigned n)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/store-packets-%u", folder, n);
	return path;
}

static struct keep_files *open_files(uint64_t size, uint64_t age)
{
	char store[100], error[512] = "";
	struct keep_files *k = NULL;
	const struct keep_files_options o = {
		.store = store, .size = size, .max_age_s = age, .uid = getuid(), .gid = getgid()
	};

	snprintf(store, sizeof(store), "%s/store", folder);
	if (keep_files_open(&o, &k, error, sizeof(error)))
		fprintf(stderr, "%s\n", error);
	return k;
}

static void remove_files(void)
{
	for (unsigned i = 0; i < FILES; i++)
		unlink(name_of(i));
}

/* A packet with its number in its first bytes, and its owner behind them. */
static void put(struct keep_files *k, uint16_t owner, uint32_t number, uint32_t len)
{
	static uint8_t data[LIMIT_KEEP_PACKET];

	memset(data, (int)number, len);
	memcpy(data, &number, sizeof(number));
	memcpy(data + 4, &owner, sizeof(owner));
	keep_files_put(k, owner,
		       &(struct kept_packet){ .time_us = START_US + number,
					      .data = data,
					      .have = len,
					      .len = len + owner,
					      .out = number % 2 });
}

struct seen {
	unsigned packets, of[4]; /* by owner */
	uint32_t first, last;	 /* numbers */
};

/* Oldest first, and each as it was put. */
static struct seen look(struct keep_files *k)
{
	struct keep_reader *r = keep_reader_new(k);
	struct seen s = { 0 };
	struct kept_packet p;
	int64_t time = 0;

	assert_non_null(r);
	while (keep_reader_next(r, &p)) {
		uint16_t owner;
		memcpy(&s.last, p.data, 4);
		memcpy(&owner, p.data + 4, 2);
		assert_true(p.time_us >= time);
		assert_int_equal(p.time_us, START_US + s.last);
		assert_int_equal(p.len, p.have + owner);
		assert_int_equal(p.out, s.last % 2);
		for (uint32_t i = 6; i < p.have; i++)
			assert_int_equal(p.data[i], s.last & 0xff);
		time = p.time_us;
		s.first = s.packets++ ? s.first : s.last;
		s.of[owner]++;
	}
	keep_reader_free(r);
	return s;
}

static uint64_t bytes_on_disk(void)
{
	uint64_t sum = 0;

	for (unsigned i = 0; i < FILES; i++) {
		struct stat st;
		assert_int_equal(stat(name_of(i), &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
		sum += (uint64_t)st.st_size;
	}
	return sum;
}

/* The oldest goes, the newest stays, and the bound holds whatever the sizes. */
static void test_turns(void **state)
{
	struct keep_files *k = open_files(SIZE, 0);
	uint32_t n = 0;

	(void)state;
	for (; n < 20000; n++) {
		put(k, 1, n, n % 50 ? PAYLOAD + n % 7 : LIMIT_KEEP_PACKET);
		if (n % 100 == 0)
			assert_int_equal(keep_files_flush(k), 0);
		if (n % 1000 == 0)
			assert_true(bytes_on_disk() <= SIZE);
	}
	assert_int_equal(keep_files_flush(k), 0);
	assert_int_equal(keep_files_stats(k).packets, n);
	assert_int_equal(keep_files_stats(k).held, bytes_on_disk());
	struct seen s = look(k);
	assert_int_equal(s.last, n - 1);
	/* one alone has half of it and a quarter of the other half; a file of each is begun anew */
	assert_in_range(bytes_on_disk(), SIZE * 3 / 8, SIZE);
	assert_in_range(s.packets, 100, n);
	keep_files_close(k);
	remove_files();
}

/* A flood of one pushes out nothing of another who sends little. */
static void test_share(void **state)
{
	struct keep_files *k = open_files(SIZE, 0);
	uint32_t n = 0;

	(void)state;
	for (; n < 100; n++)
		put(k, 2, n, PAYLOAD);
	for (; n < 20100; n++)
		put(k, 1, n, PAYLOAD);
	for (; n < 20150; n++)
		put(k, 3, n, PAYLOAD);
	assert_int_equal(keep_files_flush(k), 0);
	struct seen s = look(k);
	assert_int_equal(s.of[2], 100);
	assert_int_equal(s.of[3], 50);
	assert_int_equal(s.first, 0);
	keep_files_close(k);
	remove_files();
}

static void cut_file(unsigned n, off_t at)
{
	assert_int_equal(truncate(name_of(n), at), 0);
}

/* After each cut the whole packets before it are there, and what comes then is readable. */
static void test_torn(void **state)
{
	(void)state;
	for (off_t at = 0; at < 700; at++) {
		struct keep_files *k = open_files(SIZE, 0);
		for (uint32_t n = 0; n < 5; n++)
			put(k, 1, n, 100);
		keep_files_close((keep_files_flush(k), k));
		cut_file(0, at);
		k = open_files(SIZE, 0);
		unsigned whole = look(k).packets;
		assert_int_equal(whole, at < 108 ? 0 : (at - 108) / 144);
		put(k, 1, 7, 100);
		assert_int_equal(keep_files_flush(k), 0);
		struct seen s = look(k);
		assert_int_equal(s.packets, whole + 1);
		assert_int_equal(s.last, 7);
		keep_files_close(k);
		remove_files();
	}
}

static void overwrite(unsigned n, off_t at, const void *data, size_t len)
{
	FILE *f = fopen(name_of(n), "r+");

	assert_non_null(f);
	assert_int_equal(fseek(f, at, SEEK_SET), 0);
	assert_int_equal(fwrite(data, 1, len, f), len);
	fclose(f);
}

/* Files of somebody else: any four bytes anywhere are lengths of what is not there. */
static void test_damaged(void **state)
{
	static const uint32_t values[] = { 0, 1, 12, 0x7fffffff, 0xffffffff, 0xfffffff4, 144, 148 };

	(void)state;
	for (off_t at = 0; at < 108 + 5 * 144; at += 4)
		for (size_t v = 0; v < sizeof(values) / sizeof(*values); v++) {
			struct keep_files *k = open_files(SIZE, 0);
			struct kept_packet p;
			unsigned count = 0;
			for (uint32_t n = 0; n < 5; n++)
				put(k, 1, n, 100);
			keep_files_close((keep_files_flush(k), k));
			overwrite(0, at, &values[v], 4);
			k = open_files(SIZE, 0);
			struct keep_reader *r = keep_reader_new(k);
			while (keep_reader_next(r, &p)) {
				assert_true(p.have <= 108);
				count += p.data[0] < 255;
			}
			assert_true(count <= 5);
			keep_reader_free(r);
			keep_files_close(k);
			remove_files();
		}
}

/* Another run goes on behind what there is, and a smaller bound holds for that, too. */
static void test_again(void **state)
{
	struct keep_files *k = open_files(4 * SIZE, 0);
	uint32_t n = 0;

	(void)state;
	for (; n < 10000; n++)
		put(k, 1, n, PAYLOAD);
	assert_int_equal(keep_files_flush(k), 0);
	struct seen before = look(k);
	keep_files_close(k);
	k = open_files(4 * SIZE, 0);
	assert_int_equal(look(k).packets, before.packets);
	put(k, 1, n, PAYLOAD);
	assert_int_equal(keep_files_flush(k), 0);
	assert_int_equal(look(k).last, n);
	keep_files_close(k);
	k = open_files(SIZE, 0);
	assert_true(bytes_on_disk() <= SIZE);
	for (; n < 20000; n++)
		put(k, 1, n, PAYLOAD);
	assert_int_equal(keep_files_flush(k), 0);
	assert_true(bytes_on_disk() <= SIZE);
	assert_int_equal(look(k).last, n - 1);
	keep_files_close(k);
	remove_files();
}

/* A full disk costs what comes then, which is counted; files stay whole, and it goes on after. */
static void test_full(void **state)
{
	struct keep_files *k = open_files(SIZE, 0);
	struct rlimit was, small;
	uint32_t n = 0;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	small = was;
	small.rlim_cur = 30000;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	for (; n < 100; n++)
		put(k, 1, n, PAYLOAD);
	assert_true(keep_files_flush(k) < 0);
	assert_int_equal(keep_files_stats(k).lost, 100);
	assert_int_equal(keep_files_flush(k), 0); /* said once */
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
	for (; n < 200; n++)
		put(k, 1, n, PAYLOAD);
	assert_int_equal(keep_files_flush(k), 0);
	assert_int_equal(keep_files_stats(k).packets, 100);
	struct seen s = look(k);
	assert_int_equal(s.packets, 100);
	assert_int_equal(s.first, 100);
	keep_files_close(k);
	k = open_files(SIZE, 0);
	assert_int_equal(look(k).packets, 100);
	keep_files_close(k);
	remove_files();
}

static void test_age(void **state)
{
	struct keep_files *k = open_files(SIZE, 60);

	(void)state;
	put(k, 1, 1, PAYLOAD);
	assert_int_equal(keep_files_flush(k), 0);
	keep_files_expire(k, START_US + 50000000);
	assert_int_equal(look(k).packets, 1);
	keep_files_expire(k, START_US + 70000000);
	assert_int_equal(look(k).packets, 0);
	assert_int_equal(bytes_on_disk(), 0);
	put(k, 1, 2, PAYLOAD);
	assert_int_equal(keep_files_flush(k), 0);
	assert_int_equal(look(k).last, 2);
	keep_files_close(k);
	remove_files();
}

/* What is read while all files are begun anew is nothing that was not put. */
static void test_reader_overtaken(void **state)
{
	struct keep_files *k = open_files(8 * SIZE, 0);
	struct kept_packet p;
	uint32_t n = 0, number, count = 0;

	(void)state;
	for (; n < 4000; n++)
		put(k, 1, n, PAYLOAD);
	assert_int_equal(keep_files_flush(k), 0);
	struct keep_reader *r = keep_reader_new(k);
	assert_true(keep_reader_next(r, &p));
	for (; n < 40000; n++)
		put(k, 1, n, PAYLOAD);
	assert_int_equal(keep_files_flush(k), 0);
	while (keep_reader_next(r, &p)) {
		memcpy(&number, p.data, 4);
		assert_true(number < 4000);
		assert_int_equal(p.time_us, START_US + number);
		count++;
	}
	assert_in_range(count, 1, 4000);
	keep_reader_free(r);
	keep_files_close(k);
	remove_files();
}

/* Whoever could read or write there later must not have put it there. */
static void test_others(void **state)
{
	char other[128];

	(void)state;
	snprintf(other, sizeof(other), "%s/other", folder);
	fclose(fopen(other, "w"));
	assert_int_equal(symlink(other, name_of(3)), 0);
	assert_null(open_files(SIZE, 0));
	remove_files();
	assert_int_equal(link(other, name_of(3)), 0);
	assert_null(open_files(SIZE, 0));
	remove_files();
	assert_int_equal(mkfifo(name_of(3), 0600), 0);
	assert_null(open_files(SIZE, 0));
	remove_files();
	unlink(other);
}

/* An IPv4 packet of TCP between two ports, with a sequence number, as one end sees it. */
static struct ev_packet *make_packet(uint32_t slot, uint64_t gen, uint8_t dir, uint32_t seq)
{
	struct ev_packet *p = calloc(1, sizeof(*p) + 60);
	uint8_t *d = p->payload;

	*p = (struct ev_packet){
		.ktime = seq, .gen = gen, .slot = slot, .len = 60, .have = 60, .dir = dir
	};
	d[0] = 0x45;
	d[8] = dir == EV_WRITE ? 64 : 63; /* a hop */
	d[9] = 6;
	memset(d + 12, 10, 8);
	memcpy(d + 24, &seq, 4);
	d[32] = 0x50;
	d[36] = dir == EV_WRITE ? 1 : 2; /* checksum */
	return p;
}

static bool known(struct keep_twins *t, uint32_t slot, uint8_t dir, uint32_t seq)
{
	struct ev_packet *p = make_packet(slot, 1, dir, seq);
	bool is = keep_twins_know(t, p);

	free(p);
	return is;
}

static void test_twins(void **state)
{
	struct keep_twins *t = calloc(1, sizeof(*t));

	(void)state;
	assert_false(known(t, 1, EV_WRITE, 7));
	assert_false(known(t, 1, EV_WRITE, 8));
	assert_true(known(t, 2, EV_READ, 7));
	assert_true(known(t, 2, EV_READ, 8));
	assert_false(known(t, 1, EV_WRITE, 7)); /* sent again */
	assert_true(known(t, 2, EV_READ, 7));
	assert_false(known(t, 2, EV_READ, 7));
	assert_false(known(t, 2, EV_READ, 9)); /* from elsewhere */
	assert_false(known(t, 2, EV_READ, 9));
	free(t);
}

struct told {
	unsigned count;
	uint64_t last;
	enum pending_state answer;
};

static void on_put(void *ctx, const struct ev_packet *p)
{
	struct told *t = ctx;

	assert_true(p->ktime >= t->last);
	t->last = p->ktime;
	t->count++;
}

static enum pending_state answer(void *ctx, uint32_t slot, uint64_t gen)
{
	(void)slot;
	(void)gen;
	return ((struct told *)ctx)->answer;
}

static unsigned add(struct keep_pending *k, uint32_t slot, uint64_t gen, uint32_t time)
{
	struct ev_packet *p = make_packet(slot, gen, EV_WRITE, time);
	unsigned lost = keep_pending_add(k, p);

	free(p);
	return lost;
}

/* Those that wait are told in their order, or never. */
static void test_pending(void **state)
{
	struct keep_pending *k = keep_pending_new();
	struct told t = { 0 };
	unsigned lost = 0;

	(void)state;
	assert_int_equal(add(k, 1, 10, 1) + add(k, 2, 10, 2) + add(k, 1, 10, 3), 0);
	keep_pending_let(k, 1, 11, on_put, &t); /* another socket of that slot */
	assert_int_equal(t.count, 0);
	keep_pending_let(k, 1, 10, on_put, &t);
	assert_int_equal(t.count, 2);
	assert_int_equal(add(k, 2, 12, 4), 1); /* the slot has another socket */
	t.answer = PENDING_REFUSED;
	assert_int_equal(keep_pending_look(k, 5, answer, on_put, &t), 0);
	t.answer = PENDING_LET;
	assert_int_equal(keep_pending_look(k, 5, answer, on_put, &t), 0);
	assert_int_equal(t.count, 2);
	assert_int_equal(add(k, 2, 12, 5), 0);
	assert_int_equal(keep_pending_look(k, 6, answer, on_put, &t), 0);
	assert_int_equal(t.count, 3);
	t.answer = PENDING_UNKNOWN;
	assert_int_equal(add(k, 2, 12, 7), 0);
	assert_int_equal(keep_pending_look(k, 8, answer, on_put, &t), 0);
	assert_int_equal(keep_pending_look(k, 8 + LIMIT_KEEP_WAIT_NS, answer, on_put, &t), 1);
	for (uint32_t i = 0; i < 3 * LIMIT_KEEP_WAITING / 100; i++)
		lost += add(k, i % LIMIT_WIRE_FLOWS, 1, 9 + i);
	assert_in_range(lost, LIMIT_KEEP_WAITING / 100, 3 * LIMIT_KEEP_WAITING / 100);
	assert_int_equal(t.count, 3);
	keep_pending_free(k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_turns),	cmocka_unit_test(test_share),
		cmocka_unit_test(test_torn),	cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_again),	cmocka_unit_test(test_full),
		cmocka_unit_test(test_age),	cmocka_unit_test(test_reader_overtaken),
		cmocka_unit_test(test_others),	cmocka_unit_test(test_twins),
		cmocka_unit_test(test_pending),
	};

	if (!access("/dev/shm", W_OK)) /* thousands of files */
		strcpy(folder, "/dev/shm/cleartap-keep.XXXXXX");
	if (!mkdtemp(folder))
		return 1;
	int r = cmocka_run_group_tests(tests, NULL, NULL);
	rmdir(folder);
	return r;
}
