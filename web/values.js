// SPDX-License-Identifier: GPL-2.0-or-later
// Values seen lately in each field: what completion offers after `field ==`.
import { fieldOf, language, table } from "./language.js";

const PER_FIELD = 200;
const SAMPLE = 20; // entries of a batch: a busy stream must not pay for completion
const seen = new Map();

// Of an entry as the server sends it: where the field says that it stands, or by its name
// ("src.pod.name" is the pod of src). What has no place of its own is part of the summary.
function read(entry, field) {
	if (field.name === "path")
		return entry.summary?.startsWith("/") ? entry.summary.split("?")[0] : undefined;
	let at = entry;
	for (const part of (field.json || field.name).split(".")) {
		if (typeof at !== "object" || at === null) return part === "name" ? at : undefined;
		at = at[part];
	}
	return typeof at === "object" ? undefined : at;
}

function sample(entries) {
	const fields = table.fields.filter(f => ["text", "number", "ip"].includes(f.type));
	const step = Math.max(1, Math.floor(entries.length / SAMPLE));
	for (let i = 0; i < entries.length; i += step)
		for (const field of fields) {
			const value = read(entries[i], field);
			if (value) put(field.name, value);
		}
}

// Entries as the server sent them; kept until the server has told which fields there are.
export function note(entries) {
	if (table.fields.length) sample(entries);
	else
		language()
			.then(() => sample(entries))
			.catch(() => {});
}

function put(field, value) {
	let values = seen.get(field);
	if (!values) seen.set(field, (values = new Map()));
	values.set(value, (values.get(value) || 0) + 1);
	if (values.size > PER_FIELD) values.delete(values.keys().next().value);
}

const HEADERS = {
	request: [
		"host",
		"user-agent",
		"accept",
		"content-type",
		"content-length",
		"referer",
		"origin",
	],
	response: ["content-type", "content-length", "server", "location", "cache-control", "etag"],
};
const names = new Map(); // of headers, cookies and parameters in entries that were opened

// What an opened entry has by name: "request.headers" and its kin.
export function noteNames(full) {
	for (const which of ["request", "response"])
		for (const part of ["headers", "cookies", "query"])
			for (const [name] of full[which]?.[part] || []) {
				const key = `${which}.${part}`;
				const list = names.get(key) || new Set();
				if (list.size < PER_FIELD) list.add(part === "headers" ? name.toLowerCase() : name);
				names.set(key, list);
			}
}

export function namesOf(map) {
	const [which, part] = map.split(".");
	const known = names.get(map === "query_string" ? "request.query" : map) || [];
	return [...new Set([...known, ...((part === "headers" && HEADERS[which]) || [])])];
}

// Most frequent first.
export function valuesOf(field) {
	const values = seen.get(fieldOf(field)?.name || field);
	return values ? [...values].sort((a, b) => b[1] - a[1]).map(([value]) => value) : [];
}
