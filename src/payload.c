// SPDX-License-Identifier: GPL-2.0-or-later
#include "payload.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/account.h"
#include "base/limits.h"

void payload_put(struct payload *p, const void *data, size_t len, size_t limit)
{
	size_t room = p->bytes.len < limit && !p->gave_way ? limit - p->bytes.len : 0;
	size_t n = len < room ? len : room, cap = p->bytes.cap;

	if (n && buf_put(&p->bytes, data, n))
		n = 0;
	account_change(p->account, cap, p->bytes.cap);
	p->size += n;
	p->present += n;
	if (n < len)
		payload_skip(p, len - n, GAP_TRUNCATED);
}

/* Room for that many gaps: 1, 2, 4, ... */
static size_t gaps_size(unsigned count)
{
	unsigned room = 1;

	while (room < count)
		room *= 2;
	return count ? room * sizeof(struct payload_gap) : 0;
}

/* Room for one more gap, up to LIMIT_GAPS. */
static bool grow_gaps(struct payload *p)
{
	unsigned n = p->gap_count;

	if (n & (n - 1))
		return true;
	if (n >= LIMIT_GAPS)
		return false;
	struct payload_gap *gaps = realloc(p->gaps, gaps_size(n + 1));
	if (!gaps)
		return false;
	account_change(p->account, gaps_size(n), gaps_size(n + 1));
	p->gaps = gaps;
	return true;
}

void payload_skip(struct payload *p, uint64_t len, enum gap_why why)
{
	struct payload_gap *last = p->gap_count ? &p->gaps[p->gap_count - 1] : NULL;

	if (!len)
		return;
	if (last && last->why == why && last->offset + last->length == p->size)
		last->length += len;
	else if (grow_gaps(p))
		p->gaps[p->gap_count++] = (struct payload_gap){ p->size, len, why };
	else
		p->gaps_omitted++;
	p->size += len;
	p->missing[why] += len;
}

struct buf payload_take_bytes(struct payload *p)
{
	struct buf bytes = p->bytes;

	account_change(p->account, bytes.cap, 0);
	p->bytes = (struct buf){ 0 };
	return bytes;
}

/* What lies between the gaps becomes one, or part of one. */
static void fill_gaps(struct payload *p, const struct payload *old)
{
	uint64_t at = 0;

	for (unsigned i = 0; i < old->gap_count; i++) {
		const struct payload_gap *g = &old->gaps[i];
		payload_skip(p, g->offset - at, GAP_TRUNCATED);
		payload_skip(p, g->length, g->why);
		at = g->offset + g->length;
	}
	if (old->gaps_omitted)
		p->gaps_omitted += old->gaps_omitted + 1;
	else
		payload_skip(p, old->size - at, GAP_TRUNCATED);
}

/* `present` stays: dissectors decide by what came, whatever is kept of it. */
void payload_give_way(struct payload *p)
{
	struct payload old = *p;

	if (!p->bytes.len)
		return;
	*p = (struct payload){ .gave_way = true, .account = old.account };
	fill_gaps(p, &old);
	p->size = old.size;
	p->present = old.present;
	p->missing[GAP_LOST] = old.missing[GAP_LOST];
	p->missing[GAP_TRUNCATED] = old.missing[GAP_TRUNCATED] + old.bytes.len;
	payload_free(&old);
}

size_t payload_bytes(const struct payload *p)
{
	return p->bytes.cap + gaps_size(p->gap_count);
}

int payload_copy(const struct payload *p, struct payload *ret)
{
	struct payload copy = *p;

	copy.bytes = (struct buf){ 0 };
	copy.gaps = NULL;
	copy.account = NULL;
	if (p->gap_count) {
		/* Room for as many as grow_gaps() takes for granted. */
		copy.gaps = malloc(gaps_size(p->gap_count));
		if (!copy.gaps)
			return -ENOMEM;
		memcpy(copy.gaps, p->gaps, sizeof(*copy.gaps) * p->gap_count);
	}
	*ret = copy;
	return 0;
}

void payload_free(struct payload *p)
{
	size_t *account = p->account;

	account_change(account, payload_bytes(p), 0);
	buf_free(&p->bytes);
	free(p->gaps);
	*p = (struct payload){ .account = account };
}
