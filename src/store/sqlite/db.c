// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/sqlite/sqlite.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>

#include "store/sqlite/sql_filter.h"

int db_errno(sqlite3 *db, int rc)
{
	int sys = db ? sqlite3_system_errno(db) : 0;

	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_READONLY:
		return -EROFS;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_INTERRUPT:
		return -EINTR;
	case SQL_FILTER_ERROR:
		return -EDOM;
	case SQLITE_NOTADB:
		return -EINVAL;
	case SQLITE_CORRUPT:
		return -EBADMSG;
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return -EACCES;
	case SQLITE_TOOBIG:
		return -E2BIG;
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		return sys > 0 ? -sys : -EIO;
	default:
		return -EINVAL;
	}
}

int db_exec(sqlite3 *db, const char *sql)
{
	return db_errno(db, sqlite3_exec(db, sql, NULL, NULL, NULL));
}

int db_leave(sqlite3 *db)
{
	return sqlite3_get_autocommit(db) ? 0 : db_exec(db, "ROLLBACK");
}

int db_begin(sqlite3 *db, const char *sql)
{
	int r = db_leave(db);

	return r ? r : db_exec(db, sql);
}

int db_exec_format(sqlite3 *db, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	char *sql = sqlite3_vmprintf(fmt, ap);
	va_end(ap);
	if (!sql)
		return -ENOMEM;
	int r = db_exec(db, sql);
	sqlite3_free(sql);
	return r;
}

int db_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **ret)
{
	return db_errno(db, sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL));
}

int db_run(sqlite3_stmt *stmt)
{
	int rc;

	do
		rc = sqlite3_step(stmt);
	while (rc == SQLITE_ROW);
	int r = db_errno(sqlite3_db_handle(stmt), rc);
	sqlite3_reset(stmt);
	return r;
}

int64_t db_int(sqlite3_stmt *stmt)
{
	int64_t v = -1;

	if (sqlite3_step(stmt) == SQLITE_ROW)
		v = sqlite3_column_int64(stmt, 0);
	sqlite3_reset(stmt);
	return v;
}

int db_int_sql(sqlite3 *db, const char *sql, int64_t *ret)
{
	sqlite3_stmt *stmt = NULL;
	int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);

	if (rc == SQLITE_OK)
		rc = sqlite3_step(stmt);
	if (rc == SQLITE_ROW)
		*ret = sqlite3_column_int64(stmt, 0);
	int r = rc == SQLITE_DONE ? -ENODATA : db_errno(db, rc);
	sqlite3_finalize(stmt);
	return r;
}

void sqlite_set_error(struct sqlite *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	pthread_mutex_lock(&s->lock);
	vsnprintf(s->error, sizeof(s->error), fmt, ap);
	pthread_mutex_unlock(&s->lock);
	va_end(ap);
}
