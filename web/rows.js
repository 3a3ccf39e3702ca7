// SPDX-License-Identifier: GPL-2.0-or-later
// The rows of the list, newest first, of which only a bounded part is in memory. The list is cut
// into pages; a page knows how to be fetched again, so any but the visible ones can be let go.
//
// Without a filter, ids follow each other, so the whole store is laid out at once and any place
// can be jumped to. With a filter, pages are found one after the other.
import { getJSON } from "./api.js";
import { compact } from "./entry.js";

const PAGE = 200;
const RESIDENT_PAGES = 150; // 30,000 rows in memory
const LISTED_PAGES = 20000; // 4 million rows in the list
const FETCHES = 3;
const EMPTY_TRIES = 4; // partial answers without a row that are followed by themselves

// {before, lo, count, rows, used, loading}: rows with ids below `before`, oldest first.
function page(before, count, rows, lo) {
	return { before, count, rows, lo: lo || 0, used: 0, loading: null };
}

export class Rows {
	// on: {change(), shift(index, delta), loaded(entries, contiguous), failed(error)}
	constructor(on) {
		this.on = on;
		this.tick = 0;
		this.clear("");
	}

	clear(q) {
		this.abort?.abort();
		this.abort = new AbortController();
		this.q = q;
		this.pages = [];
		this.starts = null;
		this.count = 0;
		this.next = null; // where the search goes on; null: nothing older
		this.partial = false;
		this.ready = false;
		this.busy = false;
		this.error = null;
		this.newest = 0;
	}

