// SPDX-License-Identifier: GPL-2.0-or-later
/* What a connection knows about an entry: both ends, how they are known, which side was traced. */
#include <arpa/inet.h>
#include <inttypes.h>
#include <string.h>

#include "entry.h"
#include "session/table.h"

static const char *library_name(uint8_t library)
{
	static const char *const names[] = {
		[EV_LIB_OPENSSL] = "openssl",
		[EV_LIB_BORINGSSL] = "boringssl",
		[EV_LIB_GO] = "go",
	};

	return library < sizeof(names) / sizeof(*names) && names[library] ? names[library] : "";
}

static const char *bind_name(const struct session *s)
{
	static const char *const names[] = {
		[EV_HOW_GO] = "go",
		[EV_HOW_NESTED] = "nested",
		[EV_HOW_BIO] = "bio",
	};

	return s->peer && s->how < sizeof(names) / sizeof(*names) && names[s->how] ? names[s->how]
										   : "unknown";
}

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
	if (!s->peer)
		return;
	p->ip = entry_text(e, s->peer->local_text, strlen(s->peer->local_text));
	p->port = s->peer->local.port;
}

static void fill_remote(struct entry *e, struct endpoint *p, const struct session *s)
{
	if (!s->peer)
		return;
	p->ip = entry_text(e, s->peer->remote_text, strlen(s->peer->remote_text));
	p->port = s->peer->remote.port;
	const struct peer *other = peer_table_other_end(&s->all->peers, s->peer);
	if (other)
		fill_process(e, p, other->process, other->comm);
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

	e->tls = true;
	e->lock = LOCK_OPEN;
	e->library = library_name(s->library);
	e->bind = bind_name(s);
	e->node = entry_text(e, all->node, strlen(all->node));
	e->goroutine = (int64_t)s->goid;
	e->connection = entry_printf(e, "%" PRIu32 "-%" PRIx64 "-%" PRIu32, s->process->tgid,
				     s->conn, s->number);
	if (s->opened == EV_OPENED_LOCAL)
		e->role = "client";
	else if (s->opened == EV_OPENED_REMOTE)
		e->role = "server";
	bool local_is_src = strcmp(e->role, "server") != 0;
	fill_local(e, local_is_src ? &e->src : &e->dst, s);
	fill_remote(e, local_is_src ? &e->dst : &e->src, s);
	if (*e->host)
		e->dst.name = host_name(e);
	all->stats.entries++;
	all->sink.emit(all->sink.ctx, e);
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
 * What Go writes is seen before it is sent, and sending it may be what tells of the socket
 * (bpf/gotls.bpf.c): the last write of an entry comes right before the EV_BIND.
 */
void session_emit(void *session, struct entry *e)
{
	struct session *s = session;
	struct entry **end = &s->held;

	if (s->library != EV_LIB_GO || s->bind != BIND_NONE) {
		complete(s, e);
		return;
	}
	while (*end)
		end = &(*end)->next;
	e->next = NULL;
	*end = e;
}
