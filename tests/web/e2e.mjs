// SPDX-License-Identifier: GPL-2.0-or-later
// The dashboard on a real cleartap: programs speak, people read. tests/e2e/browser.sh runs it, with
//   BASE_URL=http://127.0.0.1:8899 TOKEN=...
//   TRAFFIC='curl -sk https://127.0.0.1:4433{path}'   {path} is filled in; tests/e2e/pages.py answers
//   PROGRAM=curl       what TRAFFIC is called in the list
//   CONTROL=FIFO       takes "stop" and "start": cleartap ends, and comes back at the same address
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { launch, newPage, shot } from "./browser.mjs";

const { BASE_URL, TOKEN, TRAFFIC, PROGRAM, CONTROL } = process.env;
const run = promisify(execFile);
let browser, page;

// Make the program ask for a path over TLS.
const speak = path => run("/bin/sh", ["-c", TRAFFIC.replaceAll("{path}", path)]);

const row = path => page.locator(".layer .row:not([hidden])", { hasText: path });
const panel = () => page.locator(".detail .panel");

// Rows are used again for other entries: wait until those of the old filter are gone.
async function filter(text) {
	await page.fill("#query", text);
	await page.press("#query", "Control+Enter");
	await page.waitForFunction(
		q =>
			(new URLSearchParams(location.hash.split("?")[1]).get("q") || "") === q &&
			document.querySelector("#grid[aria-busy=false]"),
		text,
	);
	await page.evaluate(
		() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))),
	);
}

async function openTab(name) {
	await page.getByRole("tab", { name, exact: true }).click();
	return panel().innerText();
}

// The entry of a path as the client saw it, with this tab in front.
async function openEntry(path, tab) {
	await filter(`path == "${path}" and role == "client"`);
	await row(path).first().locator(".cell.summary").click();
	await page.locator(".detail h2", { hasText: path }).waitFor();
	return openTab(tab);
}

async function closeEntry() {
	await page.keyboard.press("Escape");
	await page.locator(".detail").waitFor({ state: "hidden" });
	await filter("");
}

before(async () => {
	browser = await launch();
	page = await newPage(browser);
	await page.goto(`${BASE_URL}/?token=${TOKEN}`);
	await page.locator(".pill-live").waitFor();
});

after(() => browser?.close());

test("nothing read yet: the first page says what to try", async () => {
	await page.getByText("Nothing read yet").waitFor();
	await page.getByText(/cleartap watches [1-9]/).waitFor();
	await shot(page, "e2e-first-run");
});

test("the token leaves the address bar", () => {
	assert.ok(!page.url().includes("token"), page.url());
});

// A page of one line, served as cleartap serves its own: what the browser needs for any page.
async function control() {
	const server = createServer((req, res) => {
		res.setHeader("content-type", "text/html");
		res.setHeader("cross-origin-opener-policy", "same-origin");
		res.setHeader("cross-origin-embedder-policy", "require-corp");
		res.end("<!doctype html><title>control</title><p>one line");
	});
	await new Promise(done => server.listen(0, "127.0.0.1", done));
	return server;
}

// First contentful paint in ms, with nothing in the cache.
async function paint(url) {
	const context = await browser.newContext();
	const other = await context.newPage();
	if (url.startsWith(BASE_URL))
		await context.request.get(`${url}?token=${TOKEN}`, { maxRedirects: 0 });
	await other.goto(url);
	const ms = await other.waitForFunction(
		() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime,
	);
	const value = await ms.jsonValue();
	await context.close();
	return value;
}

const median = list => [...list].sort((a, b) => a - b)[list.length >> 1];

test("the first paint takes little more than that of a page of one line", async () => {
	const server = await control();
	const bare = [];
	const whole = [];
	for (let i = 0; i < 9; i++) {
		bare.push(await paint(`http://127.0.0.1:${server.address().port}/`));
		whole.push(await paint(`${BASE_URL}/`));
	}
	server.close();
	const ratio = median(whole) / median(bare);
	const range = list => `${Math.round(Math.min(...list))}-${Math.round(Math.max(...list))}`;
	console.log(
		`# first paint, median of ${whole.length}: ${Math.round(median(whole))} ms (${range(whole)}), ` +
			`one line ${Math.round(median(bare))} ms (${range(bare)}), ratio ${ratio.toFixed(2)}`,
	);
	assert.ok(ratio < 4, `${ratio.toFixed(2)} times as long`);
});

