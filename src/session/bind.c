// SPDX-License-Identifier: GPL-2.0-or-later
/* Which socket is below a connection: what strong and weak evidence add up to (design section 5).
 */
#include <string.h>

#include "session/bind.h"
#include "session/pair.h"
#include "session/told_wire.h"
#include "wire/wire.h"

static bool same_socket(const struct peer *p, const struct address *local,
			const struct address *remote, uint32_t netns)
{
	return p->netns == netns && p->local.port == local->port &&
	       p->remote.port == remote->port && p->local.family == local->family &&
	       !memcmp(p->local.ip, local->ip, 16) && !memcmp(p->remote.ip, remote->ip, 16);
}

static void forget_socket(struct session *s)
{
	pair_unlink(s);
	s->sight.strong = false;
	if (s->peer)
		peer_table_remove(&s->all->peers, &s->all->processes, s->peer);
	s->peer = NULL;
	s->opener = OPENER_UNKNOWN;
}

static void take_socket(struct session *s, const struct flow_socket *b, const struct address *local,
			const struct address *remote)
{
	forget_socket(s);
	s->peer = peer_table_add(&s->all->peers, &s->all->processes, s->process, local, remote,
				 b->netns);
	if (!s->peer)
		return;
	s->peer->session = s;
	s->peer->ended_us = s->all->now_us;
	s->peer->begun_us = s->sight.begun_us ? s->sight.begun_us : s->all->now_us;
	memcpy(s->peer->comm, s->comm[0] ? s->comm : s->process->comm, sizeof(s->comm));
	s->bind = b->strong ? BIND_STRONG : BIND_WEAK;
	s->how = b->how;
	s->cookie = s->all->wire && wire_by_address(s->all->wire) ? 0 : b->cookie;
	s->untold = true;
	s->opener = b->opener;
	peer_table_replace(&s->all->peers, s->peer, pair_unlink);
}

/*
 * A strong fit replaces a weak one and stays. Two weak ones that differ prove nothing: no socket
 * until a strong one comes. Two strong ones that differ contradict each other for good.
 */
static void weigh(struct session *s, const struct flow_socket *b)
{
	struct address local = address_make(b->family, b->local_ip, b->local_port);
	struct address remote = address_make(b->family, b->remote_ip, b->remote_port);

	if (s->bind == BIND_BROKEN || (s->bind == BIND_CONFLICT && !b->strong))
		return;
	if (s->peer && same_socket(s->peer, &local, &remote, b->netns)) {
		if (b->strong)
			s->bind = BIND_STRONG;
		if (s->opener == OPENER_UNKNOWN)
			s->opener = b->opener;
	} else if (!s->peer || (b->strong && s->bind == BIND_WEAK)) {
		take_socket(s, b, &local, &remote);
	} else if (b->strong) {
		s->all->stats.bad_records++;
		forget_socket(s);
		s->bind = BIND_BROKEN;
	} else if (s->bind == BIND_WEAK) {
		forget_socket(s);
		s->bind = BIND_CONFLICT;
	}
}

void session_bind(struct session *s, const struct flow_socket *b)
{
	weigh(s, b);
	s->sight.strong = s->bind == BIND_STRONG;
	pair_link(s);
	told_wire(s);
}
