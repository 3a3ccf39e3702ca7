// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * usage: bench_store [-n ENTRIES] [-r ROUNDS] [-d DIR]
 *
 * What the store costs: rows per second with and without retention in interleaved rounds, first
 * pages of queries at ENTRIES stored (1,000,000) in interleaved rounds, resident memory. Medians.
 */
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "entry.h"
#include "kfl/kfl.h"
#include "base/limits.h"
#include "store/store.h"
#include "synthetic.h"

#define BODY	    1024
#define POOL	    16 /* batches made beforehand */
#define INSERT_ROWS 100000
#define INSERT_MAX  (64ULL << 20)
#define PAGE	    100

struct batch {
	struct entry *v[LIMIT_BATCH];
};

static double seconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *v, size_t n)
{
	qsort(v, n, sizeof(*v), compare);
	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

static void die(const char *what)
{
	fprintf(stderr, "bench_store: %s\n", what);
	exit(1);
}

static struct store *open_store(const char *path, uint64_t max_size)
{
	struct store_options options = { .uri = path, .max_size = max_size, .readers = 4 };
	struct store *s;
	char error[512];

	if (store_open(&options, geteuid(), getegid(), &s, error, sizeof(error)) < 0)
		die(error);
	return s;
}

static void remove_store(const char *path)
{
	static const char *const suffixes[] = { "", "-wal", "-shm" };
	char name[512];

	for (size_t i = 0; i < 3; i++) {
		snprintf(name, sizeof(name), "%s%s", path, suffixes[i]);
		unlink(name);
	}
}

static void append(struct store *s, struct batch *b)
{
	char error[512];

	if (store_append(s, b->v, LIMIT_BATCH) == 0)
		return;
	store_error(s, error, sizeof(error));
	die(error);
}

static struct batch *make_pool(void)
{
	struct batch *pool = calloc(POOL, sizeof(*pool));

	for (size_t i = 0; pool && i < (size_t)POOL * LIMIT_BATCH; i++)
		pool[i / LIMIT_BATCH].v[i % LIMIT_BATCH] =
			synthetic_entry(i, (int64_t)time(NULL) * 1000000, BODY);
	if (!pool)
		die("out of memory");
	return pool;
}

static void free_pool(struct batch *pool)
{
	for (size_t i = 0; i < (size_t)POOL * LIMIT_BATCH; i++)
		entry_free(pool[i / LIMIT_BATCH].v[i % LIMIT_BATCH]);
	free(pool);
}

struct rate {
	double cpu, wall;
};

/* Rows per second of this thread's processor time and of the clock, in a store that is full. */
static struct rate insert_rate(const char *path, struct batch *pool, uint64_t max_size)
{
	size_t batches = INSERT_ROWS / LIMIT_BATCH;

	remove_store(path);
	struct store *s = open_store(path, max_size);
	for (size_t i = 0; i < 40; i++)
		append(s, &pool[i % POOL]);
	uint64_t dropped = store_stats(s).dropped_entries;
	double cpu = seconds(CLOCK_THREAD_CPUTIME_ID), wall = seconds(CLOCK_MONOTONIC);
	for (size_t i = 0; i < batches; i++)
		append(s, &pool[i % POOL]);
	cpu = seconds(CLOCK_THREAD_CPUTIME_ID) - cpu;
	wall = seconds(CLOCK_MONOTONIC) - wall;
	if (max_size && store_stats(s).dropped_entries - dropped < INSERT_ROWS / 2)
		die("retention was not active");
	store_close(s);
	remove_store(path);
	return (struct rate){ INSERT_ROWS / cpu, INSERT_ROWS / wall };
}

static void bench_insert(const char *path, size_t rounds)
{
	struct batch *pool = make_pool();
	double kept[rounds], free_[rounds], ratio[rounds], wall[rounds];

	for (size_t i = 0; i < rounds; i++) {
		struct rate a = insert_rate(path, pool, INSERT_MAX);
		struct rate b = insert_rate(path, pool, 0);
		kept[i] = a.cpu;
		wall[i] = a.wall;
		free_[i] = b.cpu;
		ratio[i] = a.cpu / b.cpu;
	}
	printf("insert, %d byte bodies, batches of %d, median of %zu rounds:\n", BODY, LIMIT_BATCH,
	       rounds);
	printf("  %8.0f rows per processor second, retention active (%.0f by the clock)\n",
	       median(kept, rounds), median(wall, rounds));
	printf("  %8.0f without a bound; ratio %.2f\n", median(free_, rounds),
	       median(ratio, rounds));
	free_pool(pool);
}

/* All exchanges that may be open at once, each written again, in an order far from their ids. */
static struct rate update_rate(struct store *s, bool first)
{
	struct batch b;
	double cpu = 0, wall = 0;

	for (uint64_t i = 0; i < LIMIT_LIVE_EXCHANGES; i += LIMIT_BATCH) {
		size_t n = LIMIT_LIVE_EXCHANGES - i < LIMIT_BATCH ? LIMIT_LIVE_EXCHANGES - i
								  : LIMIT_BATCH;
		for (size_t k = 0; k < n; k++) {
			uint64_t live = first ? i + k : (i + k) * 40503 % LIMIT_LIVE_EXCHANGES;
			b.v[k] = synthetic_entry(live, 1795288218123456, first ? BODY : 0);
			b.v[k]->live = live + 1;
			b.v[k]->open = true;
			b.v[k]->body_kept[1] = !first;
		}
		double c = seconds(CLOCK_THREAD_CPUTIME_ID), w = seconds(CLOCK_MONOTONIC);
		if (store_append(s, b.v, n))
			die("update");
		cpu += seconds(CLOCK_THREAD_CPUTIME_ID) - c;
		wall += seconds(CLOCK_MONOTONIC) - w;
		for (size_t k = 0; k < n; k++)
			entry_free(b.v[k]);
	}
	return (struct rate){ LIMIT_LIVE_EXCHANGES / cpu, LIMIT_LIVE_EXCHANGES / wall };
}

static void bench_updates(const char *path, size_t rounds)
{
	double cpu[rounds], wall[rounds];
	struct store *s = open_store(path, 0);

	update_rate(s, true);
	for (size_t i = 0; i < rounds; i++) {
		struct rate r = update_rate(s, false);
		cpu[i] = r.cpu;
		wall[i] = r.wall;
	}
	printf("versions of %d open exchanges, in no order, median of %zu rounds:\n",
	       LIMIT_LIVE_EXCHANGES, rounds);
	printf("  %8.0f rows rewritten per processor second (%.0f by the clock)\n",
	       median(cpu, rounds), median(wall, rounds));
	store_close(s);
	remove_store(path);
}

static void fill(struct store *s, uint64_t count)
{
	int64_t first_us = (int64_t)time(NULL) * 1000000 - (int64_t)count * 1000;
	struct batch b;

	for (uint64_t i = 0; i < count;) {
		for (size_t n = 0; n < LIMIT_BATCH; n++, i++)
			b.v[n] = synthetic_entry(i, first_us + (int64_t)i * 1000, BODY);
		append(s, &b);
		for (size_t n = 0; n < LIMIT_BATCH; n++)
			entry_free(b.v[n]);
	}
}

/* Indexed first; a "?" marks what no index helps, which may be answered in part. */
static const char *const queries[] = {
	"",
	"status_code == 503",
	"status_code == 599",
	"status_code >= 400",
	"status_code == 200",
	"src.process == \"node\"",
	"protocol == \"tls\"",
	"http and status_code == 404",
	"tls and status_code >= 500",
	"src.process == \"node\" and status_code == 503",
	"? path.contains(\"/items/4242\")",
	"? path == r\"^/v1/items/4242$\"",
	"? response.body.contains(\"no such text\")",
};

#define QUERIES (sizeof(queries) / sizeof(queries[0]))

static bool ignore(void *ctx, const struct entry *e)
{
	(void)ctx;
	(void)e;
	return true;
}

static double page_ms(struct store *s, const char *text, struct store_page *ret)
{
	struct kfl *k;
	struct kfl_error why;
	char error[512];

	text += strspn(text, "? ");
	if (kfl_compile(text, strlen(text), &k, &why) < 0)
		die(why.message);
	struct store_query q = { .filter = k, .limit = PAGE, .time_limit_ms = LIMIT_QUERY_MS };
	double began = seconds(CLOCK_MONOTONIC);
	if (store_select(s, &q, ignore, NULL, ret, error, sizeof(error)) < 0)
		die(error);
	double ms = 1e3 * (seconds(CLOCK_MONOTONIC) - began);
	kfl_free(k);
	return ms;
}

static void bench_pages(struct store *s, size_t rounds)
{
	double ms[QUERIES][rounds];
	struct store_page page[QUERIES];

	for (size_t i = 0; i < rounds; i++)
		for (size_t k = 0; k < QUERIES; k++)
			ms[k][i] = page_ms(s, queries[k], &page[k]);
	printf("first page of %d at %llu entries, ms, median of %zu rounds (largest):\n", PAGE,
	       (unsigned long long)store_stats(s).entries, rounds);
	for (size_t k = 0; k < QUERIES; k++) {
		double m = median(ms[k], rounds);
		printf("  %9.2f (%9.2f) %4zu rows%s  %s\n", m, ms[k][rounds - 1], page[k].count,
		       page[k].partial ? ", partial" : "", queries[k]);
	}
}

static void print_memory(const char *when)
{
	FILE *in = fopen("/proc/self/status", "r");
	char line[256];

	while (in && fgets(line, sizeof(line), in))
		if (!strncmp(line, "VmRSS:", 6))
			printf("resident %s: %s", when, line + 6);
	if (in)
		fclose(in);
}

/* In a process of its own, so that its memory is not counted. */
static void fill_apart(const char *path, uint64_t entries)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		struct store *s = open_store(path, 0);
		fill(s, entries);
		store_close(s);
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid || status)
		die("the store could not be filled");
}

int main(int argc, char **argv)
{
	size_t entries = 1000000, rounds = 5;
	const char *dir = "/tmp";
	char path[256];
	int opt;

	while ((opt = getopt(argc, argv, "n:r:d:")) != -1) {
		if (opt == 'n')
			entries = strtoul(optarg, NULL, 0);
		else if (opt == 'r')
			rounds = strtoul(optarg, NULL, 0);
		else if (opt == 'd')
			dir = optarg;
		else
			return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	snprintf(path, sizeof(path), "%s/bench_store-%d.db", dir, (int)getpid());
	fill_apart(path, entries);
	struct store *s = open_store(path, 0);
	print_memory("after opening, 4 readers");
	bench_pages(s, rounds);
	print_memory("after the queries");
	store_close(s);
	remove_store(path);
	bench_insert(path, rounds);
	bench_updates(path, rounds);
	return 0;
}
