// SPDX-License-Identifier: GPL-2.0-or-later
// When the parts of an exchange happened, as bars on one scale and as numbers.
import { el } from "./el.js";
import { dateTime, elapsed } from "./format.js";
import { pairs } from "./table.js";

const PARTS = [
	["request_start", "request_end", "Request sent", "sent"],
	["request_end", "response_start", "Waiting for the answer", "wait"],
	["response_start", "response_end", "Answer received", "got"],
];

const NAMES = {
	request_start: "First byte of the request",
	request_end: "Last byte of the request",
	response_start: "First byte of the answer",
	response_end: "Last byte of the answer",
};

export function timingTab(panel, e, full) {
	const at = Object.fromEntries((full.events || []).map(x => [x.name, x.time_us]));
	const times = Object.values(at).filter(Number.isFinite);
	const first = Math.min(...times);
	const whole = Math.max(1, Math.max(...times) - first);
	const rows = PARTS.filter(([from, to]) => at[from] !== undefined && at[to] !== undefined);
	if (rows.length)
		panel.append(
			el(
				"div",
				{ class: "timing" },
				rows.map(([from, to, name, kind]) => {
					const bar = el("i", { class: `t-bar t-${kind}` });
					const took = Math.max(0, at[to] - at[from]);
					bar.style.left = `${((at[from] - first) / whole) * 100}%`;
					bar.style.width = `max(2px, ${(took / whole) * 100}%)`;
					return el(
						"div",
						{ class: "t-row" },
						el("span", { class: "t-name" }, name),
						el("span", { class: "t-track" }, bar),
						el("span", { class: "t-took" }, elapsed(took)),
					);
				}),
			),
		);
	panel.append(
		pairs([
			["Started", dateTime(e.time)],
			[
				"Elapsed",
				e.elapsed < 0 ? "not known: one of the ends was not seen" : elapsed(e.elapsed),
				e.elapsed < 0 ? null : { field: "elapsed_time", operator: ">=", value: e.elapsed },
			],
			...(full.events || []).map(x => [
				NAMES[x.name] || x.name,
				`${dateTime(x.time_us)}  +${elapsed(x.time_us - first) || "0 µs"}`,
			]),
		]),
	);
	panel.append(
		el(
			"p",
			{ class: "note dim" },
			"Times are taken where the program called its TLS library, " +
				"so they hold what the program saw, not when packets were on the wire.",
		),
	);
}
