// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/layers.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/unpack.h"
#include "source/pcap_file.h"

enum {
	LINK_NULL = 0,
	LINK_ETHERNET = 1,
	LINK_RAW_12 = 12,
	LINK_RAW_14 = 14,
	LINK_RAW = 101,
	LINK_LOOP = 108,
	LINK_COOKED = 113,
	LINK_IPV4 = 228,
	LINK_IPV6 = 229,
	LINK_COOKED_2 = 276
};
enum {
	ETHER_IPV4 = 0x0800,
	ETHER_IPV6 = 0x86dd,
	ETHER_VLAN = 0x8100,
	ETHER_QINQ = 0x88a8,
	ETHER_QINQ_OLD = 0x9100
};
enum {
	IP_HOP = 0,
	IP_TCP = 6,
	IP_UDP = 17,
	IP_ROUTING = 43,
	IP_FRAGMENT = 44,
	IP_AUTH = 51,
	IP_OPTIONS = 60,
	IP_MOBILITY = 135
};

#define VLANS	   4  /* tags of a packet */
#define EXTENSIONS 16 /* headers of IPv6 before the one of TCP */
#define WHOLE	   65536
#define UNIT	   8 /* bytes in which fragments are cut */

/* A datagram in pieces. */
struct fragmented {
	uint8_t ip[2][16];
	uint32_t id;
	uint8_t family, protocol;
	bool used;
	uint64_t order; /* of the last one that came */
	uint32_t end;	/* of the whole; 0: the last fragment has not come */
	uint32_t have;	/* units */
	uint64_t units[WHOLE / UNIT / 64 + 1];
	uint8_t *bytes;
};

struct fragments {
	struct fragmented all[LIMIT_PCAP_FRAGMENTED];
	uint64_t order;
	struct fragments_counts counts;
};

/* What an IP header says of what follows it. */
struct ip {
	uint8_t protocol;
	uint32_t id, offset; /* of a fragment */
	bool more, fragment;
	struct unpack rest;
	size_t wire_len; /* of the rest, before it was cut */
};

struct fragments *fragments_new(void)
{
	return calloc(1, sizeof(struct fragments));
}

void fragments_free(struct fragments *f)
{
	for (size_t i = 0; f && i < LIMIT_PCAP_FRAGMENTED; i++)
		free(f->all[i].bytes);
	free(f);
}

struct fragments_counts fragments_counts(const struct fragments *f)
{
	return f->counts;
}

static bool is_of(const struct fragmented *d, const struct datagram *g, const struct ip *ip)
{
	return d->used && d->id == ip->id && d->family == g->family &&
	       d->protocol == ip->protocol && !memcmp(d->ip, g->ends.ip, sizeof(d->ip));
}

/* The datagram that this is a part of; a new one takes the place of the one that waits longest. */
static struct fragmented *find_datagram(struct fragments *f, const struct datagram *g,
					const struct ip *ip)
{
	struct fragmented *oldest = &f->all[0];

	for (size_t i = 0; i < LIMIT_PCAP_FRAGMENTED; i++) {
		struct fragmented *d = &f->all[i];
		if (is_of(d, g, ip))
			return d;
		if (oldest->used && (!d->used || d->order < oldest->order))
			oldest = d;
	}
	uint8_t *bytes = oldest->bytes ? oldest->bytes : malloc(WHOLE);
	if (!bytes)
		return NULL;
	f->counts.given_up += oldest->used;
	*oldest = (struct fragmented){ .id = ip->id,
				       .family = g->family,
				       .protocol = ip->protocol,
				       .used = true,
				       .bytes = bytes };
	memcpy(oldest->ip, g->ends.ip, sizeof(oldest->ip));
	return oldest;
}

/* The first copy of each unit stays. */
static void put_units(struct fragmented *d, uint32_t offset, const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i += UNIT) {
		size_t unit = (offset + i) / UNIT, n = len - i < UNIT ? len - i : UNIT;
		uint64_t bit = 1ULL << unit % 64;
		if (d->units[unit / 64] & bit)
			continue;
		d->units[unit / 64] |= bit;
		d->have++;
		memcpy(d->bytes + offset + i, bytes + i, n);
	}
}

/* Units past its end do not make up for others. */
static bool is_whole(const struct fragmented *d)
{
	uint32_t units = (d->end + UNIT - 1) / UNIT;

	if (!d->end || d->have < units)
		return false;
	for (uint32_t i = 0; i < units / 64; i++)
		if (~d->units[i])
			return false;
	uint64_t last = (1ULL << units % 64) - 1;
	return (d->units[units / 64] & last) == last;
}

