// SPDX-License-Identifier: GPL-2.0-or-later
/* What a connection knows about an entry: both ends, how they are known, which side was traced. */
#include <arpa/inet.h>
#include <string.h>

#include "entry.h"
#include "message.h"
#include "session/complete.h"
#include "session/pair.h"
#include "session/session_name.h"
#include "session/told_wire.h"
#include "tls/tls_entry.h"
#include "wire/wire.h"

static void fill_process(struct entry *e, struct endpoint *p, const struct process *process,
			 const char *comm)
{
	p->process = entry_text(e, comm, strlen(comm));
	p->pid = (int32_t)process->tgid;
	if (process->container)
		p->container = entry_text(e, process->container, strlen(process->container));
}

static void fill_local(struct entry *e, struct endpoint *p, const struct session *s)
{
	fill_process(e, p, s->process, s->comm[0] ? s->comm : s->process->comm);
	p->netns = s->netns;
	if (!s->peer)
		return;
	p->ip = entry_text(e, s->peer->texts, strlen(s->peer->texts));
	p->port = s->peer->local.port;
}

static void fill_remote(struct entry *e, struct endpoint *p, const struct session *s)
{
	if (!s->peer)
		return;
	const char *ip = s->peer->texts + s->peer->remote_at;
	p->ip = entry_text(e, ip, strlen(ip));
	p->port = s->peer->remote.port;
	const struct peer *other = peer_table_other_end(&s->all->peers, s->peer);
	if (!other)
		return;
	fill_process(e, p, other->process, other->comm);
	p->netns = other->netns;
}

/* The name in "name:port"; an address is no name. */
static const char *host_name(struct entry *e)
{
	const char *end = strchrnul(e->host, ':');
	const char *name = *e->host == '[' ? "" : entry_text(e, e->host, (size_t)(end - e->host));
	struct in_addr v4;

	return inet_pton(AF_INET, name, &v4) == 1 ? "" : name;
}

static void complete(struct session *s, struct entry *e)
{
	struct sessions *all = s->all;
	const struct session_name name = session_name(s);

	e->tls = s->tls;
	e->lock = s->lock;
	e->library = s->library;
	e->bind = s->peer ? s->how : "unknown";
	e->node = entry_text(e, all->node, strlen(all->node));
	e->goroutine = (int64_t)s->goroutine;
	e->connection = session_name_text(e, &name);
	if (s->opener == OPENER_LOCAL)
		e->role = "client";
	else if (s->opener == OPENER_REMOTE)
		e->role = "server";
	bool local_is_src = strcmp(e->role, "server") != 0;
	fill_local(e, local_is_src ? &e->src : &e->dst, s);
	fill_remote(e, local_is_src ? &e->dst : &e->src, s);
	const struct tls_info *tls = told_wire_cookie(s) ? wire_tls(all->wire, s->cookie) : NULL;
	if (tls)
		tls_entry_learn(e, tls);
	if (!s->process->tgid) /* it was seen from outside */
		e->role = "unknown";
	if (*e->host)
		e->dst.name = host_name(e);
	pair_take(s, e);
}

void session_release(struct session *s)
{
	while (s->held) {
		struct entry *e = s->held;

		s->held = e->next;
		complete(s, e);
	}
}

/*
 * The connection has not ended, cleartap has; where bytes are missing, that remains the reason. Of
 * opaque bytes nobody knows where an exchange ends, so they are cut off if they were said to go on.
 */
static void cut_off(struct entry *e)
{
	if (e->lost_bytes || (!e->live && !strcmp(e->protocol, "tls")))
		return;
	e->complete = false;
	e->reason = "cleartap ended while it went on";
}

/* The bytes that follow are not followed as the rest of it: neither message is known to be whole.
 */
static void cut_short(struct entry *e)
{
	e->complete = false;
	e->reason = "not followed to its end: memory was short";
	e->part[0].whole = e->part[1].whole = false;
}

/*
 * What is written may be seen before it is sent, and sending it be what tells of the socket (Go,
 * bpf/gotls.bpf.c): the last write of an entry comes right before the evidence.
 */
void session_emit(void *session, struct entry *e)
{
	struct session *s = session;
	struct entry **end = &s->held;

	message_leave(e->message[0]);
	message_leave(e->message[1]);
	if (s->all->ending)
		cut_off(e);
	else if (s->cutting)
		cut_short(e);
	if (!s->writes_early || s->bind != BIND_NONE) {
		complete(s, e);
		return;
	}
	while (*end)
		end = &(*end)->next;
	e->next = NULL;
	*end = e;
}
