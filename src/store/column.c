// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/sqlite.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"
#include "entry.h"

enum kind { KIND_TEXT, KIND_I64, KIND_ELAPSED, KIND_I32, KIND_U16, KIND_BOOL, KIND_LOCK };

struct column {
	const char *name;
	size_t offset;
	enum kind kind;
};

#define FIELD(kind, field)                                                                         \
	{                                                                                          \
#field, offsetof(struct entry, field), KIND_##kind                                 \
	}
#define END(kind, end, field)                                                                      \
	{                                                                                          \
#end "_" #field, offsetof(struct entry, end.field), KIND_##kind                    \
	}
#define ENDPOINT(end)                                                                              \
	END(TEXT, end, ip), END(U16, end, port), END(TEXT, end, name), END(TEXT, end, process),    \
		END(I32, end, pid), END(TEXT, end, container), END(TEXT, end, pod),                \
		END(TEXT, end, namespace), END(TEXT, end, service)

/* The columns of entry_N after id, as schema/segment.sql has them. */
static const struct column columns[] = {
	{ "timestamp", offsetof(struct entry, timestamp_us), KIND_I64 },
	FIELD(TEXT, protocol),
	FIELD(TEXT, version),
	FIELD(BOOL, tls),
	FIELD(LOCK, lock),
	FIELD(BOOL, complete),
	ENDPOINT(src),
	ENDPOINT(dst),
	FIELD(TEXT, role),
	FIELD(TEXT, library),
	FIELD(TEXT, bind),
	FIELD(TEXT, method),
	FIELD(TEXT, summary),
	FIELD(TEXT, status),
	FIELD(I32, status_code),
	FIELD(ELAPSED, elapsed_us),
	FIELD(I64, request_size),
	FIELD(I64, response_size),
	FIELD(I64, lost_bytes),
	FIELD(I64, truncated_bytes),
	FIELD(TEXT, reason),
	FIELD(TEXT, connection),
	FIELD(TEXT, node),
	FIELD(I64, goroutine),
	FIELD(BOOL, open),
	FIELD(TEXT, ends),
	FIELD(ELAPSED, server_elapsed_us),
	FIELD(TEXT, host),
	FIELD(TEXT, path),
	FIELD(TEXT, query_string),
	FIELD(TEXT, tls_version),
	FIELD(TEXT, tls_cipher),
	FIELD(TEXT, tls_sni),
	FIELD(TEXT, tls_alpn),
	FIELD(TEXT, ja3),
	FIELD(TEXT, ja4),
	FIELD(TEXT, grpc_method),
	FIELD(TEXT, grpc_status),
	FIELD(TEXT, redis_command),
	FIELD(TEXT, redis_key),
	FIELD(TEXT, redis_type),
};

#define COLUMNS (sizeof(columns) / sizeof(columns[0]))
_Static_assert(COLUMNS <= 64, "a bit for each");
#define ROW_OVERHEAD                                                                               \
	256 /* record headers, integers, keys and cells of two tables, five indexes                \
	     */

int column_count(void)
{
	return COLUMNS;
}

int column_find(const char *name)
{
	for (size_t i = 0; i < COLUMNS; i++)
		if (!strcmp(columns[i].name, name))
			return (int)i;
	return -1;
}

int column_put_definition(struct buf *sql, int i)
{
	const struct column *c = &columns[i];

	return buf_printf(sql, "%s %s", c->name,
			  c->kind == KIND_TEXT	    ? "TEXT NOT NULL DEFAULT ''"
			  : c->kind == KIND_ELAPSED ? "INTEGER NOT NULL DEFAULT -1"
						    : "INTEGER NOT NULL DEFAULT 0");
}

int column_put_names(struct buf *sql, const char *prefix)
{
	int r = buf_printf(sql, "%sid", prefix);

	for (size_t i = 0; !r && i < COLUMNS; i++)
		r = buf_printf(sql, ",%s%s", prefix, columns[i].name);
	return r;
}

int column_put_marks(struct buf *sql)
{
	int r = buf_puts(sql, "?1");

	for (size_t i = 0; !r && i < COLUMNS; i++)
		r = buf_printf(sql, ",?%zu", i + 2);
	return r;
}

