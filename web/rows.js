// SPDX-License-Identifier: GPL-2.0-or-later
// The rows of the list, newest first, of which only a bounded part is in memory. The list is cut
// into pages; a page knows how to be fetched again, so any but the visible ones can be let go.
//
// Any place can be jumped to. Without a filter ids follow each other, so that the whole store is
// laid out at once; with one, places.js says where about its entries are. Such a page is a range of
// ids and a guess of how many rows it holds: what is fetched for it is right, and sets the guess
// right. Where nothing is known, pages are found one after the other.
import { getJSON } from "./api.js";
import { compact } from "./entry.js";
import { LISTED_PAGES, PAGE, page, Paged } from "./paged.js";

const FETCHES = 3;
const FETCH_MAX = 1000; // what the server gives at once
const RETRY_MS = 2000;
const EMPTY_TRIES = 4; // partial answers without a row that are followed by themselves

export class Rows extends Paged {
	// on: {change(), shift(index, count, delta), loaded(entries as they came), failed(error)}
	constructor(on) {
		super(on);
		this.clear("");
	}

	// `most`: the filter's own limit(n), or Infinity.
	clear(q, most) {
		this.abort?.abort();
		this.abort = new AbortController();
		this.q = q;
		this.most = most ?? Infinity;
		this.empty();
		this.partial = false;
		this.backTo = 0; // when the oldest entry that a partial search looked at was
		this.searching = false;
		this.later = null; // to be done when the request under way has been answered
		this.ready = false;
		this.busy = false;
		this.error = null;
	}

	// Load the newest page; false when another reset came in between.
	async reset(q, most) {
		this.clear(q, most);
		const signal = this.abort.signal;
		this.busy = true;
		try {
			await this.loadMore(signal);
			for (let i = 0; !this.count && this.partial && i < EMPTY_TRIES && !signal.aborted; i++)
				await this.loadMore(signal);
		} catch (error) {
			this.fail(error, signal);
		}
		if (signal.aborted) return false;
		this.busy = false;
		this.ready = true;
		this.on.change();
		return true;
	}

	fail(error, signal) {
		if (signal.aborted) return;
		this.error = error;
		this.on.failed(error);
	}

	async get(before, limit, signal, after) {
		const bounds = { before: before || undefined, after: after || undefined };
		return getJSON("/api/entries", { q: this.q, limit, ...bounds }, signal);
	}

	// One more page at the old end.
	async loadMore(signal) {
		const answer = await this.get(this.next, Math.min(PAGE, this.most - this.count), signal);
		if (signal.aborted) return;
		const before = this.next || (answer.entries[0]?.id ?? 0) + 1;
		const rows = answer.entries.map(compact).reverse();
		if (rows.length) {
			const p = page(before, rows.length, rows);
			this.pages.push(p);
			this.newest = Math.max(this.newest, rows[rows.length - 1].id);
			this.touched(p);
		}
		this.next = this.count < this.most ? (answer.next ?? null) : null;
		this.partial = Boolean(answer.partial) && this.next !== null;
		this.error = null;
		if (this.partial) this.tellTime(this.next, signal);
		this.on.loaded(answer.entries);
	}

	async tellTime(id, signal) {
		try {
			const { entries } = await getJSON("/api/entries", { before: id, limit: 1 }, signal);
			this.backTo = entries.length ? compact(entries[0]).time : 0;
			this.on.change();
		} catch {
			// it is said without the time
		}
	}

	// The rest of the list as ranges of ids, newest first: [{before, lo, count}], in which `count`
	// may be a guess. What was not fetched yet is below `next`. `oldest`: the first id of the store.
	layOut(ranges, oldest, isGuess) {
		if (this.next === null || this.most < Infinity) return;
		this.later = this.busy ? () => this.layOut(ranges, oldest, isGuess) : null;
		if (this.busy) return;
		for (const r of ranges) {
			const before = Math.min(r.before, this.next);
			if (before <= r.lo) continue;
			if (this.pages.length >= LISTED_PAGES) break;
			const share = (before - r.lo) / (r.before - r.lo);
			this.pages.push(
				page(before, Math.max(1, Math.round(r.count * share)), null, r.lo, isGuess),
			);
			this.next = r.lo;
		}
		if (this.next <= oldest) this.next = null;
		if (this.next === null) this.partial = false;
		this.dirty();
		const guesses = this.pages.filter(p => p.guess);
		if (guesses.length <= FETCHES) for (const p of guesses) this.refetch(p);
		this.on.change();
	}

