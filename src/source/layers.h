/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a packet of a file to TCP or UDP: link layers, VLANs, IPv4 and IPv6 with their extension
 * headers, and fragments put together. Checksums are not looked at, since programs that capture
 * see packets before the card has made them.
 */
#ifndef CLEARTAP_LAYERS_H
#define CLEARTAP_LAYERS_H

#include <stddef.h>
#include <stdint.h>

struct pcap_piece;

enum layers_is {
	LAYERS_TCP,
	LAYERS_UDP,
	LAYERS_OTHER,	 /* no IP, or neither TCP nor UDP in it */
	LAYERS_FRAGMENT, /* of a datagram that is not complete yet */
	LAYERS_BROKEN,	 /* headers that contradict themselves or end too soon */
	LAYERS_LINK	 /* a link layer that is not read */
};

enum { TCP_FIN = 1, TCP_SYN = 2, TCP_RST = 4, TCP_ACK = 16 };

/* One packet of a flow of packets. What tells flows apart comes first and has no holes. */
struct datagram {
	struct datagram_ends {
		uint8_t ip[2][16]; /* from, to; IPv4 in the first 4 bytes, the rest is 0 */
		uint16_t port[2];
		uint16_t vlan[2]; /* the outer tags; 0 none */
	} ends;
	uint8_t family; /* 4 or 6 */
	uint8_t flags;	/* of TCP: TCP_* */
	uint32_t seq, ack;
	const uint8_t *bytes; /* the payload, valid until the next call */
	size_t len;
	size_t wire_len; /* of the payload: more than len when the packet was cut */
};

/* Fragments that wait for the rest of their datagrams, LIMIT_PCAP_FRAGMENTED of them. */
struct fragments;
struct fragments *fragments_new(void);
void fragments_free(struct fragments *f);
struct fragments_counts {
	uint64_t whole, given_up; /* datagrams */
};
struct fragments_counts fragments_counts(const struct fragments *f);

enum layers_is layers_read(struct fragments *f, const struct pcap_piece *p, struct datagram *ret);
/* Its ends in the order that both directions share; which of them sent it. */
int datagram_order(const struct datagram *g, struct datagram_ends *ret);

#endif
