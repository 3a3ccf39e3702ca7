// SPDX-License-Identifier: GPL-2.0-or-later
// The tooltip over anything that can be filtered by: the whole text, and buttons that add it to
// the filter or exclude it. The same two are keys on the focused cell (f and x).
import { button, copy, el } from "./el.js";
import { add, exclude, negated, term } from "./filter.js";
import { actOf } from "./keys.js";
import { go, state } from "./state.js";

const SHOW_MS = 350;
const HIDE_MS = 220;

let tip = null;
let timer = 0;
let anchor = null;

export function addFilter(what) {
	go({ q: add(state.q, term(what)), page: "traffic" });
}

export function excludeFilter(what) {
	go({ q: exclude(state.q, what), page: "traffic" });
}

export function hideTip() {
	clearTimeout(timer);
	tip?.remove();
	tip = null;
	anchor = null;
}

// What it is about is not there any more; but who is on the way to click in it shall find it.
export function loosenTip() {
	if (!tip?.matches(":hover")) hideTip();
}

function later(ms, f) {
	clearTimeout(timer);
	timer = setTimeout(f, ms);
}

// Below the anchor, or above when there is no room; never outside the window.
function place(node) {
	const at = node.getBoundingClientRect();
	const box = tip.getBoundingClientRect();
	const below = at.bottom + box.height + 8 < innerHeight;
	tip.style.left = `${Math.max(4, Math.min(at.left, innerWidth - box.width - 4))}px`;
	tip.style.top = `${Math.max(4, below ? at.bottom + 2 : at.top - box.height - 2)}px`;
}

function show(node, text, what) {
	hideTip();
	anchor = node;
	tip = el("div", { class: "tip", role: "tooltip" }, el("div", { class: "tip-text" }, text));
	if (term(what)) {
		tip.append(
			el(
				"div",
				{ class: "tip-actions" },
				button(
					["+ ", el("code", {}, short(term(what)))],
					() => act(() => addFilter(what)),
					{ title: "Add to the filter (f)" },
				),
				button(
					["− ", el("code", {}, short(negated(what)))],
					() => act(() => excludeFilter(what)),
					{ title: "Exclude (x)" },
				),
				button("Copy", () => act(() => copy(text))),
			),
		);
	}
	tip.addEventListener("pointerenter", () => clearTimeout(timer));
	tip.addEventListener("pointerleave", () => later(HIDE_MS, hideTip));
	document.getElementById("float").append(tip);
	place(node);
}

function short(text) {
	return text.length > 60 ? `${text.slice(0, 57)}…` : text;
}

function act(f) {
	hideTip();
	f();
}

// Show a tip over `node` after a moment; leave() hides it after another.
export function hover(node, text, what) {
	if (node === anchor) {
		clearTimeout(timer);
		return;
	}
	later(tip ? 120 : SHOW_MS, () => node.isConnected && text && show(node, text, what));
}

export function leave() {
	later(HIDE_MS, hideTip);
}

// A value in a page or the detail: a button that filters, with the tooltip.
export function filterable(text, what, attributes) {
	if (!term(what) || text === "" || text === undefined)
		return el("span", attributes, String(text ?? ""));
	const node = el(
		"button",
		{ type: "button", ...attributes, class: `value ${attributes?.class || ""}` },
		String(text),
	);
	node.addEventListener("click", () => addFilter(what));
	node.addEventListener("keydown", event => {
		const act = { add: addFilter, exclude: excludeFilter }[actOf("traffic", event)];
		if (!act) return;
		event.preventDefault();
		event.stopPropagation();
		act(what);
	});
	node.addEventListener(
		"pointerenter",
		event => event.pointerType === "mouse" && hover(node, String(text), what),
	);
	node.addEventListener("pointerleave", leave);
	return node;
}
