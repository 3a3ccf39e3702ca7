// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/sqlite/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "store/sqlite/ops.h"
#include "store/sqlite/sql_filter.h"

#define PAGE_SIZE	 8192
#define PAGE_SIZE_SMALL	 4096 /* where eight tables and indexes are much of a segment */
#define SMALL_STORE	 (16ULL << 20)
#define WRITER_CACHE_KIB 8192
#define STORE_MIN_SIZE	 (1 << 20)
#define CHECK_PAGES_MAX	 (8 << 10) /* a larger file is not read as a whole at start */

static void copy_error(struct store *store, char *out, size_t size)
{
	struct sqlite *s = sqlite_of(store);

	pthread_mutex_lock(&s->lock);
	snprintf(out, size, "%s", s->error);
	pthread_mutex_unlock(&s->lock);
}

static struct store_stats copy_stats(struct store *store)
{
	struct sqlite *s = sqlite_of(store);

	pthread_mutex_lock(&s->lock);
	struct store_stats stats = s->stats;
	pthread_mutex_unlock(&s->lock);
	return stats;
}

static void maintain(struct store *store, int64_t now_us)
{
	struct sqlite *s = sqlite_of(store);

	retain_keep(s, now_us, true);
	retain_count(s);
}

static int open_writer(struct sqlite *s, uint64_t max_size, char *error, size_t error_size)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, on = 1;
	int rc = sqlite3_open_v2(s->path, &s->db, flags, NULL);

	if (rc != SQLITE_OK)
		return db_errno(s->db, rc);
	if (sqlite3_db_readonly(s->db, "main") == 1)
		return -EROFS;
	sqlite3_file_control(s->db, "main", SQLITE_FCNTL_PERSIST_WAL, &on);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	int r = schema_check(s->db, error, error_size);
	if (r < 0)
		return r;
	/*
	 * Page size and vacuum count for a new file only, and come before its first page. What is
	 * freed is overwritten, but where a whole segment is: that is left to erase.c.
	 */
	r = db_exec_format(s->db,
			   "PRAGMA page_size=%d; PRAGMA auto_vacuum=INCREMENTAL;"
			   "PRAGMA temp_store=MEMORY; PRAGMA trusted_schema=0;"
			   "PRAGMA secure_delete=ON; PRAGMA cache_size=-%d;"
			   "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;"
			   "PRAGMA wal_autocheckpoint=0",
			   max_size && max_size < SMALL_STORE ? PAGE_SIZE_SMALL : PAGE_SIZE,
			   WRITER_CACHE_KIB);
	int64_t page_size = 0;
	if (!r)
		r = db_int_sql(s->db, "PRAGMA page_size", &page_size);
	s->page_size = (uint64_t)page_size;
	return r;
}

static int prepare_writer(struct sqlite *s)
{
	int r = db_prepare(s->db, "BEGIN IMMEDIATE", &s->begin);

	if (!r)
		r = db_prepare(s->db, "COMMIT", &s->commit);
	if (!r)
		r = db_prepare(s->db, "PRAGMA page_count", &s->page_count);
	if (!r)
		r = db_prepare(s->db, "PRAGMA freelist_count", &s->free_count);
	if (!r)
		r = db_prepare(s->db, "INSERT OR REPLACE INTO segment VALUES (?1,?2,?3,?4,?5,?6)",
			       &s->put_segment);
	if (!r)
		r = db_prepare(s->db,
			       "INSERT INTO tally VALUES (?1,?2,?3,?4,?5,?6,?7)"
			       " ON CONFLICT DO UPDATE SET ok=ok+?4,client_error=client_error+?5,"
			       "server_error=server_error+?6,incomplete=incomplete+?7",
			       &s->put_tally);
	return r;
}

/* Damage is better told at start; a large file is only looked at where it is used. */
static int check_content(struct sqlite *s, char *error, size_t error_size)
{
	sqlite3_stmt *stmt = NULL;
	int r = 0;

	if (db_int(s->page_count) > CHECK_PAGES_MAX)
		return 0;
	if (sqlite3_prepare_v2(s->db, "PRAGMA quick_check(1)", -1, &stmt, NULL) != SQLITE_OK ||
	    sqlite3_step(stmt) != SQLITE_ROW)
		r = -EBADMSG;
	const char *text = r ? sqlite3_errmsg(s->db) : (const char *)sqlite3_column_text(stmt, 0);
	if (r || !text || strcmp(text, "ok")) {
		snprintf(error, error_size,
			 "store %s is damaged: %.120s; move it away to start anew", s->path,
			 text ? text : "");
		r = -EBADMSG;
	}
	sqlite3_finalize(stmt);
	return r;
}

/* The log and its index, opened by SQLite by now: for their sizes, and to give them away. */
static int open_beside(struct sqlite *s, const char *suffix, uid_t uid, gid_t gid, int *ret_fd)
{
	char *path;

	if (asprintf(&path, "%s%s", s->path, suffix) < 0)
		return -ENOMEM;
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	int r = fd < 0 ? -errno : 0;
	free(path);
	if (r < 0)
		return r;
	*ret_fd = fd;
	return file_give(fd, uid, gid);
}

