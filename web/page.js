// SPDX-License-Identifier: GPL-2.0-or-later
// What the pages other than Traffic share: load now and again while shown, say what failed.
import { getJSON } from "./api.js";
import { button, el } from "./el.js";
import { pageOf } from "./pages.js";
import { state, subscribe } from "./state.js";
import { loading } from "./states.js";

// options: {name, path, parameters(), every (ms), draw(answer, body, aside)}
export function page(options) {
	// It scrolls, so it takes the focus of the keyboard.
	const body = el("div", { class: "page-body", tabindex: "0" });
	const aside = el("div", { class: "page-aside" });
	const node = el(
		"div",
		{ class: `page page-${options.name}` },
		el(
			"header",
			{ class: "page-head" },
			el("h1", {}, pageOf(options.name).title),
			el("p", { class: "dim" }, options.text),
			aside,
		),
		body,
	);
	let timer = 0;
	let abort = null;
	let last = "";

	async function load() {
		clearTimeout(timer);
		abort?.abort();
		const { signal } = (abort = new AbortController());
		if (!body.firstChild) body.append(loading("Reading…"));
		try {
			const answer = await getJSON(options.path, options.parameters?.() || {}, signal);
			const text = JSON.stringify(answer);
			if (text !== last && !busy()) options.draw(answer, body, aside);
			last = busy() ? "" : text;
			node.classList.remove("stale");
		} catch (error) {
			if (signal.aborted) return;
			failed(error);
		}
		if (state.page === options.name)
			timer = setTimeout(load, document.hidden ? options.every * 5 : options.every);
	}

	// Rows must not be swapped under a pointer that is about to click, or under a selection.
	function busy() {
		return (
			last !== "" &&
			(String(getSelection()) !== "" ||
				(body.contains(document.activeElement) && document.activeElement.matches("input")))
		);
	}

	function failed(error) {
		if (last) {
			node.classList.add("stale"); // what was read stays, dimmed
		} else {
			body.replaceChildren(
				el(
					"section",
					{ class: "state state-error" },
					el(
						"h2",
						{},
						error.status ? "This page did not load" : "The server does not answer",
					),
					el("p", {}, error.message),
					el("p", { class: "actions" }, button("Try now", load, { class: "main" })),
				),
			);
		}
	}

	function shown(now) {
		if (now.page === options.name) load();
		else {
			clearTimeout(timer);
			abort?.abort();
		}
	}

	subscribe((now, old) => now.page !== old.page && shown(now));
	return { node, load: () => shown(state) };
}
