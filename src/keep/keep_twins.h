/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A packet between two programs of this machine is seen at both ends, and is to be kept once. */
#ifndef CLEARTAP_KEEP_TWINS_H
#define CLEARTAP_KEEP_TWINS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"

struct ev_packet;

struct keep_twins {
	struct {
		uint64_t hash; /* of a packet whose other end was not seen; 0: none */
		uint32_t slot;
		uint8_t dir;
	} seen[LIMIT_KEEP_TWINS];
};

/* Was it seen at its other end? */
bool keep_twins_know(struct keep_twins *t, const struct ev_packet *p);

#endif
