// SPDX-License-Identifier: GPL-2.0-or-later
// The Traffic page: histogram, list and detail, fed by the stored entries and the live stream.
import { getJSON, url } from "./api.js";
import * as capture from "./capture.js";
import { COLUMNS, saveColumns } from "./columns.js";
import { Detail } from "./detail.js";
import { button, el, put } from "./el.js";
import { compact } from "./entry.js";
import { count, dateTime, plural } from "./format.js";
import { redaction } from "./filter.js";
import { Histogram } from "./histogram.js";
import { glyph } from "./icons.js";
import { List, ROW } from "./list.js";
import { tokens } from "./kflhl.js";
import { dense, isDense, placesOf } from "./places.js";
import { Rows } from "./rows.js";
import { splitter } from "./split.js";
import { go, state, subscribe } from "./state.js";
import * as states from "./states.js";
import { Stream } from "./stream.js";
import { addFilter, excludeFilter, hideTip, hover, leave } from "./tip.js";
import { note } from "./values.js";

const HOLD_MS = 1500; // rows keep still this long after the pointer moved over them
const PENDING_MAX = 10000; // entries kept aside while scrolled away; more are read anew

let rows, list, histogram, detail, stream;
let node, strips, empty, pill, total, search;
let pending = [];
let pendingCount = 0;
let following = true;
let heldUntil = 0;
let holdTimer = 0;
let skipped = 0;
let liveError = "";
let libraries = null;
let linked = 0; // the entry of a link while its place is a guess, and nobody has scrolled

export function build() {
	rows = new Rows({ change: changed, shift: shifted, loaded, failed });
	list = new List(rows, {
		open: e => open(e.id),
		lock: () => addFilter({ flag: "tls" }),
		need: (first, last) => rows.need(first, last),
		top: atTop,
	});
	histogram = new Histogram();
	detail = new Detail({ close: closeDetail, open });
	strips = el("div", { class: "strips" });
	empty = el("div", { class: "empty" });
	search = new states.SearchControl(() => (rows.searching ? rows.stop() : rows.search()));
	pill = button("", toNewest, { class: "newpill", hidden: true });
	total = el("span", { class: "total" });
	const listBox = el(
		"section",
		{ class: "list-box", "aria-label": "Entries" },
		list.node,
		empty,
		pill,
		el(
			"div",
			{ class: "list-foot" },
			total,
			el("span", { class: "grow" }),
			exports(),
			columnChooser(),
		),
	);
	const split = el("div", { class: "split" });
	split.append(listBox, splitter(split), detail.node);
	node = el("div", { class: "traffic" }, histogram.node, strips, split);
	watchPointer();
	watchKeys();
	stream = new Stream({
		entries: live,
		stats: capture.fromStats,
		skipped: onSkipped,
		failed: onFailed,
		state: linkState,
	});
	subscribe((now, old) => {
		if (now.q !== old.q) load();
		const isMasked = redaction(now.q) !== redaction(old.q);
		if (now.id !== old.id || now.tab !== old.tab || (now.id && isMasked)) showSelected();
	});
	capture.subscribe(draw);
	return node;
}

// Start reading: with what the address bar says.
export function start() {
	showSelected();
	load();
	countLibraries();
	setInterval(() => list.context.relative && list.refresh(), 1000);
}

// The first run's page names how many libraries are watched; it changes while nothing is read.
async function countLibraries() {
	try {
		const answer = await getJSON("/api/targets");
		libraries = (answer.targets || []).filter(t => t.state === "attached").length;
		draw();
	} catch {
		// told where it matters: on the Targets page
	}
	if (!rows.count) setTimeout(countLibraries, 3000);
}