static int bind_one(sqlite3_stmt *stmt, int i, const struct column *c, const struct entry *e)
{
	const void *p = (const char *)e + c->offset;

	switch (c->kind) {
	case KIND_TEXT:
		if (!**(const char *const *)p)
			return sqlite3_bind_text(stmt, i, "", 0, SQLITE_STATIC);
		return sqlite3_bind_text(stmt, i, *(const char *const *)p, -1, SQLITE_STATIC);
	case KIND_I64:
	case KIND_ELAPSED:
		return sqlite3_bind_int64(stmt, i, *(const int64_t *)p);
	case KIND_I32:
		return sqlite3_bind_int(stmt, i, *(const int32_t *)p);
	case KIND_U16:
		return sqlite3_bind_int(stmt, i, *(const uint16_t *)p);
	case KIND_BOOL:
		return sqlite3_bind_int(stmt, i, *(const bool *)p);
	case KIND_LOCK:
		return sqlite3_bind_int(stmt, i, (int)*(const enum lock *)p);
	}
	return SQLITE_MISUSE;
}

int column_bind(sqlite3_stmt *stmt, uint64_t *empty, const struct entry *e)
{
	int rc = sqlite3_bind_int64(stmt, 1, e->id);

	for (size_t i = 0; rc == SQLITE_OK && i < COLUMNS; i++) {
		const struct column *c = &columns[i];
		const char *const *text = (const void *)((const char *)e + c->offset);
		bool is_empty = c->kind == KIND_TEXT && !**text;
		if (is_empty && *empty & 1ULL << i)
			continue;
		*empty = (*empty & ~(1ULL << i)) | (uint64_t)is_empty << i;
		rc = bind_one(stmt, (int)i + 2, c, e);
	}
	return db_errno(sqlite3_db_handle(stmt), rc);
}

static int read_text(sqlite3_stmt *stmt, int i, struct entry *e, const char **ret)
{
	const void *text = sqlite3_column_text(stmt, i);
	size_t len = (size_t)sqlite3_column_bytes(stmt, i);

	if (!text)
		return -ENOMEM;
	*ret = len ? entry_text(e, text, len) : "";
	return len && !**ret ? -ENOMEM : 0;
}

static int read_one(sqlite3_stmt *stmt, int i, const struct column *c, struct entry *e)
{
	void *p = (char *)e + c->offset;

	switch (c->kind) {
	case KIND_TEXT:
		return read_text(stmt, i, e, p);
	case KIND_I64:
	case KIND_ELAPSED:
		*(int64_t *)p = sqlite3_column_int64(stmt, i);
		break;
	case KIND_I32:
		*(int32_t *)p = sqlite3_column_int(stmt, i);
		break;
	case KIND_U16:
		*(uint16_t *)p = (uint16_t)sqlite3_column_int(stmt, i);
		break;
	case KIND_BOOL:
		*(bool *)p = sqlite3_column_int(stmt, i);
		break;
	case KIND_LOCK:
		*(enum lock *)p = (enum lock)((unsigned)sqlite3_column_int(stmt, i) % 3);
		break;
	}
	return 0;
}

int column_read(sqlite3_stmt *stmt, struct entry *e)
{
	int r = 0;

	e->id = sqlite3_column_int64(stmt, 0);
	for (size_t i = 0; !r && i < COLUMNS; i++)
		r = read_one(stmt, (int)i + 1, &columns[i], e);
	return r;
}

/* Most texts are empty: those cost no call. */
static inline size_t length(const char *text)
{
	return *text ? strlen(text) : 0;
}

uint64_t column_size(const struct entry *e)
{
	uint64_t n = ROW_OVERHEAD + e->detail.len + e->request_body.len + e->response_body.len;

	for (size_t i = 0; i < COLUMNS; i++)
		if (columns[i].kind == KIND_TEXT)
			n += length(*(const char *const *)((const char *)e + columns[i].offset));
	/* once more in an index */
	return n + length(e->host) + length(e->connection) + length(e->src.process);
}
