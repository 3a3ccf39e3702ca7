// SPDX-License-Identifier: GPL-2.0-or-later
#include "source/early.h"

#include <stdlib.h>
#include <string.h>

#include "base/limits.h"
#include "base/share.h"

bool early_keep(struct early *q, struct share *share, int side, int64_t now_us,
		const struct datagram *g)
{
	bool room = q->count < LIMIT_PCAP_LATE && share_allows(share, LIMIT_REASSEMBLE_ALL);
	struct early_packet *e = room ? malloc(sizeof(*e) + g->len) : NULL;

	if (!e)
		return false;
	*e = (struct early_packet){ .now_us = now_us, .side = side, .g = *g };
	if (g->len)
		memcpy(e->bytes, g->bytes, g->len);
	e->g.bytes = e->bytes;
	STAILQ_INSERT_TAIL(&q->packets, e, link);
	q->count++;
	share_change(share, 0, sizeof(*e) + g->len);
	return true;
}

void early_drop_first(struct early *q, struct share *share)
{
	struct early_packet *e = STAILQ_FIRST(&q->packets);

	STAILQ_REMOVE_HEAD(&q->packets, link);
	q->count--;
	share_change(share, sizeof(*e) + e->g.len, 0);
	free(e);
}