/* True when the datagram is whole by it: ip->rest is then all of it. */
static bool put_together(struct fragments *f, const struct datagram *g, struct ip *ip)
{
	size_t len = ip->rest.left;

	if (ip->offset + len > WHOLE - 1 || len < ip->wire_len || (ip->more && len % UNIT) || !len)
		return false;
	struct fragmented *d = find_datagram(f, g, ip);
	if (!d)
		return false;
	d->order = ++f->order;
	put_units(d, ip->offset, ip->rest.at, len);
	if (!ip->more && !d->end)
		d->end = ip->offset + (uint32_t)len;
	if (!is_whole(d))
		return false;
	ip->rest = unpack_at(d->bytes, d->end);
	ip->wire_len = d->end;
	d->used = false;
	f->counts.whole++;
	return true;
}

/* The rest of a packet has at most `len` bytes, by its own header; what is more is padding. */
static void set_length(struct ip *ip, struct unpack u, size_t wire_left, uint64_t len)
{
	ip->wire_len = len < wire_left ? (size_t)len : wire_left;
	ip->rest = u;
	if (ip->rest.left > ip->wire_len)
		ip->rest.left = ip->wire_len;
}

/* `wire` is the length of the packet from here on. A length of 0 is that of a super-packet. */
static bool read_ipv4(struct unpack u, size_t wire, struct datagram *g, struct ip *ip)
{
	uint8_t first = (uint8_t)unpack_be(&u, 1);
	size_t head = (size_t)(first & 15) * 4;

	unpack_be(&u, 1);
	uint64_t total = unpack_be(&u, 2);
	ip->id = (uint32_t)unpack_be(&u, 2);
	uint16_t fragment = (uint16_t)unpack_be(&u, 2);
	unpack_be(&u, 1);
	ip->protocol = (uint8_t)unpack_be(&u, 1);
	unpack_be(&u, 2);
	for (int i = 0; i < 2; i++) {
		const uint8_t *address = unpack_take(&u, 4);
		if (address)
			memcpy(g->ends.ip[i], address, 4);
	}
	total = total ? total : wire;
	if (head < 20 || total < head || !unpack_take(&u, head - 20))
		return false;
	ip->more = fragment & 0x2000;
	ip->offset = (fragment & 0x1fffU) * UNIT;
	ip->fragment = ip->more || ip->offset;
	g->family = 4;
	set_length(ip, u, wire > head ? wire - head : 0, total - head);
	return true;
}

/* One extension header: true when another header follows. */
static bool read_extension(struct ip *ip)
{
	struct unpack *u = &ip->rest;
	size_t before = u->left;
	uint8_t was = ip->protocol;

	if (was != IP_HOP && was != IP_ROUTING && was != IP_OPTIONS && was != IP_MOBILITY &&
	    was != IP_AUTH && was != IP_FRAGMENT)
		return false;
	ip->protocol = (uint8_t)unpack_be(u, 1);
	uint64_t len = unpack_be(u, 1);
	if (was == IP_FRAGMENT) {
		uint16_t place = (uint16_t)unpack_be(u, 2);
		ip->id = (uint32_t)unpack_be(u, 4);
		ip->offset = place & 0xfff8;
		ip->more = place & 1;
		ip->fragment = ip->more || ip->offset;
	} else {
		unpack_take(u, was == IP_AUTH ? len * 4 + 6 : len * 8 + 6);
	}
	ip->wire_len -= before - u->left < ip->wire_len ? before - u->left : ip->wire_len;
	return !ip->fragment;
}

static bool read_ipv6(struct unpack u, size_t wire, struct datagram *g, struct ip *ip)
{
	unpack_be(&u, 4);
	uint64_t len = unpack_be(&u, 2);
	ip->protocol = (uint8_t)unpack_be(&u, 1);
	unpack_be(&u, 1);
	for (int i = 0; i < 2; i++) {
		const uint8_t *address = unpack_take(&u, 16);
		if (address)
			memcpy(g->ends.ip[i], address, 16);
	}
	if (u.failed || wire < 40)
		return false;
	g->family = 6;
	set_length(ip, u, wire - 40, len ? len : wire - 40);
	for (int i = 0; i < EXTENSIONS && read_extension(ip); i++)
		;
	return !ip->rest.failed;
}

/* Their ports, and where the payload begins. */
static bool read_ports(struct unpack *u, struct datagram *g)
{
	g->ends.port[0] = (uint16_t)unpack_be(u, 2);
	g->ends.port[1] = (uint16_t)unpack_be(u, 2);
	return !u->failed;
}

static void set_payload(struct datagram *g, const struct unpack *u, size_t wire_len)
{
	g->bytes = u->at;
	g->len = u->left;
	g->wire_len = wire_len > u->left ? wire_len : u->left;
}

static enum layers_is read_tcp(struct unpack u, size_t wire_len, struct datagram *g)
{
	if (!read_ports(&u, g))
		return LAYERS_BROKEN;
	g->seq = (uint32_t)unpack_be(&u, 4);
	g->ack = (uint32_t)unpack_be(&u, 4);
	size_t head = (size_t)(unpack_be(&u, 1) >> 4) * 4;
	g->flags = (uint8_t)unpack_be(&u, 1);
	unpack_take(&u, 6);
	if (u.failed || head < 20 || wire_len < head)
		return LAYERS_BROKEN;
	if (!unpack_take(&u, head - 20))
		u = unpack_at(NULL,
			      0); /* cut within its options: what follows is known to be there */
	set_payload(g, &u, wire_len - head);
	return LAYERS_TCP;
}

