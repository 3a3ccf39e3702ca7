/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IP and TCP headers for bytes that had none: what a pcapng export is made of. */
#ifndef CLEARTAP_API_PACKET_H
#define CLEARTAP_API_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf;

enum tcp_flag { TCP_FIN = 1, TCP_SYN = 2, TCP_PSH = 8, TCP_ACK = 16 };

struct packet {
	bool v6;
	uint8_t src[16], dst[16]; /* network order, the first 4 of them for IPv4 */
	uint16_t src_port, dst_port;
	uint32_t seq, ack;
	uint8_t flags;
	const void *data;
	size_t len;	/* that are there */
	size_t missing; /* more that the packet had: a capture that was cut */
};

/* Bytes of the headers of a packet. */
size_t packet_head_size(const struct packet *p);
/* Append headers with right checksums, and the data. Of a cut packet TCP's cannot be known: 0. */
int packet_put(const struct packet *p, struct buf *out);

#endif
