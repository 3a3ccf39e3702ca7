// SPDX-License-Identifier: GPL-2.0-or-later
// Exchanges that go on: later versions take the place of earlier ones, in the list, in the detail and
// in the bars; and what is added to a filter that ends with a comment.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { launch, newPage, shot } from "./browser.mjs";
import { serve, serveAgain } from "./server.mjs";

let browser, page;
let server = await serve({ entries: 300 });

before(async () => {
	browser = await launch();
});

beforeEach(async () => {
	page = await newPage(browser);
	await page.goto(server.entrance);
	await page.locator(".pill-live").waitFor();
	await page.locator(".layer .row:not(.waiting)").first().waitFor();
	await page.locator(".histogram-box:not(.counting)").waitFor();
});

after(async () => {
	await browser?.close();
	await server?.stop();
});

const OPEN = {
	protocol: "http",
	method: "GET",
	tls: true,
	lock: "open",
	status: "",
	status_code: 0,
	elapsed_us: null,
	response_size: 0,
	complete: false,
	lost_bytes: 0,
	reason: "",
	open: true,
};
const ENDED = {
	open: false,
	complete: true,
	status: "200",
	status_code: 200,
	elapsed_us: 2e6,
	response_size: 5000,
};

const row = name => page.locator(".layer .row:not([hidden])", { hasText: name });
const ids = () =>
	page.$$eval(".layer .row:not([hidden]):not(.waiting)", list =>
		list.sort((a, b) => a.ariaRowIndex - b.ariaRowIndex).map(r => r.row.entry.id),
	);
const total = () =>
	page.evaluate(() =>
		Number(
			document
				.querySelector("canvas.histogram")
				.ariaLabel.match(/([\d,]+) entr/)[1]
				.replaceAll(",", ""),
		),
	);
const filter = async q => {
	await page.fill("#query", q);
	await page.press("#query", "Control+Enter");
	await page.waitForFunction(() => !document.querySelector("#grid[aria-busy=true]"));
};

test("a row that goes on says so, grows, and is replaced where it is", async () => {
	const e = await server.begin({ ...OPEN, summary: "/slow" });
	await server.add({ summary: "/after-it" });
	await row("/after-it").waitFor();
	const open = row("/slow");
	assert.match(await open.getAttribute("class"), /\bopen\b/);
	assert.equal(await open.locator(".notch").innerText(), "", "it is not called incomplete");
	const elapsed = () => open.locator(".elapsed").innerText();
	const first = await elapsed();
	await page.waitForFunction(
		old =>
			[...document.querySelectorAll(".layer .row.open .elapsed")].some(
				n => n.innerText !== old && /^[1-9]\d* s$/.test(n.innerText),
			),
		first,
	);
	await shot(page, "open-row");
	const place = (await ids()).indexOf(e.id);
	const counted = await total();
	const said = await page.locator(".total").innerText();
	await server.update(e, { ...ENDED, summary: "/slow" });
	await row("/slow").locator(".status", { hasText: "200" }).waitFor();
	assert.doesNotMatch(await row("/slow").getAttribute("class"), /\bopen\b/);
	assert.equal((await ids()).indexOf(e.id), place);
	await page.waitForTimeout(400);
	assert.equal(await total(), counted, "it is counted once");
	assert.equal(await page.locator(".total").innerText(), said);
});

test("an outcome that changes moves in the bars, and is counted once", async () => {
	const words = () => page.evaluate(() => document.getElementById("say").textContent);
	const errors = async () => {
		await page.waitForTimeout(400);
		await page.evaluate(() => (document.getElementById("say").textContent = ""));
		await page.focus("canvas.histogram");
		await page.keyboard.press("Escape");
		await page.keyboard.press("ArrowLeft");
		await page.keyboard.press("End");
		await page.waitForFunction(() => document.getElementById("say").textContent);
		return Number((await words()).match(/(\d+) server error/)?.[1] || 0);
	};
	const e = await server.begin({ ...OPEN, summary: "/fails" });
	await row("/fails").waitFor();
	const before = [await errors(), await total()];
	await server.update(e, { ...ENDED, status: "500", status_code: 500 });
	await row("/fails").locator(".status-server_error").waitFor();
	assert.deepEqual([await errors(), await total()], [before[0] + 1, before[1]]);
});

