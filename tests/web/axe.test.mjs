// SPDX-License-Identifier: GPL-2.0-or-later
// axe-core finds nothing serious on any page, in either theme. Against the mock.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";
import { launch, newPage, shot } from "./browser.mjs";
import { Mock } from "./mock-server.mjs";

const source = await readFile(
	createRequire(import.meta.url).resolve("axe-core/axe.min.js"),
	"utf8",
);
let browser, mock, empty;

before(async () => {
	browser = await launch();
	mock = await new Mock({ entries: 400, coverage: true }).listen();
	empty = await new Mock({ entries: 0 }).listen();
});

after(async () => {
	await browser?.close();
	await mock?.close();
	await empty?.close();
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

// In dark all rules, in light those of colour: nothing else depends on the theme.
async function check(name, options, hash, act, server) {
	const page = await newPage(browser, { reducedMotion: "reduce", ...options });
	await page.goto(`${(server || mock).url}/?token=test${hash}`);
	await page.locator("main > *:not([hidden])").first().waitFor();
	await page.waitForTimeout(300);
	if (act) await act(page);
	await page.evaluate(source); // through the debugger, which the policy does not bind
	assert.equal(await violations(page), "");
	await shot(page, `axe-${name}-dark`);
	await page.emulateMedia({ colorScheme: "light" });
	assert.equal(await violations(page, COLOURS), "", "in light");
	await shot(page, `axe-${name}-light`);
	await page.context().close();
}

for (const name of ["traffic", "connections", "map", "coverage", "targets", "status"])
	test(name, () => check(name, {}, `#/${name}`));
for (const tab of ["request", "response", "timing", "connection", "raw"])
	test(`detail ${tab}`, () => check(`detail-${tab}`, {}, `#/traffic?id=390&tab=${tab}`));
test("first run", () => check("first-run", {}, "", null, empty));
test("filter with an error", () =>
	check("error", {}, "", async page => {
		await page.fill("#query", 'status_code == "x"');
		await page.locator(".q-message").waitFor();
	}));
test("completion", () =>
	check("completion", {}, "", async page => {
		await page.focus("#query");
		await page.keyboard.type("src.p");
		await page.locator(".q-item").first().waitFor();
		await page.keyboard.press("ArrowDown");
	}));
test("help", () =>
	check("help", {}, "", async page => {
		await page.locator(".query button[title='The filter language']").click();
		await page.locator("dialog .help-table").nth(2).waitFor();
	}));
test("traffic on a phone", () => check("phone", { viewport: { width: 360, height: 740 } }, ""));
test("paused and partial", () =>
	check("paused", {}, "#/traffic?q=tls", async page => {
		mock.state = "paused";
		mock.stats();
		await page.locator(".strip-paused").waitFor();
		mock.state = "running";
	}));
