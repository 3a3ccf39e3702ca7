// SPDX-License-Identifier: GPL-2.0-or-later
// What bodies hold is shown as what it is: trees, fields, parts, texts of all charsets, images.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { launch, newPage, shot } from "./browser.mjs";
import { serve } from "./server.mjs";

const DATA = join(dirname(fileURLToPath(import.meta.url)), "../data/proto");
let browser, server, page, order;

before(async () => {
	browser = await launch();
	order = await readFile(join(DATA, "order.bin"));
	server = await serve({ entries: 5, protoSet: join(DATA, "shop.set") });
	page = await newPage(browser);
	page.setDefaultTimeout(8000);
	await page.goto(server.entrance);
	await page.locator(".layer .row").first().waitFor();
});

after(async () => {
	await browser?.close();
	await server?.stop();
});

// An entry with that request, opened; its view, named by the button that is pressed.
async function open(content_type, bytes, more) {
	const { id } = await server.add({
		summary: "/body",
		method: "POST",
		request: { method: "POST", content_type, bytes: Buffer.from(bytes), ...more },
	});
	const answered = page.waitForResponse(r => new URL(r.url()).pathname === `/api/entries/${id}`);
	await page.evaluate(n => (location.hash = `#/traffic?id=${n}&tab=request`), id);
	await answered;
	await settled();
	return page.locator(".body-view");
}

// What is read when it is looked at is there.
async function settled() {
	await page.waitForTimeout(100);
	await page.waitForFunction(() => {
		const view = document.querySelector(".body-view");
		return view && !view.innerText.startsWith("Reading");
	});
}

const modes = () => page.locator(".mode").allInnerTexts();
const pressed = () => page.locator('.mode[aria-pressed="true"]').innerText();
const words = async where => (await where.innerText()).replace(/\s+/g, " ");

async function choose(name) {
	await page.getByRole("button", { name, exact: true }).click();
	await settled();
}

test("protobuf by numbers and guesses, and a value becomes a filter", async () => {
	const view = await open("application/x-protobuf", order);
	assert.equal(await pressed(), "Tree");
	const text = await words(view);
	assert.match(text, /Without a schema: fields are numbers/);
	assert.match(text, /1 7 varint/);
	assert.match(text, /3 \[2\] repeated/);
	assert.match(text, /1 "tea" string/);
	assert.match(text, /8 0102ff bytes/);
	await shot(page, "bodies-protobuf");
	await view.locator(".j-value", { hasText: '"cup"' }).click();
	await view.locator(".j-line", { hasText: '"cup"' }).getByRole("button", { name: "Add to the filter" }).click();
	assert.equal(await page.inputValue("#query"), 'request.body.protobuf()["3"][1]["1"] == "cup"');
	await page.waitForTimeout(600);
	assert.equal(await page.locator(".layer .row:not([hidden])").count(), 1, "it finds the entry");
	await page.fill("#query", "");
	await page.keyboard.press("Enter");
});

test("protobuf by the names of --proto-set", async () => {
	const view = await open('application/x-protobuf; messageType="shop.Order"', order);
	const text = await words(view);
	assert.match(text, /By the schema of shop\.Order/);
	assert.match(text, /state 2 1 enum PAID/);
	assert.match(text, /change 2 -1 sint32/);
	assert.match(text, /weight 9 0\.1 float/);
	assert.doesNotMatch(text, /Without a schema/);
	await shot(page, "bodies-proto-set");
});

test("CBOR and MessagePack, coded and cut off; large numbers keep their digits", async () => {
	const cbor = Buffer.from("a461611bffffffffffffffff61623bffffffffffffffff6163c11a514b67b061644300ff10", "hex");
	let text = await words(await open("application/cbor", gzipSync(cbor), { content_encoding: "gzip" }));
	assert.match(text, /a 18446744073709551615 unsigned/);
	assert.match(text, /b -18446744073709551616 negative/);
	assert.match(text, /c 1363896240 unsigned 2013-03-21T20:04:00Z · tag 1/);
	assert.match(text, /d 00ff10 bytes/);
	text = await words(await open("application/msgpack", Buffer.from("82a161c3a162d9ff616263", "hex")));
	assert.match(text, /a true bool b "abc" str cut: 3 bytes are there/);
	assert.match(text, /The tree ends at byte 11: the bytes end inside it/);
	await shot(page, "bodies-msgpack-cut");
});