	// The stream was away: what became of what went on was not heard. Such pages are read again, or
	// let go where nobody looks.
	reread() {
		for (const p of this.pages.filter(x => x.rows?.some(e => e.open) && !x.loading)) {
			if (p === this.pages[0] || p.used === this.tick) this.refetch(p);
			else this.letGo(p);
		}
	}

	// Rows first..last are on the screen: fetch what is missing, and look further near the end.
	need(first, last) {
		if (!this.pages.length || (this.busy && !this.ready)) return;
		const from = Math.max(0, this.find(Math.max(0, first)));
		const to = this.find(Math.min(this.count - 1, last));
		this.tick++;
		for (let k = from; k <= to; k++) {
			this.pages[k].used = this.tick;
			if (!this.pages[k].rows && !this.pages[k].loading) this.refetch(this.pages[k]);
		}
		this.evict();
		if (last >= this.count - 60 && this.next !== null && !this.partial) this.more();
	}

	async more() {
		if (this.busy || this.next === null) return;
		const signal = this.abort.signal;
		this.busy = true;
		try {
			await this.loadMore(signal);
		} catch (error) {
			this.fail(error, signal);
		}
		if (signal.aborted) return;
		this.busy = false;
		this.later?.();
		this.on.change();
	}

	// Go on with a search that ran out of its time, until it has found a page, or was told to stop.
	async search() {
		const { signal } = this.abort;
		const had = this.count;
		this.searching = true;
		do await this.more();
		while (
			!signal.aborted &&
			this.searching &&
			this.partial &&
			this.count - had < PAGE &&
			!this.error
		);
		if (signal.aborted) return;
		this.searching = false;
		this.on.change();
	}

	stop() {
		this.searching = false;
		this.on.change();
	}

	async refetch(p) {
		const loading = this.pages.filter(x => x.loading);
		if (loading.length >= FETCHES) loading.sort((a, b) => a.used - b.used)[0].loading.abort();
		const signal = this.abort.signal;
		p.loading = new AbortController();
		signal.addEventListener("abort", () => p.loading?.abort(), { once: true });
		const limit = Math.min(FETCH_MAX, Math.max(1, p.guess ? PAGE : p.count));
		const { before } = p;
		const lo = p.lo || p.rows?.[0]?.id || 0;
		try {
			const answer = await this.get(before, limit, p.loading.signal, lo && lo - 1);
			if (!signal.aborted) this.place(p, answer, before);
		} catch (error) {
			if (error.name !== "AbortError") {
				this.fail(error, signal);
				await new Promise(done => setTimeout(done, RETRY_MS));
			}
		}
		p.loading = null;
		if (!signal.aborted) this.on.change();
	}

	// What came for a page. More than it was thought to hold: a page for the rest follows it. Fewer
	// (a guess, or the store let them go): what is below moves up, and what is seen stays. Live ones
	// that it got meanwhile are not below the `before` that was asked for.
	place(p, answer, before) {
		const k = this.pages.indexOf(p);
		if (k < 0) return;
		this.find(0);
		const start = this.starts[k];
		const meanwhile = (p.rows || []).filter(e => e.id >= before);
		const rows = [...answer.entries.map(compact).reverse(), ...meanwhile];
		const next = answer.next ?? 0;
		const put = [];
		if (rows.length) put.push(page(p.before, rows.length, rows, p.guess ? rows[0].id : p.lo));
		if (p.guess && next > p.lo)
			put.push(page(next, Math.max(1, p.count - rows.length), null, p.lo, true));
		else if (p.guess && put.length) put[0].lo = p.lo;
		for (const one of put) one.used = this.tick;
		const delta = put.reduce((sum, one) => sum + one.count, 0) - p.count;
		this.pages.splice(k, 1, ...put);
		this.dirty();
		if (delta) this.on.shift(start, p.count, delta);
		this.error = null;
		this.on.loaded(answer.entries);
	}
}
