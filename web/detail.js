// SPDX-License-Identifier: GPL-2.0-or-later
// One entry: the sentence a person would say, then tabs.
import { getBytes, getJSON } from "./api.js";
import { release } from "./body.js";
import { curl } from "./curl.js";
import { button, copy, el, put, toast } from "./el.js";
import { redaction, term } from "./filter.js";
import { compact, lasted } from "./entry.js";
import { bytes, count, elapsed, end, middle, running } from "./format.js";
import { glyph, lockIcon, lockWhy } from "./icons.js";
import { partsOf } from "./parts.js";
import { go, link, state } from "./state.js";
import { loading } from "./states.js";
import { tabs } from "./tabs.js";
import { addFilter } from "./tip.js";
import { noteNames } from "./values.js";
import { isOfWire, quic } from "./wire.js";

function who(side) {
	const { host, address } = end(side);
	return host ? `${host}${side.pid && !side.pod ? `[${side.pid}]` : ""}` : address;
}

function result(e) {
	const status = e.status ? ` → ${e.status}` : "";
	if (e.open) return `${status}, goes on for ${running(lasted(e))}`;
	if (e.protocol === "tcp") return e.elapsed >= 0 ? `, lasted ${elapsed(e.elapsed)}` : "";
	const time = e.elapsed >= 0 ? ` in ${elapsed(e.elapsed)}` : "";
	return `${status || (e.complete ? "" : " → no answer seen")}${time}`;
}

const WIRE = {
	tcp: e => `${quic(e) || "TLS"} connection${e.tls_sni && ` to ${middle(e.tls_sni, SUMMARY_MAX)}`}`,
	tlsx: e => `TLS handshake${e.tls_sni && ` with ${middle(e.tls_sni, SUMMARY_MAX)}`}`,
};

// "GET /login → 200 in 1.8 ms, curl[4242] to nginx[913]"
export function sentence(e) {
	const what =
		WIRE[e.protocol]?.(e) ||
		[e.method, middle(e.summary, SUMMARY_MAX), e.graphql].filter(Boolean).join(" ") ||
		e.protocol;
	return [what, `${result(e)}, ${who(e.src)} to ${who(e.dst)}`];
}

const SUMMARY_MAX = 120; // characters of a path in the sentence; all of it is in the tabs

const RENEW_MS = 1000; // between two readings of what goes on

export class Detail {
	// on: {close(), open(id)}
	constructor(on) {
		this.on = on;
		this.id = 0;
		this.head = el("header", { class: "detail-head" });
		this.body = el("div", { class: "detail-body" });
		this.node = el("section", { class: "detail", "aria-label": "Entry" }, this.head, this.body);
	}

	hide() {
		this.id = 0;
		this.entry = null;
		clearTimeout(this.renewal);
		this.abort?.abort();
		release();
		this.body.replaceChildren();
		this.head.replaceChildren();
		this.line = null;
	}

	// `known`: the entry as the list has it, shown at once while the rest loads.
	async show(id, known) {
		const mask = redaction(state.q);
		if (id === this.id && mask === this.mask) {
			if (this.tabs && state.tab && state.tab !== this.tabs.key())
				this.tabs.select(state.tab, false);
			return;
		}
		this.id = id;
		this.mask = mask;
		this.abort?.abort();
		this.abort = new AbortController();
		const signal = this.abort.signal;
		release();
		this.tabs = null;
		this.entry = null;
		clearTimeout(this.renewal);
		if (known) this.drawHead(known, null);
		if (!known || !this.body.firstChild)
			this.body.replaceChildren(loading("Reading the entry…"));
		try {
			const full = await getJSON(`/api/entries/${id}`, { q: mask }, signal);
			noteNames(full);
			this.draw(full);
		} catch (error) {
			if (!signal.aborted) this.drawError(error);
		}
	}

