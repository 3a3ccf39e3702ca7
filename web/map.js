// SPDX-License-Identifier: GPL-2.0-or-later
// The Map: who talks to whom. Layers from left to right, laid out the same way each time; the
// same edges as a table, which is also how a keyboard or a screen reader gets at them.
import { el, svg } from "./el.js";
import { count, middle, rate, size } from "./format.js";
import { page } from "./page.js";
import { go, link } from "./state.js";
import { notYet } from "./states.js";
import { sortable } from "./table.js";

const BOX = { width: 184, height: 36, across: 220, down: 20 };
const LOOP = 24; // what a line to itself takes above its box
const LABELS_MAX = 8; // more lines than this show their label when pointed at
const NODES_MAX = 150;
const order = { column: 2, down: true };

// The longest way from a node that nobody calls; edges that close a circle do not count.
function layers(nodes, edges) {
	const depth = new Map(nodes.map(n => [n.id, 0]));
	const out = new Map(nodes.map(n => [n.id, []]));
	for (const e of edges) if (e.src !== e.dst) out.get(e.src)?.push(e.dst);
	const path = new Set();
	const visit = (id, at) => {
		if (path.has(id) || at > 12 || depth.get(id) > at) return;
		depth.set(id, at);
		path.add(id);
		for (const next of out.get(id) || []) visit(next, at + 1);
		path.delete(id);
	};
	const called = new Set(edges.filter(e => e.src !== e.dst).map(e => e.dst));
	for (const n of nodes) if (!called.has(n.id)) visit(n.id, 0);
	const columns = [];
	for (const n of nodes) (columns[depth.get(n.id)] = columns[depth.get(n.id)] || []).push(n);
	return columns.filter(Boolean);
}

// Nodes stand near the middle of those that call them, so that few lines cross.
function place(nodes, edges) {
	const columns = layers(nodes, edges);
	const above = edges.some(e => e.src === e.dst) ? LOOP : 0;
	const step = BOX.height + BOX.down + above;
	const at = new Map();
	const tallest = Math.max(...columns.map(c => c.length));
	columns.forEach((column, x) => {
		const weight = n => {
			const from = edges
				.filter(e => e.dst === n.id && at.has(e.src))
				.map(e => at.get(e.src).y);
			return from.length ? from.reduce((a, b) => a + b, 0) / from.length : 1e6;
		};
		const sorted = x
			? [...column].sort((a, b) => weight(a) - weight(b) || (a.name < b.name ? -1 : 1))
			: [...column].sort((a, b) => (a.name < b.name ? -1 : 1));
		const pad = ((tallest - column.length) * step) / 2;
		sorted.forEach((n, y) =>
			at.set(n.id, {
				x: 12 + x * (BOX.width + BOX.across),
				y: 16 + above + pad + y * step,
			}),
		);
	});
	return {
		at,
		width: 24 + columns.length * BOX.width + (columns.length - 1) * BOX.across,
		height: 24 + tallest * step,
	};
}

const errorShare = e => (e.entries ? e.errors / e.entries : 0);
const choose = edge => go({ page: "traffic", q: edge.q || "", id: 0 });

function label(e) {
	const share = errorShare(e);
	return `${rate(e.rate || 0)}/s${share ? ` · ${share < 0.01 ? "<1" : Math.round(share * 100)} % errors` : ""}`;
}

// A point of the curve; lines of one source carry their labels at different places.
function along(from, to, sag, t) {
	const mix = (a, b, c, d) =>
		(1 - t) ** 3 * a + 3 * (1 - t) ** 2 * t * b + 3 * (1 - t) * t * t * c + t ** 3 * d;
	return {
		x: mix(from.x, from.x + 60, to.x - 60, to.x),
		y: mix(from.y, from.y + sag, to.y + sag, to.y),
	};
}

