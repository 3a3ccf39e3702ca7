// SPDX-License-Identifier: GPL-2.0-or-later
// The locks and the few glyphs. The two locks differ in outline, not only in colour.
import { svg } from "./el.js";

function frame(size, ...children) {
	return svg(
		"svg",
		{
			viewBox: "0 0 16 16",
			width: size,
			height: size,
			"aria-hidden": "true",
			focusable: "false",
			fill: "none",
			stroke: "currentColor",
			"stroke-width": "1.5",
			"stroke-linecap": "round",
			"stroke-linejoin": "round",
		},
		...children,
	);
}

const LOCKS = {
	// The shackle stands off to the side, the body is an outline one can look into.
	open: [
		["path", { d: "M9.5 7V4.6a2.6 2.6 0 0 1 5.1-.7" }],
		["rect", { x: 1.8, y: 7, width: 9.6, height: 7.2, rx: 1.4 }],
	],
	// Shackle down, body solid.
	closed: [
		["path", { d: "M5 7V4.8a3 3 0 0 1 6 0V7" }],
		["rect", { x: 3, y: 7, width: 10, height: 7.2, rx: 1.4, fill: "currentColor" }],
	],
	none: [["circle", { cx: 8, cy: 8.5, r: 1.6, fill: "currentColor", stroke: "none" }]],
};

export function lockIcon(lock, size) {
	const parts = (LOCKS[lock] || LOCKS.none).map(([tag, attributes]) => svg(tag, attributes));
	return frame(size || 14, ...parts);
}

export function lockWhy(e) {
	if (e.protocol === "tlsx") return "A TLS handshake, as it was on the wire";
	if (e.lock === "open") return `Read in clear${e.library ? ` at ${e.library}` : ""}`;
	if (e.lock === "closed") return `Stayed encrypted${e.reason ? `: ${e.reason}` : ""}`;
	return "Not TLS: it was in clear on the wire";
}

const GLYPHS = {
	pause: "M5.5 3v10M10.5 3v10",
	play: "M5 3l8 5-8 5z",
	close: "M4 4l8 8M12 4l-8 8",
	up: "M3.5 10l4.5-4.5 4.5 4.5",
	down: "M3.5 6l4.5 4.5L12.5 6",
	left: "M10 3.5L5.5 8l4.5 4.5",
	right: "M6 3.5L10.5 8 6 12.5",
	star: "M8 2l1.8 3.8 4.2.5-3.1 2.9.8 4.1L8 11.3l-3.7 2 .8-4.1L2 6.3l4.2-.5z",
	help: "M5.4 5.6a2.6 2.6 0 1 1 3.7 2.4c-.8.4-1.1.8-1.1 1.7M8 13v.01",
	columns: "M2.5 3h11v10h-11zM6.2 3v10M9.8 3v10",
	sun:
		"M8 5.2a2.8 2.8 0 1 0 0 5.6 2.8 2.8 0 0 0 0-5.6zM8 1.5v1.3M8 13.2v1.3M1.5 8h1.3" +
		"M13.2 8h1.3M3.4 3.4l.9.9M11.7 11.7l.9.9M12.6 3.4l-.9.9M4.3 11.7l-.9.9",
	moon: "M13 9.6A5.5 5.5 0 0 1 6.4 3 5.5 5.5 0 1 0 13 9.6z",
	auto: "M8 2.5a5.5 5.5 0 1 0 0 11zM8 2.5a5.5 5.5 0 0 1 0 11",
	download: "M8 2.5v7.5M4.8 7.2L8 10.3l3.2-3.1M3 13.3h10",
	funnel: "M2.5 3h11l-4.2 5v4.5L6.7 13.5V8z",
	more: "M3.5 8h.010M8 8h.010M12.5 8h.01",
};

export function glyph(name, size) {
	return frame(size || 14, svg("path", { d: GLYPHS[name] }));
}
