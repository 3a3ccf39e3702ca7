// SPDX-License-Identifier: GPL-2.0-or-later
#include "unit.h"

#include <brotli/encode.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "base/buf.h"
#include "base/coding.h"
#include "base/limits.h"

static void encode_zlib(int window_bits, const struct buf *in, struct buf *out)
{
	z_stream z = { 0 };

	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(buf_reserve(out, deflateBound(&z, in->len) + 64), 0);
	z.next_in = (Bytef *)in->data;
	z.avail_in = (uInt)in->len;
	z.next_out = (Bytef *)out->data + out->len;
	z.avail_out = (uInt)(out->cap - out->len);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	out->len += z.total_out;
	deflateEnd(&z);
}

static void encode_gzip(const struct buf *in, struct buf *out)
{
	encode_zlib(16 + MAX_WBITS, in, out);
}

static void encode_deflate(const struct buf *in, struct buf *out)
{
	encode_zlib(MAX_WBITS, in, out);
}

static void encode_raw(const struct buf *in, struct buf *out)
{
	encode_zlib(-MAX_WBITS, in, out);
}

static void encode_br(const struct buf *in, struct buf *out)
{
	size_t n = BrotliEncoderMaxCompressedSize(in->len) + 64;

	assert_int_equal(buf_reserve(out, n), 0);
	assert_true(BrotliEncoderCompress(5, 22, BROTLI_MODE_GENERIC, in->len, (uint8_t *)in->data,
					  &n, (uint8_t *)out->data + out->len));
	out->len += n;
}

static void encode_zstd(const struct buf *in, struct buf *out)
{
	assert_int_equal(buf_reserve(out, ZSTD_compressBound(in->len)), 0);
	out->len += ZSTD_compress(out->data + out->len, ZSTD_compressBound(in->len), in->data,
				  in->len, 3);
}

static const struct {
	const char *name;
	void (*encode)(const struct buf *in, struct buf *out);
} encoders[] = {
	{ "gzip", encode_gzip },   { "X-GZip", encode_gzip }, { "deflate", encode_deflate },
	{ "deflate", encode_raw }, { "br", encode_br },	      { " zstd , identity", encode_zstd },
};
#define ENCODERS (sizeof(encoders) / sizeof(*encoders))

/* Text that compresses, but not to nothing. */
static struct buf sample(size_t len)
{
	struct buf b = { 0 };
	unsigned x = 1;

	while (b.len < len) {
		x = x * 1103515245 + 12345;
		assert_int_equal(buf_printf(&b, "line %u of the sample\n", x >> 20), 0);
	}
	b.len = len;
	return b;
}

static void assert_holds(const struct buf *out, const struct buf *want, size_t len)
{
	assert_int_equal(out->len, len);
	assert_memory_equal(out->data, want->data, len);
}

static void test_round_trip(void **state)
{
	static const size_t sizes[] = { 1, 100, 65536, 300001 };

	(void)state;
	for (size_t i = 0; i < ENCODERS * 4; i++) {
		size_t n = sizes[i / ENCODERS];
		struct buf in = sample(n), z = { 0 }, out = { 0 };
		const char *name = encoders[i % ENCODERS].name;
		encoders[i % ENCODERS].encode(&in, &z);
		assert_int_equal(coding_decode(name, z.data, z.len, n, &out), 0);
		assert_holds(&out, &in, n);
		assert_int_equal(coding_decode(name, z.data, z.len, n - 1, &out), -E2BIG);
		assert_holds(&out, &in, n - 1);
		assert_int_equal(coding_decode(name, z.data, z.len, 0, &out), -E2BIG);
		assert_int_equal(out.len, 0);
		buf_free(&in), buf_free(&z), buf_free(&out);
	}
}

/* Cut off anywhere: what comes out is a beginning of the whole, and the fault is told. */
static void test_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < ENCODERS; i++) {
		struct buf in = sample(200000), z = { 0 }, out = { 0 };
		encoders[i].encode(&in, &z);
		for (size_t n = 1; n < z.len; n += n < 40 ? 1 : 997) {
			assert_int_equal(coding_decode(encoders[i].name, z.data, n, 1 << 20, &out),
					 -EILSEQ);
			assert_true(out.len <= in.len);
			if (out.len)
				assert_memory_equal(out.data, in.data, out.len);
		}
		assert_int_equal(coding_decode(encoders[i].name, z.data, z.len - 1, 1 << 20, &out),
				 -EILSEQ);
		assert_true(out.len > in.len / 2 || encoders[i].encode == encode_zstd);
		buf_free(&in), buf_free(&z), buf_free(&out);
	}
}

