/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the SQLite store share; others include store.h. */
#ifndef CLEARTAP_SQLITE_H
#define CLEARTAP_SQLITE_H

#include <inttypes.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include <sys/uio.h>

#include "store/store_ops.h"

struct buf;
struct entry;
struct field;

#define STORE_APPLICATION_ID 0x636c7470 /* "cltp" in the header of the file */
#define SEGMENT_AGE_PARTS    16		/* segments that the span of --max-age is divided in */

/*
 * A pair of tables entry_N, payload_N that holds the ids first_id..last_id, nothing while last_id
 * < first_id. Emptied segments are used again, so that the schema (and with it every prepared
 * statement) stays as it is while old traffic makes room for new.
 */
struct segment {
	int64_t n;
	int64_t first_id, last_id;
	int64_t first_us, last_us;
	int64_t bytes; /* estimate of what its rows take */
	bool old;      /* its tables are not as those of a new one: it is only read and emptied */
};

struct segments {
	struct segment *v;
	size_t count;
};

/* What --max-size and --max-age come down to. Sizes in bytes. */
struct bounds {
	uint64_t max_size;	/* 0: none */
	int64_t max_age_us;	/* 0: none */
	uint64_t max_pages;	/* of the main file */
	uint64_t wal_max;	/* the log never grows past it */
	uint64_t wal_soft;	/* from here on it is checkpointed */
	uint64_t segment_bytes; /* a segment is closed past it; 0: by the size of the store */
	uint64_t batch_bytes;	/* one transaction */
	uint64_t entry_bytes;	/* one entry's rows; the bodies of a larger one are not stored */
	uint64_t bodies_bytes;	/* the large bodies of one transaction */
};

/* A part of the file of bodies. */
struct extent {
	uint64_t at, len;
	int64_t n;  /* the segment */
	bool fresh; /* taken by the transaction that is under way */
};

#define BODIES_PENDING 128 /* pieces that one write takes: a header and a body each */

struct body_header {
	uint64_t key; /* of whom: entry id * 2, + 1 for the response */
	uint64_t sum; /* of the bytes */
	uint64_t len;
};

struct bodies {
	int fd;
	uint64_t chunk, end; /* extents are multiples of a chunk, the file ends at `end` */
	struct extent *v;    /* by offset */
	size_t count, room;
	uint64_t next, left; /* what is free in the extent that is being filled */
	sqlite3_stmt *put;
	struct iovec iov[BODIES_PENDING];
	struct body_header headers[BODIES_PENDING / 2];
	int iov_count;
	off_t iov_at;
};

/* What becomes of an exchange in the batch that is being appended. */
struct write {
	struct entry *e;	   /* its newest version */
	const struct buf *body[2]; /* request, response; NULL: as it is stored */
	struct open_row *row;	   /* NULL: told once */
	uint64_t rows, bodies;	   /* what it takes there */
	bool again, done;	   /* its row was there before; it is committed */
};

/* An exchange that goes on, or whose last version is being written. */
struct open_row {
	uint64_t number; /* entry.live */
	int64_t id;	 /* of its row; 0: none yet */
	size_t segment;	 /* index in segments.v */
	/* Of the row as it is: */
	int64_t timestamp_us;
	enum outcome outcome;
	uint64_t size, indexed;
	const char *reason;  /* in `closing` */
	struct write *write; /* of the batch that is being appended */
	TAILQ_ENTRY(open_row) order;
	LIST_ENTRY(open_row) bucket;
};

struct open_rows {
	LIST_HEAD(open_row_bucket, open_row) * buckets;
	TAILQ_HEAD(open_row_list, open_row) order, closing; /* oldest first; to be closed on disk */
	size_t count;
	uint64_t forgotten; /* the highest number that had to make room */
	sqlite3_stmt *mark, *unmark;
};

/* The statements that write rows of a segment again. */
struct updates {
	sqlite3_stmt *entry[2], *payload; /* [1]: with what indexes hold */
	uint64_t empty[2];
};

struct reader {
	sqlite3 *db;
	bool busy;
	sqlite3_stmt *segments, *tally;
	sqlite3_stmt **get; /* [2 * n] the entry of an id, [2 * n + 1] with its payload */
	size_t gets;
};

