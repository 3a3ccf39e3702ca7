// SPDX-License-Identifier: GPL-2.0-or-later
// What the wire tells, on the page: connections that stayed encrypted, those that were read,
// handshakes, the ledger, and which programs are looked at. The server has no wire here: that it
// watches one, and what its ledger says, is told in its place.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { launch, newPage, rows, shot } from "./browser.mjs";
import { serve } from "./server.mjs";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const NARROW = { viewport: { width: 390, height: 800 } };
const SCOPE = "--exe /usr/bin/curl --pid 4242";
const WHY = "its program uses a TLS library that cleartap does not read";
const REMEDY = "The page Targets names the library.";

let browser, server, ids;

const client = { ip: "127.0.0.1", port: 40000, process: "curl", pid: 4242 };
const target = { ip: "127.0.0.1", port: 443, name: "shop.example" };
const way = (packets, wire_bytes, bytes) => ({ packets, wire_bytes, records: 3, bytes });

const HANDSHAKE = {
	version: "TLS 1.2",
	cipher: "TLS_RSA_WITH_3DES_EDE_CBC_SHA",
	group: "x25519",
	post_quantum: false,
	sni: "shop.example",
	versions: ["TLS 1.3", "TLS 1.2"],
	cipher_suites: [...Array(30).keys()].map(i => `TLS_SUITE_${i}`).concat("TLS_RSA_WITH_3DES_EDE_CBC_SHA"),
	groups: ["X25519MLKEM768", "x25519"],
	signatures: ["ecdsa_secp256r1_sha256"],
	alpn_offered: ["h2", "http/1.1"],
	extensions: ["server_name"],
	ja3: "773906b0efdefa24a7f2b8eb6985bf37",
	ja4: "t12d310500_aabbccddeeff_001122334455",
	weak: ["3DES"],
	weak_offered: ["RC4"],
	certificate: {
		subject: "CN=shop.example",
		names: ["shop.example", "www.shop.example"],
		issuer: "CN=An Authority",
		not_before: "2026-01-01T00:00:00.000000Z",
		not_after: "2027-01-01T00:00:00.000000Z",
		key: "RSA",
		key_bits: 2048,
		chain: 2,
	},
};

const CLOSED = {
	protocol: "tcp",
	lock: "closed",
	tls: true,
	method: "",
	status: "",
	status_code: 0,
	reason: WHY,
	packets: 313,
	tls_version: "TLS 1.3",
	tls_sni: "secret.example",
	request_size: 7314,
	response_size: 19583,
	elapsed_us: 31260000,
	connection: "wire-b19e",
	ends: "client",
	src: { ...client, process: "blind", port: 41000 },
	dst: { ...target, name: "secret.example" },
	ledger: {
		end: "client",
		from_src: way(206, 7314, 4690),
		from_dst: way(107, 19583, 16000),
		reason: "unsupported-library",
		sentence: WHY,
		remedy: REMEDY,
		bytes: [
			{
				reason: "unsupported-library",
				sentence: WHY,
				remedy: REMEDY,
				from_src: 4690,
				from_dst: 16000,
			},
		],
	},
};

const READ = {
	...CLOSED,
	lock: "open",
	library: "openssl",
	reason: "",
	tls_sni: "shop.example",
	connection: "4242-7f-1",
	src: client,
	dst: target,
	ledger: {
		...CLOSED.ledger,
		reason: "read",
		bytes: [
			{ reason: "read", sentence: "read in clear", remedy: "", from_src: 500, from_dst: 487 },
			{
				reason: "before-start",
				sentence: "it went over the wire before cleartap read the program",
				remedy: "Let it connect again.",
				from_src: 0,
				from_dst: 13,
			},
		],
	},
};

before(async () => {
	browser = await launch();
	server = await serve();
	const request = { tls: true, lock: "open", connection: "4242-7f-1", src: client, dst: target };
	ids = {};
	for (const [name, e] of Object.entries({
		http: {
			...request,
			protocol: "http",
			method: "GET",
			summary: "/orders",
			status: "200",
			status_code: 200,
			tls_version: "TLS 1.2",
			request: { method: "GET", target: "/orders", headers: [["Host", "shop.example"]] },
			tls_info: {
				version: "TLS 1.2",
				cipher: HANDSHAKE.cipher,
				sni: "shop.example",
				alpn: "h2",
				subject: "CN=shop.example",
			},
		},
		tlsx: {
			...request,
			protocol: "tlsx",
			lock: "none",
			method: "",
			summary: "shop.example",
			status: "TLS 1.2",
			status_code: 0,
			tls_version: "TLS 1.2",
			tls_sni: "shop.example",
			tls_weak: "3DES",
			tls_info: HANDSHAKE,
			events: [
				{ name: "client_hello", time_us: 1795288218000000 },
				{ name: "server_hello", time_us: 1795288218001500 },
			],
		},
		read: { ...READ, summary: "shop.example, read in clear" },
		closed: { ...CLOSED, summary: "secret.example, encrypted" },
	}))
		ids[name] = (await server.add(e)).id;
});

