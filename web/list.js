// SPDX-License-Identifier: GPL-2.0-or-later
// The virtual list: only the rows on the screen exist, and their nodes are used again. The rows
// hang in a layer that stays in view (position: sticky); the scrollbar belongs to an empty box of
// the list's height, capped because engines cap element heights near 33 million pixels.
import { fit } from "./columns.js";
import { el } from "./el.js";
import { drawHead } from "./listhead.js";
import { language } from "./language.js";

export const ROW = 28;
const HEAD = 25;
const MAX_HEIGHT = 16e6;
const SPARE = 2; // rows drawn beyond each edge
const GLOW_MAX = 8; // more new rows at once are a stream: that glows by itself
const GLOW_MS = 900;
const noMotion = matchMedia("(prefers-reduced-motion: reduce)");

export class List {
	// on: {open(entry), lock(entry), need(first, last), cell(entry, column, node), top(isTop)}
	constructor(rows, on) {
		this.rows = rows;
		this.on = on;
		this.top = 0; // pixels of the list above the view, exact
		this.view = 0; // height of what is seen
		this.lastScroll = 0;
		this.active = { id: 0, column: 0 };
		this.selected = 0;
		this.fresh = new Set(); // ids of entries that shall glow when their row is drawn
		this.used = new Map(); // entry id or "~index" → row
		this.free = [];
		this.frame = 0;
		this.context = { relative: false, now: 0, slowest: 0, ch: 7.8, summary: 0 };
		this.build();
	}

	build() {
		this.head = el("div", { class: "row head", role: "row", "aria-rowindex": "1" });
		this.layer = el("div", { class: "layer", role: "rowgroup" });
		this.canvas = el("div", { class: "canvas", role: "presentation" }, this.layer);
		this.node = this.scroller = el(
			"div",
			{
				class: "scroller",
				role: "grid",
				tabindex: "0",
				id: "grid",
				"aria-label": "Entries, newest first",
			},
			el("div", { class: "head-group", role: "rowgroup" }, this.head),
			this.canvas,
		);
		this.scroller.addEventListener("scroll", () => this.scrolled(), { passive: true });
		this.layer.addEventListener("click", event => this.clicked(event));
		new ResizeObserver(() => this.resize()).observe(this.scroller);
		language()
			.then(() => this.shown && drawHead(this))
			.catch(() => {}); // columns are named without it
	}

	resize() {
		this.view = Math.max(0, this.scroller.clientHeight - HEAD);
		const width = this.scroller.clientWidth;
		this.layer.style.height = `${this.view}px`;
		this.setColumns(width);
	}

	setColumns(width) {
		this.width = width || this.width || 1000;
		const { shown, template, summary, tight } = fit(this.width);
		const keys = shown.map(c => c.key).join();
		this.node.style.setProperty("--columns", template);
		this.node.classList.toggle("tight", tight);
		this.context.summary = summary;
		if (keys !== this.keys) {
			this.keys = keys;
			this.shown = shown;
			this.node.setAttribute("aria-colcount", shown.length);
			drawHead(this);
			this.layer.replaceChildren();
			this.used.clear();
			this.free = [];
		}
		this.used.forEach(row => (row.stale = true));
		this.measure();
		this.draw();
	}

	// The width of a character of the data font, for the ellipsis in the middle.
	measure() {
		const probe = el("span", { class: "probe" }, "0".repeat(50));
		this.layer.append(probe);
		this.context.ch = probe.getBoundingClientRect().width / 50 || 7.8;
		probe.remove();
	}

	toggleTime() {
		this.context.relative = !this.context.relative;
		this.refresh();
	}

	// Write every row anew: what they show depends on more than their entry.
	refresh() {
		this.used.forEach(row => (row.stale = true));
		this.schedule();
	}

	// A second has passed: what tells time is written anew.
	tick() {
		let isTold = false;
		for (const row of this.used.values()) {
			if (!this.context.relative && !row.entry?.open) continue;
			row.stale = isTold = true;
		}
		if (isTold) this.schedule();
	}

	get total() {
		return this.rows.count * ROW;
	}

