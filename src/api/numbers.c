// SPDX-License-Identifier: GPL-2.0-or-later
#include "api/numbers.h"

#include <stddef.h>
#include <string.h>

#include "api/clients.h"
#include "api/prometheus.h"
#include "api/state.h"
#include "base/json_write.h"

enum number_kind { U64, I64, U32, FLAG, STATE, TEXT, TEXT_POINTER };

/* Members of a group stand together. Values of one metric share type and help of the first row. */
static const struct figure {
	const char *group, *name; /* in JSON; group NULL: of the whole */
	enum number_kind kind;
	size_t offset;		    /* in struct numbers */
	const char *metric, *cause; /* in /metrics, NULL: not there; its label, NULL none */
	const char *type, *help;
	const char *label; /* the name of the label, NULL: cause */
} table[] = {
#define AT(kind, member)      kind, offsetof(struct numbers, member)
#define COUNTER(name, help)   name, NULL, "counter", help
#define GAUGE(name, help)     name, NULL, "gauge", help
#define CAUSE(name, by, help) name, by, "counter", help
#define DROP(by)	      CAUSE("drops_total", by, "Records or calls not captured, by cause.")
#define MISSING(by)	      CAUSE("missing_bytes_total", by, "Bytes that are not in entries, by cause.")
#define NOT_KEPT(by)                                                                               \
	CAUSE("bodies_not_kept_total", by, "Bodies of which length and digest alone are kept.")
#define NO_PACKET(by)                                                                              \
	CAUSE("packets_lost_total", by, "Packets that were to be kept and are not, by cause.")
#define UNPAIRED(by)                                                                               \
	CAUSE("unpaired_total", by, "Exchanges told by one end though both are here, by cause.")
#define TLS_BYTES(by)                                                                              \
	"tls_bytes", by, "gauge", "Application data of TLS connections, by what became of it.",    \
		"read"
	{ NULL, "version", AT(TEXT_POINTER, version) },
	{ NULL, "state", AT(STATE, server.paused), GAUGE("paused", "1 while capture is paused.") },
	{ NULL, "ready", AT(FLAG, server.ready) },
	{ NULL, "uptime_s", AT(U64, server.uptime_s),
	  GAUGE("uptime_seconds", "Seconds since the start.") },
	{ NULL, "resident_bytes", AT(U64, server.resident_bytes),
	  GAUGE("resident_memory_bytes", "Resident memory of the server process.") },
	{ NULL, "dropped", AT(U64, dropped) },
	{ NULL, "lost_bytes", AT(U64, server.sessions.lost_bytes) },

	{ "capture", "state", AT(STATE, server.paused) },
	{ "capture", "records", AT(U64, server.taken.records),
	  COUNTER("ring_records_total", "Records that the kernel side sent.") },
	{ "capture", "bytes", AT(U64, server.taken.bytes),
	  COUNTER("captured_bytes_total", "Plaintext bytes copied from programs.") },
	{ "capture", "calls", AT(U64, server.kernel[EV_C_CALLS]),
	  COUNTER("captured_calls_total", "Successful reads and writes seen.") },
	{ "capture", "dropped_records", AT(U64, server.kernel[EV_C_RING_FULL]), DROP("ring_full") },
	{ "capture", "dropped_bytes", AT(U64, server.kernel[EV_C_RING_BYTES]) },
	{ "capture", "truncated_bytes", AT(U64, server.kernel[EV_C_BUDGET_BYTES]) },
	{ "capture", "faults", AT(U64, server.kernel[EV_C_FAULT]) },
	{ "capture", "connections_full", AT(U64, server.kernel[EV_C_CONNS_FULL]),
	  DROP("connections_full") },
	{ "capture", "threads_full", AT(U64, server.kernel[EV_C_THREADS_FULL]),
	  DROP("threads_full") },
	{ "capture", "nested_too_deep", AT(U64, server.kernel[EV_C_NESTED_DEEP]),
	  DROP("nested_too_deep") },
	{ "capture", "returns_without_entry", AT(U64, server.kernel[EV_C_ORPHAN]) },
	{ "capture", "filtered_calls", AT(U64, server.kernel[EV_C_FILTERED]) },
	{ "capture", "dropped_share", AT(U64, server.kernel[EV_C_RING_SHARE]), DROP("ring_share") },
	{ "capture", "connections_share", AT(U64, server.kernel[EV_C_CONNS_SHARE]),
	  DROP("connections_share") },
	{ "capture", "connections_idle", AT(U64, server.kernel[EV_C_CONNS_IDLE]),
	  DROP("connections_idle") },
	{ "capture", "processes_share", AT(U64, server.kernel[EV_C_PROCS_SHARE]),
	  DROP("processes_share") },
	{ "capture", "children_full", AT(U64, server.kernel[EV_C_ALLOWED_FULL]),
	  DROP("children_full") },
	{ "capture", "begun_anew", AT(U64, server.kernel[EV_C_BEGUN_ANEW]), DROP("begun_anew") },
	{ "capture", "wire_idle", AT(U64, server.kernel[EV_C_WIRE_IDLE]), DROP("wire_idle") },
	{ "capture", "wire_share", AT(U64, server.kernel[EV_C_WIRE_SHARE]), DROP("wire_share") },
	{ "capture", "wire_lost", AT(U64, server.kernel[EV_C_WIRE_LOST]), DROP("wire_lost") },
	{ "capture", "wire_bytes", AT(U64, server.kernel[EV_C_WIRE_BYTES]), DROP("wire_bytes") },
	{ "capture", "bad_records", AT(U64, server.taken.bad), DROP("bad_record") },

	{ "ring", "used", AT(U64, server.ring_used),
	  GAUGE("ring_used_bytes", "Bytes waiting in the ring buffer.") },
	{ "ring", "size", AT(U64, server.ring_size),
	  GAUGE("ring_size_bytes", "Capacity of the ring buffer.") },

	{ "queue", "bytes", AT(U64, server.queue_bytes),
	  GAUGE("queue_bytes", "Entries waiting for the store.") },
	{ "queue", "cut_entries", AT(U64, server.queue_cut),
	  COUNTER("cut_entries_total", "Entries whose bodies the store had no time for.") },

	{ "redaction", "over_budget", AT(U64, server.redaction.over_budget),
	  NOT_KEPT("over_budget") },
	{ "redaction", "not_decoded", AT(U64, server.redaction.not_decoded),
	  NOT_KEPT("not_decoded") },
	{ "redaction", "opaque", AT(U64, server.redaction.opaque), NOT_KEPT("opaque") },
	{ "redaction", "no_memory", AT(U64, server.redaction.no_memory), NOT_KEPT("no_memory") },
	{ "redaction", "schemas", AT(U64, server.redaction.schemas),
	  COUNTER("schemas_refused_total", "Files of schemas that servers told, not taken.") },

	{ "targets", "attached", AT(U64, server.targets_attached),
	  GAUGE("targets_attached", "Files with probes in place.") },
	{ "targets", "failed", AT(U64, server.targets_failed),
	  GAUGE("targets_failed", "Files that could not be probed.") },

	{ "sessions", "active", AT(U64, server.sessions.active),
	  GAUGE("sessions_active", "Connections followed.") },
	{ "sessions", "opened", AT(U64, server.sessions.opened),
	  COUNTER("sessions_opened_total", "Connections seen.") },
	{ "sessions", "closed", AT(U64, server.sessions.closed) },
	{ "sessions", "entries", AT(U64, server.sessions.entries),
	  COUNTER("entries_total", "Entries made.") },
	{ "sessions", "lost_bytes", AT(U64, server.sessions.lost_bytes), MISSING("lost") },
	{ "sessions", "truncated_bytes", AT(U64, server.sessions.truncated_bytes),
	  MISSING("truncated") },
	{ "sessions", "bad_records", AT(U64, server.sessions.bad_records) },
	{ "sessions", "refused", AT(U64, server.sessions.refused), DROP("sessions_full") },
	{ "sessions", "held_bytes", AT(U64, server.sessions.held_bytes),
	  GAUGE("sessions_held_bytes", "Memory of exchanges that are not told to their end.") },
	{ "sessions", "held_limit_bytes", AT(U64, server.sessions.held_limit),
	  GAUGE("sessions_held_limit_bytes", "The bound of that memory.") },
	{ "sessions", "gave_way", AT(U64, server.sessions.gave_way),
	  CAUSE("memory_short_total", "bodies",
		"Connections that gave way when memory was short: bodies let go, or exchanges "
		"told before their end.") },
	{ "sessions", "cut_short", AT(U64, server.sessions.cut_short),
	  CAUSE("memory_short_total", "exchanges", "") },
	{ "sessions", "no_memory", AT(U64, server.sessions.no_memory), DROP("no_memory") },

	{ "wire", "watched", AT(FLAG, server.wire_watched) },
	{ "wire", "packet_socket", AT(FLAG, server.wire_packets) },
	{ "wire", "packets_lost", AT(U64, server.packets_lost), DROP("wire_socket") },
	{ "wire", "open", AT(U64, server.wire.open),
	  GAUGE("wire_connections", "TLS connections on the wire, read or not.") },
	{ "wire", "seen", AT(U64, server.wire.seen),
	  COUNTER("wire_connections_total", "TLS connections seen on the wire.") },
	{ "wire", "read", AT(U64, server.wire.read),
	  COUNTER("wire_connections_read_total", "Of these, those that were read in clear.") },
	{ "wire", "gave_way", AT(U64, server.wire.gave_way), DROP("wire_full") },
	{ "wire", "no_memory", AT(U64, server.wire.no_memory), DROP("wire_no_memory") },
	{ "wire", "misfits", AT(U64, server.wire.misfits),
	  COUNTER("wire_misfits_total",
		  "Directions of which more plaintext was read than the wire had.") },
	{ "wire", "silent", AT(U64, server.wire.silent),
	  COUNTER("probes_silent_total",
		  "Times that a program sent records while none of its calls was seen any more.") },
	{ "wire", "handshake_bytes", AT(U64, server.wire.handshake_bytes) },
	{ "wire", "refused_bytes", AT(U64, server.wire.refused), DROP("wire_unknown") },

	{ "packets", "kept", AT(FLAG, server.keep.kept) },
	{ "packets", "keys", AT(FLAG, server.keys) },
	{ "packets", "size", AT(U64, server.keep.files.held),
	  GAUGE("packets_size_bytes", "Size of the files of kept packets.") },
	{ "packets", "limit", AT(U64, server.keep.limit) },
	{ "packets", "packets", AT(U64, server.keep.files.packets),
	  COUNTER("packets_kept_total", "Packets of TLS connections that were kept.") },
	{ "packets", "bytes", AT(U64, server.keep.files.bytes),
	  COUNTER("packets_kept_bytes_total", "Bytes of these.") },
	{ "packets", "oldest_us", AT(I64, server.keep.files.first_us) },
	{ "packets", "twice", AT(U64, server.keep.twice) },
	{ "packets", "lost_ring", AT(U64, server.kernel[EV_C_KEEP_FULL]), NO_PACKET("ring_full") },
	{ "packets", "lost_share", AT(U64, server.kernel[EV_C_KEEP_SHARE]),
	  NO_PACKET("ring_share") },
	{ "packets", "lost_pending", AT(U64, server.kernel[EV_C_KEEP_PENDING]),
	  NO_PACKET("pending") },
	{ "packets", "undecided", AT(U64, server.keep.undecided), NO_PACKET("undecided") },
	{ "packets", "lost_disk", AT(U64, server.keep.files.lost), NO_PACKET("disk") },

#define REASON(id, name, ...)                                                                      \
	{ "tls_bytes", name, AT(U64, server.wire.tls_bytes[REASON_##id]), TLS_BYTES(name) },
#include "wire/reason.def"

	{ "both_ends", "paired", AT(U64, server.sessions.paired),
	  COUNTER("paired_total", "Exchanges read at both ends and told as one entry.") },
	{ "both_ends", "unpaired_lost", AT(U64, server.sessions.unpaired_lost), UNPAIRED("lost") },
	{ "both_ends", "unpaired_late", AT(U64, server.sessions.unpaired_late), UNPAIRED("late") },
	{ "both_ends", "unpaired_differ", AT(U64, server.sessions.unpaired_differ),
	  UNPAIRED("differ") },
	{ "both_ends", "unpaired_time", AT(U64, server.sessions.unpaired_time), UNPAIRED("time") },
	{ "both_ends", "unpaired_ended", AT(U64, server.sessions.unpaired_ended),
	  UNPAIRED("ended") },
	{ "both_ends", "unpaired_bound", AT(U64, server.sessions.unpaired_bound),
	  UNPAIRED("bound") },
	{ "both_ends", "absorbed", AT(U64, server.sessions.absorbed),
	  COUNTER("absorbed_total", "What one end told and the other had told better.") },
	{ "both_ends", "waiting", AT(U64, server.sessions.pair_waiting),
	  GAUGE("pair_waiting", "Exchanges that wait for their other end.") },
	{ "both_ends", "waiting_bytes", AT(U64, server.sessions.pair_bytes),
	  GAUGE("pair_waiting_bytes", "Bytes of exchanges that wait for their other end.") },

	{ "live", "open", AT(U64, server.sessions.live_open),
	  GAUGE("open_exchanges", "Exchanges that go on and are told meanwhile.") },
	{ "live", "refused", AT(U64, server.sessions.live_refused),
	  COUNTER("open_exchanges_refused_total",
		  "Exchanges past the bound of open ones, told only at their end.") },
	{ "live", "gave_way", AT(U64, server.sessions.live_gave_way),
	  COUNTER("open_exchanges_gave_way_total",
		  "Open exchanges that are told no more before their end, so that others are.") },
	{ "live", "inflaters", AT(U64, server.sessions.live_inflaters),
	  GAUGE("websocket_inflaters", "Sides of WebSockets whose messages are inflated.") },
	{ "live", "inflaters_refused", AT(U64, server.sessions.live_inflaters_refused),
	  COUNTER("websocket_inflaters_refused_total",
		  "Compressed messages not inflated, because too many connections have such.") },
	{ "live", "updates", AT(U64, live.updates),
	  COUNTER("updates_total", "Later versions of entries that were stored.") },

	{ "store", "first_id", AT(I64, store.first_id) },
	{ "store", "last_id", AT(I64, store.last_id) },
	{ "store", "entries", AT(U64, store.entries),
	  GAUGE("store_entries", "Entries in the store.") },
	{ "store", "size", AT(U64, store.size),
	  GAUGE("store_size_bytes", "Size of the store's files.") },
	{ "store", "segments", AT(U64, store.segments),
	  GAUGE("store_segments", "Segments of the store.") },
	{ "store", "dropped_entries", AT(U64, store.dropped_entries),
	  COUNTER("store_expired_entries_total",
		  "Entries dropped by the bounds of size and age.") },
	{ "store", "failed_batches", AT(U64, store.failed_batches),
	  COUNTER("store_failed_batches_total", "Batches that could not be written.") },
	{ "store", "lost_entries", AT(U64, store.lost_entries),
	  COUNTER("store_lost_entries_total", "Entries that could not be written.") },
	{ "store", "open_exchanges", AT(U64, store.open_exchanges),
	  GAUGE("store_open_exchanges", "Entries in the store that will be written again.") },
	{ "store", "passed_over", AT(U64, store.passed_over),
	  COUNTER("store_passed_over_total",
		  "Versions of exchanges past the bound of those that are followed.") },
	{ "store", "error", AT(TEXT, store_error) },

	{ "api", "connections", AT(U32, connections),
	  GAUGE("http_connections", "Open connections to the API.") },
	{ "api", "readers", AT(U32, live.readers),
	  GAUGE("stream_readers", "Live stream readers.") },
	{ "api", "live_queries", AT(U32, live.queries),
	  GAUGE("stream_queries", "Distinct filters of live stream readers.") },
	{ "api", "events_sent", AT(U64, live.sent),
	  COUNTER("stream_events_total", "Entries queued for live stream readers.") },
	{ "api", "events_skipped", AT(U64, live.skipped),
	  COUNTER("stream_skipped_total", "Entries that live stream readers were too slow for.") },
	{ "api", "refused", AT(U64, refused) },
	{ "api", "displaced", AT(U64, displaced),
	  CAUSE("http_cut_total", "displaced",
		"Connections to the API that were cut off, by cause.") },
	{ "api", "late", AT(U64, late), CAUSE("http_cut_total", "late", "") },
};

#define COUNT (sizeof(table) / sizeof(*table))

void numbers_take(struct api *a, struct numbers *ret)
{
	const struct clients_numbers tcp = clients_numbers(a->tcp.clients);
	const struct clients_numbers local = clients_numbers(a->local.clients);

	*ret = (struct numbers){
		.version = a->options.version ? a->options.version : "",
		.store = store_stats(a->store),
		.live = hub_stats(a->hub),
		.connections = tcp.open + local.open,
		.displaced = tcp.displaced + local.displaced,
		.late = tcp.late + local.late,
		.refused = a->metrics.refused,
	};
	store_error(a->store, ret->store_error, sizeof(ret->store_error));
	a->source.stats(a->source.ctx, &ret->server);
	ret->dropped = server_stats_dropped(&ret->server);
}

static const void *value_at(const struct numbers *n, const struct figure *row)
{
	return (const char *)n + row->offset;
}

static uint64_t value_of(const struct numbers *n, const struct figure *row)
{
	const void *at = value_at(n, row);

	switch (row->kind) {
	case U32:
		return *(const unsigned *)at;
	case FLAG:
	case STATE:
		return *(const bool *)at;
	default:
		return *(const uint64_t *)at;
	}
}

static void put_row(struct jw *j, const struct numbers *n, const struct figure *row)
{
	const void *at = value_at(n, row);

	if (row->kind == TEXT)
		jw_string(j, row->name, at);
	else if (row->kind == TEXT_POINTER)
		jw_string(j, row->name, *(const char *const *)at);
	else if (row->kind == STATE)
		jw_string(j, row->name, value_of(n, row) ? "paused" : "running");
	else if (row->kind == FLAG)
		jw_bool(j, row->name, value_of(n, row));
	else if (row->kind == I64)
		jw_int(j, row->name, *(const int64_t *)at);
	else
		jw_uint(j, row->name, value_of(n, row));
}

void numbers_put_json(const struct numbers *n, struct jw *j)
{
	const char *group = NULL;

	for (size_t i = 0; i < COUNT; i++) {
		const char *next = table[i].group;
		if (next && (!group || strcmp(next, group))) {
			if (group)
				jw_end_object(j);
			jw_object(j, next);
		}
		group = next;
		put_row(j, n, &table[i]);
	}
	jw_end_object(j);
}

static bool is_of(const struct figure *row, const char *metric)
{
	return row->metric && !strcmp(row->metric, metric);
}

static void put_family(struct writer *p, const struct numbers *n, const struct figure *first)
{
	prometheus_family(p, first->metric, first->type, first->help);
	for (const struct figure *row = first; row < table + COUNT; row++) {
		const char *const label[] = { !row->cause  ? NULL
					      : row->label ? row->label
							   : "cause",
					      row->cause, NULL };
		if (is_of(row, first->metric))
			prometheus_value(p, row->metric, label, value_of(n, row));
	}
}

void numbers_put_metrics(const struct numbers *n, struct writer *p)
{
	for (size_t i = 0; i < COUNT; i++) {
		size_t before = 0;
		while (table[i].metric && before < i && !is_of(&table[before], table[i].metric))
			before++;
		if (table[i].metric && before == i)
			put_family(p, n, &table[i]);
	}
}
