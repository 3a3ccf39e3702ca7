// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * /api/export/pcapng: the plaintext as TCP streams between the real addresses and ports, at the
 * real times, for Wireshark's own dissectors. The TCP headers are made up: each stream begins with
 * a handshake at the time of its first byte. Bytes that were not seen are a packet that was cut, or
 * a jump of the sequence. Entries with unknown addresses are left out and counted at the end.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/export/export.h"
#include "api/index.h"
#include "api/export/stored.h"
#include "api/export/packet.h"
#include "api/hide.h"
#include "api/request.h"
#include "api/handlers.h"
#include "entry.h"
#include "base/limits.h"

#define SECTION_HEADER	     0x0a0d0d0a
#define INTERFACE	     1
#define INTERFACE_STATISTICS 5
#define ENHANCED_PACKET	     6
#define OPTION_COMMENT	     1
#define OPTION_NAME	     2
#define OPTION_APPLICATION   4
#define OPTION_DROPPED	     5 /* of interface statistics */
#define LINKTYPE_RAW	     101
#define SEGMENT		     16384
#define CUT_SEGMENT	     60000 /* all that is there of a message goes into one packet */
#define PACKET_MAX	     65535

/* A stream that has begun; seq of what each side sends next: 0 is the side that opened it. */
struct stream {
	uint32_t seq[2];
};

struct pcapng {
	const char *version;
	struct index index;
	struct buf streams; /* of struct stream */
	struct buf bytes, block;
	uint64_t written, left_out;
};

/* One message on its way into packets. */
struct sender {
	struct pcapng *file;
	struct stream *stream;
	struct buf *out;
	struct packet packet;
	int side;
	int64_t time_us;
};

static int put_number(struct buf *b, uint64_t v, size_t size)
{
	return buf_put(b, &v, size); /* in the order of bytes that the section header tells */
}

static int put_option(struct buf *b, unsigned code, const void *data, size_t len)
{
	static const char zeros[4];
	int r = put_number(b, code, 2);

	r = r ? r : put_number(b, len, 2);
	r = r ? r : buf_put(b, data, len);
	return r ? r : buf_put(b, zeros, -len & 3);
}

/* Frame the block that file->block holds. */
static int put_block(struct pcapng *f, uint32_t type, struct buf *out)
{
	static const char zeros[4];
	struct buf *b = &f->block;
	size_t len = b->len + (-b->len & 3) + 12;
	int r = put_number(out, type, 4);

	r = r ? r : put_number(out, len, 4);
	r = r ? r : buf_put(out, b->data, b->len);
	r = r ? r : buf_put(out, zeros, -b->len & 3);
	buf_reset(b);
	return r ? r : put_number(out, len, 4);
}

static void *pcapng_open(const char *version)
{
	struct pcapng *f = calloc(1, sizeof(*f));

	if (f)
		f->version = version ? version : "";
	return f;
}

static int put_section(struct pcapng *f, struct buf *out)
{
	static const char comment[] = "Plaintext that was read inside TLS libraries. Addresses, "
				      "ports, order and times are "
				      "real, the TCP headers are made up.";
	struct buf *b = &f->block;
	char application[64];
	int n = snprintf(application, sizeof(application), "cleartap %.40s", f->version);
	int r = put_number(b, 0x1a2b3c4d, 4);

	r = r ? r : put_number(b, 1, 4); /* version 1.0 */
	r = r ? r : put_number(b, UINT64_MAX, 8);
	r = r ? r : put_option(b, OPTION_COMMENT, comment, sizeof(comment) - 1);
	r = r ? r : put_option(b, OPTION_APPLICATION, application, (size_t)n);
	r = r ? r : put_option(b, 0, "", 0);
	return r ? r : put_block(f, SECTION_HEADER, out);
}

static int pcapng_begin(void *state, struct buf *out)
{
	struct pcapng *f = state;
	struct buf *b = &f->block;
	int r = put_section(f, out);

	r = r ? r : put_number(b, LINKTYPE_RAW, 2);
	r = r ? r : put_number(b, 0, 6); /* reserved, no limit of length */
	r = r ? r : put_option(b, OPTION_NAME, "cleartap", 8);
	r = r ? r : put_option(b, 0, "", 0);
	return r ? r : put_block(f, INTERFACE, out);
}

