// SPDX-License-Identifier: GPL-2.0-or-later
#include "base/coding.h"

#include <brotli/decode.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <zlib.h>
#include <zstd.h>

#include "base/buf.h"
#include "base/limits.h"

#define STEP_OUT	(64 << 10)
#define STEP_IN		(1 << 30) /* what fits zlib's 32-bit counters */
#define ZSTD_WINDOW_LOG 23	  /* RFC 9659 section 3: 8 MiB */
#define BLOCK_BYTES	1024	  /* of a stream: what is too much is decided by these */
#define MEMBER_BYTES	4	  /* that tell whether another member begins */

enum step { STEP_MORE, STEP_END, STEP_BROKEN };

/* What goes in and out of one step; a step moves the pointers by what it took and gave. */
struct span {
	const uint8_t *in;
	size_t in_len;
	uint8_t *out;
	size_t out_len;
};

struct stream {
	union {
		z_stream zlib;
		BrotliDecoderState *brotli;
		ZSTD_DStream *zstd;
	};
	size_t held; /* memory of brotli's */
};

struct coding {
	const char *name;
	int (*open)(struct stream *s, const uint8_t *data, size_t len);
	enum step (*step)(struct stream *s, struct span *io);
	/* After an end: does another member begin here? Then it is ready for it. */
	bool (*again)(struct stream *s, const uint8_t *data, size_t len);
	void (*close)(struct stream *s);
	size_t (*bytes)(const struct stream *s);
};

static int zlib_open(struct stream *s, int window_bits)
{
	s->zlib = (z_stream){ 0 };
	return inflateInit2(&s->zlib, window_bits) == Z_OK ? 0 : -ENOMEM;
}

static int gzip_open(struct stream *s, const uint8_t *data, size_t len)
{
	(void)data, (void)len;
	return zlib_open(s, 16 + MAX_WBITS);
}

static int deflate_open(struct stream *s, const uint8_t *data, size_t len)
{
	(void)data, (void)len;
	return zlib_open(s, MAX_WBITS);
}

static int raw_deflate_open(struct stream *s, const uint8_t *data, size_t len)
{
	(void)data, (void)len;
	return zlib_open(s, -MAX_WBITS);
}

static enum step zlib_step(struct stream *s, struct span *io)
{
	size_t in = io->in_len < STEP_IN ? io->in_len : STEP_IN;
	z_stream *z = &s->zlib;

	z->next_in = (Bytef *)io->in;
	z->avail_in = (uInt)in;
	z->next_out = io->out;
	z->avail_out = (uInt)io->out_len;
	int r = inflate(z, Z_NO_FLUSH);
	io->in_len -= in - z->avail_in;
	io->in = z->next_in;
	io->out_len = z->avail_out;
	io->out = z->next_out;
	return r == Z_STREAM_END	       ? STEP_END
	       : r == Z_OK || r == Z_BUF_ERROR ? STEP_MORE
					       : STEP_BROKEN;
}

static bool gzip_again(struct stream *s, const uint8_t *data, size_t len)
{
	return len >= 2 && data[0] == 0x1f && data[1] == 0x8b && inflateReset(&s->zlib) == Z_OK;
}

static bool never_again(struct stream *s, const uint8_t *data, size_t len)
{
	(void)s, (void)data, (void)len;
	return false;
}

static void zlib_close(struct stream *s)
{
	inflateEnd(&s->zlib);
}

/* Its state and its window (zlib.h). */
static size_t zlib_bytes(const struct stream *s)
{
	(void)s;
	return (7 << 10) + (1 << MAX_WBITS);
}

/* Memory with its size in front of it. */
static void *counted_alloc(void *held, size_t size)
{
	max_align_t *p = malloc(sizeof(*p) + size);

	if (!p)
		return NULL;
	*(size_t *)p = size;
	*(size_t *)held += size;
	return p + 1;
}

