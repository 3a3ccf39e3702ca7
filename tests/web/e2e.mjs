// SPDX-License-Identifier: GPL-2.0-or-later
// The dashboard end to end: a program speaks, its entry appears. Against a real cleartap with
//   BASE_URL=http://127.0.0.1:8899 TOKEN=... TRAFFIC='curl -sk https://127.0.0.1:4433{path}'
// where {path} is filled in; any path that begins with /missing must be answered with 404.
// Without BASE_URL a mock of the API stands in (it says so), and only the dashboard is tested.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { launch, newPage, shot } from "./browser.mjs";
import { Mock } from "./mock-server.mjs";

const { BASE_URL, TOKEN, TRAFFIC } = process.env;
const PROGRAM = process.env.PROGRAM || "curl";
const run = promisify(execFile);
let mock, browser, page, base;

// Make the program ask for a path over TLS; what it is answered does not matter here.
async function speak(path) {
	if (!mock) {
		await run("/bin/sh", ["-c", TRAFFIC.replaceAll("{path}", path)]).catch(() => {});
		return;
	}
	if (mock.state === "paused") return;
	const code = path.startsWith("/missing") ? 404 : 200;
	mock.add({
		protocol: "http",
		version: "1.1",
		tls: true,
		lock: "open",
		method: "GET",
		summary: path,
		status: String(code),
		status_code: code,
		complete: true,
		lost_bytes: 0,
		src: { ip: "127.0.0.1", port: 50000, process: "curl", pid: 4242 },
	});
}

const row = path => page.locator(".layer .row:not([hidden])", { hasText: path });

before(async () => {
	if (!BASE_URL) console.log("# BASE_URL is not set: against a mock of the API");
	mock = BASE_URL ? null : await new Mock({ entries: 0 }).listen();
	base = BASE_URL || mock.url;
	browser = await launch();
	page = await newPage(browser);
	await page.goto(`${base}/?token=${TOKEN || "test"}`);
	await page.locator(".pill-live").waitFor();
});

after(async () => {
	await browser?.close();
	await mock?.close();
});

test("the token leaves the address bar", () => {
	assert.ok(!page.url().includes("token"), page.url());
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
	await row("/web-e2e-hello").first().locator(".cell.lock-open").click();
	await page.waitForURL(/q=tls/);
	assert.equal(await page.inputValue("#query"), "tls");
	await row("/web-e2e-hello").first().waitFor();
});

test("nothing went wrong on the way", async () => {
	assert.deepEqual(page.problems, []);
	assert.deepEqual(await page.evaluate(() => window.violations), []);
});
