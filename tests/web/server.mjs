// SPDX-License-Identifier: GPL-2.0-or-later
// cleartap's real API over a store of made-up entries (tests/unit/api_server), for the tests: what
// is told here to it comes back as the program would tell it. Run alone: node server.mjs [PORT]
// [ENTRIES] [RATE].
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const BUILD = process.env.builddir || join(here, "../../build");
const LOCKS = ["none", "open", "closed"];
const TOKEN = "secret-token"; // of tests/unit/api_server.c
const STEP_US = 40000; // between two entries of fill

// An entry as the API tells it, or part of one, as tests/lib/synthetic.h takes it.
export function columns({ src, dst, lock, request, response, events, notes, ...all }) {
	const entries = Object.entries(all);
	const isDetail = ([name]) => /^(messages.*|tls_info|ledger)$/.test(name);
	const rest = Object.fromEntries(entries.filter(e => !isDetail(e)));
	const out = { ...rest };
	for (const [side, end] of Object.entries({ src, dst }))
		for (const [name, value] of Object.entries(end || {})) out[`${side}_${name}`] = value;
	if (lock) out.lock = LOCKS.indexOf(lock);
	if (rest.timestamp) out.timestamp = Math.round(Date.parse(rest.timestamp) * 1000);
	if (rest.elapsed_us === null) out.elapsed_us = -1;
	if (rest.server_elapsed_us === null) out.server_elapsed_us = -1;
	if (rest.summary?.startsWith("/"))
		[out.path, out.query_string = ""] = rest.summary.split("?", 2);
	const messages = { request, response };
	const detail = Object.fromEntries(entries.filter(isDetail));
	for (const [which, message] of Object.entries(messages)) {
		if (!message) continue;
		const { body, bytes, ...told } = message;
		if (bytes) out[`${which}_body`] = { hex: Buffer.from(bytes).toString("hex") };
		else if (body !== undefined) out[`${which}_body`] = body;
		const stored = bytes?.length ?? Buffer.byteLength(body ?? "");
		detail[which] = { body_size: stored, body_stored: stored, ...told };
	}
	if (events) detail.events = events;
	if (notes) detail.notes = notes;
	if (Object.keys(detail).length) out.detail = detail;
	return out;
}

export class Server {
	// options: {entries: how many of the mix, kinds: how many of append, port, directory, rate,
	// step: µs between the entries of the mix, protoSet: a file}
	constructor(options) {
		this.options = { entries: 0, kinds: 0, rate: 0, step: STEP_US, ...options };
		this.directory = this.options.directory || mkdtempSync(join(tmpdir(), "cleartap-web-"));
		this.lives = 0;
	}

	async start() {
		const { port, entries, kinds, rate, step, protoSet } = this.options;
		const store = join(this.directory, "db");
		const args = ["-s", store, "-l", `127.0.0.1:${port || 0}`];
		if (protoSet) args.push("-p", protoSet);
		this.process = spawn(join(BUILD, "tests/unit/api_server"), args, {
			stdio: ["pipe", "pipe", "inherit"],
		});
		this.process.unref();
		this.lines = createInterface({ input: this.process.stdout })[Symbol.asyncIterator]();
		process.once("exit", (this.ended = () => this.process.kill()));
		this.turn = Promise.resolve();
		this.port = Number((await this.lines.next()).value);
		if (!this.port) throw new Error("tests/unit/api_server did not start; was it built?");
		this.url = `http://127.0.0.1:${this.port}`;
		this.entrance = `${this.url}/?token=${TOKEN}`;
		if (entries) await this.tell(`fill ${entries} ${step}`);
		if (kinds) await this.tell(`append ${kinds}`);
		if (rate) await this.tell(`rate ${rate}`);
		return this;
	}

	// One command and its answer; they take turns.
	tell(command) {
		const ask = async () => {
			this.process.stdin.write(`${command}\n`);
			const { value } = await this.lines.next();
			if (value === undefined || value.startsWith("failed"))
				throw new Error(`${command.slice(0, 200)}: ${value}`);
			return value;
		};
		const answer = this.turn.then(ask);
		this.turn = answer.catch(() => {});
		return answer;
	}

	// Store an entry with these members and tell the live readers; returns them with its id.
	async add(changes) {
		return {
			...changes,
			id: Number(await this.tell(`add ${JSON.stringify(columns(changes))}`)),
		};
	}

	// An exchange that goes on: later versions are those of update().
	async begin(changes) {
		const live = ++this.lives;
		return { ...(await this.add({ open: true, complete: false, ...changes, live })), live };
	}

	// Its next version; ended, unless told that it is open.
	update(e, changes) {
		const { id, ...old } = e;
		return this.add({ ...old, open: false, complete: true, ...changes });
	}

	targets(list) {
		return this.tell(`targets ${JSON.stringify(list)}`);
	}

	// Entries of the mix; `changes` to each `every`th of them.
	fill(count, step, every, changes) {
		const change = every ? ` ${every} ${JSON.stringify(columns(changes))}` : "";
		return this.tell(`fill ${count} ${step ?? this.options.step}${change}`);
	}

	// The next entries begin then, in µs since 1970.
	clock(us) {
		return this.tell(`clock ${us} 0`);
	}

	pause(isPaused) {
		return this.tell(`pause ${isPaused ? 1 : 0}`);
	}

	// Requests of a test itself.
	get(path, options) {
		const headers = { authorization: `Bearer ${TOKEN}`, ...options?.headers };
		return fetch(`${this.url}${path}`, { ...options, headers });
	}

	// keep: the store stays, for another one to go on with.
	async stop(keep) {
		if (this.process.exitCode === null) {
			const ended = new Promise(done => this.process.once("exit", done));
			this.process.stdin.end("quit\n");
			await ended;
		}
		process.removeListener("exit", this.ended);
		if (!keep) rmSync(this.directory, { recursive: true, force: true });
	}
}

export const serve = options => new Server(options).start();

// The next server at the port of one that has stopped. It wants a login of its own, which the page
// does not notice.
export async function serveAgain(page, options) {
	await page.context().setOffline(true);
	const server = await serve(options);
	await page.context().request.get(server.entrance);
	await page.context().setOffline(false);
	return server;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
	const [port, entries, rate] = process.argv.slice(2).map(Number);
	const server = await serve({ port, entries: entries || 2000, rate: rate ?? 5 });
	server.process.ref();
	console.log(`cleartap with made-up entries: ${server.entrance}`);
}