function edgeNode(e, nth, at, names, fastest) {
	const [a, b] = [at.get(e.src), at.get(e.dst)];
	const from = { x: a.x + BOX.width, y: a.y + BOX.height / 2 };
	const to = { x: b.x - 7, y: b.y + BOX.height / 2 };
	// Past a layer it hangs through, so that it does not run behind the boxes between.
	const sag = to.x - from.x > BOX.across + BOX.width ? 44 : 0;
	let d = `M${from.x} ${from.y}C${from.x + 60} ${from.y + sag} ${to.x - 60} ${to.y + sag} ${to.x} ${to.y}`;
	let mid = along(from, to, sag, 0.36 + (nth % 3) * 0.14);
	let anchor = "middle";
	if (e.src === e.dst) {
		const right = a.x + BOX.width - 16;
		d = `M${right - 28} ${a.y}C${right - 28} ${a.y - LOOP} ${right} ${a.y - LOOP} ${right} ${a.y - 6}`;
		mid = { x: right - 34, y: a.y - 1 };
		anchor = "end";
	} else if (to.x <= from.x) {
		// back: around below
		const low = Math.max(a.y, b.y) + BOX.height + 16;
		d = `M${from.x} ${from.y}C${from.x + 50} ${low} ${to.x - 50} ${low} ${to.x} ${to.y}`;
		mid = { x: mid.x, y: low - 6 };
	}
	const node = svg(
		"g",
		{
			class: `edge ${errorShare(e) >= 0.05 ? "edge-bad" : ""}`,
			role: "link",
			tabindex: "0",
			"aria-label": `${names.get(e.src)} to ${names.get(e.dst)}, ${label(e)}. Show these entries`,
		},
		svg("path", { d, class: "edge-hit" }),
		svg("path", { d, class: "edge-line", "marker-end": "url(#arrow)" }),
		svg(
			"text",
			{ x: mid.x, y: mid.y + (sag ? 14 : -5), "text-anchor": anchor, "aria-hidden": "true" },
			label(e),
		),
		svg(
			"title",
			{},
			`${names.get(e.src)} → ${names.get(e.dst)}\n${count(e.entries)} entries, ${count(e.errors)} errors, ${size(e.bytes)}\n${(e.protocols || []).join(", ")}`,
		),
	);
	node.querySelector(".edge-line").style.strokeWidth =
		`${1 + 2 * Math.sqrt((e.rate || 0) / fastest)}px`;
	node.addEventListener("click", () => choose(e));
	node.addEventListener("keydown", event => event.key === "Enter" && choose(e));
	return node;
}

function nodeBox(n, p, edges) {
	const sub = [n.process, n.ip]
		.filter(text => text && text !== n.name)
		.join(" · ");
	const quoted = edges.filter(e => e.src === n.id || e.dst === n.id).map(e => `(${e.q})`);
	const all = () =>
		quoted.length && go({ page: "traffic", q: quoted.slice(0, 12).join(" or "), id: 0 });
	const node = svg(
		"g",
		{
			class: `box box-${/^\w+$/.test(n.kind || "") ? n.kind : "other"}`,
			role: "link",
			tabindex: "0",
			transform: `translate(${p.x} ${p.y})`,
			"aria-label": `${middle(n.name, 20)} ${middle(sub, 26)}. Show its entries`,
		},
		svg("rect", { width: BOX.width, height: BOX.height, rx: 4 }),
		svg("text", { x: 10, y: sub ? 15 : 22, class: "box-name" }, middle(n.name, 20)),
		" ",
		sub ? svg("text", { x: 10, y: 29, class: "box-sub" }, middle(sub, 26)) : null,
		svg("title", {}, [n.kind, n.name, n.process, n.ip].filter(Boolean).join("\n")),
	);
	node.addEventListener("click", all);
	node.addEventListener("keydown", event => event.key === "Enter" && all());
	return node;
}

// Labels are drawn after all lines, so that no line crosses one; crowded, they stay with theirs.
function labelsLast(edges, at, names, fastest) {
	const seen = new Map();
	const drawn = edges.map(e => {
		const nth = seen.get(e.src) || 0;
		seen.set(e.src, nth + 1);
		return edgeNode(e, nth, at, names, fastest);
	});
	if (edges.length > LABELS_MAX) return drawn;
	const labels = svg("g", { class: "labels" });
	for (const g of drawn)
		labels.append(svg("g", { class: g.getAttribute("class") }, g.querySelector("text")));
	return [...drawn, labels];
}

