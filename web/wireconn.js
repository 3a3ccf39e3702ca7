// SPDX-License-Identifier: GPL-2.0-or-later
// The tab TLS connection of a `tcp` entry: what is known of it, its ledger, what it carried, its
// last packets.
import { getJSON } from "./api.js";
import { fillOthers } from "./connection.js";
import { el } from "./el.js";
import { lasted } from "./entry.js";
import { bytes, clock, count, dateTime, elapsed, parseTime, size } from "./format.js";
import { lockIcon, lockWhy } from "./icons.js";
import { bar, parts, short, words } from "./ledger.js";
import { pairs } from "./table.js";

function general(e, full) {
	const i = full.tls_info || {};
	return pairs([
		["State", e.open ? "it goes on" : "it has ended", e.open ? { flag: "open" } : null],
		["Server name", i.sni, { field: "tlsx_sni", value: i.sni }],
		["Version", i.version, { field: "tls_version", value: i.version }],
		["Cipher suite", i.cipher, { field: "tlsx_cipher_suite", value: i.cipher }],
		["ALPN", i.alpn, { field: "tlsx_alpn", value: i.alpn }],
		["Certificate", i.subject, { field: "tls_subject", value: i.subject }],
		["Started", dateTime(e.time)],
		["Lasted", `${elapsed(lasted(e))}${e.open ? " so far" : ""}`],
		["Packets", count(e.packets), { field: "packets", operator: ">=", value: e.packets }],
	]);
}

function ledgerRows(l) {
	const ways = ["from_src", "from_dst"];
	const row = (name, read, title) =>
		el(
			"tr",
			{ title },
			el("th", { scope: "row" }, name),
			ways.map(w => el("td", { class: "numeric" }, read(w))),
		);
	return [
		row("Packets", w => count(l[w].packets)),
		row("Bytes on the wire", w => count(l[w].wire_bytes), "Payload of TCP or UDP; sent again counts again"),
		row("Records of data", w => count(l[w].records), "TLS records of application data; of QUIC packets with a short header"),
		row(
			"Data in them",
			w => count(l[w].bytes),
			"Without what TLS adds; where it was not read, by what its cipher suite adds",
		),
		l.bytes.map(b => row(b.reason === "read" ? "Read in clear" : `Not read: ${short(b.reason)}`, w => count(b[w]))),
	];
}

function remedies(l) {
	return l.bytes
		.filter(b => b.reason !== "read" && b.reason !== l.reason) // that stands on top
		.map(b =>
			el(
				"p",
				{ class: "note" },
				el("b", {}, `${size(b.from_src + b.from_dst)} not read`),
				`: ${b.sentence}. ${b.remedy}`,
			),
		);
}

function ledger(l) {
	const list = parts(l.bytes);
	return [
		el("h3", {}, "What became of its data"),
		el("p", { class: "ledger-own" }, list.length ? bar(list) : null, el("span", {}, words(list))),
		el(
			"table",
			{ class: "pairs ledger-table", "aria-label": "Ledger" },
			el(
				"thead",
				{},
				el(
					"tr",
					{},
					["", "From source", "From destination"].map(t => el("th", { scope: "col" }, t)),
				),
			),
			el("tbody", {}, ledgerRows(l)),
		),
		remedies(l),
	].flat();
}

const TYPES = {
	change_cipher_spec: "change cipher spec",
	application_data: "application data",
};

function packetRow(p) {
	const isSrc = p.from === "src";
	return el(
		"tr",
		{},
		el("td", {}, clock(parseTime(p.timestamp))),
		el("td", {}, isSrc ? "→ from source" : "← from destination"),
		el("td", { class: "numeric" }, bytes(p.size)),
		el("td", {}, (p.records || []).map(r => TYPES[r] || r).join(", ") || "goes on with a record"),
	);
}

async function fillPackets(box, e, context) {
	const path = `/api/connections/${encodeURIComponent(e.connection)}/packets`;
	try {
		const { packets } = await getJSON(path, {}, context.signal);
		box.replaceChildren(
			packets.length
				? el(
						"table",
						{ class: "packets", "aria-label": "Last packets" },
						el("tbody", {}, [...packets].reverse().map(packetRow)),
					)
				: el("p", { class: "note" }, "None was kept yet."),
		);
	} catch (error) {
		if (error.name === "AbortError") return;
		const text = error.status === 404 ? "None is kept any more: they are while it goes on." : error.message;
		box.replaceChildren(el("p", { class: "note" }, text));
	}
}

export function wireTab(panel, e, full, context) {
	const others = el("div", { class: "others" });
	const packets = el("div", {});
	const isClosed = e.lock === "closed";
	panel.append(
		el(
			"p",
			{ class: `hs-note ${isClosed ? "hs-weak" : "hs-good"}` },
			el("span", { class: `lock-${e.lock}` }, lockIcon(e.lock)),
			` ${lockWhy(e)}. `,
			isClosed && full.ledger ? full.ledger.remedy : "",
		),
		general(e, full),
		...(full.ledger ? ledger(full.ledger) : []),
		el("h3", {}, "On this connection"),
		others,
		el("h3", {}, "Last packets"),
		packets,
	);
	fillOthers(others, e, context);
	fillPackets(packets, e, context);
}
