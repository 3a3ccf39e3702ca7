// SPDX-License-Identifier: GPL-2.0-or-later
// Marks on an axis of time, at times that a clock or a calendar would name.

const SECOND = 1e6;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const STEPS = [
	...[1, 2, 5, 10, 20, 50, 100, 200, 500].map(n => n * 1000),
	...[1, 2, 5, 10, 15, 30].map(n => n * SECOND),
	...[1, 2, 5, 10, 15, 30].map(n => n * MINUTE),
	...[1, 2, 3, 6, 12].map(n => n * HOUR),
	...[1, 2, 7, 14, 28, 91, 182, 365].map(n => n * DAY),
];
const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
const pad = (n, width = 2) => String(n).padStart(width, "0");

const day = d => `${MONTHS[d.getMonth()]} ${d.getDate()}`;

// A time as exactly as bars of `width` µs need it; with its day where that is not today's, or not
// the day of `other`.
export function timeText(us, width, other) {
	const d = new Date(us / 1000);
	let text = `${pad(d.getHours())}:${pad(d.getMinutes())}`;
	if (width < MINUTE) text += `:${pad(d.getSeconds())}`;
	if (width < SECOND) text += `.${pad(d.getMilliseconds(), 3)}`;
	const near = other === undefined ? new Date() : new Date(other / 1000);
	return d.toDateString() === near.toDateString() ? text : `${day(d)} ${text}`;
}

// Steps of an hour and more begin at midnight here, not at midnight in Greenwich.
function shift(us, step) {
	return step < HOUR ? 0 : new Date(us / 1000).getTimezoneOffset() * MINUTE;
}

// [{time, text}] between two times, at least `room` µs apart.
export function ticks(from, to, room) {
	const step = STEPS.find(s => s >= room) || Math.ceil(room / DAY) * DAY;
	const zone = shift(from, step);
	const out = [];
	for (let t = Math.ceil((from - zone) / step) * step + zone; t <= to; t += step) {
		const d = new Date(t / 1000);
		const isMidnight = !d.getHours() && !d.getMinutes() && !d.getSeconds();
		const text = step >= DAY || (step >= MINUTE && isMidnight) ? day(d) : timeText(t, step, t);
		out.push({ time: t, text });
	}
	return out;
}
