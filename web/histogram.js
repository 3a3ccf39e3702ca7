// SPDX-License-Identifier: GPL-2.0-or-later
// The bars above the list: how many entries when, stacked by outcome, of all that is stored and
// matches. Drag over it, or use the arrow keys, to filter by time.
import { Counts } from "./counts.js";
import { button, el, put, say } from "./el.js";
import { outcomeName } from "./entry.js";
import { timeRange, withoutTime, withTime } from "./filter.js";
import { count, plural, span } from "./format.js";
import { glyph } from "./icons.js";
import { actOf } from "./keys.js";
import { Picture, sum } from "./picture.js";
import { timeText } from "./ticks.js";
import { go, state } from "./state.js";

const BAR = 6; // pixels of a bar with its gap
const BARS_MAX = 480;
const DRAW_MS = 200;

export class Histogram extends Picture {
	constructor() {
		super(new Counts({ change: () => this.schedule() }));
		this.canvas = el("canvas", {
			class: "histogram",
			tabindex: "0",
			role: "application",
			"aria-roledescription": "histogram",
		});
		this.label = el("div", { class: "histogram-label" });
		this.chip = el("div", { class: "histogram-chip", hidden: true });
		this.tipNode = el("div", { class: "histogram-tip", hidden: true });
		this.node = el(
			"div",
			{ class: "histogram-box" },
			this.canvas,
			this.label,
			this.chip,
			this.tipNode,
		);
		this.canvas.addEventListener("pointerdown", event => this.down(event));
		this.canvas.addEventListener("pointermove", event => this.over(event));
		this.canvas.addEventListener("pointerleave", () => (this.tipNode.hidden = true));
		this.canvas.addEventListener("dblclick", () => this.everything());
		this.canvas.addEventListener("keydown", event => this.key(event));
		this.canvas.addEventListener("blur", () => this.brush && this.cancel());
		new ResizeObserver(() => this.resize()).observe(this.node);
		const recolour = () => {
			this.colours = null;
			this.schedule();
		};
		addEventListener("themechange", recolour);
		matchMedia("(prefers-color-scheme: dark)").addEventListener("change", recolour);
	}

	resize() {
		const { clientWidth } = this.canvas;
		if (clientWidth)
			this.counts.bars = Math.max(10, Math.min(BARS_MAX, Math.floor(clientWidth / BAR)));
		this.schedule();
	}

	// Count for another filter. The old picture stays, dimmed, until the new one is there.
	async open(q) {
		const range = timeRange(q);
		this.brush = null;
		this.last = null;
		this.tipNode.hidden = true;
		this.drawChip(range);
		this.node.classList.add("counting");
		this.resize();
		await this.counts.open(q, range);
	}

	add(entries) {
		this.counts.add(entries);
	}

	replace(old, e) {
		this.counts.replace(old, e);
	}

	remove(e) {
		this.counts.remove(e);
	}

	// What is stored may be more than what is drawn: the page had fallen behind, or was away.
	renew() {
		this.counts.want();
	}

	schedule() {
		if (this.timer) return;
		this.timer = setTimeout(() => {
			this.timer = 0;
			requestAnimationFrame(() => this.draw());
		}, DRAW_MS);
	}

	draw() {
		const ratio = devicePixelRatio || 1;
		const { clientWidth: width, clientHeight: height } = this.canvas;
		const { buckets, error } = this.counts;
		const isCounting = !buckets && !error;
		this.node.classList.toggle("counting", isCounting);
		if (!width || !height || isCounting) return;
		const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
		if (this.canvas.width !== w || this.canvas.height !== h)
			[this.canvas.width, this.canvas.height] = [w, h];
		const c = this.canvas.getContext("2d");
		c.setTransform(ratio, 0, 0, ratio, 0, 0);
		c.clearRect(0, 0, width, height);
		this.last = null;
		if (!buckets) return this.describe(0);
		this.colours = this.colours || this.readColours();
		const bottom = height - 1;
		const most = Math.max(1, ...buckets.map(sum));
		this.last = this.layout();
		this.describe(most);
		this.paint(c, width, bottom, most);
		if (this.brush) this.drawBrush(c, width, height);
	}

	// In words: the unit of a bar, the highest one, and for those who listen also the whole.
	describe(most) {
		const { buckets, width, total, whole, error } = this.counts;
		let text = "";
		let label = "Entries over time: being counted";
		if (error) {
			text = "not counted over time";
			label = `Entries over time could not be counted: ${error.message}`;
		} else if (buckets && !total) {
			label = "Entries over time: none";
		} else if (buckets) {
			const bar = span(width / 1e6);
			text = `peak ${count(most)} in ${bar}${whole ? " · older ones not all counted" : ""}`;
			label =
				`Entries over time: ${plural(total, "entry", "entries")}, ${bar} a bar, ${text}. ` +
				"Arrow keys mark a stretch, with Shift it grows, Enter filters by it" +
				(this.chip.hidden ? "." : ", Delete shows all times again.");
		}
		if (this.label.textContent !== text) this.label.textContent = text;
		this.canvas.setAttribute("aria-label", label);
	}