	// The entry that is shown goes on, or has ended: say so at once, read the rest now and then.
	renew(e) {
		if (e.id !== this.id || !this.entry) return;
		this.entry = e;
		this.drawHead(e, this.full);
		clearTimeout(this.renewal);
		const wait = Math.max(0, (this.read || 0) + RENEW_MS - performance.now());
		this.renewal = setTimeout(() => this.readAgain(), wait);
	}

	// What is being read or marked is not swapped: it stays until the next version.
	async readAgain() {
		const { id, abort } = this;
		const isBusy = () => this.node.contains(getSelection().anchorNode) && `${getSelection()}`;
		if (isBusy()) {
			this.renewal = setTimeout(() => this.readAgain(), RENEW_MS);
			return;
		}
		this.read = performance.now();
		const full = await getJSON(`/api/entries/${id}`, { q: this.mask }, abort.signal).catch(
			() => null, // it is told again, or the stream tells that the server is gone
		);
		if (!full || id !== this.id || abort !== this.abort || isBusy()) return;
		const { scrollTop, scrollHeight, clientHeight } = this.tabs.panel;
		const isAtEnd = scrollTop && scrollHeight - scrollTop - clientHeight < 8;
		const hadFocus = this.tabs.strip.contains(document.activeElement);
		this.draw(full, this.tabs.key());
		// Who reads the newest message sees the one after it come.
		this.tabs.panel.scrollTop = isAtEnd ? this.tabs.panel.scrollHeight : scrollTop;
		if (hadFocus) this.tabs.strip.querySelector("[aria-selected=true]").focus();
	}

	// A second has passed.
	tick() {
		if (this.entry?.open && this.line) this.line.textContent = sentence(this.entry)[1];
	}

	draw(full, tab) {
		const e = compact(full);
		this.entry = e;
		this.full = full;
		this.drawHead(e, full);
		const context = { signal: this.abort.signal, on: this.on };
		const { list, best } = partsOf(e, full, context, tab === "messages");
		const isThere = key => list.some(t => t.key === key);
		const isOwn = !isThere("request"); // of a connection: its own tab, not that of the last entry
		const wanted = [tab, state.tab, !isOwn && this.lastTab];
		const first = wanted.find(isThere) || best;
		this.tabs = tabs("detail", list, first, key => {
			this.lastTab = key;
			go({ tab: key }, true);
		});
		this.body.replaceChildren(this.tabs.strip, this.tabs.panel);
	}

	drawError(error) {
		const title =
			error.status === 404
				? `Entry ${this.id} is not stored any more`
				: "The entry did not load";
		const why =
			error.status === 404
				? "The store keeps a bounded amount and lets the oldest go first."
				: error.message;
		this.line = null;
		this.head.replaceChildren(this.closeButton());
		this.body.replaceChildren(
			el(
				"section",
				{ class: "state" },
				el("h2", {}, title),
				el("p", {}, why),
				button("Close", this.on.close, { class: "plain" }),
			),
		);
	}

	closeButton() {
		return button(
			[glyph("left"), el("span", { class: "back-text" }, "Back"), glyph("close")],
			this.on.close,
			{ class: "icon detail-close", title: "Close (Esc)", "aria-label": "Close the entry" },
		);
	}

	// While it goes on only the sentence is written anew: what is about to be clicked stays.
	drawHead(e, full) {
		const [what, rest] = sentence(e);
		const { id, lock: kind, open, reason, lost, truncated } = e;
		const shown = JSON.stringify([
			[id, what, kind, open, reason, lost, truncated],
			[full?.notes, Boolean(full?.request?.headers), full?.tls_info],
		]);
		if (this.line && shown === this.shown) {
			this.line.textContent = rest;
			return;
		}
		this.shown = shown;
		const lock = el(
			"button",
			{
				type: "button",
				class: `icon lock lock-${e.lock}`,
				title: lockWhy(e),
				"aria-label": `${lockWhy(e)}. Filter by it`,
			},
			lockIcon(e.lock, 16),
		);
		lock.addEventListener("click", () =>
			addFilter(e.lock === "none" ? { field: "lock", value: "none" } : { flag: "tls" }),
		);
		put(
			this.head,
			el(
				"div",
				{ class: "detail-line" },
				lock,
				el(
					"h2",
					{ title: e.summary },
					el("b", {}, what),
					(this.line = el("span", {}, rest)),
				),
				e.open
					? button("open", () => addFilter({ flag: "open" }), {
							class: "goes-on",
							title: "It goes on. Click for all that does",
						})
					: null,
				this.closeButton(),
			),
			this.tlsLine(e, full),
			this.missing(e),
			(full?.notes || []).map(note => el("div", { class: "missing" }, String(note))),
			this.tools(full),
		);
	}

