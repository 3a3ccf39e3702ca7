// SPDX-License-Identifier: GPL-2.0-or-later
#include "unit.h"

#include "h2_frames.h"

#include <string.h>

void h2_put_frame(struct buf *out, int type, int flags, uint32_t stream, const void *data,
		  size_t len)
{
	const uint8_t head[9] = {
		(uint8_t)(len >> 16),	 (uint8_t)(len >> 8),	 (uint8_t)len,
		(uint8_t)type,		 (uint8_t)flags,	 (uint8_t)(stream >> 24),
		(uint8_t)(stream >> 16), (uint8_t)(stream >> 8), (uint8_t)stream
	};

	buf_put(out, head, sizeof(head));
	buf_put(out, data, len);
}

void h2_put_number(struct buf *out, uint32_t n)
{
	const uint8_t bytes[4] = { (uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8),
				   (uint8_t)n };

	buf_put(out, bytes, 4);
}

void h2_put_reset(struct buf *out, uint32_t stream, uint32_t code)
{
	struct buf b = { 0 };

	h2_put_number(&b, code);
	h2_put_frame(out, RST_STREAM, 0, stream, b.data, b.len);
	buf_free(&b);
}

void h2_put_block(nghttp2_hd_deflater *d, struct buf *out, const char *const *lines, size_t n)
{
	nghttp2_nv nv[40];

	for (size_t i = 0; i < n; i++) {
		const char *colon = strchr(lines[i] + 1, ':');
		nv[i] = (nghttp2_nv){ (uint8_t *)lines[i], (uint8_t *)colon + 2,
				      (size_t)(colon - lines[i]), strlen(colon + 2), 0 };
	}
	size_t most = nghttp2_hd_deflate_bound(d, nv, n);
	assert_int_equal(buf_reserve(out, most), 0);
	ssize_t len = nghttp2_hd_deflate_hd(d, (uint8_t *)out->data + out->len, most, nv, n);
	assert_true(len >= 0);
	out->len += (size_t)len;
}