struct sqlite {
	struct store base;
	char *path;
	/* Closed after SQLite has closed: closing a descriptor of a file drops its POSIX locks. */
	int db_fd, wal_fd, shm_fd;
	struct bounds bounds;

	/* The writer's, used by one thread. */
	sqlite3 *db;
	uint64_t page_size;
	int64_t page_limit;	/* of the main file, as SQLite was told */
	uint64_t wal_frames;	/* in the log at the last commit */
	uint64_t wal_next;	/* frames before which another checkpoint would do little */
	bool erase;		/* pages that were freed still hold what they held */
	uint64_t erase_next_ms; /* not before, while the store is busy */
	bool wal_stuck;		/* a reader of another program kept the log from being emptied */
	struct segments segments;
	struct segment *active;
	struct bodies bodies;
	int64_t active_since_us; /* by the clock, not by the entries' timestamps */
	sqlite3_stmt *begin, *commit, *page_count, *free_count, *put_segment;
	sqlite3_stmt *put_entry, *put_payload; /* into the active segment */
	uint64_t put_empty;		       /* of put_entry, for column_bind() */
	sqlite3_stmt *put_tally;
	struct open_rows open_rows;
	struct updates *updates; /* by index of the segment */
	size_t update_count;
	struct write *writes; /* of the batch */
	size_t write_room;
	uint64_t passed_over; /* versions of exchanges that are not followed */

	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t reader_free;
	struct reader *readers;
	unsigned reader_count;
	struct store_stats stats;
	char error[256];
};

static inline struct sqlite *sqlite_of(struct store *s)
{
	return (struct sqlite *)s;
}

/* payload_N with its bodies wherever they are, in the SQL of readers. */
#define PAYLOAD                                                                                    \
	"(SELECT id,detail,body(id*2,request_body) AS request_body,"                               \
	"body(id*2+1,response_body) AS response_body FROM payload_%" PRId64 ")"

static inline bool segment_empty(const struct segment *g)
{
	return g->last_id < g->first_id;
}

/*
 * The parts, from below: db, column, bounds, segment_list < tally, wal, schema, file < bodies <
 * open_row < segment < retain, write < append; sql_value < sql_condition < sql_filter; these,
 * bodies and column < reader < scan < select, count; sqlite.c above all.
 */

