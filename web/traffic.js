// SPDX-License-Identifier: GPL-2.0-or-later
// The Traffic page: histogram, list and detail. What the list holds is the feed's, what is said
// around it the notices'.
import * as capture from "./capture.js";
import { Detail } from "./detail.js";
import { el } from "./el.js";
import { Feed } from "./feed.js";
import { redaction } from "./filter.js";
import { columnChooser, exports } from "./foot.js";
import { Histogram } from "./histogram.js";
import { actOf } from "./keys.js";
import { List, ROW } from "./list.js";
import { Notices } from "./notices.js";
import { splitter } from "./split.js";
import { go, state, subscribe } from "./state.js";
import { addFilter, excludeFilter, hideTip, hover, leave, loosenTip } from "./tip.js";
import { wireSwitch } from "./wire.js";

const CLOCK_MS = 1000;
const CALM_CLOCK_MS = 10000; // for those who want no motion

class Traffic {
	constructor() {
		this.feed = new Feed({
			draw: () => this.draw(),
			updated: e => this.detail.renew(e),
			moved: hideTip,
			slid: loosenTip,
		});
		this.list = this.feed.list = new List(this.feed.rows, {
			open: e => this.open(e.id),
			lock: () => addFilter({ flag: "tls" }),
			need: (first, last) => this.feed.rows.need(first, last),
			top: isTop => this.atTop(isTop),
		});
		this.histogram = this.feed.histogram = new Histogram();
		this.detail = new Detail({ close: () => this.close(), open: id => this.open(id) });
		this.notices = new Notices(this.feed);
		this.node = this.build();
		this.actions = this.makeActions();
		this.watchPointer();
		this.watchKeys();
		subscribe((now, old) => this.followState(now, old));
		capture.subscribe(() => this.draw());
	}

	build() {
		const { strips, empty, pill, total } = this.notices;
		const chooser = columnChooser(() => this.list.setColumns());
		const foot = el(
			"div",
			{ class: "list-foot" },
			total,
			el("span", { class: "grow" }),
			wireSwitch(),
			exports(),
			chooser,
		);
		const box = { class: "list-box", "aria-label": "Entries" };
		const split = el("div", { class: "split" });
		this.splitter = splitter(split);
		const list = el("section", box, this.list.node, empty, pill, foot);
		split.append(list, this.splitter.bar, this.detail.node);
		return el("div", { class: "traffic" }, this.histogram.node, strips, split);
	}

	// Start reading, whichever page is shown: with what the address bar says.
	start() {
		this.splitter.reset();
		this.showSelected();
		this.feed.load();
		this.notices.countLibraries();
		const isCalm = matchMedia("(prefers-reduced-motion: reduce)").matches;
		setInterval(() => this.tick(), isCalm ? CALM_CLOCK_MS : CLOCK_MS);
	}

	load() {}

	// What goes on lasts longer now.
	tick() {
		if (document.hidden) return;
		this.list.tick();
		this.detail.tick();
	}

	followState(now, old) {
		if (now.q !== old.q || now.wire !== old.wire) this.feed.load();
		const isMasked = redaction(now.q) !== redaction(old.q);
		if (now.id !== old.id || now.tab !== old.tab || (now.id && isMasked)) this.showSelected();
	}

	draw() {
		const { rows } = this.feed;
		this.node.classList.toggle("is-empty", !rows.count);
		this.list.node.setAttribute("aria-busy", rows.ready ? "false" : "true");
		this.notices.draw();
	}

	atTop(isTop) {
		this.feed.atTop(isTop);
		hideTip();
	}

	open(id) {
		this.list.selected = id;
		this.list.active.id = id;
		this.feed.leave();
		go({ id, page: "traffic" });
		this.list.schedule();
	}

	close() {
		go({ id: 0, tab: "" });
		this.list.node.focus({ preventScroll: true });
		if (this.list.atTop) this.atTop(true);
	}

	showSelected() {
		this.list.selected = state.id;
		this.node.classList.toggle("has-detail", Boolean(state.id));
		if (state.id) {
			this.feed.leave();
			const row = this.feed.rows.indexOf(state.id);
			if (row >= 0) this.list.scrollTo(row);
			this.detail.show(state.id, row < 0 ? null : this.feed.rows.at(row));
		} else {
			this.detail.hide();
		}
		this.list.schedule();
	}

	watchPointer() {
		const { layer } = this.list;
		layer.addEventListener(
			"pointermove",
			event => {
				this.feed.hold();
				if (event.pointerType !== "mouse" || event.buttons) return;
				const hit = this.list.hit(event.target);
				if (!hit) return leave();
				const { entry, column, cell } = hit;
				return hover(cell, column.full(entry), column.filter(entry));
			},
			{ passive: true },
		);
		layer.addEventListener("pointerleave", leave);
	}

	watchKeys() {
		const { node } = this.list;
		for (const event of ["wheel", "pointerdown", "keydown"])
			node.addEventListener(event, () => this.feed.touched(), { passive: true });
		node.addEventListener("keydown", event => {
			const page = Math.max(1, Math.floor(this.list.view / ROW) - 1);
			const move = {
				down: [1, 0],
				up: [-1, 0],
				right: [0, 1],
				left: [0, -1],
				"page down": [page, 0],
				"page up": [-page, 0],
			}[actOf("list", event)];
			if (!move) return;
			event.preventDefault();
			this.step(...move);
		});
	}

	// Move the focused cell; an open detail follows.
	step(down, right) {
		this.feed.leave();
		const e = this.list.move(down, right);
		if (e && state.id && down) go({ id: e.id }, true);
	}

	// What the keys of this page do, by the names in keys.js.
	makeActions() {
		return {
			next: () => this.step(1, 0),
			previous: () => this.step(-1, 0),
			open: () => this.openFocused(),
			close: () => (state.id ? this.close() : false),
			add: () => this.byCell(addFilter),
			exclude: () => this.byCell(excludeFilter),
			tls: () => addFilter({ flag: "tls" }),
			time: () => this.list.toggleTime(),
			newest: () => this.notices.toNewest(),
			earlier: () => this.detail.step(-1),
			later: () => this.detail.step(1),
		};
	}

	openFocused() {
		const at = this.list.focused();
		if (at) this.open(at.entry.id);
		return Boolean(at);
	}

	byCell(act) {
		const at = this.list.focused();
		const what = at?.column?.filter(at.entry);
		if (what) act(what);
	}
}

export default new Traffic();
