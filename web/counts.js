// SPDX-License-Identifier: GPL-2.0-or-later
// How many entries when, of all that is stored and matches: counted by the server, kept up to date
// with what the stream brings. Asked for anew seldom: not for an entry, but when the picture no
// longer holds them, or is old.
import { getJSON } from "./api.js";

const SECOND = 1e6;
const ROOM = 0.75; // share of the width that an answer fills: the rest is for what comes
const FEW = 2.5; // a bar is at most that many times as wide as it need be
const PAUSE_MS = 5000; // between two questions, and LOAD times as long as the last one took
const LOAD = 20;
const OLD_MS = 60000; // entries leave the store at its old end

export class Counts {
	// on: {change()}
	constructor(on) {
		this.on = on;
		this.bars = 120; // that the width has room for
		this.clear("", null);
		document.addEventListener("visibilitychange", () => this.wanted && this.ask());
	}

	clear(q, range) {
		clearTimeout(this.timer);
		this.timer = 0;
		this.abort?.abort();
		this.q = q;
		this.range = range; // {from, to} in µs that the filter itself asks for, or null
		this.outcomes = []; // what the numbers of a bucket count, in the server's order
		this.buckets = null; // of `width` µs from `start` on
		this.total = 0;
		this.whole = 0; // before that time not everything was counted; 0: all is
		this.error = null;
		this.asked = 0;
		this.took = 0;
		this.wanted = false;
	}

	// Count anew for a filter. Resolves when there is an answer, or an error to be shown.
	open(q, range) {
		this.clear(q, range);
		return this.ask();
	}

	get end() {
		return this.start + this.width * this.buckets.length;
	}

	async ask() {
		clearTimeout(this.timer);
		this.timer = 0;
		this.wanted = false;
		this.abort?.abort();
		this.abort = new AbortController();
		const { signal } = this.abort;
		const { from, to } = this.range || {};
		const buckets = Math.max(1, Math.floor(this.bars * (to ? 1 : ROOM)));
		this.asked = performance.now();
		try {
			const answer = await getJSON(
				"/api/histogram",
				{ q: this.q, from, to: to && to - 1, buckets },
				signal,
			);
			this.take(answer);
			this.error = null;
		} catch (error) {
			if (signal.aborted) return;
			this.error = error;
		}
		this.took = performance.now() - this.asked;
		this.on.change();
		this.timer = setTimeout(() => this.ask(), Math.max(OLD_MS, this.took * LOAD));
	}

	zero() {
		return this.outcomes.map(() => 0);
	}

	take(answer) {
		this.outcomes = answer.outcomes;
		let { start_us: start, bucket_us: width, counts } = answer;
		// A few entries of one moment: seconds, so that what comes next has its place.
		const by = this.range?.to ? 1 : Math.max(1, Math.round(SECOND / width));
		if (by > 1) {
			width *= by;
			const first = Math.floor(start / width) * width;
			const merged = [];
			counts.forEach((c, i) => {
				const k = Math.floor((start + i * answer.bucket_us - first) / width);
				merged[k] = merged[k] || this.zero();
				c.forEach((n, o) => (merged[k][o] += n));
			});
			counts = Array.from(merged, c => c || this.zero());
			start = first;
		}
		this.start = start;
		this.width = width;
		this.buckets = counts;
		this.total = answer.total;
		this.whole = answer.partial ? answer.counted_from_us : 0;
		this.fit();
	}

	// How many bars stand in the width, until the next answer.
	fit() {
		const wanted = Math.max(this.bars / FEW, this.buckets.length / ROOM);
		this.slots = this.range?.to ? this.buckets.length : Math.min(this.bars, Math.ceil(wanted));
	}

	// There was nothing: seconds from the first entry on.
	begin(time) {
		this.width = SECOND;
		this.start = Math.floor(time / SECOND) * SECOND;
		this.buckets = [];
		this.fit();
	}

	// Live entries. Those that the picture has no room for wait for the next answer.
	add(entries) {
		if (!this.buckets || !entries.length) return;
		if (!this.total && !this.range) this.begin(entries[0].time);
		this.total += entries.length;
		for (const e of entries) {
			const i = Math.floor((e.time - this.start) / this.width);
			if ((i < 0 || i >= this.slots) && !this.range?.to) this.want();
			if (i < 0 || i >= this.bars) continue;
			while (this.buckets.length <= i) this.buckets.push(this.zero());
			this.count(i, e.outcome, 1);
		}
		this.on.change();
	}

	count(i, outcome, by) {
		const k = this.outcomes.indexOf(outcome);
		if (k >= 0 && this.buckets[i]) this.buckets[i][k] = Math.max(0, this.buckets[i][k] + by);
	}

	// An entry that is counted already was told again: it may have another outcome now. Not known
	// what it was: the next answer counts it.
	replace(old, e) {
		if (!old) this.want();
		if (!old || !this.buckets || old.outcome === e.outcome) return;
		const i = Math.floor((old.time - this.start) / this.width);
		this.count(i, old.outcome, -1);
		this.count(i, e.outcome, 1);
		this.on.change();
	}

	// It fits the filter no longer.
	remove(e) {
		if (!this.buckets) return;
		this.total--;
		this.count(Math.floor((e.time - this.start) / this.width), e.outcome, -1);
		this.on.change();
	}

	// Ask again, soon: not while nobody looks, and not so often that it would be a burden.
	want() {
		if (this.wanted) return;
		this.wanted = true;
		if (document.hidden) return;
		const pause = Math.max(PAUSE_MS, this.took * LOAD);
		clearTimeout(this.timer);
		this.timer = setTimeout(
			() => this.ask(),
			Math.max(0, this.asked + pause - performance.now()),
		);
	}
}
