// SPDX-License-Identifier: GPL-2.0-or-later
// The Coverage page: a ledger. Of the application data that each program's TLS connections moved,
// how much was read in clear, why not the rest, and what would help.
import { el, put } from "./el.js";
import { count, plural, size } from "./format.js";
import { bar, kindOf, parts, percent, short, sum, words } from "./ledger.js";
import { page } from "./page.js";
import { server } from "./server.js";
import { link } from "./state.js";
import { notYet } from "./states.js";
import { sortable } from "./table.js";
import { filterable } from "./tip.js";

const order = { column: 2, down: true };
const plainOrder = { column: 1, down: true };

let reasons = new Map(); // {reason, sentence, remedy} by reason

const keyOf = p => `${p.process}\n${p.container}`;
const cut = id => (/^[0-9a-f]{32,}$/.test(id) ? id.slice(0, 12) : id);

function program(p) {
	if (p.others) return el("span", { class: "dim" }, p.others);
	return [
		filterable(p.process || "?", {
			fields: ["src.process", "dst.process"],
			value: p.process || "",
		}),
		" ",
		el("small", {}, [p.library, p.container && cut(p.container)].filter(Boolean).join(" · ")),
	];
}

// Each reason of what was not read, with what would help.
function why(p) {
	const list = p.parts.filter(x => x.reason !== "read");
	if (!list.length) return p.reason || "";
	return list.map(({ reason }) => {
		const { sentence, remedy } = reasons.get(reason) || {};
		return el(
			"div",
			{},
			el("b", {}, short(reason)),
			sentence ? `: ${sentence}. ` : " ",
			el("span", { class: "dim" }, remedy || ""),
		);
	});
}

const read = p => sum(p.parts.filter(x => x.reason === "read"));

const COLUMNS = [
	{ title: "Program", cell: program, sort: p => p.process || "\uffff" },
	{
		title: "Read in clear",
		class: "ledger-cell",
		cell: p =>
			p.all
				? [bar(p.parts), el("span", { class: "ledger-words" }, words(p.parts))]
				: el("span", { class: "dim" }, p.connections ? words([]) : "no TLS connection seen"),
		sort: p => (p.all ? read(p) / p.all : -1),
	},
	{
		title: "Data",
		numeric: true,
		cell: p => el("span", { title: `${size(p.wire_bytes || 0)} on the wire` }, size(p.all)),
		sort: p => p.all,
	},
	{
		title: "Connections",
		numeric: true,
		cell: p => count(p.connections || 0),
		sort: p => p.connections || 0,
	},
	{
		title: "Of them read",
		numeric: true,
		cell: p => count(p.connections_read || 0),
		sort: p => p.connections_read || 0,
	},
	{ title: "Why not, and what helps", class: "why", cell: why },
];

// Without the wire nothing tells what was not read: there are counts, and no share of them.
const PLAIN = [
	COLUMNS[0],
	{
		title: "Connections read",
		numeric: true,
		cell: w => count(w.open || 0),
		sort: w => w.open || 0,
	},
	{ title: "Entries", numeric: true, cell: w => count(w.entries || 0), sort: w => w.entries || 0 },
	{ title: "Why not", class: "why", cell: w => w.reason || "" },
];

const row = p => {
	const list = parts(p.bytes);
	return { ...p, parts: list, all: sum(list) };
};

function programs(answer) {
	const { ledger } = answer;
	const rows = ledger.programs.map(row);
	const known = new Map(rows.map(p => [keyOf(p), p]));
	for (const w of answer.workloads || []) {
		const p = known.get(keyOf(w));
		// A name that the kernel cut is the same program's.
		if (p) Object.assign(p, { reason: w.reason, library: p.library || w.library });
		else if (w.reason || !ledger.filtered)
			rows.push({ ...w, connections: 0, bytes: [], parts: [], all: 0 });
	}
	const others = row(ledger.others);
	if (others.connections)
		rows.push({
			...others,
			process: "",
			others: ledger.filtered
				? "programs that are left out, or not known"
				: "programs that are not known, or past the bound",
		});
	return rows;
}

function legend(list) {
	return el(
		"p",
		{ class: "ledger-legend" },
		list.map(p =>
			el(
				"span",
				{ title: reasons.get(p.reason)?.sentence },
				el("i", { class: `ledger-${kindOf(p.reason)}` }),
				`${percent(p.bytes, sum(list))} ${short(p.reason)} `,
				el("small", {}, size(p.bytes)),
			),
		),
	);
}

// Sums by container, where there are any.
function containers(rows) {
	const sums = new Map();
	for (const p of rows.filter(r => r.container)) {
		const bytes = sums.get(p.container) || [];
		for (const x of p.parts) {
			const at = bytes.find(b => b.reason === x.reason);
			if (at) at.sent += x.bytes;
			else bytes.push({ reason: x.reason, sent: x.bytes });
		}
		sums.set(p.container, bytes);
	}
	return [...sums].map(([id, bytes]) => ({ id, parts: parts(bytes) }));
}

function machine(ledger, rows) {
	const all = row(ledger.machine);
	const inScope = all.parts.filter(p => p.reason !== "filtered-out");
	const line = (title, list, text) =>
		el(
			"div",
			{ class: "ledger-line" },
			el("h2", {}, title),
			list.length ? bar(list) : null,
			el("p", { class: "ledger-words" }, words(list), text),
		);
	return el(
		"section",
		{ class: "ledger-machine", "aria-label": "Sums" },
		ledger.filtered
			? line("Programs that are looked at", inScope, ` · ${size(sum(inScope))} of application data`)
			: null,
		line(
			"This machine",
			all.parts,
			` · ${size(all.all)} of application data in ${plural(all.connections, "TLS connection")}`,
		),
		legend(all.parts),
		containers(rows).map(c => line(`Container ${cut(c.id)}`, c.parts)),
		server.scope
			? el(
					"p",
					{ class: "dim" },
					"Only programs that match ",
					el("code", {}, server.scope),
					" are read; of the others there are sums alone.",
				)
			: null,
		all.misfits
			? el(
					"p",
					{ class: "bad" },
					`${plural(all.misfits, "direction")} had less on the wire than was read: please report it.`,
				)
			: null,
	);
}

function table(body, above, columns, rows, how) {
	const box =
		body.querySelector(".scroll") ||
		el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Coverage" });
	put(box, above, sortable("Coverage", columns, rows, how));
	if (!box.isConnected) body.replaceChildren(box);
}

export default page({
	name: "coverage",
	path: "/api/coverage",
	every: 5000,
	text: "Of what went over TLS, how much was read in clear, by program; and why not the rest.",
	draw(answer, body, aside) {
		const { ledger } = answer;
		const note = ledger && !server.narrow ? "" : answer.note || "";
		aside.replaceChildren(el("span", { class: "page-note" }, note));
		reasons = new Map((ledger?.reasons || []).map(r => [r.reason, r]));
		const list = ledger ? programs(answer) : answer.workloads || [];
		if (list.length || ledger?.machine.connections) {
			if (ledger) table(body, machine(ledger, list), COLUMNS, list, order);
			else table(body, null, PLAIN, list, plainOrder);
			return;
		}
		body.replaceChildren(
			notYet(
				"No TLS connection seen yet",
				el(
					"span",
					{},
					"Programs will be listed with the share of their TLS traffic that is read. ",
					el("a", { href: link({ page: "targets" }) }, "Targets"),
					" tells which libraries are read.",
				),
			),
		);
	},
});
