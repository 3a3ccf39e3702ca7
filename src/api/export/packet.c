// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/export/packet.h"

#include <errno.h>
#include <string.h>

#include "base/buf.h"

#define IP4_SIZE 20
#define IP6_SIZE 40
#define TCP_SIZE 20
#define PROTOCOL 6
#define TTL	 64
#define WINDOW	 65535

static void put16(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 8);
	p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
	put16(p, v >> 16);
	put16(p + 2, v);
}

/* Add 16-bit words (RFC 1071); an odd byte is the high half of a word. */
static uint64_t sum(uint64_t start, const void *data, size_t len)
{
	const uint8_t *p = data;

	for (size_t i = 0; i + 1 < len; i += 2)
		start += (uint32_t)p[i] << 8 | p[i + 1];
	return len % 2 ? start + ((uint32_t)p[len - 1] << 8) : start;
}

static uint16_t fold(uint64_t s)
{
	while (s >> 16)
		s = (s & 0xffff) + (s >> 16);
	return (uint16_t)~s;
}

size_t packet_head_size(const struct packet *p)
{
	return (p->v6 ? IP6_SIZE : IP4_SIZE) + TCP_SIZE;
}

static size_t make_ip(const struct packet *p, uint8_t *h)
{
	size_t tcp_len = TCP_SIZE + p->len + p->missing;

	if (p->v6) {
		h[0] = 0x60;
		put16(h + 4, (uint32_t)tcp_len);
		h[6] = PROTOCOL;
		h[7] = TTL;
		memcpy(h + 8, p->src, 16);
		memcpy(h + 24, p->dst, 16);
		return IP6_SIZE;
	}
	h[0] = 0x45;
	put16(h + 2, (uint32_t)(IP4_SIZE + tcp_len));
	h[6] = 0x40; /* do not fragment */
	h[8] = TTL;
	h[9] = PROTOCOL;
	memcpy(h + 12, p->src, 4);
	memcpy(h + 16, p->dst, 4);
	put16(h + 10, fold(sum(0, h, IP4_SIZE)));
	return IP4_SIZE;
}

static void make_tcp(const struct packet *p, uint8_t *h)
{
	size_t address = p->v6 ? 16 : 4;
	uint64_t s = PROTOCOL + TCP_SIZE + p->len;

	put16(h, p->src_port);
	put16(h + 2, p->dst_port);
	put32(h + 4, p->seq);
	put32(h + 8, p->ack);
	h[12] = TCP_SIZE / 4 << 4;
	h[13] = p->flags;
	put16(h + 14, WINDOW);
	if (p->missing)
		return;
	s = sum(sum(s, p->src, address), p->dst, address);
	put16(h + 16, fold(sum(sum(s, h, TCP_SIZE), p->data, p->len)));
}

int packet_put(const struct packet *p, struct buf *out)
{
	uint8_t h[IP6_SIZE + TCP_SIZE] = { 0 };
	size_t n = make_ip(p, h);

	make_tcp(p, h + n);
	if (buf_put(out, h, n + TCP_SIZE))
		return -ENOMEM;
	return buf_put(out, p->data, p->len);
}
