// SPDX-License-Identifier: GPL-2.0-or-later
#include "payload.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"

void payload_put(struct payload *p, const void *data, size_t len, size_t limit)
{
	size_t room = p->bytes.len < limit ? limit - p->bytes.len : 0;
	size_t n = len < room ? len : room;

	if (n && buf_put(&p->bytes, data, n))
		n = 0;
	p->size += n;
	p->present += n;
	if (n < len)
		payload_skip(p, len - n, GAP_TRUNCATED);
}

/* Room for one more gap: the array grows at 1, 2, 4, ... up to LIMIT_GAPS. */
static bool grow_gaps(struct payload *p)
{
	unsigned n = p->gap_count;

	if (n & (n - 1))
		return true;
	if (n >= LIMIT_GAPS)
		return false;
	struct payload_gap *gaps = realloc(p->gaps, sizeof(*gaps) * (n ? 2 * n : 1));
	if (!gaps)
		return false;
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

int payload_copy(const struct payload *p, struct payload *ret)
{
	struct payload copy = *p;

	copy.bytes = (struct buf){ 0 };
	copy.gaps = NULL;
	if (p->gap_count) {
		/* Room for as many as grow_gaps() takes for granted. */
		unsigned room = 1;
		while (room < p->gap_count)
			room *= 2;
		copy.gaps = malloc(sizeof(*copy.gaps) * room);
		if (!copy.gaps)
			return -ENOMEM;
		memcpy(copy.gaps, p->gaps, sizeof(*copy.gaps) * p->gap_count);
	}
	*ret = copy;
	return 0;
}

void payload_free(struct payload *p)
{
	buf_free(&p->bytes);
	free(p->gaps);
	*p = (struct payload){ 0 };
}
