// SPDX-License-Identifier: GPL-2.0-or-later
// The messages of a long exchange: both sides' bubbles, binary ones, what is not kept, what comes.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { launch, newPage, shot } from "./browser.mjs";
import { serve } from "./server.mjs";

const EVIL = `"><img src=x onerror="window.pwned=1"><script>window.pwned=1</script>`;
const START = 1795298404000000;
let browser, server, page, chat, entry;

const message = (n, more) => ({ from: "server", time_us: START + n * 250000, size: 9, ...more });

before(async () => {
	browser = await launch();
	server = await serve({ entries: 5 });
	page = await newPage(browser);
	const list = [
		message(1, { from: "client", kind: "text", text: '{"join":"room 1"}', size: 17 }),
		message(2, { kind: "text", text: EVIL, name: EVIL, id: EVIL }),
		message(3, { kind: "event", name: "update", id: "42", text: "first\nsecond" }),
		message(4, { kind: "ping" }),
		message(5, { from: "client", kind: "pong" }),
		message(6, { kind: "binary", hex: "00ff4869", size: 4 }),
		message(7, { kind: "text", text: "x".repeat(3000), size: 90, length: 20000, cut: true }),
		message(8, { kind: "text", note: "its compression is broken" }),
		message(9, { kind: "text", text: "abcd", lost: 7, gaps: [{ offset: 2, length: 7 }] }),
		message(10, { from: "client", kind: "close", name: "1000 normal closure", text: "bye" }),
	];
	chat = {
		protocol: "websocket",
		version: "13",
		lock: "open",
		role: "client",
		method: "GET",
		summary: "/chat",
		host: "chat.example",
		status: "101",
		status_code: 101,
		complete: true,
		connection: "1-2-3",
		src: { ip: "127.0.0.1", port: 5, process: "node", pid: 7 },
		dst: { ip: "127.0.0.1", port: 443, process: "nginx", pid: 8 },
		request: { method: "GET", target: "/chat", headers: [["Host", "chat.example"]] },
		response: { status: 101, reason: "Switching Protocols", headers: [["Upgrade", "websocket"]] },
		messages: list,
		messages_total: 1010,
		messages_omitted: 1000,
		messages_redacted: ["body token"],
	};
	entry = await server.add(chat);
	await page.goto(server.entrance);
	await page.locator(".layer .row").first().waitFor();
	await page.evaluate(id => (location.hash = `#/traffic?id=${id}`), entry.id);
	await page.locator(".bubbles").waitFor();
});

after(async () => {
	await browser?.close();
	await server?.stop();
});

const bubbles = () =>
	page.$$eval(".bubble", all => all.map(b => `${b.className}: ${b.innerText.replace(/\s+/g, " ")}`));

test("messages are shown first, in order, with their side, kind, name and size", async () => {
	const tab = page.getByRole("tab", { name: "Messages", exact: true });
	assert.equal(await tab.getAttribute("aria-selected"), "true");
	const all = await bubbles();
	assert.equal(all.length, 10);
	assert.match(all[0], /^bubble up: ↑ text 17 bytes .*\{"join":"room 1"\}$/);
	assert.match(all[2], /^bubble down: ↓ event update id 42 9 bytes .* first second$/);
	assert.match(all[3], /^bubble down frame: ↓ ping/);
	assert.match(all[5], /00000000 00 ff 48 69 ··Hi$/);
	assert.match(all[7], /its compression is broken/);
	assert.match(all[8], /abcd 7 bytes of it are missing$/);
	assert.match(all[9], /^bubble up frame: ↑ close 1000 normal closure .* bye$/);
	const sides = await page.$$eval(".bubble.up, .bubble.down", all =>
		all.map(b => [b.classList.contains("up"), b.getBoundingClientRect().x]),
	);
	const ups = sides.filter(s => s[0]).map(s => s[1]);
	const downs = sides.filter(s => !s[0]).map(s => s[1]);
	assert.ok(Math.max(...ups) <= Math.min(...downs), "the client's are at the left");
	await shot(page, "bubbles-dark");
});

