// SPDX-License-Identifier: GPL-2.0-or-later
// The tab Handshake: what the client offered and what the server chose, side by side; what is weak
// in it, in words; the certificate; fingerprints; times.
import { el } from "./el.js";
import { bytes, dateTime, elapsed, plural, span } from "./format.js";
import { fields, pairs } from "./table.js";
import { filterable } from "./tip.js";

// name, what was offered, what was chosen, field of a filter for the latter, what it is called
const COMPARED = [
	["Version", i => i.versions, i => i.version, "tls_version"],
	["Cipher suite", i => i.cipher_suites, i => i.cipher, "tlsx_cipher_suite"],
	["Key exchange group", i => i.groups, i => i.group, "tls_group"],
	["Key shares", i => i.key_shares, i => i.key_shares && i.group],
	["Signature", i => i.signatures, i => i.signature],
	["Certificate's signature", i => i.certificate_signatures, () => ""],
	["ALPN", i => i.alpn_offered, i => i.alpn, "tlsx_alpn"],
	["Extensions", i => i.extensions, i => i.server_extensions, "", "answered"],
	["Resumption by PSK", i => i.psk_modes, () => ""],
];

const EVENTS = {
	client_hello: "ClientHello",
	hello_retry_request: "HelloRetryRequest",
	second_client_hello: "Second ClientHello",
	server_hello: "ServerHello",
	client_change_cipher_spec: "ChangeCipherSpec of the client",
	server_change_cipher_spec: "ChangeCipherSpec of the server",
	client_alert: "Alert of the client",
	server_alert: "Alert of the server",
	handshake_done: "Handshake done",
};

const list = value => (Array.isArray(value) ? value : value ? [value] : []);

function remark(kind, title, text) {
	return el("p", { class: `hs-note hs-${kind}` }, el("b", {}, title), " ", text);
}

// What is weak is said in words; what is worth knowing is told apart from it.
function remarks(i) {
	const out = [];
	if (i.weak?.length)
		out.push(remark("weak", `Weak: ${i.weak.join(", ")}.`, "It is in use on this connection."));
	if (i.weak_offered?.length)
		out.push(
			remark(
				"offered",
				`Weak, offered only: ${i.weak_offered.join(", ")}.`,
				"The client would take it; it was not chosen.",
			),
		);
	for (const a of i.alerts || [])
		out.push(
			remark(
				a.level === "fatal" ? "weak" : "info",
				`Alert of the ${a.from}: ${a.alert}`,
				`(${a.level}).`,
			),
		);
	if (i.post_quantum === false)
		out.push(
			remark(
				"info",
				"Not post-quantum.",
				`For information: ${i.group} may be undone by a quantum computer some day.`,
			),
		);
	if (i.post_quantum) out.push(remark("info", "Post-quantum.", `${i.group} is a hybrid group.`));
	return out;
}

const FEW = 6;

// Many are folded: the chosen one stands beside them.
function offered(values, chosen, word) {
	const all = inOrder(values, chosen, word);
	return list(values).length > FEW
		? el("details", {}, el("summary", {}, `${list(values).length} offered`), all)
		: all;
}

// The offered ones in their order; the chosen one is marked in words as well.
function inOrder(values, chosen, word) {
	return el(
		"ul",
		{ class: "hs-list" },
		list(values).map(v =>
			list(chosen).includes(v)
				? el("li", { class: "hs-chosen" }, `${v} `, el("small", {}, word))
				: el("li", {}, v),
		),
	);
}

function compared(i) {
	const rows = COMPARED.filter(([, from, to]) => list(from(i)).length || list(to(i)).length);
	return el(
		"table",
		{ class: "hs" },
		el(
			"thead",
			{},
			el(
				"tr",
				{},
				["", "Offered by the client", "Chosen by the server"].map(t =>
					el("th", { scope: "col" }, t),
				),
			),
		),
		el(
			"tbody",
			{},
			rows.map(([name, from, to, field, word]) =>
				el(
					"tr",
					{},
					el("th", { scope: "row" }, name),
					el("td", {}, offered(from(i), to(i), word || "chosen")),
					el(
						"td",
						{},
						el(
							"ul",
							{ class: "hs-list" },
							list(to(i)).map(value =>
								el("li", {}, filterable(value, field && { field, value })),
							),
						),
					),
				),
			),
		),
	);
}

const yes = value => (value === undefined ? "" : value ? "yes" : "no");

function general(i) {
	const retry = i.hello_retry_request;
	return pairs([
		["Server name", i.sni, { field: "tlsx_sni", value: i.sni }],
		["Resumed", yes(i.resumed)],
		["PSK identities", i.psk_identities],
		["Early data", yes(i.early_data)],
		["ECH", i.ech],
		["Asked again", retry && `for ${[retry.group, retry.cookie && "a cookie"].filter(Boolean).join(", ")}`],
		["Client certificate", i.certificate_asked ? "asked for" : ""],
		["Extended master secret", yes(i.extended_master_secret)],
		["Secure renegotiation", yes(i.secure_renegotiation)],
		["Session ticket", i.ticket_lifetime_s && `for ${span(i.ticket_lifetime_s)}`],
		["GREASE values", i.grease],
		["ClientHello", i.client_hello_size && bytes(i.client_hello_size)],
		["QUIC version", i.quic_version],
	]);
}

function certificate(title, c, isHidden) {
	if (!c)
		return isHidden
			? [el("h3", {}, title), el("p", { class: "note" }, "TLS 1.3 encrypts it: only who reads the connection sees it.")]
			: [];
	const end = c.not_after && `${c.not_before || "?"} to ${c.not_after}`;
	return [
		el("h3", {}, title),
		pairs([
			["Subject", c.subject, title === "Certificate" && { field: "tls_subject", value: c.subject }],
			["Names", list(c.names).join(", ") + (c.names_omitted ? ` and ${c.names_omitted} more` : "")],
			["Issuer", c.issuer],
			["Valid", end],
			["Key", c.key && [c.key, c.key_bits && `${c.key_bits} bits`].filter(Boolean).join(", ")],
			["Signature", c.signature],
			["Self-signed", yes(c.self_signed)],
			["Chain", c.chain && plural(c.chain, "certificate")],
			["Serial", c.serial],
			["SHA-256", c.sha256],
			["Not read", c.not_read],
		]),
	];
}

function times(full) {
	const all = full.events || [];
	const first = Math.min(...all.map(x => x.time_us));
	return pairs(
		all.map(x => [
			EVENTS[x.name] || x.name,
			`${dateTime(x.time_us)} +${elapsed(x.time_us - first).replace(" ", "\u00a0")}`,
		]),
	);
}

export function handshakeTab(panel, e, full) {
	const i = full.tls_info || {};
	const prints = [
		["JA4", i.ja4, "ja4"],
		["JA3", i.ja3, "ja3"],
		["JA3S", i.ja3s, "ja3s"],
	].filter(([, value]) => value);
	const by = new Map(prints.map(([name, , field]) => [name, field]));
	panel.append(
		...remarks(i),
		general(i),
		el("h3", {}, "Offered and chosen"),
		el("div", { class: "hs-box" }, compared(i)),
		...certificate("Certificate", i.certificate, i.version === "TLS 1.3" && !i.resumed),
		...certificate("Certificate of the client", i.client_certificate, false),
	);
	if (prints.length)
		panel.append(
			el("h3", {}, "Fingerprints"),
			fields(prints, (name, value) => ({ field: by.get(name), value })),
		);
	if (full.events?.length) panel.append(el("h3", {}, "Times on the wire"), times(full));
}
