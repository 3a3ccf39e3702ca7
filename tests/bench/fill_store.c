// SPDX-License-Identifier: GPL-2.0-or-later
/* usage: fill_store STORE COUNT [BODY_BYTES [MAX_SIZE]]  - add made-up entries to a store */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "entry.h"
#include "base/limits.h"
#include "store/store.h"
#include "synthetic.h"

/* The last entry is of now, each before it a millisecond older. */
static int fill(struct store *s, uint64_t count, size_t body)
{
	struct entry *batch[LIMIT_BATCH];
	int64_t first_us = (int64_t)time(NULL) * 1000000 - (int64_t)count * 1000;
	int r = 0;

	for (uint64_t i = 0; !r && i < count;) {
		size_t n = 0;
		for (; n < LIMIT_BATCH && i < count; n++, i++)
			if (!(batch[n] = synthetic_entry(i, first_us + (int64_t)i * 1000, body)))
				abort();
		r = store_append(s, batch, n);
		while (n)
			entry_free(batch[--n]);
	}
	return r;
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		fprintf(stderr, "usage: fill_store STORE COUNT [BODY_BYTES [MAX_SIZE]]\n");
		return 2;
	}
	struct store_options options = {
		.uri = argv[1],
		.max_size = argc > 4 ? strtoull(argv[4], NULL, 0) : 0,
		.readers = 1,
	};
	struct store *s;
	char error[512];
	if (store_open(&options, geteuid(), getegid(), &s, error, sizeof(error)) < 0) {
		fprintf(stderr, "fill_store: %s\n", error);
		return 1;
	}
	int r = fill(s, strtoull(argv[2], NULL, 0), argc > 3 ? strtoul(argv[3], NULL, 0) : 1024);
	if (r < 0) {
		store_error(s, error, sizeof(error));
		fprintf(stderr, "fill_store: %s\n", error);
	}
	struct store_stats stats = store_stats(s);
	printf("%llu entries, %llu bytes, %llu segments\n", (unsigned long long)stats.entries,
	       (unsigned long long)stats.size, (unsigned long long)stats.segments);
	store_close(s);
	return r < 0;
}
