// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/owner_use.h"

#include <stdbool.h>
#include <string.h>

#include "source/ring.h"

static uint64_t refused(const struct ev_owner *o)
{
	uint64_t sum = o->lost_records + o->lost_packets + o->idle;

	for (int i = 0; i < EV_OWN__COUNT; i++)
		sum += o->refused[i];
	return sum;
}

size_t owners_refused(const struct ring *r, struct owner_use *ret, size_t room)
{
	size_t count = 0;

	for (uint32_t n = 1; n < EV_OWNERS; n++) {
		struct owner_use u;
		size_t at = count;

		if (!ring_owner(r, n, &u.is, &u.waiting) || !refused(&u.is))
			continue;
		while (at > 0 && refused(&ret[at - 1].is) < refused(&u.is))
			at--;
		if (at == room)
			continue;
		count += count < room;
		memmove(&ret[at + 1], &ret[at], (count - at - 1) * sizeof(*ret));
		ret[at] = u;
	}
	return count;
}