test("with a filter a row comes when it fits, and goes when it does not", async () => {
	const host = "late.example";
	const one = await server.begin({ ...OPEN, host, summary: "/late" });
	const two = await server.begin({ ...OPEN, host, summary: "/later" });
	await filter('status_code == 200 and host == "late.example"');
	await page.getByText("Nothing matches").waitFor();
	await server.update(two, { ...ENDED, open: true, complete: false });
	await row("/later").waitFor();
	await server.update(one, ENDED);
	await page.waitForFunction(
		() => document.querySelectorAll(".layer .row:not([hidden])").length === 2,
	);
	assert.deepEqual(await ids(), [two.id, one.id], "it stands where its id belongs");
	await server.update(two, { ...ENDED, status_code: 201, status: "201" });
	await page.waitForFunction(
		() => document.querySelectorAll(".layer .row:not([hidden])").length === 1,
	);
	assert.deepEqual(await ids(), [one.id]);
	assert.equal(await page.locator(".total").innerText(), "1 entry");
});

test("an entry that is kept aside is replaced there", async () => {
	await page.locator(".layer .row .summary").nth(3).hover();
	await page.mouse.wheel(0, 600);
	const e = await server.begin({ ...OPEN, summary: "/aside" });
	await page.locator(".newpill", { hasText: "1 new" }).waitFor();
	await server.update(e, { ...ENDED, status: "418", status_code: 418 });
	await page.waitForTimeout(300);
	assert.match(await page.locator(".newpill").innerText(), /^1 new/);
	await page.locator(".newpill").click();
	await row("/aside").locator(".status", { hasText: "418" }).waitFor();
});

test("the detail that is open follows, on its tab", async () => {
	const e = await server.begin({ ...OPEN, summary: "/watched" });
	await page.evaluate(id => (location.hash = `#/traffic?id=${id}&tab=timing`), e.id);
	await page.locator(".detail-head .goes-on").waitFor();
	await page.locator(".detail h2", { hasText: "goes on for" }).waitFor();
	await page.locator(".panel", { hasText: "so far" }).waitFor();
	await shot(page, "open-detail");
	await server.update(e, ENDED);
	await page.locator(".detail h2", { hasText: "→ 200 in 2.00 s" }).waitFor();
	await page.locator(".panel", { hasText: /Elapsed\s*2\.00 s/ }).waitFor();
	const tab = page.locator("[role=tab][aria-selected=true]");
	assert.equal(await tab.innerText(), "Timing");
	assert.equal(await page.locator(".goes-on").count(), 0);
});

test("while it goes on, what can be clicked in its head stays", async () => {
	const e = await server.begin({ ...OPEN, summary: "/steady" });
	await page.evaluate(id => (location.hash = `#/traffic?id=${id}`), e.id);
	const tag = page.locator(".detail-head .goes-on");
	await tag.waitFor();
	await page.locator(".detail .panel").waitFor();
	await tag.evaluate(n => (n.isOld = true));
	await server.update(e, { ...OPEN, summary: "/steady", status: "200", status_code: 200 });
	await page.locator(".detail h2", { hasText: "→ 200" }).waitFor();
	await page.waitForTimeout(1200); // until its detail was read again
	assert.equal(await tag.evaluate(n => n.isOld), true);
	await tag.click();
	await page.waitForURL(/q=open/);
	await row("/steady").waitFor();
	assert.match(await page.locator(".total").innerText(), /^\d entr/);
});

