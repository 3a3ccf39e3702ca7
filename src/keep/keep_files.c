// SPDX-License-Identifier: GPL-2.0-or-later
#include "keep/keep_files_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/limits.h"
#include "keep/keep_blocks.h"

#define WRITE_BYTES (256 << 10) /* written at once */
#define SCAN_BYTES  (1 << 20)

/* Would this owner have more than his part of the first ring? */
static bool past_share(const struct keep_files *k, uint16_t owner, size_t len)
{
	return k->ring[0].held[owner] + len > k->file_max * KEEP_FILES / LIMIT_SHARE;
}

static struct keep_file *newest(struct keep_ring *r)
{
	return &r->file[r->at];
}

/* What could not be written is taken off again, so that the file stays whole. */
static int write_waiting(struct keep_files *k, struct keep_ring *r)
{
	struct keep_file *f = newest(r);
	ssize_t n = pwrite(f->fd, r->waiting.data, r->waiting.len, (off_t)f->size);
	int err = n == (ssize_t)r->waiting.len ? 0 : n < 0 ? -errno : -ENOSPC;

	if (err) {
		if (ftruncate(f->fd, (off_t)f->size))
			f->size = k->file_max; /* the next packet begins another */
		if (!f->size)
			f->number = 0; /* its head was among it */
		k->stats.lost += r->packets;
	} else {
		f->size += (uint64_t)n;
		k->stats.packets += r->packets;
		k->stats.bytes += r->bytes;
		if (r->packets && !f->first_us)
			f->first_us = r->first_us;
		if (r->packets)
			f->last_us = r->last_us;
	}
	buf_reset(&r->waiting);
	r->packets = r->bytes = 0;
	return err;
}

static int flush(struct keep_files *k, struct keep_ring *r)
{
	int err = 0;

	pthread_mutex_lock(&k->lock);
	if (r->waiting.len)
		err = write_waiting(k, r);
	pthread_mutex_unlock(&k->lock);
	if (err)
		k->error = err;
	return err;
}

static void empty(struct keep_files *k, struct keep_ring *r, struct keep_file *f)
{
	for (size_t i = 0; i < EV_OWNERS; i++)
		r->held[i] -= f->held[i];
	memset(f->held, 0, sizeof(f->held));
	f->size = 0;
	f->first_us = f->last_us = 0;
	f->number = 0;
	if (ftruncate(f->fd, 0)) /* nobody reads what is past `size` */
		k->error = -errno;
}

/* The oldest file becomes the newest. */
static int turn(struct keep_files *k, struct keep_ring *r)
{
	int err = flush(k, r);

	pthread_mutex_lock(&k->lock);
	for (size_t i = 0; i < KEEP_FILES; i++)
		if (r->file[i].number < newest(r)->number)
			r->at = i;
	empty(k, r, newest(r));
	newest(r)->number = ++k->number;
	pthread_mutex_unlock(&k->lock);
	return keep_blocks_begin(k->number, &r->waiting) ? -ENOMEM : err;
}

void keep_files_put(struct keep_files *k, uint16_t owner, const struct kept_packet *p)
{
	size_t len = p->have + KEEP_BLOCK_MAX - LIMIT_KEEP_PACKET;
	struct keep_ring *r = &k->ring[past_share(k, owner, len)];

	if (r->waiting.len >= WRITE_BYTES)
		flush(k, r);
	if (!newest(r)->number || newest(r)->size + r->waiting.len + len > k->file_max)
		turn(k, r);
	size_t before = r->waiting.len;
	if (keep_blocks_put(p, &r->waiting)) {
		k->error = -ENOMEM;
		pthread_mutex_lock(&k->lock);
		k->stats.lost++;
		pthread_mutex_unlock(&k->lock);
		return;
	}
	newest(r)->held[owner] += r->waiting.len - before;
	r->held[owner] += r->waiting.len - before;
	r->first_us = r->packets++ ? r->first_us : p->time_us;
	r->last_us = p->time_us;
	r->bytes += p->have;
}

int keep_files_flush(struct keep_files *k)
{
	for (size_t i = 0; i < KEEP_RINGS; i++)
		flush(k, &k->ring[i]);
	int err = k->error;
	k->error = 0;
	return err;
}

void keep_files_expire(struct keep_files *k, int64_t now_us)
{
	pthread_mutex_lock(&k->lock);
	for (size_t i = 0; k->max_age_us && i < KEEP_RINGS * KEEP_FILES; i++) {
		struct keep_ring *r = &k->ring[i / KEEP_FILES];
		struct keep_file *f = &r->file[i % KEEP_FILES];
		if (f->last_us && now_us - f->last_us > k->max_age_us && !r->waiting.len)
			empty(k, r, f);
	}
	pthread_mutex_unlock(&k->lock);
}

struct keep_files_stats keep_files_stats(struct keep_files *k)
{
	pthread_mutex_lock(&k->lock);
	struct keep_files_stats s = k->stats;
	for (size_t i = 0; i < KEEP_RINGS * KEEP_FILES; i++) {
		const struct keep_file *f = &k->ring[i / KEEP_FILES].file[i % KEEP_FILES];
		s.held += f->size;
		if (f->first_us && (!s.first_us || f->first_us < s.first_us))
			s.first_us = f->first_us;
	}
	pthread_mutex_unlock(&k->lock);
	return s;
}

