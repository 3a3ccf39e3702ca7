/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes files of packets: a TCP connection, in any format, over any link layer. */
#ifndef CLEARTAP_TEST_PACKETS_H
#define CLEARTAP_TEST_PACKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum packets_format { PACKETS_US, PACKETS_NS, PACKETS_NG };

/* How what follows is written; change it at any time. */
struct packets {
	struct buf file;
	enum packets_format format;
	bool swapped;	     /* the other order of bytes */
	uint16_t link;	     /* LINKTYPE_* */
	unsigned vlans;	     /* tags */
	bool ipv6, extended; /* with extension headers */
	bool udp;	     /* the packet that is being made */
	size_t fragment;     /* bytes of each, 0: whole */
	bool backwards;	     /* fragments: the last one first */
	size_t snap;	     /* bytes of a packet that are kept, 0 all */
	unsigned interface;  /* of PACKETS_NG */
	int64_t time_us;     /* of the next packet */
	uint32_t seq[2];     /* of the next bytes, by side */
	uint16_t port[2];
};

enum { PACKET_FIN = 1, PACKET_SYN = 2, PACKET_RST = 4, PACKET_ACK = 16 };

void packets_begin(struct packets *p); /* the head of the file, or of a section */
void packets_interface(struct packets *p, unsigned char unit); /* of PACKETS_NG; 0: microseconds */
void packets_secrets(struct packets *p, const char *text);     /* the same */
/* One segment from a side (0: the client's). */
void packets_segment(struct packets *p, int from, uint32_t seq, uint8_t flags, const char *bytes,
		     size_t len);
/* One datagram of UDP. */
void packets_datagram(struct packets *p, int from, const void *bytes, size_t len);
/* In order, from where the side is. */
void packets_say(struct packets *p, int from, const char *text);
void packets_open(struct packets *p);
void packets_close(struct packets *p);

#endif
