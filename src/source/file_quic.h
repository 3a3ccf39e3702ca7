/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The QUIC connections of a file of packets, told to the wire as live ones are: from their first
 * Initial packet on, by their addresses. What the side that opened it sends is DIR_WRITE.
 */
#ifndef CLEARTAP_FILE_QUIC_H
#define CLEARTAP_FILE_QUIC_H

#include <stdint.h>

struct datagram;
struct file_quic;
struct wire;

/* NULL when out of memory. `w` is borrowed. */
struct file_quic *file_quic_new(struct wire *w);
/* Takes NULL. */
void file_quic_free(struct file_quic *q);
/* A datagram of UDP: most are of no connection of QUIC, and that is all. */
void file_quic_take(struct file_quic *q, int64_t now_us, const struct datagram *g);
/* The file ends, and all connections with it. */
void file_quic_end(struct file_quic *q);
/* Connections that were seen. */
uint64_t file_quic_count(const struct file_quic *q);

#endif
