// SPDX-License-Identifier: GPL-2.0-or-later
// The Status page: is anything lost, how full is the ring, how large the store, who reads.
import { el, put } from "./el.js";
import { bytes, count, size, span } from "./format.js";
import { page } from "./page.js";

const TITLES = {
	capture: "Capture",
	file: "File",
	ring: "Ring buffer",
	sessions: "Sessions",
	store: "Store",
	api: "API",
	server: "Server",
	refusals: "Refused and left out",
	tracer: "Tracer",
	wire: "Wire",
	packets: "Kept packets",
	both_ends: "Both ends on this machine",
	live: "Exchanges that go on",
};

// Where the name of a number alone does not say it.
const NAMES = {
	both_ends: {
		paired: "Told as one",
		unpaired_lost: "Told alone: records lost",
		unpaired_late: "Told alone: seen too late",
		unpaired_differ: "Told alone: bytes differ",
		unpaired_time: "Told alone: took too long",
		unpaired_ended: "Told alone: other end gone",
		unpaired_bound: "Told alone: no room to wait",
		absorbed: "Told better by the other end",
		waiting: "Wait for the other end",
		waiting_bytes: "Bytes that wait",
	},
	packets: {
		limit: "Size at most",
		packets: "Kept since the start",
		oldest_us: "Oldest",
		twice: "Seen at both ends",
		lost_ring: "Lost: ring full",
		lost_share: "Lost: past a program's share",
		lost_pending: "Lost: too many before the filter knew",
		undecided: "Left out: the filter never knew",
		lost_disk: "Lost: not written",
	},
	sessions: {
		held_bytes: "Held until told",
		held_limit_bytes: "Held at most",
		gave_way: "Let go of bodies, memory short",
		cut_short: "Told too soon, memory short",
	},
	live: {
		open: "Open now",
		refused: "Told only at their end",
		gave_way: "Told no more until their end",
		updates: "Told again",
	},
	store: { open_exchanges: "Rows still open", passed_over: "Updates passed over" },
};

function words(key) {
	const text = key.replace(/_(us|s|bytes)$/, "").replaceAll("_", " ");
	return text[0].toUpperCase() + text.slice(1);
}

const isSize = key => /bytes$|size$|^limit$|^used$|_used$/.test(key);
const isLoss = key =>
	!/^unpaired/.test(key) &&
	/dropped_(rec|byt)|gave_way|cut_short|lost|fail|error|skip|reject|bad_|full$|faults|too_deep/.test(key);

function shown(key, value) {
	if (typeof value !== "number")
		return typeof value === "object" ? JSON.stringify(value) : String(value);
	if (/_us$|^(first|last)_?time/.test(key) && value > 1e15)
		return new Date(value / 1000).toLocaleString();
	if (key === "uptime_s" || /_s$/.test(key)) return span(value);
	return isSize(key) ? size(value) : count(value);
}

function meter(label, used, whole) {
	const bar = el("i", {});
	const part = whole ? Math.min(1, used / whole) : 0;
	bar.style.width = `${part * 100}%`;
	return el(
		"div",
		{ class: `meter ${part > 0.8 ? "meter-full" : ""}` },
		el("span", {}, label),
		el("span", { class: "meter-track" }, bar),
		el("span", {}, `${(part * 100).toFixed(part < 0.1 ? 1 : 0)} %`),
	);
}

function rows(group) {
	return Object.entries(group).flatMap(([key, value]) =>
		value === "" || value === null
			? []
			: typeof value === "object" && !Array.isArray(value)
				? Object.entries(value).map(([k, v]) => [`${key}_${k}`, v])
				: [[key, value]],
	);
}

function card(key, group) {
	const list = rows(group);
	const fill =
		key === "ring" && group.size
			? meter("Full", group.used || 0, group.size)
			: key === "store" && group.max_size
				? meter("Full", group.size || 0, group.max_size)
				: null;
	return el(
		"section",
		{ class: "card" },
		el("h2", {}, TITLES[key] || words(key)),
		fill,
		el(
			"table",
			{ class: "pairs" },
			el(
				"tbody",
				{},
				list.map(([k, v]) =>
					el(
						"tr",
						{ class: isLoss(k) && v ? "loss" : "" },
						el("th", { scope: "row" }, NAMES[key]?.[k] || words(k)),
						el(
							"td",
							{
								class: typeof v === "number" ? "numeric" : "",
								title: typeof v === "number" && isSize(k) ? bytes(v) : null,
							},
							shown(k, v),
						),
					),
				),
			),
		),
	);
}

