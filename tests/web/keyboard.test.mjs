// SPDX-License-Identifier: GPL-2.0-or-later
// Everything can be done by keyboard.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, newPage, shot } from "./browser.mjs";
import { serve } from "./server.mjs";

let browser, server, page;

before(async () => {
	browser = await launch();
	server = await serve({ entries: 3000 });
	page = await newPage(browser);
	await page.goto(server.entrance);
	await page.locator(".layer .row").first().waitFor();
});

after(async () => {
	await browser?.close();
	await server?.stop();
});

const press = async keys => {
	for (const key of keys.split(" ")) await page.keyboard.press(key);
};
const id = () => Number((page.url().match(/id=(\d+)/) || [])[1] || 0);

test("j and k move, Enter opens, Esc closes", async () => {
	await press("j j j k Enter");
	await page.locator(".detail h2").waitFor();
	assert.equal(id(), 2999);
	await press("j");
	await page.waitForURL(/id=2998/);
	await page.waitForFunction(
		() =>
			document.querySelector(".layer .row.active")?.getAttribute("aria-selected") === "true",
	);
	await press("Escape");
	await page.locator(".detail").waitFor({ state: "hidden" });
	assert.equal(id(), 0);
	assert.equal(await page.evaluate(() => document.activeElement.id), "grid");
});

test("the list scrolls with the focused row, Home returns to the newest", async () => {
	await press("PageDown PageDown PageDown");
	await page.waitForFunction(
		() => Number(document.querySelector(".layer .row.active")?.ariaRowIndex) > 60,
	);
	await server.add({ summary: "/while-away" });
	await page.locator(".newpill").waitFor();
	assert.match(await page.locator(".newpill").innerText(), /1 new/);
	await shot(page, "n-new");
	await press("Home");
	await page.locator(".layer .row", { hasText: "/while-away" }).waitFor();
	assert.equal(await page.locator(".newpill").isVisible(), false);
});

test("/ goes to the query bar and Esc back to the list", async () => {
	await press("/");
	assert.equal(await page.evaluate(() => document.activeElement.id), "query");
	await page.keyboard.type("jk");
	assert.equal(await page.inputValue("#query"), "jk");
	await press("Escape Escape");
	assert.equal(await page.inputValue("#query"), "");
	assert.equal(await page.evaluate(() => document.activeElement.id), "grid");
});

test("p pauses and resumes", async () => {
	await press("p");
	await page.locator(".pill-paused").waitFor();
	await press("p");
	await page.locator(".pill-live").waitFor();
});

test("g and a letter go to the pages", async () => {
	for (const [key, name] of [
		["e", "endpoints"],
		["c", "connections"],
		["m", "map"],
		["v", "coverage"],
		["s", "status"],
		["a", "targets"],
		["t", "traffic"],
	]) {
		await press(`g ${key}`);
		await page.waitForURL(new RegExp(`#/${name}`));
	}
});

test("? shows the keys, Esc closes them", async () => {
	await page.keyboard.type("?");
	await page.locator("dialog[open]").waitFor();
	await shot(page, "help-keys");
	await press("Escape");
	await page.locator("dialog").waitFor({ state: "detached" });
});

test("arrows move between tabs and resize the detail", async () => {
	await press("j Enter");
	await page.locator("[role=tab][aria-selected=true]").focus();
	const first = await page.locator("[role=tab][aria-selected=true]").innerText();
	await press("ArrowRight");
	assert.notEqual(await page.locator("[role=tab][aria-selected=true]").innerText(), first);
	const width = async () => (await page.locator(".detail").boundingBox()).width;
	const before = await width();
	await page.locator(".splitter").focus();
	await press("ArrowLeft ArrowLeft");
	assert.ok((await width()) > before);
	await press("Escape");
});

test("[ and ] step through the entries of one connection", async () => {
	const same = { connection: "1-abc-1", protocol: "http", method: "GET", complete: true };
	const a = await server.add({ ...same, summary: "/first" });
	const b = await server.add({ ...same, summary: "/second" });
	await page.evaluate(n => (location.hash = `#/traffic?id=${n}`), b.id);
	await page.getByRole("heading", { name: /\/second/ }).waitFor();
	await press("[");
	await page.waitForURL(new RegExp(`id=${a.id}\\b`));
	await page.getByRole("heading", { name: /\/first/ }).waitFor();
	await press("]");
	await page.waitForURL(new RegExp(`id=${b.id}\\b`));
	await press("Escape");
});

test("whatever has the focus shows it", async () => {
	await page.evaluate(() => document.activeElement.blur());
	const bare = [];
	for (let i = 0; i < 24; i++) {
		await press("Tab");
		const seen = await page.evaluate(() => {
			const n = document.activeElement;
			if (n === document.body) return "";
			const s = getComputedStyle(n);
			const shows =
				s.outlineStyle !== "none" ||
				n.id === "query" ||
				n.id === "grid" ||
				n.className === "splitter";
			return shows ? "" : n.outerHTML.slice(0, 80);
		});
		if (seen) bare.push(seen);
	}
	assert.deepEqual(bare, []);
});

test("nothing went wrong on the way", async () => {
	assert.deepEqual(page.problems, []);
	assert.deepEqual(await page.evaluate(() => window.violations), []);
});
