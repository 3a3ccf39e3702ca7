// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The script "wire": files of packets with the secrets to open them, through TCP in order, TLS, the
 * connections of the wire and the sessions, while a call fails. What is not told was counted.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "entry.h"
#include "fault_session.h"
#include "session/session.h"
#include "source/pcap.h"
#include "source/source.h"
#include "wire/wire.h"

#define TOLD_HTTP 10 /* exchanges in clear, of all files */
#define TOLD	  16 /* entries, handshakes and connections included */

static const char *const files[] = { "tls13.pcapng", "cbc.pcapng", "update.pcapng" };

struct told {
	size_t all, http;
};

static void note(void *ctx, struct entry *e)
{
	struct told *t = ctx;

	t->all += !e->open;
	t->http += !e->open && !strncmp(e->protocol, "http", 4);
	entry_free(e);
}

/* To the end of the file, or to an error, which is said. */
static bool read_file(struct sessions *s, struct wire *w, const char *name)
{
	const char *dir = getenv("srcdir");
	char path[4096], error[256] = "";
	const struct source_options o = { .sessions = s, .wire = w, .file = path };
	int64_t now = 0, ticked = 0;
	void *state = NULL;
	int n = 1;

	snprintf(path, sizeof(path), "%s/tests/data/pcap/%s", dir ? dir : ".", name);
	int r = source_pcap.open(&o, &state, error, sizeof(error));
	if (r && !*error)
		fail("%s: %s without a sentence", name, strerror(-r));
	while (!r && n > 0) {
		n = source_pcap.poll(state, 0, &now);
		if (now - ticked < SESSION_TICK_US)
			continue;
		ticked = now;
		sessions_tick(s, now);
		wire_tick(w, now);
	}
	source_pcap.close(state);
	return !r && n >= 0;
}

/* Everything that says that something is missing. */
static uint64_t losses(const struct sessions *s, struct wire *w)
{
	struct session_stats a = sessions_stats(s);
	struct wire_stats b;

	wire_stats(w, &b);
	return a.no_memory + a.refused + a.lost_bytes + a.bad_records + b.refused + b.gave_way +
	       b.no_memory;
}

void run_wire(struct run *r)
{
	struct told told = { 0 };
	const struct entry_sink sink = { .emit = note, .ctx = &told };
	struct wire *w = wire_new(&sink, &(struct wire_options){ .node = "n", .file = true });
	struct sessions *s =
		sessions_new(&sink, &(struct session_options){ .node = "n", .wire = w });
	bool whole = s && w;

	(void)r;
	for (size_t i = 0; s && w && i < sizeof(files) / sizeof(*files); i++)
		whole &= read_file(s, w, files[i]);
	uint64_t lost = s && w ? losses(s, w) : 0;
	sessions_free(s);
	if (w) {
		wire_end_all(w);
		struct wire_stats last;
		wire_stats(w, &last);
		lost += last.refused + last.gave_way + last.no_memory;
	}
	wire_free(w);
	if (!fault_happened() && (told.all != TOLD || told.http != TOLD_HTTP))
		fail("%zu entries were told, %zu of them in clear", told.all, told.http);
	if (whole && told.all < TOLD && !lost)
		fail("%zu of %d entries were told, and no loss was counted", told.all, TOLD);
}
