/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Frames of HTTP/2 as peers write them. */
#ifndef CLEARTAP_H2_FRAMES_H
#define CLEARTAP_H2_FRAMES_H

#include <nghttp2/nghttp2.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define PREFACE "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

enum {
	DATA,
	HEADERS,
	PRIORITY,
	RST_STREAM,
	SETTINGS,
	PUSH_PROMISE,
	PING,
	GOAWAY,
	WINDOW_UPDATE,
	CONTINUATION
};
enum { END_STREAM = 1, END_HEADERS = 4, PADDED = 8, WITH_PRIORITY = 32 };

void h2_put_frame(struct buf *out, int type, int flags, uint32_t stream, const void *data,
		  size_t len);
void h2_put_number(struct buf *out, uint32_t n);
void h2_put_reset(struct buf *out, uint32_t stream, uint32_t code);
/* "name: value" lines as a header block. */
void h2_put_block(nghttp2_hd_deflater *d, struct buf *out, const char *const *lines, size_t n);

#endif
