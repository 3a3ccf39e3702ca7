// SPDX-License-Identifier: GPL-2.0-or-later
// An entry as the list keeps it: one shape for all, ends shared between entries of a connection,
// so that tens of thousands of them stay small.
import { serverNow } from "./api.js";
import { parseTime } from "./format.js";

const SHARED_MAX = 20000;
let shared = new Map();

function share(key, value) {
	const known = shared.get(key);
	if (known !== undefined) return known;
	if (shared.size >= SHARED_MAX) shared = new Map();
	shared.set(key, value);
	return value;
}

function side(s) {
	s = s || {};
	const end = {
		ip: s.ip || "",
		port: s.port || 0,
		name: s.name || "",
		process: s.process || "",
		pid: s.pid || 0,
		container: s.container || "",
		pod: s.pod || "",
		namespace: s.namespace || "",
		service: s.service || "",
	};
	return share(Object.values(end).join("\u0000"), end);
}

const text = value => share(`.${value || ""}`, String(value || ""));

export function compact(e) {
	return {
		id: e.id,
		time: parseTime(e.timestamp),
		protocol: text(e.protocol),
		version: text(e.version),
		tls: Boolean(e.tls),
		lock: text(e.lock || "none"),
		method: text(e.method),
		summary: String(e.summary || ""),
		graphql: text(e.graphql_operation),
		host: text(e.host),
		status: text(e.status),
		status_code: e.status_code || 0,
		open: Boolean(e.open),
		outcome: text(counted(e)),
		elapsed: e.elapsed_us ?? -1,
		server_elapsed: e.server_elapsed_us ?? -1,
		request_size: e.request_size || 0,
		response_size: e.response_size || 0,
		complete: e.complete !== false,
		lost: e.lost_bytes || 0,
		truncated: e.truncated_bytes || 0,
		reason: text(e.reason),
		weak: text(e.tls_weak),
		tls_sni: text(e.tls_sni),
		tls_version: text(e.tls_version),
		packets: e.packets || 0,
		connection: text(e.connection),
		library: text(e.library),
		role: text(e.role),
		ends: text(e.ends || e.role),
		bind: text(e.bind),
		node: text(e.node),
		src: side(e.src),
		dst: side(e.dst),
	};
}

// How it ended is the server's to say. What goes on counts by its status, and as ok while it has
// none, as in src/outcome.c.
function counted(e) {
	if (e.outcome !== "open") return e.outcome;
	if (e.status_code >= 500) return "server_error";
	return e.status_code >= 400 ? "client_error" : "ok";
}

// Outcomes as people call them; those that /api/histogram counts come in its own order.
const OUTCOME_NAMES = {
	ok: "ok",
	client_error: "client error",
	server_error: "server error",
	incomplete: "incomplete",
};
export const outcomeName = outcome => OUTCOME_NAMES[outcome] || outcome.replaceAll("_", " ");

// Was it read at this end of its connection ("client", "server")? What stayed encrypted was not,
// and a handshake is read by nobody.
export const isReadAt = (e, end) =>
	e.lock !== "closed" && e.protocol !== "tlsx" && (e.ends === end || e.ends === "both");

// How long it took, in µs; so far, for what goes on. -1: not known.
export function lasted(e) {
	return e.open ? Math.max(e.elapsed, serverNow() - e.time, 0) : e.elapsed;
}
