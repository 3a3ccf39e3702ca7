// SPDX-License-Identifier: GPL-2.0-or-later
#include "dissect/pdu.h"

#include <errno.h>

#include "base/account.h"

/* One call of pdu_feed(), and how far it has come. */
struct feeding {
	struct pdu_stream *p;
	const struct pdu_ops *ops;
	void *ctx;
	enum dir dir;
	const uint8_t *data;
	size_t len, done;
	uint64_t offset;
	int64_t now;
};

static size_t smaller(uint64_t a, uint64_t b)
{
	return (size_t)(a < b ? a : b);
}

static void count_held(struct pdu_stream *p)
{
	account_change(p->account, p->counted, p->held.cap);
	p->counted = p->held.cap;
}

/* Nothing is held between PDUs, so that an idle connection is small. */
static void reset(struct pdu_stream *p)
{
	buf_free(&p->held);
	p->now = (struct pdu){ 0 };
	p->left = p->seen = 0;
}

static void pass_bytes(const struct feeding *f, const uint8_t *data, size_t len, uint64_t offset)
{
	if (f->ops->bytes && len)
		f->ops->bytes(f->ctx, f->dir, data, len, offset, f->now);
}

/* The PDU that goes on is whole: hand it over. */
static int end(const struct feeding *f)
{
	struct pdu_stream *p = f->p;
	struct pdu now = p->now;

	/* `held` must live until whole() has returned, and p be ready for a call from there. */
	struct buf held = p->held;
	p->held = (struct buf){ 0 };
	reset(p);
	count_held(p);
	int r = f->ops->whole(f->ctx, f->dir, &now);
	buf_free(&held);
	return r;
}

/* Bytes of the PDU, of which nothing before is missing unless its kept bytes have ended. */
static int hold(struct pdu_stream *p, const struct pdu_ops *ops, const uint8_t *data, size_t len)
{
	size_t n = p->now.missing ? 0 : smaller(len, ops->keep - p->held.len);

	return buf_put(&p->held, data, n);
}

/* Its length is known; `begun` bytes of it have come, the first of them at p->now.offset. */
static int begin(const struct feeding *f, uint64_t size)
{
	f->p->now.size = f->p->left = size;
	return f->ops->begin ? f->ops->begin(f->ctx, f->dir, &f->p->now) : 0;
}

/* A PDU that is here whole needs no copy. */
static int take_whole(struct feeding *f, uint64_t size)
{
	struct pdu_stream *p = f->p;
	const uint8_t *data = f->data + f->done;

	p->now = (struct pdu){ .data = data,
			       .len = smaller(size, f->ops->keep),
			       .offset = f->offset + f->done,
			       .first_us = f->now,
			       .last_us = f->now };
	int r = begin(f, size);
	if (r)
		return r;
	pass_bytes(f, data, (size_t)size, p->now.offset);
	p->left = 0;
	f->done += (size_t)size;
	return end(f);
}

/* The start of a PDU: here from its first byte, or held since an earlier call. */
static int take_start(struct feeding *f)
{
	struct pdu_stream *p = f->p;
	const uint8_t *data = f->data + f->done;
	size_t len = f->len - f->done, held = p->held.len;

	if (!held) {
		int64_t size = f->ops->length(f->ctx, f->dir, data, len, 0);
		if (size < 0)
			return (int)size;
		if (size && (uint64_t)size <= len)
			return take_whole(f, (uint64_t)size);
		p->now = (struct pdu){ .offset = f->offset + f->done, .first_us = f->now };
	}
	if (held == f->ops->keep)
		return -EPROTO;
	size_t n = smaller(len, f->ops->keep - held);
	if (buf_put(&p->held, data, n))
		return -EPROTO;
	int64_t size =
		f->ops->length(f->ctx, f->dir, (uint8_t *)p->held.data, p->held.len, p->seen);
	p->seen = p->held.len;
	if (!size && p->held.len < f->ops->keep) {
		f->done += n;
		return 0;
	}
	if (size <= (int64_t)held) {
		p->held.len = held;
		return size < 0 ? (int)size : -EPROTO;
	}
	n = smaller((uint64_t)size - held, n);
	p->held.len = held + n;
	p->now.data = (uint8_t *)p->held.data;
	p->now.len = p->held.len;
	int r = begin(f, (uint64_t)size);
	if (r)
		return r;
	pass_bytes(f, (uint8_t *)p->held.data, p->held.len, p->now.offset);
	f->done += n;
	p->left = p->now.size - p->held.len;
	p->now.last_us = f->now;
	return p->left ? 0 : end(f);
}

static int take_rest(struct feeding *f)
{
	struct pdu_stream *p = f->p;
	size_t n = smaller(f->len - f->done, p->left);

	if (hold(p, f->ops, f->data + f->done, n))
		p->now.missing += n; /* no memory: as if they had not come */
	pass_bytes(f, f->data + f->done, n, f->offset + f->done);
	p->now.data = (uint8_t *)p->held.data;
	p->now.len = p->held.len;
	p->now.last_us = f->now;
	p->left -= n;
	f->done += n;
	return p->left ? 0 : end(f);
}

