// SPDX-License-Identifier: GPL-2.0-or-later
// What the pages other than Traffic share: load now and again while shown, say what failed.
import { getJSON } from "./api.js";
import { button, el } from "./el.js";
import { clock, parseTime, plural } from "./format.js";
import { pageOf } from "./pages.js";
import { state, subscribe } from "./state.js";
import { loading } from "./states.js";

// What an answer was made of: the newest entries that match, so far back.
function windowOf({ window: seen, partial }) {
	if (!seen?.entries) return "";
	const [from, to] = [seen.from, seen.to].map(t => clock(parseTime(t)).slice(0, 8));
	const older = partial ? "; there are older ones" : "";
	return `Of ${plural(seen.entries, "exchange")}, ${from} to ${to}${older}.`;
}

// options: {name, path, every (ms), draw(answer, body, aside)}
export function page(options) {
	// It scrolls, so it takes the focus of the keyboard.
	const body = el("div", { class: "page-body", tabindex: "0" });
	const { title, filtered } = pageOf(options.name);
	const looked = el("p", { class: "page-window dim" });
	const aside = el("div", { class: "page-aside" });
	const node = el(
		"div",
		{ class: `page page-${options.name}` },
		el(
			"header",
			{ class: "page-head" },
			el("h1", {}, title),
			el("p", { class: "dim" }, options.text),
			looked,
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
			const answer = await getJSON(options.path, filtered && state.q ? { q: state.q } : {}, signal);
			const text = JSON.stringify(answer);
			if (text !== last && !busy()) {
				looked.textContent = windowOf(answer);
				options.draw(answer, body, aside);
			}
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

	function changed(now, old) {
		if (now.page !== old.page) shown(now);
		else if (filtered && now.page === options.name && now.q !== old.q) load();
	}

	subscribe(changed);
	return { node, load: () => shown(state) };
}
