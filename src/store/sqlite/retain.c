// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The bounds. Of --max-size a part is set aside for the log and its index, the rest is for the
 * main file and the bodies beside it; both parts are kept at every transaction, so the sum always
 * holds.
 */
#include "store/sqlite/sqlite.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/clock.h"

#define MIB	     (1ULL << 20)
#define WORK_MS	     50 /* one call of retain_keep(), about */
#define VACUUM_PAGES 64

static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* Pages that may still be taken from the main file; negative while it is larger than allowed. */
static int64_t free_pages(struct sqlite *s)
{
	if (!s->bounds.max_size)
		return INT64_MAX;
	return bounds_pages(s) - db_int(s->page_count) + db_int(s->free_count);
}

static int drop(struct sqlite *s, struct segment *g)
{
	uint64_t entries = (uint64_t)(g->last_id - g->first_id + 1);
	/* What is freed is not written, only lists of it. */
	uint64_t frames = (uint64_t)g->bytes / s->page_size / 64 + 64;
	int r = wal_make_room(s, frames);

	if (r < 0)
		return r;
	s->erase = true;
	/* If one of these fails, more is written than need be, or less until the next time. */
	db_exec(s->db, "PRAGMA secure_delete=FAST");
	r = segment_clear(s, g);
	db_exec(s->db, "PRAGMA secure_delete=ON");
	if (r < 0)
		return r;
	/* A page that is used again begins with what the cache has of it. */
	sqlite3_db_release_memory(s->db);
	pthread_mutex_lock(&s->lock);
	s->stats.dropped_entries += entries;
	pthread_mutex_unlock(&s->lock);
	return 0;
}

static void keep_age(struct sqlite *s, int64_t now_us, uint64_t until_ms)
{
	int64_t oldest_us = now_us - s->bounds.max_age_us;
	struct segment *g;

	while (s->bounds.max_age_us && (uint64_t)clock_ms(CLOCK_MONOTONIC) < until_ms) {
		g = segment_oldest(s);
		if (!g || g->last_us >= oldest_us || drop(s, g) < 0)
			return;
	}
}

/* How many pages to give back: what is above the bound; of the rest a part is kept for reuse. */
static int64_t surplus(struct sqlite *s, bool idle)
{
	int64_t pages = db_int(s->page_count), unused = db_int(s->free_count);
	int64_t used = pages - unused, spare = used / 4 + (int64_t)(MIB / s->page_size);

	if (s->bounds.max_size && pages > bounds_pages(s))
		return unused < pages - bounds_pages(s) ? unused : pages - bounds_pages(s);
	if (!idle)
		spare += used + 2 * (int64_t)(segment_target(s) / s->page_size);
	return unused - spare;
}

/*
 * Give all free pages back in one transaction. Step by step each page is looked for in the lists
 * of free ones, which takes ever longer when there are many; this only moves what lies behind.
 */
static int give_back_all(struct sqlite *s)
{
	int r = db_exec(s->db, "PRAGMA auto_vacuum=FULL");
	int back = db_exec(s->db, "PRAGMA auto_vacuum=INCREMENTAL");

	return r ? r : back;
}

/* What give_back_all() writes at the most: the pages it moves, who points to them, their map. */
static uint64_t give_back_frames(struct sqlite *s)
{
	uint64_t pages = (uint64_t)db_int(s->page_count), unused = (uint64_t)db_int(s->free_count);

	return 3 * smaller(pages - unused, unused) + 64;
}

static int give_back_some(struct sqlite *s, uint64_t pages)
{
	int r = wal_make_room(s, 4 * VACUUM_PAGES);

	return r ? r
		 : db_exec_format(s->db, "PRAGMA incremental_vacuum(%d)",
				  (int)smaller(pages, VACUUM_PAGES));
}

/* Pages from the end of the file are moved into free ones; a checkpoint then cuts the file. */
static void give_back(struct sqlite *s, bool idle, uint64_t until_ms)
{
	int64_t n = surplus(s, idle);
	uint64_t frames = give_back_frames(s);
	int r = 0;

	if (n <= 0)
		return;
	if (frames * s->page_size < s->bounds.wal_max / 2) {
		r = wal_make_room(s, frames);
		if (!r)
			give_back_all(s);
	} else {
		while (!r && n > 0 && (uint64_t)clock_ms(CLOCK_MONOTONIC) < until_ms) {
			r = give_back_some(s, (uint64_t)n);
			n = surplus(s, idle);
		}
	}
	wal_truncate(s, WORK_MS);
	retain_set_limit(s);
}

