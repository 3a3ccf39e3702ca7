// SPDX-License-Identifier: GPL-2.0-or-later
// What the list holds and where it stands: the stored entries and the live stream put together, and
// whether the view follows the newest.
//
// The view is in one of these states:
//   follows   the newest is on top; what comes is put in at once
//   held      follows, but the pointer has just moved over the rows: they keep still for a moment
//   away      the reader is elsewhere; what comes is kept aside until he comes back to the top
//   seeks     away, at a link's entry whose place is a guess until its page has come
import { getJSON } from "./api.js";
import * as capture from "./capture.js";
import { compact } from "./entry.js";
import { limitOf } from "./filter.js";
import { ROW } from "./list.js";
import { dense, isDense, placesOf } from "./places.js";
import { Rows } from "./rows.js";
import { state } from "./state.js";
import { Stream } from "./stream.js";
import { note } from "./values.js";
import { listed } from "./wire.js";

const REFUSED = 400; // the status of a filter that cannot be run
const HOLD_MS = 1500; // rows keep still this long after the pointer moved over them
const PENDING_MAX = 10000; // entries kept aside while away; more are read anew
const MISSED_MAX = 500; // after a lost connection; more are read anew

export class Feed {
	// on: {draw(), updated(entry), moved(), slid()}; `list` and `histogram` are set when they are built
	constructor(on) {
		this.on = on;
		this.view = "follows";
		this.sought = 0; // the entry that the view seeks
		this.reset();
		this.rows = new Rows({
			change: () => this.changed(),
			shift: (index, rows, delta) => this.shifted(index, rows, delta),
			loaded: note,
			failed: error => this.failed(error),
		});
		this.stream = new Stream({
			entries: batch => this.live(batch),
			updates: batch => this.update(batch),
			stats: capture.fromStats,
			skipped: what => this.fellBehind(what),
			failed: what => this.filterFailed(what),
			state: link => this.linked(link),
		});
	}

	// A filter that is refused is refused by the stream as well, and would be again.
	failed(error) {
		if (error.status === REFUSED) this.stream.rest();
		if (error.status !== 401) this.on.draw();
	}

	reset() {
		this.pending = []; // oldest first
		this.pendingCount = 0; // more than are in `pending` when that is full
		this.skipped = 0;
		this.liveError = "";
	}

	get follows() {
		return this.view === "follows" || this.view === "held";
	}

	go(view, sought) {
		clearTimeout(this.holdTimer);
		this.view = view;
		this.sought = sought || 0;
	}

	// The pointer moves over the rows.
	hold() {
		if (!this.follows) return;
		this.go("held");
		this.holdTimer = setTimeout(() => {
			this.go("follows");
			this.release();
		}, HOLD_MS);
	}

	leave() {
		if (this.follows) this.go("away");
	}

	// The reader scrolls: what a link named is not sought any more.
	touched() {
		if (this.view === "seeks") this.go("away");
	}

	// The view came to the top, or left it.
	atTop(isTop) {
		if (!isTop) this.leave();
		else if (!this.follows) {
			this.go("follows");
			this.release();
		}
	}

	toNewest() {
		this.go("follows");
		this.release();
		this.list.top = 0;
		this.list.changed(0, true);
	}

	async load() {
		const q = (this.q = listed());
		this.reset();
		this.go("follows");
		this.on.moved();
		this.list.top = 0;
		this.rows.clear(q);
		this.stream.open(q);
		this.list.changed(0, true);
		this.on.draw();
		const stats = getJSON("/api/stats").catch(() => null); // the list says what is wrong
		const counted = this.histogram.open(q);
		if (!(await this.rows.reset(q, limitOf(q)))) return;
		this.firstPage();
		const { signal } = this.rows.abort;
		const { store } = (await stats) || {};
		if (!store?.last_id || this.rows.next === null) return;
		if (q) await counted;
		const places = await this.places(q, store).catch(() => null);
		if (places && !signal.aborted) this.rows.layOut(places, store.first_id, Boolean(q));
		if (!signal.aborted) this.seek();
	}

	// Where in the store the rest of the rows is; null when nothing is known.
	async places(q, store) {
		if (q) return placesOf(this.histogram.counts, store);
		return isDense(store) ? dense(store) : null;
	}

	// The first page has come: what the stream brought meanwhile goes on top of it.
	firstPage() {
		const fresh = this.pending.filter(e => e.id > this.rows.newest);
		this.pending = [];
		this.pendingCount = 0;
		this.setAside(fresh);
		if (!this.seek()) this.release();
	}

