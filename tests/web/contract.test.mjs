// SPDX-License-Identifier: GPL-2.0-or-later
// The mock answers as the real API does: the same requests to both, and the statuses, headers and
// shapes of their answers compared. What the values are is not looked at.
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { Mock } from "./mock-server.mjs";
import { serve } from "./server.mjs";

const HEADERS = [
	"content-type",
	"content-security-policy",
	"x-content-type-options",
	"location",
	"allow",
];
const WAIT_MS = 5000;
const LINES_MAX = 350;
let real, mock;

before(async () => {
	real = await serve({ entries: 300 });
	mock = await new Mock({ entries: 300 }).listen();
});

after(async () => {
	await real?.stop();
	await mock?.stop();
});

// The types of all members, by their paths: "entries[].src.port" → Set {"number"}.
function shape(value, path = "", out = new Map()) {
	const type = value === null ? "null" : Array.isArray(value) ? "array" : typeof value;
	if (!out.has(path)) out.set(path, new Set());
	out.get(path).add(type);
	if (type === "array") for (const one of value) shape(one, `${path}[]`, out);
	else if (type === "object")
		for (const [name, one] of Object.entries(value))
			shape(one, path ? `${path}.${name}` : name, out);
	return out;
}

const known = types => [...types].filter(t => t !== "null");

// What the mock tells, the real one tells, as the same type.
function judge(mine, its, what) {
	for (const [path, types] of mine) {
		assert.ok(its.has(path), `${what}: only the mock tells ${path}`);
		for (const type of known(types))
			assert.ok(
				!known(its.get(path)).length || its.get(path).has(type),
				`${what}: ${path} is ${type} of the mock, ${[...its.get(path)]} in truth`,
			);
	}
}

async function ask(server, cookie, path, options) {
	const headers = { ...(cookie ? { cookie } : {}), ...options?.headers };
	const answer = await fetch(`${server.url}${path}`, {
		redirect: "manual",
		...options,
		headers,
	});
	const text = await answer.text();
	const isJSON = (answer.headers.get("content-type") || "").includes("json");
	return {
		status: answer.status,
		headers: Object.fromEntries(HEADERS.map(h => [h, answer.headers.get(h)])),
		shape: isJSON ? shape(JSON.parse(text)) : null,
	};
}

// The cookie that the printed line gives.
async function enter(server) {
	const answer = await fetch(server.entrance, { redirect: "manual" });
	const cookie = answer.headers.get("set-cookie");
	assert.equal(answer.status, 303);
	assert.match(cookie, /HttpOnly.*SameSite=Strict/);
	return cookie.split(";")[0];
}

// whole: the mock leaves nothing out either, but members of entries, for a field is a row of
// src/entry.def and nothing else.
function same(name, path, { whole, token = true, ...options } = {}) {
	test(name, async () => {
		const [mine, its] = await Promise.all(
			[mock, real].map(async s => ask(s, token && (await enter(s)), path, options)),
		);
		assert.equal(mine.status, its.status, "status");
		assert.deepEqual(mine.headers, its.headers);
		assert.equal(mine.shape === null, its.shape === null);
		if (!mine.shape) return;
		judge(mine.shape, its.shape, path);
		if (whole)
			assert.deepEqual(
				[...its.shape.keys()].filter(
					k => !mine.shape.has(k) && !k.startsWith("entries[]."),
				),
				[],
				"the mock leaves out",
			);
	});
}

const post = (body, type = "application/json") => ({
	method: "POST",
	headers: { "content-type": type },
	body,
});

same("entries", "/api/entries?limit=50", { whole: true });
same("entries before one", "/api/entries?limit=5&before=20", { whole: true });
same("no entries", "/api/entries?after=100000", { whole: true });
same("an entry", "/api/entries/280");
same("an entry that is not there", "/api/entries/999999", { whole: true });
same("the histogram", "/api/histogram?buckets=20", { whole: true });
same("the histogram of a filter", "/api/histogram?buckets=20&q=status_code%20==%20404", {
	whole: true,
});
same("numbers", "/api/stats");
same("the language", "/api/kfl/fields");
same("a valid filter", "/api/kfl/validate?q=tls", { whole: true });
same("targets", "/api/targets");
same("pause", "/api/capture", { whole: true, ...post('{"state":"paused"}') });
same("go on", "/api/capture", { whole: true, ...post('{"state":"running"}') });
same("no such route", "/api/nowhere", { whole: true });
same("no token", "/api/entries", { whole: true, token: false });
same("a module of the page", "/boot.js");

