// SPDX-License-Identifier: GPL-2.0-or-later
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "entry.h"
#include "pcap_run.h"

static void collect(void *ctx, struct entry *e)
{
	struct run *r = ctx;

	bool wire = !strcmp(e->protocol, "tcp") || !strcmp(e->protocol, "tlsx");

	if (e->open || (wire ? r->of_wire : r->count) == ENTRIES)
		entry_free(e);
	else if (wire)
		r->wire[r->of_wire++] = e;
	else
		r->entries[r->count++] = e;
}

void read_all(struct run *r, const struct source_options *o)
{
	void *state = NULL;
	int64_t now = 0, ticked = 0;
	int n = 1;

	r->status = source_pcap.open(o, &state, r->error, sizeof(r->error));
	for (int turns = 0; !r->status && n > 0; turns++) {
		assert_true(turns < 100000);
		n = source_pcap.poll(state, 0, &now);
		assert_true(n >= 0);
		if (now - ticked >= SESSION_TICK_US)
			sessions_tick(o->sessions, ticked = now), wire_tick(o->wire, now);
	}
	if (!r->status)
		pcap_stats_take(state, &r->stats);
	source_pcap.close(state);
}

static void ask_packets(struct run *r, struct wire *w)
{
	struct wire_packet list[WIRE_PACKETS];

	for (size_t i = 0; i < r->of_wire; i++) {
		r->packets[i] = wire_packets(w, r->wire[i]->connection, list);
		for (int k = 0; k < r->packets[i]; k++) {
			r->types[i] |= list[k].types;
			r->typeless += !list[k].types;
		}
	}
}

struct run *run(const void *bytes, size_t len)
{
	struct run *r = calloc(1, sizeof(*r));
	const struct entry_sink sink = { .emit = collect, .ctx = r };
	struct wire *w = wire_new(&sink, &(struct wire_options){ .node = "n", .file = true });
	struct sessions *s =
		sessions_new(&sink, &(struct session_options){ .node = "n", .wire = w });
	int fd = memfd_create("f", MFD_CLOEXEC);
	char path[64];

	assert_int_equal(write(fd, bytes, len), len);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	read_all(r, &(struct source_options){ .sessions = s, .wire = w, .file = path });
	ask_packets(r, w);
	wire_stats(w, &r->wire_stats);
	r->sessions = sessions_stats(s);
	sessions_free(s);
	wire_free(w);
	close(fd);
	return r;
}

void end(struct run *r)
{
	for (size_t i = 0; i < r->count; i++)
		entry_free(r->entries[i]);
	for (size_t i = 0; i < r->of_wire; i++)
		entry_free(r->wire[i]);
	free(r);
}
