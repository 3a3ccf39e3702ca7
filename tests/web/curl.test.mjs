// SPDX-License-Identifier: GPL-2.0-or-later
// "Copy as curl", run in a shell: what arrives is what was captured, whatever it holds. No browser
// is needed.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { curl } from "../../web/curl.js";

const run = promisify(execFile);
let server, port, folder, last;

before(async () => {
	server = createServer(async (req, res) => {
		const chunks = [];
		for await (const chunk of req) chunks.push(chunk);
		last = {
			method: req.method,
			url: req.url,
			raw: req.rawHeaders,
			body: Buffer.concat(chunks),
		};
		res.end("ok");
	});
	await new Promise(done => server.listen(0, "127.0.0.1", done));
	port = server.address().port;
	folder = await mkdtemp(join(tmpdir(), "curl-test."));
});

after(async () => {
	server?.close();
	await rm(folder, { recursive: true });
});

function entry(request) {
	return {
		id: 7,
		tls: false,
		dst: { ip: "127.0.0.1", port },
		request: {
			method: "GET",
			target: "/",
			headers: [["Host", `127.0.0.1:${port}`]],
			...request,
		},
	};
}

const pairs = raw => raw.flatMap((name, i) => (i % 2 ? [] : [`${name}: ${raw[i + 1]}`]));

async function replay(full, bytes) {
	const { text, note } = await curl(full, async (path, limit) => ({
		bytes: bytes.subarray(0, limit),
		cut: bytes.length > limit,
	}));
	last = null;
	for (const shell of ["sh", "bash"]) await run(shell, ["-c", text], { cwd: folder });
	assert.ok(last, "it arrived");
	return { ...last, headers: pairs(last.raw), text, note };
}

test("a plain request", async () => {
	const seen = await replay(
		entry({
			target: "/a?b=c",
			headers: [
				["Host", `127.0.0.1:${port}`],
				["X-A", "1"],
			],
		}),
	);
	assert.equal(seen.method, "GET");
	assert.equal(seen.url, "/a?b=c");
	assert.ok(seen.headers.includes("X-A: 1"), seen.headers.join());
});

const TARGETS = [
	"/it's",
	"/[1]{a,b}",
	"/a/../b/./c",
	"/$HOME`id`!!\\n",
	"/é日本",
	"/a;b|c&d>e",
	'/?q="x"&y=%20',
	"/~#",
];
for (const target of TARGETS)
	test(`the address ${target}`, async () => {
		const seen = await replay(entry({ target }));
		const sent = target.endsWith("#") ? target.slice(0, -1) : target;
		assert.equal(decodeURI(seen.url), decodeURI(sent));
	});

test("targets that are no path", async () => {
	assert.equal((await replay(entry({ method: "OPTIONS", target: "*" }))).url, "*");
	const url = `http://127.0.0.1:${port}/through?a`;
	assert.equal((await replay(entry({ target: url }))).url, "/through?a");
});

const VALUES = [
	"it's",
	'"x"',
	"$(touch pwned)",
	"`touch pwned`",
	"a\\b",
	"!!",
	"%s %d",
	"é 日本",
	" two  blanks ",
	"-H",
	"@file",
	"",
];
for (const value of VALUES)
	test(`a header's value ${JSON.stringify(value)}`, async () => {
		const seen = await replay(
			entry({
				headers: [
					["Host", `127.0.0.1:${port}`],
					["X-Odd", value],
				],
			}),
		);
		const got = seen.headers.find(h => h.startsWith("X-Odd:"));
		assert.equal(Buffer.from(got ?? "", "latin1").toString(), `X-Odd: ${value.trim()}`);
	});

// What an HTTP parser would refuse: what curl is given, without curl.
async function given(full) {
	const { text } = await curl(full, null);
	assert.ok(!/[^\P{C}\n\t]/u.test(text), JSON.stringify(text));
	const out = [];
	for (const shell of ["sh", "bash"]) {
		const { stdout } = await run(shell, ["-c", `curl() { printf '%s\\0' "$@"; }\n${text}`]);
		out.push(stdout.split("\0"));
	}
	assert.deepEqual(out[0], out[1]);
	return out[0];
}