static enum layers_is read_udp(struct unpack u, size_t wire_len, struct datagram *g)
{
	if (!read_ports(&u, g) || wire_len < 8)
		return LAYERS_BROKEN;
	unpack_take(&u, 4);
	if (u.failed)
		return LAYERS_BROKEN;
	set_payload(g, &u, wire_len - 8);
	return LAYERS_UDP;
}

static enum layers_is read_ip(struct fragments *f, struct unpack u, size_t wire, struct datagram *g)
{
	uint8_t version = u.left ? *u.at >> 4 : 0;
	struct ip ip = { 0 };

	if (version != 4 && version != 6)
		return LAYERS_BROKEN;
	if (!(version == 4 ? read_ipv4(u, wire, g, &ip) : read_ipv6(u, wire, g, &ip)))
		return LAYERS_BROKEN;
	if (ip.fragment && !put_together(f, g, &ip))
		return LAYERS_FRAGMENT;
	return ip.protocol == IP_TCP   ? read_tcp(ip.rest, ip.wire_len, g)
	       : ip.protocol == IP_UDP ? read_udp(ip.rest, ip.wire_len, g)
				       : LAYERS_OTHER;
}

static enum layers_is read_ether(struct fragments *f, struct unpack u, size_t wire, uint16_t type,
				 struct datagram *g)
{
	for (unsigned i = 0; type == ETHER_VLAN || type == ETHER_QINQ || type == ETHER_QINQ_OLD;
	     i++) {
		uint16_t tag = (uint16_t)unpack_be(&u, 2);
		type = (uint16_t)unpack_be(&u, 2);
		if (i < 2)
			g->ends.vlan[i] = tag & 0xfff;
		if (u.failed || i >= VLANS || wire < 4)
			return LAYERS_BROKEN;
		wire -= 4;
	}
	return type == ETHER_IPV4 || type == ETHER_IPV6 ? read_ip(f, u, wire, g) : LAYERS_OTHER;
}

/* A family of the machine that captured, whose order of bytes nobody knows. */
static bool is_ip_family(uint32_t family)
{
	static const uint8_t families[] = { 2, 10, 24, 28, 30 };

	if (family > 0xffff)
		family = __builtin_bswap32(family);
	for (size_t i = 0; i < sizeof(families); i++)
		if (family == families[i])
			return true;
	return false;
}

/* So many bytes of a link layer, of which the last two of `type_at` say what follows. */
static enum layers_is read_linked(struct fragments *f, const struct pcap_piece *p, size_t head,
				  size_t type_at, struct datagram *g)
{
	struct unpack u = unpack_at(p->bytes, p->len);
	const uint8_t *link = unpack_take(&u, head);

	if (!link)
		return LAYERS_BROKEN;
	return read_ether(f, u, p->wire_len - head,
			  (uint16_t)(link[type_at] << 8 | link[type_at + 1]), g);
}

static enum layers_is read_family(struct fragments *f, const struct pcap_piece *p,
				  struct datagram *g)
{
	struct unpack u = unpack_at(p->bytes, p->len);
	uint32_t family = (uint32_t)unpack_be(&u, 4);

	if (u.failed)
		return LAYERS_BROKEN;
	return is_ip_family(family) ? read_ip(f, u, p->wire_len - 4, g) : LAYERS_OTHER;
}

enum layers_is layers_read(struct fragments *f, const struct pcap_piece *p, struct datagram *ret)
{
	*ret = (struct datagram){ 0 };
	switch (p->link) {
	case LINK_ETHERNET:
		return read_linked(f, p, 14, 12, ret);
	case LINK_COOKED:
		return read_linked(f, p, 16, 14, ret);
	case LINK_COOKED_2:
		return read_linked(f, p, 20, 0, ret);
	case LINK_NULL:
	case LINK_LOOP:
		return read_family(f, p, ret);
	case LINK_RAW:
	case LINK_RAW_12:
	case LINK_RAW_14:
	case LINK_IPV4:
	case LINK_IPV6:
		return read_ip(f, unpack_at(p->bytes, p->len), p->wire_len, ret);
	default:
		return LAYERS_LINK;
	}
}

int datagram_order(const struct datagram *g, struct datagram_ends *ret)
{
	int by_ip = memcmp(g->ends.ip[0], g->ends.ip[1], 16);
	bool swap = by_ip ? by_ip > 0 : g->ends.port[0] > g->ends.port[1];

	*ret = g->ends;
	if (swap) {
		memcpy(ret->ip[0], g->ends.ip[1], 16);
		memcpy(ret->ip[1], g->ends.ip[0], 16);
		ret->port[0] = g->ends.port[1];
		ret->port[1] = g->ends.port[0];
	}
	return swap;
}
