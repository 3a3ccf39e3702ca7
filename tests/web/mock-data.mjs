// SPDX-License-Identifier: GPL-2.0-or-later
// Entries made from their number alone: the same number is the same entry, so a million of them
// need no memory.

const START_US = Date.now() * 1000;

// A small mix of a number, for choices that look like chance.
function mix(n) {
	let x = (n * 2654435761) >>> 0;
	x ^= x >>> 15;
	x = Math.imul(x, 2246822519) >>> 0;
	x ^= x >>> 13;
	return x >>> 0;
}

const pick = (list, n) => list[n % list.length];

const CLIENTS = ["curl", "python3", "firefox", "billing", "checkout", "frontend"];
const SERVERS = [
	["nginx", 443, 913],
	["api-gateway", 8443, 1204],
	["auth", 8443, 1377],
	["payments", 443, 1502],
];
const PATHS = [
	"/",
	"/login",
	"/api/v1/orders?limit=50&after=2026-11-20",
	"/api/v1/orders/81723/items",
	"/healthz",
	"/static/app.9f2c1e.js",
	"/images/logo.png",
	"/api/v1/users/42/preferences?expand=notifications,theme",
	"/graphql",
	"/v2/inventory/warehouses/rotterdam-europoort-terminal-4/stock/reservations/outstanding?sku=CT-0092&page=3",
];
const METHODS = ["GET", "GET", "GET", "POST", "GET", "PUT", "DELETE", "GET"];
const STATUS = [
	200, 200, 200, 200, 304, 200, 201, 404, 200, 200, 401, 200, 200, 200, 204, 200, 200, 200, 200,
	200, 304, 200, 200, 200, 500, 200, 200, 200, 200, 200, 503, 200, 200, 200, 200, 200, 200,
];
const REASONS = {
	200: "OK",
	201: "Created",
	204: "No Content",
	304: "Not Modified",
	401: "Unauthorized",
	404: "Not Found",
	500: "Internal Server Error",
	503: "Service Unavailable",
};

function ends(n) {
	const from = (n >>> 3) % CLIENTS.length;
	const client = CLIENTS[from];
	const [server, port, pid] = pick(SERVERS, from + ((n >>> 6) % 2));
	const base = { name: "", container: "", pod: "", namespace: "", service: "" };
	return {
		src: {
			...base,
			ip: n % 7 ? `10.0.0.${4 + (n % 5)}` : "2001:db8::42:17",
			port: 40000 + ((n >>> 9) % 20000),
			process: client,
			pid: 4000 + (n % 900),
		},
		dst: {
			...base,
			ip: `10.0.1.${10 + (n % 4)}`,
			port,
			process: server,
			pid,
			...(server === "payments"
				? { pod: "payments-7d9f8b6c5-x2v4q", namespace: "shop", service: "payments" }
				: {}),
		},
	};
}

export function makeEntry(id, newest, spacing) {
	const n = mix(id);
	const { src, dst } = ends(n);
	const us = START_US - Math.max(0, newest - id) * spacing + Math.max(0, id - newest) * 500;
	const e = {
		id,
		timestamp: stamp(us),
		protocol: "http",
		version: "1.1",
		tls: true,
		lock: "open",
		src,
		dst,
		role: n % 2 ? "client" : "server",
		library: pick(["openssl", "openssl", "boringssl", "go"], n >>> 4),
		bind: pick(["nested", "nested", "go", "unknown"], n >>> 5),
		method: pick(METHODS, n >>> 7),
		summary: pick(PATHS, n >>> 10),
		status: "",
		status_code: pick(STATUS, n >>> 12),
		reason: "",
		elapsed_us: 300 + ((n >>> 14) % 9000) * ((n >>> 2) % 13 ? 1 : 60),
		request_size: 78 + (n % 900),
		response_size: 200 + ((n >>> 8) % 90000),
		complete: true,
		lost_bytes: 0,
		truncated_bytes: 0,
		connection: `${src.pid}-7f${(n % 4096).toString(16)}-${1 + (n % 9)}`,
		node: "host1",
		host: "shop.example",
	};
	e.status = String(e.status_code);
	return special(e, n);
}

function special(e, n) {
	const kind = n % 60;
	const set = changes => Object.assign(e, changes);
	if (kind === 1) set({ protocol: "http2", version: "2" });
	else if (kind === 2)
		set({
			protocol: "grpc",
			version: "",
			method: "unary",
			summary: "/shop.Orders/Reserve",
			status: "OK",
			status_code: 0,
		});
	else if (kind === 3)
		set({
			protocol: "redis",
			version: "",
			method: "GET",
			summary: "session:81723",
			status: "OK",
			status_code: 0,
			host: "",
		});
	else if (kind === 4)
		set({
			protocol: "tls",
			version: "",
			method: "",
			summary: "opaque bytes",
			status: "",
			status_code: 0,
			host: "",
		});
	else if (kind === 5)
		set({
			protocol: "tcp",
			version: "",
			lock: "closed",
			method: "",
			summary: "telemetry.example:443",
			status: "",
			status_code: 0,
			library: "",
			bind: "",
			reason: "rustls is not known to cleartap",
			elapsed_us: 4200000,
			host: "",
		});
	else if (kind === 6) set({ protocol: "http", tls: false, lock: "none", library: "" });
	else if (kind === 7) set({ complete: false, lost_bytes: 1832, reason: "the ring was full" });
	else if (kind === 8)
		set({
			complete: false,
			status: "",
			status_code: 0,
			elapsed_us: null,
			reason: "no answer was seen",
			response_size: 0,
		});
	return e;
}

