// SPDX-License-Identifier: GPL-2.0-or-later
// Values seen lately in each field: what completion offers after `field ==`.

const PER_FIELD = 200;
const seen = new Map();

const READ = {
	protocol: e => e.protocol,
	method: e => e.method,
	status_code: e => e.status_code || undefined,
	status: e => e.status,
	path: e => e.summary.split("?")[0],
	host: e => e.host,
	lock: e => e.lock,
	library: e => e.library,
	role: e => e.role,
	bind: e => e.bind,
	node: e => e.node,
	connection: e => e.connection,
	http_version: e => (e.protocol === "http" ? e.version : undefined),
};
for (const side of ["src", "dst"]) {
	for (const name of ["ip", "port", "name", "namespace", "process", "pid", "container"])
		READ[`${side}.${name}`] = e => e[side][name] || undefined;
	READ[`${side}.pod.name`] = e => e[side].pod;
	READ[`${side}.service.name`] = e => e[side].service;
}

// A sample is enough: a busy stream must not pay for completion.
export function note(entries) {
	const step = Math.max(1, Math.floor(entries.length / 20));
	for (let i = 0; i < entries.length; i += step) {
		for (const [field, read] of Object.entries(READ)) {
			const value = read(entries[i]);
			if (value !== undefined && value !== "") put(field, value);
		}
	}
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

const ALIASES = {
	"response.status": "status_code",
	"request.method": "method",
	"request.path": "path",
	"node.name": "node",
};

// Most frequent first.
export function valuesOf(field) {
	const values = seen.get(ALIASES[field] || field);
	return values ? [...values].sort((a, b) => b[1] - a[1]).map(([value]) => value) : [];
}
