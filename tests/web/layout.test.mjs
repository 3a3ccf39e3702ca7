// SPDX-License-Identifier: GPL-2.0-or-later
// From 360 px to 4K nothing sticks out sideways and nothing jumps; themes by system and by switch;
// no motion for those who want none; no request to anywhere else.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, newPage, shot } from "./browser.mjs";
import { serve } from "./server.mjs";

const SIZES = [
	[360, 740],
	[768, 1024],
	[1199, 800],
	[1440, 900],
	[3840, 2160],
];
const LONG = "/a-path-that-is-much-longer-than-any-column-of-the-list-can-be".repeat(12);
let browser, server;

before(async () => {
	browser = await launch();
	server = await serve({ entries: 500 });
	const side = {
		ip: "2001:db8:85a3:1234:5678:8a2e:370:7334",
		port: 65535,
		name: "",
		process: "a-very-long-process-name-indeed",
		pid: 4194303,
		container: "",
	};
	for (let i = 0; i < 4; i++)
		await server.add({
			summary: `${LONG}?${"q=1&".repeat(200)}`,
			src: side,
			dst: side,
			status: "200",
			method: "PROPPATCH",
			complete: i % 2 === 0,
			lost_bytes: 123456789,
		});
});

after(async () => {
	await browser?.close();
	await server?.stop();
});

async function open(options, hash) {
	const page = await newPage(browser, options);
	await page.goto(`${server.entrance}${hash || ""}`);
	await page.locator("main > *:not([hidden])").first().waitFor();
	return page;
}

for (const [width, height] of SIZES)
	test(`no page is wider than ${width} px`, async () => {
		const page = await open({ viewport: { width, height } });
		for (const hash of [
			"#/traffic",
			"#/traffic?id=504&tab=request",
			"#/traffic?id=504&tab=connection",
			"#/endpoints",
			"#/connections",
			"#/map",
			"#/coverage",
			"#/targets",
			"#/status",
		]) {
			await page.evaluate(h => (location.hash = h), hash);
			await page.waitForTimeout(150);
			const wide = await page.evaluate(() => ({
				document: document.documentElement.scrollWidth,
				window: innerWidth,
				out: [...document.querySelectorAll("#bar *, main section, .detail-head *")]
					.filter(
						n =>
							!n.closest("nav") &&
							n.getClientRects().length &&
							n.getBoundingClientRect().right > innerWidth + 1 &&
							!n.closest(".graph-box, .scroll"),
					)
					.map(n => n.outerHTML.slice(0, 60))
					.slice(0, 3),
			}));
			assert.ok(wide.document <= wide.window, `${hash}: ${wide.document} > ${wide.window}`);
			assert.deepEqual(wide.out, [], hash);
			await shot(page, `${width}-${hash.slice(2).replace(/\W+/g, "-")}`);
		}
		assert.deepEqual(page.problems, []);
		await page.context().close();
	});

test("a long name on a phone is not broken letter by letter", async () => {
	const page = await open({ viewport: { width: 360, height: 740 } }, "#/connections");
	await page.locator(".wide .end").first().waitFor();
	const widths = await page.$$eval(".wide .end", list => list.map(n => n.clientWidth));
	assert.ok(Math.min(...widths) >= 100, widths.join());
	await page.context().close();
});

for (const width of [1280, 1440])
	test(`beside an open detail both ends are listed, at ${width} px`, async () => {
		const page = await open({ viewport: { width, height: 800 } }, "#/traffic?id=400");
		await page.locator(".detail h2").waitFor();
		const head = page.locator(".row.head");
		await head.getByText("Source").waitFor();
		await head.getByText("Destination").waitFor();
		const box = await head.getByText("Destination").boundingBox();
		const list = await page.locator(".scroller").boundingBox();
		assert.ok(box.x + box.width <= list.x + list.width, "none is cut off");
		await page.context().close();
	});

test("nothing jumps while the page loads and fills", async () => {
	const page = await newPage(browser);
	await page.addInitScript(() => {
		window.shifts = 0;
		new PerformanceObserver(list => {
			for (const e of list.getEntries()) window.shifts += e.hadRecentInput ? 0 : e.value;
		}).observe({ type: "layout-shift", buffered: true });
	});
	await page.goto(server.entrance);
	await page.locator(".layer .row").first().waitFor();
	await page.waitForTimeout(1500);
	const shifts = await page.evaluate(() => window.shifts);
	const paint = await page.evaluate(
		() => performance.getEntriesByName("first-contentful-paint")[0]?.startTime,
	);
	console.log(`# layout shift ${shifts.toFixed(4)}, first paint after ${Math.round(paint)} ms`);
	assert.ok(shifts < 0.02, `layout shift ${shifts}`);
	await page.context().close();
});

const ground = page => page.evaluate(() => getComputedStyle(document.body).backgroundColor);

test("dark and light by the system, and by the switch over it", async () => {
	const page = await open({ colorScheme: "dark" });
	const dark = await ground(page);
	await page.emulateMedia({ colorScheme: "light" });
	const light = await ground(page);
	assert.notEqual(dark, light);
	await page.locator("#theme").click();
	assert.equal(await ground(page), dark, "the switch goes over the system");
	await page.reload();
	await page.locator(".layer .row").first().waitFor();
	assert.equal(await ground(page), dark, "and is remembered");
	await page.locator("#theme").click();
	assert.equal(await ground(page), light);
	await page.context().close();
});

// A new entry comes: how many rows move when it is there?
async function glow(page) {
	await page.locator(".pill-live").waitFor();
	await page.locator(".layer .row").first().waitFor();
	const name = `/glow-${Math.random()}`;
	await page.evaluate(() => {
		window.glows = 0;
		const animate = Element.prototype.animate;
		Element.prototype.animate = function (...how) {
			window.glows++;
			return animate.apply(this, how);
		};
	});
	await server.add({ summary: name });
	await page.locator(".layer .row", { hasText: name }).waitFor();
	return page.evaluate(() => window.glows);
}

test("no motion for those who want none", async () => {
	const page = await open({ reducedMotion: "reduce" });
	const moving = await page.evaluate(
		() =>
			[...document.querySelectorAll("*")].filter(n => {
				const s = getComputedStyle(n);
				return parseFloat(s.transitionDuration) > 0 || s.animationName !== "none";
			}).length,
	);
	assert.equal(moving, 0);
	assert.equal(await glow(page), 0);
	await page.context().close();
	const other = await open({});
	assert.equal(await glow(other), 1, "else a new row glows once");
	await other.context().close();
});

test("columns are chosen and resized, and that is remembered", async () => {
	const page = await open({});
	await page.locator(".layer .row").first().waitFor();
	await page.locator(".chooser button").click();
	await shot(page, "columns");
	await page.getByLabel("Library", { exact: true }).check();
	await page.locator(".head .cell", { hasText: "Library" }).waitFor();
	const method = page.locator(".head .cell", { hasText: "Method" });
	const before = (await method.boundingBox()).width;
	const grip = await method.locator(".grip").boundingBox();
	await page.mouse.move(grip.x + 3, grip.y + 5);
	await page.mouse.down();
	await page.mouse.move(grip.x + 43, grip.y + 5, { steps: 3 });
	await page.mouse.up();
	const wider = (await method.boundingBox()).width;
	assert.ok(wider > before + 30, `${before} → ${wider}`);
	await page.reload();
	await page.locator(".head .cell", { hasText: "Library" }).waitFor();
	assert.equal((await method.boundingBox()).width, wider);
	await page.context().close();
});
