// SPDX-License-Identifier: GPL-2.0-or-later
// Every state the dashboard can be in says what is so and what to do next. Those that the real API
// cannot be put into (slow, events of an instant) are played by the mock.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, newPage, rows, shot } from "./browser.mjs";
import { Mock } from "./mock-server.mjs";
import { serve, serveAgain } from "./server.mjs";

let browser;

before(async () => (browser = await launch()));
after(() => browser?.close());

// {server, page, end()}: of the real API, or of a mock.
async function openAt(server, hash) {
	const page = await newPage(browser);
	await page.goto(`${server.entrance}${hash || ""}`);
	const end = async () => {
		assert.deepEqual(page.problems, []);
		assert.deepEqual(await page.evaluate(() => window.violations), []);
		await page.context().close();
		await server.stop();
	};
	return { server, page, end };
}

const open = async (options, hash) => openAt(await serve(options), hash);
const openMock = async (options, hash) => openAt(await new Mock(options).listen(), hash);

// From now on the page is answered so, whatever the server would say.
async function answer(page, path, status, detail) {
	await page.route(new RegExp(`${path}(\\?|$)`), route =>
		route.fulfill({
			status,
			contentType: "application/problem+json",
			body: JSON.stringify({ title: "Broken on purpose", status, detail }),
		}),
	);
}

const state = page => page.locator(".state:visible");

test("first run: says how many libraries are watched and what to try", async () => {
	const { server, page, end } = await open();
	await page.getByText("cleartap watches 1 library").waitFor();
	assert.match(await state(page).innerText(), /Nothing read yet[\s\S]*curl/);
	await shot(page, "state-first-run-dark");
	await page.emulateMedia({ colorScheme: "light" });
	await shot(page, "state-first-run-light");
	await server.add({ summary: "/the-first" });
	await page.locator(".layer .row", { hasText: "/the-first" }).waitFor();
	assert.equal(await state(page).count(), 0);
	await end();
});

test("token missing: the page asks for it, or says where it is", async () => {
	const server = await serve({ entries: 10 });
	const page = await newPage(browser);
	await page.goto(server.url);
	await page.getByLabel("token").waitFor();
	await page.goto(server.entrance);
	await page.locator(".layer .row").first().waitFor();
	await page.context().clearCookies(); // as when the server starts with another token
	await page.fill("#query", "tls");
	await page.press("#query", "Control+Enter");
	await page.getByText("The token is missing").waitFor();
	await shot(page, "state-token-missing");
	assert.equal(await page.locator("nav").isVisible(), false);
	await page.goto(server.entrance);
	await page.locator(".layer .row").first().waitFor();
	await page.context().close();
	await server.stop();
});

test("server gone: says so, keeps what is listed, comes back and catches up", async () => {
	const { server, page, end } = await open({ entries: 300 });
	await page.locator(".pill-live").waitFor();
	await page.locator(".layer .row").first().waitFor();
	const before = (await rows(page))[0];
	const { port, directory } = server;
	await server.stop(true);
	await page.locator(".pill-off").waitFor();
	await page.locator(".strip-off").waitFor();
	assert.equal((await rows(page))[0], before);
	await shot(page, "state-server-gone");
	const again = await serveAgain(page, { port, directory, entries: 3 }); // while nobody listened
	await page.locator(".pill-live").waitFor();
	await page.waitForFunction(() =>
		document.querySelector(".total").textContent.startsWith("303"),
	);
	assert.equal(await page.locator(".strip-off").count(), 0);
	await again.add({ summary: "/after-the-gap" });
	await page.locator(".layer .row", { hasText: "/after-the-gap" }).waitFor();
	await again.stop();
	page.problems.length = 0;
	await end();
});

test("no result: says what was searched, new matches still come", async () => {
	const { server, page, end } = await open(
		{ entries: 500 },
		"#/traffic?q=path+%3D%3D+%22%2Fnowhere%22",
	);
	await page.getByText("Nothing matches").waitFor();
	await shot(page, "state-no-result");
	await server.add({ summary: "/nowhere" });
	await page.locator(".layer .row", { hasText: "/nowhere" }).waitFor();
	await end();
});

test("paused: a strip and the pill say so", async () => {
	const { server, page, end } = await open({ entries: 300 });
	await server.pause(true);
	await page.locator(".strip-paused").waitFor();
	assert.match(await page.locator("#pill").innerText(), /paused/);
	await shot(page, "state-paused");
	await page.locator(".strip-paused button").click();
	await page.locator(".pill-live").waitFor();
	assert.equal((await (await server.get("/api/stats")).json()).state, "running");
	await end();
});

test("what was said before a switch does not switch it back", async () => {
	const { server, page, end } = await openMock({ entries: 300, state: "paused" });
	await page.locator(".strip-paused button").click();
	await page.locator(".pill-live").waitFor();
	server.send("stats", { state: "paused", entries_per_second: 7777 });
	await page.locator("#pill", { hasText: "7,777" }).waitFor();
	assert.equal(await page.locator(".pill-live").count(), 1, "old news does not switch it back");
	await end();
});

