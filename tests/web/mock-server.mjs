// SPDX-License-Identifier: GPL-2.0-or-later
// A MOCK of cleartap's API, for working on the dashboard and for tests of it that need states a
// real one cannot be put into at will (a million entries, 2,000 a second, a dead server). It is
// not the server: src/api/ is. Run alone: node mock-server.mjs [PORT] [RATE] [ENTRIES].
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { dirname, extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { makeBody, makeDetail, makeEntry } from "./mock-data.mjs";
import { compile, FIELDS, FLAGS, KflError } from "./mock-kfl.mjs";

const WEB = process.env.WEB_DIR || join(dirname(fileURLToPath(import.meta.url)), "../../web");
const TYPES = {
	".html": "text/html; charset=utf-8",
	".js": "text/javascript; charset=utf-8",
	".css": "text/css; charset=utf-8",
	".svg": "image/svg+xml",
};
const POLICY =
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; " +
	"connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const SCAN = 60000; // entries one filtered page looks at before it is partial
const TICK = 50;
const WIDTHS = [1, 10, 100, 1e3, 1e4, 1e5]
	.flatMap(w => [w, 2 * w, 5 * w])
	.concat(
		[1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 86400].map(s => s * 1e6),
	);

const outcome = e => (!e.complete ? 3 : e.status_code >= 500 ? 2 : e.status_code >= 400 ? 1 : 0);

export class Mock {
	constructor(options) {
		Object.assign(
			this,
			{
				entries: 2000,
				rate: 0,
				spacing: 40000,
				token: "test",
				extra: new Map(),
				state: "running",
				partial: false,
				coverage: false,
				targets: null,
				fail: null,
				noEmpty: false,
				skip: null,
				histograms: 0,
			},
			options,
		);
		this.base = this.entries; // ids 1..base are stored at the start
		this.last = this.entries;
		this.readers = new Set();
		this.carry = 0;
		this.ticked = performance.now();
		this.server = createServer((req, res) =>
			this.serve(req, res).catch(error => {
				res.statusCode = 500;
				res.end(String(error.stack));
			}),
		);
	}

	async listen(port) {
		await new Promise(done => this.server.listen(port || 0, "127.0.0.1", done));
		this.port = this.server.address().port;
		this.url = `http://127.0.0.1:${this.port}`;
		this.timer = setInterval(() => this.tick(), TICK);
		this.second = setInterval(() => this.stats(), 1000);
		// A test that failed must end, not wait for its mock.
		for (const handle of [this.server, this.timer, this.second]) handle.unref();
		return this;
	}

	async close() {
		clearInterval(this.timer);
		clearInterval(this.second);
		this.server.closeAllConnections();
		await new Promise(done => this.server.close(done));
	}

	entry(id) {
		return this.extra.get(id) || makeEntry(id, this.base, this.spacing);
	}

	// Add an entry with these members to what is stored, and tell the live readers.
	add(changes) {
		const id = ++this.last;
		const e = {
			...makeEntry(id, this.base, this.spacing),
			timestamp: new Date().toISOString().replace("Z", "000Z"),
			...changes,
			id,
		};
		this.extra.set(id, e);
		this.publish([e]);
		return e;
	}

	// A later version of an entry; readers whose filter it does not fit are told that it is gone.
	update(id, changes) {
		const e = { ...this.entry(id), ...changes, id };
		this.extra.set(id, e);
		for (const { res, test } of this.readers) {
			const data = test(e) ? e : { id, gone: true };
			res.write(`event: update\ndata: ${JSON.stringify(data)}\n\n`);
		}
		return e;
	}

	tick() {
		const elapsed = performance.now() - this.ticked;
		this.ticked += elapsed;
		if (this.state === "paused") return;
		this.carry += (this.rate * elapsed) / 1000;
		const batch = [];
		const now = new Date().toISOString().slice(0, 23);
		for (; this.carry >= 1; this.carry--)
			batch.push({
				...makeEntry(++this.last, this.base, this.spacing),
				timestamp: `${now}000Z`,
			});
		if (batch.length) this.publish(batch);
	}

	publish(batch) {
		for (const reader of this.readers) {
			const text = batch
				.filter(reader.test)
				.map(e => `id: ${e.id}\nevent: entry\ndata: ${JSON.stringify(e)}\n\n`)
				.join("");
			if (text) reader.res.write(text);
		}
	}

	send(event, data) {
		for (const { res } of this.readers)
			res.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
	}

	stats() {
		this.send("stats", {
			entries_per_second: this.state === "paused" ? 0 : this.rate,
			entries: this.last,
			state: this.state,
			dropped: 0,
			lost_bytes: 0,
			readers: this.readers.size,
		});
	}

	async serve(req, res) {
		const url = new URL(req.url, "http://mock");
		const path = url.pathname;
		res.setHeader("content-security-policy", POLICY);
		res.setHeader("x-content-type-options", "nosniff");
		if (path === "/" && url.searchParams.get("token") === this.token) {
			res.writeHead(303, {
				location: "/",
				"set-cookie": `cleartap=${this.token}; HttpOnly; SameSite=Strict; Path=/`,
			});
			return res.end();
		}
		if (!path.startsWith("/api/")) return this.file(path, res);
		if (!(req.headers.cookie || "").includes(`cleartap=${this.token}`))
			return this.problem(
				res,
				401,
				"Token missing",
				"show the token as a cookie or a bearer token",
			);
		if (this.fail)
			return this.problem(
				res,
				this.fail,
				"Broken on purpose",
				"the store cannot be read: disk I/O error",
			);
		return this.api(req, res, path, url.searchParams);
	}

	async file(path, res) {
		const name = normalize(path === "/" ? "/index.html" : path);
		try {
			const data = await readFile(join(WEB, name));
			res.setHeader("content-type", TYPES[extname(name)] || "application/octet-stream");
			res.setHeader("cache-control", "no-cache");
			res.end(data);
		} catch {
			this.problem(res, 404, "Not found", path);
		}
	}

	json(res, value) {
		res.setHeader("content-type", "application/json");
		res.end(JSON.stringify(value));
	}

	problem(res, status, title, detail, more) {
		res.writeHead(status, { "content-type": "application/problem+json" });
		res.end(JSON.stringify({ type: "about:blank", title, status, detail, ...more }));
	}

	compile(text, res) {
		try {
			return compile(text || "");
		} catch (error) {
			if (!(error instanceof KflError)) throw error;
			this.problem(res, 400, "Query not valid", error.message, {
				parameter: "q",
				column: error.column,
				length: error.length,
			});
			return null;
		}
	}

	async api(req, res, path, search) {
		const one = path.match(/^\/api\/entries\/(\d+)(?:\/(request|response)\/body)?$/);
		if (one) {
			const id = Number(one[1]);
			if (id < 1 || id > this.last)
				return this.problem(res, 404, "No such entry", `entry ${id} is not stored`);
			if (!one[2])
				return this.json(
					res,
					this.extra.get(id)?.request ? this.extra.get(id) : makeDetail(this.entry(id)),
				);
			res.setHeader("content-type", "application/octet-stream");
			return res.end(this.extra.get(id)?.bytes || makeBody(this.entry(id), one[2]));
		}
		const routes = {
			"/api/entries": "list",
			"/api/stream": "stream",
			"/api/histogram": "histogram",
			"/api/kfl/validate": "validate",
			"/api/kfl/fields": "fields",
			"/api/targets": "listTargets",
			"/api/stats": "allStats",
			"/api/connections": "connections",
			"/api/map": "map",
			"/api/coverage": "listCoverage",
			"/api/capture": "capture",
		};
		if (!routes[path]) return this.problem(res, 404, "No such route", path);
		return this[routes[path]](res, search, req);
	}

	list(res, search) {
		const test = this.compile(search.get("q"), res);
		if (!test) return;
		const limit = Math.min(1000, Number(search.get("limit") || 100));
		const after = Number(search.get("after") || 0);
		const found = [];
		let id = Math.min(
			this.last,
			search.get("before") ? Number(search.get("before")) - 1 : this.last,
		);
		const stop = Math.max(after, id - (this.partial ? 300 : SCAN));
		for (; id > stop && found.length < limit; id--) {
			const e = this.entry(id);
			if (test(e)) found.push(e);
		}
		const more = id > after;
		this.json(res, {
			entries: found,
			next: more ? id + 1 : null,
			partial: more && found.length < limit,
		});
	}

	// The narrowest of the usual widths that needs no more buckets than asked for.
	histogram(res, search) {
		const test = this.compile(search.get("q"), res);
		if (!test) return;
		this.histograms++;
		const us = id => Date.parse(this.entry(id).timestamp) * 1000;
		const time = (name, preset) => {
			const text = search.get(name) ?? "";
			return /^\d+$/.test(text) ? Number(text) : text ? Date.parse(text) * 1000 : preset;
		};
		const from = time("from", this.last ? us(1) : 0);
		const to = Math.max(from, time("to", this.last ? us(this.last) : 0));
		const most = Number(search.get("buckets") || 120);
		const need = w => Math.floor(to / w) - Math.floor(from / w) + 1;
		const width = WIDTHS.find(w => need(w) <= most) || WIDTHS[WIDTHS.length - 1];
		const start = Math.floor(from / width) * width;
		const counts = Array.from({ length: need(width) }, () => [0, 0, 0, 0]);
		const oldest = Math.max(0, this.last - (this.partial ? 300 : Infinity));
		let total = 0;
		const stride = search.get("q") ? 1 : Math.ceil(this.last / SCAN);
		for (let id = this.last; id > oldest; id -= stride) {
			const e = this.entry(id);
			const i = Math.floor((Date.parse(e.timestamp) * 1000 - start) / width);
			if (i < 0 || i >= counts.length || !test(e)) continue;
			const weight = Math.min(stride, id - oldest);
			counts[i][outcome(e)] += weight;
			total += weight;
		}
		this.json(res, {
			start_us: start,
			bucket_us: width,
			outcomes: ["ok", "client_error", "server_error", "incomplete"],
			counts,
			total,
			partial: oldest > 0,
			counted_from_us: oldest > 0 ? us(oldest) + 1 : start,
		});
	}

	stream(res, search, req) {
		const test = this.compile(search.get("q"), res);
		if (!test) return;
		res.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
		res.write(": hello\n\n");
		const reader = { res, test };
		this.readers.add(reader);
		req.on("close", () => this.readers.delete(reader));
		this.stats();
	}

	validate(res, search) {
		try {
			compile(search.get("q") || "");
			this.json(res, { valid: true });
		} catch (error) {
			this.json(res, {
				valid: false,
				message: error.message,
				column: error.column,
				length: error.length,
			});
		}
	}

	fields(res) {
		const help = {
			status_code: "status of the answer as a number",
			path: "path of the request",
			"src.process": "program that opened the connection",
		};
		const number = new Set([
			"id",
			"status_code",
			"elapsed_time",
			"src.port",
			"dst.port",
			"src.pid",
			"dst.pid",
			"lost_bytes",
			"requestSize",
			"responseSize",
		]);
		const example = name => (number.has(name) ? `${name} >= 400` : `${name} == "x"`);
		this.json(res, {
			fields: Object.keys(FIELDS).map(name => ({
				name,
				type: number.has(name) ? "number" : "text",
				help: help[name] || `the ${name} of the entry`,
				example: example(name),
				aliases:
					name === "status_code"
						? ["response.status"]
						: name === "path"
							? ["request.path"]
							: [],
			})),
			functions: ["contains", "startsWith", "endsWith", "matches"].map(name => ({
				name,
				signature: `x.${name}(text)`,
				help: `text ${name}`,
				example: `path.${name}("a")`,
			})),
			flags: Object.keys(FLAGS).map(name => ({
				name,
				help: name === "tls" ? "all TLS traffic" : `${name} traffic`,
			})),
		});
	}

	listTargets(res) {
		const target = (id, path, library, version, state, reason, hits, names) => ({
			id,
			path,
			library,
			version,
			state,
			reason,
			plan:
				state === "attached"
					? "internal: ssl_read_internal+4 (push), ssl_write_internal+4 (push)"
					: "",
			points: state === "attached" ? 4 : 0,
			hits,
			processes: names.map((process, i) => ({
				pid: 900 + id * 10 + i,
				process,
				container: id === 3 ? "shop-1" : "",
			})),
		});
		this.json(res, {
			targets: this.targets ?? [
				target(
					1,
					"/usr/lib/x86_64-linux-gnu/libssl.so.3",
					"openssl",
					"3.0.15",
					"attached",
					"",
					182331,
					["nginx", "curl", "python3"],
				),
				target(
					2,
					"/usr/lib/x86_64-linux-gnu/libssl.so.1.1",
					"openssl",
					"1.1.1w",
					"attached",
					"",
					0,
					[],
				),
				target(
					3,
					"/var/lib/containers/overlay/8f2c/merged/usr/local/bin/api-gateway",
					"go",
					"1.23.4",
					"attached",
					"",
					90211,
					["api-gateway"],
				),
				target(
					4,
					"/opt/telemetry/agent",
					"rustls",
					"",
					"skipped",
					"rustls has no stable function to probe; its connections show with a closed lock",
					0,
					["agent"],
				),
				target(
					5,
					"/tmp/evil/libssl.so.3",
					"",
					"",
					"failed",
					"section table is outside of the file; nothing was attached",
					0,
					["sh"],
				),
				target(
					6,
					"/usr/bin/oldgo",
					"go",
					"1.9",
					"skipped",
					"Go 1.9: crypto/tls not linked in",
					0,
					["oldgo"],
				),
			],
		});
	}

	allStats(res) {
		this.json(res, {
			version: "0.1.0",
			uptime_s: 8123,
			capture: {
				state: this.state,
				records: 481233,
				bytes: 912331232,
				calls: 480112,
				dropped_records: 0,
				dropped_bytes: 0,
				...this.captureStats,
			},
			ring: { used: 81920, size: 16777216 },
			sessions: { active: 42, opened: 1203, closed: 1161 },
			store: {
				entries: this.last,
				size: 288123904,
				max_size: 1073741824,
				first_id: this.last ? 1 : 0,
				last_id: this.last,
			},
			api: { readers: this.readers.size, requests: 8121 },
		});
	}

	connections(res) {
		const seen = new Map();
		for (let id = this.last; id > Math.max(0, this.last - 400); id--) {
			const e = this.entry(id);
			const us = Date.parse(e.timestamp) * 1000;
			const c = seen.get(e.connection) || {
				connection: e.connection,
				src: e.src,
				dst: e.dst,
				library: e.library,
				bind: e.bind,
				first_us: us,
				last_us: us,
				entries: 0,
				errors: 0,
				request_bytes: 0,
				response_bytes: 0,
				protocol: e.protocol,
			};
			c.entries++;
			c.errors += FLAGS.error(e) ? 1 : 0;
			c.request_bytes += e.request_size;
			c.response_bytes += e.response_size;
			seen.set(e.connection, c);
		}
		this.json(res, { connections: [...seen.values()] });
	}

	map(res) {
		const nodes = new Map();
		const edges = new Map();
		for (let id = this.last; id > Math.max(0, this.last - 1000); id--) {
			const e = this.entry(id);
			const [s, d] = [e.src, e.dst].map(x => {
				const key = x.pod || x.process;
				nodes.set(key, {
					id: key,
					name: key,
					kind: x.pod ? "pod" : "process",
					process: x.process,
					ip: x.ip,
				});
				return key;
			});
			const edge = edges.get(`${s} ${d}`) || {
				src: s,
				dst: d,
				entries: 0,
				errors: 0,
				bytes: 0,
				rate: 0,
				protocols: [],
				q: `src.process == "${e.src.process}" and dst.process == "${e.dst.process}"`,
			};
			edge.entries++;
			edge.errors += FLAGS.error(e) ? 1 : 0;
			edge.bytes += e.request_size + e.response_size;
			edge.rate = edge.entries / 10;
			edge.protocols = [...new Set([...edge.protocols, e.protocol])];
			edges.set(`${s} ${d}`, edge);
		}
		this.json(res, { nodes: [...nodes.values()], edges: [...edges.values()] });
	}

	listCoverage(res) {
		if (!this.coverage) return this.problem(res, 404, "No such route", "/api/coverage");
		return this.json(res, {
			workloads: [
				{ process: "nginx", connections: 812, open: 812, reason: "" },
				{
					process: "agent",
					connections: 120,
					open: 0,
					reason: "rustls is not known to cleartap",
				},
				{
					process: "python3",
					connections: 31,
					open: 27,
					reason: "4 connections began before the library was probed",
				},
			],
		});
	}

	async capture(res, search, req) {
		if (req.method !== "POST") return this.problem(res, 405, "Method not allowed", "POST it");
		let text = "";
		for await (const chunk of req) text += chunk;
		this.state = JSON.parse(text).state;
		this.stats();
		return this.json(res, { state: this.state });
	}
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	const [port, rate, entries] = process.argv.slice(2).map(Number);
	const mock = await new Mock({
		rate: rate ?? 5,
		entries: entries || 2000,
		coverage: true,
	}).listen(port || 8898);
	mock.server.ref();
	console.log(`mock of cleartap: ${mock.url}/?token=${mock.token}`);
}