static void counted_free(void *held, void *address)
{
	max_align_t *p = address;

	if (!p)
		return;
	*(size_t *)held -= *(size_t *)(p - 1);
	free(p - 1);
}

static int brotli_open(struct stream *s, const uint8_t *data, size_t len)
{
	(void)data, (void)len;
	s->held = 0;
	s->brotli = BrotliDecoderCreateInstance(counted_alloc, counted_free, &s->held);
	return s->brotli ? 0 : -ENOMEM;
}

static size_t brotli_bytes(const struct stream *s)
{
	return s->held;
}

static enum step brotli_step(struct stream *s, struct span *io)
{
	BrotliDecoderResult r = BrotliDecoderDecompressStream(s->brotli, &io->in_len, &io->in,
							      &io->out_len, &io->out, NULL);
	return r == BROTLI_DECODER_RESULT_SUCCESS ? STEP_END
	       : r == BROTLI_DECODER_RESULT_ERROR ? STEP_BROKEN
						  : STEP_MORE;
}

static void brotli_close(struct stream *s)
{
	BrotliDecoderDestroyInstance(s->brotli);
}

static int zstd_open(struct stream *s, const uint8_t *data, size_t len)
{
	(void)data, (void)len;
	s->zstd = ZSTD_createDStream();
	if (!s->zstd)
		return -ENOMEM;
	ZSTD_DCtx_setParameter(s->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG);
	return 0;
}

static enum step zstd_step(struct stream *s, struct span *io)
{
	ZSTD_inBuffer in = { io->in, io->in_len, 0 };
	ZSTD_outBuffer out = { io->out, io->out_len, 0 };
	size_t r = ZSTD_decompressStream(s->zstd, &out, &in);

	io->in += in.pos;
	io->in_len -= in.pos;
	io->out += out.pos;
	io->out_len -= out.pos;
	return ZSTD_isError(r) ? STEP_BROKEN : r == 0 ? STEP_END : STEP_MORE;
}

/* Another frame, or a skippable one (RFC 8878 section 3.1). */
static bool zstd_again(struct stream *s, const uint8_t *data, size_t len)
{
	(void)s;
	if (len < 4)
		return false;
	uint32_t magic = data[0] | data[1] << 8 | data[2] << 16 | (uint32_t)data[3] << 24;
	return magic == ZSTD_MAGICNUMBER ||
	       (magic & ZSTD_MAGIC_SKIPPABLE_MASK) == ZSTD_MAGIC_SKIPPABLE_START;
}

static void zstd_close(struct stream *s)
{
	ZSTD_freeDStream(s->zstd);
}

static size_t zstd_bytes(const struct stream *s)
{
	return ZSTD_sizeof_DStream(s->zstd);
}

static const struct coding codings[] = {
	{ "gzip", gzip_open, zlib_step, gzip_again, zlib_close, zlib_bytes },
	{ "x-gzip", gzip_open, zlib_step, gzip_again, zlib_close, zlib_bytes },
	{ "deflate", deflate_open, zlib_step, never_again, zlib_close, zlib_bytes },
	{ "br", brotli_open, brotli_step, never_again, brotli_close, brotli_bytes },
	{ "zstd", zstd_open, zstd_step, zstd_again, zstd_close, zstd_bytes },
};
static const struct coding identity = { .name = "identity" };
/* What many servers send as "deflate": no zlib header. */
static const struct coding raw_deflate = { "deflate",	raw_deflate_open, zlib_step,
					   never_again, zlib_close,	  zlib_bytes };

/* One step into `out`; at the limit into a byte that only tells whether there would be more. */
static enum step decode_step(const struct coding *c, struct stream *s, struct span *io,
			     size_t limit, struct buf *out, int *ret_error)
{
	uint8_t over;
	size_t room = limit - out->len < STEP_OUT ? limit - out->len : STEP_OUT;

	*ret_error = buf_reserve(out, room);
	if (*ret_error)
		return STEP_BROKEN;
	io->out = room ? (uint8_t *)out->data + out->len : &over;
	io->out_len = room ? room : 1;
	enum step step = c->step(s, io);
	if (room)
		out->len += room - io->out_len;
	else if (!io->out_len)
		*ret_error = -E2BIG;
	return step;
}

