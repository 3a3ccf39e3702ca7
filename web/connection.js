// SPDX-License-Identifier: GPL-2.0-or-later
// The tab Connection: both ends, the TLS session, how the ends are known, and its other entries.
import { getJSON } from "./api.js";
import { el } from "./el.js";
import { compact } from "./entry.js";
import { term } from "./filter.js";
import { clock, elapsed } from "./format.js";
import { lockWhy } from "./icons.js";
import { pairs } from "./table.js";
import { isOfWire } from "./wire.js";

const BIND = {
	go: "from the connection object inside the Go program",
	nested: "from the socket call that the TLS call made",
	bio: "from the TLS record seen again on the wire",
	unknown: "not known; never guessed",
};

const READ_AT = {
	client: "the client's end",
	server: "the server's end",
	both: "both ends, which are one exchange",
};

const NAMES = { tcp: "the connection itself", tlsx: "its handshake" };

function sidePairs(side, pick) {
	const by = (field, value) => (value ? { field: `${pick}.${field}`, value } : null);
	return pairs([
		["Process", side.process, by("process", side.process)],
		["PID", side.pid || "", by("pid", side.pid)],
		["Address", side.ip || "unknown", by("ip", side.ip)],
		["Port", side.port || "", by("port", side.port)],
		["Name", side.name, by("name", side.name)],
		["Pod", side.pod, by("pod.name", side.pod)],
		["Namespace", side.namespace, by("namespace", side.namespace)],
		["Service", side.service, by("service.name", side.service)],
		["Container", side.container, by("container", side.container)],
	]);
}

export function connectionTab(panel, e, full, context) {
	const tls = full.tls_info || {};
	panel.append(
		el(
			"div",
			{ class: "sides" },
			el("section", {}, el("h3", {}, "From (opened it)"), sidePairs(e.src, "src")),
			el("section", {}, el("h3", {}, "To"), sidePairs(e.dst, "dst")),
		),
		el("h3", {}, "Reading"),
		pairs([
			[
				"Lock",
				lockWhy(e),
				e.lock === "none"
					? { field: "lock", value: "none" }
					: { flag: e.lock === "open" ? "decrypted" : "encrypted" },
			],
			["Library", e.library, { field: "library", value: e.library }],
			["Read at", READ_AT[e.ends] || e.ends, { field: "ends", value: e.ends }],
			[
				"Addresses known",
				e.bind ? `${e.bind}: ${BIND[e.bind] || ""}` : "",
				{ field: "bind", value: e.bind },
			],
			["Goroutine", full.goroutine],
			["Connection", e.connection, { field: "connection", value: e.connection }],
			["Node", e.node, { field: "node", value: e.node }],
		]),
	);
	if (Object.keys(tls).length && !isOfWire(e))
		panel.append(
			el("h3", {}, "TLS"),
			pairs([
				["Version", tls.version, { field: "tls_version", value: tls.version }],
				["Cipher suite", tls.cipher, { field: "tlsx_cipher_suite", value: tls.cipher }],
				["Server name", tls.sni, { field: "tlsx_sni", value: tls.sni }],
				["ALPN", tls.alpn, { field: "tlsx_alpn", value: tls.alpn }],
				["Certificate", tls.subject],
				["Certificate ends", tls.not_after],
				["JA3", tls.ja3, { field: "ja3", value: tls.ja3 }],
				["JA4", tls.ja4, { field: "ja4", value: tls.ja4 }],
			]),
		);
	if (e.protocol === "tcp") return; // its own tab has them
	const others = el("div", { class: "others" });
	panel.append(el("h3", {}, "On this connection"), others);
	fillOthers(others, e, context);
}

// The other entries of the same connection.
export async function fillOthers(box, e, context) {
	if (!e.connection) return;
	let answer;
	try {
		answer = await getJSON(
			"/api/entries",
			{ q: term({ field: "connection", value: e.connection }), limit: 100 },
			context.signal,
		);
	} catch (error) {
		if (error.name !== "AbortError") box.append(el("p", { class: "dim pad" }, error.message));
		return;
	}
	box.append(
		...answer.entries.map(compact).map(other =>
			el(
				"button",
				{
					type: "button",
					class: "other",
					"aria-current": other.id === e.id ? "true" : null,
					onclick: () => context.on.open(other.id),
				},
				el("span", { class: "dim" }, clock(other.time)),
				el(
					"span",
					{ class: "grow" },
					NAMES[other.protocol] || `${other.method} ${other.summary}`,
				),
				el("span", {}, other.status),
				el("span", { class: "dim" }, other.open ? "open" : elapsed(other.elapsed)),
			),
		),
	);
	if (answer.next)
		box.append(
			el(
				"p",
				{ class: "dim pad" },
				"The newest 100 are shown; click the connection above for all.",
			),
		);
}
