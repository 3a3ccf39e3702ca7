// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * /api/export/pcapng: the plaintext as TCP streams between the real addresses and ports, at the
 * real times, for Wireshark's own dissectors. The TCP headers are made up: each stream begins with
 * a handshake at the time of its first byte. Bytes that were not seen are a packet that was cut
 * and a jump of the sequence. Entries with unknown addresses are left out and counted at the end.
 * With ?packets=1 the packets of the wire are another interface of the same file (kept.c).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/export/export.h"
#include "api/export/block.h"
#include "api/export/kept.h"
#include "api/export/packet.h"
#include "api/export/stored.h"
#include "api/export/told.h"
#include "api/handlers.h"
#include "api/hide.h"
#include "api/index.h"
#include "api/param.h"
#include "api/problem.h"
#include "api/request.h"
#include "api/state.h"
#include "base/hash.h"
#include "base/limits.h"
#include "base/writer.h"
#include "entry.h"

#define SEGMENT	    16384
#define CUT_SEGMENT 60000 /* what fits goes into one packet before a gap */
#define PACKET_MAX  65535

/* A connection that has begun; seq of what each side sends next: 0 is the side that opened it. */
struct conversation {
	uint32_t seq[2];
	uint64_t name[2]; /* hashes of what its ends are called that were seen, 0 none yet */
};

struct pcapng {
	const char *version;
	struct told_exchanges told;
	struct index index;	  /* by socket */
	struct buf conversations; /* of struct conversation */
	uint32_t begun;
	struct buf bytes;
	struct block block;
	struct kept *kept;  /* packets of the wire before the plaintext; NULL: none */
	uint32_t interface; /* of the plaintext */
	uint64_t left_out, rendered, torn; /* entries, entries, messages of WebSockets */
};

/* One message on its way into packets. */
struct sender {
	struct pcapng *file;
	struct conversation *conversation;
	struct buf *out;
	struct packet packet;
	int side;
	int64_t time_us;
};

static void *pcapng_open(struct request *r)
{
	const char *version = r->api->options.version;
	struct pcapng *f = calloc(1, sizeof(*f));

	if (f) {
		f->version = version ? version : "";
		block_init(&f->block);
	}
	return f;
}

static int put_section(struct pcapng *f, struct buf *out)
{
	static const char comment[] = "Plaintext that was read inside TLS libraries. Addresses, "
				      "ports, order and times are "
				      "real, the TCP headers are made up.";
	struct writer *w = &f->block.w;
	char application[64];
	int n = snprintf(application, sizeof(application), "cleartap %.40s", f->version);

	block_number(w, 0x1a2b3c4d, 4);
	block_number(w, 1, 4); /* version 1.0 */
	block_number(w, UINT64_MAX, 8);
	block_comment(w, comment);
	block_option(w, OPTION_APPLICATION, application, (size_t)n);
	block_option(w, 0, "", 0);
	return block_end(&f->block, SECTION_HEADER, out);
}

static int put_interface(struct pcapng *f, const char *name, struct buf *out)
{
	struct writer *w = &f->block.w;

	block_number(w, LINKTYPE_RAW, 2);
	block_number(w, 0, 6); /* reserved, no limit of length */
	block_option(w, OPTION_NAME, name, strlen(name));
	block_option(w, 0, "", 0);
	return block_end(&f->block, INTERFACE, out);
}

static int pcapng_begin(void *state, struct buf *out)
{
	struct pcapng *f = state;
	int r = put_section(f, out);

	if (!r && f->kept)
		r = put_interface(f, "wire", out);
	return r ? r : put_interface(f, "cleartap", out);
}

/* The packet of a sender, with its time and an optional remark. */
static int put_packet(struct sender *s, const char *comment)
{
	const struct packet *p = &s->packet;
	struct writer *w = &s->file->block.w;
	size_t len = packet_head_size(p) + p->len;

	block_number(w, s->file->interface, 4);
	block_time(w, s->time_us);
	block_number(w, len, 4);
	block_number(w, len + p->missing, 4);
	if (!w->error)
		w->error = packet_put(p, w->out);
	writer_put(w, "\0\0\0", -w->out->len & 3);
	if (comment) {
		block_comment(w, comment);
		block_option(w, 0, "", 0);
	}
	return block_end(&s->file->block, ENHANCED_PACKET, s->out);
}