	// How what it says was protected, in a line; all of it is in the tab Connection.
	tlsLine(e, full) {
		const i = full?.tls_info;
		if (!i || isOfWire(e)) return null;
		const told = [
			i.version,
			i.cipher,
			i.sni,
			i.alpn && `ALPN ${i.alpn}`,
			i.subject && `certificate ${i.subject}`,
		].filter(Boolean);
		return told.length ? el("p", { class: "tls-line" }, told.join(" · ")) : null;
	}

	// The reason counts the bytes as well, but for those it does not know of.
	missing(e) {
		if (e.protocol === "tcp") return null; // its tab begins with it
		const told = [...e.reason.matchAll(/(\d+) bytes/g)].reduce(
			(sum, m) => sum + Number(m[1]),
			0,
		);
		const parts = [];
		if (e.lost && told < e.lost + e.truncated) parts.push(`${bytes(e.lost)} lost`);
		if (e.truncated && told < e.lost + e.truncated)
			parts.push(`${bytes(e.truncated)} cut by a limit`);
		if (e.reason) parts.push(e.reason.replace(/\d+(?= bytes)/g, n => count(Number(n))));
		return parts.length ? el("div", { class: "missing" }, parts.join(" · ")) : null;
	}

	tools(full) {
		const isHTTP = full && full.request?.headers;
		return el(
			"div",
			{ class: "tools" },
			button([glyph("up", 12), " Earlier"], () => this.step(-1), {
				class: "plain",
				title: "Previous entry on this connection ([)",
			}),
			button([glyph("down", 12), " Later"], () => this.step(1), {
				class: "plain",
				title: "Next entry on this connection (])",
			}),
			el("span", { class: "grow" }),
			isHTTP ? button("Copy as curl", () => copyCurl(this.full), { class: "plain" }) : null,
			button("Copy link", () => copy(new URL(link({}), location.href).href, "Link"), {
				class: "plain",
			}),
		);
	}

	// The neighbour on the same connection, older (-1) or newer (1).
	async step(by) {
		const e = this.entry;
		if (!e?.connection || e.id !== this.id) return;
		const next = await (by < 0 ? older(e) : newer(e)).catch(() => null);
		const button = this.head.querySelector(`.tools button:nth-child(${by < 0 ? 1 : 2})`);
		if (next) this.on.open(next.id);
		else if (button) button.disabled = true;
	}
}

const same = e => term({ field: "connection", value: e.connection });

async function older(e) {
	const answer = await getJSON("/api/entries", { q: same(e), before: e.id, limit: 1 });
	return answer.entries[0];
}

// Lists begin with the newest: the one that follows is at the end of the last page.
async function newer(e) {
	let last = null;
	for (let before = null; before !== undefined;) {
		const answer = await getJSON("/api/entries", {
			q: same(e),
			after: e.id,
			before,
			limit: 1000,
		});
		last = answer.entries[answer.entries.length - 1] || last;
		before = answer.next ?? undefined;
	}
	return last;
}

async function copyCurl(full) {
	try {
		const { text, note } = await curl(full, getBytes);
		await copy(text, "curl command");
		if (note) toast(`curl command copied: ${note}`);
	} catch (error) {
		toast(`The body did not load: ${error.message}`);
	}
}