after(async () => {
	await browser?.close();
	await server?.stop();
});

// The page of a server that watches the wire; `answers`: {path: JSON} in place of its own.
async function open(hash, options, answers) {
	const page = await newPage(browser, options);
	await page.route(/\/api\/stats$/, async route => {
		const response = await route.fetch();
		const stats = { ...(await response.json()), wire_watched: true, scope: SCOPE };
		await route.fulfill({ response, json: stats });
	});
	for (const [path, json] of Object.entries(answers || {}))
		await page.route(new RegExp(`${path}$`), route => route.fulfill({ json }));
	await page.goto(`${server.entrance}${hash || ""}`);
	await page.locator("main > *:not([hidden])").first().waitFor();
	return page;
}

async function close(page) {
	assert.deepEqual(page.problems, []);
	assert.deepEqual(await page.evaluate(() => window.violations), []);
	await page.context().close();
}

async function accessible(page) {
	await page.evaluate(axe);
	const { violations } = await page.evaluate(() =>
		window.axe.run(document, { resultTypes: ["violations"] }),
	);
	const bad = violations.filter(v => ["serious", "critical"].includes(v.impact));
	assert.deepEqual(bad.map(v => `${v.id} ${v.nodes[0].html} ${v.nodes[0].failureSummary}`), []);
}

const detail = page => page.locator(".detail .panel");
const row = (page, text) => page.locator(".layer .row:not([hidden])", { hasText: text });

test("what stayed encrypted is listed with its reason, other connections when asked for", async () => {
	const page = await open();
	await row(page, "encrypted").waitFor();
	assert.deepEqual((await rows(page)).map(r => /encrypted|\/orders/.exec(r)?.[0]), [
		"encrypted",
		"/orders",
	]);
	const lock = row(page, "encrypted").locator(".cell.lock-closed");
	assert.match(await lock.innerText(), new RegExp(`closed lock: Stayed encrypted: ${WHY}`));
	await lock.hover();
	await page.locator(".tip", { hasText: WHY }).waitFor();
	await shot(page, "wire-list-dark");
	// what has no HTTP request is counted there
	const exported = async () => {
		const href = await page.getByRole("link", { name: "HAR", exact: true }).getAttribute("href");
		return page.evaluate(async path => (await (await fetch(path)).json()).log.comment, href);
	};
	assert.match(await exported(), /^1 entries/, "the file has what the list has");
	const wires = page.getByRole("button", { name: "Connections & handshakes" });
	assert.equal(await wires.getAttribute("aria-pressed"), "false");
	await wires.click();
	await row(page, "handshake").waitFor();
	await page.waitForURL(/wire=1/);
	const all = await rows(page);
	assert.equal(all.length, 4);
	assert.match(await exported(), /^3 entries/);
	assert.match(all.join("\n"), /handshake with shop\.example.*weak: 3DES/);
	assert.match(all.join("\n"), /read in clear.*TLS 1\.3 · 7\.31 kB sent · 19\.6 kB answered · 313 packets/);
	await page.emulateMedia({ colorScheme: "light" });
	await shot(page, "wire-list-light");
	await accessible(page);
	await wires.click();
	await row(page, "handshake").first().waitFor({ state: "detached" });
	await close(page);
});

test("a filter that names them lists them; what comes live obeys the same", async () => {
	const page = await open("#/traffic?q=tlsx");
	await row(page, "handshake").waitFor();
	const wires = page.getByRole("button", { name: "Connections & handshakes" });
	assert.ok(await wires.isDisabled());
	await page.fill("#query", 'src.process != "x" or method == "GET"');
	await page.press("#query", "Control+Enter");
	await row(page, "/orders").waitFor();
	assert.equal((await rows(page)).length, 2, "an `or` of the filter does not undo it");
	await server.add({ ...CLOSED, tls_sni: "live.example", connection: "wire-2", summary: "x" });
	await row(page, "live.example, encrypted").waitFor();
	await server.add({ ...READ, connection: "9-9-9", summary: "y" });
	await server.add({ protocol: "http", method: "GET", summary: "/after", status: "200" });
	await row(page, "/after").waitFor();
	assert.equal(await row(page, "shop.example, read in clear").count(), 0);
	await close(page);
});

