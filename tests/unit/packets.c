// SPDX-License-Identifier: GPL-2.0-or-later
#include "packets.h"

#include <string.h>

enum { NULL_LINK = 0, ETHERNET = 1, RAW = 101, LOOP = 108, COOKED = 113, COOKED_2 = 276 };

static void be(struct buf *b, uint64_t value, unsigned n)
{
	while (n--)
		buf_putc(b, (char)(value >> (8 * n)));
}

/* A number of the file's own, in its order of bytes. */
static void own(struct packets *p, struct buf *b, uint64_t value, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		buf_putc(b, (char)(value >> (8 * (p->swapped ? n - 1 - i : i))));
}

static void block(struct packets *p, uint32_t type, const struct buf *body)
{
	size_t pad = (4 - body->len % 4) % 4, len = 12 + body->len + pad;

	own(p, &p->file, type, 4);
	own(p, &p->file, len, 4);
	buf_put(&p->file, body->data, body->len);
	buf_put(&p->file, "\0\0\0", pad);
	own(p, &p->file, len, 4);
}

void packets_begin(struct packets *p)
{
	struct buf b = { 0 };

	if (p->format == PACKETS_NG) {
		own(p, &b, 0x1a2b3c4d, 4);
		own(p, &b, 1, 2);
		own(p, &b, 0, 2);
		own(p, &b, UINT64_MAX, 8);
		block(p, 0x0a0d0d0a, &b);
	} else {
		own(p, &p->file, p->format == PACKETS_NS ? 0xa1b23c4d : 0xa1b2c3d4, 4);
		own(p, &p->file, 2, 2);
		own(p, &p->file, 4, 2);
		own(p, &p->file, 0, 8);
		own(p, &p->file, 262144, 4);
		own(p, &p->file, p->link, 4);
	}
	buf_free(&b);
	if (p->format == PACKETS_NG)
		packets_interface(p, 0);
}

void packets_interface(struct packets *p, unsigned char unit)
{
	struct buf b = { 0 };

	own(p, &b, p->link, 2);
	own(p, &b, 0, 6);
	if (unit) {
		own(p, &b, 9, 2);
		own(p, &b, 1, 2);
		buf_putc(&b, (char)unit);
		buf_put(&b, "\0\0\0", 3);
		own(p, &b, 0, 4);
	}
	block(p, 1, &b);
	buf_free(&b);
}

void packets_secrets(struct packets *p, const char *text)
{
	struct buf b = { 0 };

	own(p, &b, 0x544c534b, 4);
	own(p, &b, strlen(text), 4);
	buf_puts(&b, text);
	block(p, 10, &b);
	buf_free(&b);
}

static void put_record(struct packets *p, const struct buf *frame)
{
	size_t len = p->snap && p->snap < frame->len ? p->snap : frame->len;
	uint64_t us = (uint64_t)p->time_us;
	struct buf b = { 0 };

	if (p->format == PACKETS_NG) {
		own(p, &b, p->interface, 4);
		own(p, &b, us >> 32, 4);
		own(p, &b, us & UINT32_MAX, 4);
		own(p, &b, len, 4);
		own(p, &b, frame->len, 4);
		buf_put(&b, frame->data, len);
		block(p, 6, &b);
	} else {
		own(p, &p->file, us / 1000000, 4);
		own(p, &p->file, us % 1000000 * (p->format == PACKETS_NS ? 1000 : 1), 4);
		own(p, &p->file, len, 4);
		own(p, &p->file, frame->len, 4);
		buf_put(&p->file, frame->data, len);
	}
	buf_free(&b);
}

static void put_tags(struct packets *p, struct buf *b, unsigned type)
{
	for (unsigned i = 0; i < p->vlans; i++) {
		be(b, i + 1 < p->vlans ? 0x88a8 : 0x8100, 2);
		be(b, 5 + i, 2);
	}
	be(b, type, 2);
}

static void put_link(struct packets *p, struct buf *b)
{
	unsigned type = p->ipv6 ? 0x86dd : 0x0800;

	switch (p->link) {
	case ETHERNET:
		buf_put(b, "\2\0\0\0\0\1\2\0\0\0\0\2", 12);
		put_tags(p, b, type);
		break;
	case COOKED:
		be(b, 4, 2);
		be(b, 1, 2);
		be(b, 6, 2);
		be(b, 0, 8);
		put_tags(p, b, type);
		break;
	case COOKED_2:
		be(b, type, 2);
		be(b, 0, 18);
		break;
	case NULL_LINK:
		own(p, b, p->ipv6 ? 30 : 2, 4);
		break;
	case LOOP:
		be(b, p->ipv6 ? 24 : 2, 4);
		break;
	}
}

