// SPDX-License-Identifier: GPL-2.0-or-later
// The head of the list: names of columns with what the server says of them, and grips that make them
// wider.
import { columnHelp, saveColumns } from "./columns.js";
import { el } from "./el.js";

function drag(list, event, column) {
	event.preventDefault();
	const left = list.shown.indexOf(column) > list.shown.findIndex(c => c.flex);
	const from = event.clientX;
	const was = column.chosen;
	const move = e => {
		const by = (e.clientX - from) * (left ? -1 : 1);
		column.chosen = Math.max(column.min, Math.min(800, was + by));
		list.setColumns();
	};
	const up = () => {
		removeEventListener("pointermove", move);
		saveColumns();
	};
	addEventListener("pointermove", move);
	addEventListener("pointerup", up, { once: true });
}

export function drawHead(list) {
	list.head.replaceChildren(
		...list.shown.map((column, i) => {
			const cell = el("div", {
				role: "columnheader",
				"aria-colindex": i + 1,
				class: `cell ${column.narrow ? column.key : ""} ${column.numeric ? "numeric" : ""}`,
				title: columnHelp(column),
			});
			if (column.key === "time")
				cell.append(
					el(
						"button",
						{
							type: "button",
							tabindex: "-1",
							onclick: () => list.toggleTime(),
							title: "Time of day, or how long ago (t)",
						},
						column.title,
					),
				);
			else
				cell.append(
					el("span", { class: column.label === "" ? "offscreen" : "" }, column.title),
				);
			if (!column.fixed && !column.flex)
				cell.append(el("i", { class: "grip", onpointerdown: e => drag(list, e, column) }));
			return cell;
		}),
	);
}