function picture(nodes, edges) {
	const { at, width, height } = place(nodes, edges);
	const names = new Map(nodes.map(n => [n.id, n.name]));
	const fastest = Math.max(0.001, ...edges.map(e => e.rate || 0));
	return svg(
		"svg",
		{
			class: edges.length > LABELS_MAX ? "graph crowded" : "graph",
			viewBox: `0 0 ${width} ${height}`,
			width,
			height,
			role: "group",
			"aria-label": "Who talks to whom",
		},
		svg(
			"defs",
			{},
			svg(
				"marker",
				{
					id: "arrow",
					viewBox: "0 0 8 8",
					refX: 6,
					refY: 4,
					markerWidth: 7,
					markerHeight: 7,
					orient: "auto",
					markerUnits: "userSpaceOnUse",
				},
				svg("path", { d: "M0 0.800L7 4 0 7.200z", class: "arrow" }),
			),
		),
		labelsLast(edges, at, names, fastest),
		nodes.map(n => nodeBox(n, at.get(n.id), edges)),
	);
}

function table(edges, names) {
	const columns = [
		{ title: "From", cell: e => names.get(e.src), sort: e => names.get(e.src) },
		{ title: "To", cell: e => names.get(e.dst), sort: e => names.get(e.dst) },
		{
			title: "Entries",
			numeric: true,
			sort: e => e.entries,
			cell: e => {
				const a = el(
					"a",
					{ href: link({ page: "traffic", q: e.q || "", id: 0 }) },
					count(e.entries),
				);
				return a;
			},
		},
		{
			title: "Rate",
			numeric: true,
			cell: e => `${rate(e.rate || 0)}/s`,
			sort: e => e.rate || 0,
		},
		{
			title: "Errors",
			numeric: true,
			cell: e =>
				e.errors
					? el(
							"b",
							{ class: "bad" },
							`${count(e.errors)} (${(errorShare(e) * 100).toFixed(1)} %)`,
						)
					: "0",
			sort: errorShare,
		},
		{ title: "Bytes", numeric: true, cell: e => size(e.bytes || 0), sort: e => e.bytes || 0 },
		{
			title: "Protocols",
			cell: e => (e.protocols || []).join(", "),
			sort: e => (e.protocols || []).join(),
		},
	];
	return sortable("Who talks to whom", columns, edges, order);
}

export default page({
	name: "map",
	path: "/api/map",
	every: 3000,
	text: "Who talks to whom. Click a line or a box to see its entries.",
	draw(answer, body, aside) {
		const nodes = (answer.nodes || []).slice(0, NODES_MAX);
		const known = new Set(nodes.map(n => n.id));
		const edges = (answer.edges || []).filter(e => known.has(e.src) && known.has(e.dst));
		aside.textContent =
			(answer.nodes || []).length > NODES_MAX
				? `${NODES_MAX} of ${count(answer.nodes.length)} shown`
				: "";
		if (!nodes.length) {
			body.replaceChildren(
				notYet(
					"Nobody has talked yet",
					"Programs and hosts appear here as soon as an entry is read between them.",
				),
			);
			return;
		}
		const focus = body.contains(document.activeElement)
			? document.activeElement.getAttribute("aria-label")
			: null;
		const old = body.querySelector(".graph-box");
		const box = el("div", { class: "graph-box" }, picture(nodes, edges));
		body.replaceChildren(
			box,
			el(
				"div",
				{ class: "scroll", tabindex: "0", role: "region", "aria-label": "Edges" },
				table(edges, new Map(nodes.map(n => [n.id, n.name]))),
			),
		);
		if (old) [box.scrollLeft, box.scrollTop] = [old.scrollLeft, old.scrollTop];
		if (focus)
			[...body.querySelectorAll("[aria-label]")]
				.find(n => n.getAttribute("aria-label") === focus)
				?.focus();
	},
});