function fileVerdict(f, lost) {
	const bad = f.damage || lost;
	return el(
		"p",
		{ class: `verdict ${bad ? "bad" : "good"}` },
		el("b", {}, f.damage ? `${f.name}: ${f.damage}.` : `${f.name} is read${f.ended ? "" : ", not to its end yet"}.`),
		` ${count(f.packets)} packets, ${count(f.connections)} connections; of ${count(f.tls_connections)} with TLS ${count(f.tls_readable)} have known secrets.`,
		lost ? ` ${size(lost)} are missing in the file or could not be decrypted; entries that miss bytes say so.` : "",
	);
}

// One sentence first: is what is shown all there was?
function verdict(stats) {
	const c = stats.capture || {};
	const records = c.dropped_records || 0;
	const lost = (c.dropped_bytes || 0) + (stats.lost_bytes || 0);
	const unstored = stats.store?.lost_entries || 0;
	if (stats.store?.error || unstored)
		return el(
			"p",
			{ class: "verdict bad" },
			el(
				"b",
				{},
				unstored
					? `${count(unstored)} entries could not be stored.`
					: "The store does not take entries.",
			),
			` ${stats.store.error || ""}`,
		);
	if (stats.file) return fileVerdict(stats.file, stats.lost_bytes);
	if (!records && !lost)
		return el(
			"p",
			{ class: "verdict good" },
			el("b", {}, "Nothing lost."),
			` ${count(c.records || 0)} records, ${size(c.bytes || 0)} read${c.state === "paused" ? "; capturing is paused" : ""}.`,
		);
	return el(
		"p",
		{ class: "verdict bad" },
		el("b", {}, `${count(records)} records lost`),
		`${lost ? `, ${size(lost)} in them` : ""}. Entries that miss bytes say so. A larger ring may help: `,
		el("code", {}, "--ring-size"),
		".",
	);
}

function whose(o) {
	if (o.cgroup) return `cgroup ${o.cgroup}`;
	if (o.mount_namespace) return `mount namespace ${o.mount_namespace}`;
	return o.pid_namespace ? `user ${o.uid} of pid namespace ${o.pid_namespace}` : `user ${o.uid}`;
}

// Who was refused something, and what was not looked at: rows of a card.
function refusals(stats) {
	const shown = {};
	for (const o of stats.owners || []) {
		const refused = Object.entries(o.refused || {}).filter(([, n]) => n);
		shown[`lost by ${whose(o)}`] = [
			o.lost_records && `${count(o.lost_records)} records`,
			...refused.map(([what, n]) => `${count(n)} ${what}`),
			o.gave_way && `${count(o.gave_way)} gave way`,
		]
			.filter(Boolean)
			.join(", ");
	}
	for (const l of stats.left_out || [])
		shown[`skipped: ${l.cause}`] = `${count(l.count)}, last of ${whose(l)}`;
	return shown;
}

export default page({
	name: "status",
	path: "/api/stats",
	every: 1000,
	text: "What was taken, what was lost on the way, and what is kept.",
	draw(stats, body, aside) {
		aside.textContent = [
			stats.version && `cleartap ${stats.version}`,
			stats.uptime_s !== undefined && `up ${span(stats.uptime_s)}`,
		]
			.filter(Boolean)
			.join(" · ");
		const groups = Object.entries(stats).filter(
			([, v]) => v && typeof v === "object" && !Array.isArray(v),
		);
		const rest = Object.fromEntries(
			Object.entries(stats).filter(
				([k, v]) => !(v && typeof v === "object") && k !== "version" && k !== "uptime_s",
			),
		);
		put(
			body,
			verdict(stats),
			el(
				"div",
				{ class: "cards" },
				groups.map(([key, group]) => card(key, group)),
				Object.keys(rest).length ? card("server", rest) : null,
				Object.keys(refusals(stats)).length ? card("refusals", refusals(stats)) : null,
			),
		);
	},
});