const UNSEEN = [
	"\x1b[2Jx",
	"a\x0f",
	"\x1b]0;it's\x07%s\\n",
	"\u009b31m",
	"\u202eevil",
	"\x7f\x03",
];
for (const value of UNSEEN)
	test(`nothing that a terminal acts on: ${JSON.stringify(value)}`, async () => {
		const headers = [
			["Host", `127.0.0.1:${port}`],
			["X-Odd", value],
		];
		assert.ok((await given(entry({ headers }))).includes(`X-Odd: ${value}`));
		assert.ok((await given(entry({ method: `A${value}` }))).includes(`A${value}`));
		assert.ok((await given(entry({ target: `x${value}` }))).includes(`x${value}`));
	});

test("a header that is none does not reach a file, nor another line", async () => {
	await writeFile(join(folder, "secret"), "X-Secret: 1\n");
	const seen = await replay(
		entry({
			headers: [
				["Host", `127.0.0.1:${port}`],
				["@secret", "x"],
				["X-A", "1\r\nX-B: 2"],
			],
		}),
	);
	assert.doesNotMatch(seen.headers.join("\n"), /Secret|^X-B/m);
	const other = await replay(entry({ headers: [["Host", "evil@127.0.0.1"]] }));
	assert.ok(other.headers.includes("Host: evil@127.0.0.1"));
});

const all = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
const TEXTS = [
	"a=b",
	"@secret",
	'it\'s\n"two" lines\n',
	"\ttab $HOME `id` \\",
	"\r\n",
	"é日本😀\u202e",
	"\u0001",
	"x".repeat(60000),
	"'".repeat(20000),
];
for (const text of TEXTS)
	test(`the body ${JSON.stringify(text.slice(0, 30))}`, async () => {
		const seen = await replay(
			entry({ method: "POST", body: text, headers: [["Host", `127.0.0.1:${port}`]] }),
		);
		assert.equal(seen.method, "POST");
		assert.equal(seen.body.toString(), text);
		assert.equal(
			seen.headers.some(h => /^content-type/i.test(h)),
			false,
			"none was sent",
		);
	});

test("a body of bytes", async () => {
	const headers = [
		["Host", `127.0.0.1:${port}`],
		["Content-Type", "application/octet-stream"],
	];
	const seen = await replay(entry({ method: "PUT", body_url: "/x", headers }), all);
	assert.equal(seen.method, "PUT");
	assert.deepEqual(seen.body, all);
	assert.ok(seen.headers.includes("Content-Type: application/octet-stream"));
});

test("a large body is a file to be downloaded", async () => {
	const bytes = Buffer.alloc(200000, 7);
	await writeFile(join(folder, "request-7.bin"), bytes);
	const seen = await replay(entry({ method: "POST", body_url: "/x" }), bytes);
	assert.deepEqual(seen.body, bytes);
	assert.match(seen.note, /download the body as request-7\.bin/);
});

test("a decoded body goes without its coding", async () => {
	const headers = [
		["Host", `127.0.0.1:${port}`],
		["Content-Encoding", "gzip"],
	];
	const seen = await replay(
		entry({ method: "POST", body: "{}", content_encoding: "gzip", headers }),
	);
	assert.equal(
		seen.headers.some(h => /^content-encoding/i.test(h)),
		false,
	);
	assert.equal(seen.body.toString(), "{}");
});

test("HEAD, and a method of one's own", async () => {
	assert.equal((await replay(entry({ method: "HEAD" }))).method, "HEAD");
	assert.equal((await replay(entry({ method: "PROPFIND" }))).method, "PROPFIND");
});

test("nothing that was captured ran", async () => {
	assert.deepEqual(
		(await readdir(folder)).filter(n => n === "pwned"),
		[],
	);
});