/* The packet of a sender, with its time and an optional remark. */
static int put_packet(struct sender *s, const char *comment)
{
	const struct packet *p = &s->packet;
	struct buf *b = &s->file->block;
	size_t len = packet_head_size(p) + p->len;
	uint64_t us = (uint64_t)s->time_us;
	int r = put_number(b, 0, 4);

	r = r ? r : put_number(b, us >> 32, 4);
	r = r ? r : put_number(b, us & UINT32_MAX, 4);
	r = r ? r : put_number(b, len, 4);
	r = r ? r : put_number(b, len + p->missing, 4);
	r = r ? r : packet_put(p, b);
	r = r ? r : buf_put(b, "\0\0\0", -b->len & 3);
	if (!r && comment)
		r = put_option(b, OPTION_COMMENT, comment, strlen(comment));
	if (!r && comment)
		r = put_option(b, 0, "", 0);
	s->file->written++;
	return r ? r : put_block(s->file, ENHANCED_PACKET, s->out);
}

/* From one side: flags and bytes at its place in the stream. */
static int send_packet(struct sender *s, uint8_t flags, const char *data, size_t len,
		       size_t missing, const char *comment)
{
	struct packet *p = &s->packet;

	p->seq = s->stream->seq[s->side];
	p->ack = flags & TCP_ACK ? s->stream->seq[!s->side] : 0;
	p->flags = flags;
	p->data = data;
	p->len = len;
	p->missing = missing;
	s->stream->seq[s->side] += (uint32_t)(len + missing + !!(flags & (TCP_SYN | TCP_FIN)));
	return put_packet(s, comment);
}

static void turn(struct sender *s)
{
	struct packet *p = &s->packet, q = *p;

	memcpy(p->src, q.dst, sizeof(p->src));
	memcpy(p->dst, q.src, sizeof(p->dst));
	p->src_port = q.dst_port;
	p->dst_port = q.src_port;
	s->side = !s->side;
}

static int send_handshake(struct sender *s)
{
	int r = send_packet(s, TCP_SYN, "", 0, 0, NULL);

	turn(s);
	r = r ? r : send_packet(s, TCP_SYN | TCP_ACK, "", 0, 0, NULL);
	turn(s);
	return r ? r : send_packet(s, TCP_ACK, "", 0, 0, NULL);
}

/* A message of which bytes are missing: as one packet that was cut, so that it is dissected. */
static int send_cut(struct sender *s, const struct buf *b, uint64_t missing)
{
	size_t len = b->len < CUT_SEGMENT ? b->len : CUT_SEGMENT;
	size_t room = PACKET_MAX - packet_head_size(&s->packet) - len;
	char comment[96];

	missing += b->len - len;
	snprintf(comment, sizeof(comment), "%" PRIu64 " bytes of this message are not here",
		 missing);
	size_t cut = missing < room ? (size_t)missing : room;
	int r = send_packet(s, TCP_PSH | TCP_ACK, b->data, len, cut, comment);
	s->stream->seq[s->side] += (uint32_t)(missing - cut);
	return r;
}

static int send_bytes(struct sender *s, const struct buf *b, int64_t end_us)
{
	int r = 0;

	for (size_t at = 0; !r && at < b->len; at += SEGMENT) {
		size_t n = b->len - at < SEGMENT ? b->len - at : SEGMENT;
		bool last = at + n == b->len;
		if (at && last && end_us)
			s->time_us = end_us;
		r = send_packet(s, TCP_ACK | (last ? TCP_PSH : 0), b->data + at, n, 0, NULL);
	}
	return r;
}