	get height() {
		return Math.min(this.total, MAX_HEIGHT);
	}

	get atTop() {
		return this.top < ROW / 2;
	}

	limit(top) {
		return Math.max(0, Math.min(top, this.total - this.view));
	}

	// Near moves are exact; a far one is a jump to that part of the whole.
	scrolled() {
		const now = this.scroller.scrollTop;
		const by = now - this.lastScroll;
		this.lastScroll = now;
		if (!by) return;
		const range = this.height - this.view;
		if (this.total <= MAX_HEIGHT) this.top = now;
		else if (now <= 0 || now >= range - 1) this.top = now <= 0 ? 0 : this.total - this.view;
		else if (Math.abs(by) < this.view * 2) this.top = this.limit(this.top + by);
		else this.top = this.limit((now / range) * (this.total - this.view));
		this.on.top(this.atTop);
		this.schedule();
		clearTimeout(this.settle);
		if (this.total > MAX_HEIGHT) this.settle = setTimeout(() => this.sync(), 150);
	}

	// Put the scrollbar where `top` says, without taking that for a scroll.
	sync() {
		const range = this.height - this.view;
		const whole = this.total - this.view;
		const to = this.total <= MAX_HEIGHT ? this.top : whole > 0 ? (this.top / whole) * range : 0;
		if (Math.abs(this.lastScroll - to) < 1) return;
		this.scroller.scrollTop = to;
		this.lastScroll = this.scroller.scrollTop;
	}

	// The rows changed: `added` of them on top of the ones seen, which stay where they are.
	changed(added, follow) {
		this.fresh.clear();
		if (follow && added <= GLOW_MAX && !noMotion.matches)
			for (let i = 0; i < added; i++) this.fresh.add(this.rows.at(i)?.id);
		if (follow) this.top = 0;
		else if (added) this.top += added * ROW;
		this.top = this.limit(this.top);
		this.schedule();
	}

	scrollTo(index) {
		const y = index * ROW;
		if (y < this.top) this.top = this.limit(y);
		else if (y + ROW > this.top + this.view) this.top = this.limit(y + ROW - this.view);
		this.on.top(this.atTop);
		this.schedule();
	}

	schedule() {
		if (!this.frame) this.frame = requestAnimationFrame(() => this.draw());
	}

	draw() {
		cancelAnimationFrame(this.frame);
		this.frame = 0;
		if (!this.view || !this.shown) return;
		const height = `${Math.max(this.height, this.view)}px`;
		if (this.canvas.style.height !== height) this.canvas.style.height = height;
		this.sync();
		const count = this.rows.count;
		const first = Math.max(0, Math.floor(this.top / ROW) - SPARE);
		const last = Math.min(count - 1, Math.ceil((this.top + this.view) / ROW) + SPARE);
		this.on.need(first, last);
		this.prepare(first, last);
		const wanted = new Map();
		for (let i = first; i <= last; i++) {
			const entry = this.rows.at(i);
			wanted.set(entry ? entry.id : `~${i}`, [i, entry]);
		}
		this.recycle(wanted);
		for (const [key, [i, entry]] of wanted) this.place(key, i, entry);
		this.node.setAttribute("aria-rowcount", count + 1);
		this.markActive();
	}

	// What goes on is not what others are measured by: its bar is full when it is slower.
	prepare(first, last) {
		let slowest = 0;
		for (let i = first; i <= last; i++) slowest = Math.max(slowest, this.endedAfter(i));
		this.context.now = Date.now() * 1000;
		if (slowest !== this.context.slowest) this.used.forEach(row => (row.stale = true));
		this.context.slowest = slowest;
	}

	endedAfter(i) {
		const e = this.rows.at(i);
		return e && !e.open && e.protocol !== "tcp" ? e.elapsed : 0;
	}

	recycle(wanted) {
		for (const [key, row] of this.used) {
			if (wanted.has(key)) continue;
			this.used.delete(key);
			this.free.push(row);
			row.glow?.cancel();
		}
	}

