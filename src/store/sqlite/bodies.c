// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Large bodies, in a file beside the database. SQLite writes what is new to its log, reads it again
 * and writes it to the main file, with a checksum over all of it; here a body is written once. The
 * file is cut into extents, each of which belongs to a segment and is free when that is emptied; a
 * body is a header and its bytes. It is written before the row that refers to it is committed, so a
 * row never refers to nothing but after a power failure, which the header tells.
 */
#include "store/sqlite/sqlite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"

#define BODY_ASIDE 1024 /* smaller ones stay in their row */
#define CHUNK_MIN  (4ULL << 10)
#define CHUNK_MAX  (1ULL << 20) /* extents are multiples of a chunk */
#define CHUNKS	   256		/* at the least, in a bounded store */
#define BODY_MAX   (1ULL << 30) /* a longer one is none */

static uint64_t sum_of(const void *data, size_t len)
{
	const uint64_t prime = 0x9e3779b97f4a7c15;
	uint64_t lane[4] = { 1, 2, 3, 4 }, v[4], last[4] = { 0 };
	const char *p = data, *end = p + len;

	for (; end - p >= (ptrdiff_t)sizeof(v); p += sizeof(v)) {
		memcpy(v, p, sizeof(v));
		for (int i = 0; i < 4; i++)
			lane[i] = (lane[i] ^ v[i]) * prime;
	}
	memcpy(last, p, (size_t)(end - p));
	for (int i = 0; i < 4; i++)
		lane[i] = (lane[i] ^ last[i]) * prime;
	return lane[0] ^ lane[1] >> 16 ^ lane[2] >> 32 ^ lane[3] >> 48 ^ len;
}

bool bodies_aside(const struct buf *body)
{
	return body->len >= BODY_ASIDE;
}

uint64_t bodies_cost(const struct buf *body)
{
	return bodies_aside(body) ? body->len + sizeof(struct body_header) : 0;
}

static uint64_t round_up(uint64_t n, uint64_t unit)
{
	return (n + unit - 1) / unit * unit;
}

static int insert_extent(struct bodies *b, size_t i, const struct extent *e)
{
	if (b->count == b->room) {
		size_t room = b->room ? 2 * b->room : 16;
		struct extent *v = reallocarray(b->v, room, sizeof(*v));
		if (!v)
			return -ENOMEM;
		b->v = v;
		b->room = room;
	}
	memmove(&b->v[i + 1], &b->v[i], (b->count - i) * sizeof(*b->v));
	b->v[i] = *e;
	b->count++;
	return 0;
}

static uint64_t extents_end(const struct bodies *b)
{
	return b->count ? b->v[b->count - 1].at + b->v[b->count - 1].len : 0;
}

static int load_extents(struct sqlite *s)
{
	struct bodies *b = &s->bodies;
	sqlite3_stmt *stmt = NULL;
	int r = db_prepare(s->db, "SELECT at,length,n FROM extent ORDER BY at", &stmt), rc;

	while (!r && (rc = sqlite3_step(stmt)) != SQLITE_DONE) {
		struct extent e = {
			.at = (uint64_t)sqlite3_column_int64(stmt, 0),
			.len = (uint64_t)sqlite3_column_int64(stmt, 1),
			.n = sqlite3_column_int64(stmt, 2),
		};
		if (rc != SQLITE_ROW)
			r = db_errno(s->db, rc);
		else if (e.at < extents_end(b) || e.at + e.len < e.at)
			r = -EBADMSG;
		else
			r = insert_extent(b, b->count, &e);
	}
	sqlite3_finalize(stmt);
	return r;
}

int bodies_open(struct sqlite *s, uint64_t max_size, uid_t uid, gid_t gid)
{
	struct bodies *b = &s->bodies;
	uint64_t chunk = max_size ? max_size / CHUNKS / CHUNK_MIN * CHUNK_MIN : CHUNK_MAX;
	char *path;

	b->chunk = chunk < CHUNK_MIN ? CHUNK_MIN : chunk > CHUNK_MAX ? CHUNK_MAX : chunk;
	if (asprintf(&path, "%s-bodies", s->path) < 0)
		return -ENOMEM;
	b->fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0640);
	int r = b->fd < 0 ? -errno : 0;
	free(path);
	if (!r)
		r = file_give(b->fd, uid, gid);
	if (!r)
		r = db_prepare(s->db, "INSERT INTO extent VALUES (?1,?2,?3)", &b->put);
	if (!r)
		r = load_extents(s);
	if (r)
		return r;
	/* What a transaction that was never committed has written goes. */
	b->end = extents_end(b);
	return ftruncate(b->fd, (off_t)b->end) ? -errno : 0;
}

void bodies_close(struct sqlite *s)
{
	sqlite3_finalize(s->bodies.put);
	free(s->bodies.v);
	if (s->bodies.fd >= 0)
		close(s->bodies.fd);
}

/* Where so many bytes are free: the index of the extent they would come before. */
static size_t find_gap(const struct bodies *b, uint64_t len, uint64_t *ret_at)
{
	uint64_t at = 0;
	size_t i = 0;

	for (; i < b->count && b->v[i].at - at < len; i++)
		at = b->v[i].at + b->v[i].len;
	*ret_at = at;
	return i;
}

bool bodies_fit(const struct sqlite *s, uint64_t bytes, uint64_t end_max)
{
	const struct bodies *b = &s->bodies;
	uint64_t at, len = round_up(bytes, b->chunk);

	find_gap(b, len, &at);
	return !bytes || at + len <= b->end || at + len <= end_max;
}

