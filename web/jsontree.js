// SPDX-License-Identifier: GPL-2.0-or-later
// JSON as a tree that opens and closes. A value can be put into the filter by its path.
import { button, copy, el } from "./el.js";
import { jsonPath, literal, term } from "./filter.js";
import { addFilter, excludeFilter } from "./tip.js";

const OPEN_ROWS = 200; // what is opened by itself
const CHUNK = 200; // children drawn at once

// A number that a double would round: told by its digits.
export class Exact {
	constructor(source) {
		this.source = source;
	}

	toString() {
		return this.source;
	}

	toJSON() {
		return JSON.rawJSON ? JSON.rawJSON(this.source) : this.source;
	}
}

const isExact = value => value instanceof Exact;

function kind(value) {
	if (value === null) return "null";
	return isExact(value) ? "number" : Array.isArray(value) ? "array" : typeof value;
}

const isBranch = value => value !== null && typeof value === "object" && !isExact(value);

function brief(value) {
	if (Array.isArray(value)) return `[${value.length}]`;
	const n = Object.keys(value).length;
	return `{${n}}`;
}

function actions(path, value) {
	const isLeaf = !isBranch(value);
	const whole = isLeaf && value !== null ? { field: path, value } : null;
	const what = term(whole) ? whole : null;
	return el(
		"span",
		{ class: "j-actions" },
		what
			? button("+", () => addFilter(what), {
					title: `Filter: ${path} == ${literal(value)}`,
					"aria-label": "Add to the filter",
				})
			: null,
		what
			? button("−", () => excludeFilter(what), { title: "Exclude", "aria-label": "Exclude" })
			: null,
		button("Copy path", () => copy(path, "Path"), { title: path }),
		button("Copy", () =>
			copy(isLeaf ? String(value) : JSON.stringify(value, null, 2), "Value"),
		),
	);
}

// One line with its actions; they are made when first pointed at or focused.
function line(label, value, path, ...rest) {
	const node = el("span", { class: "j-line" }, label, rest);
	const arm = () => {
		if (!node.querySelector(".j-actions")) node.append(actions(path, value));
	};
	node.addEventListener("pointerenter", arm);
	node.addEventListener("focusin", arm);
	return node;
}

function leaf(label, value, path) {
	const text = typeof value === "string" ? JSON.stringify(value) : String(value);
	return el(
		"div",
		{ class: "j-leaf" },
		line(
			label,
			value,
			path,
			el(
				"button",
				{
					type: "button",
					class: `j-value j-${kind(value)}`,
					title: "Copy path, filter",
					onclick: event => event.currentTarget.focus(),
				},
				text,
			),
		),
	);
}

function children(box, value, base, keys, budget) {
	const all = Array.isArray(value) ? value.map((v, i) => [i, v]) : Object.entries(value);
	let at = 0;
	const more = button("", () => grow(), { class: "plain more" });
	const grow = () => {
		more.remove();
		for (const [key, v] of all.slice(at, at + CHUNK))
			box.append(node(key, v, base, [...keys, key], budget));
		at += CHUNK;
		more.textContent = `${all.length - at} more`;
		if (at < all.length) box.append(more);
	};
	grow();
}

// A key that would not be seen, or not as what it is, stands as JSON writes it.
const keyText = key => (/^\s*$|[\p{Cc}\p{Cf}"\\]/u.test(key) ? JSON.stringify(key) : key);

function node(key, value, base, keys, budget) {
	const path = jsonPath(base, keys);
	const label =
		key === null
			? null
			: el("span", { class: "j-key" }, typeof key === "number" ? `${key}` : keyText(key));
	if (!isBranch(value)) return leaf(label, value, path);
	const isOpen = budget.rows > 0 && keys.length < 6;
	budget.rows -= isOpen ? Object.keys(value).length : 0;
	const box = el("div", { class: "j-children" });
	const details = el(
		"details",
		{ class: "j-node", open: isOpen },
		el("summary", {}, line(label, value, path, el("span", { class: "j-brief" }, brief(value)))),
		box,
	);
	const fill = () => {
		if (details.open && !box.firstChild) children(box, value, base, keys, budget);
	};
	details.addEventListener("toggle", fill);
	fill();
	return details;
}

// As JSON.parse, but large numbers keep their digits where the browser tells them.
export function parse(text) {
	return JSON.parse(text, (key, value, context) =>
		typeof value === "number" &&
		!Number.isSafeInteger(value) &&
		context?.source !== undefined &&
		/^-?\d+$/.test(context.source)
			? new Exact(context.source)
			: value,
	);
}

export function jsonTree(value, base) {
	return el("div", { class: "json" }, node(null, value, base, [], { rows: OPEN_ROWS }));
}
