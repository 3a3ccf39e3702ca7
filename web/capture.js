// SPDX-License-Identifier: GPL-2.0-or-later
// Is it live? The pill in the bar: rate, paused, reconnecting; and the switch that pauses. Where a
// file is read, its name instead.
import { ApiError, postJSON } from "./api.js";
import { el, say, toast } from "./el.js";
import { fileName, rate } from "./format.js";
import { glyph } from "./icons.js";

export const capture = { paused: false, link: "connecting", rate: 0, stats: null, file: null };

// What the server said before it heard of the switch may come after its answer to it.
const SETTLE_MS = 2000;

const listeners = new Set();
let switched = -Infinity;
let pill, text, icon;

export function subscribe(listener) {
	listeners.add(listener);
}

export function build() {
	icon = el("span", { class: "pill-icon", "aria-hidden": "true" });
	text = document.createTextNode("");
	pill = el(
		"button",
		{ type: "button", class: "pill", onclick: toggle, id: "pill" },
		icon,
		el("span", {}, text),
	);
	draw();
	return pill;
}

function fileWords({ name, size, read_bytes, ended }) {
	return fileName(name) + (ended || !size ? "" : ` ${Math.floor((100 * read_bytes) / size)} %`);
}

function draw() {
	const { file } = capture;
	const kind =
		capture.link !== "live" ? "off" : file ? "file" : capture.paused ? "paused" : "live";
	pill.className = `pill pill-${kind}`;
	const words =
		kind === "off"
			? capture.link === "connecting"
				? "connecting"
				: "reconnecting"
			: kind === "paused"
				? "paused"
				: kind === "file"
					? fileWords(file)
					: `live ${rate(capture.rate)}/s`;
	if (pill.dataset.kind !== kind) {
		pill.dataset.kind = kind;
		icon.replaceChildren(kind === "paused" ? glyph("pause", 12) : el("i", { class: "dot" }));
	}
	text.data = words;
	pill.title =
		kind === "paused"
			? "Capturing is paused. Go on (p)"
			: kind === "live"
				? "Capturing. Pause (p)"
				: kind === "file"
					? `What is in ${file.name}; nothing is captured`
					: "The server does not answer; trying again by itself";
	if (file) pill.removeAttribute("aria-pressed");
	else pill.setAttribute("aria-pressed", capture.paused ? "true" : "false");
}

export function update(changes) {
	Object.assign(capture, changes);
	draw();
	for (const listener of listeners) listener(capture);
}

export function fromStats(stats) {
	const settled = performance.now() - switched > SETTLE_MS;
	update({
		stats,
		file: stats.file || null,
		rate: Number(stats.entries_per_second) || 0,
		paused: settled && stats.state ? stats.state === "paused" : capture.paused,
	});
}

export async function toggle() {
	if (capture.file) {
		say(`A file is read, ${capture.file.name}: there is nothing to pause`);
		return;
	}
	const wanted = capture.paused ? "running" : "paused";
	try {
		const answer = await postJSON("/api/capture", { state: wanted });
		switched = performance.now();
		update({ paused: (answer?.state || wanted) === "paused" });
		say(capture.paused ? "Capturing is paused" : "Capturing goes on");
	} catch (error) {
		const what = wanted === "paused" ? "pause" : "go on";
		toast(`Could not ${what}: ${error instanceof ApiError ? error.message : "no answer"}`);
	}
}
