// SPDX-License-Identifier: GPL-2.0-or-later
// What the address bar holds: page, filter, whether connections are listed, selected entry, tab. A link shows what you see.

import { PAGES, pageOf } from "./pages.js";

const FIRST = PAGES[0].name;

export const state = { page: FIRST, q: "", wire: false, id: 0, tab: "" };

const listeners = new Set();

function parse() {
	const hash = location.hash.startsWith("#/") ? location.hash.slice(2) : "";
	const at = hash.indexOf("?");
	const page = at < 0 ? hash : hash.slice(0, at);
	const search = new URLSearchParams(at < 0 ? "" : hash.slice(at + 1));
	const id = Number(search.get("id"));
	return {
		page: pageOf(page) ? page : FIRST,
		q: search.get("q") || "",
		wire: search.get("wire") === "1",
		id: Number.isSafeInteger(id) && id > 0 ? id : 0,
		tab: search.get("tab") || "",
	};
}

export function link(changes) {
	const next = { ...state, ...changes };
	const search = new URLSearchParams();
	if (next.q) search.set("q", next.q);
	if (next.wire) search.set("wire", "1");
	if (next.id && next.page === "traffic") {
		search.set("id", next.id);
		if (next.tab) search.set("tab", next.tab);
	}
	const text = search.toString();
	return `#/${next.page}${text ? `?${text}` : ""}`;
}

function apply(next) {
	const old = { ...state };
	Object.assign(state, next);
	for (const listener of listeners) listener(state, old);
}

// Change the state; `replace` leaves no step for the Back button.
export function go(changes, replace) {
	const to = link(changes);
	if (to === location.hash) {
		apply(changes);
		return;
	}
	history[replace ? "replaceState" : "pushState"](null, "", to);
	apply({ ...changes });
}

export function subscribe(listener) {
	listeners.add(listener);
}

export function start() {
	Object.assign(state, parse());
	addEventListener("popstate", () => apply(parse()));
	addEventListener("hashchange", () => apply(parse()));
}
