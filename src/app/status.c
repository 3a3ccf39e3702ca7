// SPDX-License-Identifier: GPL-2.0-or-later
#include "app/status.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/buf.h"

uint64_t status_resident(int fd)
{
	char text[128];
	unsigned long long pages = 0;
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);

	text[n > 0 ? n : 0] = '\0';
	return sscanf(text, "%*u %llu", &pages) == 1 ? pages * (uint64_t)sysconf(_SC_PAGESIZE) : 0;
}

static uint64_t dropped(const struct status *s)
{
	return s->counters[EV_C_RING_FULL] + s->counters[EV_C_CONNS_FULL] +
	       s->counters[EV_C_THREADS_FULL] + s->counters[EV_C_NESTED_DEEP] + s->taken.bad;
}

int status_put_json(const struct status *s, struct buf *out)
{
	const struct {
		const char *name;
		uint64_t value;
	} capture[] = {
		{ "records", s->taken.records },
		{ "bytes", s->taken.bytes },
		{ "calls", s->counters[EV_C_CALLS] },
		{ "dropped_records", s->counters[EV_C_RING_FULL] },
		{ "dropped_bytes", s->counters[EV_C_RING_BYTES] },
		{ "truncated_bytes", s->counters[EV_C_BUDGET_BYTES] },
		{ "faults", s->counters[EV_C_FAULT] },
		{ "connections_full", s->counters[EV_C_CONNS_FULL] },
		{ "threads_full", s->counters[EV_C_THREADS_FULL] },
		{ "nested_too_deep", s->counters[EV_C_NESTED_DEEP] },
		{ "returns_without_entry", s->counters[EV_C_ORPHAN] },
		{ "filtered_calls", s->counters[EV_C_FILTERED] },
		{ "bad_records", s->taken.bad },
	};
	const struct session_stats *n = &s->sessions;
	int r = buf_printf(out,
			   "\"uptime_s\":%" PRIu64 ",\"resident_bytes\":%" PRIu64
			   ",\"dropped\":%" PRIu64 ",\"lost_bytes\":%" PRIu64
			   ",\"capture\":{\"state\":\"%s\"",
			   s->uptime_s, s->resident_bytes, dropped(s), n->lost_bytes,
			   s->paused ? "paused" : "running");

	for (size_t i = 0; !r && i < sizeof(capture) / sizeof(*capture); i++)
		r = buf_printf(out, ",\"%s\":%" PRIu64, capture[i].name, capture[i].value);
	r = r ? r
	      : buf_printf(out,
			   "},\"ring\":{\"used\":%" PRIu64 ",\"size\":%" PRIu64
			   "},\"queue\":{\"bytes\":%" PRIu64 ",\"cut_entries\":%" PRIu64
			   "},\"targets\":{\"attached\":%" PRIu64 ",\"failed\":%" PRIu64 "}",
			   s->ring_used, s->ring_size, s->queue_bytes, s->queue_cut,
			   s->targets_attached, s->targets_failed);
	return r ? r
		 : buf_printf(out,
			      ",\"sessions\":{\"active\":%" PRIu64 ",\"opened\":%" PRIu64
			      ",\"closed\":%" PRIu64 ",\"entries\":%" PRIu64
			      ",\"lost_bytes\":%" PRIu64 ",\"truncated_bytes\":%" PRIu64
			      ",\"bad_records\":%" PRIu64 ",\"refused\":%" PRIu64 "}",
			      n->active, n->opened, n->closed, n->entries, n->lost_bytes,
			      n->truncated_bytes, n->bad_records, n->refused);
}

int status_put_metrics(const struct status *s, struct buf *out)
{
	const struct metric {
		const char *name, *type, *help;
		uint64_t value;
	} metrics[] = {
		{ "captured_bytes_total", "counter", "Plaintext bytes copied from programs.",
		  s->taken.bytes },
		{ "captured_calls_total", "counter", "Successful reads and writes seen.",
		  s->counters[EV_C_CALLS] },
		{ "ring_records_total", "counter", "Records that the kernel side sent.",
		  s->taken.records },
		{ "ring_used_bytes", "gauge", "Bytes waiting in the ring buffer.", s->ring_used },
		{ "ring_size_bytes", "gauge", "Capacity of the ring buffer.", s->ring_size },
		{ "queue_bytes", "gauge", "Entries waiting for the store.", s->queue_bytes },
		{ "cut_entries_total", "counter", "Entries whose bodies the store had no time for.",
		  s->queue_cut },
		{ "sessions_active", "gauge", "Connections followed.", s->sessions.active },
		{ "sessions_opened_total", "counter", "Connections seen.", s->sessions.opened },
		{ "entries_total", "counter", "Entries made.", s->sessions.entries },
		{ "targets_attached", "gauge", "Files with probes in place.", s->targets_attached },
		{ "targets_failed", "gauge", "Files that could not be probed.", s->targets_failed },
		{ "paused", "gauge", "1 while capture is paused.", (uint64_t)s->paused },
		{ "uptime_seconds", "gauge", "Seconds since the start.", s->uptime_s },
		{ "resident_memory_bytes", "gauge", "Resident memory of the server process.",
		  s->resident_bytes },
	};
	const struct {
		const char *cause;
		uint64_t value;
	} drops[] = {
		{ "ring_full", s->counters[EV_C_RING_FULL] },
		{ "connections_full", s->counters[EV_C_CONNS_FULL] },
		{ "threads_full", s->counters[EV_C_THREADS_FULL] },
		{ "nested_too_deep", s->counters[EV_C_NESTED_DEEP] },
		{ "bad_record", s->taken.bad },
		{ "sessions_full", s->sessions.refused },
	};
	int r = 0;

	for (size_t i = 0; !r && i < sizeof(metrics) / sizeof(*metrics); i++) {
		const struct metric *m = &metrics[i];
		r = buf_printf(out,
			       "# HELP cleartap_%s %s\n# TYPE cleartap_%s %s\ncleartap_%s %" PRIu64
			       "\n",
			       m->name, m->help, m->name, m->type, m->name, m->value);
	}
	r = r ? r
	      : buf_puts(out, "# HELP cleartap_drops_total Records or calls not captured, by "
			      "cause.\n# TYPE cleartap_drops_total counter\n");
	for (size_t i = 0; !r && i < sizeof(drops) / sizeof(*drops); i++)
		r = buf_printf(out, "cleartap_drops_total{cause=\"%s\"} %" PRIu64 "\n",
			       drops[i].cause, drops[i].value);
	return r ? r
		 : buf_printf(out,
			      "# HELP cleartap_missing_bytes_total Bytes that are not in "
			      "entries, by cause.\n# TYPE cleartap_missing_bytes_total counter\n"
			      "cleartap_missing_bytes_total{cause=\"lost\"} %" PRIu64 "\n"
			      "cleartap_missing_bytes_total{cause=\"truncated\"} %" PRIu64 "\n",
			      s->sessions.lost_bytes, s->sessions.truncated_bytes);
}