async function load() {
	const q = state.q;
	pending = [];
	pendingCount = 0;
	following = true;
	skipped = 0;
	liveError = "";
	linked = 0;
	hideTip();
	list.top = 0;
	rows.clear(q);
	stream.open(q);
	list.changed(0, true);
	draw();
	const stats = getJSON("/api/stats").catch(() => null); // the list says what is wrong
	const counted = histogram.open(q);
	if (!(await rows.reset(q, limitOf(q)))) return;
	firstPage();
	const signal = rows.abort.signal;
	const { store } = (await stats) || {};
	if (!store?.last_id || rows.next === null) return;
	if (q) await counted;
	const places = q
		? await placesOf(histogram.counts, store).catch(() => null)
		: isDense(store)
			? dense(store)
			: null;
	if (places && !signal.aborted) rows.layOut(places, store.first_id, Boolean(q));
	if (!signal.aborted) showLinked();
}

// The n of a filter's own limit(n).
function limitOf(q) {
	const words = tokens(q).filter(t => t.type !== "space" && t.type !== "comment");
	const at = words.findIndex(t => t.text === "limit" && t.type === "function");
	const n = Number(words[at + 2]?.text);
	return at >= 0 && Number.isSafeInteger(n) ? n : Infinity;
}

// New entries of the stream. They are kept aside while rows must keep still.
function live(batch) {
	const entries = batch.map(compact);
	note(entries);
	const last = pending.length ? pending[pending.length - 1].id : rows.newest;
	const fresh = entries.filter(e => e.id > last);
	histogram.add(fresh);
	if (!rows.ready) {
		pending.push(...fresh);
		return;
	}
	setAside(fresh);
	if (following && performance.now() >= heldUntil) release();
	else draw();
}

function setAside(entries) {
	pendingCount += entries.length;
	if (pending.length + entries.length <= PENDING_MAX) pending.push(...entries);
}

// Bring in what was kept aside. If that is not all there is, read the newest page anew.
function release() {
	if (pendingCount > pending.length) {
		load();
		return;
	}
	const added = rows.push(pending);
	pending = [];
	pendingCount = 0;
	if (added) list.changed(added, following);
	draw();
}

// The first page has come: what the stream brought meanwhile goes on top of it.
function firstPage() {
	const fresh = pending.filter(e => e.id > rows.newest);
	pending = [];
	pendingCount = 0;
	setAside(fresh);
	if (!showLinked()) release();
}

// A link to an older entry: show its row, and keep still there.
function showLinked() {
	const at = state.id ? rows.position(state.id) : -1;
	if (at * ROW < list.view - ROW || !following) return false;
	following = false;
	linked = state.id;
	center(at);
	draw();
	return true;
}

function center(at) {
	list.top = Math.max(0, at * ROW - list.view / 3);
	list.changed(0, false);
}

function toNewest() {
	following = true;
	heldUntil = 0;
	release();
	list.top = 0;
	list.changed(0, true);
	list.node.focus({ preventScroll: true });
}

function atTop(isTop) {
	if (isTop && !following) {
		following = true;
		release();
	} else if (!isTop) {
		following = false;
	}
	hideTip();
}

// After a lost connection: what was missed is between the newest row and now.
async function catchUp() {
	if (!rows.ready) return null;
	const q = state.q;
	const last = pending.length ? pending[pending.length - 1].id : rows.newest;
	histogram.renew();
	try {
		const answer = await getJSON("/api/entries", { q, after: last, limit: 500 });
		if (q !== state.q) return null;
		if (answer.entries.length >= 500) return load();
		live(answer.entries.reverse());
	} catch {
		// the stream tells when the server is back
	}
	return null;
}

function linkState(link) {
	capture.update({ link });
	if (link === "live") {
		if (rows.error) load();
		else catchUp();
	}
}

function onSkipped(what) {
	skipped += what.count || 0;
	histogram.renew();
	draw();
}

// The live filter ran into its limit on an entry: the list goes on, without some.
function onFailed(what) {
	liveError = what.detail || "";
	draw();
}

function loaded(entries) {
	note(entries);
}

function failed(error) {
	if (error.status === 401) return;
	draw();
}

