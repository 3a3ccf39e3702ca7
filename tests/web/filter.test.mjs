// SPDX-License-Identifier: GPL-2.0-or-later
// Filtering: everything shown can be clicked into the filter; the query bar completes, remembers
// and explains.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { launch, newPage, shot } from "./browser.mjs";
import { serve } from "./server.mjs";

let browser, server, page;

before(async () => {
	browser = await launch();
	server = await serve({ entries: 3000 });
	for (const protocol of ["http2", "grpc"]) await server.add({ protocol });
	page = await newPage(browser);
	await page.goto(server.entrance);
});

beforeEach(async () => {
	await page.evaluate(() => (location.hash = "#/traffic"));
	await page.locator(".layer .row:not(.waiting)").first().waitFor();
	await page.mouse.move(5, 5);
});

after(async () => {
	await browser?.close();
	await server?.stop();
});

const query = () => page.inputValue("#query");

async function hoverCell(column) {
	await page.locator(`.layer .row:not([hidden]) .${column}:not(:empty)`).nth(6).hover();
	await page.locator(".tip-actions button").first().waitFor();
}

test("a cell's tooltip adds its value, or excludes it", async () => {
	await hoverCell("src");
	await shot(page, "tooltip");
	const term = await page.locator(".tip-actions button code").first().innerText();
	await page.locator(".tip-actions button").first().click();
	assert.equal(await query(), term);
	assert.match(term, /^src\.process == "[\w-]+"$/);
	await page.mouse.move(5, 5);
	await page.waitForTimeout(400);
	await hoverCell("method");
	await page.locator(".tip-actions button").nth(1).click();
	assert.match(await query(), /^src\.process == "[\w-]+" and method != "[A-Z]+"$/);
	assert.match(decodeURIComponent(page.url().replaceAll("+", " ")), /method != /);
});

// The answer to a new filter has come.
const rows = async () => {
	await page.waitForFunction(() => !document.querySelector("#grid[aria-busy=true]"));
	await page.locator(".layer .row:not([hidden])").first().waitFor();
	await page.waitForTimeout(200);
};

test("f and x do the same for the focused cell", async () => {
	await rows();
	await page.focus("#grid");
	await page.keyboard.press("j");
	for (let i = 0; i < 2; i++) await page.keyboard.press("ArrowRight");
	await page.locator("#active-cell").waitFor({ state: "attached" });
	await page.keyboard.press("f");
	await page.waitForFunction(() =>
		document.querySelector("#query").value.startsWith("protocol == "),
	);
	await rows();
	await page.focus("#grid");
	await page.keyboard.press("j");
	await page.keyboard.press("ArrowRight");
	await page.keyboard.press("x");
	await page.waitForFunction(() =>
		/ and method != "/.test(document.querySelector("#query").value),
	);
});

test("or is bracketed before more is added", async () => {
	await page.fill("#query", "http2 or grpc");
	await page.press("#query", "Enter");
	await page.locator(".layer .row:not([hidden]) .cell.lock-open").first().click();
	assert.equal(await query(), "(http2 or grpc) and tls");
	await page.goBack();
	assert.equal(await query(), "http2 or grpc");
});

test("fields, values seen and words are completed", async () => {
	await page.focus("#query");
	await page.keyboard.type("src.proc");
	await page.locator(".q-item").first().waitFor();
	await page.keyboard.press("Tab");
	assert.equal(await query(), "src.process ");
	await page.keyboard.type("== ");
	await page.locator(".q-item", { hasText: '"curl"' }).waitFor();
	await shot(page, "completion-values");
	await page.keyboard.type("cu");
	await page.keyboard.press("ArrowDown");
	await page.keyboard.press("Enter");
	assert.equal((await query()).trim(), 'src.process == "curl"');
	await page.keyboard.press("Control+Enter");
	await page.waitForURL(/curl/);
	await page.waitForFunction(() => {
		const names = [...document.querySelectorAll(".layer .row:not([hidden]) .src .host")];
		return names.length && names.every(n => n.innerText === "curl");
	});
});