void retain_set_limit(struct sqlite *s)
{
	int64_t limit = bounds_pages(s);

	if (!s->bounds.max_size || s->page_limit == limit)
		return;
	int r = db_exec_format(s->db, "PRAGMA max_page_count=%lld", (long long)limit);
	/* else SQLite did not take it */
	s->page_limit = !r && db_int(s->page_count) <= limit ? limit : 0;
}

bool retain_at_bound(struct sqlite *s, uint64_t pages, uint64_t bodies)
{
	return s->bounds.max_size &&
	       (free_pages(s) < (int64_t)pages || !bodies_fit(s, bodies, bounds_bodies(s)));
}

/* What is free in one of the files goes, so that the other may grow; false: nothing was. */
static bool exchange(struct sqlite *s, uint64_t bodies)
{
	uint64_t need = bodies / s->page_size + VACUUM_PAGES,
		 unused = (uint64_t)db_int(s->free_count);
	int r = 0;

	if (bodies_shrink(s))
		return true;
	if (bodies_fit(s, bodies, bounds_bodies(s)) || unused < need)
		return false;
	for (uint64_t n = 0; !r && n < need; n += VACUUM_PAGES)
		r = give_back_some(s, VACUUM_PAGES);
	return !r && !wal_truncate(s, WORK_MS);
}

int retain_make_room(struct sqlite *s, uint64_t pages, uint64_t bodies)
{
	struct segment *oldest;
	int r = 0;

	while (!r && retain_at_bound(s, pages, bodies)) {
		if (exchange(s, bodies))
			continue;
		oldest = segment_oldest(s);
		if (!oldest)
			break;
		r = drop(s, oldest);
	}
	retain_set_limit(s);
	return r;
}

void retain_keep(struct sqlite *s, int64_t now_us, bool idle)
{
	uint64_t until_ms = (uint64_t)clock_ms(CLOCK_MONOTONIC) + WORK_MS;

	keep_age(s, now_us, until_ms);
	give_back(s, idle, until_ms);
	if (idle)
		bodies_shrink(s);
	wal_keep(s, idle);
	erase_keep(s, idle);
}

int retain_settle(struct sqlite *s)
{
	int r = retain_make_room(s, 0, 0);

	if (r < 0)
		return r;
	if (s->bounds.max_size && db_int(s->page_count) > bounds_pages(s)) {
		r = give_back_all(s);
		if (!r)
			r = wal_truncate(s, WORK_MS);
	}
	/* What was dropped before the program was killed. */
	s->erase = db_int(s->free_count) > 0;
	retain_keep(s, clock_us(CLOCK_REALTIME), true);
	retain_set_limit(s);
	return r;
}

static uint64_t file_size(int fd)
{
	struct stat st;

	return fd >= 0 && !fstat(fd, &st) ? (uint64_t)st.st_size : 0;
}

void retain_count(struct sqlite *s)
{
	const struct segment *oldest = segment_oldest(s), *newest = s->active;
	uint64_t entries = 0, segments = 0;
	int64_t first_us = INT64_MAX, last_us = INT64_MIN;

	for (size_t i = 0; i < s->segments.count; i++) {
		const struct segment *g = &s->segments.v[i];
		if (segment_empty(g))
			continue;
		segments++;
		entries += (uint64_t)(g->last_id - g->first_id + 1);
		first_us = g->first_us < first_us ? g->first_us : first_us;
		last_us = g->last_us > last_us ? g->last_us : last_us;
	}
	uint64_t size = file_size(s->db_fd) + file_size(s->wal_fd) + file_size(s->shm_fd) +
			file_size(s->bodies.fd);
	pthread_mutex_lock(&s->lock);
	s->stats.entries = entries;
	s->stats.segments = segments;
	s->stats.size = size;
	s->stats.open_exchanges = s->open_rows.count;
	s->stats.passed_over = s->passed_over;
	s->stats.first_id = oldest ? oldest->first_id : 0;
	s->stats.last_id = oldest ? newest->last_id : 0;
	s->stats.first_us = oldest ? first_us : 0;
	s->stats.last_us = oldest ? last_us : 0;
	pthread_mutex_unlock(&s->lock);
}
