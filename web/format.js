// SPDX-License-Identifier: GPL-2.0-or-later
// Numbers, times and sizes as people read them.

const pad = (n, width) => String(n).padStart(width, "0");

// The last part of a path.
export const fileName = path => path.slice(path.lastIndexOf("/") + 1);

// Microseconds since 1970 of "2026-11-21T19:10:18.123456Z"; a double holds them exactly.
export function parseTime(text) {
	const ms = Date.parse(text);
	const dot = text.indexOf(".");
	if (dot < 0) return ms * 1000;
	const digits = (text.slice(dot + 1).match(/^\d+/) || ["0"])[0];
	return Math.floor(ms / 1000) * 1e6 + Number(digits.slice(0, 6).padEnd(6, "0"));
}

export function clock(us) {
	const d = new Date(us / 1000);
	return (
		`${pad(d.getHours(), 2)}:${pad(d.getMinutes(), 2)}:${pad(d.getSeconds(), 2)}.` +
		pad(d.getMilliseconds(), 3)
	);
}

export function dateTime(us) {
	const d = new Date(us / 1000);
	return (
		`${d.getFullYear()}-${pad(d.getMonth() + 1, 2)}-${pad(d.getDate(), 2)} ${clock(us)}` +
		pad(Math.floor(us % 1000), 3)
	);
}

// RFC 3339 in UTC, to the microsecond where it needs that.
export function iso(us) {
	const text = new Date(Math.floor(us / 1000)).toISOString();
	const rest = Math.floor(us % 1000);
	return rest ? `${text.slice(0, -1)}${pad(rest, 3)}Z` : text;
}

export function ago(us, now) {
	const s = (now - us) / 1e6;
	if (s < 0.1) return "now";
	if (s < 10) return `${s.toFixed(1)} s ago`;
	if (s < 60) return `${Math.floor(s)} s ago`;
	if (s < 3600) return `${Math.floor(s / 60)} min ${Math.floor(s % 60)} s`;
	if (s < 86400) return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
	return `${Math.floor(s / 86400)} d ${Math.floor((s % 86400) / 3600)} h`;
}

// A length of time in the largest units that it fills; "2 min", not "2 min 0 s".
export function span(seconds) {
	if (!seconds) return "0 s";
	if (seconds < 1)
		return seconds < 0.001
			? `${Math.round(seconds * 1e6)} µs`
			: `${Number((seconds * 1000).toFixed(1))} ms`;
	const s = Math.round(seconds);
	const part = (n, unit, rest, small) => `${n} ${unit}${rest ? ` ${rest} ${small}` : ""}`;
	if (s < 60) return `${s} s`;
	if (s < 3600) return part(Math.floor(s / 60), "min", s % 60, "s");
	if (s < 86400) return part(Math.floor(s / 3600), "h", Math.floor((s % 3600) / 60), "min");
	return part(Math.floor(s / 86400), "d", Math.floor((s % 86400) / 3600), "h");
}

export function elapsed(us) {
	if (us === null || us === undefined || us < 0) return "";
	if (us < 1000) return `${Math.round(us)} µs`;
	if (us < 10000) return `${(us / 1000).toFixed(2)} ms`;
	if (us < 1e6) return `${(us / 1000).toFixed(us < 1e5 ? 1 : 0)} ms`;
	if (us < 6e7) return `${(us / 1e6).toFixed(2)} s`;
	return span(us / 1e6);
}

// A clock that runs: "9 s", "1:36", "2:05:09".
export function running(us) {
	const s = Math.floor(us / 1e6);
	if (s < 60) return `${s} s`;
	const [h, min] = [Math.floor(s / 3600), Math.floor(s / 60) % 60];
	return h ? `${h}:${pad(min, 2)}:${pad(s % 60, 2)}` : `${min}:${pad(s % 60, 2)}`;
}

export function size(bytes) {
	if (bytes === null || bytes === undefined) return "";
	if (bytes < 1000) return `${bytes} B`;
	const units = ["kB", "MB", "GB", "TB", "PB"];
	let value = bytes;
	let unit = -1;
	while (value >= 999.5 && unit < units.length - 1) {
		value /= 1000;
		unit++;
	}
	return `${value < 9.995 ? value.toFixed(2) : value < 99.95 ? value.toFixed(1) : value.toFixed(0)} ${units[unit]}`;
}

const grouped = new Intl.NumberFormat("en-US");

export function count(n) {
	return grouped.format(n);
}

export function bytes(n) {
	return `${grouped.format(n)} ${n === 1 ? "byte" : "bytes"}`;
}

export function plural(n, one, many) {
	return `${grouped.format(n)} ${n === 1 ? one : many || `${one}s`}`;
}

export function rate(n) {
	return n >= 100 ? grouped.format(Math.round(n)) : n >= 10 ? n.toFixed(0) : n.toFixed(n ? 1 : 0);
}

// Keep both ends of a long text: its start says where, its end says what.
export function middle(text, room) {
	if (text.length <= room || room < 5) return text;
	const tail = Math.floor((room - 1) / 2);
	return `${text.slice(0, room - 1 - tail)}…${text.slice(text.length - tail)}`;
}

export function end(side) {
	const host = side.pod || side.process || side.name || "";
	const ip = side.ip.includes(":") ? `[${side.ip}]` : side.ip;
	const address = side.ip ? (side.port ? `${ip}:${side.port}` : ip) : "unknown";
	return { host, address };
}
