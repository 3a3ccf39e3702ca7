// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The write-ahead log is emptied by checkpoints of ours. A passive one never waits; the next
 * transaction then starts the log over unless a reader is in it. When the log is about to pass its
 * bound the writer waits for readers, which never stay for longer than a window of select.c.
 */
#include "store/sqlite/sqlite.h"

#include <errno.h>

#define FRAME_HEADER   24
#define WAIT_MS	       2000 /* for readers, when the log is full */
#define WAIT_STUCK_MS  50
#define WAIT_IDLE_MS   10   /* for readers, when only tidying up */
#define WAIT_WRITER_MS 2000 /* for another program that writes to our file */

static uint64_t frame_size(const struct sqlite *s)
{
	return s->page_size + FRAME_HEADER;
}

static int note_frames(void *ctx, sqlite3 *db, const char *name, int frames)
{
	struct sqlite *s = ctx;

	(void)db;
	(void)name;
	s->wal_frames = (uint64_t)frames;
	return SQLITE_OK;
}

int wal_start(struct sqlite *s)
{
	sqlite3_busy_timeout(s->db, WAIT_WRITER_MS);
	sqlite3_wal_hook(s->db, note_frames, s);
	return wal_truncate(s, WAIT_MS);
}

static int checkpoint(struct sqlite *s, int mode, int wait_ms)
{
	int frames, done;

	sqlite3_busy_timeout(s->db, wait_ms);
	int rc = sqlite3_wal_checkpoint_v2(s->db, "main", mode, &frames, &done);
	sqlite3_busy_timeout(s->db, WAIT_WRITER_MS);
	if (rc != SQLITE_OK)
		return db_errno(s->db, rc);
	if (mode != SQLITE_CHECKPOINT_PASSIVE)
		s->wal_frames = 0;
	else if (done < frames) /* not before as much has come again */
		s->wal_next = (uint64_t)frames + s->bounds.wal_soft / frame_size(s) / 4;
	return 0;
}

int wal_truncate(struct sqlite *s, int wait_ms)
{
	return checkpoint(s, SQLITE_CHECKPOINT_TRUNCATE, wait_ms);
}

int wal_make_room(struct sqlite *s, uint64_t frames)
{
	if ((s->wal_frames + frames) * frame_size(s) <= s->bounds.wal_max || !s->wal_frames)
		return 0;
	/* Who did not leave in time before is not waited for as long again. */
	int r = checkpoint(s, SQLITE_CHECKPOINT_RESTART, s->wal_stuck ? WAIT_STUCK_MS : WAIT_MS);
	s->wal_stuck = r == -EBUSY;
	return r;
}

void wal_keep(struct sqlite *s, bool idle)
{
	uint64_t soft = s->bounds.wal_soft / frame_size(s);

	if (idle && s->wal_frames)
		wal_truncate(s, WAIT_IDLE_MS);
	else if (s->wal_frames > soft && s->wal_frames > s->wal_next)
		checkpoint(s, SQLITE_CHECKPOINT_PASSIVE, 0);
	if (s->wal_frames < s->wal_next)
		s->wal_next = s->wal_frames < soft ? 0 : s->wal_next;
}
