// SPDX-License-Identifier: GPL-2.0-or-later
/* The first byte chooses the codings, the rest is the body. */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/coding.h"
#include "base/limits.h"
#include "fuzz.h"

static const char *const codings[] = { "gzip", "deflate",    "br",	   "zstd",
				       "",     "gzip, gzip", "br,deflate", "zstd, br" };
enum { ROOM = 1 << 16 };

/* What comes out is paid for as well, up to the room that there is for each coding. */
static void decode(void *ctx, const uint8_t *data, size_t size)
{
	struct buf out = { 0 };

	coding_decode(ctx, data, size, ROOM, &out);
	buf_free(&out);
}

static void append(void *ctx, const uint8_t *data, size_t len)
{
	require(buf_put(ctx, data, len) == 0);
}

static int stream(const char *coding, const uint8_t *data, size_t size, size_t every,
		  struct buf *out)
{
	struct coding_stream *d = coding_stream_new(coding);
	const struct coding_sink to = { append, out };
	int r = 0;

	for (size_t at = 0; d && at < size; at += every)
		r = coding_stream_feed(d, data + at, size - at < every ? size - at : every, &to);
	require(coding_stream_bytes(d) <= 32 << 20);
	coding_stream_free(d);
	return r;
}

/* As it comes: the same however it is cut, and no more than it may grow to. */
static void check_stream(const char *coding, const uint8_t *data, size_t size)
{
	struct buf whole = { 0 }, cut = { 0 };
	int r = stream(coding, data, size, size, &whole), q = stream(coding, data, size, 1, &cut);

	require(r == q &&
		whole.len <= LIMIT_INFLATE_FREE + LIMIT_INFLATE_EXPANSION * (size + 1024));
	bool inexact = r == -EILSEQ && (!strcmp(coding, "br") || !strcmp(coding, "zstd"));
	require(inexact || whole.len == cut.len);
	require(!memcmp(whole.data ?: "", cut.data ?: "",
			whole.len < cut.len ? whole.len : cut.len));
	buf_free(&whole);
	buf_free(&cut);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf out = { 0 };

	if (!size)
		return 0;
	int r = coding_decode(codings[*data % 8], data + 1, size - 1, ROOM, &out);
	if (r && r != -E2BIG && r != -EILSEQ && r != -ENOMEM)
		abort();
	if (out.len > ROOM || (r == -E2BIG && *data % 8 < 5 && out.len != ROOM))
		abort();
	buf_free(&out);
	check_stream(codings[*data % 8], data + 1, size - 1);
	if (fuzz_weighed(data, size))
		fuzz_weigh_once(decode, (void *)codings[*data % 8], data + 1, size - 1,
				2 * FUZZ_BYTE_NS * ROOM);
	return 0;
}