	// A link to an older entry: show its row, and keep still there.
	seek() {
		const at = state.id ? this.rows.position(state.id) : -1;
		if (at * ROW < this.list.view - ROW || !this.follows) return false;
		this.go("seeks", state.id);
		this.center(at);
		this.on.draw();
		return true;
	}

	center(at) {
		this.list.top = Math.max(0, at * ROW - this.list.view / 3);
		this.list.changed(0, false);
	}

	get newest() {
		return this.pending.length ? this.pending[this.pending.length - 1].id : this.rows.newest;
	}

	// New entries of the stream, oldest first.
	live(batch) {
		note(batch);
		const { newest } = this;
		const fresh = batch.map(compact).filter(e => e.id > newest);
		this.histogram.add(fresh);
		this.setAside(fresh);
		if (this.rows.ready && this.view === "follows") this.release();
		else this.on.draw();
	}

	setAside(entries) {
		this.pendingCount += entries.length;
		if (this.pending.length + entries.length <= PENDING_MAX) this.pending.push(...entries);
	}

	// Bring in what was kept aside. If that is not all there is, read the newest page anew.
	release() {
		if (!this.rows.ready) return;
		if (this.pendingCount > this.pending.length) {
			this.load();
			return;
		}
		const added = this.rows.push(this.pending);
		this.pending = [];
		this.pendingCount = 0;
		if (added && this.follows) this.on.slid();
		if (added) this.list.changed(added, this.follows);
		this.on.draw();
	}

	// Later versions of exchanges, or {id, gone} of what the filter does not take any more.
	update(batch) {
		for (const raw of batch) {
			const e = raw.gone ? null : compact(raw);
			if (e) this.replace(e);
			else this.remove(raw.id);
			if (e) this.on.updated(e);
		}
		this.list.schedule();
	}

	// A version takes the place of the one before, in the list and aside.
	replace(e) {
		const old = this.rows.replace(e) || this.takeAside(e.id, e);
		if (!old) this.fitsNow(e);
		this.histogram.replace(old, e);
	}

	remove(id) {
		const aside = this.takeAside(id);
		if (aside) this.pendingCount--;
		const old = aside || this.rows.remove(id);
		if (!old) return;
		this.histogram.remove(old);
		this.on.draw();
	}

	// Take an entry out of those kept aside, and put others there; null: it is not among them.
	takeAside(id, ...others) {
		const at = this.pending.findIndex(e => e.id === id);
		return at < 0 ? null : this.pending.splice(at, 1, ...others)[0];
	}

	// What the filter did not take as it began. Without a filter it is there already, if not in
	// memory.
	fitsNow(e) {
		if (!this.q || !this.rows.ready) return;
		if (e.id < this.rows.newest) {
			this.rows.insert(e);
			this.on.draw();
			return;
		}
		const at = this.pending.findIndex(later => later.id > e.id);
		this.pending.splice(at < 0 ? this.pending.length : at, 0, e);
		this.pendingCount++;
		if (this.view === "follows") this.release();
	}

	// After a lost connection: what was missed is between the newest row and now.
	async catchUp() {
		if (!this.rows.ready) return;
		const { q } = this;
		this.histogram.renew();
		this.rows.reread();
		try {
			const bounds = { after: this.newest, limit: MISSED_MAX };
			const { entries } = await getJSON("/api/entries", { q, ...bounds });
			if (q !== this.q) return;
			if (entries.length >= MISSED_MAX) this.load();
			else this.live(entries.reverse());
		} catch {
			// the stream tells when the server is back
		}
	}

	linked(link) {
		capture.update({ link });
		if (link !== "live") return;
		if (this.rows.error?.status === REFUSED) return;
		if (this.rows.error) this.load();
		else this.catchUp();
	}

	fellBehind(what) {
		this.skipped += what.count || 0;
		this.histogram.renew();
		this.on.draw();
	}

	// The live filter ran into its limit on an entry: the list goes on, without some.
	filterFailed(what) {
		this.liveError = what.detail || "";
		this.on.draw();
	}

	// `count` rows from `index` on became `delta` more. What is below them stays where it is seen;
	// within them the view keeps its distance from their first, so that going on passes over none.
	shifted(index, count, delta) {
		const { list } = this;
		const end = (index + count) * ROW;
		if (end <= list.top) list.changed(delta, false);
		else if (index * ROW < list.top && end + delta * ROW < list.top)
			list.top = end + delta * ROW;
	}

	changed() {
		const at = this.sought ? this.rows.indexOf(this.sought) : -1;
		if (at >= 0) {
			this.go("away");
			this.center(at);
		}
		this.list.schedule();
		this.on.draw();
	}
}
