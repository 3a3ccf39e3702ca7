/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The wire where the kernel does not let us watch it at the root of cgroup2: a packet socket, whose
 * packets are read as those of a file are. It sees one network namespace, and no processes.
 */
#ifndef CLEARTAP_PACKET_SOCKET_H
#define CLEARTAP_PACKET_SOCKET_H

#include <stdint.h>

/* Of this network namespace, with its ring. Wants CAP_NET_RAW. The descriptor, or -errno. */
int packet_socket_open(void);
/* `state` is the source's. From the thread that polls. */
uint64_t packet_socket_lost(const void *state);

#endif
