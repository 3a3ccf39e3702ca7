// SPDX-License-Identifier: GPL-2.0-or-later
// The columns of the list: width, how a cell is made once and set often, what it filters by.
import { el, recall, remember, setText } from "./el.js";
import { isReadAt, lasted } from "./entry.js";
import {
	ago,
	bytes,
	clock,
	dateTime,
	elapsed,
	end as nameOf,
	middle,
	running,
	size,
} from "./format.js";
import { lockIcon, lockWhy } from "./icons.js";
import { helpOf } from "./language.js";
import { wireWords } from "./wire.js";

function textCell(cell, ...names) {
	const refs = { cell };
	for (const name of names) {
		refs[name] = document.createTextNode("");
		cell.append(name === "text" ? refs[name] : el("span", { class: name }, refs[name]));
	}
	return refs;
}

function setClass(refs, name) {
	if (refs.name !== name) {
		refs.name = name;
		refs.cell.className = name;
	}
}

const plain = (key, title, width, read, extra) => ({
	key,
	title,
	width,
	min: 44,
	make: cell => textCell(cell, "text"),
	set: (refs, e) => setText(refs.text, String(read(e) ?? "")),
	full: e => String(read(e) ?? ""),
	filter: e => (read(e) ? { field: key, value: read(e) } : null),
	...extra,
});

// An end whose calls were read carries a dot; both do when both programs are on this machine.
function ends(key, title, pick, end, rest) {
	return {
		key,
		title,
		width: 200,
		narrow: 104,
		min: 80,
		...rest,
		help: `${pick}.process`,
		make: cell => textCell(cell, "host", "dim"),
		set: (refs, e) => {
			const { host, address } = nameOf(e[pick]);
			setText(refs.host, host);
			setText(refs.dim, address);
			setClass(refs, `${CELL} ${pick} ${isReadAt(e, end) ? "traced" : ""}`);
		},
		full: e => `${fullEnd(e[pick])}${readAt(e, end)}`,
		filter: e => endFilter(pick, e[pick]),
	};
}

function readAt(e, end) {
	if (e.ends === "both") return " · read at both ends";
	return isReadAt(e, end) ? " · read at this end" : "";
}

export function fullEnd(side) {
	const { address } = nameOf(side);
	const parts = [
		side.process && `${side.process}${side.pid ? `[${side.pid}]` : ""}`,
		address,
		side.name,
		side.pod && `pod ${side.pod}`,
		side.namespace && `namespace ${side.namespace}`,
		side.service && `service ${side.service}`,
		side.container && `container ${side.container}`,
	];
	return parts.filter(Boolean).join(" · ");
}

function endFilter(pick, side) {
	if (side.pod) return { field: `${pick}.pod.name`, value: side.pod };
	if (side.process) return { field: `${pick}.process`, value: side.process };
	return side.ip ? { field: `${pick}.ip`, value: side.ip } : null;
}

const CELL = "cell";
const CLOCK_US = 6e7; // what lasts longer is told as on a clock, whether it goes on or not

const LOCKS = { open: "open lock: ", closed: "closed lock: " };

// What came from elsewhere, as part of a class.
const word = text => (/^\w+$/.test(text) ? text : "other");