/* From one side: flags and bytes at its place in the stream. */
static int send_packet(struct sender *s, uint8_t flags, const char *data, size_t len,
		       size_t missing, const char *comment)
{
	uint32_t *seq = s->conversation->seq;
	struct packet *p = &s->packet;

	p->seq = seq[s->side];
	p->ack = flags & TCP_ACK ? seq[!s->side] : 0;
	p->flags = flags;
	p->data = data;
	p->len = len;
	p->missing = missing;
	seq[s->side] += (uint32_t)(len + missing + !!(flags & (TCP_SYN | TCP_FIN)));
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
	static const uint8_t flags[] = { TCP_SYN, TCP_SYN | TCP_ACK, TCP_ACK };
	int r = 0;

	for (size_t i = 0; !r && i < 3; i++) {
		r = send_packet(s, flags[i], "", 0, 0, NULL);
		if (i < 2)
			turn(s);
	}
	return r;
}

/* Bytes that so many follow which are not here: as a packet that was cut, so that it is dissected.
 */
static int send_cut(struct sender *s, const char *data, size_t len, uint64_t missing)
{
	size_t room = PACKET_MAX - packet_head_size(&s->packet) - len;
	size_t cut = missing < room ? (size_t)missing : room;
	char comment[96];

	snprintf(comment, sizeof(comment), "%" PRIu64 " bytes of this message are not here",
		 missing);
	int r = send_packet(s, TCP_PSH | TCP_ACK, data, len, cut, comment);
	s->conversation->seq[s->side] += (uint32_t)(missing - cut);
	return r;
}

/* What file->bytes holds, in segments, before bytes that are missing (0: the message ends). */
static int send_bytes(struct sender *s, uint64_t missing, int64_t end_us)
{
	const struct buf *b = &s->file->bytes;
	size_t segment = missing && b->len <= CUT_SEGMENT ? CUT_SEGMENT : SEGMENT;
	int r = 0;

	for (size_t at = 0; !r && at < b->len; at += segment) {
		size_t n = b->len - at < segment ? b->len - at : segment;
		bool last = at + n == b->len;
		if (at && last && end_us)
			s->time_us = end_us;
		r = last && missing ? send_cut(s, b->data + at, n, missing)
				    : send_packet(s, TCP_ACK | (last ? TCP_PSH : 0), b->data + at,
						  n, 0, NULL);
	}
	if (!b->len)
		s->conversation->seq[s->side] += (uint32_t)missing;
	buf_reset(&s->file->bytes);
	return r;
}

/* The body around its gaps; what is to go before it is in file->bytes already. */
static int send_body(struct sender *s, const struct stored *m, uint64_t size)
{
	struct writer w = { .out = &s->file->bytes };
	uint64_t at = 0, passed = 0, offset, length; /* at: in what is stored */
	int r = 0;

	for (size_t i = 0; !r && stored_gap(m, i, &offset, &length); i++) {
		uint64_t rest = m->body->len - at, n = offset > passed ? offset - passed : 0;
		n = n < rest ? n : rest;
		if (n)
			writer_put(&w, m->body->data + at, n);
		r = w.error ? w.error : send_bytes(s, length, 0);
		at += n;
		passed = offset + length;
	}
	if (r)
		return r;
	if (at < m->body->len)
		writer_put(&w, m->body->data + at, m->body->len - at);
	stored_put_end(m, size, &w);
	return w.error ? w.error : send_bytes(s, 0, m->end_us);
}