static int decode_stream(const struct coding *c, struct stream *s, const uint8_t *data, size_t len,
			 size_t limit, struct buf *out)
{
	struct span io = { .in = data, .in_len = len };

	for (;;) {
		size_t before = io.in_len, out_before = out->len;
		int error;
		enum step step = decode_step(c, s, &io, limit, out, &error);
		if (error)
			return error;
		if (step == STEP_BROKEN)
			return -EILSEQ;
		if (step == STEP_END && !c->again(s, io.in, io.in_len))
			return 0;
		if (step == STEP_MORE && io.in_len == before && out->len == out_before)
			return -EILSEQ;
	}
}

static int decode_one(const struct coding *c, const uint8_t *data, size_t len, size_t limit,
		      struct buf *out)
{
	struct stream s;

	buf_reset(out);
	if (!len)
		return 0;
	if (c == &identity) {
		int r = buf_put(out, data, len < limit ? len : limit);
		return r ? r : len > limit ? -E2BIG : 0;
	}
	int r = c->open(&s, data, len);
	if (r)
		return r;
	r = decode_stream(c, &s, data, len, limit, out);
	c->close(&s);
	if (r == -EILSEQ && !out->len && c->open == deflate_open)
		r = decode_one(&raw_deflate, data, len, limit, out);
	return r;
}

static const struct coding *find_coding(const char *name, size_t len)
{
	if (len == strlen(identity.name) && !strncasecmp(name, identity.name, len))
		return &identity;
	for (size_t i = 0; i < sizeof(codings) / sizeof(*codings); i++)
		if (len == strlen(codings[i].name) && !strncasecmp(name, codings[i].name, len))
			return &codings[i];
	return NULL;
}

/* The codings of a list in the order in which they were applied, without identity. */
static int parse_codings(const char *list, const struct coding *ret[static LIMIT_CODINGS])
{
	int n = 0;

	for (const char *p = list ? list : ""; *p;) {
		p += strspn(p, ", \t");
		size_t len = strcspn(p, ",");
		const char *next = p + len;
		while (len && (p[len - 1] == ' ' || p[len - 1] == '\t'))
			len--;
		const struct coding *c = len ? find_coding(p, len) : &identity;
		p = next;
		if (c == &identity)
			continue;
		if (!c || n == LIMIT_CODINGS)
			return -ENOTSUP;
		ret[n++] = c;
	}
	return n;
}

bool coding_is_encoded(const char *content_encoding)
{
	const struct coding *list[LIMIT_CODINGS];

	return parse_codings(content_encoding, list) != 0;
}

int coding_decode(const char *content_encoding, const void *data, size_t len, size_t limit,
		  struct buf *out)
{
	const struct coding *list[LIMIT_CODINGS];
	struct buf from = { 0 };
	int result = 0;

	buf_reset(out);
	int n = parse_codings(content_encoding, list);
	if (n < 0)
		return n;
	if (!n)
		return decode_one(&identity, data, len, limit, out);
	while (n--) {
		int r = decode_one(list[n], data, len, limit, out);
		/* What went wrong first explains the rest: a cut stream inside is no new fault. */
		result = result ? result : r;
		if (r == -ENOMEM || !n)
			break;
		struct buf spare = from;
		from = *out;
		*out = spare;
		data = from.data;
		len = from.len;
	}
	buf_free(&from);
	return result;
}

struct coding_stream {
	const struct coding *coding;
	struct stream s;
	bool open, ended; /* a member has */
	uint8_t member[MEMBER_BYTES], have;
	uint64_t in, out;
	int error;
};

