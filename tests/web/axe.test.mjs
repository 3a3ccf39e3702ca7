// SPDX-License-Identifier: GPL-2.0-or-later
// axe-core finds nothing serious on any page, in either theme.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { launch, newPage, shot } from "./browser.mjs";
import { serve } from "./server.mjs";

const source = await readFile(
	createRequire(import.meta.url).resolve("axe-core/axe.min.js"),
	"utf8",
);
let browser, server, empty, page;

before(async () => {
	browser = await launch();
	server = await serve({ entries: 50, kinds: 10 });
	empty = await serve();
	page = await open({});
});

after(async () => {
	await browser?.close();
	await server?.stop();
	await empty?.stop();
});

const COLOURS = { runOnly: { type: "rule", values: ["color-contrast", "link-in-text-block"] } };

async function violations(page, options) {
	const result = await page.evaluate(o => window.axe.run(document, o), {
		resultTypes: ["violations"],
		...options,
	});
	return result.violations
		.filter(v => ["serious", "critical"].includes(v.impact))
		.map(
			v =>
				`${v.id}: ${v.nodes
					.slice(0, 3)
					.map(n => `${n.html.slice(0, 120)} ${n.failureSummary}`)
					.join(" | ")}`,
		)
		.join("\n");
}

async function open(options, other) {
	// Few rows: each says the same, and takes its time.
	const viewport = { width: 1280, height: 480 };
	const one = await newPage(browser, { reducedMotion: "reduce", viewport, ...options });
	await one.goto((other || server).entrance);
	await one.locator("main > *:not([hidden])").first().waitFor();
	await one.evaluate(source); // through the debugger, which the policy does not bind
	return one;
}

// In dark all rules, in light those of colour: nothing else depends on the theme.
async function judge(one, name) {
	await one.emulateMedia({ colorScheme: "dark" });
	assert.equal(await violations(one), "");
	await shot(one, `axe-${name}-dark`);
	await one.emulateMedia({ colorScheme: "light" });
	assert.equal(await violations(one, COLOURS), "", "in light");
	await shot(one, `axe-${name}-light`);
}

async function check(name, hash, act) {
	await page.evaluate(to => (location.hash = to), hash || "#/traffic");
	await page.locator("main > *:not([hidden])").first().waitFor();
	await page.waitForTimeout(300);
	if (act) await act(page);
	await judge(page, name);
}

async function checkOther(name, options, from) {
	const other = await open(options, from);
	await other.waitForTimeout(300);
	await judge(other, name);
	await other.context().close();
}

for (const name of ["traffic", "endpoints", "connections", "map", "coverage", "targets", "status"])
	test(name, () => check(name, `#/${name}`));
for (const tab of ["request", "response", "timing", "connection", "raw"])
	test(`detail ${tab}`, () => check(`detail-${tab}`, `#/traffic?id=50&tab=${tab}`));
test("first run", () => checkOther("first-run", {}, empty));
test("filter with an error", () =>
	check("error", "", async () => {
		await page.fill("#query", 'status_code == "x"');
		await page.locator(".q-message").waitFor();
	}));
test("completion", () =>
	check("completion", "", async () => {
		await page.fill("#query", "src.p");
		await page.locator(".q-item").first().waitFor();
		await page.keyboard.press("ArrowDown");
	}));
test("help", () =>
	check("help", "", async () => {
		await page.locator(".query button[title='The filter language']").click();
		await page.locator("dialog .help-table").nth(2).waitFor();
	}));
test("a stretch of time", async () => {
	await page.keyboard.press("Escape");
	const now = new Date().toISOString();
	const q = `timestamp >= timestamp("2026-01-01T00:00:00Z") and timestamp < timestamp("${now}")`;
	await check("stretch", `#/traffic?q=${encodeURIComponent(q)}`);
});
test("traffic on a phone", () => checkOther("phone", { viewport: { width: 360, height: 740 } }));
test("paused and partial", () =>
	check("paused", "#/traffic?q=tls", async () => {
		await server.pause(true);
		await page.locator(".strip-paused").waitFor();
	}));