static int send_message(struct sender *s, const struct stored *m)
{
	uint64_t size = m->body->len + (uint64_t)stored_missing(m);
	struct writer w = { .out = &s->file->bytes };

	buf_reset(w.out);
	if (stored_is_http(m))
		stored_put_head(m, size, &w);
	if (w.error || (!w.out->len && !size))
		return w.error;
	if (m->begin_us)
		s->time_us = m->begin_us;
	int r = send_body(s, m, size);
	/* It ended with the connection: only so can a reader tell its end. */
	if (!r && stored_ends_by_close(m))
		r = send_packet(s, TCP_FIN | TCP_ACK, "", 0, 0, NULL);
	return r;
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

/* The conversation of a socket, all 0 when it is new; NULL when out of memory. */
static struct conversation *find_socket(struct pcapng *f, const struct packet *p)
{
	const struct conversation none = { 0 };
	struct {
		uint8_t src[16], dst[16];
		uint16_t ports[2];
	} key = { .ports = { p->src_port, p->dst_port } };

	memcpy(key.src, p->src, p->v6 ? 16 : 4);
	memcpy(key.dst, p->dst, p->v6 ? 16 : 4);
	if (f->index.count >= LIMIT_EXPORT_CONNS) {
		index_free(&f->index);
		buf_reset(&f->conversations);
	}
	size_t known = f->index.count;
	int64_t n = index_of(&f->index, (const char *)&key, sizeof(key));
	if (n < 0 || (f->index.count > known && buf_put(&f->conversations, &none, sizeof(none))))
		return NULL;
	return (struct conversation *)f->conversations.data + n;
}

/*
 * The ends of a socket have names of their own, where each was told apart. One that was named
 * otherwise before is a new connection of the same addresses, and begins with a handshake.
 */
static int find_conversation(struct sender *s, const struct entry *e)
{
	const char *end = *e->ends ? e->ends : e->role;
	size_t mine = !strcmp(end, "server");
	uint64_t name = hash_bytes(e->connection, strlen(e->connection)) | 1;
	struct conversation *c = find_socket(s->file, &s->packet);

	if (!c)
		return -ENOMEM;
	s->conversation = c;
	bool known = c->name[mine] ? c->name[mine] == name : c->name[!mine];
	if (known) {
		c->name[mine] = name;
		return 0;
	}
	/* The number of the first byte differs, as it does in reality. */
	uint32_t first = 0x1000 + s->file->begun++ * 0x10001;
	*c = (struct conversation){ .seq = { first, first + 0x1000 } };
	c->name[mine] = name;
	return send_handshake(s);
}

/* A message of a WebSocket as one frame, which it need not have been; a client masks with zeros. */
static int send_frame(struct sender *s, const struct stored_item *i)
{
	struct writer w = { .out = &s->file->bytes };
	bool close = i->opcode == 8 && *i->name;
	unsigned code = close ? (unsigned)atoi(i->name) : 0;
	size_t len = i->bytes.len + 2 * close;
	uint8_t mask = i->by_client ? 0x80 : 0;
	uint8_t head[] = { (uint8_t)(0x80 | i->opcode), (uint8_t)(mask | (len < 126 ? len : 126)),
			   (uint8_t)(len >> 8), (uint8_t)len };

	buf_reset(w.out);
	writer_put(&w, head, len < 126 ? 2 : 4);
	writer_put(&w, "\0\0\0\0", i->by_client ? 4 : 0);
	writer_put(&w, (uint8_t[]){ (uint8_t)(code >> 8), (uint8_t)code }, 2 * close);
	if (i->bytes.len)
		writer_put(&w, i->bytes.data, i->bytes.len);
	s->time_us = i->time_us;
	return w.error ? w.error : send_bytes(s, 0, 0);
}

static int send_frames(struct sender *s, const json_t *detail)
{
	struct stored_item item;
	int r = 0;

	for (size_t i = 0; !r && stored_item(detail, i, &item); i++) {
		r = item.error;
		if (item.by_client != (s->side == 0))
			turn(s);
		if (item.cut || item.lost)
			s->file->torn++;
		else if (!r)
			r = send_frame(s, &item);
		buf_free(&item.bytes);
	}
	s->file->torn += (uint64_t)json_integer_value(json_object_get(detail, "messages_omitted"));
	return r;
}

static int send_exchange(struct sender *s, const struct entry *original, const struct hidden *m)
{
	struct stored request, response;
	int r = find_conversation(s, original);

	stored_both(&m->e, m->detail, &request, &response);
	if (!r)
		r = send_message(s, &request);
	turn(s);
	if (!r)
		r = send_message(s, &response);
	if (!r && !strcmp(original->protocol, "websocket"))
		r = send_frames(s, m->detail);
	return r;
}

/* What is kept of other protocols is written for people; Wireshark would take it for their bytes.
 */
static bool has_bytes(const struct entry *e)
{
	static const char *const protocols[] = { "http", "http2", "grpc", "websocket", "tls" };

	for (size_t i = 0; i < sizeof(protocols) / sizeof(*protocols); i++)
		if (!strcmp(e->protocol, protocols[i]))
			return true;
	return false;
}

static int pcapng_add(void *state, const struct entry *original, const struct kfl *filter,
		      struct buf *out)
{
	struct pcapng *f = state;
	struct sender s = { .file = f, .out = out, .time_us = original->timestamp_us };
	int told = told_before(&f->told, original);
	struct hidden m;

	if (told)
		return told < 0 ? told : 0;
	int r = hide_whole(original, filter, &m);
	if (!r && !has_bytes(original)) {
		f->rendered++;
	} else if (!r && set_addresses(&m.e, &s.packet)) {
		s.time_us = m.e.timestamp_us;
		r = send_exchange(&s, original, &m);
	} else if (!r) {
		f->left_out++;
	}
	hide_free(&m);
	return r;
}

static int pcapng_end(void *state, struct buf *out)
{
	struct pcapng *f = state;
	struct writer *w = &f->block.w;
	char comment[300];

	snprintf(comment, sizeof(comment),
		 "%" PRIu64 " entries whose addresses are not known are left out, %" PRIu64
		 " of protocols of which no bytes are kept, and %" PRIu64
		 " messages of WebSockets that are not whole",
		 f->left_out, f->rendered, f->torn);
	block_number(w, f->interface, 4);
	block_number(w, 0, 8); /* no time of the statistics */
	block_option(w, OPTION_DROPPED, &f->left_out, sizeof(f->left_out));
	block_comment(w, comment);
	block_option(w, 0, "", 0);
	return block_end(&f->block, INTERFACE_STATISTICS, out);
}

static void pcapng_close(void *state)
{
	struct pcapng *f = state;

	told_free(&f->told);
	index_free(&f->index);
	buf_free(&f->conversations);
	buf_free(&f->bytes);
	block_free(&f->block);
	kept_free(f->kept);
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

static void *packets_open(struct request *r)
{
	struct pcapng *f = pcapng_open(r);

	if (!f)
		return NULL;
	f->kept = kept_new(r);
	f->interface = 1;
	if (f->kept)
		return f;
	pcapng_close(f);
	return NULL;
}

static int packets_look(void *state, const struct entry *e)
{
	return kept_look(((struct pcapng *)state)->kept, e);
}

/* The packets, before the plaintext: its handshakes begin its streams of the same addresses. */
static int packets_put(void *state, struct buf *out, bool *ret_done)
{
	struct pcapng *f = state;

	return kept_put(f->kept, &f->block, out, ret_done);
}

static const struct export_format pcapng_packets = {
	.type = "application/x-pcapng",
	.extension = "pcapng",
	.open = packets_open,
	.look = packets_look,
	.look_query = "tcp",
	.begin = pcapng_begin,
	.before = packets_put,
	.add = pcapng_add,
	.end = pcapng_end,
	.close = pcapng_close,
};

void pcapng_export(struct request *r)
{
	const struct api_source *source = &r->api->source;
	bool packets, keys;

	if (!param_flag(r, "packets", &packets) || !param_flag(r, "keys", &keys))
		return;
	if (keys && !packets)
		problem(r, MHD_HTTP_BAD_REQUEST, "keys", "keys are for packets: packets=1");
	else if (packets && !source->packets)
		problem(r, MHD_HTTP_CONFLICT, "packets",
			"no packets are kept: start cleartap with --keep-packets SIZE");
	else if (keys && source->key_log < 0)
		problem(r, MHD_HTTP_CONFLICT, "keys",
			"no keys are known: start cleartap with --keylog FILE");
	else
		export_start(r, packets ? &pcapng_packets : &pcapng);
}
