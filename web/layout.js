// SPDX-License-Identifier: GPL-2.0-or-later
// The frame: the bar on top with its pages, the query bar, the pill and the theme switch.
import * as capture from "./capture.js";
import { el } from "./el.js";
import { glyph } from "./icons.js";
import { build as buildQuery } from "./query.js";
import { pageOf } from "./pages.js";
import { scopeChip } from "./server.js";
import { link, state, subscribe } from "./state.js";

const THEMES = ["auto", "dark", "light"];

function themeSwitch() {
	const root = document.documentElement;
	const node = el("button", { type: "button", class: "icon", id: "theme" });
	const draw = () => {
		const theme = root.dataset.theme || "auto";
		node.replaceChildren(glyph({ auto: "auto", dark: "moon", light: "sun" }[theme]));
		node.title = `Theme: ${theme === "auto" ? "as the system" : theme}`;
		node.setAttribute("aria-label", node.title);
	};
	node.addEventListener("click", () => {
		const next = THEMES[(THEMES.indexOf(root.dataset.theme || "auto") + 1) % THEMES.length];
		if (next === "auto") delete root.dataset.theme;
		else root.dataset.theme = next;
		try {
			localStorage.setItem("cleartap.theme", next);
		} catch {
			// the choice lasts as long as the page
		}
		draw();
		dispatchEvent(new Event("themechange"));
	});
	draw();
	return node;
}

// The frame itself stands in index.html, so that it is there at the first paint.
export function build() {
	const bar = document.getElementById("bar");
	const links = [...bar.querySelectorAll("nav a")];
	bar.querySelector(".query").replaceWith(buildQuery());
	bar.querySelector(".pill").replaceWith(scopeChip(), capture.build());
	bar.querySelector(":scope > .icon").replaceWith(themeSwitch());
	const draw = () => {
		document.title = state.q
			? `${state.q} · cleartap`
			: `${pageOf(state.page).title} · cleartap`;
		for (const a of links) {
			a.href = link({ page: a.dataset.page });
			if (a.dataset.page === state.page) a.setAttribute("aria-current", "page");
			else a.removeAttribute("aria-current");
		}
		const current = links.find(a => a.dataset.page === state.page);
		current.scrollIntoView({ block: "nearest", inline: "nearest" });
	};
	subscribe(draw);
	draw();
}
