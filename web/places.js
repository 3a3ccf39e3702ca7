// SPDX-License-Identifier: GPL-2.0-or-later
// Where in the store the rows of a list are, as ranges of ids with about a page of rows each, so
// that a list may be scrolled to any place before it was walked: [{before, lo, count}], newest first.
import { getJSON } from "./api.js";
import { PAGE } from "./paged.js";

const sum = c => c.reduce((s, n) => s + n, 0);

// Do the ids of a store follow each other?
export const isDense = store =>
	store.last_id > 0 && store.entries >= 0.9 * (store.last_id - store.first_id + 1);

// All of the store: its ids follow each other.
export function dense(store) {
	const out = [];
	for (let hi = store.last_id; hi >= store.first_id; hi -= PAGE) {
		const lo = Math.max(store.first_id, hi - PAGE + 1);
		out.push({ before: hi + 1, lo, count: hi - lo + 1 });
	}
	return out;
}

// Cut a range in parts of about a page.
function cut(out, before, lo, count) {
	const parts = Math.max(1, Math.min(Math.round(count / PAGE), before - lo));
	for (let i = 0; i < parts; i++) {
		const at = k => before - Math.floor(((before - lo) * k) / parts);
		out.push({ before: at(i), lo: at(i + 1), count: count / parts });
	}
}

// What matches a filter. `matching` and `all` count the entries of the same stretches of time, with
// the filter and without, and `newer` entries came after them; ids follow the time closely, so that
// the sums of `all` tell them. Up to the first `from` stretches nothing is known.
export function ranges(matching, all, newer, store, from) {
	const out = [];
	let before = store.last_id + 1;
	let id = before - newer;
	let count = 0;
	for (let i = all.length - 1; i >= from; i--) {
		id = Math.max(store.first_id, id - sum(all[i]));
		count += sum(matching[i]);
		if (count >= PAGE && id < before) {
			cut(out, before, id, count);
			before = id;
			count = 0;
		}
	}
	if (!from) id = store.first_id;
	if (before > id) cut(out, before, id, count);
	return out;
}

// The same for the Counts of a filter, as far back as they are whole; null when nothing is known.
export async function placesOf(counts, store) {
	const { buckets, start, width, whole, total, range } = counts;
	if (!buckets?.length || !total || !isDense(store)) return null;
	const from = whole ? Math.ceil((whole - start) / width) : 0;
	const end = start + width * buckets.length;
	const [all, after] = await Promise.all([
		getJSON("/api/histogram", { from: start, to: end - 1, buckets: buckets.length }),
		range ? getJSON("/api/histogram", { from: end, buckets: 500 }) : { total: 0 },
	]);
	if (all.start_us !== start || all.bucket_us !== width) return null;
	return ranges(buckets, all.counts, after.total, store, from);
}
