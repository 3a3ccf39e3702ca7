// SPDX-License-Identifier: GPL-2.0-or-later
// A row of tabs after the ARIA pattern: arrows move, the panel belongs to the chosen one.
import { el } from "./el.js";

// tabs: [{key, title, fill(panel)}]; returns {node, select(key), key()}.
export function tabs(name, list, chosen, onselect) {
	const panel = el("div", {
		role: "tabpanel",
		id: `${name}-panel`,
		class: "panel",
		tabindex: "0",
	});
	const buttons = list.map(t =>
		el(
			"button",
			{
				type: "button",
				role: "tab",
				id: `${name}-tab-${t.key}`,
				"aria-controls": `${name}-panel`,
				onclick: () => select(t.key, true),
			},
			t.title,
		),
	);
	const strip = el(
		"div",
		{ role: "tablist", class: "tablist", "aria-label": "Parts of the entry" },
		buttons,
	);
	let now = "";

	function select(key, isUser) {
		const at = Math.max(
			0,
			list.findIndex(t => t.key === key),
		);
		now = list[at].key;
		buttons.forEach((b, i) => {
			b.setAttribute("aria-selected", i === at ? "true" : "false");
			b.tabIndex = i === at ? 0 : -1;
		});
		panel.setAttribute("aria-labelledby", buttons[at].id);
		panel.replaceChildren();
		panel.scrollTop = 0;
		list[at].fill(panel);
		if (isUser) onselect(now);
	}

	strip.addEventListener("keydown", event => {
		const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
		if (!step) return;
		event.preventDefault();
		event.stopPropagation();
		const at = (list.findIndex(t => t.key === now) + step + list.length) % list.length;
		select(list[at].key, true);
		buttons[at].focus();
	});
	select(chosen, false);
	return { strip, panel, select, key: () => now };
}