static int send_message(struct sender *s, const struct stored *m)
{
	struct buf *b = &s->file->bytes;
	int64_t offset, missing = stored_missing(m, &offset);
	size_t len = m->body->len;
	int r;

	/* Behind the first gap nothing has a place in a cut packet. */
	if (missing > 0 && (uint64_t)offset < len) {
		missing += (int64_t)len - offset;
		len = (size_t)offset;
	}
	buf_reset(b);
	r = stored_is_http(m) ? stored_put_head(m, len + (uint64_t)missing, b) : 0;
	r = r ? r : stored_put_body(m, len, (uint64_t)missing, b);
	if (r || !b->len)
		return r;
	if (m->begin_us)
		s->time_us = m->begin_us;
	r = missing > 0 ? send_cut(s, b, (uint64_t)missing) : send_bytes(s, b, m->end_us);
	/* It ended with the connection: only so can a reader tell its end. */
	return r || !stored_ends_by_close(m) ? r
					     : send_packet(s, TCP_FIN | TCP_ACK, "", 0, 0, NULL);
}

static bool set_addresses(const struct entry *e, struct packet *p)
{
	int family = strchr(e->src.ip, ':') ? AF_INET6 : AF_INET;

	p->v6 = family == AF_INET6;
	p->src_port = e->src.port;
	p->dst_port = e->dst.port;
	return e->src.port && e->dst.port && inet_pton(family, e->src.ip, p->src) == 1 &&
	       inet_pton(family, e->dst.ip, p->dst) == 1;
}

/* The stream of a connection; a new one begins with a handshake. */
static int find_stream(struct sender *s, const char *connection)
{
	struct pcapng *f = s->file;
	size_t known = f->index.count;

	if (known >= LIMIT_EXPORT_CONNS) {
		index_free(&f->index);
		buf_reset(&f->streams);
		known = 0;
	}
	int64_t n = index_of(&f->index, connection, strlen(connection));
	if (n < 0)
		return (int)n;
	const struct stream fresh = { { 0x1000, 0x2000 } };
	if (f->index.count > known && buf_put(&f->streams, &fresh, sizeof(fresh)))
		return -ENOMEM;
	s->stream = (struct stream *)f->streams.data + n;
	return f->index.count > known ? send_handshake(s) : 0;
}

static int pcapng_add(void *state, const struct entry *original, const struct kfl *filter,
		      struct buf *out)
{
	struct pcapng *f = state;
	struct sender s = { .file = f, .out = out };
	struct stored request, response;
	struct hidden m;
	int r = hide_whole(original, filter, &m);

	if (!r && !set_addresses(&m.e, &s.packet)) {
		f->left_out++;
	} else if (!r) {
		s.time_us = m.e.timestamp_us;
		stored_both(&m.e, m.detail, &request, &response);
		r = find_stream(&s, original->connection);
		r = r ? r : send_message(&s, &request);
		turn(&s);
		r = r ? r : send_message(&s, &response);
	}
	hide_free(&m);
	return r;
}

static int pcapng_end(void *state, struct buf *out)
{
	struct pcapng *f = state;
	struct buf *b = &f->block;
	char comment[96];
	int n = snprintf(comment, sizeof(comment),
			 "%" PRIu64 " entries whose addresses are not known are left out",
			 f->left_out);
	int r = put_number(b, 0, 4);

	r = r ? r : put_number(b, 0, 8); /* no time of the statistics */
	r = r ? r : put_option(b, OPTION_DROPPED, &f->left_out, sizeof(f->left_out));
	r = r ? r : put_option(b, OPTION_COMMENT, comment, (size_t)n);
	r = r ? r : put_option(b, 0, "", 0);
	return r ? r : put_block(f, INTERFACE_STATISTICS, out);
}

static void pcapng_close(void *state)
{
	struct pcapng *f = state;

	index_free(&f->index);
	buf_free(&f->streams);
	buf_free(&f->bytes);
	buf_free(&f->block);
	free(f);
}

static const struct export_format pcapng = {
	.type = "application/x-pcapng",
	.extension = "pcapng",
	.open = pcapng_open,
	.begin = pcapng_begin,
	.add = pcapng_add,
	.end = pcapng_end,
	.close = pcapng_close,
};

void pcapng_export(struct request *r)
{
	export_start(r, &pcapng);
}
