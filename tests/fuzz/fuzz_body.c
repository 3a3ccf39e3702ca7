// SPDX-License-Identifier: GPL-2.0-or-later
/* The first byte chooses the codings, the rest is the body. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/coding.h"
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
	if (fuzz_weighed(data, size))
		fuzz_weigh_once(decode, (void *)codings[*data % 8], data + 1, size - 1,
				2 * FUZZ_BYTE_NS * ROOM);
	return 0;
}
