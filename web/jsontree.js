// SPDX-License-Identifier: GPL-2.0-or-later
// JSON, and what other formats hold, as a tree that opens and closes. A value can be put into the
// filter by its path.
import { button, copy, el } from "./el.js";
import { jsonPath, literal, term } from "./filter.js";
import { addFilter, excludeFilter } from "./tip.js";

const OPEN_ROWS = 200; // what is opened by itself
const CHUNK = 200; // children drawn at once
const INDENTED = 16; // levels: what nests deeper has no room left

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

// A value of another format: what that calls it, a remark, and a value or a list of what it holds.
export class Told {
	// list: entries as entriesOf() makes them; isMap: they have names
	constructor({ type, note = "", value, list = null, isMap = false, isBytes = false }) {
		Object.assign(this, { type, note, value, list, isMap, isBytes });
	}

	// As JSON has it, for copying.
	toJSON() {
		if (!this.list) return this.value;
		return this.isMap
			? Object.fromEntries(this.list.map(e => [e.label, e.value]))
			: this.list.map(e => e.value);
	}
}

const isExact = value => value instanceof Exact;
const isTold = value => value instanceof Told;
const plainOf = value => (isTold(value) && !value.list ? value.value : value);

function kind(told) {
	if (isTold(told) && told.isBytes) return "bytes";
	const value = plainOf(told);
	if (value === null) return "null";
	return isExact(value) ? "number" : Array.isArray(value) ? "array" : typeof value;
}

const isBranch = value =>
	isTold(value)
		? value.list !== null
		: value !== null && typeof value === "object" && !isExact(value);

// What it holds: {label, value, steps (in a filter, after those of the whole; null: none), alias}.
function entriesOf(value) {
	if (isTold(value)) return value.list;
	return Array.isArray(value)
		? value.map((v, i) => ({ label: i, value: v, steps: [i] }))
		: Object.entries(value).map(([k, v]) => ({ label: k, value: v, steps: [k] }));
}

function brief(value) {
	const isList = isTold(value) ? !value.isMap : Array.isArray(value);
	const n = isTold(value) ? value.list.length : Object.keys(value).length;
	return isList ? `[${n}]` : `{${n}}`;
}

function actions(path, told) {
	const value = plainOf(told);
	const isLeaf = !isBranch(value);
	const whole = path && isLeaf && value !== null ? { field: path, value } : null;
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
		path ? button("Copy path", () => copy(path, "Path"), { title: path }) : null,
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

// What the format calls a value, and what that means, where it tells more than the value does.
function remark(value) {
	if (!isTold(value)) return null;
	return [
		value.type ? el("span", { class: "j-type" }, value.type) : null,
		value.note ? el("span", { class: "j-note" }, value.note) : null,
	];
}

function leaf(label, told, path) {
	const value = plainOf(told);
	const isText = typeof value === "string" && kind(told) !== "bytes";
	return el(
		"div",
		{ class: "j-leaf" },
		line(
			label,
			told,
			path,
			el(
				"button",
				{
					type: "button",
					class: `j-value j-${kind(told)}`,
					title: path ? "Copy path, filter" : "Copy",
					onclick: event => event.currentTarget.focus(),
				},
				isText ? JSON.stringify(value) : value === "" ? "no bytes" : String(value),
			),
			remark(told),
		),
	);
}

function children(box, value, base, keys, budget, depth) {
	const all = entriesOf(value);
	let at = 0;
	const more = button("", () => grow(), { class: "plain more" });
	const grow = () => {
		more.remove();
		for (const entry of all.slice(at, at + CHUNK))
			box.append(
				node(entry, base, keys && entry.steps && [...keys, ...entry.steps], budget, depth),
			);
		at += CHUNK;
		more.textContent = `${all.length - at} more`;
		if (at < all.length) box.append(more);
	};
	grow();
}

// A key that would not be seen, or not as what it is, stands as JSON writes it.
const keyText = key => (/^\s*$|[\p{Cc}\p{Cf}"\\]/u.test(key) ? JSON.stringify(key) : key);

function keyOf({ label, alias }) {
	if (label === null) return null;
	const text = typeof label === "number" ? `${label}` : keyText(label);
	if (!alias) return el("span", { class: "j-key" }, text);
	return el("span", { class: "j-key" }, keyText(alias), el("small", {}, ` ${text}`));
}

// keys: its place in a filter, null when it has none; base: {field, decoder}
function node(entry, base, keys, budget, depth = 0) {
	const { value } = entry;
	const path = keys && base.decoder ? jsonPath(base.field, keys, base.decoder) : "";
	const label = keyOf(entry);
	if (!isBranch(value)) return leaf(label, value, path);
	const isOpen = budget.rows > 0 && depth < 6;
	budget.rows -= isOpen ? entriesOf(value).length : 0;
	const box = el("div", { class: depth < INDENTED ? "j-children" : "j-children deep" });
	const details = el(
		"details",
		{ class: "j-node", open: isOpen },
		el(
			"summary",
			{},
			line(label, value, path, el("span", { class: "j-brief" }, brief(value)), remark(value)),
		),
		box,
	);
	const fill = () => {
		if (details.open && !box.firstChild) children(box, value, base, keys, budget, depth + 1);
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

// field: the body in a filter; decoder: what looks into it there, "" when nothing does; rows: how many are
// opened by themselves
export function jsonTree(value, field, decoder = "json", keys = [], rows = OPEN_ROWS) {
	return el(
		"div",
		{ class: "json" },
		node({ label: null, value }, { field, decoder }, keys, { rows }),
	);
}
