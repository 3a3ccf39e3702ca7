// SPDX-License-Identifier: GPL-2.0-or-later
#include "dissect/payload.h"

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

void payload_free(struct payload *p)
{
	buf_free(&p->bytes);
	free(p->gaps);
	*p = (struct payload){ 0 };
}

int detail_member(struct buf *out, const char *name)
{
	size_t n = strlen(name);
	bool first = !out->len || out->data[out->len - 1] == '{';
	int r = buf_reserve(out, n + 4);

	if (r)
		return r;
	char *p = out->data + out->len;
	if (!first)
		*p++ = ',';
	*p++ = '"';
	memcpy(p, name, n);
	p += n;
	*p++ = '"';
	*p++ = ':';
	out->len = (size_t)(p - out->data);
	return 0;
}

int detail_text(struct buf *out, const char *name, const void *text, size_t len)
{
	int r = detail_member(out, name);

	return r ? r : buf_put_json(out, text, len);
}

int detail_number(struct buf *out, const char *name, int64_t value)
{
	char digits[24], *p = digits + sizeof(digits);
	uint64_t v = value < 0 ? -(uint64_t)value : (uint64_t)value;
	int r = detail_member(out, name);

	do
		*--p = (char)('0' + v % 10);
	while (v /= 10);
	if (value < 0)
		*--p = '-';
	return r ? r : buf_put(out, p, (size_t)(digits + sizeof(digits) - p));
}

static int put_gaps(const struct payload *p, struct buf *out)
{
	int r = detail_member(out, "gaps");

	r = r ? r : buf_putc(out, '[');
	for (unsigned i = 0; !r && i < p->gap_count; i++) {
		const struct payload_gap *g = &p->gaps[i];
		r = buf_puts(out, i ? ",{" : "{");
		r = r ? r : detail_number(out, "offset", (int64_t)g->offset);
		r = r ? r : detail_number(out, "length", (int64_t)g->length);
		r = r ? r
		      : buf_puts(out, g->why == GAP_LOST ? ",\"why\":\"lost\"}"
							 : ",\"why\":\"truncated\"}");
	}
	r = r ? r : buf_putc(out, ']');
	return r || !p->gaps_omitted ? r : detail_number(out, "gaps_omitted", p->gaps_omitted);
}

int payload_put_json(const struct payload *p, struct buf *out)
{
	int r = detail_number(out, "body_size", (int64_t)p->size);

	r = r ? r : detail_number(out, "body_stored", (int64_t)p->bytes.len);
	return r || !(p->gap_count || p->gaps_omitted) ? r : put_gaps(p, out);
}

int detail_events(struct buf *out, const int64_t request_us[2], const int64_t response_us[2])
{
	const struct {
		const char *name;
		int64_t us;
	} events[] = {
		{ "request_start", request_us[0] },
		{ "request_end", request_us[1] },
		{ "response_start", response_us[0] },
		{ "response_end", response_us[1] },
	};
	bool any = false;
	int r = detail_member(out, "events");

	r = r ? r : buf_putc(out, '[');
	for (size_t i = 0; !r && i < 4; i++) {
		if (!events[i].us)
			continue;
		r = buf_puts(out, any ? ",{" : "{");
		r = r ? r : detail_text(out, "name", events[i].name, strlen(events[i].name));
		r = r ? r : detail_number(out, "time_us", events[i].us);
		r = r ? r : buf_putc(out, '}');
		any = true;
	}
	return r ? r : buf_putc(out, ']');
}
