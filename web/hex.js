// SPDX-License-Identifier: GPL-2.0-or-later
// Bytes as offset, hex and text. Long data is drawn piece by piece as it is scrolled to.
import { button, el } from "./el.js";
import { bytes, count } from "./format.js";

const WIDTH = 16;
const PIECE = 16384;

const HEX = Array.from({ length: 256 }, (_, i) => i.toString(16).padStart(2, "0"));

// Bytes that are missing, as a hatched strip at their place.
export function gapStrip(gap) {
	const why = gap.why === "truncated" ? "not kept: over the limit for one message" : "lost here";
	return el(
		"div",
		{ class: "gap", role: "note" },
		el("span", {}, `${bytes(gap.length)} ${why}`),
		el("small", {}, ` at offset ${gap.offset.toLocaleString("en-US")}`),
	);
}

function lines(data, from, to, base) {
	const out = [];
	for (let at = from; at < to; at += WIDTH) {
		const row = data.subarray(at, Math.min(at + WIDTH, to));
		let hex = "";
		let text = "";
		row.forEach((byte, i) => {
			hex += HEX[byte] + (i === 7 ? "  " : " ");
			text += byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : "·";
		});
		out.push(
			`${(base + at).toString(16).padStart(8, "0")}  ${hex.padEnd(WIDTH * 3 + 1)} ${text}`,
		);
	}
	return out.join("\n");
}

function piece(data, from, to, base) {
	const node = el("pre", { class: "hex", tabindex: "0" });
	let at = from;
	const more = button(
		"",
		() => {
			grow();
			if (at >= to) more.remove();
		},
		{ class: "plain more" },
	);
	const grow = () => {
		const until = Math.min(at + PIECE, to);
		node.append(`${at > from ? "\n" : ""}${lines(data, at, until, base)}`);
		at = until;
		more.textContent = `Show ${count(Math.min(PIECE, to - at))} bytes more of ${count(to - at)}`;
	};
	grow();
	return at < to ? [node, more] : [node];
}

// Offsets count the bytes on the stream: what is missing is counted too.
export function hexView(data, gaps) {
	const box = el("div", { class: "hex-box" });
	let at = 0;
	let base = 0;
	for (const gap of gaps || []) {
		const until = Math.max(at, Math.min(data.length, gap.offset - base));
		if (until > at) box.append(...piece(data, at, until, base));
		box.append(gapStrip(gap));
		at = until;
		base += gap.length;
	}
	if (at < data.length) box.append(...piece(data, at, data.length, base));
	if (!data.length && !gaps?.length) box.append(el("p", { class: "dim pad" }, "No bytes."));
	return box;
}