// What a load of the page took, in ms and bytes; only what does not depend on the machine is judged.
async function loaded(other, name) {
	await other.locator(".pill-live").waitFor();
	const seen = await other.evaluate(() => {
		const links = document.querySelectorAll("link[rel=modulepreload]");
		const early = new Set([...links].map(link => link.href));
		const files = performance
			.getEntriesByType("resource")
			.filter(r => /\.(js|css)$/.test(new URL(r.name).pathname));
		const base = url => url.slice(url.lastIndexOf("/") + 1);
		return {
			paint: performance.getEntriesByName("first-contentful-paint")[0]?.startTime,
			complete: Math.max(...files.map(r => r.responseEnd)),
			bytes: files.reduce((sum, r) => sum + r.encodedBodySize, 0),
			sent: files.reduce((sum, r) => sum + r.transferSize, 0),
			late: files
				.map(r => r.name)
				.filter(name => name.endsWith(".js") && !name.endsWith("/boot.js"))
				.filter(name => !early.has(name)),
			blocking: files
				.filter(r => r.renderBlockingStatus === "blocking")
				.map(r => base(r.name))
				.sort(),
			count: files.length,
		};
	});
	console.log(
		`# ${name}: first paint ${Math.round(seen.paint)} ms, ${seen.count} files after ` +
			`${Math.round(seen.complete)} ms, ${seen.sent} bytes`,
	);
	return seen;
}

test("nothing but two files is before the paint; all others come at once, and only once", async () => {
	const other = await newPage(browser);
	await other.goto(`${BASE_URL}/?token=${TOKEN}`);
	const first = await loaded(other, "first load");
	assert.deepEqual(first.blocking, ["boot.js", "style.css"]);
	assert.deepEqual(first.late, [], "modules that index.html does not preload");
	assert.ok(first.count > 40 && first.sent > first.bytes, `${first.sent} bytes`);
	await other.reload();
	const again = await loaded(other, "reload");
	assert.equal(again.sent, 0, "bytes asked for again");
	assert.deepEqual(other.problems, []);
	await other.context().close();
});

test("a program's request appears live with an open lock", async () => {
	await speak("/web-e2e-hello");
	await row("/web-e2e-hello").first().waitFor();
	const first = row("/web-e2e-hello").first();
	assert.equal(await first.locator(".cell.lock-open svg").count(), 1);
	const text = await first.innerText();
	assert.match(text, new RegExp(PROGRAM));
	assert.match(text, /GET/);
	await shot(page, "e2e-live");
});

test("tls and status_code >= 400 is typed and leaves only that", async () => {
	await speak("/missing-e2e");
	await row("/missing-e2e").first().waitFor();
	await page.keyboard.press("/");
	await page.keyboard.type("tls and status_code >= 400");
	await page.keyboard.press("Control+Enter");
	await page.waitForURL(/q=tls/);
	await row("/web-e2e-hello").first().waitFor({ state: "detached" });
	await row("/missing-e2e").first().waitFor();
	const codes = await page.$$eval(".layer .row:not([hidden]) .status", list =>
		list.map(n => Number(n.innerText)),
	);
	assert.ok(codes.length >= 1 && codes.every(c => c >= 400), codes.join());
	await speak("/missing-e2e-live");
	await row("/missing-e2e-live").first().waitFor();
	await speak("/web-e2e-ok");
	await speak("/missing-e2e-last");
	await row("/missing-e2e-last").first().waitFor();
	assert.equal(await row("/web-e2e-ok").count(), 0);
	await shot(page, "e2e-filter");
});

test("a filter with an error is underlined at its column and not run", async () => {
	const before = page.url();
	await page.fill("#query", "tls and status_cod >= 400");
	await page.press("#query", "Control+Enter");
	await page.locator(".k-error").first().waitFor();
	assert.equal(await page.locator(".k-error").first().innerText(), "status_cod");
	assert.match(await page.locator(".q-message").innerText(), /column 9/);
	assert.equal(page.url(), before);
	await shot(page, "e2e-query-error");
	await page.press("#query", "Escape");
});

