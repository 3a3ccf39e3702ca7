// SPDX-License-Identifier: GPL-2.0-or-later
#include "store/sqlite/sqlite.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "base/buf.h"
#include "entry.h"
#include "fields.h"

enum kind { KIND_TEXT, KIND_I64, KIND_I32, KIND_U16, KIND_BOOL, KIND_LOCK };

/* How a kind of entry.def is kept, and what rows have that were written without it. */
#define STORED_TEXT    KIND_TEXT, "TEXT NOT NULL DEFAULT ''"
#define STORED_WORD    KIND_TEXT, "TEXT NOT NULL DEFAULT 'unknown'"
#define STORED_PAIRS   KIND_TEXT, "TEXT NOT NULL DEFAULT ''"
#define STORED_I64     KIND_I64, "INTEGER NOT NULL DEFAULT 0"
#define STORED_I32     KIND_I32, "INTEGER NOT NULL DEFAULT 0"
#define STORED_U16     KIND_U16, "INTEGER NOT NULL DEFAULT 0"
#define STORED_ELAPSED KIND_I64, "INTEGER NOT NULL DEFAULT -1"
#define STORED_TIME    KIND_I64, "INTEGER NOT NULL DEFAULT 0"
#define STORED_BOOL    KIND_BOOL, "INTEGER NOT NULL DEFAULT 0"
#define STORED_LOCK    KIND_LOCK, "INTEGER NOT NULL DEFAULT 0"

struct column {
	const char *name;
	size_t offset;
	enum kind kind;
	const char *type;
};

/* clang-format off */
/* The columns of entry_N after id. */
static const struct column columns[] = {
#define COLUMN(name, member, ...) { name, offsetof(struct entry, member), __VA_ARGS__ },
#define COLUMN_OF_ID(name, member)
#define COLUMN_OF_TEXT(name, member)	COLUMN(name, member, STORED_TEXT)
#define COLUMN_OF_WORD(name, member)	COLUMN(name, member, STORED_WORD)
#define COLUMN_OF_PAIRS(name, member)	COLUMN(name, member, STORED_PAIRS)
#define COLUMN_OF_I64(name, member)	COLUMN(name, member, STORED_I64)
#define COLUMN_OF_I32(name, member)	COLUMN(name, member, STORED_I32)
#define COLUMN_OF_U16(name, member)	COLUMN(name, member, STORED_U16)
#define COLUMN_OF_ELAPSED(name, member) COLUMN(name, member, STORED_ELAPSED)
#define COLUMN_OF_TIME(name, member)	COLUMN(name, member, STORED_TIME)
#define COLUMN_OF_BOOL(name, member)	COLUMN(name, member, STORED_BOOL)
#define COLUMN_OF_LOCK(name, member)	COLUMN(name, member, STORED_LOCK)
#define FIELD(kind, place, member, column, ...) COLUMN_OF_##kind(column, member)
#define END(kind, member, ...) COLUMN_OF_##kind(SIDE_NAME "_" #member, SIDE.member)
#include "entry.def"
};
/* clang-format on */

#define COLUMNS (sizeof(columns) / sizeof(columns[0]))
_Static_assert(COLUMNS <= COLUMN_MAX, "a bit for each");
/* Record headers, integers, keys and cells of two tables and their indexes. */
#define ROW_OVERHEAD 256

int column_count(void)
{
	return COLUMNS;
}

static const struct field *indexes[COLUMN_INDEXES + 1];
static pthread_once_t indexes_once = PTHREAD_ONCE_INIT;

static void find_indexes(void)
{
	size_t n = 0;

	for (const struct field *f = field_rows; f->kfl && n < COLUMN_INDEXES; f++)
		if (f->column && f->rows)
			indexes[n++] = f;
}

const struct field *const *column_indexes(void)
{
	pthread_once(&indexes_once, find_indexes);
	return indexes;
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
	return buf_printf(sql, "%s %s", columns[i].name, columns[i].type);
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
	for (const struct field *const *f = column_indexes(); *f; f++)
		if ((*f)->kind == FIELD_IS_TEXT)
			n += length(*(const char *const *)((const char *)e + (*f)->offset));
	return n;
}

static bool is_indexed(const struct column *c)
{
	for (const struct field *const *f = column_indexes(); *f; f++)
		if (!strcmp((*f)->column, c->name))
			return true;
	return false;
}

int column_put_sets(struct buf *sql, bool indexed)
{
	const char *comma = "";
	int r = 0;

	for (size_t i = 0; !r && i < COLUMNS; i++) {
		if (!indexed && is_indexed(&columns[i]))
			continue;
		r = buf_printf(sql, "%s%s=?%zu", comma, columns[i].name, i + 2);
		comma = ",";
	}
	return r;
}

static uint64_t value_of(const struct field *f, const void *p)
{
	switch (f->kind) {
	case FIELD_IS_I32:
		return (uint64_t) * (const int32_t *)p;
	case FIELD_IS_U16:
		return *(const uint16_t *)p;
	case FIELD_IS_BOOL:
		return *(const bool *)p;
	case FIELD_IS_LOCK:
		return (uint64_t) * (const enum lock *)p;
	default:
		return (uint64_t) * (const int64_t *)p;
	}
}

uint64_t column_indexed(const struct entry *e)
{
	const uint64_t prime = 0x100000001b3;
	uint64_t h = 0xcbf29ce484222325;

	for (const struct field *const *f = column_indexes(); *f; f++) {
		const void *p = (const char *)e + (*f)->offset;
		bool is_text = (*f)->kind == FIELD_IS_TEXT || (*f)->kind == FIELD_IS_WORD ||
			       (*f)->kind == FIELD_IS_PAIRS;
		if (!is_text)
			h = (h ^ value_of(*f, p)) * prime;
		for (const char *t = is_text ? *(const char *const *)p : ""; *t; t++)
			h = (h ^ (unsigned char)*t) * prime;
		h *= prime;
	}
	return h;
}
