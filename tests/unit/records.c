// SPDX-License-Identifier: GPL-2.0-or-later
#include "records.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "source/uprobe.h"

static struct ev_hdr header(struct wire *w, uint8_t type, size_t size)
{
	w->ktime += 1000000;
	return (struct ev_hdr){ .type = type,
				.owner = w->owner,
				.size = (uint32_t)size,
				.ktime = w->ktime,
				.tgid = w->tgid,
				.tid = w->tgid,
				.conn = w->conn,
				.gen = w->gen };
}

static void open_flagged(struct wire *w, const char *comm, uint8_t library, uint32_t netns,
			 uint8_t flags)
{
	struct ev_open o = { .hdr = header(w, EV_OPEN, sizeof(o)),
			     .library = library,
			     .netns = netns };

	o.hdr.flags = flags;
	strncpy(o.comm, comm, sizeof(o.comm) - 1);
	uprobe_tell(w->sessions, RECORDS_CLOCK_US, &o.hdr);
}

void wire_open(struct wire *w, const char *comm, uint8_t library, uint32_t netns)
{
	open_flagged(w, comm, library, netns, 0);
}

void wire_join(struct wire *w, const char *comm, uint8_t library, uint32_t netns)
{
	open_flagged(w, comm, library, netns, EV_F_MIDWAY);
}

void wire_data(struct wire *w, uint8_t dir, const void *data, size_t len, uint32_t span,
	       uint16_t flags)
{
	struct ev_data *d = calloc(1, sizeof(*d) + len);

	d->hdr = header(w, EV_DATA, sizeof(*d) + len);
	d->hdr.flags = (uint8_t)flags;
	d->begin = w->begin;
	d->offset = w->offset[dir & 1];
	d->span = span;
	d->len = (uint32_t)len;
	d->dir = dir;
	d->goid = 7;
	if (len)
		memcpy(d->payload, data, len);
	uprobe_tell(w->sessions, RECORDS_CLOCK_US, &d->hdr);
	w->offset[dir & 1] += span;
	free(d);
}

void wire_write(struct wire *w, const char *text)
{
	wire_data(w, EV_WRITE, text, strlen(text), (uint32_t)strlen(text), 0);
}

void wire_read(struct wire *w, const char *text)
{
	wire_data(w, EV_READ, text, strlen(text), (uint32_t)strlen(text), 0);
}

void wire_bind(struct wire *w, const char *local, uint16_t local_port, const char *remote,
	       uint16_t remote_port, uint8_t how, uint8_t opened, bool strong)
{
	struct ev_bind b = { .hdr = header(w, EV_BIND, sizeof(b)),
			     .local_port = local_port,
			     .remote_port = remote_port,
			     .how = how,
			     .opened = opened,
			     .strong = strong,
			     .netns = 1 };

	b.family = strchr(local, ':') ? 6 : 4;
	inet_pton(b.family == 6 ? AF_INET6 : AF_INET, local, b.local_ip);
	inet_pton(b.family == 6 ? AF_INET6 : AF_INET, remote, b.remote_ip);
	uprobe_tell(w->sessions, RECORDS_CLOCK_US, &b.hdr);
}

void wire_close(struct wire *w)
{
	struct ev_close c = { .hdr = header(w, EV_CLOSE, sizeof(c)),
			      .offset = { w->offset[0], w->offset[1] } };

	uprobe_tell(w->sessions, RECORDS_CLOCK_US, &c.hdr);
}

void wire_exit(struct wire *w)
{
	struct ev_hdr h = header(w, EV_EXIT, sizeof(h));

	h.conn = h.gen = 0;
	uprobe_tell(w->sessions, RECORDS_CLOCK_US, &h);
}
