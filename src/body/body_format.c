// SPDX-License-Identifier: GPL-2.0-or-later
/* The table of formats that are taken apart, and how a text is written in those that are binary. */
#include <string.h>
#include <strings.h>

#include "body/body_json.h"
#include "body/body_walk.h"

#define TYPES(...) ((const char *const[]){ __VA_ARGS__, NULL })

static int put_number(struct buf *out, uint8_t first, uint64_t v, unsigned bytes)
{
	int r = buf_putc(out, (char)first);

	while (!r && bytes--)
		r = buf_putc(out, (char)(v >> (8 * bytes)));
	return r;
}

static int msgpack_head(struct buf *out, const struct body_node *n, const uint8_t *data, size_t len)
{
	bool bytes = n->kind == BODY_BYTES;

	(void)data;
	if (len < 32 && !bytes)
		return buf_putc(out, (char)(0xa0 | len));
	return len < 256     ? put_number(out, bytes ? 0xc4 : 0xd9, len, 1)
	       : len < 65536 ? put_number(out, bytes ? 0xc5 : 0xda, len, 2)
			     : put_number(out, bytes ? 0xc6 : 0xdb, len, 4);
}

static int cbor_head(struct buf *out, const struct body_node *n, const uint8_t *data, size_t len)
{
	uint8_t major = n->kind == BODY_BYTES ? 0x40 : 0x60;

	(void)data;
	return len < 24	     ? buf_putc(out, (char)(major | len))
	       : len < 256   ? put_number(out, major | 24, len, 1)
	       : len < 65536 ? put_number(out, major | 25, len, 2)
			     : put_number(out, major | 26, len, 4);
}

static int put_varint(struct buf *out, uint64_t v)
{
	int r = 0;

	do
		r = buf_putc(out, (char)((v & 0x7f) | (v > 0x7f ? 0x80 : 0)));
	while (!r && (v >>= 7));
	return r;
}

/* Its tag, with the same number, says that a length follows. */
static int protobuf_head(struct buf *out, const struct body_node *n, const uint8_t *data,
			 size_t len)
{
	uint64_t tag = 0;
	unsigned shift = 0;

	for (size_t at = n->start; at < n->head_end && shift < 35; at++, shift += 7) {
		tag |= (uint64_t)(data[at] & 0x7f) << shift;
		if (!(data[at] & 0x80))
			break;
	}
	int r = put_varint(out, (tag & ~7ULL) | 2);
	return r ? r : put_varint(out, len);
}

static const struct body_format formats[] = {
	{ "protobuf", protobuf_walk, protobuf_head, true,
	  TYPES("application/x-protobuf", "application/protobuf", "application/x-google-protobuf",
		"application/vnd.google.protobuf", "+protobuf") },
	{ "msgpack", msgpack_walk, msgpack_head, false,
	  TYPES("application/msgpack", "application/x-msgpack", "application/vnd.msgpack",
		"+msgpack") },
	{ "cbor", cbor_walk, cbor_head, false,
	  TYPES("application/cbor", "application/cbor-seq", "application/cose", "+cbor",
		"+cbor-seq") },
	{ "multipart", multipart_walk, NULL, false, TYPES("multipart/") },
	{ "form", form_walk, NULL, false, TYPES("application/x-www-form-urlencoded") },
};

const struct body_format *body_format_named(const char *name)
{
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++)
		if (!strcmp(formats[i].name, name))
			return &formats[i];
	return NULL;
}

/* "multipart/" begins a type, "+cbor" ends one, any other is one. */
static bool is_type(const char *type, size_t len, const char *t)
{
	size_t n = strlen(t);

	if (t[n - 1] == '/')
		return len > n && !strncasecmp(type, t, n);
	if (*t == '+')
		return len > n && !strncasecmp(type + len - n, t, n);
	return len == n && !strncasecmp(type, t, n);
}

const struct body_format *body_format_of(const char *content_type)
{
	size_t len = strcspn(content_type, "; ,\t");

	/* Messages of gRPC have a frame around each. */
	if (!strncasecmp(content_type, "application/grpc", 16))
		return NULL;
	for (size_t i = 0; i < sizeof(formats) / sizeof(*formats); i++)
		for (const char *const *t = formats[i].types; *t; t++)
			if (is_type(content_type, len, *t))
				return &formats[i];
	return NULL;
}
