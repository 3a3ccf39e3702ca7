/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The listening sockets, and the certificate: what api_bind() makes before privileges go. */
#ifndef CLEARTAP_API_SOCKETS_H
#define CLEARTAP_API_SOCKETS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct api_sockets {
	int tcp, local; /* -1 none */
	uint16_t port;
	bool loopback;
	char *path;	      /* of the unix socket, NULL none */
	struct buf cert, key; /* PEM, NUL-terminated; empty without TLS */
};

#endif
