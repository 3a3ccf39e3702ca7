// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/compress.h"

#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "api/answer.h"
#include "api/request.h"

/* Below this, a packet more or less makes no difference. */
#define COMPRESS_MIN 2048

/* The weight of gzip in Accept-Encoding (RFC 9110 section 12.5.3) is not 0. */
static bool accepts_gzip(const char *accept)
{
	for (const char *p = accept; p && *p; p += strcspn(p, ",")) {
		p += strspn(p, ", \t");
		size_t n = strcspn(p, ",; \t");
		if ((n != 4 || strncasecmp(p, "gzip", 4)) && (n != 1 || *p != '*'))
			continue;
		const char *rest = p + n + strspn(p + n, "; \t");
		return strncasecmp(rest, "q=", 2) || strtod(rest + 2, NULL) > 0;
	}
	return false;
}

static int deflate_all(const struct buf *in, struct buf *out)
{
	z_stream z = { .next_in = (Bytef *)in->data, .avail_in = (uInt)in->len };

	/* 16: with gzip's header. Level 1: the list should come fast. */
	if (deflateInit2(&z, 1, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return -1;
	size_t bound = deflateBound(&z, in->len);
	int r = buf_reserve(out, bound);
	if (!r) {
		z.next_out = (Bytef *)out->data;
		z.avail_out = (uInt)bound;
		r = deflate(&z, Z_FINISH) == Z_STREAM_END ? 0 : -1;
		out->len = z.total_out;
	}
	deflateEnd(&z);
	return r;
}

/* One strong tag is of one sequence of bytes (RFC 9110 section 8.8.3.3). */
static void weaken_tag(struct answer *a)
{
	for (size_t i = 0; i < a->headers; i++) {
		struct answer_header *h = &a->header[i];
		char *weak;
		if (strcasecmp(h->name, MHD_HTTP_HEADER_ETAG) || h->value[0] == 'W' ||
		    asprintf(&weak, "W/%s", h->value) < 0)
			continue;
		free(h->value);
		h->value = weak;
	}
}

void compress_answer(struct request *r)
{
	struct answer *a = &r->answer;
	struct buf packed = { 0 };

	if (!a->type || a->body.len < COMPRESS_MIN || a->body.len > UINT32_MAX / 2 ||
	    (strncmp(a->type, "application/json", 16) && strncmp(a->type, "text/", 5)))
		return;
	answer_header(r, MHD_HTTP_HEADER_VARY, "Accept-Encoding");
	if (!accepts_gzip(request_header(r, MHD_HTTP_HEADER_ACCEPT_ENCODING)))
		return;
	if (deflate_all(&a->body, &packed)) {
		buf_free(&packed);
		return;
	}
	buf_free(&a->body);
	a->body = packed;
	weaken_tag(a);
	answer_header(r, MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip");
}
