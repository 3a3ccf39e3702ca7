// SPDX-License-Identifier: GPL-2.0-or-later
// A MOCK of cleartap's API, for states that the real one (server.mjs) cannot be put into at will: a
// million entries, 2,000 a second, searches that run out of time, events that come late or not at all.
// contract.test.mjs holds it against the real one.
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { dirname, extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { makeDetail, makeEntry, outcome } from "./mock-data.mjs";

const WEB = process.env.WEB_DIR || join(dirname(fileURLToPath(import.meta.url)), "../../web");
const TYPES = {
	".html": "text/html; charset=utf-8",
	".js": "text/javascript; charset=utf-8",
	".css": "text/css; charset=utf-8",
	".svg": "image/svg+xml",
};
const POLICY =
	"default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; " +
	"connect-src 'self'; font-src 'self'; manifest-src 'self'; form-action 'none'; " +
	"frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'";
const API_POLICY =
	"default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'";
const SCAN = 60000; // entries one filtered page looks at before it is partial
const TICK = 50;
const WIDTHS = [1, 10, 100, 1e3, 1e4, 1e5]
	.flatMap(w => [w, 2 * w, 5 * w])
	.concat(
		[1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 86400].map(s => s * 1e6),
	);

const OUTCOMES = ["ok", "client_error", "server_error", "incomplete"];

// The terms that tests with the mock filter by, joined by `and`; what is not understood lets all
// through. The language is the real one's matter.
function predicate(q) {
	const terms = (q || "").split(" and ").map(term => {
		const [, name, sign, text] = term.match(/^(\w+) (==|>=) (.+)$/) || [];
		const read = name === "path" ? e => e.summary.split("?")[0] : e => e[name];
		if (!name) return () => true;
		const value = JSON.parse(text);
		return e => (sign === "==" ? read(e) === value : read(e) >= value);
	});
	return e => terms.every(test => test(e));
}

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
		this.entrance = `${this.url}/?token=${this.token}`;
		this.timer = setInterval(() => this.tick(), TICK);
		this.second = setInterval(() => this.stats(), 1000);
		// A test that failed must end, not wait for its mock.
		for (const handle of [this.server, this.timer, this.second]) handle.unref();
		return this;
	}

	async stop() {
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
		e.outcome = outcome(e);
		this.extra.set(id, e);
		this.publish([e]);
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
		const isPage = !path.startsWith("/api/");
		res.setHeader("content-security-policy", isPage ? POLICY : API_POLICY);
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

	async api(req, res, path, search) {
		const one = path.match(/^\/api\/entries\/(\d+)$/);
		if (one) {
			const id = Number(one[1]);
			if (id < 1 || id > this.last)
				return this.problem(res, 404, "Not Found", `there is no entry ${id}`, {
					parameter: "id",
				});
			return this.json(res, makeDetail(this.entry(id)));
		}
		const routes = {
			"/api/entries": "list",
			"/api/stream": "stream",
			"/api/histogram": "histogram",
			"/api/kfl/validate": "validate",
			"/api/kfl/fields": "fields",
			"/api/targets": "listTargets",
			"/api/stats": "allStats",
			"/api/capture": "capture",
		};
		if (!routes[path]) return this.problem(res, 404, "No such route", path);
		return this[routes[path]](res, search, req);
	}

	list(res, search) {
		const test = predicate(search.get("q"));
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
		const test = predicate(search.get("q"));
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
			counts[i][OUTCOMES.indexOf(e.outcome)] += weight;
			total += weight;
		}
		this.json(res, {
			start_us: start,
			bucket_us: width,
			outcomes: OUTCOMES,
			counts,
			total,
			partial: oldest > 0,
			counted_from_us: oldest > 0 ? us(oldest) + 1 : start,
		});
	}

	stream(res, search, req) {
		const test = predicate(search.get("q"));
		res.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
		res.write(": hello\n\n");
		const reader = { res, test };
		this.readers.add(reader);
		req.on("close", () => this.readers.delete(reader));
		this.stats();
	}

	validate(res) {
		this.json(res, { valid: true });
	}

	fields(res) {
		const field = (name, type) => ({
			name,
			type,
			help: `the ${name} of the entry`,
			example: type === "text" ? `${name} == "x"` : `${name} >= 400`,
			aliases: [],
		});
		this.json(res, {
			fields: [field("path", "text"), field("status_code", "number")],
			functions: [],
			flags: [field("tls", "bool")],
		});
	}

	listTargets(res) {
		this.json(res, { targets: [] });
	}

	allStats(res) {
		this.json(res, {
			version: "0",
			state: this.state,
			dropped: 0,
			lost_bytes: 0,
			store: { entries: this.last, first_id: this.last ? 1 : 0, last_id: this.last },
			api: { readers: this.readers.size },
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
