// SPDX-License-Identifier: GPL-2.0-or-later
// From something shown to a piece of KFL, and from pieces to a filter.
import { iso, parseTime } from "./format.js";
import { tokens } from "./kflhl.js";

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

// {field, value} or {flag}: null when there is nothing to filter by.
export function term(what) {
	if (!what) return "";
	if (what.flag) return what.flag;
	if (String(what.value).includes("\0")) return ""; // no address can hold it
	return `${what.field} ${what.operator || "=="} ${literal(what.value)}`;
}

// `or` binds looser than `and`: a filter that may hold one is bracketed before more is added.
function guarded(q) {
	let depth = 0;
	let quoted = "";
	for (let i = 0; i < q.length; i++) {
		const c = q[i];
		if (quoted) {
			if (c === "\\") i++;
			else if (c === quoted) quoted = "";
		} else if (c === '"' || c === "'") {
			quoted = c;
		} else if ("([{".includes(c)) {
			depth++;
		} else if (")]}".includes(c)) {
			depth--;
		} else if (
			!depth &&
			(q.startsWith("||", i) ||
				(/^or\b/.test(q.slice(i, i + 3)) && !/[\w.]/.test(q[i - 1] || "")))
		) {
			return `(${q})`;
		} else if (q.startsWith("//", i)) {
			return `${q}\n`;
		}
	}
	return q;
}

// The part of a filter that hides what it lists, for what is read one by one: all of it, or "".
export function redaction(q) {
	const words = tokens(q).filter(t => t.type === "function");
	return words.some(t => t.text === "redact") ? q : "";
}

export function add(q, piece) {
	const old = q.trim();
	if (!piece || old === piece) return old;
	if (!old) return piece;
	if (old.split(/\s+and\s+/).includes(piece)) return old;
	return `${guarded(old)} and ${piece}`;
}

export function negated(what) {
	if (what.flag) return `not ${what.flag}`;
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
	for (const [, , sign, text] of q.matchAll(TIME)) edges[sign] = parseTime(text);
	return edges["<"] > edges[">="] && guarded(q) === q
		? { from: edges[">="], to: edges["<"] }
		: null;
}

export function withoutTime(q) {
	return q
		.replace(TIME, "")
		.replace(/^\s+and\s+/, "")
		.trim();
}

export function withTime(q, from, to) {
	const piece = `timestamp >= timestamp("${iso(from)}") and timestamp < timestamp("${iso(to)}")`;
	return add(withoutTime(q), piece);
}

const NAME = /^[A-Za-z_]\w*$/;

// response.body.json().items[0].name of ["items", 0, "name"]
export function jsonPath(base, keys) {
	return keys.reduce(
		(path, key) =>
			typeof key === "number"
				? `${path}[${key}]`
				: NAME.test(key)
					? `${path}.${key}`
					: `${path}[${quote(key)}]`,
		`${base}.json()`,
	);
}
