// SPDX-License-Identifier: GPL-2.0-or-later
// The keys, once: where each works, what it does, and which act that is. What listens for keys asks
// actOf(), the help shows the same rows.
import { PAGES } from "./pages.js";

const LEADER_MS = 1500; // between g and the letter of a page

export const PLACES = {
	anywhere: "Anywhere",
	traffic: "On the Traffic page",
	list: "In the list",
	filter: "In the filter bar",
	bars: "In the bars over time",
};

// keys: {key as the browser names it: act}
export const KEYS = [
	{ where: "anywhere", keys: { "/": "filter" }, does: "type a filter" },
	{ where: "anywhere", keys: { p: "pause" }, does: "pause or resume capturing" },
	{ where: "anywhere", keys: { "?": "help" }, does: "these keys" },
	...PAGES.map(p => ({
		where: "anywhere",
		keys: { [`g ${p.key}`]: `page ${p.name}` },
		does: p.title,
	})),
	{ where: "traffic", keys: { j: "next", k: "previous" }, does: "next, previous entry" },
	{ where: "traffic", keys: { Enter: "open" }, does: "open the entry" },
	{ where: "traffic", keys: { Escape: "close" }, does: "close, go back" },
	{ where: "traffic", keys: { f: "add" }, does: "filter by the focused cell or value" },
	{ where: "traffic", keys: { x: "exclude" }, does: "exclude the focused cell or value" },
	{ where: "traffic", keys: { l: "tls" }, does: "lock: all TLS traffic (adds tls)" },
	{
		where: "traffic",
		keys: { "[": "earlier", "]": "later" },
		does: "previous, next entry on the same connection",
	},
	{ where: "traffic", keys: { Home: "newest" }, does: "newest entry, follow again" },
	{ where: "traffic", keys: { t: "time" }, does: "time of day, or how long ago" },
	{ where: "list", keys: { ArrowDown: "down", ArrowUp: "up" }, does: "next, previous entry" },
	{ where: "list", keys: { PageDown: "page down", PageUp: "page up" }, does: "by pages" },
	{
		where: "list",
		keys: { ArrowLeft: "left", ArrowRight: "right" },
		does: "cell to the left, right",
	},
	{ where: "filter", keys: { Enter: "apply" }, does: "apply, or take what is marked" },
	{ where: "filter", keys: { ArrowDown: "down", ArrowUp: "up" }, does: "mark a completion" },
	{ where: "filter", keys: { Tab: "take" }, does: "take the completion" },
	{ where: "filter", keys: { Escape: "leave" }, does: "close the completion, go back" },
	{
		where: "bars",
		keys: { ArrowLeft: "left", ArrowRight: "right", Home: "first", End: "last" },
		does: "mark a stretch of time; it grows with Shift",
	},
	{ where: "bars", keys: { Enter: "apply" }, does: "filter by the stretch" },
	{ where: "bars", keys: { Escape: "cancel" }, does: "mark none" },
	{ where: "bars", keys: { Delete: "all", Backspace: "all" }, does: "show all times again" },
];

const acts = new Map(
	KEYS.flatMap(row => Object.entries(row.keys).map(([key, act]) => [`${row.where} ${key}`, act])),
);

// What a key does there; undefined when it does nothing, or is meant for the browser.
export function actOf(where, event) {
	if (event.metaKey || event.altKey || (event.ctrlKey && where !== "filter")) return undefined;
	return acts.get(`${where} ${event.key}`);
}

const isTyping = node => node.matches?.("input:not([type=checkbox]), textarea, select");
const isControl = node => node.matches?.("button, a, summary, [role=tab], [role=separator]");
const isOwn = key => key === "Enter" || key === " " || key.startsWith("Arrow");

// actions: {act: f(event)} of what works anywhere; page(): those of the page that is shown.
export function listen(actions, page) {
	let leader = 0;
	addEventListener("keydown", event => {
		const { target, key } = event;
		if ((isTyping(target) && key !== "Escape") || document.querySelector("dialog[open]"))
			return;
		const isSecond = performance.now() - leader < LEADER_MS;
		leader = key === "g" ? performance.now() : 0;
		if (isControl(target) && isOwn(key)) return;
		const name =
			(isSecond && acts.get(`anywhere g ${key}`)) ||
			actOf("anywhere", event) ||
			actOf("traffic", event);
		if (event.ctrlKey || event.metaKey || event.altKey || !name) return;
		const act = actions[name] || page()[name];
		if (act && act(event) !== false) event.preventDefault();
	});
}
