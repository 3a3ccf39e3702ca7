// SPDX-License-Identifier: GPL-2.0-or-later
#include "dissect/http2_hpack.h"

#include <errno.h>
#include <nghttp2/nghttp2.h>

#include "base/limits.h"

/*
 * The table of an encoder is as large as its updates say, and it obeys the SETTINGS of its peer
 * with an update: so these need not be known. It is followed up to LIMIT_H2_TABLE; past that, older
 * entries are those that were sent before.
 */
static int limit_table(nghttp2_hd_inflater *i)
{
	return nghttp2_hd_inflate_change_table_size(i, LIMIT_H2_TABLE) ? -ENOMEM : 0;
}

enum rep_kind { REP_INDEXED, REP_INSERT, REP_LITERAL, REP_SIZE };

/* One representation (RFC 7541 section 6). */
struct rep {
	enum rep_kind kind;
	uint32_t number;  /* index, 0: the name is written out; REP_SIZE: the size */
	size_t value_len; /* of the value with its length, which ends the representation */
	size_t len;
};

/* An integer (section 5.1): the bytes that it takes, 0 when it is not whole, or -EPROTO. */
static int read_number(const uint8_t *p, size_t len, unsigned bits, uint32_t *ret)
{
	uint32_t mask = (1U << bits) - 1, n = p[0] & mask;

	if (n < mask) {
		*ret = n;
		return 1;
	}
	for (size_t i = 1; i < len; i++) {
		unsigned shift = 7 * (unsigned)(i - 1);
		if (shift > 21)
			return -EPROTO;
		n += (uint32_t)(p[i] & 127) << shift;
		if (p[i] < 128) {
			*ret = n;
			return (int)i + 1;
		}
	}
	return 0;
}

/* A string (section 5.2): the same. */
static int read_string(const uint8_t *p, size_t len)
{
	uint32_t n;
	int head = len ? read_number(p, len, 7, &n) : 0;

	if (head <= 0)
		return head;
	if (n > LIMIT_HEAD_LINE)
		return -E2BIG;
	return n <= len - (size_t)head ? head + (int)n : 0;
}

/* What begins at p: 1, 0 when it is not whole, -EPROTO, or -E2BIG. */
static int read_rep(const uint8_t *p, size_t len, struct rep *ret)
{
	struct rep r = { .kind = p[0] & 128	    ? REP_INDEXED
				 : p[0] & 64	    ? REP_INSERT
				 : (p[0] >> 5) == 1 ? REP_SIZE
						    : REP_LITERAL };
	static const unsigned bits[] = {
		[REP_INDEXED] = 7, [REP_INSERT] = 6, [REP_LITERAL] = 4, [REP_SIZE] = 5
	};
	int n = read_number(p, len, bits[r.kind], &r.number);

	if (n <= 0)
		return n;
	r.len = (size_t)n;
	if (r.kind == REP_INDEXED && !r.number)
		return -EPROTO;
	bool literal = r.kind == REP_INSERT || r.kind == REP_LITERAL;
	for (int strings = literal ? 1 + !r.number : 0; strings; strings--) {
		n = read_string(p + r.len, len - r.len);
		if (n <= 0)
			return n;
		r.len += (size_t)n;
		r.value_len = (size_t)n;
	}
	*ret = r;
	return 1;
}

bool hpack_is_block(const uint8_t *data, size_t len)
{
	struct rep r;

	for (size_t at = 0; at < len; at += r.len)
		if (read_rep(data + at, len - at, &r) <= 0)
			return false;
	return len > 0;
}

static int pass_field(const nghttp2_nv *nv, const struct hpack_sink *sink)
{
	/* Only what was put in place of a name that was sent before is empty. */
	const struct hpack_field f = {
		{ nv->namelen ? (const char *)nv->name : NULL, nv->namelen },
		{ (const char *)nv->value, nv->valuelen },
	};

	return sink->field(sink->ctx, &f);
}

static int inflate(struct hpack *h, const uint8_t *p, size_t len, const struct hpack_sink *sink)
{
	nghttp2_nv nv;
	int flags = NGHTTP2_HD_INFLATE_NONE, r = 0;

	while (!r && (len || flags & NGHTTP2_HD_INFLATE_EMIT)) {
		flags = NGHTTP2_HD_INFLATE_NONE;
		ssize_t n = nghttp2_hd_inflate_hd2(h->inflater, &nv, &flags, p, len, 0);
		if (n < 0)
			return n == NGHTTP2_ERR_NOMEM ? -ENOMEM : -EPROTO;
		p += n;
		len -= (size_t)n;
		if (flags & NGHTTP2_HD_INFLATE_EMIT)
			r = pass_field(&nv, sink);
	}
	nghttp2_hd_inflate_end_headers(h->inflater);
	return r;
}

