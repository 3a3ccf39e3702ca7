// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/sqlite.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/embed.h"

/* The number of a migration "schema/0001-name.sql", 0 for other files. */
static int migration_number(const struct embedded_file *f)
{
	return atoi(f->name + strlen("schema/"));
}

static int newest_number(void)
{
	int newest = 0;

	for (const struct embedded_file *f = schema_files; f->name; f++)
		if (migration_number(f) > newest)
			newest = migration_number(f);
	return newest;
}

static int migrate(sqlite3 *db, const struct embedded_file *f)
{
	int r = db_exec(db, "BEGIN IMMEDIATE");

	if (!r)
		r = db_exec(db, f->data);
	if (!r)
		r = db_exec_format(db, "PRAGMA application_id=%d; PRAGMA user_version=%d; COMMIT",
				   STORE_APPLICATION_ID, migration_number(f));
	if (r < 0 && !sqlite3_get_autocommit(db))
		db_exec(db, "ROLLBACK");
	return r;
}

static int check_origin(sqlite3 *db, int64_t *ret_version, char *error, size_t error_size)
{
	const char *path = sqlite3_db_filename(db, "main");
	int64_t tables = db_int_sql(db, "SELECT count(*) FROM sqlite_schema");

	if (tables < 0) {
		int r = db_errno(db, sqlite3_errcode(db));
		snprintf(error, error_size, "read store %s: %s", path, sqlite3_errmsg(db));
		return r ? r : -EIO;
	}
	*ret_version = db_int_sql(db, "PRAGMA user_version");
	if (tables && db_int_sql(db, "PRAGMA application_id") != STORE_APPLICATION_ID) {
		snprintf(error, error_size, "store %s is the database of another program", path);
		return -EINVAL;
	}
	if (*ret_version > newest_number()) {
		snprintf(error, error_size,
			 "store %s was written by a newer cleartap (schema %" PRId64
			 ", this one knows %d)",
			 path, *ret_version, newest_number());
		return -ENOTSUP;
	}
	return 0;
}

int schema_update(sqlite3 *db, char *error, size_t error_size)
{
	int64_t version = 0;
	int r = check_origin(db, &version, error, error_size);

	if (r < 0)
		return r;
	for (const struct embedded_file *f = schema_files; f->name; f++) {
		if (migration_number(f) <= version)
			continue;
		r = migrate(db, f);
		if (r < 0) {
			snprintf(error, error_size, "bring store %s up to date (%s): %s",
				 sqlite3_db_filename(db, "main"), f->name, sqlite3_errmsg(db));
			return r;
		}
	}
	return 0;
}

int schema_make_segment(sqlite3 *db, int64_t n)
{
	const struct embedded_file *f = embed_find(schema_files, "schema/segment.sql");
	struct buf sql = { 0 };
	int r = 0;

	for (const char *p = f->data, *mark; !r && *p; p = mark + 2) {
		mark = strstr(p, "%N");
		if (!mark) {
			r = buf_puts(&sql, p);
			break;
		}
		r = buf_put(&sql, p, (size_t)(mark - p));
		if (!r)
			r = buf_printf(&sql, "%" PRId64, n);
	}
	const char *text = r ? NULL : buf_cstr(&sql);
	r = text ? db_exec(db, text) : -ENOMEM;
	buf_free(&sql);
	return r;
}