static void put_ipv4(struct packets *p, struct buf *b, int from, const struct buf *tcp, size_t at,
		     size_t len)
{
	bool more = at + len < tcp->len;

	be(b, 0x4500, 2);
	be(b, 20 + len, 2);
	be(b, 77, 2);
	be(b, (more ? 0x2000U : 0) | at / 8, 2);
	be(b, 0x4000U | (p->udp ? 17 : 6), 2);
	be(b, 0, 2);
	be(b, 0x0a000001U + (unsigned)from, 4);
	be(b, 0x0a000002U - (unsigned)from, 4);
}

static void put_ipv6(struct packets *p, struct buf *b, int from, const struct buf *tcp, size_t at,
		     size_t len)
{
	bool whole = len == tcp->len, more = at + len < tcp->len;
	uint8_t protocol = p->udp ? 17 : 6, next = whole ? protocol : 44;

	be(b, 0x60000000, 4);
	be(b, len + (whole ? 0 : 8) + (p->extended ? 24 : 0), 2);
	be(b, p->extended ? 0 : next, 1);
	be(b, 64, 1);
	for (int i = 0; i < 2; i++) {
		be(b, 0xfd00000000000000, 8);
		be(b, 1 + (uint64_t)(i ? !from : from), 8);
	}
	if (p->extended) { /* hop-by-hop options, and 16 bytes of destination options */
		be(b, 60, 1);
		be(b, 0, 7);
		be(b, next, 1);
		be(b, 1, 1);
		be(b, 0, 14);
	}
	if (!whole) {
		be(b, protocol, 1);
		be(b, 0, 1);
		be(b, at | more, 2);
		be(b, 77, 4);
	}
}

static void put_part(struct packets *p, int from, const struct buf *tcp, size_t at, size_t len)
{
	struct buf b = { 0 };

	put_link(p, &b);
	if (p->ipv6)
		put_ipv6(p, &b, from, tcp, at, len);
	else
		put_ipv4(p, &b, from, tcp, at, len);
	buf_put(&b, tcp->data + at, len);
	if (p->link == ETHERNET && b.len < 60) /* what cards fill up */
		be(&b, 0, 8), be(&b, 0, 8);
	put_record(p, &b);
	buf_free(&b);
}

/* Whole, or in fragments. */
static void put_parts(struct packets *p, int from, const struct buf *b)
{
	size_t step = p->fragment ? p->fragment : b->len, parts = (b->len + step - 1) / step;

	for (size_t i = 0; i < parts; i++) {
		size_t at = (p->backwards ? parts - 1 - i : i) * step;
		put_part(p, from, b, at, b->len - at < step ? b->len - at : step);
	}
	p->time_us += 10;
}

void packets_segment(struct packets *p, int from, uint32_t seq, uint8_t flags, const char *bytes,
		     size_t len)
{
	struct buf tcp = { 0 };

	be(&tcp, p->port[from], 2);
	be(&tcp, p->port[!from], 2);
	be(&tcp, seq, 4);
	be(&tcp, flags & PACKET_ACK ? p->seq[!from] : 0, 4);
	be(&tcp, 0x60, 1); /* 4 bytes of options */
	be(&tcp, flags, 1);
	be(&tcp, 0xffff, 2);
	be(&tcp, 0, 4);
	be(&tcp, 0x01010101, 4);
	buf_put(&tcp, bytes, len);
	put_parts(p, from, &tcp);
	buf_free(&tcp);
}

void packets_datagram(struct packets *p, int from, const void *bytes, size_t len)
{
	struct buf udp = { 0 };

	be(&udp, p->port[from], 2);
	be(&udp, p->port[!from], 2);
	be(&udp, 8 + len, 2);
	be(&udp, 0, 2);
	buf_put(&udp, bytes, len);
	p->udp = true;
	put_parts(p, from, &udp);
	p->udp = false;
	buf_free(&udp);
}

void packets_say(struct packets *p, int from, const char *text)
{
	packets_segment(p, from, p->seq[from], PACKET_ACK, text, strlen(text));
	p->seq[from] += (uint32_t)strlen(text);
}

void packets_open(struct packets *p)
{
	packets_segment(p, 0, p->seq[0]++, PACKET_SYN, "", 0);
	packets_segment(p, 1, p->seq[1]++, PACKET_SYN | PACKET_ACK, "", 0);
	packets_segment(p, 0, p->seq[0], PACKET_ACK, "", 0);
}

void packets_close(struct packets *p)
{
	packets_segment(p, 0, p->seq[0]++, PACKET_FIN | PACKET_ACK, "", 0);
	packets_segment(p, 1, p->seq[1]++, PACKET_FIN | PACKET_ACK, "", 0);
	packets_segment(p, 0, p->seq[0], PACKET_ACK, "", 0);
}
