// SPDX-License-Identifier: GPL-2.0-or-later
// Keys that work everywhere but in a text field. One table; the help shows the same keys.

const PAGES = {
	t: "traffic",
	c: "connections",
	m: "map",
	v: "coverage",
	s: "status",
	a: "targets",
};

// actions: {key: f(event)}; go(page) for g followed by a letter.
export function keys(actions, go) {
	let leader = 0;
	addEventListener("keydown", event => {
		const target = event.target;
		const typing = target.matches?.("input:not([type=checkbox]), textarea, select");
		if (
			((event.ctrlKey || event.metaKey) && event.key === "Enter") ||
			(typing && event.key !== "Escape")
		)
			return;
		if (
			event.ctrlKey ||
			event.metaKey ||
			event.altKey ||
			document.querySelector("dialog[open]")
		)
			return;
		if (performance.now() - leader < 1500 && PAGES[event.key]) {
			leader = 0;
			event.preventDefault();
			go(PAGES[event.key]);
			return;
		}
		leader = event.key === "g" ? performance.now() : 0;
		const isControl = target.matches?.("button, a, summary, [role=tab], [role=separator]");
		if (
			isControl &&
			(event.key === "Enter" || event.key === " " || event.key.startsWith("Arrow"))
		)
			return;
		const action = actions[event.key];
		if (action && action(event) !== false) event.preventDefault();
	});
}
