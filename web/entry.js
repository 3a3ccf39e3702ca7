// SPDX-License-Identifier: GPL-2.0-or-later
// An entry as the list keeps it: one shape for all, ends shared between entries of a connection,
// so that tens of thousands of them stay small.
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
		host: text(e.host),
		status: text(e.status),
		status_code: e.status_code || 0,
		elapsed: e.elapsed_us ?? -1,
		request_size: e.request_size || 0,
		response_size: e.response_size || 0,
		complete: e.complete !== false,
		lost: e.lost_bytes || 0,
		truncated: e.truncated_bytes || 0,
		reason: text(e.reason),
		connection: text(e.connection),
		library: text(e.library),
		role: text(e.role),
		bind: text(e.bind),
		node: text(e.node),
		src: side(e.src),
		dst: side(e.dst),
	};
}

const GRPC_OK = new Set(["", "0", "OK"]);

// How it went, as /api/histogram counts it; for colour, pattern and the bars.
export function outcome(e) {
	if (!e.complete) return "incomplete";
	if (e.status_code >= 500) return "server";
	if (e.status_code >= 400) return "client";
	if (e.protocol === "grpc" && !GRPC_OK.has(e.status)) return "server";
	return "ok";
}

export const OUTCOMES = ["ok", "client", "server", "incomplete"];
export const OUTCOME_NAMES = {
	ok: "ok",
	client: "client error",
	server: "server error",
	incomplete: "incomplete",
};
