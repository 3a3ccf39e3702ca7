// SPDX-License-Identifier: GPL-2.0-or-later
// Entries of the mock, made from their number alone: the same number is the same entry, so a million
// of them need no memory. contract.test.mjs holds their shape against those of the real API; where
// what they say matters, tests use the real one and its maker (tests/lib).

const START_US = Date.now() * 1000;

// A small mix of a number, for choices that look like chance.
function mix(n) {
	let x = (n * 2654435761) >>> 0;
	x ^= x >>> 15;
	x = Math.imul(x, 2246822519) >>> 0;
	x ^= x >>> 13;
	return x >>> 0;
}

const end = (ip, port, process, pid) => ({
	ip,
	port,
	name: "",
	process,
	pid,
	container: "",
	pod: "",
	namespace: "",
	service: "",
});

const stamp = us => {
	const text = new Date(us / 1000).toISOString().slice(0, 19);
	return `${text}.${String(Math.floor(us % 1e6)).padStart(6, "0")}Z`;
};

// As the API tells it.
export function outcome(e) {
	if (e.open) return "open";
	if (!e.complete) return "incomplete";
	if (e.status_code >= 500) return "server_error";
	return e.status_code >= 400 ? "client_error" : "ok";
}

// The newest of what is stored is from now, those before it `spacing` µs apart.
export function makeEntry(id, newest, spacing) {
	const n = mix(id);
	const us = START_US - Math.max(0, newest - id) * spacing + Math.max(0, id - newest) * 500;
	const status = [200, 200, 200, 404, 200, 200, 304, 500][n % 8];
	const e = {
		id,
		timestamp: stamp(us),
		protocol: "http",
		version: "1.1",
		tls: true,
		lock: "open",
		src: end("10.0.0.4", 40000 + (n % 20000), ["curl", "python3"][n % 2], 4000 + (n % 900)),
		dst: end("10.0.1.10", 443, "nginx", 913),
		role: "client",
		ends: "client",
		library: "openssl",
		bind: "nested",
		method: ["GET", "POST"][n % 2],
		summary: `/api/v1/orders/${n % 1000}/items?limit=50`,
		status: String(status),
		status_code: status,
		outcome: "",
		reason: "",
		elapsed_us: 300 + (n % 9000),
		server_elapsed_us: null,
		request_size: 78 + (n % 900),
		response_size: 200 + (n % 90000),
		complete: true,
		open: false,
		lost_bytes: 0,
		truncated_bytes: 0,
		connection: `4000-7f${(n % 4096).toString(16)}-1`,
		node: "host1",
		host: "shop.example",
	};
	e.outcome = outcome(e);
	return e;
}

// What the messages hold is not looked at.
export function makeDetail(e) {
	const message = { headers: [["Host", e.host]], http_version: "1.1", body_size: 0 };
	return {
		...e,
		request: { method: e.method, target: e.summary, ...message },
		response: { status: e.status_code, ...message },
	};
}