test("partial result: is marked, and the search goes on from where it was", async () => {
	const { page, end } = await openMock(
		{ entries: 9000, partial: true },
		"#/traffic?q=status_code+%3D%3D+404",
	);
	await page.locator(".strip-partial").waitFor();
	await page.locator(".layer .row").first().waitFor();
	const few = await page.locator(".total").innerText();
	await page.getByText(/ran out of its time, at \d{4}-\d\d-\d\d \d\d:/).waitFor();
	await page.locator(".histogram-label", { hasText: "older ones not all counted" }).waitFor();
	await shot(page, "state-partial");
	await page.locator(".strip-partial button").click();
	await page.waitForFunction(old => document.querySelector(".total").textContent !== old, few);
	await end();
});

test("a search that finds nothing goes on until it is told to stop", async () => {
	const { server, page, end } = await openMock(
		{ entries: 200000, partial: true, spacing: 1000 },
		"#/traffic?q=path+%3D%3D+%22%2Fnowhere%22",
	);
	await page.getByText("Nothing found yet").waitFor();
	await page.getByRole("button", { name: "Search further back" }).click();
	await page.getByRole("button", { name: "Stop" }).click();
	await page.getByRole("button", { name: "Search further back" }).waitFor();
	await shot(page, "state-search-stopped");
	server.partial = false;
	server.extra.set(1000, { ...server.entry(1000), summary: "/nowhere" });
	await page.getByRole("button", { name: "Search further back" }).click();
	await page.locator(".layer .row", { hasText: "/nowhere" }).waitFor();
	await end();
});

test("a failing server: the error's own words and a retry", async () => {
	const { page, end } = await open({ entries: 100 });
	await page.locator(".layer .row").first().waitFor();
	await answer(page, "/api/entries", 500, "the store cannot be read: disk I/O error");
	await page.reload();
	await page.getByText("the store cannot be read: disk I/O error").waitFor();
	await shot(page, "state-error");
	await page.unrouteAll();
	await page.getByRole("button", { name: "Try now" }).first().click();
	await page.locator(".layer .row").first().waitFor();
	await end();
});

test("a filter that cannot be run: says so, and not that the server is gone", async () => {
	const { page, end } = await open({ entries: 100 }, "#/traffic?q=tls+and");
	await page.getByText("This filter cannot be run").waitFor();
	await page.locator(".pill-live").waitFor();
	await page.waitForTimeout(1500); // the stream would have been tried again
	assert.equal(await page.locator(".pill-live").count(), 1);
	assert.equal(await page.locator(".strip").count(), 0);
	await shot(page, "state-bad-filter");
	await state(page).getByRole("button", { name: "Clear the filter" }).click();
	await page.locator(".layer .row").first().waitFor();
	await end();
});

test("Status tells what was paired and what goes on", async () => {
	const { server, page, end } = await open({ entries: 10 }, "#/status");
	const e = await server.begin({ summary: "/on" });
	await server.update(e, { open: true, complete: false });
	const card = name => page.locator(".card", { hasText: name });
	await card("Both ends").getByText("1,200").waitFor();
	await card("Both ends").getByRole("row", { name: /Told alone: seen too late\s*4/ }).waitFor();
	await card("Exchanges that go on").getByRole("row", { name: /Told again\s*1/ }).waitFor();
	await card("Store").getByRole("row", { name: /Rows still open\s*1/ }).waitFor();
	await shot(page, "status-numbers");
	await end();
});

test("an entry that is gone: says that the store let it go", async () => {
	const { page, end } = await open({ entries: 100 }, "#/traffic?id=999999");
	await page.getByText("is not stored any more").waitFor();
	await shot(page, "state-entry-gone");
	await end();
});

test("fell behind: says how many were skipped and reads them", async () => {
	const { server, page, end } = await openMock({ entries: 300 });
	await page.locator(".pill-live").waitFor();
	server.last += 40;
	server.send("skipped", { count: 40, after: 300, before: 341 });
	await page.getByText("40 entries were not sent live").waitFor();
	await shot(page, "state-skipped");
	await page.locator(".strip-skipped button").click();
	await page.waitForFunction(() =>
		document.querySelector(".total").textContent.startsWith("340"),
	);
	await end();
});

test("coverage without the wire is counts: no share of what was not counted", async () => {
	const { page, end } = await open({ kinds: 10 }, "#/coverage");
	await page.getByRole("row", { name: /^curl/ }).first().waitFor();
	await page.getByText("does not watch the wire").waitFor();
	assert.doesNotMatch(await page.locator("main .page-coverage").innerText(), /%/);
	await shot(page, "state-no-coverage");
	await end();
});

test("empty pages say why", async () => {
	for (const [name, text] of [
		["endpoints", "Nothing called yet"],
		["connections", "No connection yet"],
		["map", "Nobody has talked yet"],
		["targets", "No TLS library found yet"],
	]) {
		const server = await serve();
		await server.targets([]);
		const { page, end } = await openAt(server, `#/${name}`);
		await page.getByText(text).waitFor();
		await shot(page, `empty-${name}`);
		await end();
	}
});
