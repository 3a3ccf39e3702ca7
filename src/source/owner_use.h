/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who was refused something: users, and cgroups of root's programs, with what they hold now. */
#ifndef CLEARTAP_OWNER_USE_H
#define CLEARTAP_OWNER_USE_H

#include <stddef.h>
#include <stdint.h>

#include "event.h"

struct ring;

struct owner_use {
	struct ev_owner is;
	uint64_t waiting; /* bytes of the ring */
};

/* Those who lost most come first. Returns how many of `room` were filled. */
size_t owners_refused(const struct ring *r, struct owner_use *ret, size_t room);

#endif