static void test_lists(void **state)
{
	struct buf in = sample(5000), a = { 0 }, b = { 0 }, c = { 0 }, out = { 0 };

	(void)state;
	encode_gzip(&in, &a);
	encode_br(&a, &b);
	encode_zstd(&b, &c);
	assert_int_equal(coding_decode("gzip, br", b.data, b.len, 5000, &out), 0);
	assert_holds(&out, &in, 5000);
	assert_int_equal(coding_decode("gzip,br ,\tzstd", c.data, c.len, 5000, &out), 0);
	assert_holds(&out, &in, 5000);
	assert_int_equal(coding_decode("br, gzip", b.data, b.len, 5000, &out), -EILSEQ);
	assert_int_equal(coding_decode("gzip, br", b.data, b.len / 2, 5000, &out), -EILSEQ);
	assert_int_equal(coding_decode("gzip,gzip,gzip,gzip,gzip", b.data, b.len, 5000, &out),
			 -ENOTSUP);
	assert_int_equal(out.len, 0);
	buf_free(&in), buf_free(&a), buf_free(&b), buf_free(&c), buf_free(&out);
}

static void test_identity_and_unknown(void **state)
{
	static const char *const plain[] = { NULL, "", "identity", " , identity,," };
	struct buf out = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++) {
		assert_int_equal(coding_decode(plain[i], "hello", 5, 5, &out), 0);
		assert_string_equal(buf_cstr(&out), "hello");
		assert_int_equal(coding_decode(plain[i], "hello", 5, 4, &out), -E2BIG);
		assert_string_equal(buf_cstr(&out), "hell");
		assert_false(coding_is_encoded(plain[i]));
	}
	assert_int_equal(coding_decode("compress", "hello", 5, 5, &out), -ENOTSUP);
	assert_int_equal(coding_decode("gzi", "hello", 5, 5, &out), -ENOTSUP);
	assert_int_equal(coding_decode("gzip", "", 0, 5, &out), 0);
	assert_int_equal(out.len, 0);
	assert_true(coding_is_encoded("identity, br"));
	buf_free(&out);
}

static void test_members(void **state)
{
	struct buf one = sample(1000), want = { 0 }, z = { 0 }, out = { 0 };

	(void)state;
	buf_put(&want, one.data, one.len);
	buf_put(&want, one.data, one.len);
	encode_gzip(&one, &z);
	encode_gzip(&one, &z);
	buf_puts(&z, "after the end");
	assert_int_equal(coding_decode("gzip", z.data, z.len, 1 << 20, &out), 0);
	assert_holds(&out, &want, 2000);
	buf_reset(&z);
	encode_zstd(&one, &z);
	encode_zstd(&one, &z);
	assert_int_equal(coding_decode("zstd", z.data, z.len, 1 << 20, &out), 0);
	assert_holds(&out, &want, 2000);
	buf_free(&one), buf_free(&want), buf_free(&z), buf_free(&out);
}

/* 64 MiB of nothing in some KiB, twice over: never more than the limit is held. */
static void test_bomb(void **state)
{
	(void)state;
	for (size_t i = 0; i < ENCODERS; i++) {
		struct buf zeros = { 0 }, z = { 0 }, zz = { 0 }, out = { 0 };
		assert_int_equal(buf_reserve(&zeros, 64 << 20), 0);
		zeros.len = 64 << 20;
		memset(zeros.data, 0, zeros.len);
		encoders[i].encode(&zeros, &z);
		assert_int_equal(coding_decode(encoders[i].name, z.data, z.len, 1 << 20, &out),
				 -E2BIG);
		assert_int_equal(out.len, 1 << 20);
		assert_true(out.cap <= 2 << 20);
		encode_gzip(&z, &zz);
		struct buf name = { 0 };
		buf_printf(&name, "%s, gzip", encoders[i].name);
		assert_int_equal(coding_decode(buf_cstr(&name), zz.data, zz.len, 1 << 20, &out),
				 -E2BIG);
		assert_int_equal(out.len, 1 << 20);
		buf_free(&zeros), buf_free(&z), buf_free(&zz), buf_free(&out), buf_free(&name);
	}
}

static void append(void *ctx, const uint8_t *data, size_t len)
{
	assert_int_equal(buf_put(ctx, data, len), 0);
}

