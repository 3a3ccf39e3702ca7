// SPDX-License-Identifier: GPL-2.0-or-later
// The one owner of EventSource. Entries arrive one an event; they are parsed and handed on in
// batches, a few times a second, so that 2,000 a second cost as little as 20.
import { events, getJSON, url } from "./api.js";

const FLUSH_MS = 100;
const QUEUE_MAX = 20000; // a hidden page is throttled; what exceeds this is counted as skipped
const RETRY_MS = [500, 1000, 2000, 4000, 5000];

export class Stream {
	// on: {entries(batch), updates(batch), stats(object), skipped(object), failed(object),
	//      state("live" | "reconnecting")}; updates: later versions of entries told before
	constructor(on) {
		this.on = on;
		this.source = null;
		this.queue = [];
		this.timer = 0;
		this.retry = 0;
		this.tries = 0;
		this.state = "";
		this.dropped = 0;
		events.addEventListener("back", () => this.state === "reconnecting" && this.retryNow());
	}

	open(q) {
		this.close();
		this.q = q;
		this.tries = 0;
		this.connect();
	}

	close() {
		clearTimeout(this.retry);
		clearTimeout(this.timer);
		this.timer = 0;
		this.queue = [];
		this.source?.close();
		this.source = null;
	}

	// Nothing will come of this query: what is left to hear is how the server is.
	rest() {
		this.open("id == 0");
	}

	retryNow() {
		clearTimeout(this.retry);
		this.source?.close();
		this.connect();
	}

	connect() {
		const source = new EventSource(url("/api/stream", { q: this.q }));
		this.source = source;
		source.onopen = () => {
			this.tries = 0;
			this.set("live");
		};
		source.onerror = () => {
			// An EventSource does not tell why it was refused: any other request does (no token?).
			if (source.readyState === EventSource.CLOSED) getJSON("/api/stats").catch(() => {});
			// Some refusals end an EventSource for good, a lost connection does not: own the retry.
			source.close();
			this.set("reconnecting");
			clearTimeout(this.retry);
			const wait = RETRY_MS[Math.min(this.tries++, RETRY_MS.length - 1)];
			this.retry = setTimeout(() => this.connect(), wait);
		};
		source.addEventListener("entry", event => this.enqueue(event.data, false));
		source.addEventListener("update", event => this.enqueue(event.data, true));
		source.addEventListener("stats", event => this.on.stats(JSON.parse(event.data)));
		source.addEventListener("skipped", event => this.on.skipped(JSON.parse(event.data)));
		source.addEventListener("failed", event => this.on.failed(JSON.parse(event.data)));
		// limit(n) was reached: the server is done with this query, and would be again.
		source.addEventListener("end", () => this.rest());
	}

	set(state) {
		this.state = state;
		this.on.state(state);
	}

	enqueue(data, again) {
		if (this.queue.length >= QUEUE_MAX) {
			this.dropped++;
			return;
		}
		this.queue.push({ data, again });
		if (!this.timer) this.timer = setTimeout(() => this.flush(), FLUSH_MS);
	}

	flush() {
		this.timer = 0;
		const queue = this.queue.map(({ data, again }) => ({ entry: JSON.parse(data), again }));
		this.queue = [];
		const pick = isAgain => queue.filter(x => x.again === isAgain).map(x => x.entry);
		const updates = new Map(pick(true).map(e => [e.id, e])); // the last version of each
		this.on.entries(pick(false));
		if (updates.size) this.on.updates([...updates.values()]);
		if (this.dropped) this.on.skipped({ count: this.dropped });
		this.dropped = 0;
	}
}
