// SPDX-License-Identifier: GPL-2.0-or-later
// The bars above the list: how many entries when, stacked by outcome, of the stretch of time that
// the list has loaded from its newest end. Drag, or use the arrow keys, to filter by time.
import { el } from "./el.js";
import { outcome, OUTCOMES, OUTCOME_NAMES } from "./entry.js";
import { clock, count, iso, span } from "./format.js";
import { add } from "./filter.js";
import { go, state } from "./state.js";

const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21600, 43200, 86400];
const BAR = 6; // pixels of a bar with its gap
const SECONDS_MAX = 50000; // buckets kept; older seconds are let go

export class Histogram {
	constructor() {
		this.canvas = el("canvas", { class: "histogram", tabindex: "0", role: "img" });
		this.label = el("div", { class: "histogram-label" });
		this.tipNode = el("div", { class: "histogram-tip", hidden: true });
		this.node = el("div", { class: "histogram-box" }, this.canvas, this.label, this.tipNode);
		this.clear();
		this.brush = null;
		this.canvas.addEventListener("pointerdown", event => this.down(event));
		this.canvas.addEventListener("pointermove", event => this.over(event));
		this.canvas.addEventListener("pointerleave", () => (this.tipNode.hidden = true));
		this.canvas.addEventListener("keydown", event => this.key(event));
		new ResizeObserver(() => this.schedule()).observe(this.node);
		addEventListener("themechange", () => (this.colours = null));
		matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
			this.colours = null;
			this.schedule();
		});
	}

	clear() {
		this.seconds = new Map();
		this.oldest = Infinity;
		this.newest = 0;
		this.total = 0;
		this.schedule?.();
	}

	add(entries) {
		for (const e of entries) {
			const s = Math.floor(e.time / 1e6);
			let bucket = this.seconds.get(s);
			if (!bucket) this.seconds.set(s, (bucket = [0, 0, 0, 0]));
			bucket[OUTCOMES.indexOf(outcome(e))]++;
			this.oldest = Math.min(this.oldest, s);
			this.newest = Math.max(this.newest, s);
		}
		this.total += entries.length;
		if (this.seconds.size > SECONDS_MAX) this.forget();
		this.schedule();
	}

	forget() {
		const keys = [...this.seconds.keys()].sort((a, b) => a - b);
		for (const s of keys.slice(0, keys.length - SECONDS_MAX * 0.9)) this.seconds.delete(s);
		this.oldest = keys[Math.floor(keys.length - SECONDS_MAX * 0.9)];
	}

	schedule() {
		if (this.timer) return;
		this.timer = setTimeout(() => {
			this.timer = 0;
			requestAnimationFrame(() => this.draw());
		}, 200);
	}

	// Whole steps, so that a bar keeps its entries while time goes on.
	scale() {
		const width = this.canvas.clientWidth;
		const bars = Math.max(10, Math.floor(width / BAR));
		const end = this.newest + 1;
		const need = Math.max(bars, end - this.oldest);
		const step = STEPS.find(s => s * bars >= need) || Math.ceil(need / bars / 86400) * 86400;
		const last = Math.ceil(end / step) * step;
		return { width, bars, step, from: last - bars * step, to: last };
	}

	sums(scale) {
		const out = Array.from({ length: scale.bars }, () => [0, 0, 0, 0]);
		for (const [s, bucket] of this.seconds) {
			const i = Math.floor((s - scale.from) / scale.step);
			if (i >= 0 && i < scale.bars) bucket.forEach((n, k) => (out[i][k] += n));
		}
		return out;
	}

	draw() {
		const ratio = devicePixelRatio || 1;
		const { clientWidth: width, clientHeight: height } = this.canvas;
		if (!width || !height) return;
		const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
		if (this.canvas.width !== w || this.canvas.height !== h)
			[this.canvas.width, this.canvas.height] = [w, h];
		const c = this.canvas.getContext("2d");
		c.setTransform(ratio, 0, 0, ratio, 0, 0);
		c.clearRect(0, 0, width, height);
		if (!this.total) return this.describe(null);
		this.colours = this.colours || this.readColours();
		const scale = this.scale();
		const sums = this.sums(scale);
		const most = Math.max(1, ...sums.map(b => b[0] + b[1] + b[2] + b[3]));
		const bottom = height - 1;
		c.fillStyle = this.colours.line;
		c.fillRect(0, bottom, width, 1);
		sums.forEach((bucket, i) =>
			this.bar(c, bucket, width - (scale.bars - i) * BAR, bottom, (height - 16) / most),
		);
		this.last = { scale, sums };
		if (this.brush) this.drawBrush(c, width, height);
		this.describe(scale, most);
	}

	bar(c, bucket, x, bottom, unit) {
		let y = bottom;
		bucket.forEach((n, k) => {
			if (!n) return;
			const tall = Math.max(1.5, n * unit);
			y -= tall;
			c.fillStyle = this.colours[OUTCOMES[k]];
			c.fillRect(x, y, BAR - 1, tall);
			// Incomplete is hatched, a server error is notched: told apart without colour.
			c.fillStyle = this.colours.ground;
			if (OUTCOMES[k] === "incomplete")
				for (let line = y + 1; line < y + tall; line += 3) c.fillRect(x, line, BAR - 1, 1);
			if (OUTCOMES[k] === "server") c.fillRect(x + 2, y, 1, tall);
		});
	}

	drawBrush(c, width, height) {
		const [a, b] = [Math.min(...this.brush), Math.max(...this.brush)];
		c.fillStyle = this.colours.brush;
		c.fillRect(a, 0, Math.max(1, b - a), height);
		c.fillStyle = this.colours.accent;
		c.fillRect(a, 0, 1, height);
		c.fillRect(b, 0, 1, height);
	}

	readColours() {
		const style = getComputedStyle(this.canvas);
		const get = name => style.getPropertyValue(name).trim();
		return {
			ok: get("--bar-ok"),
			client: get("--bar-client"),
			server: get("--bar-server"),
			incomplete: get("--bar-incomplete"),
			line: get("--line"),
			ground: get("--ground"),
			brush: get("--brush"),
			accent: get("--accent"),
		};
	}

	describe(scale, most) {
		if (!scale) {
			this.label.textContent = "";
			this.canvas.setAttribute("aria-label", "No entries over time yet");
			return;
		}
		const text = `${span(this.newest + 1 - this.oldest)} · ${count(this.total)} newest · peak ${count(most)} in ${span(scale.step)}`;
		if (this.label.textContent !== text) this.label.textContent = text;
		this.canvas.setAttribute(
			"aria-label",
			`Entries over time: ${text}. Arrow keys mark a stretch, Enter filters by it.`,
		);
	}

	timeAt(x) {
		const { scale } = this.last;
		return scale.from + ((x - (scale.width - scale.bars * BAR)) / BAR) * scale.step;
	}

	over(event) {
		if (!this.last || this.dragging) return;
		const { scale, sums } = this.last;
		const i = Math.floor((this.timeAt(event.offsetX) - scale.from) / scale.step);
		const bucket = sums[i];
		this.tipNode.hidden = !bucket || !bucket.some(Boolean);
		if (this.tipNode.hidden) return;
		const parts = OUTCOMES.map((k, n) =>
			bucket[n] ? `${count(bucket[n])} ${OUTCOME_NAMES[k]}` : "",
		).filter(Boolean);
		this.tipNode.textContent = `${clock((scale.from + i * scale.step) * 1e6).slice(0, 8)} · ${parts.join(" · ")}`;
		const box = this.node.clientWidth - this.tipNode.offsetWidth - 4;
		this.tipNode.style.left = `${Math.max(4, Math.min(event.offsetX + 10, box))}px`;
	}

	down(event) {
		if (!this.last || event.button) return;
		this.dragging = true;
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
				const wide = Math.abs(this.brush[1] - this.brush[0]) >= 4;
				wide ? this.apply() : this.cancel();
			},
			{ once: true },
		);
	}

	key(event) {
		const step = { ArrowLeft: -BAR, ArrowRight: BAR }[event.key];
		if (step && this.last) {
			const end = this.canvas.clientWidth;
			this.brush = this.brush || [end - BAR * 10, end];
			const edge = event.shiftKey ? [1] : [0, 1];
			for (const k of edge) this.brush[k] = Math.max(0, Math.min(end, this.brush[k] + step));
			this.draw();
		} else if (event.key === "Enter" && this.brush) {
			this.apply();
		} else if (event.key === "Escape" && this.brush) {
			this.cancel();
		} else {
			return;
		}
		event.preventDefault();
		event.stopPropagation();
	}

	cancel() {
		this.brush = null;
		this.draw();
	}

	apply() {
		const [a, b] = [this.timeAt(Math.min(...this.brush)), this.timeAt(Math.max(...this.brush))];
		this.brush = null;
		const rest = state.q
			.split(/\s+and\s+/)
			.filter(t => !/^timestamp (>=|<) timestamp\("[^"]*"\)$/.test(t.trim()));
		const piece = `timestamp >= timestamp("${iso(a * 1e6)}") and timestamp < timestamp("${iso(b * 1e6)}")`;
		go({ q: add(rest.join(" and "), piece) });
	}
}
