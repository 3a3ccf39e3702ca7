/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What tests/unit/api_server stores and tells its readers; the entries are made in tests/lib. */
#ifndef CLEARTAP_API_ENTRIES_H
#define CLEARTAP_API_ENTRIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct api;
struct store;

#define LIVING_MAX 4096

struct entries {
	struct store *store;
	struct api *api;
	uint64_t made;		   /* number of the last entry of append and begin */
	uint64_t mixed;		   /* and of fill and add */
	int64_t clock_us, step_us; /* when the next one begins; 0: now */
	bool small;		   /* bodies */
	bool both, split;	   /* entries are of both ends; each exchange is two entries */
	size_t huge;		   /* as kind_entry() says */
	/* Exchanges that go on: begun by begin, and not finished. */
	struct living {
		uint64_t n, told;
		int64_t timestamp_us;
	} living[LIVING_MAX];
	size_t lives;
};

/* All return 0 or -errno. `count` entries whose number tells their kind (tests/lib/kinds.h). */
int entries_append(struct entries *s, uint64_t count);
/* As many that go on. */
int entries_begin(struct entries *s, size_t count);
/* Tell the first `count` that go on again; not open: they have ended. */
int entries_tell_again(struct entries *s, size_t count, bool open);
/* "N STEP [EVERY JSON]": entries of the mix. */
int entries_fill(struct entries *s, const char *arguments);
/* One of the mix, as JSON changes it; its id, or the name of what is wrong. */
int entries_add(struct entries *s, const char *json, int64_t *ret_id, const char **ret_name);

#endif