	// Load the newest page; false when another reset came in between. `store` is {first_id, last_id,
	// entries} when known.
	async reset(q, store) {
		this.clear(q);
		const signal = this.abort.signal;
		this.busy = true;
		try {
			await this.loadMore(signal);
			for (let i = 0; !this.count && this.partial && i < EMPTY_TRIES && !signal.aborted; i++)
				await this.loadMore(signal);
			if (!q && store && !signal.aborted) this.layOut(store);
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

	async get(before, limit, signal) {
		return getJSON("/api/entries", { q: this.q, limit, before: before || undefined }, signal);
	}

	// One more page at the old end.
	async loadMore(signal) {
		const answer = await this.get(this.next, PAGE, signal);
		if (signal.aborted) return;
		const before = this.next || (answer.entries[0]?.id ?? 0) + 1;
		const rows = answer.entries.map(compact).reverse();
		if (rows.length) {
			const p = page(before, rows.length, rows);
			this.pages.push(p);
			this.newest = Math.max(this.newest, rows[rows.length - 1].id);
			this.touched(p);
		}
		this.next = answer.next ?? null;
		this.partial = Boolean(answer.partial);
		this.error = null;
		this.on.loaded(rows, true);
	}

	// Every id between here and the store's oldest gets its place, to be fetched when looked at.
	layOut(store) {
		const dense = store.entries >= 0.9 * (store.last_id - store.first_id + 1);
		if (!dense || !this.pages.length || this.next === null) return;
		const last = this.pages[this.pages.length - 1];
		const oldest = store.first_id;
		for (let hi = last.rows[0].id - 1; hi >= oldest; hi -= PAGE) {
			if (this.pages.length >= LISTED_PAGES) return;
			const lo = Math.max(oldest, hi - PAGE + 1);
			this.pages.push(page(hi + 1, hi - lo + 1, null, lo));
			this.next = lo > oldest ? lo : null;
		}
		this.dirty();
	}

	dirty() {
		this.starts = null;
		let count = 0;
		for (const p of this.pages) count += p.count;
		this.count = count;
	}

	touched(p) {
		p.used = ++this.tick;
		this.dirty();
	}

	// Index of the page that holds row i; -1 past the end.
	find(i) {
		if (!this.starts) {
			let at = 0;
			this.starts = this.pages.map(p => (at += p.count) - p.count);
		}
		let low = 0;
		let high = this.pages.length - 1;
		while (low < high) {
			const mid = (low + high + 1) >> 1;
			if (this.starts[mid] <= i) low = mid;
			else high = mid - 1;
		}
		return i >= 0 && i < this.count ? low : -1;
	}

	// The entry of row i; null while it is not in memory (need() brings it).
	at(i) {
		const k = this.find(i);
		if (k < 0) return null;
		const p = this.pages[k];
		return p.rows ? p.rows[p.count - 1 - (i - this.starts[k])] : null;
	}

	// The row of an entry that is in memory, else -1.
	indexOf(id) {
		for (let k = 0; k < this.pages.length; k++) {
			const p = this.pages[k];
			if (!p.rows || id >= p.before || (p.rows.length && id < p.rows[0].id)) continue;
			const at = p.rows.findIndex(e => e.id === id);
			if (at >= 0) {
				this.find(0);
				return this.starts[k] + p.count - 1 - at;
			}
		}
		return -1;
	}

	// Where an entry is or would be, in memory or not; -1 when it is not listed.
	position(id) {
		const k = this.pages.findIndex(
			p => id < p.before && id >= (p.lo || p.rows?.[0]?.id || Infinity),
		);
		if (k < 0) return -1;
		this.find(0);
		const exact = this.indexOf(id);
		return exact >= 0
			? exact
			: this.starts[k] + Math.min(this.pages[k].count - 1, this.pages[k].before - 1 - id);
	}

	// Live entries, oldest first; those already here are passed over. Returns how many were new.
	push(entries) {
		let added = 0;
		for (const e of entries) {
			if (e.id <= this.newest) continue;
			let p = this.pages[0];
			if (!p || !p.rows || p.lo || p.count >= PAGE) this.pages.unshift((p = page(0, 0, [])));
			p.rows.push(e);
			p.count++;
			p.before = e.id + 1;
			p.used = this.tick;
			this.newest = e.id;
			added++;
		}
		if (added) {
			this.trim();
			this.dirty();
		}
		return added;
	}

	trim() {
		while (this.pages.length > LISTED_PAGES) {
			const p = this.pages.pop();
			this.next = p.before;
		}
		this.evict();
	}

	// Let go of the pages looked at longest ago, many at once so that it is seldom done.
	evict() {
		const resident = this.pages.filter(p => p.rows);
		if (resident.length <= RESIDENT_PAGES + 20) return;
		resident.sort((a, b) => a.used - b.used);
		for (const p of resident.slice(0, resident.length - RESIDENT_PAGES))
			if (p !== this.pages[0] && p.used < this.tick) p.rows = null;
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
		this.on.change();
	}

	async refetch(p) {
		const loading = this.pages.filter(x => x.loading);
		if (loading.length >= FETCHES) loading.sort((a, b) => a.used - b.used)[0].loading.abort();
		const signal = this.abort.signal;
		p.loading = new AbortController();
		signal.addEventListener("abort", () => p.loading?.abort(), { once: true });
		try {
			const answer = await this.get(p.before, p.count || PAGE, p.loading.signal);
			if (!signal.aborted)
				this.place(
					p,
					answer.entries
						.map(compact)
						.filter(e => e.id >= p.lo)
						.reverse(),
				);
		} catch (error) {
			if (error.name !== "AbortError") this.fail(error, signal);
		}
		p.loading = null;
		if (!signal.aborted) this.on.change();
	}

	// Fewer rows than thought (the store let them go): what is below moves up, what is seen stays.
	place(p, rows) {
		const k = this.pages.indexOf(p);
		if (k < 0) return;
		this.find(0);
		const start = this.starts[k];
		const delta = rows.length - p.count;
		p.rows = rows;
		p.count = rows.length;
		if (delta) {
			if (!rows.length) this.pages.splice(k, 1);
			this.dirty();
			this.on.shift(start, delta);
		}
		this.on.loaded(rows, false);
	}
}
