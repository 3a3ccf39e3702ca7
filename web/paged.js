// SPDX-License-Identifier: GPL-2.0-or-later
// The pages of a list, newest first: which row is where, of those that are in memory which entry,
// and which pages are let go. rows.js brings them.
export const PAGE = 200;
const RESIDENT_PAGES = 150; // 30,000 rows in memory
export const LISTED_PAGES = 20000; // 4 million rows in the list

// {before, lo, count, rows, guess, used, loading}: rows with ids below `before`, oldest first; from
// `lo` on where that is known. `guess`: not fetched yet, so that `count` may be wrong.
export function page(before, count, rows, lo, guess) {
	return { before, count, rows, lo: lo || 0, guess: Boolean(guess), used: 0, loading: null };
}

export class Paged {
	// on: {shift(index, count, delta)}
	constructor(on) {
		this.on = on;
		this.tick = 0;
	}

	empty() {
		this.pages = [];
		this.starts = null;
		this.count = 0;
		this.newest = 0;
		this.next = null; // ids below it were not looked at; null: there are none
	}

	// Is the length of the list a guess?
	get isGuess() {
		return this.pages.some(p => p.guess);
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
		const k = this.pageOf(id);
		if (k < 0) return -1;
		this.find(0);
		const exact = this.indexOf(id);
		if (exact >= 0) return exact;
		const p = this.pages[k];
		const part = (p.before - 1 - id) / Math.max(1, p.before - (p.lo || p.rows[0].id));
		return this.starts[k] + Math.min(p.count - 1, Math.floor(part * p.count));
	}

	// Live entries, oldest first; those already here are passed over. Returns how many were new.
	push(entries) {
		let added = 0;
		for (const e of entries) {
			if (e.id <= this.newest) continue;
			let p = this.pages[0];
			if (this.count + added >= this.most) break;
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
			if (p !== this.pages[0] && p.used < this.tick) this.letGo(p);
	}

	letGo(p) {
		p.lo = p.lo || p.rows[0].id;
		p.rows = null;
	}

	// The index of the page that an id belongs to; -1 when it is older than what is listed.
	pageOf(id) {
		const k = this.pages.findLastIndex(p => id < p.before);
		const isLast = k === this.pages.length - 1;
		return isLast && id < (this.pages[k]?.lo || (this.next ?? 0)) ? -1 : k;
	}

	// A later version of an entry takes its place; returns the one that was there, if it was.
	replace(e) {
		const p = this.pages[this.pageOf(e.id)];
		const at = p?.rows ? p.rows.findIndex(old => old.id === e.id) : -1;
		return at < 0 ? null : p.rows.splice(at, 1, e)[0];
	}

	// An entry does not fit the filter any more: what is below it moves up.
	remove(id) {
		const p = this.pages[this.pageOf(id)];
		const at = p?.rows ? p.rows.findIndex(e => e.id === id) : -1;
		if (at < 0) {
			if (p && !p.rows) p.guess = true;
			return null;
		}
		this.find(0);
		const row = this.starts[this.pages.indexOf(p)] + p.count - 1 - at;
		const [gone] = p.rows.splice(at, 1);
		p.count--;
		if (!p.count) this.pages.splice(this.pages.indexOf(p), 1);
		this.dirty();
		this.on.shift(row, 1, -1);
		return gone;
	}

	// An entry that fits the filter only now, among those that came after it. In a page that is
	// not in memory it comes with that page.
	insert(e) {
		const p = this.pages[this.pageOf(e.id)];
		if (!p) return;
		if (!p.rows) {
			p.guess = true;
			return;
		}
		const at = p.rows.findIndex(old => old.id > e.id);
		const below = at < 0 ? p.rows.length : at;
		p.rows.splice(below, 0, e);
		p.count++;
		this.dirty();
		this.find(0);
		this.on.shift(this.starts[this.pages.indexOf(p)] + p.count - 1 - below, 0, 1);
	}
}
