// SPDX-License-Identifier: GPL-2.0-or-later
// With a filter, any place of the list can be jumped to before it was walked: what is shown there is
// right, and once everything was looked at nothing is missing and nothing is there twice.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, newPage, shot } from "./browser.mjs";
import { serve } from "./server.mjs";

const ROW = 28;
const STEP_US = 20000;
let browser;

before(async () => (browser = await launch()));
after(() => browser?.close());

async function open(server, q) {
	const page = await newPage(browser);
	await page.goto(server.entrance);
	await page.goto(`${server.url}/#/traffic?q=${encodeURIComponent(q)}`);
	await page.reload();
	await page.waitForFunction(() =>
		/^(about )?[\d,]+ entries$/.test(document.querySelector(".total")?.textContent ?? ""),
	);
	return page;
}

// Ids and places of the rows on the screen, newest first, once all of them have come.
async function seen(page) {
	const read = () =>
		page.evaluate(() => {
			const list = [...document.querySelectorAll(".layer .row:not([hidden])")];
			return list.some(r => r.classList.contains("waiting"))
				? null
				: list
						.map(r => [Number(r.getAttribute("aria-rowindex")) - 2, r.row.entry.id])
						.sort((a, b) => a[0] - b[0]);
		});
	let old = "";
	for (let i = 0; i < 200; i++) {
		const now = await read();
		if (now?.length && JSON.stringify(now) === old) return now;
		old = JSON.stringify(now);
		await page.waitForTimeout(40);
	}
	throw new Error("the rows did not come");
}

const scrollTo = (page, part) =>
	page.evaluate(p => {
		const s = document.querySelector(".scroller");
		s.scrollTop = p * (s.scrollHeight - s.clientHeight);
	}, part);

// What is on the screen is a stretch of the truth, without a hole.
function judge(rows, truth, what) {
	const ids = rows.map(r => r[1]);
	const at = truth.indexOf(ids[0]);
	assert.notEqual(at, -1, `${what}: entry ${ids[0]} does not match`);
	assert.deepEqual(ids, truth.slice(at, at + ids.length), what);
	return at;
}

// Errors come in bursts, so that guesses by time are needed, and fail a little.
async function bursty() {
	const server = await serve();
	const truth = [];
	let last = 0;
	const fill = async (count, every) => {
		await server.fill(count, STEP_US, every, { status_code: 418, status: "418" });
		for (let i = every; i <= count; i += every) truth.unshift(last + i);
		last += count;
	};
	await server.clock((Date.now() - 900000) * 1000);
	for (let i = 0; i < 5; i++) {
		await fill(900, 2);
		await fill(7100, 173);
	}
	return { server, truth };
}

test("jumps land near their place, and on right rows", async () => {
	const { server, truth } = await bursty();
	const page = await open(server, "status_code == 418");
	for (const part of [0.5, 0.9, 0.25, 1, 0.1, 0.73, 0]) {
		await scrollTo(page, part);
		const at = judge(await seen(page), truth, `at ${part}`);
		assert.ok(Math.abs(at / truth.length - part) < 0.15, `${at} of ${truth.length} at ${part}`);
	}
	await shot(page, "jump");
	assert.deepEqual(page.problems, []);
	await page.context().close();
	await server.stop();
});

test("walked from end to end after jumps, every entry was there once", async () => {
	const { server, truth } = await bursty();
	const page = await open(server, "status_code == 418");
	for (const part of [0.6, 0.2]) {
		await scrollTo(page, part);
		await seen(page);
	}
	await scrollTo(page, 0);
	const found = new Set();
	for (let last = -1; ;) {
		const rows = await seen(page);
		judge(rows, truth, `after ${found.size}`);
		for (const [, id] of rows) found.add(id);
		const end = rows[rows.length - 1][0];
		if (end === last) break;
		last = end;
		await page.evaluate(
			by => {
				const s = document.querySelector(".scroller");
				s.scrollTop += by;
			},
			(rows.length - 6) * ROW,
		);
	}
	const missing = truth.filter(id => !found.has(id));
	assert.deepEqual(missing.slice(0, 5), [], `${missing.length} were passed over`);
	assert.equal(found.size, truth.length);
	const total = await page.locator(".total").innerText();
	assert.equal(total.replaceAll(",", ""), `${truth.length} entries`, "no guess is left");
	await page.context().close();
	await server.stop();
});

test("a link to an entry in the middle of a filter shows its row there", async () => {
	const { server, truth } = await bursty();
	const id = truth[Math.floor(truth.length / 2)];
	const page = await open(server, "status_code == 418");
	await page.evaluate(n => (location.hash += `&id=${n}`), id);
	await page.reload();
	await page.locator(".layer .row[aria-selected=true]").waitFor();
	const rows = await seen(page);
	judge(rows, truth, "around it");
	assert.ok(rows.some(r => r[1] === id));
	await page.context().close();
	await server.stop();
});

test("a filter's own limit ends the list", async () => {
	const server = await serve({ entries: 3000 });
	const page = await open(server, "tls");
	await page.fill("#query", "tls and limit(450)");
	await page.press("#query", "Control+Enter");
	await page.waitForURL(/limit/);
	await page.waitForFunction(() => !document.querySelector(".layer .row.waiting:not([hidden])"));
	for (let i = 0; i < 20; i++) {
		await scrollTo(page, 1);
		await page.waitForTimeout(50);
	}
	assert.match(await page.locator(".total").innerText(), /^450 entries/);
	await page.context().close();
	await server.stop();
});
