// SPDX-License-Identifier: GPL-2.0-or-later
// XML as a tree, by its own reading: the page's policy lets nothing parse markup, and nothing here
// makes elements of it. What is not well formed is no tree.
import { Told } from "./jsontree.js";

const DEPTH = 100;
const NODES = 20000;
const LENGTH = 1 << 20;
const NAMED = { lt: "<", gt: ">", amp: "&", quot: '"', apos: "'" };

// Entities that a document declares stay as they are written.
function unescape(text) {
	return text.replace(/&(#x[0-9a-f]{1,6}|#[0-9]{1,7}|[a-z]{2,4});/gi, (whole, name) => {
		if (name[0] !== "#") return NAMED[name] ?? whole;
		const code = name[1] === "x" ? parseInt(name.slice(2), 16) : Number(name.slice(1));
		return code <= 0x10ffff ? String.fromCodePoint(code) : whole;
	});
}

// Past what is written between "<" and its ">", quotes respected; -1: there is none.
function tagEnd(text, at) {
	for (let quote = ""; at < text.length; at++) {
		const c = text[at];
		if (quote) quote = c === quote ? "" : quote;
		else if (c === ">") return at;
		else if (c === '"' || c === "'") quote = c;
	}
	return -1;
}

function attributes(text) {
	const out = [];
	for (let at = 0; ; ) {
		const equals = text.indexOf("=", at);
		if (equals < 0) return text.slice(at).trim() ? null : out;
		const name = text.slice(at, equals).trim();
		const from = equals + 1 + (/^\s*/.exec(text.slice(equals + 1, equals + 20))?.[0].length || 0);
		const quote = text[from];
		const end = quote === '"' || quote === "'" ? text.indexOf(quote, from + 1) : -1;
		if (!name || /\s/.test(name) || end < 0) return null;
		out.push([name, unescape(text.slice(from + 1, end))]);
		at = end + 1;
	}
}

// What is neither element nor text: [where it ends, or -1; the text that it is]; null: an element.
function special(text, at, isFirst) {
	const until = (start, sign) => {
		const end = text.indexOf(sign, start);
		return end < 0 ? [-1] : [end + sign.length, end];
	};
	if (text.startsWith("<!--", at)) return until(at + 4, "-->").slice(0, 1);
	if (text.startsWith("<?", at)) return until(at + 2, "?>").slice(0, 1);
	if (text.startsWith("<![CDATA[", at)) {
		const [next, end] = until(at + 9, "]]>");
		return [next, text.slice(at + 9, end)];
	}
	if (!text.startsWith("<!", at)) return null;
	if (!isFirst) return [-1]; // a document type comes before the root element, once
	const bracket = text.indexOf("[", at);
	const end = tagEnd(text, at);
	if (bracket < 0 || bracket > end) return [end < 0 ? -1 : end + 1];
	const close = text.indexOf("]>", bracket);
	return [close < 0 ? -1 : close + 2];
}

// Pieces of one text follow each other.
function addText({ children }, text) {
	if (typeof children[children.length - 1] === "string") text = children.pop() + text;
	children.push(text);
}

const blank = text => !/\S/.test(text);

// {name, attributes, children: elements and texts} of the root; undefined: it is not well formed.
function read(text) {
	const root = { name: "", attributes: [], children: [] };
	const stack = [root];
	let nodes = 0;
	let types = 0;
	for (let at = 0; at < text.length; ) {
		const top = stack[stack.length - 1];
		if (++nodes > NODES) return undefined;
		if (text[at] !== "<") {
			const next = text.indexOf("<", at);
			const end = next < 0 ? text.length : next;
			const piece = text.slice(at, end);
			if (!blank(piece)) addText(top, unescape(piece));
			at = end;
			continue;
		}
		const other = special(text, at, !types);
		if (other) {
			if (other[0] < 0) return undefined;
			types += text[at + 1] === "!" && /[A-Z]/i.test(text[at + 2]);
			if (other[1]) addText(top, other[1]);
			at = other[0];
			continue;
		}
		const end = tagEnd(text, at);
		if (end < 0) return undefined;
		if (text[at + 1] === "/") {
			if (stack.length < 2 || text.slice(at + 2, end).trim() !== top.name) return undefined;
			stack.pop();
		} else {
			const isEmpty = text[end - 1] === "/";
			const inside = text.slice(at + 1, isEmpty ? end - 1 : end);
			const name = /^[^\s=<>"'/]+/.exec(inside)?.[0];
			const list = name && attributes(inside.slice(name.length));
			if (!list || stack.length > DEPTH) return undefined;
			const element = { name, attributes: list, children: [] };
			top.children.push(element);
			if (!isEmpty) stack.push(element);
		}
		at = end + 1;
	}
	const elements = root.children.filter(c => typeof c === "object");
	return stack.length === 1 && elements.length === 1 && root.children.length === 1
		? elements[0]
		: undefined;
}

function toTold({ attributes: list, children }) {
	if (!list.length && children.every(c => typeof c === "string"))
		return new Told({ type: "", value: children.join("") });
	const counts = new Map();
	for (const c of children) if (c.name) counts.set(c.name, (counts.get(c.name) || 0) + 1);
	const seen = new Map();
	const inside = children.map(c => {
		if (typeof c === "string")
			return { label: "text", value: new Told({ type: "", value: c }), steps: null };
		const nth = seen.get(c.name) || 0;
		seen.set(c.name, nth + 1);
		const steps = counts.get(c.name) > 1 ? [c.name, nth] : [c.name];
		return { label: c.name, value: toTold(c), steps };
	});
	const named = list.map(([name, value]) => ({ label: `@${name}`, value, steps: [`@${name}`] }));
	return new Told({ type: "", isMap: true, list: [...named, ...inside] });
}

export function xmlTree(text) {
	const root = text.length <= LENGTH ? read(text) : undefined;
	if (!root) return undefined;
	const one = { label: root.name, value: toTold(root), steps: [root.name] };
	return new Told({ type: "", isMap: true, list: [one] });
}
