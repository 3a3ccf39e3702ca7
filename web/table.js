// SPDX-License-Identifier: GPL-2.0-or-later
// Small tables: pairs of name and value, and lists that sort by their header.
import { button, copy, el } from "./el.js";
import { helpOf } from "./language.js";
import { filterable } from "./tip.js";

// rows: [[name, value, filter]]; a value is text or a node; empty ones are left out.
export function pairs(rows) {
	return el(
		"table",
		{ class: "pairs" },
		el(
			"tbody",
			{},
			rows
				.filter(([, value]) => value !== "" && value !== undefined && value !== null)
				.map(([name, value, what]) =>
					el(
						"tr",
						{},
						el("th", { scope: "row", title: helpOf(what?.field) || null }, name),
						el(
							"td",
							{},
							value instanceof Node ? value : filterable(String(value), what),
						),
					),
				),
		),
	);
}

// A header or cookie table: name, value, copy on hover; masked values show as bullets.
export function fields(list, toFilter, masked) {
	return el(
		"table",
		{ class: "pairs headers" },
		el(
			"tbody",
			{},
			list.map(([name, value]) => {
				const hidden = masked?.(name);
				const shown = hidden
					? el(
							"span",
							{ class: "masked", title: `Masked before it was stored (${hidden})` },
							"••••••••",
						)
					: filterable(value, toFilter?.(name, value));
				return el(
					"tr",
					{},
					el("th", { scope: "row" }, name),
					el(
						"td",
						{},
						shown,
						hidden
							? null
							: button("Copy", () => copy(value, name), {
									class: "copy",
									"aria-label": `Copy ${name}`,
								}),
					),
				);
			}),
		),
	);
}

// columns: [{title, cell(row) → text or node, sort(row), numeric}]; keeps the order that was chosen.
export function sortable(name, columns, rows, order, onrow) {
	const by = columns[order.column];
	const sorted = by?.sort
		? [...rows].sort((a, b) => {
				const [x, y] = [by.sort(a), by.sort(b)];
				return (x < y ? -1 : x > y ? 1 : 0) * (order.down ? -1 : 1);
			})
		: rows;
	const body = el(
		"tbody",
		{},
		sorted.map(row => {
			const tr = el(
				"tr",
				{},
				columns.map(c =>
					el("td", { class: c.class || (c.numeric ? "numeric" : "") }, c.cell(row)),
				),
			);
			if (onrow) onrow(tr, row);
			return tr;
		}),
	);
	const table = el("table", { class: "wide", "aria-label": name });
	table.append(
		el(
			"thead",
			{},
			el(
				"tr",
				{},
				columns.map((c, i) =>
					el(
						"th",
						{
							scope: "col",
							class: c.numeric ? "numeric" : "",
							"aria-sort":
								!c.sort || i !== order.column
									? null
									: order.down
										? "descending"
										: "ascending",
						},
						c.sort
							? button(c.title, () => {
									order.down =
										order.column === i ? !order.down : Boolean(c.numeric);
									order.column = i;
									const next = sortable(name, columns, rows, order, onrow);
									table.replaceWith(next);
									next.querySelectorAll("thead button")[
										columns.slice(0, i).filter(x => x.sort).length
									]?.focus();
								})
							: c.title,
					),
				),
			),
		),
		body,
	);
	return table;
}