static int take_all(struct feeding *f)
{
	int r = 0;

	while (!r && f->done < f->len)
		r = f->p->now.size ? take_rest(f) : take_start(f);
	return r;
}

static int ask_footing(const struct feeding *f, const uint8_t *data, size_t len)
{
	if (f->ops->resumes)
		return f->ops->resumes(f->ctx, f->dir, data, len);
	int64_t size = f->ops->length(f->ctx, f->dir, data, len, 0);
	return size > 0 ? 1 : (int)size;
}

/* The footing is found with bytes of earlier calls: they go first. */
static int take_held(struct feeding *f)
{
	struct buf held = f->p->held;
	struct feeding first = *f;

	first.data = (const uint8_t *)held.data;
	first.len = held.len;
	first.done = 0;
	first.offset = f->p->now.offset;
	f->p->held = (struct buf){ 0 };
	reset(f->p);
	int r = take_all(&first);
	buf_free(&held);
	return r;
}

/* After the footing was lost: do PDUs begin again with this call? */
static int find_footing(struct feeding *f)
{
	struct pdu_stream *p = f->p;
	size_t n = smaller(f->len, f->ops->keep - p->held.len);
	bool begun = p->held.len > 0;

	if (begun && buf_put(&p->held, f->data, n))
		return -EPROTO;
	int r = begun ? ask_footing(f, (uint8_t *)p->held.data, p->held.len)
		      : ask_footing(f, f->data, f->len);
	if (!r && p->held.len + f->len < f->ops->keep) {
		if (!begun)
			p->now = (struct pdu){ .offset = f->offset, .first_us = f->now };
		f->done = f->len;
		return begun ? 0 : buf_put(&p->held, f->data, f->len);
	}
	p->lost = r <= 0;
	if (r > 0) {
		f->done = begun ? n : 0;
		return begun ? take_held(f) : 0;
	}
	if (f->ops->stray)
		f->ops->stray(f->ctx, f->dir, p->held.len + f->len - (begun ? n : 0), f->now);
	reset(p);
	f->done = f->len;
	return 0;
}

int pdu_feed(struct pdu_stream *p, const struct pdu_ops *ops, void *ctx, enum dir dir,
	     const uint8_t *data, size_t len, uint64_t offset, int64_t now, size_t *ret_taken)
{
	struct feeding f = { .p = p,
			     .ops = ops,
			     .ctx = ctx,
			     .dir = dir,
			     .data = data,
			     .len = len,
			     .offset = offset,
			     .now = now };
	int r = 0;

	if (p->lost && len)
		r = find_footing(&f);
	if (!r)
		r = take_all(&f);
	count_held(p);
	if (ret_taken)
		*ret_taken = f.done;
	return r;
}

void pdu_drop_held(struct pdu_stream *p, const struct pdu_ops *ops, void *ctx, enum dir dir,
		   int64_t now)
{
	uint64_t held = p->now.size ? 0 : p->held.len;

	reset(p);
	count_held(p);
	p->lost = true;
	if (held && ops->stray)
		ops->stray(ctx, dir, held, now);
}

static void lose(struct pdu_stream *p, const struct pdu_ops *ops, void *ctx, enum dir dir,
		 uint64_t len, enum gap_why why, int64_t now)
{
	pdu_drop_held(p, ops, ctx, dir, now);
	if (ops->lost)
		ops->lost(ctx, dir, len, why, now);
}

int pdu_gap(struct pdu_stream *p, const struct pdu_ops *ops, void *ctx, enum dir dir, uint64_t len,
	    uint64_t offset, enum gap_why why, int64_t now)
{
	struct feeding f = {
		.p = p, .ops = ops, .ctx = ctx, .dir = dir, .offset = offset, .now = now
	};
	uint64_t n = len < p->left ? len : p->left;

	if (n) {
		p->now.missing += n;
		p->now.last_us = now;
		p->left -= n;
		if (ops->gap)
			ops->gap(ctx, dir, n, why, now);
		int r = p->left ? 0 : end(&f);
		if (r)
			return r;
	}
	if (n < len)
		lose(p, ops, ctx, dir, len - n, why, now);
	return 0;
}

void pdu_become(struct pdu_stream in[2], enum dir dir, size_t taken, struct become *ret)
{
	struct buf *const held[2] = { &ret->held, &ret->early };
	uint64_t *const at[2] = { &ret->held_at, &ret->early_at };

	ret->taken = taken;
	for (int i = 0; i < 2; i++) {
		struct pdu_stream *p = &in[i ? !dir : dir];
		if (p->now.size)
			continue;
		*held[i] = p->held;
		*at[i] = p->now.offset;
		p->held = (struct buf){ 0 };
		count_held(p);
	}
}

void pdu_free(struct pdu_stream *p)
{
	reset(p);
	count_held(p);
}
