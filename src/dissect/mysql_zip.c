// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The compressed protocol: from the end of the login on, packets lie in others, of which each is
 * compressed by itself, or not at all. What such a packet takes on the stream is the exchange's
 * whose bytes come first in it: servers and clients begin a new one for each.
 */
#include <errno.h>

#include "base/coding.h"
#include "dissect/mysql_internal.h"

#define ZIP_HEAD 7 /* length, number, and the length of what is in it; 0: it is not compressed */

static uint32_t le24(const uint8_t *p)
{
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16;
}

static int64_t length(void *ctx, enum dir dir, const uint8_t *data, size_t len, size_t seen)
{
	(void)ctx;
	(void)dir;
	(void)seen;
	return len < ZIP_HEAD ? 0 : ZIP_HEAD + (int64_t)le24(data);
}

void my_zip_settle(struct mysql *m, enum dir dir, int64_t now)
{
	struct my_wrap *w = &m->wrap[dir];
	struct exchange *x = m->o.now[dir];
	enum part part = in_order_part(&m->o, dir);

	if (!w->pending || !x)
		return;
	w->pending = false;
	exchange_bytes(x, part, w->data, w->len, w->offset, now);
	for (int why = 0; why < 2; why++)
		if (w->missing[why])
			exchange_gap(x, part, w->missing[why], (enum gap_why)why, now);
	if (w->rest)
		exchange_unread(x, part, w->rest, now);
}

/* So much of it is read; the rest is known by its length alone. */
static size_t most_of(size_t len, uint32_t plain)
{
	size_t most = coding_limit(len, LIMIT_MYSQL_PACKET);

	return most < plain ? most : plain;
}

static int pass_plain(struct mysql *m, enum dir dir, const uint8_t *data, size_t len, uint32_t size,
		      const struct pdu *p)
{
	struct pdu_stream *in = &m->o.in[dir];
	uint64_t offset = p->offset;
	int r = len ? pdu_feed(in, &m->o.ops->pdu, m, dir, data, len, offset, p->last_us, NULL) : 0;

	if (r || len == size)
		return r;
	const uint64_t *missing = m->wrap[dir].missing;
	if (!p->missing && m->o.now[dir])
		exchange_fault(m->o.now[dir], "what is compressed cannot be read to its end");
	return pdu_gap(in, &m->o.ops->pdu, m, dir, size - len, offset + len,
		       missing[GAP_LOST] ? GAP_LOST : GAP_TRUNCATED, p->last_us);
}

static int whole(void *ctx, enum dir dir, const struct pdu *p)
{
	struct mysql *m = ctx;
	struct my_wrap *w = &m->wrap[dir];
	uint32_t size = le24(p->data + 4);
	const uint8_t *data = p->data + ZIP_HEAD;
	size_t len = p->len - ZIP_HEAD;
	struct buf plain = { 0 };

	*w = (struct my_wrap){ .data = p->data,
			       .len = p->len,
			       .offset = p->offset,
			       .rest = p->size - p->missing - p->len,
			       .missing = { w->missing[0], w->missing[1] },
			       .pending = true };
	if (size) {
		bool zstd = len > 3 && data[0] == 0x28 && data[1] == 0xb5;
		coding_decode(zstd ? "zstd" : "deflate", data, len, most_of(len, size), &plain);
		data = (const uint8_t *)plain.data;
		len = plain.len;
	} else {
		size = (uint32_t)(p->size - ZIP_HEAD);
	}
	int r = pass_plain(m, dir, data, len, size, p);
	buf_free(&plain);
	if (w->pending)
		m->o.stray[dir] += p->size;
	*w = (struct my_wrap){ 0 };
	return r < 0 ? r : 0;
}

static void gap(void *ctx, enum dir dir, uint64_t len, enum gap_why why, int64_t now)
{
	(void)now;
	((struct mysql *)ctx)->wrap[dir].missing[why] += len;
}

/* What lies in the packets has lost its footing with them. */
static void lost(void *ctx, enum dir dir, uint64_t len, enum gap_why why, int64_t now)
{
	struct mysql *m = ctx;

	pdu_free(&m->o.in[dir]);
	m->o.in[dir].lost = true;
	in_order_lost(m, dir, len, why, now);
	m->zip_seek[dir] = true;
}

/* A packet with its number, and in it what is longer than it is compressed, or not compressed. */
static int resumes(void *ctx, enum dir dir, const uint8_t *data, size_t len)
{
	struct mysql *m = ctx;

	if (!m->zip_seek[dir])
		return -EPROTO;
	if (len <= ZIP_HEAD)
		return 0;
	m->zip_seek[dir] = false;
	uint32_t size = le24(data), plain = le24(data + 4);
	bool fits = plain ? plain >= size && (data[7] == 0x78 || data[7] == 0x28) : size >= MY_HEAD;
	m->o.seek[dir] = true;
	return fits && data[3] == (dir != m->o.client) ? 1 : -EPROTO;
}

static void stray(void *ctx, enum dir dir, uint64_t len, int64_t now)
{
	in_order_stray(ctx, dir, len, now);
}

static const struct pdu_ops ops = {
	.keep = LIMIT_MYSQL_PACKET,
	.length = length,
	.gap = gap,
	.whole = whole,
	.lost = lost,
	.resumes = resumes,
	.stray = stray,
};

int my_zip_feed(struct mysql *m, enum dir dir, const uint8_t *data, size_t len, uint64_t offset,
		int64_t now)
{
	bool turned = dir != m->o.last_dir;

	m->o.seek[dir] |= turned;
	m->zip_seek[dir] |= turned;
	m->o.last_dir = dir;
	m->o.taken = 0;
	return pdu_feed(&m->outer[dir], &ops, m, dir, data, len, offset, now, &m->o.taken)
		       ? DISSECT_BECOME
		       : 0;
}

int my_zip_gap(struct mysql *m, enum dir dir, uint64_t len, uint64_t offset, enum gap_why why,
	       int64_t now)
{
	return pdu_gap(&m->outer[dir], &ops, m, dir, len, offset, why, now);
}