test("deep trees and long values stay in their panel", async () => {
	const deep = Buffer.concat([
		Buffer.alloc(60, 0x91),
		Buffer.from("d9ff", "hex"),
		Buffer.alloc(255, 0x78),
	]);
	await open("application/msgpack", deep);
	for (let i = 0, found = true; found && i < 80; i++) {
		found = await page.evaluate(() => {
			const closed = document.querySelector(".j-node:not([open])");
			if (closed) closed.open = true;
			return Boolean(closed);
		});
		await page.waitForTimeout(10);
	}
	await page.locator(".j-value").first().waitFor();
	const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
	assert.ok(wide <= 0, `${wide} px sideways`);
	await shot(page, "bodies-deep");
	const bomb = await open("application/cbor", Buffer.alloc(100000, 0x81));
	assert.match(await words(bomb), /The tree ends at byte 64: nested deeper than 64/);
});

test("a form's fields, and its parts with names, types, sizes and previews", async () => {
	let view = await open("application/x-www-form-urlencoded", "name=Ann+B&city=Z%C3%BCrich&empty=");
	assert.equal(await pressed(), "Fields");
	assert.match(await words(view), /name Ann B.* city Zürich/);
	const parts = [
		'--XX\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello there\r\n',
		'--XX\r\nContent-Disposition: form-data; name="pic"; filename="a.png"\r\nContent-Type: image/png\r\n\r\n',
	];
	view = await open(
		"multipart/form-data; boundary=XX",
		Buffer.concat([
			Buffer.from(parts.join("")),
			Buffer.from("89504e470d0a1a0a", "hex"),
			Buffer.from("\r\n--XX--\r\n"),
		]),
	);
	assert.equal(await pressed(), "Parts");
	assert.equal(await view.locator(".part").count(), 2);
	assert.match(await words(view.locator(".part").first()), /Name note Size 11 bytes hello there/);
	assert.match(
		await words(view.locator(".part").last()),
		/Name pic File a.png Type image\/png Size 8 bytes 89 50 4e 47/,
	);
	await shot(page, "bodies-multipart");
});

test("GraphQL: the operation in the list, document and variables in the body", async () => {
	const query = "query GetUser($id: ID!) {\n  user(id: $id) { name }\n}";
	const body = JSON.stringify({ operationName: "GetUser", query, variables: { id: 7 } });
	const { id } = await server.add({
		summary: "/graphql",
		method: "POST",
		graphql_operation: "query GetUser",
		request: { method: "POST", content_type: "application/json", body },
	});
	await page.evaluate(n => (location.hash = `#/traffic?id=${n}&tab=request`), id);
	await page.locator(".mode", { hasText: "GraphQL" }).waitFor();
	assert.deepEqual(await modes(), ["GraphQL", "Tree", "Text", "Hex"]);
	assert.match(await words(page.locator(".body-view")), /query GetUser\(\$id: ID!\).* Variables .*id 7/);
	assert.match(await page.locator(".detail h2").innerText(), /POST \/graphql query GetUser/);
	await shot(page, "bodies-graphql");
	const list = await newPage(browser);
	await list.goto(server.entrance);
	await list.locator(".layer .row .summary", { hasText: "query GetUser" }).waitFor();
	await shot(list, "bodies-graphql-list");
	await list.close();
	const view = await open("application/json", '{"query":"a plain search"}');
	assert.deepEqual(await modes(), ["Tree", "Text", "Hex"]);
	assert.match(await words(view), /query "a plain search"/);
});