const PACKETS = {
	connection: "wire-b19e",
	packets: [
		{ timestamp: "2026-11-27T23:31:27.344299Z", from: "src", size: 517, records: ["handshake"] },
		{
			timestamp: "2026-11-27T23:31:28.344299Z",
			from: "dst",
			size: 1200,
			records: ["application_data"],
		},
	],
};

test("a connection: lock and remedy, the ledger's numbers, last packets", async () => {
	const answers = { "/api/connections/wire-b19e/packets": PACKETS };
	const page = await open(`#/traffic?id=${ids.closed}`, {}, answers);
	await page.getByRole("table", { name: "Last packets" }).waitFor();
	const text = await detail(page).innerText();
	assert.match(text, new RegExp(`Stayed encrypted: ${WHY}\\. ${REMEDY}`));
	assert.match(text, /0 % read; 100 % unsupported library/);
	assert.match(text, /Bytes on the wire\s+7,314\s+19,583/);
	assert.match(text, /Not read: unsupported library\s+4,690\s+16,000/);
	assert.match(text, /← from destination\s+1,200 bytes\s+application data[\s\S]*→ from source/);
	assert.match(await page.locator(".detail h2").innerText(), /TLS connection to secret\.example, lasted 31\.26 s/);
	await shot(page, "wire-closed-dark");
	await accessible(page);
	await close(page);
});

test("a connection that was read leads to its requests and its handshake", async () => {
	const page = await open(`#/traffic?id=${ids.read}`, NARROW);
	await page.locator(".detail .other", { hasText: "GET /orders" }).waitFor();
	const text = await detail(page).innerText();
	assert.match(text, /98\.7 % read; 1\.3 % before cleartap started/);
	assert.match(text, /13 B not read: it went over the wire before .*Let it connect again\./);
	assert.match(text, /None is kept any more/);
	const wide = await page.evaluate(() => document.querySelector(".panel").scrollWidth);
	assert.ok(wide <= 390, `${wide} px wide`);
	await shot(page, "wire-open-narrow");
	await page.locator(".detail .other", { hasText: "its handshake" }).click();
	await page.getByRole("tab", { name: "Handshake" }).waitFor();
	await close(page);
});

test("a handshake: offered and chosen, weak points in words, fingerprints to copy", async () => {
	const page = await open(`#/traffic?id=${ids.tlsx}`, { colorScheme: "light" });
	await page.getByRole("tab", { name: "Handshake" }).waitFor();
	const text = await detail(page).innerText();
	assert.match(text, /Weak: 3DES\. It is in use/);
	assert.match(text, /Weak, offered only: RC4\./);
	assert.match(text, /Not post-quantum\. For information/);
	assert.equal(await page.locator(".hs-info", { hasText: "post-quantum" }).count(), 1);
	assert.match(text, /Version\s+TLS 1\.3\s+TLS 1\.2 chosen\s+TLS 1\.2/);
	assert.match(text, /31 offered\s+TLS_RSA_WITH_3DES_EDE_CBC_SHA/);
	assert.match(text, /Issuer\s+CN=An Authority/);
	assert.match(text, /ServerHello\s+\S+ \S+ \+1\.50.ms/);
	await page.getByText("31 offered").click();
	await page.getByText("TLS_RSA_WITH_3DES_EDE_CBC_SHA chosen").waitFor();
	for (const name of ["JA3", "JA4"])
		assert.equal(await page.getByRole("button", { name: `Copy ${name}` }).count(), 1);
	await shot(page, "wire-handshake-light");
	await accessible(page);
	await close(page);
});

test("a request's detail has a line of its TLS", async () => {
	const page = await open(`#/traffic?id=${ids.http}`);
	const line = page.locator(".tls-line");
	await line.waitFor();
	assert.equal(
		await line.innerText(),
		`TLS 1.2 · ${HANDSHAKE.cipher} · shop.example · ALPN h2 · certificate CN=shop.example`,
	);
	await shot(page, "wire-request-dark");
	await close(page);
});

test("long values stay within their places", async () => {
	const long = "a".repeat(250);
	const e = await server.add({
		protocol: "tlsx",
		method: "",
		status: "TLS 1.2",
		tls_sni: long,
		tls_weak: "TLS 1.0, RC4, SHA-1, RSA below 2048, expired",
		tls_info: { ...HANDSHAKE, sni: long, cipher: long, cipher_suites: [long] },
	});
	const page = await open(`#/traffic?id=${e.id}`, NARROW);
	await page.getByRole("tab", { name: "Handshake" }).waitFor();
	const wide = await page.evaluate(() => document.querySelector(".panel").scrollWidth);
	assert.ok(wide <= 390, `${wide} px wide`);
	await shot(page, "wire-long-narrow");
	await close(page);
});

