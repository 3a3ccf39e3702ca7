// SPDX-License-Identifier: GPL-2.0-or-later
#include "session/told_wire.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "session/connection.h"
#include "session/session_name.h"
#include "wire/wire.h"

void told_wire(struct session *s)
{
	uint32_t sum = (uint32_t)(s->sight.expected[0] + s->sight.expected[1]);
	const struct session_name n = session_name(s);
	char name[64];

	if (!s->all->wire || !s->cookie || !s->peer || sum == s->told_wire)
		return;
	s->told_wire = sum;
	snprintf(name, sizeof(name), "%" PRIu32 "-%" PRIx64 "-%" PRIu32, n.tgid, n.id, n.number);
	struct wire_read read = { .connection = name, .library = s->library, .midway = s->midway };
	for (int dir = 0; dir < 2; dir++) {
		read.plain[dir] = s->sight.expected[dir];
		read.lost[dir] = s->missing[dir][GAP_LOST];
		read.missing[dir] = read.lost[dir] + s->missing[dir][GAP_TRUNCATED];
	}
	wire_read(s->all->wire, s->cookie, s->all->now_us, &read);
}