test("an empty bar offers examples, a dot methods, a bracket names of headers", async () => {
	const offered = async text => {
		await page.fill("#query", text);
		await page.locator(".q-item").first().waitFor();
		return page.$$eval(".q-item code", list => list.map(n => n.innerText));
	};
	const other = await newPage(browser);
	await other.goto(server.entrance);
	await other.locator(".pill-live").waitFor();
	await other.focus("#query");
	await other.locator(".q-item", { hasText: "example" }).first().waitFor();
	await shot(other, "examples");
	await other.context().close();
	await page.bringToFront();
	await page.focus("#query");
	assert.deepEqual(await offered("path.st"), ["path.startsWith("]);
	assert.ok((await offered('response.headers["cont')).includes('"content-type"]'));
	await page.keyboard.press("Tab");
	assert.equal((await query()).trim(), 'response.headers["content-type"]');
	await page.press("#query", "Escape");
	await page.press("#query", "Escape");
});

test("history and saved filters are offered in an empty bar", async () => {
	await page.fill("#query", "status_code == 404");
	await page.press("#query", "Enter");
	await page.waitForURL(/404/);
	await page.locator(".q-star").click();
	assert.equal(await page.locator(".q-star").getAttribute("aria-pressed"), "true");
	await page.locator(".q-clear").click();
	const saved = page.locator(".q-item", { hasText: "status_code == 404" });
	// The answer to the cleared filter may come late and close the list once more.
	const open = async () => {
		for (let i = 0; i < 50 && !(await saved.isVisible()); i++) {
			await page.focus("#query");
			await page.keyboard.press("ArrowDown");
			await page.waitForTimeout(100);
		}
	};
	await open();
	assert.match(await saved.innerText(), /saved/);
	await shot(page, "history");
	await open();
	await saved.click();
	await page.waitForURL(/404/);
});

test("errors are underlined at their column, in code points", async () => {
	await page.fill("#query", 'path == "😀é" and nosuch == 1');
	await page.locator(".k-error").waitFor();
	assert.equal(await page.locator(".k-error").innerText(), "nosuch");
	const [a, b] = await page.evaluate(() => {
		const r = document.querySelector(".k-error").getBoundingClientRect();
		const i = document.querySelector("#query").getBoundingClientRect();
		return [r.left, i.left];
	});
	assert.ok(a > b, "the underline is inside the bar");
	await page.fill("#query", 'status_code == "abc"');
	await page.locator(".k-error").waitFor();
	assert.equal(await page.locator(".k-error").innerText(), '"abc"');
	await page.press("#query", "Escape");
	await page.press("#query", "Escape");
});

test("Enter runs what was typed, however long its check takes", async () => {
	await page.route(/kfl\/validate/, async route => {
		await new Promise(done => setTimeout(done, 700));
		await route.continue().catch(() => {});
	});
	await page.fill("#query", "http");
	await page.press("#query", "Control+Enter");
	await page.waitForURL(/q=http/);
	await page.unrouteAll({ behavior: "ignoreErrors" });
});

test("help lists every field, an example is a click", async () => {
	await page.locator(".query button[title='The filter language']").click();
	const table = page.locator("dialog .help-table");
	await table.nth(2).waitFor();
	assert.match(await page.locator("dialog").innerText(), /status_code[\s\S]*src\.process/);
	await shot(page, "help-kfl");
	await page
		.locator("dialog .example", { hasText: "tls and status_code >= 400" })
		.first()
		.click();
	await page.waitForURL(/status_code/);
	assert.equal(await page.locator("dialog").count(), 0);
});

test("a JSON value goes into the filter by its path", async () => {
	const e = await server.add({
		summary: "/tree",
		protocol: "http",
		response: { content_type: "application/json", body: '{"order":{"currency":"EUR"}}' },
	});
	await page.evaluate(id => (location.hash = `#/traffic?id=${id}&tab=response`), e.id);
	const line = page.locator(".j-line", { hasText: "currency" });
	await line.hover();
	await line.locator("button[aria-label='Add to the filter']").click();
	await page.waitForURL(/currency/);
	assert.equal(await query(), 'response.body.json().order.currency == "EUR"');
});