test("an entry opens with its tabs", async () => {
	await page.fill("#query", "");
	await page.press("#query", "Control+Enter");
	await row("/web-e2e-hello").first().locator(".cell.summary").click();
	await page.locator(".detail [role=tab]").first().waitFor();
	assert.match(
		await page.locator(".detail h2").innerText(),
		/GET .*\/web-e2e-hello.* → \d+ in .*, .+ to .+/,
	);
	const text = {};
	for (const name of ["Request", "Response", "Timing", "Connection", "Raw"]) {
		await page.getByRole("tab", { name, exact: true }).click();
		text[name] = await page.locator(".detail .panel").innerText();
		await shot(page, `e2e-tab-${name.toLowerCase()}`);
	}
	assert.match(text.Request, /\/web-e2e-hello/);
	assert.match(text.Request, /host/i);
	assert.match(text.Response, /200/);
	assert.match(text.Timing, /Elapsed/);
	assert.match(text.Connection, new RegExp(PROGRAM));
	assert.match(text.Raw, /\/web-e2e-hello/);
	assert.match(page.url(), /id=\d+/);
	await page.keyboard.press("Escape");
	await page.locator(".detail").waitFor({ state: "hidden" });
	assert.doesNotMatch(page.url(), /id=/);
});

test("a link to an entry opens it again", async () => {
	await row("/web-e2e-hello").first().locator(".cell.summary").click();
	await page.waitForURL(/id=\d+/);
	const link = page.url();
	const other = await page.context().newPage();
	await other.goto(link);
	await other.locator(".detail h2").waitFor();
	assert.match(await other.locator(".detail h2").innerText(), /\/web-e2e-hello/);
	await other.close();
	await page.keyboard.press("Escape");
});

test("cookies are listed, and masked", async () => {
	await speak("/cookie");
	await openEntry("/cookie", "Request");
	const cookies = panel().locator("details", { hasText: "Cookies" });
	await cookies.locator("summary").click();
	assert.match(await cookies.innerText(), /session/);
	const text = await panel().innerText();
	assert.match(text, /Masked before it was stored/);
	assert.doesNotMatch(await page.locator(".detail").innerHTML(), /not-to-be-seen/);
	await shot(page, "e2e-cookies");
	await closeEntry();
});

// What the clipboard holds after a click on this button.
async function copied(click) {
	await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
	await page.evaluate(() => navigator.clipboard.writeText(""));
	await click();
	const got = await page.waitForFunction(() => navigator.clipboard.readText());
	return got.jsonValue();
}

test("what is copied as curl asks for the same again", async () => {
	const path = "/copied?it=%27s&x=[1]";
	await speak(`/copied-first`);
	await openEntry("/copied-first", "Request");
	const command = await copied(() => page.getByRole("button", { name: "Copy as curl" }).click());
	await closeEntry();
	assert.match(command, /^curl 'https:\/\/127\.0\.0\.1:\d+\/copied-first'/);
	const again = command
		.replace(/^curl /, TRAFFIC.match(/^\S+/)[0] + " -k -s -o /dev/null ")
		.replace("/copied-first'", `${path}' --globoff`);
	await run("/bin/sh", ["-c", again]);
	await filter('path == "/copied" and role == "client"');
	await row("/copied").first().waitFor();
	await filter("");
});

test("a copied path reads the value that it was copied from", async () => {
	await speak("/odd");
	await openEntry("/odd", "Response");
	const lines = page.locator(".j-leaf .j-line");
	const values = await lines.count();
	assert.ok(values >= 8, `${values} values`);
	for (let i = 0; i < values; i++) {
		await lines.nth(i).hover();
		const text = await copied(() =>
			lines.nth(i).getByRole("button", { name: "Copy path" }).click(),
		);
		const answer = await page.evaluate(
			async q => (await fetch(`/api/entries?${new URLSearchParams({ q, limit: 5 })}`)).json(),
			`path == "/odd" and ${text} == ${i + 1}`,
		);
		assert.ok(answer.entries?.length, `${text} == ${i + 1}: ${JSON.stringify(answer)}`);
	}
	await closeEntry();
});

