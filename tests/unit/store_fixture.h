/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A store in a directory of its own, for the tests of src/store. */
#ifndef CLEARTAP_STORE_FIXTURE_H
#define CLEARTAP_STORE_FIXTURE_H

#include "unit.h"

#include <stdbool.h>

#include "store/store.h"

struct fixture {
	char dir[64];  /* removed by teardown */
	char path[96]; /* of the database in it */
	struct store *s;
};

int fixture_setup(void **state);
int fixture_teardown(void **state);
void fixture_open(struct fixture *f, uint64_t max_size, uint64_t max_age_s);
void fixture_close(struct fixture *f);
/* Open a store that must be refused; the sentence. */
int fixture_refused(const char *uri, char *error, size_t size);

/* Append `count` synthetic entries from number `first` on; the result of store_append(). */
int put_entries(struct store *s, uint64_t first, size_t count, size_t body, int64_t timestamp_us);
/* The sizes of main file, WAL and shm together, as stat() sees them. */
uint64_t size_on_disk(const char *path);
/* "ok", or what integrity_check says. */
void assert_intact(const char *path);

struct collected {
	int64_t ids[4096];
	size_t count;
	size_t stop_after; /* 0: never */
};
/* A store_row_fn for struct collected. */
bool collect(void *ctx, const struct entry *e);
/* All ids of pages of `limit`, following the cursor; checks that their order is right. */
void collect_pages(struct store *s, struct store_query q, struct collected *ret);

#endif