test("Connections has locks, and why what is closed was not read", async () => {
	const page = await open("#/connections");
	const closed = page.getByRole("row", { name: /secret\.example.*TLS 1\.3|TLS 1\.3.*secret\.example/ }).last();
	await closed.waitFor();
	assert.match(await closed.innerText(), new RegExp(`TLS 1\\.3[\\s\\S]*7\\.31 kB[\\s\\S]*not read: ${WHY}`));
	assert.equal(await closed.locator(".traced").count(), 0);
	const read = page.getByRole("row", { name: /curl.*shop\.example/ }).first();
	assert.equal(await page.locator(".lock-open").count() > 0, true);
	assert.match(await read.innerText(), /http|tcp/);
	await shot(page, "wire-connections-dark");
	await accessible(page);
	await close(page);
});

const bytes = list => list.map(([reason, sent, received]) => ({ reason, sent, received }));
const sums = (connections, connections_read, list) => ({
	connections,
	connections_read,
	misfits: 0,
	wire_bytes: 1000000,
	bytes: bytes(list),
});

const COVERAGE = {
	workloads: [
		{ process: "rusty", container: "", library: "", reason: "no symbols", connections: 0, open: 0 },
	],
	note: "",
	window: { entries: 0 },
	partial: false,
	ledger: {
		filtered: true,
		machine: sums(12, 9, [
			["read", 500, 487],
			["before-start", 0, 13],
			["filtered-out", 9000, 0],
		]),
		programs: [
			{
				process: "curl",
				container: "0123456789abcdef0123456789abcdef",
				library: "openssl",
				open: 1,
				...sums(9, 9, [
					["read", 500, 487],
					["before-start", 0, 13],
				]),
			},
			{
				process: "nearly",
				container: "",
				library: "gotls",
				open: 0,
				...sums(1, 1, [
					["read", 99999999, 0],
					["lost", 1, 0],
				]),
			},
		],
		others: sums(2, 0, [["filtered-out", 9000, 0]]),
		reasons: [
			{ reason: "read", sentence: "read in clear", remedy: "" },
			{ reason: "before-start", sentence: "it went before", remedy: "Start cleartap first." },
			{ reason: "filtered-out", sentence: "it is left out", remedy: "Name it." },
			{ reason: "lost", sentence: "it found no room", remedy: "Raise --ring-size." },
		],
	},
};

test("Coverage is a ledger: bars and words by program, container and machine", async () => {
	const page = await open("#/coverage", {}, { "/api/coverage": COVERAGE });
	const main = page.locator(".page-coverage");
	await main.getByRole("row", { name: /^curl/ }).waitFor();
	const text = await main.innerText();
	assert.match(text, /Programs that are looked at\s+98\.7 % read; 1\.3 % before cleartap started/);
	assert.match(text, /This machine\s+9\.9 % read; 90\.0 % filtered out; 0\.1 % before/);
	assert.match(text, /Container 0123456789ab\s+98\.7 % read/);
	assert.match(text, /before cleartap started: it went before\. Start cleartap first\./);
	assert.match(text, /99\.9 % read; under 0\.1 % lost/, "not rounded to all");
	assert.match(text, /rusty\s+no TLS connection seen[\s\S]*no symbols/);
	const name = await main.getByRole("row", { name: /^curl/ }).locator("[role=img]");
	assert.equal(await name.getAttribute("aria-label"), "98.7 % read; 1.3 % before cleartap started");
	await shot(page, "wire-coverage-dark");
	await accessible(page);
	await page.emulateMedia({ colorScheme: "light" });
	await shot(page, "wire-coverage-light");
	await page.setViewportSize(NARROW.viewport);
	await shot(page, "wire-coverage-narrow");
	await close(page);
});

test("the scope is on every page, and on none where nothing is left out", async () => {
	for (const viewport of [{ width: 1440, height: 900 }, NARROW.viewport]) {
		const page = await open("", { viewport });
		for (const name of ["traffic", "endpoints", "connections", "map", "coverage", "targets", "status"]) {
			await page.evaluate(hash => (location.hash = hash), `#/${name}`);
			await page.locator(`nav a[data-page=${name}][aria-current]`).waitFor();
			assert.ok(await page.locator(".scope").isVisible(), name);
			assert.match(await page.locator(".scope").getAttribute("title"), new RegExp(SCOPE));
		}
		const wide = await page.evaluate(() => document.documentElement.scrollWidth);
		assert.ok(wide <= viewport.width);
		await close(page);
	}
	const plain = await newPage(browser);
	await plain.goto(server.entrance);
	await plain.locator(".layer .row").first().waitFor();
	assert.equal(await plain.locator(".scope").isVisible(), false);
	assert.equal(await plain.locator(".foot-switch").isVisible(), false);
	await close(plain);
});