test("a header's value goes into the filter by its name", async () => {
	const e = await server.add({
		summary: "/head",
		protocol: "http",
		request: { headers: [["Accept-Encoding", "gzip, br"]] },
	});
	await page.evaluate(id => (location.hash = `#/traffic?id=${id}&tab=request`), e.id);
	await page.locator(".headers .value", { hasText: "gzip, br" }).click();
	assert.equal(await query(), 'request.headers["accept-encoding"] == "gzip, br"');
});

const counted = () => page.locator(".histogram-box:not(.counting)").waitFor();

test("the histogram is brushed into a filter by time", async () => {
	await counted();
	const box = await page.locator("canvas.histogram").boundingBox();
	await page.mouse.move(box.x + box.width - 120, box.y + 30);
	await page.mouse.down();
	await page.mouse.move(box.x + box.width - 60, box.y + 30, { steps: 4 });
	await shot(page, "histogram-brush");
	await page.mouse.up();
	await page.waitForFunction(() =>
		/^timestamp >= timestamp\("[^"]+"\) and timestamp < timestamp\("[^"]+"\)$/.test(
			document.querySelector("#query").value,
		),
	);
	await counted();
	await page.focus("canvas.histogram");
	await page.keyboard.press("ArrowLeft");
	await page.keyboard.press("Shift+ArrowLeft");
	const old = await query();
	await page.keyboard.press("Enter");
	await page.waitForFunction(q => document.querySelector("#query").value !== q, old);
	assert.equal(
		(await query()).match(/timestamp >=/g).length,
		1,
		"a new stretch replaces the old one",
	);
});

test("a brushed stretch is shown, and cleared by its cross and by Delete", async () => {
	const chip = page.locator(".histogram-chip");
	await counted();
	await page.focus("canvas.histogram");
	await page.keyboard.press("ArrowLeft");
	await page.keyboard.press("Enter");
	await chip.waitFor();
	assert.match(await chip.innerText(), /\d\d:\d\d.* – .*\d\d:\d\d/);
	await page.fill("#query", `status_code == 200 and ${await query()}`);
	await page.press("#query", "Enter");
	await page.waitForURL(/status_code/);
	await chip.locator("button").click();
	await page.waitForFunction(
		() => document.querySelector("#query").value === "status_code == 200",
	);
	await chip.waitFor({ state: "hidden" });
	await counted();
	await page.keyboard.press("ArrowLeft");
	await page.keyboard.press("Enter");
	await chip.waitFor();
	assert.match(await query(), /^status_code == 200 and timestamp >= /);
	await page.focus("canvas.histogram");
	await page.keyboard.press("Delete");
	await page.waitForFunction(
		() => document.querySelector("#query").value === "status_code == 200",
	);
});

test("marking a stretch says what is in it", async () => {
	await page.goto(`${server.url}/#/traffic`);
	await page.focus("canvas.histogram");
	await page.waitForFunction(() =>
		/^Entries over time: 3,0\d\d entries/.test(
			document.querySelector("canvas.histogram").ariaLabel,
		),
	);
	await page.keyboard.press("ArrowLeft");
	await page.keyboard.press("Shift+ArrowLeft");
	await page.waitForFunction(() =>
		/^\d\d:\d\d:\d\d – \d\d:\d\d:\d\d: (\d|none)/.test(
			document.getElementById("say").textContent,
		),
	);
	await page.keyboard.press("Escape");
});

// What the bars are drawn from.
const total = () =>
	page.evaluate(() =>
		Number(
			document
				.querySelector("canvas.histogram")
				.ariaLabel.match(/([\d,]+) entr/)[1]
				.replaceAll(",", ""),
		),
	);

test("live entries are added to the bars without asking for each", async () => {
	const before = await total();
	let asked = 0;
	page.on("request", r => (asked += r.url().includes("/api/histogram")));
	for (let i = 0; i < 30; i++) {
		await server.add({ summary: "/bar" });
		await page.waitForTimeout(20);
	}
	await page.waitForFunction(
		n => document.querySelector("canvas.histogram").ariaLabel.includes(n),
		(before + 30).toLocaleString("en-US"),
	);
	assert.ok(asked <= 2, `${asked} questions`);
});

test("nothing went wrong on the way", async () => {
	assert.deepEqual(page.problems, []);
	assert.deepEqual(await page.evaluate(() => window.violations), []);
});