struct coding_stream *coding_stream_new(const char *content_encoding)
{
	const struct coding *list[LIMIT_CODINGS];
	struct coding_stream *d;

	if (parse_codings(content_encoding, list) != 1)
		return NULL;
	d = calloc(1, sizeof(*d));
	if (d)
		d->coding = list[0];
	return d;
}

static void close_stream(struct coding_stream *d)
{
	if (d->open)
		d->coding->close(&d->s);
	d->open = false;
}

void coding_stream_free(struct coding_stream *d)
{
	if (d)
		close_stream(d);
	free(d);
}

size_t coding_stream_bytes(const struct coding_stream *d)
{
	return d ? sizeof(*d) + (d->open ? d->coding->bytes(&d->s) : 0) : 0;
}

/* zlib's header has 8 in these bits; a raw block that begins so was made by no zlib. */
static int open_stream(struct coding_stream *d, uint8_t first)
{
	if (d->coding->open == deflate_open && (first & 0x0f) != 8)
		d->coding = &raw_deflate;
	int r = d->coding->open(&d->s, NULL, 0);
	d->open = !r;
	return r;
}

/* Hand on what may still come of a block that ends at `end`. */
static int hand_on(struct coding_stream *d, uint64_t end, const uint8_t *data, size_t len,
		   const struct coding_sink *to)
{
	uint64_t room = LIMIT_INFLATE_FREE + LIMIT_INFLATE_EXPANSION * end - d->out;
	size_t n = len < room ? len : (size_t)room;

	d->out += n;
	if (n)
		to->put(to->ctx, data, n);
	return n < len ? -E2BIG : 0;
}

/* Bytes of one block and one member; *ret_taken may be fewer where that ended. */
static int feed_member(struct coding_stream *d, const uint8_t *data, size_t len,
		       const struct coding_sink *to, size_t *ret_taken)
{
	uint64_t end = d->in + BLOCK_BYTES - d->in % BLOCK_BYTES;
	struct span io = { .in = data, .in_len = len };
	uint8_t out[8 << 10];
	int r = 0;

	do {
		io.out = out;
		io.out_len = sizeof(out);
		enum step step = d->coding->step(&d->s, &io);
		r = hand_on(d, end, out, sizeof(out) - io.out_len, to);
		d->ended = step == STEP_END;
		if (!r && step == STEP_BROKEN)
			r = -EILSEQ;
	} while (!r && !d->ended && !io.out_len);
	*ret_taken = len - io.in_len;
	d->in += *ret_taken;
	return r;
}

/* After an end, what may be the head of another member; what is none is ignored. */
static int feed_head(struct coding_stream *d, const uint8_t *data, const struct coding_sink *to)
{
	uint8_t head[MEMBER_BYTES];
	size_t taken;

	d->member[d->have++] = *data;
	if (d->have < MEMBER_BYTES)
		return 0;
	memcpy(head, d->member, MEMBER_BYTES);
	d->have = 0;
	if (!d->coding->again(&d->s, head, MEMBER_BYTES)) {
		close_stream(d);
		return 0;
	}
	d->ended = false;
	for (size_t i = 0; i < MEMBER_BYTES; i++) {
		int r = feed_member(d, head + i, 1, to, &taken);
		if (r)
			return r;
	}
	return 0;
}

int coding_stream_feed(struct coding_stream *d, const void *data, size_t len,
		       const struct coding_sink *to)
{
	const uint8_t *p = data;

	if (len && !d->in && !d->open && !d->error)
		d->error = open_stream(d, *p);
	while (len && d->open && !d->error) {
		/* zstd takes a frame that is there as a whole in another way: it never is. */
		size_t room = d->in ? BLOCK_BYTES - d->in % BLOCK_BYTES : 1, n = 1;
		d->error = d->ended ? feed_head(d, p, to)
				    : feed_member(d, p, len < room ? len : room, to, &n);
		p += n;
		len -= n;
	}
	if (d->error)
		close_stream(d);
	return d->error;
}