function stamp(us) {
	return `${new Date(us / 1000).toISOString().slice(0, 19)}.${String(Math.floor(us % 1e6)).padStart(6, "0")}Z`;
}

const JSON_BODY = JSON.stringify({
	order: {
		id: 81723,
		currency: "EUR",
		total: 129.9,
		paid: true,
		coupon: null,
		customer: { name: "Ada Lovelace", email: "ada@example.org" },
		items: [
			{ sku: "CT-0092", quantity: 2, price: 49.95 },
			{ sku: "CT-0117", quantity: 1, price: 30 },
		],
		"ship-to": "Rotterdam",
	},
	took_ms: 4,
});

export const PNG = Buffer.from(
	"iVBORw0KGgoAAAANSUhEUgAAAEAAAABACAYAAACqaXHeAAAAVklEQVR42u3QMQEAAAgDoGn/" +
		"zjODHwQgM7kLBAgQIECAAAECBAgQIECAAAECBAgQIECAAAECBAgQIECAAAECBAgQIECAAAECBAgQIECAAAECBAgQIEDAvwWqWgGB7o1Y3gAAAABJRU5ErkJggg==",
	"base64",
);

export function makeDetail(e) {
	if (!["http", "http2"].includes(e.protocol)) return { ...e, ...opaque(e) };
	const us = Math.round(Date.parse(e.timestamp) * 1000);
	const [path, query] = e.summary.split("?");
	const isImage = path.endsWith(".png");
	const took = e.elapsed_us || 0;
	const request = {
		method: e.method,
		target: e.summary,
		http_version: e.version,
		headers: [
			["Host", e.host],
			["User-Agent", `${e.src.process}/7.88.1`],
			["Accept", "*/*"],
			["Accept-Encoding", "gzip, br"],
			["Authorization", "[redacted]"],
			["Cookie", "theme=dark; session=[redacted]"],
		],
		cookies: [
			["theme", "dark"],
			["session", "[redacted]"],
		],
		query: query ? query.split("&").map(p => p.split("=")) : undefined,
		head_size: 240,
		body_size: 0,
		redacted: ["header authorization", "header cookie", "cookie session"],
	};
	if (e.method === "POST" || e.method === "PUT")
		Object.assign(request, {
			content_type: "application/json",
			body: '{"sku":"CT-0092","quantity":2,"password":"••••••••"}',
			body_size: 49,
			body_stored: 49,
			body_url: `/api/entries/${e.id}/request/body`,
			redacted: [...request.redacted, "body password"],
		});
	const response = e.status_code
		? {
				status: e.status_code,
				reason: REASONS[e.status_code] || "",
				http_version: e.version,
				headers: [
					["Server", e.dst.process],
					["Content-Type", isImage ? "image/png" : "application/json"],
					["Content-Encoding", "gzip"],
					["Date", new Date(us / 1000).toUTCString()],
					["Set-Cookie", "session=[redacted]; HttpOnly; Secure; SameSite=Lax; Path=/"],
					["X-Request-Id", `5f2c${e.id.toString(16).padStart(12, "0")}`],
				],
				cookies: [["session", "[redacted]"]],
				content_type: isImage ? "image/png" : "application/json; charset=utf-8",
				content_encoding: isImage ? undefined : "gzip",
				head_size: 312,
				redacted: ["header set-cookie", "cookie session"],
				body_size: isImage ? PNG.length : JSON_BODY.length + (e.lost_bytes || 0),
				body_stored: isImage ? PNG.length : JSON_BODY.length,
				body: isImage ? undefined : JSON_BODY,
				body_url: `/api/entries/${e.id}/response/body`,
				gaps: e.lost_bytes
					? [{ offset: 120, length: e.lost_bytes, why: "lost" }]
					: undefined,
			}
		: undefined;
	return {
		...e,
		request,
		response,
		tls_info: e.tls
			? {
					version: "1.3",
					cipher: "TLS_AES_256_GCM_SHA384",
					sni: e.host,
					alpn: "http/1.1",
					subject: `CN=${e.host}`,
					not_after: "2027-02-03T00:00:00Z",
				}
			: undefined,
		events: [
			["request_start", 0],
			["request_end", took * 0.08],
			...(response
				? [
						["response_start", took * 0.8],
						["response_end", took],
					]
				: []),
		].map(([name, t]) => ({ name, time_us: Math.round(us + t) })),
	};
}

function opaque(e) {
	const side = which => ({
		body_size: 640,
		body_stored: 512,
		body_url: `/api/entries/${e.id}/${which}/body`,
		gaps: [{ offset: 256, length: 128, why: "truncated" }],
	});
	return {
		request: side("request"),
		response: e.lock === "closed" ? undefined : side("response"),
		tls_info: e.tls ? { version: "1.3", sni: e.summary } : undefined,
		events: [],
	};
}

export function makeBody(e, which) {
	const detail = makeDetail(e)[which];
	if (detail?.content_type === "image/png") return PNG;
	if (detail?.body) return Buffer.from(detail.body);
	return Buffer.from(Array.from({ length: 512 }, (_, i) => mix(e.id * 512 + i) & 255));
}