static int add_extent(struct sqlite *s, uint64_t bytes)
{
	struct bodies *b = &s->bodies;
	struct extent e = { .len = round_up(bytes, b->chunk), .n = s->active->n, .fresh = true };
	size_t i = find_gap(b, e.len, &e.at);

	if (e.at + e.len > b->end && e.at + e.len > bounds_bodies(s))
		return -ENOSPC;
	sqlite3_bind_int64(b->put, 1, (int64_t)e.at);
	sqlite3_bind_int64(b->put, 2, (int64_t)e.len);
	sqlite3_bind_int64(b->put, 3, e.n);
	int r = db_run(b->put);
	if (!r)
		r = insert_extent(b, i, &e);
	if (r)
		return r;
	if (b->end < e.at + e.len)
		b->end = e.at + e.len;
	b->next = e.at;
	b->left = e.len;
	return 0;
}

int bodies_flush(struct sqlite *s)
{
	struct bodies *b = &s->bodies;
	struct iovec *v = b->iov, *end = v + b->iov_count;
	off_t at = b->iov_at;

	b->iov_count = 0;
	while (v < end) {
		ssize_t n = pwritev(b->fd, v, (int)(end - v), at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		at += n;
		for (; v < end && (size_t)n >= v->iov_len; v++)
			n -= (ssize_t)v->iov_len;
		if (v < end) {
			v->iov_base = (char *)v->iov_base + n;
			v->iov_len -= (size_t)n;
		}
	}
	return 0;
}

int bodies_put(struct sqlite *s, uint64_t key, const struct buf *body, int64_t *ret_at)
{
	struct bodies *b = &s->bodies;
	uint64_t need = bodies_cost(body);
	int r = 0;

	if (b->iov_count == BODIES_PENDING || need > b->left)
		r = bodies_flush(s);
	if (!r && need > b->left)
		r = add_extent(s, need);
	if (r)
		return r;
	struct body_header *h = &b->headers[b->iov_count / 2];
	*h = (struct body_header){ key, sum_of(body->data, body->len), body->len };
	if (!b->iov_count)
		b->iov_at = (off_t)b->next;
	b->iov[b->iov_count++] = (struct iovec){ h, sizeof(*h) };
	b->iov[b->iov_count++] = (struct iovec){ body->data, body->len };
	*ret_at = (int64_t)b->next;
	b->next += need;
	b->left -= need;
	return 0;
}

/* Those of segment n, or with n = 0 those that the transaction took; what the current one has left
 * is given up. */
static void drop_extents(struct bodies *b, int64_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < b->count; i++)
		if (n ? b->v[i].n != n : !b->v[i].fresh)
			b->v[kept++] = b->v[i];
	b->count = kept;
	b->left = 0;
}

void bodies_ended(struct sqlite *s, bool committed)
{
	struct bodies *b = &s->bodies;

	b->iov_count = 0;
	if (!committed)
		drop_extents(b, 0);
	for (size_t i = 0; i < b->count; i++)
		b->v[i].fresh = false;
}

void bodies_roll(struct sqlite *s)
{
	s->bodies.left = 0;
}

/* What expired is not left on the disk until something else is written there. */
void bodies_forget(struct sqlite *s, int64_t n)
{
	const struct bodies *b = &s->bodies;

	for (size_t i = 0; i < b->count; i++)
		if (b->v[i].n == n)
			file_erase(b->fd, b->v[i].at, b->v[i].len);
	drop_extents(&s->bodies, n);
}

bool bodies_shrink(struct sqlite *s)
{
	struct bodies *b = &s->bodies;
	uint64_t end = extents_end(b);

	if (end == b->end || ftruncate(b->fd, (off_t)end))
		return false;
	b->end = end;
	return true;
}

int bodies_read(const struct sqlite *s, uint64_t key, int64_t at, struct buf *out)
{
	struct body_header h;

	if (pread(s->bodies.fd, &h, sizeof(h), at) != sizeof(h) || h.key != key || h.len > BODY_MAX)
		return -ENODATA;
	if (buf_reserve(out, h.len + 1))
		return -ENOMEM;
	for (size_t n = 0; n < h.len;) {
		ssize_t got = pread(s->bodies.fd, out->data + n, h.len - n,
				    at + (off_t)sizeof(h) + (off_t)n);
		if (got <= 0)
			return -ENODATA;
		n += (size_t)got;
	}
	out->len = h.len;
	return sum_of(out->data, out->len) == h.sum ? 0 : -ENODATA;
}

/* body(key, value): the value, or what the integer refers to; NULL when that is no longer there. */
static void run_body(sqlite3_context *ctx, int argc, sqlite3_value **argv)
{
	const struct sqlite *s = sqlite3_user_data(ctx);
	struct buf body = { 0 };

	(void)argc;
	if (sqlite3_value_type(argv[1]) != SQLITE_INTEGER) {
		sqlite3_result_value(ctx, argv[1]);
		return;
	}
	int r = bodies_read(s, (uint64_t)sqlite3_value_int64(argv[0]), sqlite3_value_int64(argv[1]),
			    &body);
	if (!r)
		sqlite3_result_blob64(ctx, body.data, body.len, free);
	else
		buf_free(&body);
	if (r == -ENOMEM)
		sqlite3_result_error_nomem(ctx);
}

int bodies_register(struct sqlite *s, sqlite3 *db)
{
	return db_errno(db, sqlite3_create_function_v2(db, "body", 2, SQLITE_UTF8, s, run_body,
						       NULL, NULL, NULL));
}