// `count` rows from `index` on became `delta` more. What is below them stays where it is seen; within
// them the view keeps its distance from their first, so that going on passes over none.
function shifted(index, count, delta) {
	const end = (index + count) * ROW;
	if (end <= list.top) list.changed(delta, false);
	else if (index * ROW < list.top && end + delta * ROW < list.top) list.top = end + delta * ROW;
}

function changed() {
	const at = linked ? rows.indexOf(linked) : -1;
	if (at >= 0) {
		linked = 0;
		center(at);
	}
	list.schedule();
	draw();
}

// Everything around the rows: strips, empty states, the pill of new entries.
function draw() {
	const isEmpty = !rows.count;
	node.classList.toggle("is-empty", isEmpty);
	list.node.setAttribute("aria-busy", rows.ready ? "false" : "true");
	const kind = !isEmpty
		? ""
		: rows.error
			? `error ${rows.error.status}`
			: !rows.ready
				? "loading"
				: state.q
					? `none ${rows.next === null} ${state.q}`
					: `first ${libraries} ${capture.capture.paused}`;
	if (kind !== empty.dataset.kind) {
		empty.dataset.kind = kind;
		put(empty, emptyState(kind));
	}
	pill.hidden = !pendingCount || (following && pendingCount < 20);
	if (!pill.hidden) pill.textContent = `${count(pendingCount)} new`;
	total.textContent = isEmpty ? "" : totalText();
	search.update(rows);
	drawStrips();
}

function totalText() {
	const n = rows.count + pendingCount;
	if (rows.next !== null && rows.most < Infinity)
		return `${count(n)} of at most ${count(rows.most)}`;
	if (rows.next !== null) return `${count(n)} entries and older`;
	const text = plural(n, "entry", "entries");
	return rows.most <= rows.count
		? `${text}, the filter's limit`
		: rows.isGuess
			? `about ${text}`
			: text;
}

function emptyState(kind) {
	if (kind.startsWith("error")) return states.failed(rows.error, () => load());
	if (kind === "loading") return states.loading("Reading…");
	if (kind.startsWith("none"))
		return states.noResult(state.q, rows.next === null ? null : search.node);
	return kind ? states.firstRun(libraries, capture.capture.paused) : null;
}

let stripKey = "";

function drawStrips() {
	const { paused, link } = capture.capture;
	const isPartial = rows.partial && rows.count > 0;
	const error = rows.error && rows.count ? rows.error.message : "";
	const key = [paused, link, isPartial, skipped, error, liveError].join();
	if (key === stripKey) return;
	stripKey = key;
	const list = [];
	if (link === "reconnecting")
		list.push(
			states.strip(
				"off",
				"The server does not answer. Trying again by itself; what is listed stays.",
				button("Try now", () => stream.retryNow(), { class: "plain" }),
			),
		);
	else if (error)
		list.push(states.strip("error", error, button("Try again", load, { class: "plain" })));
	if (liveError) list.push(states.strip("error", `Live filter: ${liveError}`));
	if (paused && link === "live")
		list.push(
			states.strip(
				"paused",
				"Capturing is paused: what programs say now is counted, not kept.",
				button("Go on", capture.toggle, { class: "plain" }),
			),
		);
	if (isPartial) list.push(states.strip("partial", search.node));
	if (skipped)
		list.push(
			states.strip(
				"skipped",
				`This page fell behind: ${plural(skipped, "entry was", "entries were")} not sent live. They are stored.`,
				button("Read them", load, { class: "plain" }),
			),
		);
	strips.replaceChildren(...list);
}

function open(id) {
	list.selected = id;
	list.active.id = id;
	following = following && list.atTop && !id;
	go({ id, page: "traffic" });
	list.schedule();
}

function closeDetail() {
	go({ id: 0, tab: "" });
	list.node.focus({ preventScroll: true });
	if (list.atTop) atTop(true);
}