export const COLUMNS = [
	{
		key: "lock",
		title: "Lock",
		width: 30,
		min: 30,
		fixed: true,
		priority: 0,
		label: "",
		make: cell => ({ cell, text: "" }),
		set: (refs, e) => {
			const why = lockWhy(e);
			if (refs.text === why) return;
			refs.text = why;
			refs.cell.className = `cell lock lock-${e.lock}`;
			refs.cell.replaceChildren(
				lockIcon(e.lock),
				el("span", { class: "offscreen" }, `${LOCKS[e.lock] || ""}${why}`),
			);
		},
		full: lockWhy,
		filter: e => (e.lock === "none" ? { field: "lock", value: "none" } : { flag: "tls" }),
	},
	{
		key: "time",
		title: "Time",
		width: 104,
		min: 80,
		priority: 4,
		make: cell => textCell(cell, "text"),
		set: (refs, e, c) => setText(refs.text, c.relative ? ago(e.time, c.now) : clock(e.time)),
		full: e => dateTime(e.time),
		filter: e => ({ field: "id", value: e.id }),
	},
	plain("protocol", "Protocol", 72, e => e.protocol, {
		priority: 3,
		set: (refs, e) => {
			setText(refs.text, e.protocol);
			setClass(refs, `${CELL} proto proto-${word(e.protocol)}`);
		},
		full: e => `${e.protocol}${e.version ? ` ${e.version}` : ""}`,
	}),
	plain("method", "Method", 72, e => e.method, { priority: 2 }),
	{
		key: "summary",
		title: "Summary",
		width: 0,
		min: 120,
		flex: true,
		priority: 0,
		make: cell => textCell(cell, "host", "path", "dim", "notch"),
		set: (refs, e, c) => {
			const lost = e.lost + e.truncated;
			const note = lost
				? `${size(lost)} missing`
				: e.weak
					? `weak: ${e.weak}`
					: e.complete || e.open
						? ""
						: "incomplete";
			const isPath = e.summary.startsWith("/");
			const at = isPath ? e.summary.indexOf("?") : -1;
			const path = at < 0 ? e.summary : e.summary.slice(0, at);
			const query = (at < 0 ? "" : e.summary.slice(at)) + (e.graphql && ` ${e.graphql}`);
			const room = Math.max(
				8,
				Math.floor((c.summary - 20 - (note ? note.length * 6.2 + 20 : 0)) / c.ch),
			);
			const first = isPath ? middle(path, Math.max(8, Math.min(room, path.length))) : path;
			const wire = wireWords(e);
			setText(refs.path, wire?.[0] ?? first);
			setText(
				refs.dim,
				wire?.[1] ??
					(query && room - first.length > 5 ? middle(query, room - first.length) : ""),
			);
			setText(refs.notch, note);
			setClass(refs, `${CELL} summary ${isPath ? "" : "prose"} ${note ? "notched" : ""}`);
		},
		full: e =>
			(wireWords(e)?.join("") ??
				`${e.host && e.summary.startsWith("/") ? e.host : ""}${e.summary}`) +
			(e.graphql && ` ${e.graphql}`) +
			(e.weak && ` — weak: ${e.weak}`) +
			(e.lost + e.truncated ? ` — ${bytes(e.lost + e.truncated)} missing` : "") +
			(e.reason ? ` — ${e.reason}` : ""),
		filter: e =>
			e.summary.startsWith("/")
				? { field: "path", value: e.summary.split("?")[0] }
				: e.summary
					? { field: "summary", value: e.summary }
					: null,
	},
	{
		key: "status",
		title: "Status",
		width: 72,
		min: 44,
		priority: 1,
		help: "status_code",
		make: cell => textCell(cell, "text", "offscreen"),
		set: (refs, e) => {
			setText(refs.text, e.status || (e.open || e.complete ? "" : "…"));
			setText(refs.offscreen, e.open ? " goes on" : "");
			setClass(refs, `${CELL} status status-${word(e.outcome)}${e.status ? "" : " bare"}`);
		},
		full: e =>
			[e.status && `status ${e.status}`, e.open ? "goes on" : e.reason]
				.filter(Boolean)
				.join(" · "),
		filter: e =>
			e.status_code
				? { field: "status_code", value: e.status_code }
				: e.status
					? { field: "status", value: e.status }
					: null,
	},
	ends("src", "Source", "src", "client", { priority: 5 }),
	ends("dst", "Destination", "dst", "server", { priority: 5 }),
	{
		key: "size",
		title: "Size",
		width: 76,
		min: 56,
		priority: 7,
		numeric: true,
		make: cell => textCell(cell, "text"),
		set: (refs, e) => setText(refs.text, size(e.request_size + e.response_size)),
		full: e =>
			e.protocol === "tcp"
				? `on the wire: ${bytes(e.request_size)} sent, ${bytes(e.response_size)} answered`
				: `request ${bytes(e.request_size)}, response ${bytes(e.response_size)}`,
		filter: e => ({ field: "responseSize", operator: ">=", value: e.response_size }),
	},
	{
		key: "elapsed",
		title: "Elapsed",
		width: 84,
		min: 64,
		priority: 6,
		numeric: true,
		make: cell => {
			const refs = textCell(cell, "text");
			refs.bar = el("i", { class: "hair" });
			cell.append(refs.bar);
			return refs;
		},
		help: "elapsed_time",
		set: (refs, e, c) => {
			const took = lasted(e);
			setText(refs.text, e.open || took >= CLOCK_US ? running(took) : elapsed(took));
			const part = took > 0 && c.slowest > 0 ? Math.min(1, took / c.slowest) : 0;
			refs.bar.style.transform = `scaleX(${part < 0.02 ? 0 : part.toFixed(3)})`;
		},
		full: e =>
			e.open
				? `${elapsed(lasted(e))} so far, since the first byte asked`
				: e.elapsed < 0
					? "not known"
					: `${elapsed(e.elapsed)} from the first byte asked to the last answered` +
						(e.server_elapsed < 0
							? ""
							: `, as the client saw it; ${elapsed(e.server_elapsed)} at the server`),
		filter: e =>
			e.open
				? { flag: "open" }
				: e.elapsed < 0
					? null
					: { field: "elapsed_time", operator: ">=", value: e.elapsed },
	},
	plain("host", "Host", 160, e => e.host, { hidden: true, priority: 8 }),
	plain("library", "Library", 84, e => e.library, { hidden: true, priority: 9 }),
	plain("ends", "Read at", 84, e => e.ends, { hidden: true, priority: 9 }),
	plain("role", "Traced side", 84, e => e.role, { hidden: true, priority: 9 }),
	plain("bind", "Bind", 72, e => e.bind, { hidden: true, priority: 9 }),
	plain("connection", "Connection", 150, e => e.connection, { hidden: true, priority: 9 }),
	plain("node", "Node", 90, e => e.node, { hidden: true, priority: 9 }),
	plain("id", "ID", 80, e => e.id, { hidden: true, priority: 9, numeric: true }),
];

