// SPDX-License-Identifier: GPL-2.0-or-later
/* How much of what went over the wire was read, and why not the rest. */
#include "wire/wire_conn.h"

enum reason wire_reason(const struct wire *w, const struct wire_conn *c)
{
	(void)w;
	if (c->filtered)
		return REASON_FILTERED;
	if (c->mine.read)
		return REASON_READ;
	return c->known ? REASON_UNKNOWN : REASON_NO_PROCESS;
}

void wire_ledger_keep(struct wire *w, const struct wire_conn *c)
{
	enum reason why = wire_reason(w, c);

	for (int i = 0; i < 2; i++)
		w->stats.tls_bytes[why] += c->counts.way[i].app_bytes;
}