static int set_owner(struct sqlite *s, uid_t uid, gid_t gid)
{
	int r = open_beside(s, "-wal", uid, gid, &s->wal_fd);

	if (!r)
		r = open_beside(s, "-shm", uid, gid, &s->shm_fd);
	if (!r)
		r = file_give(s->db_fd, uid, gid);
	return r;
}

static void explain(struct sqlite *s, const char *uri, int r, char *error, size_t error_size)
{
	const char *path = s->path ? s->path : uri;

	if (error_size && error[0])
		return;
	if (r == -ENOSPC)
		snprintf(error, error_size, "open store %s: the disk is full", path);
	else if (r == -EROFS)
		snprintf(error, error_size, "open store %s: it is read-only", path);
	else
		snprintf(error, error_size, "open store %s: %s", path,
			 s->db && sqlite3_errcode(s->db) ? sqlite3_errmsg(s->db) : strerror(-r));
}

static int open_all(struct sqlite *s, const struct store_options *options, uid_t uid, gid_t gid,
		    char *error, size_t error_size)
{
	int r = open_writer(s, options->max_size, error, error_size);

	if (!r)
		r = schema_update(s->db, error, error_size);
	if (!r)
		r = prepare_writer(s);
	if (!r)
		r = check_content(s, error, error_size);
	if (r < 0)
		return r;
	bounds_set(s, options);
	r = wal_start(s);
	if (!r)
		r = bodies_open(s, options->max_size, uid, gid);
	if (!r)
		r = segment_load(s);
	if (!r)
		r = open_row_start(s);
	if (!r)
		r = retain_settle(s);
	if (!r)
		r = reader_open(s, options->readers, error, error_size);
	if (!r)
		r = set_owner(s, uid, gid);
	return r;
}

static int check_options(const struct store_options *options, char *error, size_t error_size)
{
	if (!options->max_size || options->max_size >= STORE_MIN_SIZE)
		return 0;
	snprintf(error, error_size,
		 "a store of at most %llu bytes is too small, 1 MiB is the least",
		 (unsigned long long)options->max_size);
	return -EINVAL;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

static void close_store(struct store *store)
{
	struct sqlite *s = sqlite_of(store);

	reader_close(s);
	if (s->erase && s->wal_fd >= 0)
		erase_keep(s, true);
	sqlite3_finalize(s->begin);
	sqlite3_finalize(s->commit);
	sqlite3_finalize(s->page_count);
	sqlite3_finalize(s->free_count);
	sqlite3_finalize(s->put_segment);
	sqlite3_finalize(s->put_tally);
	sqlite3_finalize(s->put_entry);
	sqlite3_finalize(s->put_payload);
	write_free(s);
	open_row_free(s);
	free(s->writes);
	bodies_close(s);
	if (s->page_size && s->wal_fd >= 0)
		wal_truncate(s, 0);
	sqlite3_close(s->db);
	close_fd(s->shm_fd);
	close_fd(s->wal_fd);
	close_fd(s->db_fd);
	pthread_cond_destroy(&s->reader_free);
	pthread_mutex_destroy(&s->lock);
	free(s->segments.v);
	free(s->path);
	free(s);
}

static int check_filter(struct store *store, const struct kfl *filter, struct kfl_error *ret_error)
{
	struct sql_filter sql;
	int r = sql_filter_make(filter, &sql, ret_error);

	(void)store;
	sql_filter_free(&sql);
	return r;
}

static int open_store(const struct store_options *options, const char *place, uid_t uid, gid_t gid,
		      struct store **ret, char *error, size_t error_size)
{
	struct sqlite *s = calloc(1, sizeof(*s));
	char *path = NULL;

	if (!s) {
		snprintf(error, error_size, "open store %s: out of memory", options->uri);
		return -ENOMEM;
	}
	s->db_fd = s->wal_fd = s->shm_fd = s->bodies.fd = -1;
	TAILQ_INIT(&s->open_rows.order);
	TAILQ_INIT(&s->open_rows.closing);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->reader_free, NULL);
	int r = check_options(options, error, error_size);
	if (!r)
		r = file_path_of(options->uri, place, &path, error, error_size);
	if (!r)
		r = file_open(path, uid, gid, &s->db_fd, &s->path, error, error_size);
	free(path);
	if (!r)
		r = open_all(s, options, uid, gid, error, error_size);
	if (r < 0) {
		explain(s, options->uri, r, error, error_size);
		close_store(&s->base);
		return r;
	}
	retain_count(s);
	*ret = &s->base;
	return 0;
}

static const char *path_of(const struct store *s)
{
	return ((const struct sqlite *)s)->path;
}

const struct store_ops sqlite_ops = {
	.scheme = "sqlite",
	.usage = "sqlite:PATH",
	.open = open_store,
	.close = close_store,
	.append = sqlite_append,
	.maintain = maintain,
	.error = copy_error,
	.check = check_filter,
	.select = sqlite_select,
	.get = sqlite_get,
	.count = sqlite_count,
	.stats = copy_stats,
	.path = path_of,
};
