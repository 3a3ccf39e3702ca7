// SPDX-License-Identifier: GPL-2.0-or-later
// The ledger in pictures and words: of the application data that went over the wire, how much was
// read, and why not the rest.
import { el } from "./el.js";
import { size } from "./format.js";

const SHORT = { "before-start": "before cleartap started" };
const OPEN = new Set(["pending", "unknown", "no-process"]); // nobody knows, or not yet

// Bytes of both directions by reason, largest first: [{reason, bytes}], what was read on top.
export function parts(list) {
	return (list || [])
		.map(b => ({
			...b,
			bytes: (b.sent ?? b.from_src ?? 0) + (b.received ?? b.from_dst ?? 0),
		}))
		.filter(b => b.bytes)
		.sort((a, b) => (b.reason === "read") - (a.reason === "read") || b.bytes - a.bytes);
}

export const sum = list => list.reduce((n, p) => n + p.bytes, 0);

// Never rounded to all or nothing.
export function percent(part, whole) {
	if (!whole) return "";
	const p = (part / whole) * 100;
	if (part === whole) return "100 %";
	if (p < 0.1) return part ? "under 0.1 %" : "0 %";
	return `${Math.min(99.9, p).toFixed(1)} %`;
}

export const kindOf = reason => (reason === "read" ? "read" : OPEN.has(reason) ? "open" : "shut");

export const short = reason =>
	reason === "read" ? "read" : SHORT[reason] || reason.replaceAll("-", " ");

// "98.7 % read; 1.3 % before cleartap started"
export function words(list) {
	const whole = sum(list);
	if (!whole) return "no application data yet";
	const read = list.some(p => p.reason === "read") ? [] : ["0 % read"];
	return [...read, ...list.map(p => `${percent(p.bytes, whole)} ${short(p.reason)}`)].join("; ");
}

// One bar whose parts are told apart by their pattern, too.
export function bar(list) {
	const whole = sum(list);
	const track = el("span", { class: "ledger-bar", role: "img", "aria-label": words(list) });
	for (const p of list) {
		const i = el("i", {
			class: `ledger-${kindOf(p.reason)}`,
			title: `${size(p.bytes)} ${short(p.reason)}`,
		});
		i.style.flexGrow = p.bytes / whole;
		track.append(i);
	}
	return track;
}