// The events of a stream until each of `names` was there: Map of name → {data, hasId}.
async function events(server, names, act) {
	const abort = new AbortController();
	const timer = setTimeout(() => abort.abort(), WAIT_MS);
	const answer = await fetch(`${server.url}/api/stream`, {
		headers: { cookie: await enter(server) },
		signal: abort.signal,
	});
	assert.equal(answer.status, 200);
	const found = new Map();
	const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
	let text = "";
	await act();
	while (!names.every(n => found.has(n))) {
		const { value, done } = await reader.read();
		assert.ok(!done, `the stream ended, with ${[...found.keys()]}`);
		const parts = (text + value).split("\n\n");
		text = parts.pop();
		for (const part of parts) {
			const member = name => part.match(new RegExp(`^${name}: (.*)$`, "m"))?.[1];
			if (!member("event")) continue;
			const data = shape(JSON.parse(member("data")));
			found.set(member("event"), { data, hasId: member("id") !== undefined });
		}
	}
	clearTimeout(timer);
	abort.abort();
	return { type: answer.headers.get("content-type"), found };
}

test("the live stream", async () => {
	const names = ["stats", "entry"];
	const mine = await events(mock, names, () => mock.add({ summary: "/new" }));
	const its = await events(real, names, () => real.add({ summary: "/new" }));
	assert.equal(mine.type, its.type);
	for (const name of names) {
		judge(mine.found.get(name).data, its.found.get(name).data, name);
		assert.equal(mine.found.get(name).hasId, its.found.get(name).hasId, `id of ${name}`);
	}
});

// tests/data/kfl/entries.json is what entries of tests are described in.
test("an entry is made as it is described", async () => {
	const file = new URL("../data/kfl/entries.json", import.meta.url);
	for (const { id: _, ...described } of JSON.parse(await readFile(file, "utf8"))) {
		const id = await real.tell(`add ${JSON.stringify(described)}`);
		const made = await (await real.get(`/api/entries/${id}`)).json();
		assert.equal(Date.parse(made.timestamp) * 1000, described.timestamp);
		assert.equal(made.protocol, described.protocol);
		assert.equal(made.src.process, described.src_process ?? made.src.process);
		assert.equal(made.summary, described.summary ?? made.summary);
		assert.equal(made.status_code, described.status_code ?? made.status_code);
	}
	await assert.rejects(real.tell('add {"nosuch": 1}'), /nosuch/);
});

test("no module is long, none leads back to itself", async () => {
	const web = new URL("../../web/", import.meta.url);
	const text = new Map();
	for (const name of await readdir(web))
		if (/\.(js|css)$/.test(name)) text.set(name, await readFile(new URL(name, web), "utf8"));
	const long = [...text].filter(([, s]) => s.split("\n").length > LINES_MAX);
	assert.deepEqual(long.map(([name]) => name), []);
	const imports = name => [...text.get(name).matchAll(/ from "\.\/(.+)"/g)].map(m => m[1]);
	const done = new Set();
	const walk = (name, above) => {
		assert.ok(!above.includes(name), [...above, name].join(" → "));
		if (done.has(name)) return;
		done.add(name);
		for (const next of imports(name)) walk(next, [...above, name]);
	};
	for (const name of text.keys()) walk(name, []);
});

// The page's own table: each tab has its module, and the list of modules misses none.
test("index.html names each page's module, and each module", async () => {
	const web = new URL("../../web/", import.meta.url);
	const html = await readFile(new URL("index.html", web), "utf8");
	const modules = (await readdir(web)).filter(f => f.endsWith(".js"));
	const all = pattern => [...html.matchAll(pattern)].map(m => m[1]);
	const pages = all(/data-page="(\w+)"/g);
	assert.ok(pages.length >= 6);
	for (const name of pages) assert.ok(modules.includes(`${name}.js`), name);
	assert.equal(new Set(all(/data-key="(\w)"/g)).size, pages.length, "a key for each");
	const listed = [...all(/modulepreload" href="(\w+\.js)"/g), "boot.js"].sort();
	assert.deepEqual(listed, modules.sort());
	const served = await Promise.all(modules.map(m => real.get(`/${m}`)));
	assert.deepEqual([...new Set(served.map(a => a.status))], [200]);
});