/* What a stream hands on, cut every so many bytes; *ret_held: the most memory that it had. */
static int stream(const char *name, const struct buf *in, size_t every, struct buf *out,
		  size_t *ret_held)
{
	struct coding_stream *d = coding_stream_new(name);
	const struct coding_sink to = { append, out };
	int r = 0;

	assert_non_null(d);
	buf_reset(out);
	*ret_held = 0;
	for (size_t at = 0; at < in->len; at += every) {
		size_t n = in->len - at < every ? in->len - at : every;
		r = coding_stream_feed(d, in->data + at, n, &to);
		size_t held = coding_stream_bytes(d);
		*ret_held = held > *ret_held ? held : *ret_held;
	}
	coding_stream_free(d);
	return r;
}

static const size_t cuts[] = { SIZE_MAX >> 1, 1, 7, 1000, 4096 };
#define CUTS (sizeof(cuts) / sizeof(*cuts))

static void test_stream(void **state)
{
	(void)state;
	for (size_t i = 0; i < ENCODERS; i++) {
		struct buf in = sample(200000), z = { 0 }, out = { 0 };
		size_t held;
		encoders[i].encode(&in, &z);
		buf_puts(&z, "after the end");
		for (size_t c = 0; c < CUTS; c++) {
			assert_int_equal(stream(encoders[i].name, &z, cuts[c], &out, &held), 0);
			assert_holds(&out, &in, in.len);
			assert_in_range(held, c ? 1 << 13 : 1, 4 << 20);
		}
		buf_free(&in), buf_free(&z), buf_free(&out);
	}
	assert_null(coding_stream_new("gzip, br"));
	assert_null(coding_stream_new("compress"));
	assert_null(coding_stream_new("identity"));
}

/* Each byte that can be known is handed on at once, since what is flushed is waited for. */
static void test_stream_members(void **state)
{
	struct buf one = sample(1000), want = { 0 }, z = { 0 }, out = { 0 };
	size_t held;

	(void)state;
	buf_put(&want, one.data, one.len);
	buf_put(&want, one.data, one.len);
	for (int zstd = 0; zstd < 2; zstd++) {
		buf_reset(&z);
		for (int i = 0; i < 2; i++)
			(zstd ? encode_zstd : encode_gzip)(&one, &z);
		for (size_t c = 0; c < CUTS; c++) {
			assert_int_equal(stream(zstd ? "zstd" : "gzip", &z, cuts[c], &out, &held),
					 0);
			assert_holds(&out, &want, 2000);
		}
	}
	buf_free(&one), buf_free(&want), buf_free(&z), buf_free(&out);
}

/* Of 64 MiB of nothing comes what is allowed for the block that tells of them, however cut. */
static void test_stream_bomb(void **state)
{
	(void)state;
	for (size_t i = 0; i < ENCODERS; i++) {
		struct buf zeros = { 0 }, z = { 0 }, out = { 0 };
		size_t held, first = 0;
		assert_int_equal(buf_reserve(&zeros, 64 << 20), 0);
		zeros.len = 64 << 20;
		memset(zeros.data, 0, zeros.len);
		encoders[i].encode(&zeros, &z);
		for (size_t c = 0; c < CUTS; c++) {
			assert_int_equal(stream(encoders[i].name, &z, cuts[c], &out, &held),
					 -E2BIG);
			assert_in_range(out.len, LIMIT_INFLATE_FREE,
					LIMIT_INFLATE_FREE +
						LIMIT_INFLATE_EXPANSION * (z.len + 1024));
			assert_true(!first || out.len == first);
			first = out.len;
		}
		buf_free(&zeros), buf_free(&z), buf_free(&out);
	}
}

/* What is broken is, however it is cut; what came before it is a beginning of the whole. */
static void test_stream_broken(void **state)
{
	(void)state;
	for (size_t i = 0; i < ENCODERS; i++) {
		struct buf in = sample(100000), z = { 0 }, out = { 0 };
		size_t held, first = 0;
		bool exact = i < 4, sums = i < 3; /* zlib's */
		int whole = 0;
		encoders[i].encode(&in, &z);
		memset(z.data + z.len / 2, 0xff, 200);
		for (size_t c = 0; c < CUTS; c++) {
			int r = stream(encoders[i].name, &z, cuts[c], &out, &held);
			assert_int_equal(r, !c ? r : whole);
			assert_true(r == -EILSEQ || !sums);
			assert_true(!c || !exact || out.len == first);
			first = out.len;
			whole = r;
		}
		buf_free(&in), buf_free(&z), buf_free(&out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),  cmocka_unit_test(test_cut),
		cmocka_unit_test(test_lists),	    cmocka_unit_test(test_identity_and_unknown),
		cmocka_unit_test(test_members),	    cmocka_unit_test(test_bomb),
		cmocka_unit_test(test_stream),	    cmocka_unit_test(test_stream_members),
		cmocka_unit_test(test_stream_bomb), cmocka_unit_test(test_stream_broken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
