// SPDX-License-Identifier: GPL-2.0-or-later
// Filters that were used (history) and filters that were kept (saved), in this browser only.
import { recall, remember } from "./el.js";

const HISTORY_MAX = 50;
const SAVED_MAX = 200;

const strings = list => (Array.isArray(list) ? list.filter(x => typeof x === "string" && x) : []);

let used = strings(recall("history", []));
let kept = strings(recall("saved", []));

export function noteUsed(q) {
	if (!q) return;
	used = [q, ...used.filter(x => x !== q)].slice(0, HISTORY_MAX);
	remember("history", used);
}

export function isKept(q) {
	return kept.includes(q);
}

export function toggleKept(q) {
	kept = isKept(q) ? kept.filter(x => x !== q) : [q, ...kept].slice(0, SAVED_MAX);
	remember("saved", kept);
	return isKept(q);
}

// What an empty query bar offers.
export function remembered() {
	return [
		...kept.map(text => ({ text, kind: "saved" })),
		...used
			.filter(x => !kept.includes(x))
			.slice(0, 20)
			.map(text => ({ text, kind: "history" })),
	];
}
