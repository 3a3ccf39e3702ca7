// SPDX-License-Identifier: GPL-2.0-or-later
// The Targets page: which files are probed, how, how often they were hit, and why not.
import { el } from "./el.js";
import { count, plural } from "./format.js";
import { page } from "./page.js";
import { notYet } from "./states.js";
import { sortable } from "./table.js";
import { filterable } from "./tip.js";

const order = { column: -1, down: false };
const RANK = { attached: 0, failed: 1, skipped: 2, detached: 3 };
// What is probed and was never called may not be what its programs use.
const shownState = t => (t.state === "attached" && !t.hits ? "uncalled" : t.state);
const SIGN = { attached: "●", uncalled: "◌", failed: "✕", skipped: "–", detached: "○" };

function processes(t) {
	const list = t.processes || [];
	const notRead = list.find(p => p.not_read)?.not_read;
	const shown = list
		.slice(0, 6)
		.map(p =>
			filterable(
				`${p.process || "?"}[${p.pid}]`,
				{ fields: ["src.pid", "dst.pid"], value: p.pid },
				{
					class: "chip",
					title:
						[p.container && `container ${p.container}`, p.not_read]
							.filter(Boolean)
							.join("\n") || undefined,
				},
			),
		);
	return el(
		"span",
		{ class: "chips" },
		shown,
		list.length > 6
			? el(
					"span",
					{
						class: "dim",
						title: list
							.slice(6)
							.map(p => `${p.process}[${p.pid}]`)
							.join(", "),
					},
					`+${list.length - 6}`,
				)
			: null,
		notRead ? el("span", { class: "dim" }, notRead) : null,
	);
}

function points(t) {
	if (Array.isArray(t.points))
		return t.points
			.map(p => (typeof p === "string" ? p : p.symbol || p.name || JSON.stringify(p)))
			.join(", ");
	return t.points === undefined || t.points === null ? "" : String(t.points);
}

const COLUMNS = [
	{
		title: "State",
		cell: t =>
			el(
				"span",
				{ class: `tstate tstate-${RANK[t.state] === undefined ? "other" : shownState(t)}` },
				el("i", { "aria-hidden": "true" }, SIGN[shownState(t)] || "?"),
				` ${t.state}`,
			),
		sort: t => RANK[t.state] ?? 9,
	},
	{
		title: "File",
		class: "path",
		cell: t => el("span", { title: t.path }, t.path),
		sort: t => t.path,
	},
	{
		title: "Library",
		cell: t => [
			filterable(t.library || "", { field: "library", value: t.library }),
			" ",
			el("span", { class: "dim" }, t.version || ""),
		],
		sort: t => `${t.library} ${t.version}`,
	},
	{
		title: "Hits",
		numeric: true,
		cell: t => (t.state === "attached" ? count(t.hits || 0) : ""),
		sort: t => t.hits || 0,
	},
	{ title: "Processes", cell: processes, sort: t => (t.processes || []).length },
	{
		title: "How, or why not",
		class: "why",
		cell: t => [
			t.reason ? el("div", {}, t.reason) : null,
			t.plan
				? el(
						"div",
						{ class: "dim" },
						typeof t.plan === "string" ? t.plan : JSON.stringify(t.plan),
					)
				: null,
			t.state === "attached" && points(t)
				? el("div", { class: "dim" }, "points: ", points(t))
				: null,
		],
	},
];

export default page({
	name: "targets",
	path: "/api/targets",
	every: 3000,
	text: "Files whose TLS calls are probed, and those that are not, with the reason.",
	draw(answer, body, aside) {
		const list = [...(answer.targets || [])].sort(
			(a, b) =>
				(RANK[a.state] ?? 9) - (RANK[b.state] ?? 9) ||
				(b.hits || 0) - (a.hits || 0) ||
				(a.path < b.path ? -1 : 1),
		);
		if (!list.length) {
			body.replaceChildren(
				notYet(
					"No TLS library found yet",
					"cleartap looks at every running program, every library it maps and every container's root. Start a program that uses TLS.",
				),
			);
			return;
		}
		const by = state => list.filter(t => t.state === state).length;
		aside.textContent = Object.keys(RANK)
			.filter(by)
			.map(s => `${plural(by(s), s, s)}`)
			.join(" · ");
		const box =
			body.querySelector(".scroll") ||
			el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Targets" });
		box.replaceChildren(sortable("Targets", COLUMNS, list, order));
		if (!box.isConnected) body.replaceChildren(box);
	},
});
