// SPDX-License-Identifier: GPL-2.0-or-later
// The Connections page: every connection with its entries, bytes and errors.
import { el } from "./el.js";
import { isReadAt } from "./entry.js";
import { ago, clock, count, end, plural, size } from "./format.js";
import { lockIcon, lockWhy } from "./icons.js";
import { page } from "./page.js";
import { link } from "./state.js";
import { notYet } from "./states.js";
import { sortable } from "./table.js";
import { filterable, addFilter } from "./tip.js";
import { term } from "./filter.js";

const order = { column: 8, down: true };
let filter = "";

function who(c, pick) {
	const side = whole(c[pick]);
	const traced = isReadAt(c, pick === "src" ? "client" : "server");
	const { host, address } = end(side);
	const what = side.pod
		? { field: `${pick}.pod.name`, value: side.pod }
		: side.process
			? { field: `${pick}.process`, value: side.process }
			: { field: `${pick}.ip`, value: side.ip };
	return el(
		"span",
		{
			class: traced ? "end traced" : "end",
			title: traced ? "Read at this end" : undefined,
		},
		host ? filterable(host, what) : null,
		" ",
		side.ip
			? filterable(address, { field: `${pick}.ip`, value: side.ip }, { class: "dim" })
			: el("span", { class: "dim" }, "unknown"),
	);
}

const whole = side => ({ ip: "", port: 0, name: "", process: "", pid: 0, pod: "", ...side });

// A handshake is not what it carries.
const nameOf = c => (c.protocol === "tlsx" ? "tcp" : c.protocol || "");

const isClosed = c => c.lock === "closed";
const sent = c => (isClosed(c) ? c.wire_request_bytes : c.request_bytes) || 0;
const received = c => (isClosed(c) ? c.wire_response_bytes : c.response_bytes) || 0;

// Of what stayed encrypted only the wire tells how much it was.
const amount = (c, n) =>
	isClosed(c)
		? el("span", { class: "dim", title: "On the wire, encrypted" }, size(n))
		: size(n);

const COLUMNS = [
	{
		title: "Lock",
		cell: c =>
			el(
				"button",
				{
					type: "button",
					class: `lock lock-${c.lock}`,
					title: lockWhy(c),
					onclick: () => addFilter(c.lock === "none" ? { field: "lock", value: "none" } : { flag: "tls" }),
				},
				lockIcon(c.lock),
				el("span", { class: "offscreen" }, lockWhy(c)),
			),
		sort: c => c.lock,
	},
	{
		title: "Protocol",
		cell: c => [
			filterable(nameOf(c), { field: "protocol", value: nameOf(c) }),
			c.tls_version
				? el("small", { class: "conn-tls", title: c.sni && `for ${c.sni}` }, c.tls_version)
				: null,
		],
		sort: nameOf,
	},
	{
		title: "From",
		cell: c => who(c, "src"),
		sort: c => c.src?.process || c.src?.ip || "",
	},
	{
		title: "To",
		cell: c => who(c, "dst"),
		sort: c => c.dst?.process || c.dst?.ip || "",
	},
	{
		title: "Entries",
		numeric: true,
		cell: c =>
			el(
				"a",
				{
					href: link({
						page: "traffic",
						q: term({ field: "connection", value: c.connection }),
						id: 0,
					}),
				},
				count(c.entries || 0),
			),
		sort: c => c.entries || 0,
	},
	{
		title: "Errors",
		numeric: true,
		cell: c =>
			c.errors
				? el("b", { class: "bad" }, count(c.errors))
				: el("span", { class: "dim" }, "0"),
		sort: c => c.errors || 0,
	},
	{
		title: "Sent",
		numeric: true,
		cell: c => amount(c, sent(c)),
		sort: sent,
	},
	{
		title: "Received",
		numeric: true,
		cell: c => amount(c, received(c)),
		sort: received,
	},
	{
		title: "Last",
		numeric: true,
		cell: c => el("span", { title: clock(c.last_us) }, ago(c.last_us, Date.now() * 1000)),
		sort: c => c.last_us || 0,
	},
	{
		title: "Read by",
		class: "why",
		cell: c => (isClosed(c) ? `not read: ${c.reason}` : c.library || ""),
		sort: c => (isClosed(c) ? `\uffff${c.reason}` : c.library || ""),
	},
	{ title: "Ends by", cell: c => c.bind || "", sort: c => c.bind || "" },
];

function matches(c) {
	if (!filter) return true;
	return JSON.stringify([c.src, c.dst, c.protocol, c.library, c.connection, c.sni, c.reason])
		.toLowerCase()
		.includes(filter);
}

let latest = [];
let known = 0;

function fill(box, total) {
	const rows = latest.filter(matches);
	const all = Math.max(latest.length, known);
	total.textContent = `${plural(rows.length, "connection")}${rows.length === all ? "" : ` of ${count(all)}`}`;
	box.replaceChildren(
		sortable("Connections", COLUMNS, rows.slice(0, 2000), order, (tr, c) =>
			tr.addEventListener("dblclick", () =>
				addFilter({ field: "connection", value: c.connection }),
			),
		),
	);
}

export default page({
	name: "connections",
	path: "/api/connections",
	every: 3000,
	text: "Who spoke with whom, newest first. Click a value to filter by it, the count to see its entries.",
	draw(answer, body, aside) {
		latest = answer.connections || [];
		known = answer.total || 0;
		if (!latest.length) {
			body.replaceChildren(
				notYet(
					"No connection yet",
					"Each TLS connection will be listed here, read in clear or not.",
				),
			);
			return;
		}
		let box = body.querySelector(".scroll");
		if (!box) {
			box = el("div", {
				class: "scroll",
				tabindex: "0",
				role: "region",
				"aria-label": "Connections",
			});
			const total = el("span", { class: "dim" });
			const input = el("input", {
				type: "search",
				class: "narrow",
				placeholder: "Narrow by process, address, …",
				"aria-label": "Narrow the connections",
			});
			input.addEventListener("input", () => {
				filter = input.value.trim().toLowerCase();
				fill(box, total);
			});
			box.total = total;
			aside.replaceChildren(total, input);
			body.replaceChildren(box);
		}
		fill(box, box.total);
	},
});