static int set_size(struct hpack *h, uint32_t size, const struct hpack_sink *sink)
{
	uint32_t n = size < LIMIT_H2_TABLE ? size : LIMIT_H2_TABLE;
	uint8_t update[4] = { 0x20 | 31, 0, 0, 0 };

	if (n < 31) {
		update[0] = (uint8_t)(0x20 | n);
		return inflate(h, update, 1, sink);
	}
	n -= 31;
	update[1] = (uint8_t)(n | 128);
	update[2] = (uint8_t)(n >> 7 | 128);
	update[3] = (uint8_t)(n >> 14);
	return inflate(h, update, sizeof(update), sink);
}

/* Its name was sent before: as one without a name, no longer than it is with it. */
static int inflate_unnamed(struct hpack *h, const uint8_t *p, const struct rep *r,
			   const struct hpack_sink *sink)
{
	struct buf b = { 0 };
	int e = buf_putc(&b, r->kind == REP_INSERT ? 0x40 : 0);

	e = e ? e : buf_putc(&b, 0);
	e = e ? e : buf_put(&b, p + r->len - r->value_len, r->value_len);
	e = e ? e : inflate(h, (const uint8_t *)b.data, b.len, sink);
	buf_free(&b);
	return e;
}

static int begin(struct hpack *h, const struct hpack_sink *sink)
{
	if (h->inflater)
		return 0;
	if (nghttp2_hd_inflate_new(&h->inflater))
		return -ENOMEM;
	int r = limit_table(h->inflater);
	/* Its size was perhaps told before. Too large a one keeps all that the encoder has. */
	return r || !h->partial ? r : set_size(h, LIMIT_H2_TABLE, sink);
}

static int take_rep(struct hpack *h, const uint8_t *p, const struct rep *r,
		    const struct hpack_sink *sink)
{
	static const struct hpack_field unknown;
	int e = begin(h, sink);

	if (e)
		return e;
	if (r->kind == REP_SIZE)
		return set_size(h, r->number, sink);
	if (r->number <= nghttp2_hd_inflate_get_num_table_entries(h->inflater))
		return inflate(h, p, r->len, sink);
	if (r->kind == REP_INDEXED)
		return sink->field(sink->ctx, &unknown);
	return inflate_unnamed(h, p, r, sink);
}

/* All that is whole; the bytes taken, or -errno. */
static ssize_t take_all(struct hpack *h, const uint8_t *p, size_t len,
			const struct hpack_sink *sink)
{
	struct rep rep;
	size_t at = 0;
	int r = 1;

	while (at < len && (r = read_rep(p + at, len - at, &rep)) > 0) {
		r = take_rep(h, p + at, &rep, sink);
		if (r)
			return r;
		at += rep.len;
	}
	return r < 0 ? r : (ssize_t)at;
}

int hpack_feed(struct hpack *h, const uint8_t *data, size_t len, const struct hpack_sink *sink)
{
	bool more = h->rest.len > 0;

	if (more && buf_put(&h->rest, data, len))
		return -ENOMEM;
	ssize_t n = more ? take_all(h, (const uint8_t *)h->rest.data, h->rest.len, sink)
			 : take_all(h, data, len, sink);
	if (n < 0)
		return (int)n;
	if (!more)
		return buf_put(&h->rest, data + n, len - (size_t)n);
	if ((size_t)n == h->rest.len)
		buf_free(&h->rest);
	else if (n)
		buf_drop(&h->rest, (size_t)n);
	return 0;
}

int hpack_end(struct hpack *h)
{
	bool whole = !h->rest.len;

	buf_free(&h->rest);
	return whole ? 0 : -EPROTO;
}

void hpack_free(struct hpack *h)
{
	if (h->inflater)
		nghttp2_hd_inflate_del(h->inflater);
	h->inflater = NULL;
	buf_free(&h->rest);
}

void hpack_forget(struct hpack *h)
{
	hpack_free(h);
	h->partial = true;
}

size_t hpack_bytes(const struct hpack *h)
{
	/* An inflater without entries has 2 KiB. */
	size_t table = h->inflater ? nghttp2_hd_inflate_get_dynamic_table_size(h->inflater) : 0;

	return h->rest.cap + (h->inflater ? 2048 + 2 * table : 0);
}