	drawChip(range) {
		this.chip.hidden = !range;
		if (!range) return this.chip.replaceChildren();
		const text = stretch(range.from, range.to);
		return put(
			this.chip,
			el("span", {}, text),
			button(glyph("close", 12), () => this.everything(), {
				class: "icon",
				title: "Show all times again",
				"aria-label": `Show all times again, not only ${text}`,
			}),
		);
	}

	over(event) {
		if (!this.last || this.dragging) return;
		const { start, width } = this.last;
		const i = Math.floor((this.timeAt(event.offsetX) - start) / width);
		const bucket = this.counts.buckets[i];
		this.tipNode.hidden = !bucket || !bucket.some(Boolean);
		if (this.tipNode.hidden) return;
		this.tipNode.textContent = `${timeText(start + i * width, width)} · ${this.parts(bucket)}`;
		const box = this.node.clientWidth - this.tipNode.offsetWidth - 4;
		this.tipNode.style.left = `${Math.max(4, Math.min(event.offsetX + 10, box))}px`;
	}

	down(event) {
		if (!this.last || event.button) return;
		this.dragging = true;
		this.tipNode.hidden = true;
		this.canvas.setPointerCapture(event.pointerId);
		this.brush = [event.offsetX, event.offsetX];
		const move = e => {
			this.brush[1] = Math.max(0, Math.min(this.canvas.clientWidth, e.offsetX));
			this.draw();
		};
		this.canvas.addEventListener("pointermove", move);
		this.canvas.addEventListener(
			"lostpointercapture",
			() => {
				this.canvas.removeEventListener("pointermove", move);
				this.dragging = false;
				if (!this.brush) return;
				const wide = Math.abs(this.brush[1] - this.brush[0]) >= 4;
				wide ? this.apply() : this.cancel();
			},
			{ once: true },
		);
	}

	key(event) {
		const act = actOf("bars", event);
		const step = { left: -1, right: 1, first: -Infinity, last: Infinity }[act];
		if (step && this.last) this.moveBrush(step, event.shiftKey);
		else if (act === "apply" && this.brush) this.apply();
		else if (act === "cancel" && this.brush) this.cancel();
		else if (act === "all") this.everything();
		else return;
		event.preventDefault();
		event.stopPropagation();
	}

	// By whole bars; the first press marks ten of them at the newest end.
	moveBrush(by, onlyEnd) {
		const end = this.canvas.clientWidth;
		const { pitch } = this.last;
		const old = this.brush || [end - pitch * 10, end];
		const far = Math.max(
			-Math.min(...old),
			Math.min(end - Math.max(...old), (this.brush ? by : 0) * pitch),
		);
		this.brush = onlyEnd
			? [old[0], Math.max(0, Math.min(end, old[1] + by * pitch))]
			: old.map(x => x + far);
		this.draw();
		const [a, b] = this.brushed().map(x => this.timeAt(x));
		const { start, width, buckets } = this.counts;
		const inside = buckets.filter(
			(_, i) => start + i * width >= a - 1 && start + (i + 1) * width <= b + 1,
		);
		const all = inside.reduce((s, c) => s.map((n, k) => n + c[k]), this.counts.zero());
		say(`${stretch(a, b)}: ${this.parts(all) || "none"}`);
	}

	parts(bucket) {
		return bucket
			.map((n, k) => (n ? `${count(n)} ${outcomeName(this.counts.outcomes[k])}` : ""))
			.filter(Boolean)
			.join(" · ");
	}

	cancel() {
		this.brush = null;
		this.draw();
	}

	apply() {
		const [a, b] = this.brushed().map(x => Math.max(0, Math.round(this.timeAt(x))));
		this.brush = null;
		go({ q: withTime(state.q, a, Math.max(b, a + 1)) });
	}

	everything() {
		if (this.chip.hidden) return;
		this.canvas.focus({ preventScroll: true });
		go({ q: withoutTime(state.q) });
		say("All times");
	}
}

function stretch(from, to) {
	const isWhole = [from, to].every(us => Math.abs(us - Math.round(us / 1e6) * 1e6) < 1);
	const width = isWhole ? 1e6 : (to - from) / 10;
	return `${timeText(from, width)} – ${timeText(to, width, from)}`;
}