test("XML as a tree, whose values become filters", async () => {
	const xml = '<?xml version="1.0"?><!DOCTYPE a [<!ENTITY x "y">]><a:env xmlns:a="u"><item id="1">one</item><item id=\'2\'>t &lt; <![CDATA[<two>]]></item><empty/><!-- c --></a:env>';
	const view = await open("application/xml", xml);
	assert.equal(await pressed(), "Tree");
	assert.match(await words(view), /a:env \{4\} @xmlns:a "u" item \{2\} @id "1" text "one" item \{2\} @id "2" text "t < <two>" empty ""/);
	await view.locator(".j-value", { hasText: '"2"' }).click();
	await view.locator(".j-line", { hasText: '"2"' }).getByRole("button", { name: "Add to the filter" }).click();
	assert.equal(await page.inputValue("#query"), 'request.body.xml()["a:env"].item[1]["@id"] == "2"');
	await page.waitForTimeout(600);
	assert.equal(await page.locator(".layer .row:not([hidden])").count(), 1, "it finds the entry");
	await page.fill("#query", "");
	await page.keyboard.press("Enter");
	for (const broken of ["<a><b></a>", "<a>", "<a", "<a b=c/>", "<!x><!y><a/>", "<".repeat(1 << 16), "<a>".repeat(500)])
		await open("text/xml", broken).then(async v => {
			assert.equal(await pressed(), "Text", broken.slice(0, 20));
			assert.ok((await words(v)).startsWith(broken.slice(0, 5)));
		});
});

test("text by its charset and by its byte order mark", async () => {
	const cases = [
		["text/plain; charset=iso-8859-1", Buffer.from("caf\xe9", "latin1"), /Decoded from windows-1252\. café/],
		["text/plain; charset=windows-1251", Buffer.from("cfe8e2", "hex"), /Пив/],
		["text/plain", Buffer.from("\ufeffgrüß", "utf16le"), /Decoded from utf-16le\. grüß/],
		["application/json;charset=utf-16be", Buffer.from("007b00220061002200 3a0031007d".replace(" ", ""), "hex"), /a 1/],
		["text/plain; charset=no-such", Buffer.from("\xff", "latin1"), /No charset "no-such" is known/],
		["application/x-thing; charset=shift_jis", Buffer.from("93fa967b", "hex"), /日本/],
		["text/xml", Buffer.from('<?xml version="1.0" encoding="iso-8859-15"?><a>\xa4</a>', "latin1"), /a "€"/],
	];
	for (const [type, bytes, want] of cases) {
		const view = await open(type, bytes);
		assert.match(await words(view), want, type);
	}
});

test("raster images are images; bytes without a type may be tried as a format", async () => {
	const png = Buffer.from(
		"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
		"base64",
	);
	await open("image/png", png);
	await page.locator(".checker img").waitFor();
	assert.match(await words(page.locator(".body-view")), /1 × 1/);
	const view = await open("application/octet-stream", order);
	assert.deepEqual(await modes(), ["Hex", "Protobuf", "MessagePack", "CBOR"]);
	await choose("Protobuf");
	assert.match(await words(view), /1 "tea" string/);
	await choose("CBOR");
	assert.match(await words(view), /The tree ends at byte 1: more bytes follow/);
});

test("in the light, on a narrow screen", async () => {
	const narrow = await newPage(browser, {
		viewport: { width: 360, height: 740 },
		colorScheme: "light",
	});
	const { id } = await server.add({
		summary: "/body",
		method: "POST",
		request: {
			method: "POST",
			content_type: "application/x-protobuf; messageType=shop.Order",
			bytes: order,
		},
	});
	await narrow.goto(`${server.entrance}#/traffic?id=${id}&tab=request`);
	await narrow.locator(".j-value").first().waitFor();
	await narrow.waitForTimeout(300);
	const wide = await narrow.evaluate(() => document.documentElement.scrollWidth - innerWidth);
	assert.ok(wide <= 0, `${wide} px sideways`);
	await shot(narrow, "bodies-narrow");
	assert.deepEqual(narrow.problems, []);
});

test("nothing was done that the policy forbids", async () => {
	assert.deepEqual(await page.evaluate(() => window.violations), []);
	assert.deepEqual(page.problems, []);
});
