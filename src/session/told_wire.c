// SPDX-License-Identifier: GPL-2.0-or-later
#include "session/told_wire.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "session/connection.h"
#include "session/session_name.h"
#include "wire/wire.h"

static struct wire_address address_of(const struct address *a)
{
	struct wire_address ret = { .port = a->port, .family = a->family };

	memcpy(ret.ip, a->ip, sizeof(ret.ip));
	return ret;
}

uint64_t told_wire_cookie(struct session *s)
{
	if (s->cookie || !s->all->wire || !s->peer)
		return s->all->wire ? s->cookie : 0;
	const struct wire_address local = address_of(&s->peer->local),
				  remote = address_of(&s->peer->remote);
	return s->cookie = wire_cookie(s->all->wire, &local, &remote, s->peer->netns);
}

void told_wire(struct session *s)
{
	const struct session_name n = session_name(s);
	char name[64];

	if (s->untold && !s->peer)
		s->all->unbound[n.tgid % UNBOUND] = n.tgid;
	if (!s->untold || !s->all->wire || !s->peer)
		return;
	snprintf(name, sizeof(name), "%" PRIu32 "-%" PRIx64 "-%" PRIu32, n.tgid, n.id, n.number);
	struct wire_read read = { .connection = name,
				  .library = s->library,
				  .midway = s->midway,
				  .tgid = n.tgid,
				  .comm = s->peer->comm };
	if (s->lock != LOCK_CLOSED) /* else its bytes are known to be there, no more */
		memcpy(read.plain, s->sight.expected, sizeof(read.plain));
	if (told_wire_cookie(s)) {
		s->untold = false;
		wire_read(s->all->wire, s->cookie, s->all->now_us, &read);
		return;
	}
	const struct wire_address local = address_of(&s->peer->local),
				  remote = address_of(&s->peer->remote);
	wire_read_ahead(s->all->wire, &local, &remote, s->peer->netns, s->all->now_us, &read);
}

void told_wire_missing(struct session *s, enum dir dir, uint64_t len, enum gap_why why)
{
	if (told_wire_cookie(s))
		wire_missing(s->all->wire, s->cookie, dir, len,
			     why == GAP_LOST ? REASON_LOST
			     : s->paused     ? REASON_PAUSED
					     : REASON_BUDGET);
}