/* db.c: SQLite in the manners of the house */
/* For store_error(). */
void sqlite_set_error(struct sqlite *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
int db_errno(sqlite3 *db, int rc);
int db_exec(sqlite3 *db, const char *sql);
int db_exec_format(sqlite3 *db, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The statement lives long: SQLite is told so. */
int db_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **ret);
/* Run to the end and reset. */
int db_run(sqlite3_stmt *stmt);
/* The integer of the first row and reset; -1 when there is none. */
int64_t db_int(sqlite3_stmt *stmt);
/* The first column of the first row; -ENODATA without one. */
int db_int_sql(sqlite3 *db, const char *sql, int64_t *ret);
/*
 * Without memory a ROLLBACK can fail as well. So whoever begins a transaction first leaves one that
 * was not left: 0, or -errno when it still cannot be left.
 */
int db_leave(sqlite3 *db);
int db_begin(sqlite3 *db, const char *sql);

/* column.c: entries as rows */
#define COLUMN_MAX     64
#define COLUMN_INDEXES 8
/* The fields that have an index, named entry_N_COLUMN; ends with NULL. */
const struct field *const *column_indexes(void);
/* The number of a column after id, -1 for none. */
int column_find(const char *name);
/* Its name, type and what it is in rows that were written without it. */
int column_put_definition(struct buf *sql, int i);
int column_put_names(struct buf *sql, const char *prefix);
int column_put_marks(struct buf *sql);
/*
 * Parameters ?1 (id) and on. Nothing is copied: the entry outlives the statement's run. *empty, 0
 * for a new statement, remembers the texts that are bound to "", which most are and stay.
 */
int column_bind(sqlite3_stmt *stmt, uint64_t *empty, const struct entry *e);
/* The row of a statement that selected id and the names; -ENOMEM. */
int column_read(sqlite3_stmt *stmt, struct entry *e);
/* "name=?i,..." for an UPDATE, of all or of what no index holds. */
int column_put_sets(struct buf *sql, bool indexed);
/* The same for two entries whose indexed columns are the same, else not the same but by chance. */
uint64_t column_indexed(const struct entry *e);
int column_count(void);
/* What the rows and index entries of an entry take, about; its bodies included wherever they go. */
uint64_t column_size(const struct entry *e);

/* write.c: an entry as rows */
int write_new(struct sqlite *s, const struct write *w);
/* The row of w->row->id becomes the entry. */
int write_again(struct sqlite *s, const struct write *w);
void write_free(struct sqlite *s);

/* open_row.c: exchanges that are told more than once */
/* After segment_load(): closes what was left open. */
int open_row_start(struct sqlite *s);
void open_row_free(struct sqlite *s);
struct open_row *open_row_find(struct sqlite *s, uint64_t number);
/* The oldest makes room where there are too many. NULL: out of memory. */
struct open_row *open_row_add(struct sqlite *s, uint64_t number);
/* It, or one that began after it, had to make room. */
bool open_row_is_forgotten(const struct sqlite *s, uint64_t number);
void open_row_drop(struct sqlite *s, struct open_row *l);
/* The next transaction closes its row; `reason` is a constant. */
void open_row_close(struct sqlite *s, struct open_row *l, const char *reason);
/* Within a transaction, and after its commit. */
int open_row_close_forgotten(struct sqlite *s);
void open_row_closed(struct sqlite *s);
/* Within a transaction: the row is, or is no longer, to be written again. */
int open_row_mark(struct sqlite *s, int64_t id, int64_t n, bool open);
/* The segment's rows are gone: what comes of its exchanges is inserted anew. */
void open_row_forget_segment(struct sqlite *s, size_t segment);

/* bounds.c */
void bounds_set(struct sqlite *s, const struct store_options *options);
/* Pages that the main file may have: what bodies leave of the bound. */
int64_t bounds_pages(const struct sqlite *s);
/* How long the file of bodies may get by the bound. */
uint64_t bounds_bodies(struct sqlite *s);

/* bodies.c: large bodies, in a file of their own */
int bodies_open(struct sqlite *s, uint64_t max_size, uid_t uid, gid_t gid);
void bodies_close(struct sqlite *s);
/* Does this one go there, and what does it take? */
bool bodies_aside(const struct buf *body);
uint64_t bodies_cost(const struct buf *body);
/* Within a transaction; the body is borrowed until bodies_flush(), which is to come before COMMIT.
 */
int bodies_put(struct sqlite *s, uint64_t key, const struct buf *body, int64_t *ret_at);
int bodies_flush(struct sqlite *s);
void bodies_ended(struct sqlite *s, bool committed);
/* Another segment is filled from now on; segment n is empty. */
void bodies_roll(struct sqlite *s);
void bodies_forget(struct sqlite *s, int64_t n);
/* Is there room for so many bytes in one piece while the file is to end at end_max? */
bool bodies_fit(const struct sqlite *s, uint64_t bytes, uint64_t end_max);
/* Give back what is free at the end; false: nothing. */
bool bodies_shrink(struct sqlite *s);
/* From any thread. -ENODATA: what was there has been dropped or lost. */
int bodies_read(const struct sqlite *s, uint64_t key, int64_t at, struct buf *out);
/* The SQL function body(key, value) for a reader. */
int bodies_register(struct sqlite *s, sqlite3 *db);

/* file.c: the path, the lock, the owner */
/*
 * Give a file to the user of the server. Without CAP_CHOWN (etc/cleartap.service) it stays root's,
 * which is as good: the server has it open before it becomes that user. 0 or -errno.
 */
int file_give(int fd, uid_t uid, gid_t gid);
/* Nothing of what was there can be read any more. */
int file_erase(int fd, uint64_t at, uint64_t len);
int file_path_of(const char *uri, const char *place, char **ret_path, char *error,
		 size_t error_size);
int file_open(const char *path, uid_t uid, gid_t gid, int *ret_fd, char **ret_real, char *error,
	      size_t error_size);

/* schema.c */
/* Is it ours, and not newer? Changes nothing. */
int schema_check(sqlite3 *db, char *error, size_t error_size);
int schema_update(sqlite3 *db, char *error, size_t error_size);
/* Its tables and indexes, with what the planner is to know of them; within a transaction. */
int schema_make_segment(sqlite3 *db, int64_t n);
/* Within a transaction. */
int schema_drop_segment(sqlite3 *db, int64_t n);
/* Has its entry_N other columns or indexes than a new one? */
int schema_segment_old(sqlite3 *db, int64_t n, bool *ret);

/* segment_list.c: the rows n, first_id, last_id, first_us, last_us, bytes; the caller frees ret->v
 */
int segment_list_read(sqlite3_stmt *stmt, struct segments *ret);

/* segment.c */
int segment_load(struct sqlite *s);
/* Close the active segment and open another. */
int segment_roll(struct sqlite *s);
/* Its statements, which a roll without memory leaves to be made. */
int segment_ready(struct sqlite *s);
/* Forget the entries of a segment. */
int segment_clear(struct sqlite *s, struct segment *g);
struct segment *segment_oldest(struct sqlite *s);
uint64_t segment_target(const struct sqlite *s);

/* tally.c: the table `tally` */
/* A late column is found by going through all before it. */
#define TALLY_COLUMNS "e.id,e.timestamp,e.complete,e.status_code,e.failed,e.open"
#define TALLY_SLOTS   8 /* seconds that a batch's entries are gathered for at once */
struct tally {
	struct sqlite *s;
	int64_t n; /* of the segment */
	struct tally_slot {
		int64_t second;
		int64_t count[OUTCOMES];
		bool used;
	} v[TALLY_SLOTS];
};
/* Count an entry that goes into segment n; tally_flush() in the same transaction. */
int tally_add(struct tally *t, int64_t timestamp_us, enum outcome outcome);
int tally_flush(struct tally *t);
/* An entry that is there has another time or outcome. */
int tally_move(struct sqlite *s, size_t segment, int64_t from_us, enum outcome from, int64_t to_us,
	       enum outcome to);
/* The segment is full: sum up its minutes and hours. Within a transaction. */
int tally_close(struct sqlite *s, int64_t n);
/* Count what a store of schema 1 holds. */
int tally_fill(struct sqlite *s);
/* What entry_outcome() looks at and the timestamp, from a row of TALLY_COLUMNS. */
void tally_read_entry(sqlite3_stmt *stmt, struct entry *e);

/* erase.c: where the file has free pages, what they held goes, as soon as the log can be emptied.
 */
void erase_keep(struct sqlite *s, bool idle);

/* retain.c */
/* Tell SQLite the bound of the main file, which it takes only once the file is within. */
void retain_set_limit(struct sqlite *s);
/* Drop the oldest segments until so many pages are free, and bytes for bodies. */
int retain_make_room(struct sqlite *s, uint64_t pages, uint64_t bodies);
/* Less than that is left before the bound. */
bool retain_at_bound(struct sqlite *s, uint64_t pages, uint64_t bodies);
/* Drop what is too old, give back what is free; a bounded piece of work. */
void retain_keep(struct sqlite *s, int64_t now_us, bool idle);
/* At start: have the bounds hold, which may be smaller ones than before. */
int retain_settle(struct sqlite *s);
/* Bring the statistics up to date. */
void retain_count(struct sqlite *s);

/* wal.c */
int wal_start(struct sqlite *s);
/* Have room for so many frames in the log; -EBUSY while readers hold on to it. */
int wal_make_room(struct sqlite *s, uint64_t frames);
int wal_truncate(struct sqlite *s, int wait_ms);
/* Checkpoint when it is time to. */
void wal_keep(struct sqlite *s, bool idle);

/* reader.c */
int reader_open(struct sqlite *s, unsigned count, char *error, size_t error_size);
void reader_close(struct sqlite *s);
struct reader *reader_take(struct sqlite *s);
void reader_give(struct sqlite *s, struct reader *r);
/* The entry `id` of segment n; -ENOENT. */
int reader_get(struct reader *r, int64_t n, int64_t id, bool payload, struct entry **ret);

/* append.c, select.c, count.c: the operations that sqlite.c puts in its table */
int sqlite_append(struct store *store, struct entry *const *batch, size_t count);
int sqlite_select(struct store *store, const struct store_query *q, store_row_fn *row, void *ctx,
		  struct store_page *ret, char *error, size_t error_size);
int sqlite_get(struct store *store, int64_t id, struct entry **ret);
int sqlite_count(struct store *store, const struct store_histogram *q, uint64_t (*counts)[OUTCOMES],
		 struct store_counted *ret, char *error, size_t error_size);

#endif
