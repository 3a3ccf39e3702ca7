// SPDX-License-Identifier: GPL-2.0-or-later
/* Heads of frames (RFC 9113 sections 4 and 6): as they are, and where one may be. */
#include "dissect/http2.h"

#include <string.h>

#include "base/limits.h"

struct h2_frame h2_frame_read(const uint8_t *p)
{
	return (struct h2_frame){
		.len = (uint32_t)(p[0] << 16 | p[1] << 8 | p[2]),
		.type = p[3],
		.flags = p[4],
		.stream = (uint32_t)(p[5] & 127) << 24 | (uint32_t)(p[6] << 16 | p[7] << 8 | p[8]),
	};
}

/* What the types want: a stream, the connection, either; a length. */
enum where { EITHER, CONNECTION, STREAM };

static const struct frame_kind {
	enum where where;
	uint8_t flags;
	uint32_t least, most;
} kinds[] = {
	[H2_DATA] = { STREAM, H2_END_STREAM | H2_PADDED, 0, UINT32_MAX },
	[H2_HEADERS] = { STREAM, H2_END_STREAM | H2_END_HEADERS | H2_PADDED | H2_WITH_PRIORITY, 1,
			 UINT32_MAX },
	[H2_PRIORITY] = { STREAM, 0, 5, 5 },
	[H2_RST_STREAM] = { STREAM, 0, 4, 4 },
	[H2_SETTINGS] = { CONNECTION, 1, 0, UINT32_MAX },
	[H2_PUSH_PROMISE] = { STREAM, H2_END_HEADERS | H2_PADDED, 5, UINT32_MAX },
	[H2_PING] = { CONNECTION, 1, 8, 8 },
	[H2_GOAWAY] = { CONNECTION, 0, 8, UINT32_MAX },
	[H2_WINDOW_UPDATE] = { EITHER, 0, 4, 4 },
	[H2_CONTINUATION] = { STREAM, H2_END_HEADERS, 0, UINT32_MAX },
};
#define KINDS (sizeof(kinds) / sizeof(*kinds))

bool h2_frame_is_valid(const struct h2_frame *f)
{
	if (f->type >= KINDS)
		return true;
	const struct frame_kind *k = &kinds[f->type];
	if (k->where != EITHER && (f->stream != 0) != (k->where == STREAM))
		return false;
	if (f->type == H2_SETTINGS && (f->len % 6 || (f->flags && f->len)))
		return false;
	return f->len >= k->least && f->len <= k->most;
}

/* Extensions are few: ALTSVC, ORIGIN, PRIORITY_UPDATE. */
bool h2_frame_is_plausible(const uint8_t *p, uint32_t frame_size)
{
	struct h2_frame f = h2_frame_read(p);
	bool extension = f.type == 0x0a || f.type == 0x0c || f.type == 0x10;
	uint8_t flags = f.type < KINDS ? kinds[f.type].flags : 0;

	return (f.type < KINDS || extension) && !(p[5] & 128) && f.len <= frame_size &&
	       !(f.flags & ~flags) && h2_frame_is_valid(&f);
}

int h2_seek(struct h2_flow *f, bool end)
{
	for (;; f->seek_from++, f->seek_first = false) {
		size_t len = f->seek.len - f->seek_from;
		if (len < H2_HEAD_SIZE)
			return PROBE_MAYBE;
		const uint8_t *p = (const uint8_t *)f->seek.data + f->seek_from;
		if (!h2_frame_is_plausible(p, f->frame_size))
			continue;
		size_t next = H2_HEAD_SIZE + h2_frame_read(p).len;
		if (f->seek_first || (end && next == len))
			return PROBE_YES;
		if (len < next + H2_HEAD_SIZE)
			return PROBE_MAYBE;
		if (h2_frame_is_plausible(p + next, f->frame_size))
			return PROBE_YES;
	}
}

/* Known settings (RFC 9113, 8441, 9218), or those that are sent so that nobody relies on these. */
static bool are_settings(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i += 6) {
		unsigned id = (unsigned)(p[i] << 8 | p[i + 1]);
		if ((id < 1 || id > 16) && (id & 0x0f0f) != 0x0a0a)
			return false;
	}
	return true;
}

/* The fragment of a HEADERS frame that is a whole block. */
static bool are_headers(const uint8_t *p, const struct h2_frame *f)
{
	size_t at = (f->flags & H2_PADDED ? 1 : 0) + (f->flags & H2_WITH_PRIORITY ? 5 : 0);
	size_t pad = f->flags & H2_PADDED ? p[0] : 0;

	return at + pad < f->len && hpack_is_block(p + at, f->len - at - pad);
}

int h2_probe(enum dir dir, const uint8_t *data, size_t len)
{
	size_t n = len < H2_PREFACE_SIZE ? len : H2_PREFACE_SIZE;

	(void)dir;
	if (!memcmp(data, H2_PREFACE, n))
		return n == H2_PREFACE_SIZE ? PROBE_YES : PROBE_MAYBE;
	if (data[0] || (len > 1 && data[1] > H2_FRAME_SIZE >> 8))
		return PROBE_NO;
	if (len < H2_HEAD_SIZE)
		return PROBE_MAYBE;
	if (!h2_frame_is_plausible(data, H2_FRAME_SIZE))
		return PROBE_NO;
	struct h2_frame f = h2_frame_read(data);
	size_t next = H2_HEAD_SIZE + f.len;
	const uint8_t *content = data + H2_HEAD_SIZE;
	bool settings = f.type == H2_SETTINGS && !f.flags;
	bool headers = f.type == H2_HEADERS && f.flags & H2_END_HEADERS;
	if ((settings || headers) && len >= next)
		return (settings ? are_settings(content, f.len) : are_headers(content, &f))
			       ? PROBE_YES
			       : PROBE_NO;
	if (len < next + H2_HEAD_SIZE)
		return PROBE_MAYBE;
	return h2_frame_is_plausible(data + next, H2_FRAME_SIZE) ? PROBE_YES : PROBE_NO;
}

#define TOLD(code)                                                                                 \
	{                                                                                          \
		"reset by the client: " code, "reset by the server: " code,                        \
			"no answer before the connection ended (GOAWAY: " code ")",                \
			"not processed, as the server said when it ended the connection "          \
			"(GOAWAY: " code ")"                                                       \
	}

const char *h2_error(uint32_t code, enum h2_told told)
{
	/* RFC 9113 section 7. */
	static const char *const texts[][H2_TOLD] = {
		TOLD("NO_ERROR"),
		TOLD("PROTOCOL_ERROR"),
		TOLD("INTERNAL_ERROR"),
		TOLD("FLOW_CONTROL_ERROR"),
		TOLD("SETTINGS_TIMEOUT"),
		TOLD("STREAM_CLOSED"),
		TOLD("FRAME_SIZE_ERROR"),
		TOLD("REFUSED_STREAM"),
		TOLD("CANCEL"),
		TOLD("COMPRESSION_ERROR"),
		TOLD("CONNECT_ERROR"),
		TOLD("ENHANCE_YOUR_CALM"),
		TOLD("INADEQUATE_SECURITY"),
		TOLD("HTTP_1_1_REQUIRED"),
		TOLD("unknown error"),
	};
	const uint32_t unknown = sizeof(texts) / sizeof(*texts) - 1;

	return texts[code < unknown ? code : unknown][told];
}
