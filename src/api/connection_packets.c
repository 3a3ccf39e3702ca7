// SPDX-License-Identifier: GPL-2.0-or-later
/* /api/connections/ID/packets: the last packets of a TLS connection of the wire. */
#include <errno.h>
#include <microhttpd.h>

#include "api/handlers.h"
#include "api/problem.h"
#include "api/reply.h"
#include "api/request.h"
#include "api/state.h"
#include "base/json_write.h"
#include "entry.h"
#include "wire/wire.h"

static void put_types(struct jw *j, uint8_t types)
{
	static const char *const names[] = { "change_cipher_spec", "alert", "handshake",
					     "application_data", "heartbeat" };

	jw_array(j, "records");
	for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++)
		if (types >> i & 1)
			jw_string(j, NULL, names[i]);
	jw_end_array(j);
}

static void put_packet(struct jw *j, const struct wire_packet *p)
{
	char time[28];

	entry_format_time(p->time_us, time);
	jw_object(j, NULL);
	jw_string(j, "timestamp", time);
	jw_string(j, "from", p->from_client ? "src" : "dst");
	jw_uint(j, "size", p->size);
	put_types(j, p->types);
	jw_end_object(j);
}

static int put_packets(struct buf *out, const char *id, const struct wire_packet *list, int n)
{
	struct jw j = jw_begin(out);

	jw_object(&j, NULL);
	jw_string(&j, "connection", id);
	jw_array(&j, "packets");
	for (int i = 0; i < n; i++)
		put_packet(&j, &list[i]);
	jw_end_array(&j);
	jw_end_object(&j);
	return jw_done(&j);
}

void connections_packets(struct request *r)
{
	struct wire *w = r->api->source.wire;
	struct wire_packet list[WIRE_PACKETS];
	int n = w ? wire_packets(w, r->id, list) : -ENOENT;

	if (n >= 0)
		reply_json(r, put_packets(&r->answer.body, r->id, list, n));
	else if (w)
		problem(r, MHD_HTTP_NOT_FOUND, "id",
			"the wire has no connection %s, or it ended long ago: packets are kept of "
			"those that live, and of the last that ended",
			r->id);
	else
		problem(r, MHD_HTTP_NOT_FOUND, "id", "the wire is not watched");
}