test("what is told of a row goes when rows slide under the pointer", async () => {
	await page.locator(".layer .row .summary").nth(4).hover();
	await page.locator(".tip").waitFor();
	await server.add({ summary: "/slides" });
	await row("/slides").waitFor();
	assert.equal(await page.locator(".tip").count(), 0);
});

test("what lasted long is told as on a clock, open or ended", async () => {
	const long = { elapsed_us: 987654321 };
	await server.add({ ...ENDED, summary: "/long", ...long });
	assert.equal(await row("/long").locator(".elapsed").innerText(), "16:27");
});

test("how both ends went together stands in the detail", async () => {
	const notes = ["bytes are missing at the server's end"];
	const e = await server.add({ ...ENDED, summary: "/told", ends: "both", notes });
	await page.evaluate(id => (location.hash = `#/traffic?id=${id}`), e.id);
	await page.locator(".detail-head .missing", { hasText: notes[0] }).waitFor();
});

test("both ends: two dots, both times", async () => {
	const both = {
		...{ ends: "both", role: "client", elapsed_us: 9000, server_elapsed_us: 4000 },
		...{ connection: "1-b07-1", src: { process: "both-curl", pid: 1 } },
		dst: { ip: "10.1.2.3", process: "both-nginx", pid: 2 },
	};
	const e = await server.add({ ...ENDED, protocol: "http", summary: "/both", ...both });
	await row("/both").waitFor();
	assert.equal(await row("/both").locator(".traced").count(), 2);
	await page.evaluate(id => (location.hash = `#/traffic?id=${id}&tab=timing`), e.id);
	const text = page.locator(".panel", { hasText: "Between the ends" });
	await text.waitFor();
	assert.match(await text.innerText(), /at the client\s+9\.00 ms[\s\S]*5\.00 ms/);
	await shot(page, "both-ends");
	await page.evaluate(() => (location.hash = "#/connections"));
	const line = page.getByRole("row", { name: /both-curl.*both-nginx/ });
	await line.waitFor();
	assert.equal(await line.locator(".end.traced").count(), 2);
});

test("after a lost connection what went on is read again", async () => {
	const e = await server.begin({ ...OPEN, summary: "/missed" });
	await row("/missed").waitFor();
	const { port, directory, lives } = server;
	await server.stop(true);
	await page.locator(".pill-off").waitFor();
	server = await serveAgain(page, { port, directory }); // which has closed what went on
	server.lives = lives;
	await page.locator(".pill-live").waitFor();
	await page.waitForFunction(
		id =>
			[...document.querySelectorAll(".layer .row:not([hidden])")].some(
				n => n.row.entry?.id === id && !n.row.entry.open && n.row.entry.reason,
			),
		e.id,
	);
});

test("no clock for those who want no motion, but each version shows", async () => {
	const calm = await newPage(browser, { reducedMotion: "reduce" });
	const old = page;
	const e = await server.begin({ ...OPEN, summary: "/calm" });
	page = calm;
	await page.goto(server.entrance);
	await row("/calm").waitFor();
	const first = await row("/calm").locator(".elapsed").innerText();
	await page.waitForTimeout(2500);
	assert.equal(await row("/calm").locator(".elapsed").innerText(), first);
	await server.update(e, ENDED);
	await row("/calm").locator(".status", { hasText: "200" }).waitFor();
	await old.context().close();
});

test("what is added goes before a comment, with # and with //", async () => {
	for (const sign of ["#", "//"]) {
		await filter(`http ${sign} all of it or none`);
		await page.locator(".layer .row:not([hidden]) .cell.lock-open").first().click();
		await page.waitForFunction(
			q => document.querySelector("#query").value === q,
			`http and tls ${sign} all of it or none`,
		);
		assert.equal(await page.locator(".query.invalid").count(), 0);
		await page.keyboard.press("Escape");
	}
	assert.deepEqual(page.problems, []);
});

test("what goes on can be asked for by name", async () => {
	await page.fill("#query", "ope");
	await page.locator(".q-item", { hasText: /^open\s*flag/ }).waitFor();
});
