// SPDX-License-Identifier: GPL-2.0-or-later
// When the parts of an exchange happened, as bars on one scale and as numbers; and how long it took
// at each end, where both were read.
import { el } from "./el.js";
import { lasted } from "./entry.js";
import { dateTime, elapsed } from "./format.js";
import { pairs } from "./table.js";

const PARTS = [
	["request_start", "request_end", "Request sent", "sent"],
	["request_end", "response_start", "Waiting for the answer", "wait"],
	["response_start", "response_end", "Answer received", "got"],
];

const NO_BREAK = "\u00a0";

const NAMES = {
	request_start: "First byte of the request",
	request_end: "Last byte of the request",
	response_start: "First byte of the answer",
	response_end: "Last byte of the answer",
};

// One bar from `from` to `to` of a whole of the same unit.
function row(name, kind, from, to, whole) {
	const bar = el("i", { class: `t-bar t-${kind}` });
	bar.style.left = `${(from / whole) * 100}%`;
	bar.style.width = `max(2px, ${(Math.max(0, to - from) / whole) * 100}%)`;
	return el(
		"div",
		{ class: "t-row" },
		el("span", { class: "t-name" }, name),
		el("span", { class: "t-track" }, bar),
		el("span", { class: "t-took" }, elapsed(Math.max(0, to - from))),
	);
}

function parts(at, first, whole) {
	return PARTS.filter(([from, to]) => at[from] !== undefined && at[to] !== undefined).map(
		([from, to, name, kind]) => row(name, kind, at[from] - first, at[to] - first, whole),
	);
}

// The client's time holds the server's: when within it that was is not known, so it is drawn in the
// middle, and what is left over was spent between the ends.
function ends(e) {
	if (e.ends !== "both" || e.server_elapsed < 0 || e.elapsed < 0) return [];
	const whole = Math.max(1, e.elapsed, e.server_elapsed);
	const left = Math.max(0, (whole - e.server_elapsed) / 2);
	return [
		el("h3", {}, "At both ends"),
		el(
			"div",
			{ class: "timing" },
			row("The client waited", "client", 0, e.elapsed, whole),
			row("The server took", "server", left, left + e.server_elapsed, whole),
		),
	];
}

function took(e) {
	if (e.open) return `${elapsed(lasted(e))} so far: it goes on`;
	return e.elapsed < 0 ? "not known: one of the ends was not seen" : elapsed(e.elapsed);
}

const longer = (field, us) => (us < 0 ? null : { field, operator: ">=", value: us });

function between(e) {
	const us = e.elapsed - e.server_elapsed;
	if (e.ends !== "both" || e.elapsed < 0 || e.server_elapsed < 0) return "";
	return us < 0 ? "not known: the server took longer than the client waited" : elapsed(us);
}

export function timingTab(panel, e, full) {
	const at = Object.fromEntries((full.events || []).map(x => [x.name, x.time_us]));
	const times = Object.values(at).filter(Number.isFinite);
	const first = Math.min(...times);
	const bars = parts(at, first, Math.max(1, Math.max(...times) - first));
	if (bars.length) panel.append(el("div", { class: "timing" }, bars));
	panel.append(...ends(e));
	panel.append(
		pairs([
			["Started", dateTime(e.time)],
			[
				e.server_elapsed < 0 ? "Elapsed" : "Elapsed at the client",
				took(e),
				e.open ? { flag: "open" } : longer("elapsed_time", e.elapsed),
			],
			[
				"Elapsed at the server",
				e.server_elapsed < 0 ? "" : elapsed(e.server_elapsed),
				longer("server_elapsed_time", e.server_elapsed),
			],
			["Between the ends", between(e)],
			...(full.events || []).map(x => [
				NAMES[x.name] || x.name,
				`${dateTime(x.time_us)} +${elapsed(x.time_us - first).replace(" ", NO_BREAK)}`,
			]),
		]),
		el(
			"p",
			{ class: "note dim" },
			"Times are taken where the program called its TLS library, " +
				"so they hold what the program saw, not when packets were on the wire.",
		),
	);
}