	place(key, i, entry) {
		let row = this.used.get(key);
		if (!row) {
			row = this.free.pop() || this.make();
			this.used.set(key, row);
			row.node.hidden = false;
		}
		const y = Math.round(i * ROW - this.top);
		if (row.y !== y) {
			row.y = y;
			row.node.style.transform = `translateY(${y}px)`;
		}
		if (row.index !== i) {
			row.index = i;
			row.node.setAttribute("aria-rowindex", i + 2);
		}
		if (row.entry !== entry || row.stale || !entry) this.fill(row, entry);
		if (entry && this.fresh.delete(entry.id)) this.glow(row);
	}

	glow(row) {
		row.glow = row.node.animate(
			{ backgroundColor: ["var(--accent-ground)", "transparent"] },
			{ duration: GLOW_MS, easing: "ease-out" },
		);
		row.glow.onfinish = () => (row.glow = null);
	}

	fill(row, entry) {
		row.entry = entry;
		row.stale = false;
		row.id = entry ? entry.id : 0;
		const cls = entry ? `row${entry.open ? " open" : ""}` : "row waiting";
		if (row.cls !== cls) row.node.className = row.cls = cls;
		row.active = true; // the class list starts anew: mark again
		if (entry) this.shown.forEach((column, k) => column.set(row.refs[k], entry, this.context));
	}

	make() {
		const node = el("div", { role: "row" });
		const row = { node, refs: [], entry: null, y: NaN, index: -1, stale: true };
		row.refs = this.shown.map((column, i) => {
			const cell = el("div", {
				role: "gridcell",
				"aria-colindex": i + 1,
				class: `cell ${column.key} ${column.numeric ? "numeric" : ""}`,
			});
			node.append(cell);
			return column.make(cell);
		});
		node.row = row;
		this.layer.append(node);
		return row;
	}

	// Hide what is left over, and say which row and cell have the focus.
	markActive() {
		for (const row of this.free) row.node.hidden = true;
		let activeCell = null;
		for (const row of this.used.values()) {
			const on = row.id && row.id === this.active.id;
			const selected = row.id && row.id === this.selected;
			if (row.selected !== selected)
				row.node.setAttribute(
					"aria-selected",
					(row.selected = selected) ? "true" : "false",
				);
			if (!on && !row.active) continue;
			row.active = on;
			row.node.classList.toggle("active", Boolean(on));
			row.refs.forEach((refs, k) => {
				const here = on && k === this.active.column;
				if (here) activeCell = refs.cell;
				if (here !== (refs.cell.id === "active-cell"))
					here ? (refs.cell.id = "active-cell") : refs.cell.removeAttribute("id");
			});
		}
		if (activeCell) this.node.setAttribute("aria-activedescendant", "active-cell");
		else this.node.removeAttribute("aria-activedescendant");
	}

	// {entry, column, cell} under an event's target.
	hit(target) {
		const cell = target.closest?.("[role=gridcell]");
		const row = cell?.parentNode.row;
		if (!row?.entry) return null;
		const k = row.refs.findIndex(refs => refs.cell === cell);
		return { entry: row.entry, column: this.shown[k], k, cell };
	}

	clicked(event) {
		const hit = this.hit(event.target);
		if (!hit) return;
		this.active = { id: hit.entry.id, column: hit.k };
		if (hit.column.key === "lock" && hit.entry.lock !== "none") this.on.lock(hit.entry);
		else this.on.open(hit.entry);
		this.schedule();
	}

	// Move the focus by rows and columns; returns the entry it is on now.
	move(rows, columns) {
		let index = this.rows.indexOf(this.active.id);
		if (index < 0) index = Math.ceil(this.top / ROW) - (rows > 0 ? 1 : 0);
		index = Math.max(0, Math.min(this.rows.count - 1, index + rows));
		const column = Math.max(0, Math.min(this.shown.length - 1, this.active.column + columns));
		const entry = this.rows.at(index);
		this.active = { id: entry ? entry.id : this.active.id, column };
		this.scrollTo(index);
		return entry;
	}

	// What has the focus: {entry, column}.
	focused() {
		const entry = this.rows.at(this.rows.indexOf(this.active.id));
		return entry ? { entry, column: this.shown[this.active.column] } : null;
	}
}
