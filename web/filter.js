// SPDX-License-Identifier: GPL-2.0-or-later
// From something shown to a piece of KFL, and from pieces to a filter.
import { iso, parseTime } from "./format.js";
import { tokens, withoutComments } from "./kflhl.js";

export function quote(value) {
	const escaped = String(value)
		.replace(/[\\"]/g, "\\$&")
		.replace(/\n/g, "\\n")
		.replace(/\r/g, "\\r")
		.replace(/\t/g, "\\t");
	return `"${escaped}"`;
}

export function literal(value) {
	return typeof value === "string" ? quote(value) : String(value);
}

// {field, value}, {fields, value} (one of them has it) or {flag}: null when there is nothing to
// filter by.
export function term(what) {
	if (!what) return "";
	if (what.flag) return what.flag;
	if (what.fields)
		return `(${what.fields.map(field => term({ field, value: what.value })).join(" or ")})`;
	if (String(what.value).includes("\0")) return ""; // no address can hold it
	return `${what.field} ${what.operator || "=="} ${literal(what.value)}`;
}

// Does a filter without comments hold an `or` outside of all brackets?
function hasOr(code) {
	let depth = 0;
	for (const t of tokens(code)) {
		if (t.type === "bracket") depth += "([{".includes(t.text) ? 1 : -1;
		if (!depth && ((t.type === "keyword" && t.text === "or") || t.text === "||")) return true;
	}
	return false;
}

// `or` binds looser than `and`: a filter that may hold one is bracketed before more is added.
const guarded = code => (hasOr(code) ? `(${code})` : code);

const joined = (code, comment) => [code, comment].filter(Boolean).join(" ");

// As the bar can hold it: one line, in which a comment has no end but that of the filter.
export function oneLine(q) {
	const { code, comment } = withoutComments(q);
	return joined(code.replace(/\s*\n\s*/g, " "), comment);
}

// The part of a filter that hides what it lists, for what is read one by one: all of it, or "".
export function redaction(q) {
	const words = tokens(q).filter(t => t.type === "function");
	return words.some(t => t.text === "redact") ? q : "";
}

// A comment stays at the end, where it hides nothing of what is added.
export function add(q, piece) {
	const { code, comment } = withoutComments(q);
	if (!piece || code.split(/\s+and\s+/).includes(piece)) return q.trim();
	return joined(code ? `${guarded(code)} and ${piece}` : piece, comment);
}

// The n of a filter's own limit(n).
export function limitOf(q) {
	const words = tokens(q).filter(t => t.type !== "space" && t.type !== "comment");
	const at = words.findIndex(t => t.text === "limit" && t.type === "function");
	const n = Number(words[at + 2]?.text);
	return at >= 0 && Number.isSafeInteger(n) ? n : Infinity;
}

export function negated(what) {
	if (what.flag || what.fields) return `not ${term(what)}`;
	if (!term(what)) return "";
	if (!what.operator || what.operator === "==") return term({ ...what, operator: "!=" });
	return `not (${term(what)})`;
}

export function exclude(q, what) {
	return add(q, negated(what));
}

const TIME = /(^|\s+and\s+)timestamp (>=|<) timestamp\("([^"]*)"\)(?=\s+and\s|\s*$)/g;

// The stretch of time that a filter ends with, as withTime() writes it: {from, to} in µs, or null.
export function timeRange(q) {
	const edges = {};
	const { code } = withoutComments(q);
	for (const [, , sign, text] of code.matchAll(TIME)) edges[sign] = parseTime(text);
	return edges["<"] > edges[">="] && !hasOr(code) ? { from: edges[">="], to: edges["<"] } : null;
}

export function withoutTime(q) {
	const { code, comment } = withoutComments(q);
	const rest = code.replace(TIME, "").replace(/^\s+and\s+/, "");
	return joined(rest.trim(), comment);
}

export function withTime(q, from, to) {
	const piece = `timestamp >= timestamp("${iso(from)}") and timestamp < timestamp("${iso(to)}")`;
	return add(withoutTime(q), piece);
}

const NAME = /^[A-Za-z_]\w*$/;

// response.body.json().items[0].name of ["items", 0, "name"]
export function jsonPath(base, keys, decoder = "json") {
	return keys.reduce(
		(path, key) =>
			typeof key === "number"
				? `${path}[${key}]`
				: NAME.test(key)
					? `${path}.${key}`
					: `${path}[${quote(key)}]`,
		`${base}.${decoder}()`,
	);
}
