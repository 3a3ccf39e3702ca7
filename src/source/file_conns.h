/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The TCP connections of a file of packets: their bytes in order, TLS among them decrypted where
 * secrets are known, told to sessions as flows of no process. What the side that opened a
 * connection sends is written, as if it were seen there.
 */
#ifndef CLEARTAP_FILE_CONNS_H
#define CLEARTAP_FILE_CONNS_H

#include <stdbool.h>
#include <stdint.h>

#include "source/tls_stream.h"
#include "wire/reassemble.h"

struct datagram;
struct file_conns;
struct sessions;
struct wire;

struct file_conns_counts {
	uint64_t connections, joined; /* seen, and those whose first packet was not */
	uint64_t gave_way;	      /* the longest idle ones, past LIMIT_PCAP_CONNS */
	struct reassemble_counts tcp;
	struct tls_stream_counts tls;
};

/*
 * NULL when out of memory. All are borrowed; `w` NULL: nobody is told of the wire, `s` NULL: nobody
 * is told what was said, and connections are those of file_conns_take_end().
 */
struct file_conns *file_conns_new(struct sessions *s, struct decrypt_tools *tools, struct wire *w);
/* Forgets them, telling nothing. */
void file_conns_free(struct file_conns *t);
/* A packet of TCP. */
void file_conns_take(struct file_conns *t, int64_t now_us, const struct datagram *g);
/* The network namespace of what comes. */
void file_conns_set_netns(struct file_conns *t, uint32_t netns);
/* The same at one end of it, a socket of this machine: did it send the packet? */
void file_conns_take_end(struct file_conns *t, int64_t now_us, const struct datagram *g, bool out);
/* Tell the wire of those that fell silent a moment ago. */
void file_conns_tick(struct file_conns *t, int64_t now_us);
/* The file ends, and all connections with it. */
void file_conns_end(struct file_conns *t);
struct file_conns_counts file_conns_counts(const struct file_conns *t);

#endif