/* Blocks that follow each other in `part`, and fit into a file of this run. Bytes of them. */
static size_t scan_part(struct keep_files *k, struct keep_file *f, const char *part, size_t len)
{
	struct kept_packet p;
	size_t at = 0, n;

	while (at < len && (n = keep_blocks_get(part + at, len - at, &p)) &&
	       f->size + at + n <= k->file_max) {
		at += n;
		f->first_us = f->first_us ? f->first_us : p.time_us;
		f->last_us = p.time_us;
	}
	return at;
}

/* Is the end of the file that of a block? Then all before it was written, too. */
static bool ends_whole(struct keep_file *f, uint64_t size, char *part)
{
	size_t n = size < KEEP_BLOCK_MAX ? size : KEEP_BLOCK_MAX;
	struct kept_packet p;
	uint32_t total;

	if (n < sizeof(total) || pread(f->fd, part, n, (off_t)(size - n)) != (ssize_t)n)
		return false;
	memcpy(&total, part + n - sizeof(total), sizeof(total));
	if (!total || total > n || keep_blocks_get(part + n - total, total, &p) != total)
		return false;
	f->last_us = p.time_us;
	return true;
}

/* What an earlier run has left may end in the midst of a block: from there on it is cut off. */
static int recover(struct keep_files *k, struct keep_file *f, uint64_t size, char *part)
{
	ssize_t n = pread(f->fd, part, KEEP_HEAD_MAX, 0);
	size_t at = n < 0 ? 0 : keep_blocks_head(part, (size_t)n, &f->number);

	if (!at)
		f->number = 0;
	for (f->size = at; at && f->size < size; f->size += at) {
		n = pread(f->fd, part, SCAN_BYTES, (off_t)f->size);
		at = n <= 0 ? 0 : scan_part(k, f, part, (size_t)n);
		if (size <= k->file_max && ends_whole(f, size, part)) {
			f->size = size;
			return 0;
		}
	}
	return ftruncate(f->fd, (off_t)f->size) ? -errno : 0;
}

static int open_file(struct keep_files *k, const char *path, const struct keep_files_options *o,
		     struct keep_file *f, char *part)
{
	struct stat st;

	f->fd = open(path, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600);
	if (f->fd < 0 || fstat(f->fd, &st))
		return -errno;
	/* another name would let others read on, another owner would himself */
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1 ||
	    (st.st_uid != geteuid() && st.st_uid != o->uid))
		return -EPERM;
	if (fchmod(f->fd, 0600) || (!geteuid() && fchown(f->fd, o->uid, o->gid) && errno != EPERM))
		return -errno;
	int r = recover(k, f, (uint64_t)st.st_size, part);
	k->number = f->number > k->number ? f->number : k->number;
	return r;
}

static int open_all(struct keep_files *k, const struct keep_files_options *o, char *error,
		    size_t size)
{
	char path[PATH_MAX], *part = malloc(SCAN_BYTES);
	int err = part ? 0 : -ENOMEM;

	for (size_t i = 0; !err && i < KEEP_RINGS * KEEP_FILES; i++) {
		struct keep_ring *r = &k->ring[i / KEEP_FILES];
		struct keep_file *f = &r->file[i % KEEP_FILES];
		int n = snprintf(path, sizeof(path), "%s-packets-%zu", o->store, i);
		err = n < (int)sizeof(path) ? open_file(k, path, o, f, part) : -ENAMETOOLONG;
		if (err)
			snprintf(error, size, "keep packets in %s: %s", path,
				 err == -EPERM ? "it is somebody else's, has another name, or is "
						 "no regular file"
					       : strerror(-err));
		if (f->number > newest(r)->number)
			r->at = i % KEEP_FILES;
	}
	free(part);
	return err;
}

int keep_files_open(const struct keep_files_options *o, struct keep_files **ret, char *error,
		    size_t size)
{
	struct keep_files *k = calloc(1, sizeof(*k));

	if (!k) {
		snprintf(error, size, "out of memory");
		return -ENOMEM;
	}
	pthread_mutex_init(&k->lock, NULL);
	k->file_max = o->size / (KEEP_RINGS * KEEP_FILES);
	k->max_age_us = (int64_t)(o->max_age_s * 1000000);
	for (size_t i = 0; i < KEEP_RINGS * KEEP_FILES; i++)
		k->ring[i / KEEP_FILES].file[i % KEEP_FILES].fd = -1;
	int r = open_all(k, o, error, size);
	if (r) {
		keep_files_close(k);
		return r;
	}
	*ret = k;
	return 0;
}

void keep_files_close(struct keep_files *k)
{
	if (!k)
		return;
	for (size_t i = 0; i < KEEP_RINGS * KEEP_FILES; i++) {
		int fd = k->ring[i / KEEP_FILES].file[i % KEEP_FILES].fd;
		if (fd >= 0)
			close(fd);
	}
	for (size_t i = 0; i < KEEP_RINGS; i++)
		buf_free(&k->ring[i].waiting);
	pthread_mutex_destroy(&k->lock);
	free(k);
}