const saved = recall("columns", {});
for (const column of COLUMNS) {
	const s = saved[column.key] || {};
	column.shown = typeof s.shown === "boolean" && !column.fixed ? s.shown : !column.hidden;
	column.chosen =
		column.flex || !Number.isFinite(s.width)
			? column.width
			: Math.max(column.min, Math.min(800, s.width));
}

// Its title and what the server says of its field.
export function columnHelp(c) {
	const help = helpOf(c.help || c.key);
	return help ? `${c.title}: ${help}` : c.title;
}

export function saveColumns() {
	const value = {};
	for (const c of COLUMNS) value[c.key] = { shown: c.shown, width: c.chosen };
	remember("columns", value);
}

// The columns that fit into `width`: the least important give way first, but before an end is left
// out both become narrow: the name without the address.
export function fit(width) {
	let shown = COLUMNS.filter(c => c.shown);
	let tight = false;
	const wide = width >= 2200 ? 1.5 : 1;
	const own = c =>
		c.fixed
			? c.chosen
			: tight && c.narrow
				? Math.min(c.chosen, c.narrow)
				: Math.round(c.chosen * wide);
	const need = () => shown.reduce((sum, c) => sum + (c.flex ? c.min : own(c)), 0);
	const flexible = () => Math.max(tight ? 170 : 190, Math.min(280, width * 0.24));
	while (need() + flexible() - 120 > width && shown.length > 3) {
		const drop = shown.reduce((a, b) => (b.priority >= a.priority ? b : a));
		if (drop.narrow && !tight) {
			tight = true;
			continue;
		}
		shown = shown.filter(c => c !== drop);
	}
	const fixed = shown.reduce((sum, c) => sum + (c.flex ? 0 : own(c)), 0);
	const flex = Math.max(60, width - fixed);
	return {
		shown,
		template: shown.map(c => (c.flex ? "minmax(0, 1fr)" : `${own(c)}px`)).join(" "),
		summary: flex,
		tight,
	};
}
