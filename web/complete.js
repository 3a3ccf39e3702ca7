// SPDX-License-Identifier: GPL-2.0-or-later
// What could be typed next: fields, flags and functions from the server's own table, words of the
// language, and values seen lately.
import { literal, quote } from "./filter.js";
import { tokens } from "./kflhl.js";
import { fieldOf, table } from "./language.js";
import { namesOf, valuesOf } from "./values.js";

const MAX = 40;
const COMPARE = new Set(["==", "!=", "<", "<=", ">", ">=", "in"]);

function names() {
	const out = [];
	for (const f of table.flags) out.push({ text: f.name, kind: "flag", help: f.help });
	for (const f of table.fields) {
		out.push({ text: f.name, kind: f.type || "field", help: f.help });
		for (const alias of f.aliases || [])
			out.push({ text: alias, kind: f.type || "field", help: `same as ${f.name}` });
	}
	for (const f of table.functions.filter(f => !f.signature?.startsWith("x.")))
		out.push({ text: `${f.name}(`, kind: "function", help: f.help, detail: f.signature });
	for (const word of ["and", "or", "not", "in"]) out.push({ text: word, kind: "word" });
	return out;
}

// A match at the start counts most, then at the start of a part, then anywhere.
function score(name, prefix) {
	const at = name.toLowerCase().indexOf(prefix.toLowerCase());
	if (at < 0) return -1;
	return (
		(at === 0 ? 0 : name[at - 1] === "." || name[at - 1] === "_" ? 1 : 2) * 100 + name.length
	);
}

function ranked(items, prefix) {
	return items
		.map(item => [score(item.text, prefix), item])
		.filter(([s]) => s >= 0)
		.sort((a, b) => (prefix ? a[0] - b[0] : 0))
		.slice(0, MAX)
		.map(([, item]) => item);
}

// After "path." what can be asked of a text, after "namespaces." of a list.
function methods(typed) {
	const base = typed.slice(0, Math.max(0, typed.lastIndexOf(".")));
	const field = base && fieldOf(base);
	if (!field || !["text", "list", "map"].includes(field.type)) return [];
	const isText = field.type === "text";
	const fits = name =>
		["json", "xml", "protobuf", "msgpack", "cbor"].includes(name)
			? isText && base.endsWith("body")
			: name === "contains" || (name === "exists") !== isText;
	return table.functions
		.filter(f => f.signature?.startsWith("x.") && fits(f.name))
		.map(f => ({
			text: `${base}.${f.name}(`,
			kind: "function",
			help: f.help,
			detail: f.signature,
		}));
}

// After "request.headers[": the names seen lately, and those that are always there.
function keys(map, closed) {
	return namesOf(map).map(name => ({ text: `${quote(name)}${closed ? "" : "]"}`, kind: "name" }));
}

// {from, to, items: [{text, kind, help, detail}]} for the caret in the text.
export function suggest(text, caret) {
	const before = tokens(text).filter(t => t.at < caret);
	let last = before[before.length - 1];
	if (last?.type === "comment") return { from: caret, to: caret, items: [] };
	const words = before.filter(t => t.type !== "space" && t.type !== "comment");
	if (last?.type === "space") last = null;
	const open =
		last &&
		["name", "function", "keyword", "string", "number", "constant", "regex"].includes(
			last.type,
		);
	const typed = open ? last.text.slice(0, caret - last.at) : "";
	const unquoted = typed.replace(/^["']|["']$/g, "");
	const from = open ? last.at : caret;
	const to = open ? last.at + last.text.length : caret;
	const prior = open ? words.slice(0, -1) : words;
	const operator = prior[prior.length - 1];
	const field = prior[prior.length - 2];
	if (operator && COMPARE.has(operator.text) && field?.type === "name") {
		const values = valuesOf(field.text).map(v => ({ text: literal(v), kind: "seen" }));
		return { from, to, items: ranked(values, unquoted) };
	}
	if (operator?.text === "[" && field?.type === "name")
		return { from, to, items: ranked(keys(field.text, text[to] === "]"), unquoted) };
	if (open && last.type !== "name" && last.type !== "function" && last.type !== "keyword")
		return { from, to, items: [] };
	const after =
		operator && ["name", "string", "number", "constant", "regex"].includes(operator.type);
	if (after || operator?.text === ")") return { from, to, items: ranked(joins(operator), typed) };
	return { from, to, items: ranked([...methods(typed), ...names()], typed) };
}

// After a whole term: a comparison, or a word that joins the next.
function joins(word) {
	const isFlag = table.flags.some(f => f.name === word.text);
	const out = [];
	if (word.type === "name" && !isFlag)
		for (const text of ["==", "!=", "<", "<=", ">", ">=", "in"])
			out.push({ text, kind: "compare" });
	out.push(
		{ text: "and", kind: "word", help: "both" },
		{ text: "or", kind: "word", help: "either" },
	);
	return out;
}
