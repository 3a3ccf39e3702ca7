// SPDX-License-Identifier: GPL-2.0-or-later
// The Coverage page: of each program's TLS connections, how many are read, and why others are not.
import { el } from "./el.js";
import { count } from "./format.js";
import { lockIcon } from "./icons.js";
import { page } from "./page.js";
import { link } from "./state.js";
import { notYet } from "./states.js";
import { sortable } from "./table.js";
import { filterable } from "./tip.js";

const order = { column: 2, down: true };

const total = w => w.connections ?? (w.open || 0) + (w.closed || 0);
const open = w => w.open ?? w.read ?? 0;

function share(w) {
	const all = total(w);
	if (!all) return el("span", { class: "dim" }, "none seen");
	const part = all ? open(w) / all : 0;
	const bar = el("i", { class: "share-open" });
	bar.style.width = `${part * 100}%`;
	return el(
		"span",
		{ class: "share" },
		el("span", { class: "share-track" }, bar),
		el("span", {}, `${Math.round(part * 100)} %`),
	);
}

const locked = (lock, n) =>
	n
		? el("span", { class: `lock-${lock}` }, lockIcon(lock, 12), ` ${count(n)}`)
		: el("span", { class: "dim" }, "0");

const name = w => w.process || w.name || w.workload || "?";

const COLUMNS = [
	{
		title: "Program",
		cell: w => [
			filterable(name(w), { field: "src.process", value: name(w) }),
			" ",
			el("span", { class: "dim" }, w.pod || w.container || w.library || ""),
		],
		sort: name,
	},
	{ title: "Read in clear", cell: share, sort: w => (total(w) ? open(w) / total(w) : 0) },
	{ title: "TLS connections", numeric: true, cell: w => count(total(w)), sort: total },
	{ title: "Open", numeric: true, cell: w => locked("open", open(w)), sort: open },
	{
		title: "Closed",
		numeric: true,
		cell: w => locked("closed", total(w) - open(w)),
		sort: w => total(w) - open(w),
	},
	{
		title: "Why not",
		class: "why",
		cell: w =>
			w.reason ||
			(w.reasons || []).map(r => (typeof r === "string" ? r : r.reason)).join("; "),
	},
];

export default page({
	name: "coverage",
	path: "/api/coverage",
	every: 5000,
	text: "What cleartap reads, and what it cannot, for each program.",
	missing: () =>
		notYet(
			"Coverage is not measured by this cleartap",
			el(
				"span",
				{},
				"This version does not watch the wire, so it cannot say which TLS connections it did not read. ",
				el("a", { href: link({ page: "targets" }) }, "Targets"),
				" tells which libraries are read, and why others are not.",
			),
		),
	draw(answer, body, aside) {
		aside.replaceChildren(el("span", { class: "page-note" }, answer.note || ""));
		const list = answer.workloads || [];
		if (!list.length) {
			body.replaceChildren(
				notYet(
					"No TLS connection seen yet",
					"Programs will be listed with the share of their TLS connections that is read.",
				),
			);
			return;
		}
		const box =
			body.querySelector(".scroll") ||
			el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Coverage" });
		box.replaceChildren(sortable("Coverage", COLUMNS, list, order));
		if (!box.isConnected) body.replaceChildren(box);
	},
});
