// SPDX-License-Identifier: GPL-2.0-or-later
// What was captured is other people's bytes: it is text, wherever it is shown.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, newPage, shot } from "./browser.mjs";
import { serve } from "./server.mjs";

const EVIL = `"><img src=x onerror="window.pwned=1"><script>window.pwned=1</script>\u202e\u0001<b id=evil>`;
const SVG = `<svg xmlns="http://www.w3.org/2000/svg" onload="window.pwned=1">${EVIL}</svg>`;

let browser, server, page, entry;

before(async () => {
	browser = await launch();
	server = await serve({ entries: 5 });
	page = await newPage(browser);
	const side = {
		ip: EVIL,
		port: 1,
		name: EVIL,
		process: EVIL,
		pid: 7,
		container: EVIL,
	};
	const body = JSON.stringify({ [EVIL]: EVIL, list: [EVIL, `${EVIL}\u0000`, { 'a]b"c': EVIL }] });
	const message = {
		headers: [
			[EVIL, EVIL],
			["content-type", EVIL],
		],
		cookies: [[EVIL, EVIL]],
		query: [[EVIL, EVIL]],
		trailers: [[EVIL, EVIL]],
		redacted: [EVIL],
		body,
		body_size: body.length,
		content_type: `text/html;${EVIL}`,
		content_encoding: EVIL,
		gaps: [],
	};
	entry = await server.add({
		protocol: EVIL,
		version: EVIL,
		lock: "open",
		src: side,
		dst: side,
		role: EVIL,
		library: EVIL,
		bind: EVIL,
		method: EVIL,
		summary: `/${EVIL}?${EVIL}`,
		status: EVIL,
		status_code: 0,
		reason: EVIL,
		complete: false,
		connection: EVIL,
		node: EVIL,
		host: EVIL,
		request: { ...message, method: EVIL, target: EVIL, http_version: EVIL },
		response: {
			...message,
			bytes: Buffer.from(SVG),
			status: EVIL,
			reason: EVIL,
			content_type: "image/svg+xml",
		},
		tls_info: {
			version: EVIL,
			cipher: EVIL,
			sni: EVIL,
			alpn: EVIL,
			subject: EVIL,
			not_after: EVIL,
		},
		events: [{ name: EVIL, time_us: 1 }],
	});
	await server.targets([
		{
			id: 1,
			path: EVIL,
			library: EVIL,
			version: EVIL,
			state: EVIL,
			reason: EVIL,
			plan: EVIL,
			points: [EVIL],
			hits: 1,
			processes: [{ pid: 1, process: EVIL, container: EVIL }],
		},
	]);
	await page.goto(server.entrance);
	await page.locator(".layer .row").first().waitFor();
});

after(async () => {
	await browser?.close();
	await server?.stop();
});

async function clean(where) {
	const found = await page.evaluate(() => ({
		pwned: window.pwned,
		evil: document.querySelectorAll("#evil").length,
		images: [...document.images].filter(i => !i.src.startsWith("blob:")).length,
		scripts: document.querySelectorAll("script").length,
		handlers: document.querySelectorAll("[onerror], [onload]").length,
		styles: document.querySelectorAll("style, iframe, object, embed").length,
		violations: window.violations,
	}));
	assert.deepEqual(
		found,
		{
			pwned: undefined,
			evil: 0,
			images: 0,
			scripts: 1,
			handlers: 0,
			styles: 0,
			violations: [],
		},
		where,
	);
	assert.deepEqual(page.problems, []);
}

test("in the list and its tooltips", async () => {
	assert.match(
		await page.locator(".layer .row .summary").first().innerText(),
		/<img|<b id=evil|onerror/,
	);
	await clean("list");
	for (const column of ["summary", "src", "dst", "status", "lock"]) {
		await page.locator(`.layer .row .${column}`).first().hover();
		await page.waitForTimeout(450);
		await clean(column);
	}
	await shot(page, "hostile-list");
});

test("in every tab of the detail", async () => {
	await page.evaluate(id => (location.hash = `#/traffic?id=${id}`), entry.id);
	for (const name of ["Request", "Response", "Timing", "Connection", "Raw"]) {
		await page.getByRole("tab", { name, exact: true }).click();
		for (const mode of await page.locator(".mode").all()) {
			await mode.click();
			await page.waitForTimeout(100);
		}
		await clean(name);
		await shot(page, `hostile-${name.toLowerCase()}`);
	}
});

test("an SVG is text and a tree, never an image", async () => {
	await page.getByRole("tab", { name: "Response", exact: true }).click();
	assert.equal(await page.getByRole("button", { name: "Image" }).count(), 0);
	await page.getByRole("button", { name: "Text", exact: true }).click();
	await page.waitForTimeout(400);
	await clean("svg");
});

test("on the pages, in the filter and in the title", async () => {
	for (const name of ["endpoints", "connections", "map", "coverage", "targets", "status"]) {
		await page.evaluate(n => (location.hash = `#/${n}`), name);
		await page.locator(`.page-${name} .page-body > *`).first().waitFor();
		await page.waitForTimeout(150);
		await clean(name);
		await shot(page, `hostile-${name}`);
	}
	await page.evaluate(q => (location.hash = `#/traffic?q=${encodeURIComponent(q)}`), EVIL);
	await page.waitForTimeout(400);
	await clean("query");
});

test("a value becomes one quoted string of a filter", async () => {
	await page.evaluate(id => (location.hash = `#/traffic?id=${id}&tab=connection`), entry.id);
	await page.locator(".panel .value").first().click();
	const q = await page.inputValue("#query");
	assert.ok(q.startsWith('src.process == "\\">'), q);
	assert.equal(q.replace(/\\./g, "").match(/"/g).length, 2, "no quote inside is left bare");
});