test("redact() in the filter hides in the entry what it hides in the list", async () => {
	await speak("/json");
	await openEntry("/json", "Response");
	assert.match(await panel().innerText(), /"lock"/);
	await closeEntry();
	await filter('path == "/json" and redact("response.body")');
	await row("/json").first().locator(".cell.summary").click();
	await page.locator(".detail h2", { hasText: "/json" }).waitFor();
	await openTab("Response");
	assert.doesNotMatch(await panel().innerText(), /"lock"/);
	await shot(page, "e2e-redact");
	await closeEntry();
});

test("the bars count what is listed, and a brushed stretch is a filter", async () => {
	const canvas = page.locator("canvas.histogram");
	const answer = await page.evaluate(async () =>
		(await fetch("/api/histogram?q=encrypted+or+not+(tcp+or+tlsx)")).json(),
	);
	assert.ok(answer.total >= 5, JSON.stringify(answer).slice(0, 200));
	await page.waitForFunction(
		n => document.querySelector("canvas.histogram").ariaLabel.includes(`${n} entries`),
		answer.total,
	);
	await canvas.focus();
	await page.keyboard.press("ArrowLeft");
	await page.keyboard.press("Enter");
	await page.waitForURL(/timestamp/);
	await page.locator(".histogram-chip").waitFor();
	await shot(page, "e2e-stretch");
	await canvas.focus();
	await page.keyboard.press("Delete");
	await page.waitForFunction(() => document.querySelector("#query").value === "");
});

test("JSON is a tree, gzip is decoded", async () => {
	for (const path of ["/json", "/gzip"]) {
		await speak(path);
		const text = await openEntry(path, "Response");
		assert.match(text, /name[\s\S]*"lock"[\s\S]*open[\s\S]*true/);
		assert.ok(await panel().locator(".body-view details").count(), "collapsible");
		if (path === "/gzip") assert.match(text, /gzip decoded/);
		await shot(page, `e2e${path.replace("/", "-")}`);
		await closeEntry();
	}
});

test("a binary body is offset, hex and text", async () => {
	await speak("/binary");
	await openEntry("/binary", "Response");
	const hex = panel().locator("pre.hex").first();
	await hex.waitFor();
	assert.match(await hex.innerText(), /00000010 {2}10 11 12 13 14 15 16 17 {2}18/);
	await shot(page, "e2e-hex");
	await closeEntry();
});

test("an image is shown", async () => {
	await speak("/image");
	await openEntry("/image", "Response");
	await panel().getByText("48 × 32").waitFor();
	await shot(page, "e2e-image");
	await closeEntry();
});

test("bytes that were not kept are a strip at their place", async () => {
	await speak("/huge");
	await openEntry("/huge", "Response");
	const gap = panel().locator(".gap").first();
	await gap.waitFor();
	assert.match(await gap.innerText(), /2,\d{3},\d{3} bytes not kept/);
	assert.match(await panel().locator("pre.text").first().innerText(), /^0123456789abcde\n0123/);
	await shot(page, "e2e-gap");
	await closeEntry();
	await filter('path == "/huge"');
	await page.locator(".row:not([hidden]) .notch", { hasText: "missing" }).first().waitFor();
	await filter("");
});

test("a server's error is told by text", async () => {
	await speak("/error");
	await filter("status_code >= 500");
	await row("/error").first().waitFor();
	assert.equal(await row("/error").first().locator(".status").innerText(), "500");
	await filter("");
});

const PAGES = {
	Connections: /curl[\s\S]*python3/,
	Map: /curl[\s\S]*entries/i,
	Coverage: /Programs that are looked at[\s\S]*% read[\s\S]*This machine[\s\S]*curl/,
	Targets: /attached[\s\S]*libssl\.so/,
	Status: /Nothing lost[\s\S]*records/,
};
for (const [name, text] of Object.entries(PAGES))
	test(`${name} shows what is so`, async () => {
		await page.getByRole("link", { name, exact: true }).click();
		const main = page.locator("main > *:not([hidden])");
		await page.waitForFunction(
			([source, flags]) =>
				new RegExp(source, flags).test(
					document.querySelector("main > *:not([hidden])").innerText,
				),
			[text.source, text.flags],
		);
		assert.equal(await main.locator(".state-error").count(), 0);
		await shot(page, `e2e-${name.toLowerCase()}`);
		await page.getByRole("link", { name: "Traffic", exact: true }).click();
	});

