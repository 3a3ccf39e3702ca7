/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The weak points of a handshake (weak.def): in use, and merely offered by the client. */
#ifndef CLEARTAP_TLS_WEAK_H
#define CLEARTAP_TLS_WEAK_H

#include <stdint.h>

struct tls_info;

enum tls_weak_point {
#define WEAK(name, text, help) TLS_WEAK_##name,
#include "tls/weak.def"
#undef WEAK
	TLS_WEAK_POINTS
};

struct tls_weak {
	uint32_t chosen, offered; /* bits of enum tls_weak_point */
};

/* Certificates are judged by `now_us`. */
struct tls_weak tls_weak_points(const struct tls_info *i, int64_t now_us);
/* "RC4", and one sentence; constants. */
const char *tls_weak_name(enum tls_weak_point p);
const char *tls_weak_help(enum tls_weak_point p);

#endif
