// SPDX-License-Identifier: GPL-2.0-or-later
/* The first byte chooses the codings, the rest is the body. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/coding.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const codings[] = { "gzip", "deflate",    "br",	   "zstd",
					       "",     "gzip, gzip", "br,deflate", "zstd, br" };
	const size_t limit = 1 << 16;
	struct buf out = { 0 };

	if (!size)
		return 0;
	int r = coding_decode(codings[*data % 8], data + 1, size - 1, limit, &out);
	if (r && r != -E2BIG && r != -EILSEQ && r != -ENOMEM)
		abort();
	if (out.len > limit || (r == -E2BIG && *data % 8 < 5 && out.len != limit))
		abort();
	buf_free(&out);
	return 0;
}
