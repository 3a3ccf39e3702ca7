// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What was dropped is not left in the files. SQLite keeps free pages as they were until something
 * else is written there, and writing zeros to all of them would cost as much as their content did;
 * so holes are punched. Which pages are free is read from the file itself (SQLite's file format,
 * 1.5): SQLite reads no free page but the trunks, which list the others.
 */
#include "store/sqlite/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"

#define HEADER_TRUNK  32    /* where the first page has the number of the first trunk */
#define ERASE_EACH_MS 10000 /* while the store is busy */
#define WAIT_IDLE_MS  10    /* for readers, when only tidying up */

struct free_pages {
	uint32_t *v;
	size_t count, room;
};

int file_erase(int fd, uint64_t at, uint64_t len)
{
	const int hole = FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE;
	const int zeros = FALLOC_FL_KEEP_SIZE | FALLOC_FL_ZERO_RANGE;

	if (!fallocate(fd, hole, (off_t)at, (off_t)len))
		return 0;
	return errno == EOPNOTSUPP && !fallocate(fd, zeros, (off_t)at, (off_t)len) ? 0 : -errno;
}

static uint32_t big32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int add_page(struct free_pages *f, uint32_t page)
{
	if (f->count == f->room) {
		size_t room = f->room ? 2 * f->room : 256;
		uint32_t *v = reallocarray(f->v, room, sizeof(*v));
		if (!v)
			return -ENOMEM;
		f->v = v;
		f->room = room;
	}
	f->v[f->count++] = page;
	return 0;
}

/* A trunk: the next one, how many it lists, the list; what is behind that is an old page's. */
static int take_trunk(struct sqlite *s, uint32_t page, uint8_t *trunk, struct free_pages *f)
{
	uint64_t at = (page - 1) * s->page_size;

	if (pread(s->db_fd, trunk, s->page_size, (off_t)at) != (ssize_t)s->page_size)
		return -EIO;
	uint64_t listed = big32(trunk + 4), end = 8 + 4 * listed;
	if (end > s->page_size)
		return -EBADMSG;
	int r = end < s->page_size ? file_erase(s->db_fd, at + end, s->page_size - end) : 0;
	for (uint64_t i = 0; i < listed && !r; i++)
		r = add_page(f, big32(trunk + 8 + 4 * i));
	return r;
}

static int compare_pages(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* What follows each other at once. */
static int erase_pages(struct sqlite *s, struct free_pages *f)
{
	int r = 0;

	if (!f->count)
		return 0;
	qsort(f->v, f->count, sizeof(*f->v), compare_pages);
	for (size_t i = 0, n; i < f->count && !r; i += n) {
		for (n = 1; i + n < f->count && f->v[i + n] == f->v[i] + n;)
			n++;
		if (f->v[i] < 2)
			return -EBADMSG;
		r = file_erase(s->db_fd, (f->v[i] - 1) * s->page_size, n * s->page_size);
	}
	return r;
}

static int erase_free(struct sqlite *s)
{
	uint8_t *trunk = malloc(s->page_size);
	struct free_pages f = { 0 };
	uint64_t left = (uint64_t)db_int(s->page_count);
	uint8_t first[4];
	int r = trunk ? 0 : -ENOMEM;

	if (!r && pread(s->db_fd, first, 4, HEADER_TRUNK) != 4)
		r = -EIO;
	for (uint32_t page = r ? 0 : big32(first); page && !r; page = big32(trunk))
		r = left-- ? take_trunk(s, page, trunk, &f) : -EBADMSG;
	if (!r)
		r = erase_pages(s, &f);
	free(f.v);
	free(trunk);
	return r;
}

/*
 * When the log was emptied the file is all there is, and readers see what it is now. Nobody writes
 * meanwhile, for the transaction is ours.
 */
static int erase_now(struct sqlite *s, int wait_ms)
{
	struct stat log;
	int r = wal_truncate(s, wait_ms);

	if (!r)
		r = db_begin(s->db, "BEGIN IMMEDIATE");
	if (r)
		return r;
	r = fstat(s->wal_fd, &log) ? -errno : log.st_size ? -EBUSY : erase_free(s);
	int end = db_exec(s->db, "ROLLBACK");
	return r ? r : end;
}

void erase_keep(struct sqlite *s, bool idle)
{
	uint64_t now_ms = (uint64_t)clock_ms(CLOCK_MONOTONIC);

	if (!s->erase || (!idle && now_ms < s->erase_next_ms))
		return;
	s->erase_next_ms = now_ms + ERASE_EACH_MS;
	int r = erase_now(s, idle ? WAIT_IDLE_MS : 0);
	s->erase = r && r != -EOPNOTSUPP && r != -EBADMSG;
}