function showSelected() {
	list.selected = state.id;
	node.classList.toggle("has-detail", Boolean(state.id));
	if (state.id) {
		following = false;
		const row = rows.indexOf(state.id);
		if (row >= 0) list.scrollTo(row);
		detail.show(state.id, row < 0 ? null : rows.at(row));
	} else {
		detail.hide();
	}
	list.schedule();
}

function watchPointer() {
	list.layer.addEventListener(
		"pointermove",
		event => {
			heldUntil = performance.now() + HOLD_MS;
			clearTimeout(holdTimer);
			holdTimer = setTimeout(() => following && release(), HOLD_MS + 20);
			if (event.pointerType !== "mouse" || event.buttons) return;
			const hit = list.hit(event.target);
			if (hit) hover(hit.cell, hit.column.full(hit.entry), hit.column.filter(hit.entry));
			else leave();
		},
		{ passive: true },
	);
	list.layer.addEventListener("pointerleave", leave);
}

function watchKeys() {
	for (const event of ["wheel", "pointerdown", "keydown"])
		list.node.addEventListener(event, () => (linked = 0), { passive: true });
	list.node.addEventListener("keydown", event => {
		const page = Math.max(1, Math.floor(list.view / ROW) - 1);
		const moves = {
			ArrowDown: [1, 0],
			ArrowUp: [-1, 0],
			ArrowRight: [0, 1],
			ArrowLeft: [0, -1],
			PageDown: [page, 0],
			PageUp: [-page, 0],
		};
		if (!moves[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
		event.preventDefault();
		step(...moves[event.key]);
	});
}

// Move the focused cell; an open detail follows.
export function step(down, right) {
	following = false;
	const e = list.move(down, right);
	if (e && state.id && down) go({ id: e.id }, true);
}

export const actions = {
	j: () => step(1, 0),
	k: () => step(-1, 0),
	Enter: () => {
		const at = list.focused();
		if (at) open(at.entry.id);
		return Boolean(at);
	},
	Escape: () => (state.id ? closeDetail() : false),
	f: () => byCell(addFilter),
	x: () => byCell(excludeFilter),
	l: () => addFilter({ flag: "tls" }),
	t: () => list.toggleTime(),
	Home: toNewest,
	"[": () => detail.step(-1),
	"]": () => detail.step(1),
};

function byCell(act) {
	const at = list.focused();
	const what = at?.column?.filter(at.entry);
	if (what) act(what);
}

// What is listed as files; the address follows the filter when it is used.
function exports() {
	const make = (path, text, title) => {
		const a = el("a", { class: "foot-link", href: path, download: "", title }, text);
		const follow = () => (a.href = url(path, { q: state.q }));
		subscribe(follow);
		follow();
		return a;
	};
	return el(
		"span",
		{ class: "exports" },
		"Export ",
		make("/api/export/har", "HAR", "HTTP Archive of what the filter selects"),
		" ",
		make(
			"/api/export/pcapng",
			"pcapng",
			"Packets with the plaintext of what the filter selects, for Wireshark",
		),
	);
}

function columnChooser() {
	const menu = el(
		"div",
		{ class: "menu", hidden: true, role: "group", "aria-label": "Columns" },
		COLUMNS.filter(c => !c.fixed && !c.flex).map(c => {
			const box = el("input", { type: "checkbox" });
			box.checked = c.shown;
			box.addEventListener("change", () => {
				c.shown = box.checked;
				saveColumns();
				list.setColumns();
			});
			return el("label", {}, box, c.title);
		}),
	);
	const open = button(
		glyph("columns"),
		() => {
			menu.hidden = !menu.hidden;
			open.setAttribute("aria-expanded", menu.hidden ? "false" : "true");
		},
		{ class: "icon", title: "Columns", "aria-label": "Columns", "aria-expanded": "false" },
	);
	menu.addEventListener("keydown", event => {
		if (event.key === "Escape") {
			event.stopPropagation();
			menu.hidden = true;
			open.focus();
		}
	});
	return el("div", { class: "chooser" }, open, menu);
}
