// SPDX-License-Identifier: GPL-2.0-or-later
// The bars over time as pixels: where which time is, and how everything is drawn.
import { el } from "./el.js";
import { ticks } from "./ticks.js";

const TOP = 16; // the line of words

export const sum = bucket => bucket.reduce((s, n) => s + n, 0);

export class Picture {
	constructor(counts) {
		this.counts = counts;
		this.brush = null; // pixels where the marked stretch begins and ends, in any order
		this.last = null; // the layout of what is drawn
	}

	// The newest bar stands at the right end.
	layout() {
		const { buckets, start, width, slots } = this.counts;
		const all = this.canvas.clientWidth;
		const pitch = all / Math.max(1, slots);
		return { x: all - buckets.length * pitch, pitch, start, width };
	}

	timeAt(x) {
		const { x: zero, pitch, start, width } = this.last;
		return start + ((x - zero) / pitch) * width;
	}

	xAt(time) {
		const { x: zero, pitch, start, width } = this.last;
		return zero + ((time - start) / width) * pitch;
	}

	// The marked stretch in pixels, to whole bars.
	brushed() {
		const { x, pitch } = this.last;
		const from = Math.floor((Math.min(...this.brush) - x) / pitch + 0.001);
		const to = Math.ceil((Math.max(...this.brush) - x) / pitch - 0.001);
		return [x + from * pitch, x + Math.max(to, from + 1) * pitch];
	}

	// Bars, axis and what is not counted; `most` is the height of all.
	paint(c, width, bottom, most) {
		const { buckets } = this.counts;
		this.drawUncounted(c, width, bottom);
		this.drawTicks(c, width, bottom);
		c.fillStyle = this.colours.line;
		c.fillRect(0, bottom, width, 1);
		const { x, pitch } = this.last;
		const bar = Math.max(1, pitch >= 4 ? pitch - 1 : pitch);
		buckets.forEach((bucket, i) =>
			this.bar(c, bucket, x + i * pitch, bar, bottom, (bottom - TOP) / most),
		);
	}

	bar(c, bucket, x, wide, bottom, unit) {
		let y = bottom;
		bucket.forEach((n, k) => {
			if (!n) return;
			const outcome = this.counts.outcomes[k];
			const tall = Math.max(1.5, n * unit);
			y -= tall;
			c.fillStyle = this.colours[outcome] || this.colours.dim;
			c.fillRect(x, y, wide, tall);
			// Incomplete is hatched, a server error is notched: told apart without colour.
			c.fillStyle = this.colours.ground;
			if (outcome === "incomplete")
				for (let line = y + 1; line < y + tall; line += 3) c.fillRect(x, line, wide, 1);
			if (outcome === "server_error" && wide >= 3)
				c.fillRect(x + Math.floor(wide / 2), y, 1, tall);
		});
	}

	// Where the search ran out of its time before it had looked at everything.
	drawUncounted(c, width, bottom) {
		if (!this.counts.whole) return;
		const end = Math.min(width, this.xAt(this.counts.whole));
		c.save();
		c.beginPath();
		c.rect(0, TOP, end, bottom - TOP);
		c.clip();
		c.strokeStyle = this.colours.line;
		c.lineWidth = 2;
		c.beginPath();
		for (let x = -bottom; x < end; x += 8) {
			c.moveTo(x, bottom);
			c.lineTo(x + bottom, 0);
		}
		c.stroke();
		c.restore();
	}

	drawTicks(c, width, bottom) {
		const { pitch, width: step } = this.last;
		const from = Math.max(this.timeAt(0), this.last.start);
		c.font = `11px ${this.colours.font}`;
		c.textBaseline = "top";
		const words = Math.max(this.label.offsetWidth + 20, 12);
		const end = this.chip.hidden ? width - 4 : this.chip.offsetLeft - 8;
		for (const tick of ticks(from, this.timeAt(width), (110 / pitch) * step)) {
			const x = Math.round(this.xAt(tick.time));
			c.fillStyle = this.colours.line;
			c.fillRect(x, TOP, 1, bottom - TOP);
			if (x < words || x + c.measureText(tick.text).width + 4 > end) continue;
			c.fillRect(x, 0, 1, TOP);
			c.fillStyle = this.colours.dim;
			c.fillText(tick.text, x + 4, 3);
		}
	}

	drawBrush(c, width, height) {
		const [a, b] = this.brushed();
		c.fillStyle = this.colours.brush;
		c.fillRect(a, 0, Math.max(1, b - a), height);
		c.fillStyle = this.colours.accent;
		c.fillRect(a, 0, 1, height);
		c.fillRect(b - 1, 0, 1, height);
	}

	// A canvas takes no light-dark(): let an element resolve each colour.
	readColours() {
		const probe = el("i");
		this.node.append(probe);
		const get = name => {
			probe.style.color = `var(${name})`;
			return getComputedStyle(probe).color;
		};
		const colours = {
			ok: get("--bar-ok"),
			client_error: get("--bar-client"),
			server_error: get("--bar-server"),
			incomplete: get("--bar-incomplete"),
			line: get("--line"),
			dim: get("--dim"),
			ground: get("--ground"),
			brush: get("--brush"),
			accent: get("--accent"),
			font: getComputedStyle(probe).fontFamily,
		};
		probe.remove();
		return colours;
	}
}