test("the bar says which programs are looked at", async () => {
	assert.match(await page.locator(".scope").getAttribute("title"), /--exe \S+curl --pid \d+/);
});

test("connections and handshakes are listed when asked for", async () => {
	await filter("");
	await row("/error").first().waitFor();
	assert.equal(await row("handshake").count(), 0);
	await page.getByRole("button", { name: "Connections & handshakes" }).click();
	await row("handshake").first().locator(".cell.summary").click();
	await page.getByRole("tab", { name: "Handshake" }).waitFor();
	const text = await panel().innerText();
	assert.match(text, /Version\s+TLS 1\.3 chosen/);
	assert.match(text, /JA4\s+t13/);
	await shot(page, "e2e-handshake");
	await page.keyboard.press("Escape");
	await page.getByRole("button", { name: "Connections & handshakes" }).click();
	await filter("tcp and not open");
	await row("read in clear").first().locator(".cell.summary").click();
	await page.getByRole("tab", { name: "TLS connection" }).waitFor();
	await page.locator(".other", { hasText: "its handshake" }).waitFor();
	assert.match(await panel().innerText(), /Read in clear at[\s\S]*Version\s+TLS 1\.3[\s\S]*% read[\s\S]*Bytes on the wire/);
	await shot(page, "e2e-connection");
	await closeEntry();
});

test("pause stops what is captured, going on resumes it", async () => {
	await page.locator("#pill").click();
	await page.locator(".pill-paused").waitFor();
	await page.locator(".strip-paused").waitFor();
	await speak("/web-e2e-while-paused");
	await shot(page, "e2e-paused");
	await page.keyboard.press("p");
	await page.locator(".pill-live").waitFor();
	await speak("/web-e2e-after");
	await row("/web-e2e-after").first().waitFor();
	assert.equal(await row("/web-e2e-while-paused").count(), 0);
});

test("clicking the lock adds tls to the filter", async () => {
	await row("/web-e2e-after").first().locator(".cell.lock-open").click();
	await page.waitForURL(/q=tls/);
	assert.equal(await page.inputValue("#query"), "tls");
	await row("/web-e2e-after").first().waitFor();
});

// What was logged in with the server before is not with the next one (the cookie is no token).
test("the server goes: the page says so, keeps what it has, and comes back", async () => {
	await filter("");
	await row("/web-e2e-after").first().waitFor();
	await writeFile(CONTROL, "stop\n");
	await page.locator(".pill-off").waitFor();
	await page.locator(".strip-off").waitFor();
	assert.ok(await row("/web-e2e-after").count(), "what is listed stays");
	await shot(page, "e2e-gone");
	await writeFile(CONTROL, "start\n");
	await page.getByText("The token is missing").waitFor({ timeout: 60000 });
	await page.goto(`${BASE_URL}/?token=${TOKEN}`);
	await page.locator(".pill-live").waitFor({ timeout: 60000 });
	await page.locator(".strip-off").waitFor({ state: "detached" });
	await speak("/web-e2e-back");
	await row("/web-e2e-back").first().waitFor();
	assert.ok(await row("/web-e2e-after").count(), "what was stored is still there");
});

test("a wrong token is refused, and the right one can be pasted", async () => {
	const other = await newPage(browser);
	const answer = await other.goto(`${BASE_URL}/?token=wrong`);
	assert.equal(answer.status(), 401);
	await other.getByText("needs the token").waitFor();
	await shot(other, "e2e-wrong-token");
	await other.getByLabel("token").fill(TOKEN);
	await other.getByRole("button", { name: "Open" }).click();
	await other.locator(".pill-live").waitFor();
	assert.deepEqual(other.problems, []);
	await other.context().close();
});

test("a token that is not valid any more: the page says where the new one is", async () => {
	const { origin, hash } = new URL(page.url());
	await page.context().clearCookies();
	await page.getByRole("link", { name: "Status", exact: true }).click();
	await page.getByText("The token is missing").waitFor();
	assert.match(await page.locator("main").innerText(), /--token-file/);
	await shot(page, "e2e-token-lost");
	await page.goto(`${origin}/?token=${TOKEN}${hash}`);
	await page.locator(".pill-live").waitFor();
});

test("nothing went wrong on the way", async () => {
	assert.deepEqual(page.problems, []);
	assert.deepEqual(await page.evaluate(() => window.violations), []);
});