test("the newest is in view, what is not kept is said, a long text is cut on the page", async () => {
	await page.waitForFunction(() => {
		const panel = document.querySelector(".panel");
		return panel.scrollHeight - panel.scrollTop - panel.clientHeight < 4;
	});
	const notes = await page.locator(".panel > .note").allInnerTexts();
	assert.match(notes[0], /^1,000 of 1,010 messages came before and are not kept/);
	assert.match(notes[1], /body token/);
	const long = page.locator(".bubble").nth(6);
	assert.match(await long.innerText(), /90 bytes → 20,000 bytes/);
	assert.match(await long.innerText(), /the rest of it is not kept/);
	assert.equal((await long.locator("pre").innerText()).length, 1000);
	await long.getByRole("button").click();
	assert.equal((await long.locator("pre").innerText()).length, 3000);
});

test("what was captured is text", async () => {
	assert.match((await bubbles())[1], /<img src=x/);
	assert.equal(await page.evaluate(() => window.pwned), undefined);
	assert.deepEqual(await page.evaluate(() => window.violations), []);
	assert.deepEqual(page.problems, []);
});

test("light, and on a phone, nothing sticks out", async () => {
	await page.emulateMedia({ colorScheme: "light" });
	await shot(page, "bubbles-light");
	await page.setViewportSize({ width: 360, height: 640 });
	const wide = await page.$eval(".panel", p => p.scrollWidth - p.clientWidth);
	assert.equal(wide, 0);
	await shot(page, "bubbles-narrow");
	await page.setViewportSize({ width: 1440, height: 900 });
});

test("an entry without messages has no such tab, and the answer is shown", async () => {
	await page.evaluate(() => (location.hash = "#/traffic?id=1"));
	await page.locator("[role=tab]", { hasText: "Response" }).waitFor();
	await page.waitForFunction(() => !document.querySelector(".bubbles"));
	assert.equal(await page.getByRole("tab", { name: "Messages", exact: true }).count(), 0);
});

// gRPC's messages, as the server tells them: protobuf by names or numbers.
test("a message of gRPC is a tree that opens and closes, and text", async () => {
	const order = { id: 7, line: [{ sku: "abc", change: -2 }], label: { colour: EVIL } };
	const call = await server.add({
		...chat,
		protocol: "grpc",
		method: "POST",
		summary: "/shop.Shop/Put",
		status: "0 OK",
		messages: [
			message(1, { from: "client", kind: "message", text: JSON.stringify(order), size: 40 }),
			message(2, { kind: "message", text: '{"1":"half', cut: true }),
			message(3, { kind: "message", text: "[1" }),
		],
		messages_total: 3,
		messages_omitted: 0,
	});
	await page.evaluate(id => (location.hash = `#/traffic?id=${id}`), call.id);
	await page.locator(".bubble-tree").waitFor();
	assert.equal(await page.locator(".bubble-tree").count(), 1, "what is cut, or is no JSON, is text");
	const first = page.locator(".bubble").first();
	const words = async () => (await first.innerText()).replace(/\s+/g, " ");
	assert.match(await words(), /id 7 line \[1\] 0 \{2\} sku "abc" change -2 label \{1\} colour "/);
	await first.locator("details", { hasText: "line" }).locator("details").first().locator("summary").first().click();
	assert.doesNotMatch(await words(), /sku/);
	await shot(page, "bubbles-tree");
	await first.getByRole("button", { name: "Text", exact: true }).click();
	assert.equal(await first.locator("pre").innerText(), JSON.stringify(order));
	await first.getByRole("button", { name: "Tree", exact: true }).click();
	assert.equal(await first.locator(".json").count(), 1);
	assert.equal(await page.evaluate(() => window.pwned), undefined);
	assert.deepEqual(page.problems, []);
});
